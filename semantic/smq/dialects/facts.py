"""The value that describes one engine's SQL, and what follows from it for names."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    # sqlglot takes a tenth of a second to import, and most programs that name a dialect
    # (completion of settings, configuration) never write SQL.
    from sqlglot import exp

Folding = Literal["none", "lower", "upper"]
ValueKind = Literal["date", "timestamp"]
Grain = Literal[
    "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"
]


class Needs(Enum):
    """Constructs that an engine lacks and a pass of `smq.sql.lower` says in another way."""

    QUALIFY_AS_SUBQUERY = "QUALIFY"
    FULL_JOIN_AS_UNION = "FULL JOIN"
    NULL_SAFE_SPELLED_OUT = "IS NOT DISTINCT FROM"
    NULL_SAFE_IN_JOINS_ONLY = "IS NOT DISTINCT FROM outside ON"
    FILTER_AS_CASE = "FILTER of an aggregate"
    COUNT_IF_AS_CASE = "COUNT_IF"
    NULLS_LAST_AS_CASE = "NULLS LAST"
    NULLS_LAST_AS_CASE_IN_WINDOWS = "NULLS LAST in windows"
    ORDER_APART = "ORDER BY beside windows"
    WINDOWS_APART = "expressions over windows beside some aggregates"
    ORDER_IN_WINDOWS = "ranks without an order"
    NO_DEFAULT_OF_LAG = "defaults of LAG and LEAD"
    NULLABLE_BEYOND_THE_END = "NULL of LAG and LEAD for what has none"
    SIGNED_COUNTS = "a common type of counts and negative numbers"
    NAMED_OUTPUTS = "names of columns out of joins"
    GROUP_BY_COLUMNS = "grouped expressions inside others"
    BOOLEANS_AS_NUMBERS = "boolean values"
    GROUP_BY_EXPRESSIONS = "GROUP BY with ordinals"
    TYPED_UNION_NULLS = "untyped NULLs in the branches of a UNION"
    DATE_LITERALS = "text read as a date in one format everywhere"
    TIMESTAMPS_AS_TEXT = "timestamps that are told from dates"
    FRAMES_IN_NUMBERS = "RANGE frames of intervals"
    FRAMES_OF_ROWS = "RANGE, and frames that are not written"
    FRAMES_OF_VALUES = "FIRST_VALUE, LAST_VALUE and NTH_VALUE up to the current row"
    DOUBLE_DIVISION = "division that keeps its digits"
    AVERAGE_OF_DOUBLES = "averages that keep their digits"
    INTERVALS_AS_CALLS = "INTERVAL"
    NO_DAY_NUMBERS = "numbers of days beside dates"
    LOG_WITH_BASE = "LOG of one argument to the base ten"
    NULLS_OF_GREATEST = "GREATEST and LEAST that pass over NULL"
    CASTS_CUT = "CAST to a whole number that rounds"
    HALVES_TO_EVEN = "ROUND of halves away from zero"
    CHARACTERS_BY_NAME = "LENGTH in characters"
    TEXTS_OF_BYTES = "functions of texts by characters"
    STARTS_FROM_LEFT = "SUBSTRING from the end"
    CONCAT_AS_OPERATOR = "CONCAT that passes over NULL"
    LIKE_IGNORES_CASE = "LIKE that tells a from A"
    DATE_PARTS_AS_TEXT = "EXTRACT"
    NAMED_DATE_PARTS = "YEAR() and QUARTER()"
    TODAY_WITHOUT_TIME = "CURRENT_DATE"
    ANY_VALUE_AS_MAX = "ANY_VALUE that is not NULL"
    PLAIN_ANY_VALUE = "IGNORE NULLS of ANY_VALUE"
    BOOLEAN_AGGREGATES_AS_MAX = "BOOL_OR and BOOL_AND"
    NATIONAL_LITERALS = "texts beyond ASCII"
    ILIKE_AS_LOWER = "ILIKE"
    NULLS_OF_IN = "NULL among the values of NOT IN"
    ORDERED_LISTAGG = "LISTAGG without an order"
    ONE_DISTINCT_VALUE = "COUNT(DISTINCT) of several values"
    ORDER_BY_NULL = "SELECT without FROM"
    LIKE_WITHOUT_ESCAPE = "ESCAPE of LIKE"
    EXACT_COUNT_DISTINCT = "approximate COUNT(DISTINCT)"
    EXACT_QUANTILES = "approximate percentiles"


@dataclass(frozen=True, slots=True, eq=False)
class Percentiles:
    """How an engine says exact percentiles as aggregates; None where it cannot.

    Each takes the ordered value and the fraction. What is None is computed from the ranks of the
    rows instead, which every engine with window functions can do.
    """

    median: Callable[[exp.Expr], exp.Expr] | None
    continuous: Callable[[exp.Expr, exp.Expr], exp.Expr] | None
    discrete: Callable[[exp.Expr, exp.Expr], exp.Expr] | None
    over_windows: bool = True
    """Whether they may stand before OVER."""
    one_order_per_query: bool = False
    """Redshift: all ordered-set aggregates of a SELECT must order by the same expression."""


@dataclass(frozen=True, slots=True, eq=False)
class Forms:
    """Constructs that differ so much between engines that each writes its own tree."""

    truncate: Callable[[exp.Expr, Grain, ValueKind], exp.Expr]
    """The start of the period that holds the value, as a value of the same kind."""
    add: Callable[[exp.Expr, int, Grain, ValueKind], exp.Expr]
    """The value moved by so many grains, at a month's end to the last day there is."""
    today: Callable[[], exp.Expr] | None = None
    """The date of today, where CURRENT_DATE has a time of day."""
    since_epoch: Callable[[exp.Expr], exp.Expr] | None = None
    """A moment as the microseconds since 1970, where frames measure them in place of intervals."""
    weekday: Callable[[exp.Expr], exp.Expr] | None = None
    """The day in the week, from 0 on Sunday to 6 on Saturday."""
    iso_week: Callable[[exp.Expr], exp.Expr] | None = None
    """The number of the week in its year by ISO 8601."""
    quarter: Callable[[exp.Expr], exp.Expr] | None = None
    """The quarter of the year, where EXTRACT does not know it."""
    days: Callable[[exp.Expr, exp.Expr], exp.Expr] | None = None
    """The days from the second date to the first, where sqlglot's form of DATEDIFF will not do."""
    lacks_truncation: bool = False
    """Whether there is no DATE_TRUNC in users' SQL either."""
    dates_are_text: bool = False
    """Whether dates and timestamps are texts, told apart by their length."""


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """One engine's SQL. Only facts that a pass or a caller uses are here."""

    name: str
    label: str
    """For people: `SQL Server`."""
    sqlglot: str
    plain: re.Pattern[str]
    """Names that may stand without quotes, if they are not reserved."""
    reserved: frozenset[str]
    """Words, in lower case, that cannot name a column without quotes."""
    folding: Folding = "none"
    """What the engine makes of a name without quotes before it looks it up."""
    case_sensitive: bool = False
    """Whether two output columns may differ by letter case alone."""
    tables_keep_case: bool = False
    """Whether a table's name means only the table of exactly that letter case."""
    forbidden: re.Pattern[str] = re.compile(r"[\x00-\x1f\x7f-\x9f]")
    """Characters that no output column may have, quoted or not; each becomes `_`."""
    max_name: int | None = None
    """The longest output column, in bytes or characters; None when there is no limit."""
    max_name_in: Literal["bytes", "characters"] = "characters"
    needs: frozenset[Needs] = frozenset()
    null_order: Literal["small", "large", "last"] = "last"
    """Where NULLs are in ORDER BY when nothing is said: before all, after all, or at the end."""
    seconds: Mapping[str, str] = field(default_factory=dict)
    """Grains finer than a second, with the engine's word for them; `is` where a timestamp has
    nothing finer, so that it is cut already."""
    aliases_shadow: frozenset[str] = frozenset()
    """Clauses (keys of a SELECT node) in which an output alias hides a column of that name."""
    settings: tuple[tuple[str, str], ...] = ()
    """Settings that a statement carries so that it means what SQL says."""
    functions: Mapping[str, str] = field(default_factory=dict)
    """Names of aggregates that sqlglot does not know, by the `key` of its node."""
    lacks: frozenset[str] = frozenset()
    """Aggregates, by the same key, that the engine has not under any name."""
    text_type: tuple[str, str] | None = None
    """The type and length of a text of any length, where sqlglot chooses one that will not do."""
    backslash_in_like: bool = False
    """Whether a backslash in a pattern of LIKE escapes what follows it without being asked to."""
    weeks_from_sunday: bool = False
    """Whether WEEK starts on Sunday in users' SQL; sqlglot's parser marks BigQuery's itself."""
    first_weekday: Literal["sunday 0", "sunday 1", "monday 1"] | None = None
    """Where the days of the week begin in users' DOW and DAYOFWEEK, and with what number."""
    weeks_are_iso: bool = False
    """Whether users' WEEK is the number by ISO 8601."""
    counts_boundaries: bool = False
    """Whether DATE_DIFF counts the changes of the month or year, and not whole ones."""
    clock_differences: Literal["whole", "boundaries"] | None = None
    """What the engine counts in differences of hours and less; None where it has none."""
    frames: frozenset[str] = frozenset({"GROUPS", "EXCLUDE", "RANGE", "INTERVAL"})
    """What frames of windows may hold: RANGE and INTERVAL are distances measured in values."""
    wildcard_tables: bool = False
    """Whether `events_*` stands for all tables whose names begin so, with `_TABLE_SUFFIX`."""
    percentiles: Percentiles | None = None
    forms: Forms | None = field(default=None, repr=False)

    def fold(self, name: str) -> str:
        """What the engine reads when `name` stands without quotes."""
        if self.folding == "upper":
            return name.upper()
        if self.folding == "lower":
            return name.lower()
        return name

    def must_quote(self, name: str, exact: bool) -> bool:
        """Whether `name` needs quotes to mean itself.

        `exact` names are ours, or were quoted where they were written: their letter case counts.
        Others are columns and tables as somebody writes them without quotes, which the engine
        is meant to fold.
        """
        if self.plain.fullmatch(name) is None or name.lower() in self.reserved:
            return True
        return exact and self.fold(name) != name

    def written(self, name: str, exact: bool) -> tuple[str, bool]:
        """How an identifier stands in the SQL: its text, and whether in quotes.

        A reserved word that is not exact is folded inside its quotes, because that is the name
        it would have if it could stand without.
        """
        if not self.must_quote(name, exact):
            return name, False
        if not exact and self.plain.fullmatch(name) is not None:
            return self.fold(name), True
        return name, True

    def column_name(self, name: str, taken: Collection[str] = ()) -> str:
        """A legal output column for `name` that no name in `taken` equals.

        Forbidden characters become `_`. A name that is too long keeps its beginning and gets a
        hash of the whole, so that two long names that begin alike stay apart and the same name
        is always cut the same way. A name already taken gets `_2`, `_3` and so on.
        """
        legal = self.forbidden.sub("_", name) or "_"
        if self._too_long(legal):
            legal = self._cut(legal, f"_{_digest(name)}")
        used = taken if self.case_sensitive else {other.lower() for other in taken}
        candidate, count = legal, 1
        while (candidate if self.case_sensitive else candidate.lower()) in used:
            count += 1
            suffix = f"_{count}"
            candidate = legal + suffix
            if self._too_long(candidate):
                candidate = self._cut(legal, suffix)
        return candidate

    def _length(self, name: str) -> int:
        return len(name.encode()) if self.max_name_in == "bytes" else len(name)

    def _too_long(self, name: str) -> bool:
        return self.max_name is not None and self._length(name) > self.max_name

    def _cut(self, name: str, suffix: str) -> str:
        assert self.max_name is not None
        room = self.max_name - len(suffix)
        if self.max_name_in == "bytes":
            # Cutting bytes may split the last character; the rest of it is dropped.
            return name.encode()[:room].decode(errors="ignore") + suffix
        return name[:room] + suffix


def words(text: str) -> frozenset[str]:
    """A set of words from a text of them."""
    return frozenset(text.split())


def _digest(name: str) -> str:
    return blake2b(name.encode(), digest_size=4).hexdigest()
