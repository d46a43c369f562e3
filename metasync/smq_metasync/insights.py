"""What the values of columns look like, from one bounded query for each table.

Columns on the deny list and columns with a policy tag are in no query, so that their values
cannot get anywhere. Numbers are of at most so many rows, and say so when there were more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from smq.catalog.tables import Column, Table
from smq_metasync.collectors import fits_column
from smq_metasync.engines import Engine, EngineError

Entry = dict[str, Any]

ROWS = 100_000
TOP = 10
_LONGEST = 200
_MOST_COLUMNS = 60
# A value that nearly every row has for itself is no category, and may be a person.
_UNIQUE_SHARE = 0.5
_FEW = 20


@dataclass(frozen=True, slots=True)
class Budget:
    """`each` bytes for one query, `left` for all that are still to come."""

    each: int
    left: int


def allowed_columns(table: Table, deny: Sequence[str]) -> tuple[Column, ...]:
    """The columns of a table whose values may be looked at."""
    from smq.sql.about_tables import can_be_profiled

    return tuple(
        column
        for column in table.columns
        if can_be_profiled(column)
        and not column.policy_tags
        and not any(fits_column(pattern, table.parts, column.name) for pattern in deny)
    )[:_MOST_COLUMNS]


def look(
    table: Table, columns: Sequence[Column], engine: Engine, budget: Budget
) -> tuple[Entry, int]:
    """Facts by column, and the bytes that the engine says it took. Raises EngineError."""
    from smq.sql.about_tables import STATISTICS, profile

    percent, size = None, 0
    whole = profile(table, columns, engine.dialect, ROWS, TOP)
    estimate = engine.dry_run(whole).bytes
    cap = min(budget.each, budget.left)
    sql = whole
    if estimate is not None:
        size = estimate
        if estimate > cap:
            percent = int(100 * cap / estimate)
            if percent < 1 or table.kind != "table":
                raise EngineError(
                    f"a look at its values would take {estimate:,} bytes, and {cap:,} are allowed"
                )
            sql = profile(table, columns, engine.dialect, ROWS, TOP, percent)
            size = cap
    found: Entry = {column.name: {} for column in columns}
    for row in engine.run(sql).rows:
        number, what, value, count, rows, known, distinct, low, high = row
        facts = found[columns[int(str(number))].name]
        if what == STATISTICS:
            total, present = int(str(rows or 0)), int(str(known or 0))
            facts["distinct"] = int(str(distinct)) if distinct is not None else None
            facts["null_share"] = round(1 - present / total, 4) if total else None
            facts["min"], facts["max"] = _short(low), _short(high)
            facts["rows"] = total
            # An estimate that is exact for a table that was read to its end.
            if percent is not None or total >= ROWS:
                facts["sampled"] = True
        else:
            facts.setdefault("top", []).append({"value": _short(value), "count": int(str(count))})
    for facts in found.values():
        _withhold(facts)
    return {name: facts for name, facts in found.items() if facts}, size


def _withhold(facts: Entry) -> None:
    """Leave out single values where nearly each row has one of its own."""
    rows, distinct = facts.pop("rows", 0), facts.get("distinct") or 0
    if distinct > _FEW and rows and distinct > rows * _UNIQUE_SHARE:
        facts.pop("top", None)
    top = facts.get("top")
    if top:
        top.sort(key=lambda each: (-each["count"], str(each["value"])))
    for key in ("min", "max", "distinct", "null_share"):
        if facts.get(key) is None:
            facts.pop(key, None)


def _short(value: object) -> object:
    if isinstance(value, str) and len(value) > _LONGEST:
        return value[:_LONGEST] + "…"
    return value
