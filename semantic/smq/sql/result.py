"""What compiling a query gives: SQL with what is known about it, and problems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from smq.problem import Problem
from smq.text import Location

T = TypeVar("T")


class OutputColumn(NamedTuple):
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


class JoinStep(NamedTuple):
    """One to-one join of a leaf: `left` and `right` are models, `on` pairs of columns as SQL."""

    left: str
    right: str
    on: tuple[tuple[str, str], ...]
    entities: tuple[str, ...]


class LeafReport(NamedTuple):
    """One aggregate over one base model, with the joins it takes and the filters it sees."""

    name: str
    aggregate: str
    base: str
    metrics: tuple[str, ...]
    joins: tuple[JoinStep, ...]
    filters: tuple[str, ...]


class Lazy(Generic[T]):
    """A value that is made once, when somebody reads it."""

    __slots__ = ("_make", "_value")

    _value: T

    def __init__(self, make: Callable[[], T]) -> None:
        self._make: Callable[[], T] | None = make

    def get(self) -> T:
        make = self._make
        if make is not None:
            self._value = make()
            self._make = None
        return self._value


@dataclass(frozen=True, slots=True, eq=False)
class CompiledQuery:
    """One SELECT. A distributed query gives several, with `part` counted from 0."""

    index: int
    part: int
    text: str | Lazy[str]
    dialect: str
    columns: tuple[OutputColumn, ...]
    tables: tuple[str, ...]
    columns_read: tuple[str, ...]
    """`table.column` for each physical column the SQL names."""
    reports: Lazy[tuple[LeafReport, ...]]
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

    @property
    def leaves(self) -> tuple[LeafReport, ...]:
        """What each leaf computes. It is put into words when first asked for, as the SQL is."""
        return self.reports.get()


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """`queries` is empty exactly when `problems` holds an error."""

    queries: tuple[CompiledQuery, ...]
    problems: tuple[Problem, ...]
