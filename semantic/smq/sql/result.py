"""What compiling a query gives: SQL with what is known about it, and problems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from smq.problem import Problem
from smq.text import Location


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """One column of the result, in the order of the SELECT list."""

    name: str
    written: str
    """As in the SMQ: `orders__ordered_at__month`, a metric's name, an alias."""
    kind: Literal["dimension", "metric", "expression"]
    label: str | None = None
    description: str | None = None
    data_type: str | None = None
    """Declared or inferred SQL type in lower case; None when it cannot be told."""
    model: str | None = None
    defined_at: Location | None = None
    origin: str = ""
    """The item it comes from: `metrics[0]`, `groupBy[1]`."""


@dataclass(frozen=True, slots=True)
class JoinStep:
    """One to-one join of a leaf: `left` and `right` are models, `on` pairs of columns as SQL."""

    left: str
    right: str
    on: tuple[tuple[str, str], ...]
    entities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeafReport:
    """One aggregate over one base model, with the joins it takes and the filters it sees."""

    name: str
    aggregate: str
    base: str
    metrics: tuple[str, ...]
    joins: tuple[JoinStep, ...]
    filters: tuple[str, ...]


class LazyText:
    """A text that is made once, when somebody reads it."""

    __slots__ = ("_make", "_text")

    def __init__(self, make: Callable[[], str]) -> None:
        self._make: Callable[[], str] | None = make
        self._text = ""

    def get(self) -> str:
        if self._make is not None:
            self._text = self._make()
            self._make = None
        return self._text


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """One SELECT. A distributed query gives several, with `part` counted from 0."""

    index: int
    part: int
    text: str | LazyText
    dialect: str
    columns: tuple[OutputColumn, ...]
    tables: tuple[str, ...]
    columns_read: tuple[str, ...]
    """`table.column` for each physical column the SQL names."""
    leaves: tuple[LeafReport, ...]
    stages: tuple[tuple[str, tuple[str, ...]], ...]
    """The filters by the stage at which they apply: (stage, texts)."""
    written: dict[str, Any]
    """The SMQ of this part."""
    tree: Any = None
    """The sqlglot tree the text is rendered from; its nodes carry `meta["origin"]`."""

    @property
    def sql(self) -> str:
        """The statement. It is rendered when first asked for: checking a query needs no text."""
        return self.text if isinstance(self.text, str) else self.text.get()


@dataclass(frozen=True, slots=True)
class Compiled:
    """`queries` is empty exactly when `problems` holds an error."""

    queries: tuple[CompiledQuery, ...]
    problems: tuple[Problem, ...]
