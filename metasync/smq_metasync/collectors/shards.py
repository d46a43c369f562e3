"""Tables that differ by the date at the end of their names, seen as one.

`events_20210131` belongs to the family `events_*`. The digits must be a date of the calendar,
and families are told apart by everything before them: `events_intraday_20210131` is another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from smq.catalog.tables import Shards

_SUFFIX = re.compile(r"(?P<prefix>.*_)(?P<digits>\d{8}|\d{6}|\d{4})\Z", re.DOTALL)
_PATTERNS = {8: "YYYYMMDD", 6: "YYYYMM", 4: "YYYY"}
# Two tables that end in a year may be two tables that end in a year.
_LEAST = {8: 2, 6: 2, 4: 3}


@dataclass(frozen=True, slots=True)
class Family:
    """`members` are the tables' names from the oldest to the newest."""

    prefix: str
    digits: int
    members: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.prefix}*"

    @property
    def newest(self) -> str:
        return self.members[-1]

    def shards(self, schema: tuple[str, ...]) -> Shards:
        """The abstraction, with the whole names of the first and the last as examples."""
        first, last = self.members[0], self.members[-1]
        return Shards(
            len(self.members),
            self.prefix + _PATTERNS[self.digits],
            _written(first[len(self.prefix) :]),
            _written(last[len(self.prefix) :]),
            tuple(".".join((*schema, name)) for name in dict.fromkeys((first, last))),
        )


def families(names: Iterable[str]) -> tuple[tuple[Family, ...], tuple[str, ...]]:
    """The families among the tables of one schema, and the names of the other tables, sorted."""
    groups: dict[tuple[str, int], list[str]] = {}
    plain: list[str] = []
    for name in names:
        match = _SUFFIX.match(name)
        if match is None or not _is_date(match["digits"]):
            plain.append(name)
        else:
            groups.setdefault((match["prefix"], len(match["digits"])), []).append(name)
    found: list[Family] = []
    for (prefix, digits), members in groups.items():
        if len(members) < _LEAST[digits]:
            plain.extend(members)
        else:
            found.append(Family(prefix, digits, tuple(sorted(members))))
    return tuple(sorted(found, key=lambda each: (each.prefix, each.digits))), tuple(sorted(plain))


def _is_date(digits: str) -> bool:
    try:
        found = date(int(digits[:4]), int(digits[4:6] or 1), int(digits[6:8] or 1))
    except ValueError:
        return False
    return 1970 <= found.year <= 2100


def _written(digits: str) -> str:
    return f"{digits[:4]}-{digits[4:6] or '01'}-{digits[6:8] or '01'}"
