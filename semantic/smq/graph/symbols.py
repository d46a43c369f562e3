"""What semantic-model files declare, whichever dialect they are written in.

Every loader makes these values; nothing behind them knows YAML. Written names are NFC; `name_at`
is where a definition writes its name, which go-to-definition and rename use. Texts that hold SQL
stay `Scalar` nodes, because their errors must point into the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from smq.syntax import Scalar
from smq.text import Location

EntityKind = Literal["primary", "unique", "foreign", "natural"]
MetricKind = Literal["simple", "ratio", "derived", "cumulative", "conversion"]
Grain = Literal[
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
]

GRAINS: tuple[Grain, ...] = (
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


class _Moved:
    """Room in a symbol for the one that it was moved from, which is no part of what it says."""

    __slots__ = ("moved_from",)

    moved_from: Symbol


@dataclass(frozen=True, slots=True)
class Symbol(_Moved):
    """What every named thing has: its name, where it is written, and words about it."""

    name: str
    name_at: Location
    label: str | None = field(default=None, kw_only=True)
    description: str | None = field(default=None, kw_only=True)

    @property
    def origin(self) -> Symbol:
        """The symbol as it was read: this one, or one that differs in places alone."""
        found: Symbol = getattr(self, "moved_from", self)
        return found


@dataclass(frozen=True, slots=True)
class Sql:
    """SQL in a YAML string; `node` maps offsets in `text` to the file (None when implied)."""

    text: str
    location: Location
    node: Scalar | None = None


@dataclass(frozen=True, slots=True)
class TableName:
    """A physical table: one to three parts, outermost first, unquoted."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceCall:
    """`bank('wapco_brncd_cn')` or `source('bank', 'wapco_brncd_cn')`: named in sources.yml."""

    source: str
    table: str


@dataclass(frozen=True, slots=True)
class RefCall:
    """`ref('x')`: a dbt model, resolved through the manifest or the default schema."""

    model: str


@dataclass(frozen=True, slots=True)
class SelectRelation:
    """The relation is a query; it must be one SELECT."""

    sql: Sql


@dataclass(frozen=True, slots=True)
class UnknownRelation:
    """The file does not say (or not yet) which table it is; the reader has reported it."""


Relation = TableName | SourceCall | RefCall | SelectRelation | UnknownRelation


@dataclass(frozen=True, slots=True)
class Entity(Symbol):
    kind: EntityKind = "foreign"
    expr: Sql | None = None
    """SQL over the model's columns; None means the column of the entity's own name."""


@dataclass(frozen=True, slots=True)
class Dimension(Symbol):
    is_time: bool = False
    data_type: str | None = None
    """As written (`varchar`, `date`, …); None in the dbt dialects, which do not say."""
    grain: Grain | None = None
    """The granularity of a time dimension where declared."""
    expr: Sql | None = None
    validity: Literal["start", "end"] | None = None
    """Set on the two ends of a slowly changing dimension's validity window."""


@dataclass(frozen=True, slots=True)
class NonAdditive:
    """dbt's non_additive_dimension."""

    dimension: str
    choice: Literal["min", "max"]
    groupings: tuple[str, ...]
    location: Location
    groupings_at: tuple[Location, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure(Symbol):
    agg: str | None = None
    """sum, sum_boolean, count, count_distinct, average, min, max, median, percentile; None when a
    metric must aggregate it. `avg` is read as average."""
    data_type: str | None = None
    expr: Sql | None = None
    percentile: float | None = None
    discrete_percentile: bool = False
    approximate_percentile: bool = False
    agg_time_dimension: str | None = None
    agg_time_dimension_at: Location | None = None
    non_additive: NonAdditive | None = None
    create_metric: bool = False


@dataclass(frozen=True, slots=True)
class Model(Symbol):
    relation: Relation = UnknownRelation()
    relation_at: Location | None = None
    entities: tuple[Entity, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    measures: tuple[Measure, ...] = ()
    primary_entity: str | None = None
    """Set when the file names a primary entity that no column carries."""
    agg_time_dimension: str | None = None
    agg_time_dimension_at: Location | None = None
    span_at: Location | None = None
    """The whole item in the file."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter on a metric or an input: SQL that may hold dbt's template calls."""

    sql: Sql


@dataclass(frozen=True, slots=True)
class Input:
    """A metric's use of a measure or of another metric."""

    name: str
    name_at: Location
    alias: str | None = None
    filters: tuple[Filter, ...] = ()
    fill_nulls_with: int | float | None = None
    join_to_timespine: bool = False
    offset_window: tuple[int, str] | None = None
    offset_to_grain: str | None = None


@dataclass(frozen=True, slots=True)
class FrameWindow:
    """`type_params.window` as a mapping: a window over the metric's own aggregated values."""

    partition_by: tuple[Sql, ...]
    order_by: tuple[Sql, ...]
    frame: Sql | None
    """`ROWS BETWEEN … AND …` as SQL; None for the standard default frame."""
    location: Location


@dataclass(frozen=True, slots=True)
class Cumulative:
    """dbt's cumulative_type_params; `window` is (count, grain), None for all time."""

    window: tuple[int, str] | None = None
    grain_to_date: str | None = None
    period_agg: Literal["first", "last", "average"] = "first"


@dataclass(frozen=True, slots=True)
class Conversion:
    """dbt's conversion_type_params: how many of one event lead to another."""

    base: Input
    conversion: Input
    entity: str
    entity_at: Location
    rate: bool = True
    """A rate (conversions per base event), or else the count of conversions."""
    window: tuple[int, str] | None = None
    constants: tuple[tuple[str, str], ...] = ()
    """(base property, conversion property) that must be equal at both events."""


@dataclass(frozen=True, slots=True)
class Metric(Symbol):
    kind: MetricKind = "simple"
    data_type: str | None = None
    expr: Sql | None = None
    """SQL over measures and dimensions (SMQ dialect), or over input metrics (derived)."""
    measure: Input | None = None
    numerator: Input | None = None
    denominator: Input | None = None
    inputs: tuple[Input, ...] = ()
    """The `metrics` of a derived metric; empty when `expr` names metrics directly."""
    filters: tuple[Filter, ...] = ()
    window: FrameWindow | None = None
    cumulative: Cumulative | None = None
    conversion: Conversion | None = None
    time_granularity: str | None = None
    """The grain of `metric_time` when a query names none."""
    beyond: tuple[tuple[str, Location], ...] = ()
    """Declared features that the compiler must refuse until it can compute them: (name, place)."""
    declared_with: str | None = None
    """The model the metric is declared with, the base of a lone COUNT(*)."""
    span_at: Location | None = None


@dataclass(frozen=True, slots=True)
class SourceTable(Symbol):
    source: str = ""
    table: TableName = TableName(())


@dataclass(frozen=True, slots=True)
class TimeSpine(Symbol):
    """A model with a column for each step of a calendar; `columns` are (column, grain)."""

    relation: Relation = UnknownRelation()
    columns: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SavedQuery(Symbol):
    metrics: tuple[Sql, ...] = ()
    group_by: tuple[Sql, ...] = ()
    filters: tuple[Filter, ...] = ()
    order_by: tuple[Sql, ...] = ()
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Declarations:
    """All that one file declares, in file order, duplicates kept."""

    uri: str
    models: tuple[Model, ...] = ()
    metrics: tuple[Metric, ...] = ()
    sources: tuple[SourceTable, ...] = ()
    time_spines: tuple[TimeSpine, ...] = ()
    saved_queries: tuple[SavedQuery, ...] = ()

    @property
    def uses_refs(self) -> bool:
        """Whether a table is named by `ref()`, which only a dbt manifest can resolve."""
        relations = (each.relation for group in (self.models, self.time_spines) for each in group)
        return any(isinstance(relation, RefCall) for relation in relations)
