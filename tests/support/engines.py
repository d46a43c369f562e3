"""Real database engines that tests run SQL on, all behind one small interface.

DuckDB and SQLite run inside the process. PostgreSQL and MariaDB are started once per process when
a test first asks for them, on a unix socket in a temporary directory with no network at all, and
stopped when the process ends. An engine that is not installed is left out of `available_engines`;
`SMQ_REQUIRE_ENGINES=duckdb,sqlite,postgres,mariadb` makes a missing one a failure of
`test_the_required_engines_are_here`.

MariaDB runs with a binary collation and with ONLY_FULL_GROUP_BY, so that its answers can be
compared with the others' and its strictness is that of MySQL.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib
import importlib.util
import json
import os
import pwd
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from math import isclose, isnan
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from tests.support.corpus import Tables as WrittenTables

from smq.dialects import dialect

Type = Literal["integer", "number", "decimal", "text", "date", "timestamp", "boolean"]
Row = tuple[Any, ...]
Tables = Mapping[str, tuple[Sequence[tuple[str, Type]], Sequence[Sequence[Any]]]]
"""Name, or `schema.name`, to the columns with their types and the rows."""


class Availability(NamedTuple):
    ok: bool
    reason: str = ""
    """Why not; empty if it is available."""


class Engine(ABC):
    """One running engine with its own empty database."""

    name: str
    dialect: str
    """The SMQ dialect that its SQL is compiled to."""
    types: ClassVar[Mapping[Type, str]]

    def __init__(self) -> None:
        self._loaded: Tables | None = None
        self._schemas: set[str] = set()
        self._tables: list[str] = []

    @staticmethod
    @abstractmethod
    def available() -> Availability: ...

    @abstractmethod
    def execute(self, sql: str) -> tuple[tuple[str, ...], list[Row]]:
        """Runs one statement; columns and rows as the driver gives them."""

    @abstractmethod
    def insert(self, statement: str, rows: Sequence[Sequence[Any]]) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    def load(self, tables: Tables) -> None:
        """Makes these the only tables; nothing is done if they are loaded already.

        A name that looks ordinary is created without quotes, as people do, so that the engine
        folds it.
        """
        wanted = {
            name: (tuple(columns), tuple(map(tuple, rows)))
            for name, (columns, rows) in tables.items()
        }
        if wanted == self._loaded:
            return
        self._loaded = None
        for table in self._tables:
            self.execute(f"DROP TABLE IF EXISTS {table}")
        self._tables = []
        for name, (columns, rows) in wanted.items():
            *schema, _ = name.split(".")
            if schema and schema[0] not in self._schemas:
                self.create_schema(self.quote(schema[0]))
                self._schemas.add(schema[0])
            table = ".".join(map(self.quote, name.split(".")))
            definitions = ", ".join(f"{self.quote(c)} {self.types[t]}" for c, t in columns)
            self.execute(f"CREATE TABLE {table} ({definitions})")
            self._tables.append(table)
            if rows:
                marks = ", ".join([self.mark] * len(columns))
                self.insert(f"INSERT INTO {table} VALUES ({marks})", rows)
        self._loaded = wanted

    mark = "?"

    def create_schema(self, quoted: str) -> None:
        self.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted}")

    def quote(self, name: str) -> str:
        text, quoted = dialect(self.dialect).written(name, False)
        return f'"{text}"' if quoted else text

    def query(self, sql: str) -> tuple[tuple[str, ...], list[Row]]:
        """Column names and rows, as plain Python values that compare across engines.

        Decimals become int or float; dates, times and text stay. Engines without a type of their
        own for booleans or dates give what they have: 0 and 1, and see `SQLite`.
        """
        columns, rows = self.execute(sql)
        return columns, [tuple(map(self.plain, row)) for row in rows]

    def plain(self, value: Any) -> Any:
        if isinstance(value, Decimal):
            return int(value) if value == value.to_integral_value() else float(value)
        return value


class DuckDB(Engine):
    name = dialect = "duckdb"
    types: ClassVar[Mapping[Type, str]] = {
        "integer": "BIGINT",
        "number": "DOUBLE",
        "decimal": "DECIMAL(18, 4)",
        "text": "VARCHAR",
        "date": "DATE",
        "timestamp": "TIMESTAMP",
        "boolean": "BOOLEAN",
    }

    @staticmethod
    def available() -> Availability:
        return _needs_module("duckdb")

    def __init__(self) -> None:
        super().__init__()
        import duckdb

        self._connection = duckdb.connect()

    def execute(self, sql: str) -> tuple[tuple[str, ...], list[Row]]:
        cursor = self._connection.execute(sql)
        columns = tuple(column[0] for column in cursor.description or ())
        return columns, cursor.fetchall()

    def insert(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        # One statement for all rows: row by row DuckDB takes a hundred times as long.
        head, _, marks = statement.partition(" VALUES ")
        values = ", ".join([marks] * len(rows))
        self._connection.execute(f"{head} VALUES {values}", [v for row in rows for v in row])

    def close(self) -> None:
        self._connection.close()


class SQLite(Engine):
    """Dates and timestamps are stored as ISO text; text that looks like one comes back as one."""

    name = dialect = "sqlite"
    types: ClassVar[Mapping[Type, str]] = {
        "integer": "INTEGER",
        "number": "REAL",
        "decimal": "NUMERIC",
        "text": "TEXT",
        "date": "DATE",
        "timestamp": "TIMESTAMP",
        "boolean": "BOOLEAN",
    }

    @staticmethod
    def available() -> Availability:
        if sqlite3.sqlite_version_info < (3, 39):
            return Availability(False, f"SQLite {sqlite3.sqlite_version} is older than 3.39")
        return Availability(True)

    def __init__(self) -> None:
        super().__init__()
        self._connection = sqlite3.connect(":memory:", isolation_level=None)

    def execute(self, sql: str) -> tuple[tuple[str, ...], list[Row]]:
        cursor = self._connection.execute(sql)
        columns = tuple(column[0] for column in cursor.description or ())
        return columns, cursor.fetchall()

    def insert(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        self._connection.executemany(statement, [tuple(map(_as_text, row)) for row in rows])

    def create_schema(self, quoted: str) -> None:
        self.execute(f"ATTACH ':memory:' AS {quoted}")

    def plain(self, value: Any) -> Any:
        if isinstance(value, str) and _ISO.fullmatch(value):
            return date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
        return value

    def close(self) -> None:
        self._connection.close()


_ISO = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?)?")


def _as_text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value


class Postgres(Engine):
    name = dialect = "postgres"
    types: ClassVar[Mapping[Type, str]] = {
        "integer": "BIGINT",
        "number": "DOUBLE PRECISION",
        "decimal": "NUMERIC(18, 4)",
        "text": "TEXT",
        "date": "DATE",
        "timestamp": "TIMESTAMP",
        "boolean": "BOOLEAN",
    }
    mark = "%s"

    @staticmethod
    def available() -> Availability:
        if not (_program("initdb") and _program("postgres")):
            return Availability(False, "initdb and postgres are not installed")
        return _needs_module("psycopg")

    def __init__(self) -> None:
        super().__init__()
        import psycopg

        self._server = _Server("postgres")
        folder = self._server.folder
        data = f"--pgdata={folder / 'data'}"
        self._server.run(
            *(_program("initdb"), data, "--username=smq", "--auth=trust"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
        )
        self._server.start(
            *(_program("postgres"), "-D", folder / "data", "-k", folder),
            *("--listen_addresses=", "--fsync=off", "--full_page_writes=off"),
            *("--synchronous_commit=off", "--TimeZone=Asia/Seoul"),
            ready="database system is ready to accept connections",
            stop=signal.SIGINT,
        )
        self._connection = psycopg.connect(
            host=str(folder), user="smq", dbname="postgres", autocommit=True
        )

    def execute(self, sql: str) -> tuple[tuple[str, ...], list[Row]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql.encode())
            if cursor.description is None:
                return (), []
            return tuple(column.name for column in cursor.description), cursor.fetchall()

    def insert(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(statement.encode(), rows)

    def close(self) -> None:
        self._connection.close()
        self._server.stop()


class MariaDB(Engine):
    name = "mariadb"
    dialect = "mysql"
    types: ClassVar[Mapping[Type, str]] = {
        "integer": "BIGINT",
        "number": "DOUBLE",
        "decimal": "DECIMAL(18, 4)",
        "text": "VARCHAR(200)",
        "date": "DATE",
        "timestamp": "DATETIME(6)",
        "boolean": "BOOLEAN",
    }
    mark = "%s"

    @staticmethod
    def available() -> Availability:
        if not (_program("mariadb-install-db") and _mariadbd()):
            return Availability(False, "mariadbd and mariadb-install-db are not installed")
        return _needs_module("pymysql")

    def __init__(self) -> None:
        super().__init__()
        import pymysql

        self._server = _Server("mysql")
        folder = self._server.folder
        data, socket = f"--datadir={folder / 'data'}", folder / "socket"
        self._server.run(
            *(_program("mariadb-install-db"), "--no-defaults", data, "--skip-test-db"),
            *("--auth-root-authentication-method=normal", "--skip-name-resolve"),
        )
        self._server.start(
            *(_mariadbd(), "--no-defaults", data, f"--socket={socket}", "--skip-networking"),
            *(f"--pid-file={folder / 'pid'}", f"--tmpdir={folder}", "--skip-grant-tables"),
            *("--default-storage-engine=MyISAM", "--innodb-flush-log-at-trx-commit=0"),
            *("--character-set-server=utf8mb4", "--collation-server=utf8mb4_nopad_bin"),
            ready="ready for connections",
            stop=signal.SIGTERM,
        )
        self._connection = pymysql.connect(
            unix_socket=str(socket),
            user="root",
            charset="utf8mb4",
            autocommit=True,
            init_command="SET collation_connection = utf8mb4_nopad_bin,"
            " sql_mode = CONCAT(@@sql_mode, ',ONLY_FULL_GROUP_BY')",
        )
        self.execute("CREATE DATABASE smq")
        self.execute("USE smq")

    def quote(self, name: str) -> str:
        return super().quote(name).replace('"', "`")

    def execute(self, sql: str) -> tuple[tuple[str, ...], list[Row]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            columns = tuple(column[0] for column in cursor.description or ())
            return columns, list(cursor.fetchall())

    def insert(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(statement, rows)

    def close(self) -> None:
        self._connection.close()
        self._server.stop()


class ClickHouse(Engine):
    """The engine in this process, from the package `chdb`, which the tests use where it is."""

    name = dialect = "clickhouse"
    types: ClassVar[Mapping[Type, str]] = {
        "integer": "Nullable(Int64)",
        "number": "Nullable(Float64)",
        "decimal": "Nullable(Decimal(18, 4))",
        "text": "Nullable(String)",
        "date": "Nullable(Date32)",
        "timestamp": "Nullable(DateTime64(6))",
        "boolean": "Nullable(Bool)",
    }

    @staticmethod
    def available() -> Availability:
        return _needs_module("chdb")

    def __init__(self) -> None:
        super().__init__()
        # Not among the packages for development, being half a gigabyte.
        self._session = importlib.import_module("chdb.session").Session()
        self.execute("SET default_table_engine = 'Memory'")
        self.execute("SET session_timezone = 'UTC'")
        self.execute("SET output_format_json_quote_denormals = 1")

    def execute(self, sql: str) -> tuple[tuple[str, ...], list[Row]]:
        answer = str(self._session.query(sql, "JSONCompactEachRowWithNamesAndTypes"))
        lines = [json.loads(line) for line in answer.splitlines()]
        if not lines:
            return (), []
        names, types, *rows = lines
        return tuple(names), [tuple(map(_of_clickhouse, row, types)) for row in rows]

    def insert(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        head, _, _ = statement.partition(" VALUES ")
        values = ", ".join(f"({', '.join(map(_for_clickhouse, row))})" for row in rows)
        self.execute(f"{head} VALUES {values}")

    def create_schema(self, quoted: str) -> None:
        self.execute(f"CREATE DATABASE IF NOT EXISTS {quoted}")

    def close(self) -> None:
        self._session.close()


def _of_clickhouse(value: Any, written: str) -> Any:
    kind = written.removeprefix("Nullable(")
    if value is None:
        return None
    if kind.startswith("DateTime"):
        return datetime.fromisoformat(value)
    if kind.startswith("Date"):
        return date.fromisoformat(value)
    if kind.startswith(("Int", "UInt")):
        return int(value)
    if kind.startswith("Float"):
        return float(value)
    return Decimal(str(value)) if kind.startswith("Decimal") else value


def _for_clickhouse(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool | int | float | Decimal):
        return str(value).lower()
    text = value.isoformat(" ") if isinstance(value, datetime) else str(value)
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


ENGINES: Mapping[str, type[Engine]] = {
    engine.name: engine for engine in (DuckDB, SQLite, Postgres, MariaDB, ClickHouse)
}


def available_engines() -> tuple[str, ...]:
    """The names of the engines that tests can run on here; none is started."""
    return tuple(name for name, engine in ENGINES.items() if engine.available().ok)


def required_engines() -> tuple[str, ...]:
    """The engines that must be here, as the environment says; DuckDB and SQLite always must."""
    asked = os.environ.get("SMQ_REQUIRE_ENGINES", "")
    return tuple(
        dict.fromkeys(["duckdb", "sqlite", *filter(None, map(str.strip, asked.split(",")))])
    )


@cache
def engine(name: str) -> Engine:
    """The engine with this name, started at the first call and stopped with the process."""
    found = ENGINES[name].available()
    assert found.ok, f"{name} cannot run here: {found.reason}"
    started = ENGINES[name]()
    atexit.register(started.close)
    return started


def engine_with(name: str, tables: WrittenTables) -> Engine:
    """The engine with this name, holding a hand-written case's tables and nothing else."""
    started = engine(name)
    started.load(
        {
            table: (
                tuple((column, _WRITTEN.get(kind, "integer")) for column, kind in columns),
                rows,
            )
            for table, (columns, rows) in tables.items()
        }
    )
    return started


_WRITTEN: Mapping[str, Type] = {
    "text": "text",
    "timestamp": "timestamp",
    "date": "date",
    "dec": "decimal",
    "float": "number",
    "bool": "boolean",
}


def same_rows(left: Sequence[Row], right: Sequence[Row], ordered: bool) -> bool:
    """Whether both hold the same rows, equally often, and in the same order if `ordered`.

    Whole numbers must be equal; a number with a fraction may differ in its last digits.
    """
    if len(left) != len(right):
        return False
    if ordered:
        return all(map(_same_row, left, right))
    if Counter(map(repr, left)) == Counter(map(repr, right)):
        return True
    rest = list(right)
    for row in left:
        match = next((i for i, other in enumerate(rest) if _same_row(row, other)), None)
        if match is None:
            return False
        del rest[match]
    return True


def _same_row(left: Row, right: Row) -> bool:
    return len(left) == len(right) and all(map(_same_value, left, right))


def _same_value(left: Any, right: Any) -> bool:
    if isinstance(left, Decimal):
        left = float(left)
    if isinstance(right, Decimal):
        right = float(right)
    if isinstance(left, float) or isinstance(right, float):
        if not (isinstance(left, int | float) and isinstance(right, int | float)):
            return False
        if isnan(left) or isnan(right):
            return isnan(left) and isnan(right)
        return isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    # A datetime is a date in Python and never equals one; the difference is one we want to see.
    return bool(left == right)


class _Server:
    """A server process with its own folder, as a user who is not root."""

    def __init__(self, user: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="smq-"))
        self._process: subprocess.Popen[str] | None = None
        self._signal = signal.SIGTERM
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            # Database servers refuse to run as root.
            entry = _first_user(user, "nobody")
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            self._as = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def run(self, *command: str | Path | None) -> None:
        subprocess.run(
            [str(part) for part in command],
            check=True,
            capture_output=True,
            cwd=self.folder,
            **self._as,
        )

    def start(self, *command: str | Path | None, ready: str, stop: signal.Signals) -> None:
        """Starts the server and returns when it has written `ready`."""
        self._signal = stop
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            cwd=self.folder,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            **self._as,
        )
        lines: list[str] = []
        is_ready = threading.Event()

        def read() -> None:
            assert self._process is not None
            assert self._process.stderr is not None
            for line in self._process.stderr:
                if not is_ready.is_set():
                    lines.append(line)
                    if ready in line:
                        is_ready.set()
            is_ready.set()

        threading.Thread(target=read, daemon=True).start()
        started = is_ready.wait(timeout=60) and self._process.poll() is None
        assert started, f"{command[0]} did not start:\n{''.join(lines)}"

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(self._signal)
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _die_with_parent() -> None:
    """Ends the server also when the tests are killed and can stop nothing themselves."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def _first_user(*names: str) -> pwd.struct_passwd:
    for name in names:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise LookupError(f"none of the users {', '.join(names)} exists")


def _needs_module(name: str) -> Availability:
    if importlib.util.find_spec(name) is None:
        return Availability(False, f"the Python module {name} is not installed")
    return Availability(True)


@cache
def _program(name: str) -> str | None:
    """The path of a program, also where Debian keeps those of PostgreSQL out of PATH."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is not None:
        return found
    versions = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: path.parts[4].zfill(4)
    )
    return str(versions[-1]) if versions else None


def _mariadbd() -> str | None:
    return _program("mariadbd") or _program("mysqld")
