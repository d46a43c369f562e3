"""What the engines' SQL dialects can say, as facts: one `Dialect` value per engine.

Nobody outside this package asks for a dialect by name to decide what SQL to write; the passes of
`smq.sql.lower` read the facts. Importing this package costs nothing: an engine's module is loaded
when it is asked for, and sqlglot only when a tree is lowered or rendered.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from smq.dialects.facts import Dialect, Forms, Needs, Percentiles
from smq.text import nearest

__all__ = [
    "Dialect",
    "Forms",
    "Needs",
    "Percentiles",
    "UnknownDialectError",
    "canonical_name",
    "dialect",
    "names",
]

_NAMES = (
    "duckdb",
    "bigquery",
    "postgres",
    "snowflake",
    "databricks",
    "redshift",
    "trino",
    "mysql",
    "sqlite",
    "sqlserver",
    "oracle",
    "clickhouse",
)

# Kept here and not in the engines' modules, so that resolving a name loads one module, not all.
_ALIASES = {
    "postgresql": "postgres",
    "spark": "databricks",
    "mssql": "sqlserver",
    "tsql": "sqlserver",
    "mariadb": "mysql",
    "presto": "trino",
    "athena": "trino",
}


class UnknownDialectError(ValueError):
    """No dialect has this name; `nearest` holds the known names most like it, best first."""

    def __init__(self, name: str, nearest: tuple[str, ...]) -> None:
        self.name = name
        self.nearest = nearest
        hint = f"did you mean '{nearest[0]}'?" if nearest else f"known are {', '.join(_NAMES)}"
        super().__init__(f"Unknown SQL dialect '{name}': {hint}")


def names() -> tuple[str, ...]:
    """The dialects' own names, the embedded default first; aliases are not listed."""
    return _NAMES


def canonical_name(name: str) -> str:
    """The dialect's own name for a name or alias in any letter case.

    Raises UnknownDialectError.
    """
    wanted = name.strip().lower()
    wanted = _ALIASES.get(wanted, wanted)
    if wanted not in _NAMES:
        raise UnknownDialectError(name, nearest(wanted, (*_NAMES, *_ALIASES)))
    return wanted


def dialect(name: str) -> Dialect:
    """The facts of the dialect with this name or alias, in any letter case.

    Raises UnknownDialectError.
    """
    return _load(canonical_name(name))


@cache
def _load(name: str) -> Dialect:
    found = import_module(f"smq.dialects.{name}").DIALECT
    assert isinstance(found, Dialect)
    return found
