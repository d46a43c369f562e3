"""What the oracle knows of a world: tables with rows, models, metrics, and queries over them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.support.oracle_expressions import Expr, Name, Over, Value

Row = dict[str, Value]

GRAINS = (
    "nanosecond",
    "microsecond",
    "millisecond",
    "second",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "quarter",
    "year",
)


class Refused(Exception):
    """The spec says that this query is an error; the compiler must give a problem, never rows."""


class Unsure(Exception):
    """The spec does not say what this means; no generated case may depend on it."""


@dataclass
class Table:
    """`columns` are (name, type) with type int, float, text, bool, date or timestamp."""

    name: str
    columns: list[tuple[str, str]]
    rows: list[Row]


@dataclass
class Entity:
    name: str
    kind: str
    column: str

    @property
    def is_key(self) -> bool:
        return self.kind in ("primary", "unique")


@dataclass
class Dimension:
    """`expr` is over columns; a time dimension has a grain, to which it is truncated."""

    name: str
    type: str
    expr: Expr
    grain: str | None = None


@dataclass
class Measure:
    """`agg` is the YAML's word; None when metrics aggregate it themselves."""

    name: str
    type: str
    expr: Expr
    agg: str | None = None
    fraction: float = 0.5
    discrete: bool = False


@dataclass
class Model:
    name: str
    table: Table
    entities: list[Entity] = field(default_factory=list)
    dimensions: list[Dimension] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    agg_time: str | None = None

    def dimension(self, name: str) -> Dimension | None:
        return next((d for d in self.dimensions if d.name == name), None)

    def measure(self, name: str) -> Measure | None:
        return next((m for m in self.measures if m.name == name), None)

    def entity(self, name: str) -> Entity | None:
        return next((e for e in self.entities if e.name == name), None)

    @property
    def primary(self) -> tuple[str, ...]:
        """The primary entities, which together are one key; empty where there is none."""
        return tuple(e.name for e in self.entities if e.kind == "primary")

    @property
    def keys(self) -> list[tuple[str, ...]]:
        """Entity names of each key: all primary entities together, and each unique one."""
        unique = [(e.name,) for e in self.entities if e.kind == "unique"]
        return ([self.primary] if self.primary else []) + unique

    def value(self, row: Row, expr: Expr) -> Value:
        """An expression over this model's own columns, for one row."""
        from tests.support.oracle_expressions import evaluate

        def column(node: Expr) -> Value:
            assert isinstance(node, Name)
            return row[node.text]

        return evaluate(expr, column)


@dataclass
class Input:
    """A metric's use of a measure or metric."""

    name: str
    filters: tuple[Expr, ...] = ()
    fill: int | None = None
    alias: str | None = None


@dataclass
class Metric:
    """`kind`: simple (of `inputs[0]`, a measure), expr, ratio (numerator, denominator), derived.

    `window` is an Over whose arguments are empty: the metric's own value goes there.
    """

    name: str
    kind: str
    expr: Expr | None = None
    inputs: tuple[Input, ...] = ()
    filters: tuple[Expr, ...] = ()
    window: Over | None = None


@dataclass
class World:
    models: dict[str, Model]
    metrics: dict[str, Metric]

    @property
    def tables(self) -> list[Table]:
        return list({id(m.table): m.table for m in self.models.values()}.values())


@dataclass
class Select:
    """One entry of `metrics`; a bare metric has no alias."""

    expr: Expr
    alias: str | None = None

    @property
    def output(self) -> str | None:
        """The output column's name; None when the compiler may choose it."""
        if self.alias is not None:
            return self.alias
        return self.expr.text if isinstance(self.expr, Name) else None


@dataclass
class Joined:
    """One JOIN of a written clause; `kind` is LEFT, INNER, RIGHT, FULL or CROSS."""

    kind: str
    model: str
    on: Expr | None = None
    alias: str | None = None


@dataclass
class Clause:
    first: str
    joins: list[Joined]
    alias: str | None = None


@dataclass
class Query:
    metrics: list[Select]
    group_by: list[str] = field(default_factory=list)
    filters: list[Expr] = field(default_factory=list)
    order_by: list[tuple[str, bool]] = field(default_factory=list)
    limit: int | None = None
    clause: Clause | None = None
