"""The embedded engine: a database file, or a directory of CSV and Parquet files in memory.

Where a file lies says what the table is called: `sales.csv` is `sales`, `shop/sales.csv` is
`shop.sales`, `prod/shop/sales.parquet` is `prod.shop.sales`. A `types.json` at the top of the
directory fixes the types of columns that reading the values alone would get wrong, such as codes
with leading zeros: `{"shop.sales": {"sku": "VARCHAR"}}`.

Once the tables are there, the door to files and network is shut for the rest of the connection.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smq.text import nfc
from smq.workspace.configuration import DuckdbSettings
from smq_metasync.engines import (
    Cancelled,
    Column,
    EngineError,
    Estimate,
    Result,
    Row,
    only_one_query,
)

if TYPE_CHECKING:
    import duckdb as driver

BATCH = 1000
_MAX_PARTS = 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The driver gives these to Python shortened, or only with the help of another library.
_AS_TEXT = ("INTERVAL", "TIME WITH TIME ZONE")
_AS_EPOCH = "TIMESTAMP WITH TIME ZONE"


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file that holds one table; `parts` is the table's name, outermost part first."""

    path: Path
    parts: tuple[str, ...]

    @property
    def name(self) -> str:
        return ".".join(self.parts)


def data_files(directory: Path) -> tuple[DataFile, ...]:
    """The tables below a directory, in the order of their names.

    Raises EngineError for a directory that is not there and for two files of one name.
    """
    if not directory.is_dir():
        raise EngineError(f"the data directory {directory} does not exist")
    found: dict[str, DataFile] = {}
    for path in sorted(directory.rglob("*")):
        inside = path.relative_to(directory)
        hidden = any(part.startswith(".") for part in inside.parts)
        if path.suffix.lower() not in (".csv", ".parquet") or hidden or not path.is_file():
            continue
        # A file system may spell a name differently from the model that mentions it.
        parts = tuple(nfc(part) for part in (*inside.parts[:-1], path.stem))
        if len(parts) > _MAX_PARTS:
            raise EngineError(
                f"{inside} lies too deep: a table has at most a database, a schema and a name"
            )
        file = DataFile(path, parts)
        other = found.setdefault(file.name, file)
        if other is not file:
            raise EngineError(f"{other.path.name} and {path.name} are both table {file.name}")
    return tuple(found[name] for name in sorted(found))


class DuckdbEngine:
    """One connection; not to be used from two threads, except for `cancel`."""

    dialect = "duckdb"

    def __init__(
        self, settings: DuckdbSettings, directory: Path, tables: Collection[str] | None = None
    ) -> None:
        import duckdb

        self._driver = duckdb
        in_memory = settings.database == ":memory:"
        if settings.data is not None and not in_memory:
            raise EngineError("engine.duckdb takes `database` or `data`, not both")
        target = ":memory:" if in_memory else str(directory / settings.database)
        if not in_memory and not Path(target).is_file():
            # Opening would otherwise say nothing and make an empty database.
            raise EngineError(f"the database {settings.database} does not exist", unreachable=True)
        try:
            self._connection = duckdb.connect(
                target, read_only=not in_memory, config={"errors_as_json": "true"}
            )
        except duckdb.Error as error:
            raise EngineError(
                f"cannot open {settings.database}: {_first_line(str(error))}", unreachable=True
            ) from error
        try:
            if settings.data is not None:
                self._load(directory / settings.data, tables)
            self._connection.execute("SET enable_external_access = false")
            self._connection.execute("SET lock_configuration = true")
        except EngineError:
            self.close()
            raise

    def run(self, sql: str) -> Result:
        only_one_query(sql, self.dialect)
        columns = self._describe(sql)
        fetched = sql
        conversions = {c.name: _conversion(c) for c in columns if _conversion(c)}
        if conversions:
            # Projecting the finished result keeps its order.
            replaced = ", ".join(f"{what} AS {_name(name)}" for name, what in conversions.items())
            fetched = f"SELECT * REPLACE ({replaced}) FROM (\n{sql}\n)"
        epochs = tuple(i for i, column in enumerate(columns) if column.type == _AS_EPOCH)
        self._execute(fetched)
        return Result(columns, self._rows(epochs, len(fetched) - len(sql)))

    def dry_run(self, sql: str) -> Estimate:
        only_one_query(sql, self.dialect)
        prefix = "EXPLAIN (FORMAT JSON) "
        plan = self._execute(prefix + sql, len(prefix)).fetchall()
        return Estimate(rows=_estimated_rows(json.loads(plan[0][1])))

    def cancel(self) -> None:
        self._connection.interrupt()

    def close(self) -> None:
        self._connection.close()

    def _describe(self, sql: str) -> tuple[Column, ...]:
        prefix = "DESCRIBE "
        rows = self._execute(prefix + sql, len(prefix)).fetchall()
        return tuple(Column(row[0], row[1]) for row in rows)

    def _execute(self, sql: str, shift: int = 0) -> driver.DuckDBPyConnection:
        try:
            return self._connection.execute(sql)
        except (self._driver.Error, RuntimeError) as error:
            raise self._error(error, sql, shift) from error

    def _rows(self, epochs: tuple[int, ...], shift: int) -> Iterator[Row]:
        while True:
            try:
                batch: list[Row] = self._connection.fetchmany(BATCH)
            except (self._driver.Error, RuntimeError) as error:
                raise self._error(error, "", shift) from error
            if not batch:
                return
            if epochs:
                batch = [_with_moments(row, epochs) for row in batch]
            yield from batch

    def _error(self, error: Exception, sql: str, shift: int) -> EngineError:
        text = str(error)
        if isinstance(error, self._driver.InterruptException) or text == "Query interrupted":
            return Cancelled("the query was cancelled")
        start = text.find("{")
        facts: dict[str, Any] = {}
        if start >= 0:
            try:
                loaded = json.loads(text[start:])
            except ValueError:
                loaded = None
            facts = loaded if isinstance(loaded, dict) else {}
        message = str(facts.get("exception_message") or text)
        first, _, rest = message.partition("\n")
        offset = None
        if str(facts.get("position", "")).isdigit() and sql:
            # The engine counts bytes, and counts what was put before the query too.
            counted = sql.encode()[: int(facts["position"])].decode(errors="ignore")
            offset = max(0, len(counted) - shift)
        if facts.get("candidates"):
            rest = f"{rest}\nnearest: {facts['candidates']}".strip()
        return EngineError(first.strip(), detail=rest.strip(), offset=offset)

    def _load(self, directory: Path, tables: Collection[str] | None) -> None:
        files = data_files(directory)
        # Parquet is read when a query asks; files anywhere else stay out of reach.
        self._connection.execute("SET allowed_directories = [?]", [str(directory)])
        types = _declared_types(directory / "types.json", files)
        wanted = None if tables is None else {_comparable(name) for name in tables}
        for file in files:
            if wanted is None or _comparable(file.name) in wanted:
                self._create(file, types.get(file.name, {}))

    def _create(self, file: DataFile, types: Mapping[str, str]) -> None:
        source = _text(str(file.path))
        if file.path.suffix.lower() == ".parquet":
            # The file is its own table: a query takes from it only what it needs.
            kind, relation = "VIEW", f"SELECT * FROM read_parquet({source})"
        else:
            declared = "".join(f"{_text(name)}: {_text(type_)}, " for name, type_ in types.items())
            # The whole file is sniffed, so that the types do not depend on a sample.
            given = f", types = {{{declared}}}" if declared else ""
            kind = "TABLE"
            relation = f"SELECT * FROM read_csv({source}, header = true, sample_size = -1{given})"
        statements = []
        if len(file.parts) == _MAX_PARTS:
            statements.append(f"ATTACH IF NOT EXISTS ':memory:' AS {_name(file.parts[0])}")
        if len(file.parts) > 1:
            schema = ".".join(map(_name, file.parts[:-1]))
            statements.append(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        table = ".".join(map(_name, file.parts))
        statements.append(f"CREATE {kind} {table} AS {relation}")
        for statement in statements:
            try:
                self._connection.execute(statement)
            except self._driver.Error as error:
                problem = self._error(error, "", 0)
                raise EngineError(
                    f"cannot load {file.path.name} as table {file.name}: {problem}",
                    detail=problem.detail,
                ) from error


def _declared_types(path: Path, files: tuple[DataFile, ...]) -> dict[str, dict[str, str]]:
    if not path.is_file():
        return {}
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineError(f"cannot read {path.name}: {error}") from error
    shaped = isinstance(loaded, dict) and all(
        isinstance(columns, dict) and all(isinstance(kind, str) for kind in columns.values())
        for columns in loaded.values()
    )
    if not shaped:
        raise EngineError(f'{path.name} must look like {{"schema.table": {{"column": "TYPE"}}}}')
    known = {file.name for file in files}
    for table in loaded:
        if nfc(table) not in known:
            raise EngineError(f"{path.name} describes {table}, but no file holds that table")
    return {
        nfc(table): {nfc(column): kind for column, kind in columns.items()}
        for table, columns in loaded.items()
    }


def _conversion(column: Column) -> str | None:
    if column.type == _AS_EPOCH:
        return f"epoch_us({_name(column.name)})"
    if column.type in _AS_TEXT:
        return f"CAST({_name(column.name)} AS VARCHAR)"
    return None


def _with_moments(row: Row, epochs: tuple[int, ...]) -> Row:
    cells = list(row)
    for index in epochs:
        value = cells[index]
        if isinstance(value, int):
            cells[index] = _moment(value)
    return tuple(cells)


def _moment(microseconds: int) -> object:
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        # The engine's calendar is longer than Python's.
        return f"{microseconds} µs since 1970"


def _estimated_rows(plan: object) -> int | None:
    """The root's estimate, or the nearest one below a root that has none."""
    while isinstance(plan, list) and plan:
        plan = plan[0]
    if not isinstance(plan, dict):
        return None
    extra = plan.get("extra_info")
    if isinstance(extra, dict):
        digits = str(extra.get("Estimated Cardinality", "")).lstrip("~")
        if digits.isdigit():
            return int(digits)
    return _estimated_rows(plan.get("children"))


def _comparable(table: str) -> str:
    return nfc(table).casefold()


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
