"""The SQL functions that expressions of queries and models use, with their words.

A table and not a search in the SQL library: the library knows how to write a function, not what to
tell a person about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Group = Literal["aggregate", "window", "number", "text", "time", "condition"]


@dataclass(frozen=True, slots=True)
class Function:
    """One function: parameters in order, `…` as the last one when it takes any number."""

    name: str
    parameters: tuple[str, ...]
    group: Group
    text: str

    @property
    def signature(self) -> str:
        return f"{self.name}({', '.join(self.parameters)})"


_TABLE: tuple[tuple[str, str, Group, str], ...] = (
    ("SUM", "value", "aggregate", "Total of the values; NULLs are left out."),
    ("COUNT", "value", "aggregate", "Number of values that are not NULL; `COUNT(*)` counts rows."),
    ("AVG", "value", "aggregate", "Mean of the values; NULLs are left out."),
    ("MIN", "value", "aggregate", "Smallest value."),
    ("MAX", "value", "aggregate", "Largest value."),
    ("MEDIAN", "value", "aggregate", "Middle value, between the two middle ones where even."),
    ("STDDEV", "value", "aggregate", "Sample standard deviation."),
    ("VARIANCE", "value", "aggregate", "Sample variance."),
    ("APPROX_COUNT_DISTINCT", "value", "aggregate", "About how many different values there are."),
    (
        "PERCENTILE_CONT",
        "share",
        "aggregate",
        "Value at a share between 0 and 1, interpolated: `… WITHIN GROUP (ORDER BY x)`.",
    ),
    (
        "PERCENTILE_DISC",
        "share",
        "aggregate",
        "First value at or above a share between 0 and 1: `… WITHIN GROUP (ORDER BY x)`.",
    ),
    ("ROW_NUMBER", "", "window", "Number of the row in its partition, from 1."),
    ("RANK", "", "window", "Rank with gaps: equal rows share one, the next one is skipped."),
    ("DENSE_RANK", "", "window", "Rank without gaps."),
    ("PERCENT_RANK", "", "window", "(rank - 1) / (rows - 1), from 0 to 1."),
    ("CUME_DIST", "", "window", "Share of the rows at or before this one."),
    ("NTILE", "buckets", "window", "Which of so many equal buckets the row falls into."),
    ("LAG", "value, offset, default", "window", "The value so many rows before, 1 if not said."),
    ("LEAD", "value, offset, default", "window", "The value so many rows after, 1 if not said."),
    ("FIRST_VALUE", "value", "window", "The value in the frame's first row."),
    ("LAST_VALUE", "value", "window", "The value in the frame's last row; mind the frame's end."),
    ("NTH_VALUE", "value, n", "window", "The value in the frame's n-th row, from 1."),
    ("ABS", "number", "number", "The number without its sign."),
    ("ROUND", "number, digits", "number", "Rounded to so many digits, 0 if not said."),
    ("FLOOR", "number", "number", "The next whole number downwards."),
    ("CEIL", "number", "number", "The next whole number upwards."),
    ("MOD", "number, divisor", "number", "What remains of a division."),
    ("POWER", "base, exponent", "number", "The base to the power of the exponent."),
    ("SQRT", "number", "number", "Square root."),
    ("LN", "number", "number", "Natural logarithm."),
    ("GREATEST", "value, …", "number", "The largest of its arguments."),
    ("LEAST", "value, …", "number", "The smallest of its arguments."),
    ("UPPER", "text", "text", "The text in upper case."),
    ("LOWER", "text", "text", "The text in lower case."),
    ("TRIM", "text", "text", "The text without spaces at its ends."),
    ("LENGTH", "text", "text", "Number of characters."),
    ("SUBSTRING", "text, start, length", "text", "Part of a text; the first character is 1."),
    ("REPLACE", "text, old, new", "text", "The text with every `old` replaced."),
    ("CONCAT", "text, …", "text", "The texts one behind another."),
    ("CAST", "value AS type", "text", "The value as another type; an error when it is none."),
    ("CURRENT_DATE", "", "time", "Today's date, where the query runs."),
    ("DATE_TRUNC", "'grain', value", "time", "Start of the day, week (Monday), month, …"),
    ("EXTRACT", "part FROM value", "time", "A part of a date or time: YEAR, MONTH, DAY, HOUR, …"),
    ("DATE_DIFF", "'grain', start, end", "time", "How many boundaries lie between two dates."),
    ("COALESCE", "value, …", "condition", "The first argument that is not NULL."),
    ("NULLIF", "value, other", "condition", "NULL where both are equal, else the first."),
    ("CASE", "", "condition", "`CASE WHEN condition THEN value … ELSE value END`"),
    ("IF", "condition, then, else", "condition", "One of two values."),
)

FUNCTIONS: dict[str, Function] = {
    name: Function(
        name,
        tuple(part.strip() for part in parameters.split(",")) if parameters else (),
        group,
        text,
    )
    for name, parameters, group, text in _TABLE
}
_ALSO = {"CEILING": "CEIL", "SUBSTR": "SUBSTRING", "POW": "POWER", "LEN": "LENGTH"}


def find_function(name: str) -> Function | None:
    """The function of that name in any letter case, or under a common other name."""
    upper = name.upper()
    return FUNCTIONS.get(_ALSO.get(upper, upper))


def documentation(name: str) -> str | None:
    """A function's signature and what it does, in Markdown."""
    function = find_function(name)
    if function is None:
        return None
    kind = {"aggregate": "aggregate function", "window": "window function"}.get(
        function.group, f"{function.group} function"
    )
    return f"```sql\n{function.signature}\n```\n\n{function.text}\n\n{kind.capitalize()}"
