"""One collection from end to end: the real BigQuery client over loopback, DuckDB, PostgreSQL."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.support import engines as real
from tests.support.bigquery_double import BigqueryDouble, bigquery, column
from tests.support.gcs_double import gcs

from smq.catalog import Known
from smq.catalog.read import read_cache
from smq.workspace.configuration import (
    BigquerySettings,
    Configuration,
    DuckdbSettings,
    EngineSettings,
    MetasyncSettings,
    PostgresSettings,
)
from smq_metasync import transport
from smq_metasync.examples import Candidate
from smq_metasync.plan import Plan, plan_of
from smq_metasync.service import Given, Outcome, SyncError, sync
from smq_metasync.sources import Source, open_source
from smq_metasync.stores import Store, Stored, open_store
from smq_schemas import schema


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[BigqueryDouble]:
    with bigquery(monkeypatch, page=3) as found:
        yield found


def shop(double: BigqueryDouble) -> None:
    double.table(
        "shop.orders",
        [
            column("id", "INTEGER", "REQUIRED", description="주문번호"),
            column("status"),
            column("at", "TIMESTAMP"),
            column("email", policyTags={"names": ["taxonomies/pii"]}),
            column(
                "items",
                "RECORD",
                "REPEATED",
                fields=[column("sku", mode="REQUIRED"),
                        column("price", "RECORD", fields=[column("net", "NUMERIC")])],
            ),
        ],
        numRows="1000",
        description="Orders",
        labels={"team": "sales"},
        timePartitioning={"type": "DAY", "field": "at", "expirationMs": "86400000"},
        clustering={"fields": ["status"]},
        requirePartitionFilter=True,
        tableConstraints={
            "primaryKey": {"columns": ["id"]},
            "foreignKeys": [
                {
                    "name": "f",
                    "referencedTable": {
                        "projectId": "proj", "datasetId": "shop", "tableId": "customers"
                    },
                    "columnReferences": [
                        {"referencingColumn": "status", "referencedColumn": "code"}
                    ],
                }
            ],
        },
    )  # fmt: skip
    double.table("shop.open_orders", [column("id", "INTEGER")], kind="VIEW",
                 view={"query": "SELECT 1", "useLegacySql": False})  # fmt: skip
    for day in ("20240101", "20240102", "20240103"):
        double.table(f"shop.events_{day}", [column("n", "INTEGER"), column("name")])
        double.table(f"shop.events_intraday_{day}", [column("n", "INTEGER")])
    double.table("shop.events_20241301", [column("n", "INTEGER")])
    double.table("finance.ledger", [column("amount", "NUMERIC")], numRows="10")


def plan(directory: Path, environ: Mapping[str, str] | None = None, **settings: Any) -> Plan:
    configuration = Configuration(
        dialect="bigquery",
        engine=EngineSettings("bigquery", bigquery=BigquerySettings("proj")),
        metasync=MetasyncSettings(**settings),
    )
    found = plan_of(configuration, directory, environ or {})
    return replace(found, environ={**os.environ, **(environ or {})})


def collect(made: Plan, given: Given | None = None, **how: Any) -> tuple[Outcome, dict[str, Any]]:
    store = open_store(made.location, made.directory)
    outcome = sync(made, store, given, **how)
    return outcome, published(store)


def published(store: Store) -> dict[str, Any]:
    found = store.read()
    assert isinstance(found, Stored)
    value: dict[str, Any] = json.loads(found.data)
    jsonschema.Draft202012Validator(schema("metadata-cache")).validate(value)
    return value


def known(document: Mapping[str, Any]) -> Known:
    found = read_cache(json.dumps(document).encode())
    assert isinstance(found, Known)
    return found


# What is collected.


def test_bigquery_tables_with_all_that_the_api_says(double: BigqueryDouble, tmp_path: Path) -> None:
    shop(double)
    outcome, document = collect(plan(tmp_path))
    catalogue = known(document)
    assert [".".join(parts) for parts in catalogue.names] == [
        "proj.finance.ledger",
        "proj.shop.events_*",
        "proj.shop.events_20241301",
        "proj.shop.events_intraday_*",
        "proj.shop.open_orders",
        "proj.shop.orders",
    ]
    orders = catalogue.table(("shop", "orders"))
    assert orders is not None
    assert [(c.name, c.type, c.mode) for c in orders.columns] == [
        ("id", "INT64", "REQUIRED"),
        ("status", "STRING", "NULLABLE"),
        ("at", "TIMESTAMP", "NULLABLE"),
        ("email", "STRING", "NULLABLE"),
        ("items", "STRUCT", "REPEATED"),
        ("items.sku", "STRING", "REQUIRED"),
        ("items.price", "STRUCT", "NULLABLE"),
        ("items.price.net", "NUMERIC", "NULLABLE"),
    ]
    assert (orders.rows, orders.labels, orders.description) == (1000, {"team": "sales"}, "Orders")
    assert (orders.partitioning, orders.clustering) == (("at",), ("status",))
    assert orders.needs_partition_filter
    assert (orders.primary_key, orders.foreign_keys[0].table) == (
        ("id",),
        ("proj", "shop", "customers"),
    )
    assert orders.columns[3].policy_tags == ("taxonomies/pii",)
    view = catalogue.table(("shop", "open_orders"))
    assert view is not None
    assert (view.kind, view.rows) == ("view", None)
    assert document["source"]["complete"] == ["proj.finance", "proj.shop"]
    assert (outcome.updated, outcome.tables, outcome.stale, outcome.warnings) == (True, 6, 0, ())


def test_shards_are_collected_once_and_kept_as_an_abstraction(
    double: BigqueryDouble, tmp_path: Path
) -> None:
    shop(double)
    environ = {"TARGET_TABLE_ID": "proj.shop.events_20240102"}
    outcome, document = collect(plan(tmp_path, environ))
    family = known(document).table(("shop", "events_*"))
    assert family is not None
    assert family.shards is not None
    assert (family.shards.count, family.shards.start, family.shards.end) == (
        3,
        "2024-01-01",
        "2024-01-03",
    )
    assert len(double.server.requests("GET", r"/tables/events_2024010\d$")) == 1
    # What earlier readers are shown.
    assert list(document)[:6] == [
        "generated_at", "generation_method", "schema", "examples", "events_tables",
        "schema_insights",
    ]  # fmt: skip
    assert document["schema"]["table_id"] == "proj.shop.events_20240102"
    assert document["schema"]["columns"][0] == {
        "name": "n", "type": "INTEGER", "mode": "NULLABLE", "description": "",
    }  # fmt: skip
    assert document["events_tables"] == {
        "count": 3,
        "pattern": "events_YYYYMMDD",
        "date_range": {"start": "2024-01-01", "end": "2024-01-03"},
        "description": "3 tables, one for each date from 2024-01-01 to 2024-01-03",
        "example_tables": ["proj.shop.events_20240101", "proj.shop.events_20240103"],
    }
    assert outcome.columns == 2
    # Only the dataset of the table was looked at.
    assert not double.server.requests("GET", "/datasets/finance")


def test_every_query_has_a_byte_cap_and_a_label(double: BigqueryDouble, tmp_path: Path) -> None:
    double.table("shop.orders", [column("status"), column("n", "INTEGER")],
                 [("a", 1), ("a", 2), ("b", 3)])  # fmt: skip
    _, document = collect(plan(tmp_path, insights=True, maximum_bytes_billed=50_000_000))
    assert document["insights"]["proj.shop.orders"]["status"] == {
        "distinct": 2,
        "null_share": 0.0,
        "min": "a",
        "max": "b",
        "top": [{"value": "a", "count": 2}, {"value": "b", "count": 1}],
    }
    jobs = double.server.requests("POST", "/jobs$")
    assert jobs
    for each in jobs:
        configuration = each.json["configuration"]
        assert configuration["query"]["maximumBytesBilled"] == "50000000"
        assert configuration["labels"] == {"tool": "smq"}
    assert all(each["validated"] == "dry_run" for each in document["examples"])
    assert document["source"]["bytes_billed"] > 0


def test_values_of_denied_and_tagged_columns_are_in_no_query_and_no_cache(
    double: BigqueryDouble, tmp_path: Path
) -> None:
    fields = [
        column("status"),
        column("email"),
        column("phone", policyTags={"names": ["t/pii"]}),
    ]
    rows = [("open", "me@example.org", "+49-555")] * 3
    double.table("shop.orders", fields, rows)
    _, document = collect(plan(tmp_path, insights=True, deny_columns=("*.email",)))
    text = json.dumps(document)
    assert set(document["insights"]["proj.shop.orders"]) == {"status"}
    assert "me@example.org" not in text
    assert "+49-555" not in text
    runs = [r.json["configuration"] for r in double.server.requests("POST", "/jobs$")]
    asked = [each["query"]["query"] for each in runs if not each.get("dryRun")]
    assert asked
    assert not any("email" in sql or "phone" in sql for sql in asked)


def test_a_look_at_values_that_would_take_too_much_is_left_out_and_said(
    double: BigqueryDouble, tmp_path: Path
) -> None:
    double.table("shop.huge", [column("a")], kind="VIEW", numRows="90000000000")
    outcome, document = collect(plan(tmp_path, insights=True))
    assert not document.get("insights")
    assert any("are allowed" in each["message"] for each in outcome.warnings)


# Faults.


@pytest.mark.parametrize(
    ("status", "reason"),
    [(429, "rateLimitExceeded"), (500, "internalError"), (503, "backendError"),
     (403, "rateLimitExceeded")],
)  # fmt: skip
def test_transient_errors_are_retried(
    double: BigqueryDouble, tmp_path: Path, status: int, reason: str
) -> None:
    double.table("shop.orders", [column("a")])
    double.server.fault("status", "/tables/orders", status=status, reason=reason)
    double.server.fault("drop", "/datasets/shop/tables$")
    outcome, _ = collect(plan(tmp_path, dry_run=False))
    assert (outcome.tables, outcome.warnings) == (1, ())


def test_what_cannot_be_read_keeps_its_last_good_state(
    double: BigqueryDouble, tmp_path: Path
) -> None:
    double.table("shop.orders", [column("a")])
    double.table("shop.secret", [column("b")])
    double.table("finance.ledger", [column("c")])
    made = plan(tmp_path, dry_run=False)
    collect(made)
    double.server.fault("status", "/tables/secret$", status=403, reason="accessDenied", times=9)
    double.server.fault("status", "/datasets/finance/tables$", status=403,
                        reason="accessDenied", times=9)  # fmt: skip
    outcome, document = collect(made)
    tables = {each["name"]: each.get("stale", False) for each in document["tables"]}
    assert tables == {"orders": False, "secret": True, "ledger": True}
    assert (outcome.stale, len(outcome.warnings)) == (2, 2)
    assert any("roles/bigquery.metadataViewer" in w["message"] for w in outcome.warnings)
    assert {w.get("table") for w in outcome.warnings} == {"proj.shop.secret", "proj.finance"}


def test_a_table_that_is_gone_is_not_kept(double: BigqueryDouble, tmp_path: Path) -> None:
    double.table("shop.orders", [column("a")])
    double.table("shop.old", [column("b")])
    collect(plan(tmp_path))
    del double.datasets["shop"]["old"]
    outcome, document = collect(plan(tmp_path))
    assert [each["name"] for each in document["tables"]] == ["orders"]
    assert outcome.warnings == ()
    # One that is named is told about.
    outcome, _ = collect(plan(tmp_path, tables=("shop.orders", "shop.old")))
    assert [w["message"] for w in outcome.warnings] == ["there is no such table"]


def test_when_nothing_can_be_read_nothing_is_written(
    double: BigqueryDouble, tmp_path: Path
) -> None:
    double.table("shop.orders", [column("a")])
    made = plan(tmp_path)
    store = open_store(made.location, tmp_path)
    collect(made)
    before = store.read()
    double.server.fault("status", "/datasets$", status=403, reason="accessDenied", times=99)
    with pytest.raises(SyncError, match="datasets of project proj cannot be listed"):
        sync(made, store)
    double.server.faults.clear()
    double.server.fault("status", "/tables", status=403, reason="accessDenied", times=99)
    with pytest.raises(SyncError, match="nothing could be collected"):
        sync(made, store)
    assert store.read() == before


def test_a_warehouse_that_does_not_answer_ends_at_the_deadline(
    double: BigqueryDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    double.table("shop.a", [column("a")])
    double.table("shop.b", [column("a")])
    double.server.fault("slow", "/tables/b$", times=99)
    monkeypatch.setattr(transport, "CALL_SECONDS", 0.2)
    monkeypatch.setattr(transport, "RETRY_SECONDS", 0.3)
    outcome, document = collect(plan(tmp_path, dry_run=False))
    assert [each["name"] for each in document["tables"]] == ["a"]
    assert [w["table"] for w in outcome.warnings] == ["proj.shop.b"]


def test_no_more_requests_at_once_than_are_allowed(double: BigqueryDouble, tmp_path: Path) -> None:
    for number in range(40):
        double.table(f"shop.t{number}x", [column("a")])
    seen: list[tuple[int, int]] = []
    outcome, _ = collect(
        plan(tmp_path, concurrency=3, dry_run=False),
        progress=lambda done, of, _: seen.append((done, of)),
    )
    assert outcome.tables == 40
    assert double.server.busiest <= 3
    assert seen[-1] == (40, 40)


# Two at once.


class _Late:
    """A store in which somebody else writes first, once."""

    def __init__(self, inner: Store, other: Any) -> None:
        self._inner, self._other = inner, other
        self.location = inner.location

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def write(self, data: bytes, expected: str | None) -> str:
        other, self._other = self._other, None
        if other is not None:
            other()
        return self._inner.write(data, expected)


@pytest.mark.parametrize("location", ["cache.json", "gs://bucket/cache.json"])
def test_two_collectors_at_once_lose_and_mix_nothing(
    double: BigqueryDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    double.table("a.one", [column("x")])
    double.table("b.two", [column("y")])
    with gcs(monkeypatch, "bucket"):
        store = open_store(location, tmp_path)
        mine = plan(tmp_path, cache=location, tables=("a.*",), dry_run=False)
        theirs = plan(tmp_path, cache=location, tables=("b.*",), dry_run=False)
        outcomes: list[Outcome] = []
        late = _Late(store, lambda: outcomes.append(sync(theirs, store)))
        outcomes.append(sync(mine, late))
        document = published(store)
        assert [each["name"] for each in document["tables"]] == ["one", "two"]
        assert [each.updated for each in outcomes] == [True, True]
        assert len(store.snapshots()) == 2


def test_many_collectors_of_the_same_all_end_well(double: BigqueryDouble, tmp_path: Path) -> None:
    double.table("a.one", [column("x")])
    made = plan(tmp_path, dry_run=False)
    outcomes: list[Outcome] = []

    def run() -> None:
        outcomes.append(sync(made, open_store(made.location, tmp_path)))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 4
    assert [each["name"] for each in published(open_store(made.location, tmp_path))["tables"]] == [
        "one"
    ]


# What is written.


def test_an_unchanged_result_only_touches_the_time(double: BigqueryDouble, tmp_path: Path) -> None:
    double.table("shop.orders", [column("a")])
    made = plan(tmp_path)
    first, before = collect(made)
    second, after = collect(made)
    assert (first.updated, second.updated) == (True, False)
    assert before.pop("generated_at") < after.pop("generated_at")
    assert before == after
    store = open_store(made.location, tmp_path)
    assert len(store.snapshots()) == 1
    double.table("shop.orders", [column("a"), column("b")])
    third, _ = collect(made)
    assert third.updated
    assert len(store.snapshots()) == 2


def test_old_snapshots_are_forgotten(double: BigqueryDouble, tmp_path: Path) -> None:
    double.table("shop.orders", [column("a")])
    made = plan(tmp_path, snapshot_days=7)
    store = open_store(made.location, tmp_path)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    for day in (0, 5, 10):
        double.table("shop.orders", [column(f"a{day}")])
        sync(made, store, now=lambda day=day: start + timedelta(days=day))  # type: ignore[misc]
    assert [name[:10] for name in store.snapshots()] == ["2024-01-11", "2024-01-06"]


def test_unknown_keys_of_a_cache_are_kept(double: BigqueryDouble, tmp_path: Path) -> None:
    double.table("shop.orders", [column("a")])
    made = plan(tmp_path)
    store = open_store(made.location, tmp_path)
    insights = {"purpose": "주문 분석"}
    earlier = {
        "generated_at": "2025-08-14T17:00:00.123456",
        "generation_method": "llm_enhanced",
        "schema": {"table_id": "p.d.t", "columns": []},
        "examples": [],
        "events_tables": ["p.d.events_20210131"],
        "schema_insights": insights,
        "of_somebody_else": [1, {"가": None}],
    }
    store.write(json.dumps(earlier).encode(), None)
    _, document = collect(made)
    assert document["of_somebody_else"] == [1, {"가": None}]
    assert document["schema_insights"] == insights
    assert document["events_tables"]["count"] == 0


def test_a_store_with_something_else_in_it_is_replaced(
    double: BigqueryDouble, tmp_path: Path
) -> None:
    double.table("shop.orders", [column("a")])
    (tmp_path / "cache.json").write_bytes(b"{ broken")
    outcome, _ = collect(plan(tmp_path, cache="cache.json"))
    assert outcome.updated


# Examples.


def candidate(question: str, sql: str, **more: Any) -> Candidate:
    return Candidate(question, sql, more.pop("origin", "curated"), **more)


def test_examples_are_validated_before_they_are_published(
    double: BigqueryDouble, tmp_path: Path
) -> None:
    double.table("shop.orders", [column("id", "INTEGER"), column("status")], [(1, "a")])
    given = Given(
        candidates=(
            candidate("good", "SELECT status FROM `proj.shop.orders`"),
            candidate("good", "SELECT id FROM `proj.shop.orders`"),
            candidate("no table", "SELECT 1 FROM `proj.shop.nowhere`"),
            candidate("no column", "SELECT statsu FROM shop.orders", place="x.json"),
            candidate("two", "SELECT 1; SELECT 2"),
            candidate("writes", "DELETE FROM shop.orders WHERE TRUE"),
            candidate("broken", "SELECT ("),
        )
    )
    outcome, document = collect(plan(tmp_path, examples=("curated",)), given)
    (example,) = document["examples"]
    assert (example["question"], example["description"]) == ("good", "good")
    assert example["sql"] == example["sql_query"] == "SELECT status FROM `proj.shop.orders`"
    assert (example["origin"], example["validated"], example["bytes"]) == ("curated", "dry_run", 8)
    assert example["tables"] == ["proj.shop.orders"]
    reasons = [each["message"] for each in outcome.warnings]
    assert len(reasons) == 5
    assert (
        "the example 'no column' of x.json was left out: proj.shop.orders has no column "
        in (reasons[1])
    )
    assert "did it mean status?" in reasons[1]


def test_what_the_warehouse_refuses_to_plan_is_left_out(
    double: BigqueryDouble, tmp_path: Path
) -> None:
    double.table("shop.orders", [column("status")])
    double.server.fault("status", "/jobs$", status=400, reason="invalidQuery", message="No such X")
    given = Given(candidates=(candidate("q", "SELECT status FROM shop.orders"),))
    outcome, document = collect(plan(tmp_path, examples=("curated",)), given)
    assert document["examples"] == []
    assert "the warehouse says: No such X" in outcome.warnings[0]["message"]


def test_a_model_s_examples_count_as_its_own_only_when_one_was_right(
    double: BigqueryDouble, tmp_path: Path
) -> None:
    double.table("shop.orders", [column("status")])
    settings = plan(tmp_path, examples=("llm",))
    wrong = candidate("q", "SELECT nope FROM shop.orders", origin="llm")
    outcome, _ = collect(settings, Given(ask=lambda known, most: [wrong]))
    assert (outcome.method, outcome.examples) == ("rules", 0)
    right = candidate("q", "SELECT status FROM shop.orders", origin="llm")
    outcome, _ = collect(settings, Given(ask=lambda known, most: [wrong, right]))
    assert (outcome.method, outcome.examples) == ("llm_enhanced", 1)
    outcome, _ = collect(settings)
    assert "no language model is configured" in outcome.warnings[0]["message"]


# Other sources.


def test_duckdb_files_are_collected(tmp_path: Path) -> None:
    (tmp_path / "data" / "shop").mkdir(parents=True)
    (tmp_path / "data" / "shop" / "orders.csv").write_text("id,상태,at\n1,가,2024-01-01\n")
    (tmp_path / "data" / "top.csv").write_text("x\n1\n2\n")
    made = plan_of(
        Configuration(engine=EngineSettings(duckdb=DuckdbSettings(data="data"))), tmp_path, {}
    )
    outcome, document = collect(made)
    assert (outcome.tables, outcome.warnings) == (2, ())
    orders = known(document).table(("shop", "orders"))
    assert orders is not None
    assert [(c.name, c.type) for c in orders.columns] == [
        ("id", "BIGINT"),
        ("상태", "VARCHAR"),
        ("at", "DATE"),
    ]
    assert orders.rows == 1
    assert known(document).table(("top",)) is not None
    assert document["source"]["kind"] == "duckdb"
    assert all(each["validated"] == "dry_run" for each in document["examples"])


def test_a_duckdb_database_with_keys_comments_and_nesting(tmp_path: Path) -> None:
    import duckdb

    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE c (id INT PRIMARY KEY); CREATE TABLE t (a INT NOT NULL UNIQUE, "
            "b STRUCT(x INT, y VARCHAR)[], c INT REFERENCES c (id));"
            "COMMENT ON TABLE t IS 'T'; COMMENT ON COLUMN t.a IS 'A'; CREATE VIEW v AS FROM t"
        )
    settings = EngineSettings(duckdb=DuckdbSettings("w.duckdb"))
    _, document = collect(plan_of(Configuration(engine=settings), tmp_path, {}))
    table = known(document).table(("t",))
    assert table is not None
    assert [(c.name, c.mode, c.description) for c in table.columns] == [
        ("a", "REQUIRED", "A"),
        ("b", "REPEATED", ""),
        ("b.x", "NULLABLE", ""),
        ("b.y", "NULLABLE", ""),
        ("c", "NULLABLE", ""),
    ]
    assert (table.description, table.unique_keys) == ("T", (("a",),))
    assert table.foreign_keys[0].table[-1] == "c"
    view = known(document).table(("v",))
    assert view is not None
    assert view.kind == "view"


def test_ddl_and_dbt_beside_each_other(tmp_path: Path) -> None:
    (tmp_path / "ddl").mkdir()
    (tmp_path / "ddl" / "a.sql").write_text(
        "CREATE TABLE shop.orders (id NUMBER(10) PRIMARY KEY);\nCREATE TABLE broken (x INT y z);"
    )
    catalog = {
        "nodes": {
            "model.m.orders": {
                "metadata": {"type": "BASE TABLE", "schema": "SHOP", "name": "ORDERS",
                             "database": "DB"},
                "columns": {"ID": {"type": "NUMBER", "index": 1, "name": "ID"}},
                "stats": {},
            },
            "model.m.c": {
                "metadata": {"type": "VIEW", "schema": "SHOP", "name": "C", "database": "DB",
                             "comment": None},
                "columns": {
                    "B": {"type": "TEXT", "index": 2, "name": "B", "comment": "bee"},
                    "A": {"type": "TEXT", "index": 1, "name": "A"},
                },
                "stats": {"num_rows": {"id": "num_rows", "value": 5.0, "include": True}},
            },
        },
        "sources": {},
    }  # fmt: skip
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "catalog.json").write_text(json.dumps(catalog))
    settings = MetasyncSettings(sources=("ddl", "dbt"), ddl=("ddl",), ddl_dialect="oracle")
    made = plan_of(Configuration(dialect="snowflake", metasync=settings), tmp_path, {})
    outcome, document = collect(made)
    names = [each["id"] for each in document["tables"]]
    assert names == ["DB.SHOP.C", "shop.orders"]
    assert [c["name"] for c in document["tables"][0]["columns"]] == ["A", "B"]
    assert document["source"]["kind"] == "mixed"
    assert [w["table"] for w in outcome.warnings] == ["ddl/a.sql:2"]


def test_a_source_that_is_not_there_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("CREATE TABLE t (x INT);")
    settings = MetasyncSettings(sources=("dbt", "ddl"), ddl=("a.sql",))
    made = plan_of(Configuration(metasync=settings), tmp_path, {})
    outcome, _ = collect(made)
    assert outcome.tables == 1
    assert "dbt docs generate" in outcome.warnings[0]["message"]


def test_the_environment_fills_what_the_configuration_does_not_say(tmp_path: Path) -> None:
    environ = {
        "GOOGLE_CLOUD_PROJECT": "p",
        "TARGET_TABLE_ID": "q.d.events_20210131",
        "GCS_BUCKET": "b",
    }
    made = plan_of(Configuration(), tmp_path, environ)
    assert made.location == "gs://b/metadata_cache.json"
    assert (made.sources, made.settings.tables) == (("bigquery",), ("q.d.*",))
    assert made.engine.bigquery.project == "p"
    assert made.main_table == ("q", "d", "events_20210131")
    written = MetasyncSettings(cache="here", main_table="a.b", tables=("x.*",))
    made = plan_of(Configuration(metasync=written), tmp_path, environ)
    assert (made.location, made.sources, made.settings.tables) == ("here", ("duckdb",), ("x.*",))


def test_an_opener_may_be_given(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("CREATE TABLE t (x INT);")
    settings = MetasyncSettings(sources=("ddl",), ddl=("a.sql",))
    made = plan_of(Configuration(metasync=settings), tmp_path, {})
    opened: list[str] = []

    def opener(chosen: Plan, name: str) -> Source:
        opened.append(name)
        return open_source(chosen, name)

    collect(made, open_source=opener)
    assert opened == ["ddl"]


_SERVERS = ["postgres"] if "postgres" in real.available_engines() else []


@pytest.mark.parametrize("name", _SERVERS)
def test_postgres_with_keys_comments_partitions_and_views(tmp_path: Path, name: str) -> None:
    server = real.engine(name)
    _, ((folder,),) = server.query("SHOW unix_socket_directories")
    for statement in (
        "DROP SCHEMA IF EXISTS metasync CASCADE",
        "CREATE SCHEMA metasync",
        "CREATE TABLE metasync.c (id bigint PRIMARY KEY)",
        "CREATE TABLE metasync.t (a int NOT NULL, b varchar(20) UNIQUE, tags text[], "
        "c bigint REFERENCES metasync.c (id), dropped int)",
        "ALTER TABLE metasync.t DROP COLUMN dropped",
        "COMMENT ON TABLE metasync.t IS '표'",
        "COMMENT ON COLUMN metasync.t.a IS 'A'",
        "CREATE VIEW metasync.v AS SELECT a FROM metasync.t",
        "CREATE MATERIALIZED VIEW metasync.m AS SELECT a FROM metasync.t",
        "CREATE TABLE metasync.p (at date, n int) PARTITION BY RANGE (at)",
        "CREATE TABLE metasync.p1 PARTITION OF metasync.p "
        "FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')",
        "CREATE TABLE metasync.s_20240101 (x int)",
        "CREATE TABLE metasync.s_20240102 (x int, y int)",
        "CREATE TABLE metasync.nothing ()",
    ):
        server.execute(statement)
    settings = EngineSettings("postgres", postgres=PostgresSettings("SMQ_TEST_DSN"))
    configuration = Configuration(
        dialect="postgres",
        engine=settings,
        metasync=MetasyncSettings(tables=("metasync.*",), insights=True),
    )
    environ = {"SMQ_TEST_DSN": f"host={folder} user=smq dbname=postgres"}
    try:
        outcome, document = collect(plan_of(configuration, tmp_path, environ))
    finally:
        server.execute("DROP SCHEMA metasync CASCADE")
    assert outcome.warnings == ()
    catalogue = known(document)
    names = [".".join(parts) for parts in catalogue.names]
    assert names == [f"metasync.{name}" for name in ("c", "m", "nothing", "p", "s_*", "t", "v")]
    table = catalogue.table(("metasync", "t"))
    assert table is not None
    assert [(c.name, c.type, c.mode, c.description) for c in table.columns] == [
        ("a", "integer", "REQUIRED", "A"),
        ("b", "character varying(20)", "NULLABLE", ""),
        ("tags", "text[]", "NULLABLE", ""),
        ("c", "bigint", "NULLABLE", ""),
    ]
    assert (table.description, table.unique_keys) == ("표", (("b",),))
    assert table.foreign_keys[0].table == ("metasync", "c")
    kinds = {each.name: each.kind for each in catalogue.tables}
    assert (kinds["v"], kinds["m"]) == ("view", "materialized_view")
    partitioned = catalogue.table(("metasync", "p"))
    assert partitioned is not None
    assert partitioned.partitioning == ("at",)
    family = catalogue.table(("metasync", "s_*"))
    assert family is not None
    assert [column.name for column in family.columns] == ["x", "y"]
    assert document["source"]["complete"] == ["metasync"]
    assert {each["validated"] for each in document["examples"]} == {"dry_run"}
