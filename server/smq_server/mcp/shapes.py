"""What goes in and comes out of the tools, as clients see it in their schemas."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

_STRINGS = {"type": "array", "items": {"type": "string"}}


def _list(words: str) -> dict[str, Any]:
    return {**_STRINGS, "description": words}


_KEYS: dict[str, Any] = {
    "metrics": _list(
        "What to compute: names of metrics; arithmetic over metrics with an alias, "
        "`revenue / NULLIF(order_count, 0) AS aov`; window functions over metrics."
    ),
    "groupBy": _list("Dimensions as `model__dimension`; times with a grain: `…__month`."),
    "filters": _list("SQL conditions on dimensions or metrics; all must hold."),
    "orderBy": _list("Metrics, aliases or groupBy items; `-revenue` descends."),
    "limit": {"type": ["integer", "null"], "minimum": 0, "description": "Rows at most."},
    "joins": _list("Leave out: joins are found. Else one FROM … JOIN … ON … over models."),
}

# Any object is taken, because our own reader says better what is wrong with one.
Smq = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "title": "SMQ",
            "description": "A semantic model query.",
            "properties": _KEYS,
            "required": ["metrics"],
        }
    ),
]
Edit = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "title": "SmqEdit",
            "properties": {
                "index": {"type": "integer", "description": "Which query, from 0."},
                "set": {"type": "object", "description": "Key to new value; null empties it."},
                "remove": {"type": "object", "description": "Key to items to take out."},
                "add": {"type": "object", "description": "Key to items to append."},
            },
        }
    ),
]


def _listed(value: Any) -> Any:
    """One query alone is what agents often send, and is clear enough."""
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ValueError('should be a list of objects, such as [{"metrics": ["revenue"]}]')
    return value


def _several(value: Any) -> Any:
    """One name alone is as clear."""
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_several)]
Queries = Annotated[list[Smq], BeforeValidator(_listed), Field(description="One or more queries.")]


class Metric(BaseModel):
    name: str
    kind: str = Field(description="simple, ratio, derived, cumulative or conversion")
    label: str | None = None
    description: str | None = None
    file: str
    score: float | None = Field(None, description="How well it fits the search; null without one.")


class Metrics(BaseModel):
    metrics: list[Metric]
    total: int = Field(description="How many there are before offset and limit.")


class Dimension(BaseModel):
    reference: str = Field(description="As a query writes it.")
    type: str
    grain: str | None = Field(None, description="The finest grain of a time.")
    label: str | None = None
    description: str | None = None
    joins: list[str] = Field(
        default_factory=list, description="How each base model of the metrics comes to it."
    )


class Dimensions(BaseModel):
    dimensions: list[Dimension]
    total: int


class Model(BaseModel):
    name: str
    label: str | None = None
    description: str | None = None
    file: str
    entities: list[str] = Field(description="Keys, as `name (primary)`.")
    dimensions: list[str]
    measures: list[str]


class Models(BaseModel):
    models: list[Model]
    total: int


class Suggestion(BaseModel):
    title: str
    is_safe: bool = Field(description="Whether it surely keeps what was meant.")
    query: dict[str, Any] | None = Field(None, description="The whole query with this change.")


class Finding(BaseModel):
    code: str
    severity: Literal["error", "warning", "info", "hint"]
    at: str = Field(description="The item of the query: `metrics[0]`; empty for the whole.")
    text: str = Field(description="What is written there.")
    message: str
    suggestions: list[Suggestion] = Field(default_factory=list)


class Validated(BaseModel):
    index: int
    is_valid: bool
    problems: list[Finding]


class Validation(BaseModel):
    is_valid: bool = Field(description="Whether every query compiles.")
    queries: list[Validated]


class Column(BaseModel):
    name: str
    kind: str
    type: str | None = None
    label: str | None = None
    description: str | None = None


class Statement(BaseModel):
    sql: str
    columns: list[Column]
    tables: list[str]
    smq: dict[str, Any] = Field(description="The query of this statement.")


class CompiledQuery(BaseModel):
    index: int
    is_valid: bool
    statements: list[Statement] = Field(
        description="One, or several where the models of the query do not connect."
    )
    problems: list[Finding]


class Compilation(BaseModel):
    dialect: str
    is_valid: bool
    queries: list[CompiledQuery]


class Edited(BaseModel):
    queries: list[dict[str, Any]] = Field(description="The queries after the edits.")
    compilation: Compilation


class EditedFile(BaseModel):
    file: str
    text: str = Field(description="The file's text after the edits, comments kept.")
    is_written: bool
    compilation: Compilation


class ExplainedPart(BaseModel):
    grain: list[str] = Field(description="What one row stands for; empty for one row in all.")
    models: dict[str, str] = Field(description="Each model and the table it reads.")
    leaves: list[dict[str, Any]] = Field(
        description="Each aggregate with its base, joins and filters; base rows count once."
    )
    stages: list[dict[str, Any]] = Field(description="Filters by the stage at which they apply.")
    columns: list[dict[str, Any]] = Field(description="With lineage down to physical columns.")
    order: list[str]
    limit: int | None = None


class Explanation(BaseModel):
    is_valid: bool
    parts: list[ExplainedPart]
    problems: list[Finding]


class SelectedFile(BaseModel):
    file: str
    score: float
    reasons: list[str] = Field(description="Which words of the question found what.")
    content: str | None = None


class Selection(BaseModel):
    files: list[SelectedFile]
    all_files: list[str]


class RunResult(BaseModel):
    columns: list[Column]
    rows: list[list[Any]]
    row_count: int
    is_truncated: bool = Field(description="Whether there are more rows than the limit lets out.")
    sql: str
    seconds: float
    estimated_bytes: int | None = None
    problems: list[Finding] = Field(default_factory=list)
