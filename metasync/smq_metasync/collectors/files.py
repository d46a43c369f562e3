"""Tables from files: scripts of CREATE TABLE statements, and the catalogue that dbt writes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from smq.catalog.tables import Column, Table
from smq.text import LineIndex, nfc
from smq_metasync.collectors import (
    Collected,
    Finding,
    Listed,
    Progress,
    SourceError,
    Untold,
    Wanted,
)
from smq_metasync.collectors.shards import families

LARGEST = 256 * 1024 * 1024


class DdlCollector:
    """Reads scripts in the order given; of two tables of one name the later one counts."""

    kind: Literal["ddl"] = "ddl"

    def __init__(self, paths: Sequence[Path], directory: Path, dialect: str) -> None:
        self.dialect = dialect
        self._paths = paths
        self._directory = directory

    def collect(self, wanted: Wanted, progress: Progress) -> Iterator[Finding]:
        from smq.expr.ddl import read_ddl

        files = list(_scripts(self._paths))
        if not files:
            named = ", ".join(str(path) for path in self._paths) or "metasync.ddl"
            raise SourceError(f"there is no script of CREATE TABLE statements at {named}")
        tables: dict[tuple[str, ...], Table] = {}
        for path in files:
            shown = _shown(path, self._directory)
            try:
                text = _text(path)
            except SourceError as error:
                yield Untold((shown,), str(error), "source")
                continue
            found = read_ddl(text, self.dialect)
            lines = LineIndex(text)
            for fault in found.faults:
                line = lines.position(fault.offset)[0] + 1
                yield Untold((f"{shown}:{line}",), f"not read: {fault.message}", "source")
            for table in found.tables:
                tables[tuple(part.lower() for part in table.parts)] = table
        yield from _wanted([Collected(table) for table in tables.values()], wanted, progress)


class DbtCollector:
    """Reads `catalog.json` as `dbt docs generate` writes it, and descriptions from the manifest
    beside it."""

    kind: Literal["dbt"] = "dbt"

    def __init__(self, path: Path, dialect: str) -> None:
        self.dialect = dialect
        self._path = path

    def collect(self, wanted: Wanted, progress: Progress) -> Iterator[Finding]:
        if not self._path.is_file():
            raise SourceError(
                f"there is no dbt catalog {self._path}; `dbt docs generate` writes one"
            )
        catalog = _object(self._path)
        manifest: Mapping[str, Any] = {}
        beside = self._path.with_name("manifest.json")
        if beside.is_file():
            manifest = _object(beside)
        described = {**_mapping(manifest.get("nodes")), **_mapping(manifest.get("sources"))}
        found: list[Collected] = []
        for section in ("nodes", "sources"):
            for key, node in _mapping(catalog.get(section)).items():
                table = self._table(_mapping(node), _mapping(described.get(key)))
                if table is None:
                    yield Untold((str(key),), "the dbt catalog does not say its name", "table")
                else:
                    found.append(Collected(table))
        # dbt lists what it made or knows, which is not all of a schema.
        for each in _wanted(found, wanted, progress):
            yield Listed(each.parts, False) if isinstance(each, Listed) else each

    def _table(self, node: Mapping[str, Any], described: Mapping[str, Any]) -> Table | None:
        from smq.expr.ddl import nested_columns

        about = _mapping(node.get("metadata"))
        parts = tuple(
            nfc(str(about[key])) for key in ("database", "schema", "name") if about.get(key)
        )
        if not about.get("name"):
            return None
        words = {
            str(name).lower(): _mapping(column).get("description")
            for name, column in _mapping(described.get("columns")).items()
        }
        columns: list[Column] = []
        listed = [_mapping(each) for each in _mapping(node.get("columns")).values()]
        for each in sorted(listed, key=lambda each: _number(each.get("index"))):
            name = nfc(str(each.get("name")))
            first, *fields = nested_columns(name, str(each.get("type") or ""), self.dialect)
            comment = str(words.get(name.lower()) or each.get("comment") or "")
            columns.append(Column(first.name, first.type, first.mode, comment))
            columns.extend(fields)
        kind = str(about.get("type") or "").lower()
        statistics = _mapping(node.get("stats"))
        return Table(
            parts,
            tuple(columns),
            kind="view" if "view" in kind else "external" if "external" in kind else "table",
            description=str(described.get("description") or about.get("comment") or ""),
            rows=_statistic(statistics, "num_rows", "row_count"),
            bytes=_statistic(statistics, "num_bytes", "bytes"),
        )


def _wanted(
    found: Sequence[Collected], wanted: Wanted, progress: Progress
) -> Iterator[Collected | Listed]:
    complete: dict[tuple[str, ...], bool] = {}
    groups: dict[tuple[str, ...], dict[str, Collected]] = {}
    for each in found:
        schema = each.table.parts[:-1]
        complete.setdefault(schema, True)
        if each.table.parts in wanted:
            groups.setdefault(schema, {})[each.table.name] = each
        else:
            complete[schema] = False
    total = sum(map(len, groups.values()))
    done = 0
    for schema, tables in groups.items():
        grouped, plain = families(tables)
        for name in plain:
            done += 1
            progress(done, total, tables[name].table.path)
            yield tables[name]
        for family in grouped:
            done += len(family.members)
            newest = tables[family.newest].table
            progress(done, total, newest.path)
            yield Collected(
                Table(
                    (*schema, family.name),
                    newest.columns,
                    kind=newest.kind,
                    description=newest.description,
                    shards=family.shards(schema),
                )
            )
    for schema, is_complete in complete.items():
        yield Listed(schema, is_complete)


def _scripts(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*.sql") if each.is_file())
        elif path.is_file():
            yield path


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise SourceError("it is too large")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError("it is not UTF-8") from error
    except OSError as error:
        raise SourceError(f"it cannot be read: {(error.strerror or str(error)).lower()}") from error


def _object(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(_text(path))
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise SourceError(f"{path} is not a JSON object")
    return value


def _shown(path: Path, directory: Path) -> str:
    return str(path.relative_to(directory)) if path.is_relative_to(directory) else str(path)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _statistic(statistics: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = _mapping(statistics.get(name)).get("value")
        if isinstance(value, int | float) and value >= 0:
            return int(value)
    return None
