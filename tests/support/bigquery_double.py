"""BigQuery's REST API as far as its client needs it here, with real answers to queries.

Written from the public description of the API; `tests/test_bigquery_double.py` holds it to it.
Queries run on DuckDB after sqlglot has said them in its words, so that numbers are right and a
wrong name is refused; a dry run counts the bytes of the columns that a query names, at eight for
each value.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp
from tests.support.loopback import Answer, Loopback, Request

_NATIVE = {"INTEGER": "BIGINT", "FLOAT": "DOUBLE", "STRING": "VARCHAR", "BOOLEAN": "BOOLEAN",
           "NUMERIC": "DECIMAL(38,9)", "TIMESTAMP": "TIMESTAMP", "DATE": "DATE",
           "DATETIME": "TIMESTAMP", "BYTES": "BLOB", "JSON": "VARCHAR"}  # fmt: skip


def column(name: str, kind: str = "STRING", mode: str = "NULLABLE", **more: Any) -> dict[str, Any]:
    """A field as the API has it; `fields` and `policyTags` go into `more`."""
    return {"name": name, "type": kind, "mode": mode, **more}


@dataclass
class Job:
    number: str
    sql: str
    location: str
    cap: int | None
    is_dry: bool
    labels: dict[str, str]
    columns: list[dict[str, Any]] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    bytes: int = 0
    error: tuple[str, str] | None = None
    hangs: bool = False
    stopped: bool = False


class BigqueryDouble:
    """Projects with datasets and tables in memory. `page` is the most items in one answer."""

    def __init__(self, project: str = "proj", page: int = 1000) -> None:
        self.project = project
        self.page = page
        self.datasets: dict[str, dict[str, dict[str, Any]]] = {}
        self.rows: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
        self.jobs: dict[str, Job] = {}
        self.hanging: str | None = None
        """Queries that contain this text go on until somebody cancels them."""
        self._lock = threading.Lock()
        self.server = Loopback(self._handle)

    def table(
        self,
        path: str,
        fields: Sequence[dict[str, Any]],
        rows: Sequence[tuple[Any, ...]] = (),
        kind: str = "TABLE",
        **more: Any,
    ) -> None:
        """Make a table; `more` are keys of the table's resource."""
        dataset, name = path.split(".")
        count = more.pop("numRows", str(len(rows)))
        self.datasets.setdefault(dataset, {})[name] = {
            "kind": "bigquery#table",
            "id": f"{self.project}:{dataset}.{name}",
            "tableReference": {
                "projectId": self.project,
                "datasetId": dataset,
                "tableId": name,
            },
            "type": kind,
            "schema": {"fields": list(fields)},
            "numRows": count,
            "numBytes": str(int(count) * 8 * max(1, len(fields))),
            "creationTime": "1700000000000",
            "lastModifiedTime": "1700000100000",
            "location": "US",
            "etag": f"etag-{name}",
            **more,
        }
        self.rows[dataset, name] = list(rows)

    def _handle(self, request: Request) -> Answer:
        prefix = r"/bigquery/v2/projects/([^/]+)"
        routes = (
            ("GET", r"/datasets", self._list_datasets),
            ("GET", r"/datasets/([^/]+)", self._dataset),
            ("GET", r"/datasets/([^/]+)/tables", self._list_tables),
            ("GET", r"/datasets/([^/]+)/tables/([^/]+)", self._table),
            ("POST", r"/jobs", self._insert),
            ("GET", r"/jobs/([^/]+)", self._job),
            ("POST", r"/jobs/([^/]+)/cancel", self._cancel),
            ("GET", r"/queries/([^/]+)", self._results),
            ("POST", r":testIamPermissions", self._permissions),
        )
        for method, pattern, answer in routes:
            match = re.fullmatch(prefix + pattern, request.path)
            if match and method == request.method:
                if match[1] != self.project:
                    return Answer.error(404, "notFound", f"Not found: Project {match[1]}")
                return answer(request, *match.groups()[1:])
        return Answer.error(404, "notFound", f"no such route: {request.method} {request.path}")

    def _page(self, request: Request, names: list[str]) -> tuple[list[str], dict[str, Any]]:
        size = min(int(request.query.get("maxResults") or self.page), self.page)
        start = int(request.query.get("pageToken") or 0)
        more = {"nextPageToken": str(start + size)} if start + size < len(names) else {}
        return names[start : start + size], more

    def _list_datasets(self, request: Request) -> Answer:
        names, more = self._page(request, sorted(self.datasets))
        found = [
            {
                "kind": "bigquery#dataset",
                "id": f"{self.project}:{name}",
                "datasetReference": {"projectId": self.project, "datasetId": name},
                "location": "US",
            }
            for name in names
        ]
        return Answer.of({"kind": "bigquery#datasetList", "datasets": found, **more})

    def _dataset(self, request: Request, dataset: str) -> Answer:
        if dataset not in self.datasets:
            return self._no_dataset(dataset)
        return Answer.of(
            {
                "kind": "bigquery#dataset",
                "datasetReference": {"projectId": self.project, "datasetId": dataset},
                "location": "US",
            }
        )

    def _list_tables(self, request: Request, dataset: str) -> Answer:
        if dataset not in self.datasets:
            return self._no_dataset(dataset)
        tables = self.datasets[dataset]
        names, more = self._page(request, sorted(tables))
        keys = ("kind", "id", "tableReference", "type", "labels", "timePartitioning", "clustering")
        listed = [{key: tables[name][key] for key in keys if key in tables[name]} for name in names]
        return Answer.of(
            {
                "kind": "bigquery#tableList",
                "tables": listed,
                "totalItems": len(tables),
                **more,
            }
        )

    def _table(self, request: Request, dataset: str, name: str) -> Answer:
        found = self.datasets.get(dataset, {}).get(name)
        if found is None:
            what = f"Table {self.project}:{dataset}.{name}"
            return Answer.error(404, "notFound", f"Not found: {what}")
        return Answer.of(found)

    def _no_dataset(self, dataset: str) -> Answer:
        return Answer.error(404, "notFound", f"Not found: Dataset {self.project}:{dataset}")

    def _permissions(self, request: Request) -> Answer:
        return Answer.of({"permissions": request.json.get("permissions", [])})

    # Jobs

    def _insert(self, request: Request) -> Answer:
        body = request.json
        settings = body["configuration"]["query"]
        cap = settings.get("maximumBytesBilled")
        is_dry = bool(body["configuration"].get("dryRun"))
        with self._lock:
            number = body.get("jobReference", {}).get("jobId") or f"job{len(self.jobs)}"
            if number in self.jobs:
                return Answer.error(409, "duplicate", f"Already Exists: Job {number}")
            job = Job(
                number,
                settings["query"],
                body.get("jobReference", {}).get("location") or "US",
                int(cap) if cap else None,
                is_dry,
                body["configuration"].get("labels", {}),
            )
            self.jobs[number] = job
        if self.hanging and self.hanging in job.sql and not is_dry:
            job.hangs = True
        else:
            self._run(job)
        if job.error is not None and (is_dry or job.error[0] == "invalidQuery"):
            return Answer.error(404 if job.error[0] == "notFound" else 400, *job.error)
        return Answer.of(self._resource(job))

    def _job(self, request: Request, number: str) -> Answer:
        return Answer.of(self._resource(self.jobs[number]))

    def _cancel(self, request: Request, number: str) -> Answer:
        job = self.jobs[number]
        if job.hangs:
            job.hangs, job.stopped = False, True
            job.error = "stopped", "Job execution was cancelled: User requested cancellation"
        return Answer.of({"kind": "bigquery#jobCancelResponse", "job": self._resource(job)})

    def _results(self, request: Request, number: str) -> Answer:
        job = self.jobs[number]
        reference = {"projectId": self.project, "jobId": number, "location": job.location}
        if job.hangs:
            return Answer.of({"jobComplete": False, "jobReference": reference})
        if job.error is not None:
            status = {"notFound": 404, "accessDenied": 403}.get(job.error[0], 400)
            return Answer.error(status, *job.error)
        size = int(request.query.get("maxResults") or self.page)
        start = int(request.query.get("pageToken") or request.query.get("startIndex") or 0)
        rows = job.rows[start : start + size]
        answer: dict[str, Any] = {
            "kind": "bigquery#getQueryResultsResponse",
            "jobComplete": True,
            "jobReference": reference,
            "schema": {"fields": job.columns},
            "totalRows": str(len(job.rows)),
            "totalBytesProcessed": str(job.bytes),
        }
        if size:
            # Who only asks whether the job is done gets no rows, not even an empty list.
            answer["rows"] = [{"f": [{"v": _wire(value)} for value in row]} for row in rows]
        if size and start + size < len(job.rows):
            answer["pageToken"] = str(start + size)
        return Answer.of(answer)

    def _resource(self, job: Job) -> dict[str, Any]:
        status: dict[str, Any] = {"state": "RUNNING" if job.hangs else "DONE"}
        if job.error is not None:
            error = {"reason": job.error[0], "message": job.error[1]}
            status |= {"errorResult": error, "errors": [error]}
        reference = {"projectId": self.project, "jobId": job.number, "location": job.location}
        query: dict[str, Any] = {
            "statementType": "SELECT",
            "totalBytesProcessed": str(job.bytes),
            "totalBytesBilled": "0" if job.is_dry else str(max(job.bytes, 10 * 1024 * 1024)),
            "schema": {"fields": job.columns},
        }
        return {
            "kind": "bigquery#job",
            "id": f"{self.project}:{job.location}.{job.number}",
            "jobReference": reference,
            "configuration": {
                "jobType": "QUERY",
                "dryRun": job.is_dry,
                "labels": job.labels,
                "query": {"query": job.sql, "useLegacySql": False},
            },
            "status": status,
            "statistics": {"totalBytesProcessed": str(job.bytes), "query": query},
        }

    def _run(self, job: Job) -> None:
        try:
            tree = sqlglot.parse_one(job.sql, read="bigquery")
        except sqlglot.errors.SqlglotError:
            job.error = "invalidQuery", "Syntax error: Unexpected end of statement at [1:1]"
            return
        with duckdb.connect() as connection:
            for table in list(tree.find_all(exp.Table)):
                if not table.db:
                    continue
                problem = self._load(connection, job, tree, table)
                if problem is not None:
                    job.error = problem
                    return
            if job.cap is not None and job.bytes > job.cap and not job.is_dry:
                job.error = (
                    "bytesBilledLimitExceeded",
                    f"Query exceeded limit for bytes billed: {job.cap}. "
                    f"{max(job.bytes, 10485760)} or higher required.",
                )
                return
            try:
                done = connection.execute(tree.sql("duckdb"))
                job.columns = [
                    column(name, _standard(str(kind))) for name, kind, *_ in done.description or ()
                ]
                if not job.is_dry:
                    job.rows = done.fetchall()
            except duckdb.Error as error:
                job.error = "invalidQuery", _words(str(error), job.sql)

    def _load(
        self, connection: duckdb.DuckDBPyConnection, job: Job, tree: exp.Expr, table: exp.Table
    ) -> tuple[str, str] | None:
        dataset, name = table.db, table.name
        tables = self.datasets.get(dataset, {})
        matching = [t for t in sorted(tables) if t == name]
        if name.endswith("*"):
            matching = [t for t in sorted(tables) if t.startswith(name[:-1])]
        if table.catalog not in ("", self.project) or not matching:
            where = f"{table.catalog or self.project}:{dataset}.{name}"
            return "notFound", f"Not found: Table {where} was not found in location US"
        fields = tables[matching[0]]["schema"]["fields"]
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{dataset}"')
        definition = ", ".join(f'"{each["name"]}" {_duck(each)}' for each in fields)
        suffix = ", _TABLE_SUFFIX VARCHAR" if name.endswith("*") else ""
        target = f'"{dataset}"."{name}"'
        connection.execute(f"CREATE TABLE IF NOT EXISTS {target} ({definition}{suffix})")
        mentioned = {each.name for each in tree.find_all(exp.Column)}
        for each in matching:
            named = sum(1 for one in fields if one["name"] in mentioned or tree.find(exp.Star))
            job.bytes += int(tables[each]["numRows"]) * 8 * named
            for row in self.rows[dataset, each]:
                values = [*row, each[len(name) - 1 :]] if suffix else list(row)
                marks = ", ".join("?" * len(values))
                connection.execute(f"INSERT INTO {target} VALUES ({marks})", values)
        table.set("catalog", None)
        return None


def _duck(each: dict[str, Any]) -> str:
    kind = each["type"]
    if kind in ("RECORD", "STRUCT"):
        inner = ", ".join(f'"{one["name"]}" {_duck(one)}' for one in each["fields"])
        text = f"STRUCT({inner})"
    else:
        text = _NATIVE[kind]
    return f"{text}[]" if each.get("mode") == "REPEATED" else text


def _standard(kind: str) -> str:
    upper = kind.upper()
    if "DECIMAL" in upper:
        return "NUMERIC"
    names = {"BIGINT": "INTEGER", "INTEGER": "INTEGER", "NUMBER": "INTEGER", "HUGEINT": "INTEGER",
             "DOUBLE": "FLOAT", "FLOAT": "FLOAT", "BOOLEAN": "BOOLEAN", "BOOL": "BOOLEAN",
             "DATE": "DATE", "TIMESTAMP": "DATETIME", "DATETIME": "DATETIME"}  # fmt: skip
    return names.get(upper, "STRING")


def _wire(value: Any) -> Any:
    """As the API writes values: everything is a text."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _words(message: str, sql: str) -> str:
    match = re.search(r'(?:Referenced column|column named) "([^"]+)"', message)
    if match:
        at = sql.find(match[1])
        line = sql.count("\n", 0, at) + 1
        start = at - (sql.rfind("\n", 0, at) + 1) + 1
        return f"Unrecognized name: {match[1]} at [{line}:{start}]"
    return " ".join(message.split())


@contextmanager
def bigquery(monkeypatch: pytest.MonkeyPatch, **how: Any) -> Iterator[BigqueryDouble]:
    """The double, running, with the real client pointed at it by the usual variable."""
    double = BigqueryDouble(**how)
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", double.server.url)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", double.project)
    with double.server.running():
        yield double
