"""Our own requests and notifications, as dataclasses: the contract with the VS Code extension.

`schemas/smq_schemas/protocol.schema.json` is made from this file. Positions and ranges count in
the negotiated encoding, those of SQL in the SQL's own lines. Fields that are null are left out.
A client sees in `capabilities.experimental.smq` of the answer to `initialize` that it may ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

VERSION = 1
"""Raised when a client that knows the old shape would have to change; fields may be added."""

COMPILE = "smq/compile"
EXPLAIN = "smq/explain"
LINEAGE = "smq/lineage"
TREE = "smq/tree"
FIND = "smq/find"
RUN = "smq/run"
DIFF = "smq/diff"
GENERATE = "smq/generate"
PROMPT = "smq/prompt"
STATUS = "smq/status"
STATUS_CHANGED = "smq/statusChanged"
VIRTUAL_DOCUMENT = "smq/virtualDocument"
VIRTUAL_DOCUMENT_CHANGED = "smq/virtualDocumentChanged"

RESTART_INDEX = "smq.restartIndex"
"""The one command that is answered whether or not a workspace has been read."""

SCHEME = "smq-sql"
"""Of virtual documents: `smq-sql:/name.sql?uri=<of the query file>&query=0&dialect=bigquery`."""


@dataclass(frozen=True, slots=True)
class Position:
    """As in the Language Server Protocol."""

    line: int
    character: int


@dataclass(frozen=True, slots=True)
class Range:
    """As in the Language Server Protocol."""

    start: Position
    end: Position


@dataclass(frozen=True, slots=True)
class Location:
    """As in the Language Server Protocol."""

    uri: str
    range: Range


QueryChoice = int | Position | None
"""The index of a query in its document, a position in it, or nothing for all (or the first)."""


@dataclass(frozen=True, slots=True)
class ProblemReport:
    """What is wrong, in the words of its rule."""

    code: str
    severity: Literal["error", "warning", "info", "hint"]
    message: str
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """One column of a compiled query's result, in the order of the SELECT list."""

    name: str
    written: Annotated[
        str, "As in the SMQ: `orders__ordered_at__month`, a metric's name, an alias."
    ]
    kind: Literal["dimension", "metric", "expression"]
    origin: Annotated[str, "The item it comes from: `metrics[0]`, `groupBy[1]`."]
    label: str | None = None
    description: str | None = None
    type: Annotated[str | None, "SQL type in lower case; absent when it cannot be told."] = None
    model: str | None = None
    defined_at: Location | None = None


@dataclass(frozen=True, slots=True)
class MappingTarget:
    """A place that a stretch of the SQL comes from: in the query, or in a model file."""

    uri: str
    range: Range
    kind: Literal["query", "metric", "measure", "dimension", "entity", "model", "filter"]
    label: str


@dataclass(frozen=True, slots=True)
class MappingEntry:
    """One stretch of the SQL with what it comes from, the nearest cause first. Entries nest."""

    sql_range: Range
    targets: tuple[MappingTarget, ...]


@dataclass(frozen=True, slots=True)
class CompiledReport:
    """One query, or one part of a query that had to be distributed over several statements."""

    index: int
    part: int
    range: Annotated[Range, "The query object in its document."]
    columns: tuple[ResultColumn, ...]
    tables: tuple[str, ...]
    problems: tuple[ProblemReport, ...]
    mapping: tuple[MappingEntry, ...]
    name: str | None = None
    description: str | None = None
    sql: Annotated[str | None, "Absent when `problems` has an error."] = None


@dataclass(frozen=True, slots=True)
class CompileParams:
    """Compile the queries of a document as it is being typed."""

    uri: str
    query: Annotated[QueryChoice, "Absent: every query of the document."] = None
    dialect: Annotated[str | None, "Absent: the workspace's."] = None
    distribute: Annotated[bool, "Let a query that no join connects become several."] = False


@dataclass(frozen=True, slots=True)
class CompileResult:
    """The SQL of a document's queries with a mapping both ways."""

    dialect: str
    queries: tuple[CompiledReport, ...]
    version: Annotated[int | None, "Of the document, if the client has it open."] = None


@dataclass(frozen=True, slots=True)
class ExplainParams:
    """How queries are computed; the answer is a document of `explain-output.schema.json`."""

    uri: str
    query: QueryChoice = None
    dialect: str | None = None


@dataclass(frozen=True, slots=True)
class LineageParams:
    """What a metric, a query or a model's member is made of, and what is made of it.

    Either `metric`, or `uri` with `position`.
    """

    uri: str | None = None
    position: Position | None = None
    metric: str | None = None
    users: Annotated[bool, "Also the metrics and queries that use it."] = True


@dataclass(frozen=True, slots=True)
class LineageNode:
    """One box of the graph."""

    id: str
    kind: Literal["query", "metric", "measure", "dimension", "entity", "model", "column", "table"]
    name: str
    label: str | None = None
    detail: Annotated[str | None, "Its definition in one line."] = None
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class LineageEdge:
    """`from` is computed from `to`."""

    from_: str
    to: str


@dataclass(frozen=True, slots=True)
class LineageResult:
    """A graph without cycles; `root` is the node that was asked about."""

    nodes: tuple[LineageNode, ...]
    edges: tuple[LineageEdge, ...]
    root: str | None = None


@dataclass(frozen=True, slots=True)
class TreeParams:
    """The models and metrics of every workspace, or of the one that a document belongs to.

    What there are thousands of is asked for in pages, and the members of a model when somebody
    opens it.
    """

    uri: Annotated[str | None, "Of a document, or of a workspace itself."] = None
    first: Annotated[int, "So many metrics, and so many models, are passed over."] = 0
    most: Annotated[
        int | None, "At most so many metrics, and so many models, follow; absent: all."
    ] = None
    members: Annotated[bool, "Whether models come with their members."] = True
    model: Annotated[
        str | None, "The name of the one model that is asked for; then there are no metrics."
    ] = None


@dataclass(frozen=True, slots=True)
class TreeMember:
    """An entity, dimension or measure of a model."""

    name: str
    kind: Literal["entity", "dimension", "measure"]
    reference: Annotated[str, "As a query writes it: `orders__status`."]
    location: Location
    label: str | None = None
    description: str | None = None
    type: Annotated[
        str | None, "`time`, `primary`, `sum` or an SQL type: what kind of it it is."
    ] = None


@dataclass(frozen=True, slots=True)
class TreeModel:
    """One semantic model."""

    name: str
    location: Location
    entities: tuple[TreeMember, ...]
    dimensions: tuple[TreeMember, ...]
    measures: tuple[TreeMember, ...]
    label: str | None = None
    description: str | None = None
    table: str | None = None


@dataclass(frozen=True, slots=True)
class TreeMetric:
    """One metric."""

    name: str
    kind: Annotated[str, "`simple`, `ratio`, `derived`, …"]
    location: Location
    uses: Annotated[int, "How many query files name it."]
    label: str | None = None
    description: str | None = None
    type: str | None = None
    expression: str | None = None
    models: Annotated[tuple[str, ...], "Whose rows it counts."] = ()


@dataclass(frozen=True, slots=True)
class TreeWorkspace:
    """One workspace of the client."""

    uri: str
    name: str
    models: tuple[TreeModel, ...]
    metrics: tuple[TreeMetric, ...]
    model_count: Annotated[int, "How many there are, also when fewer are listed."] = 0
    metric_count: Annotated[int, "How many there are, also when fewer are listed."] = 0


@dataclass(frozen=True, slots=True)
class TreeResult:
    """See the request."""

    workspaces: tuple[TreeWorkspace, ...]


@dataclass(frozen=True, slots=True)
class FindParams:
    """Metrics, models and their members whose name or label holds a text."""

    text: Annotated[str, "Compared without case; empty: whatever comes first."]
    most: Annotated[int, "At most so many of each workspace are answered."] = 200


@dataclass(frozen=True, slots=True)
class FoundSymbol:
    """One of them."""

    kind: Literal["metric", "model", "entity", "dimension", "measure"]
    name: str
    location: Location
    reference: Annotated[str, "As a query writes it: `orders__status`."]
    label: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class FindResult:
    """Those whose name begins with the text first."""

    found: tuple[FoundSymbol, ...]


@dataclass(frozen=True, slots=True)
class RunParams:
    """Run a query on the workspace's engine.

    Either a query of a document, or `smq`: one query object, in the workspace of the document.
    Fails with code -32803 and a sentence when the workspace is not trusted, the query is wrong or
    the engine refuses. Progress is reported to `workDoneToken`; cancelling stops the engine.
    """

    uri: str
    query: QueryChoice = None
    smq: Annotated[object, "A query object in place of one that is written in the document."] = None
    limit: Annotated[int, "At most this many rows are fetched."] = 1000
    dry_run: Annotated[bool, "Only ask the engine what running would take."] = False
    work_done_token: str | int | None = None


@dataclass(frozen=True, slots=True)
class RunColumn:
    """A column with the engine's own name for its type."""

    name: str
    type: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class RunResult:
    """Rows, or with `dryRun` an estimate and no rows.

    Numbers that JSON cannot hold exactly, dates and everything else without JSON are strings.
    """

    sql: str
    dialect: str
    engine: str
    columns: tuple[RunColumn, ...]
    rows: tuple[tuple[object, ...], ...]
    elapsed: Annotated[float, "Seconds."]
    truncated: Annotated[bool, "Whether there were more rows than `limit`."]
    estimated_rows: int | None = None
    bytes: Annotated[int | None, "What the engine would read, if it tells."] = None
    cost: Annotated[float | None, "In the engine's own unit."] = None


@dataclass(frozen=True, slots=True)
class DiffParams:
    """Which queries mean something else than before, and how.

    Compared with what is saved, or with a git revision (only in a trusted workspace). What the
    client has open counts as it is on the screen. Progress is reported to `workDoneToken`;
    cancelling ends the work.
    """

    uri: Annotated[str, "A document of the workspace."]
    base: Annotated[str, "`saved`, or a git revision."] = "saved"
    dialect: str | None = None
    most: Annotated[int, "At most so many definitions, and so many queries, are listed."] = 500
    work_done_token: str | int | None = None


@dataclass(frozen=True, slots=True)
class DiffDefinition:
    """A definition that is another one: what caused the rest."""

    kind: Literal["metric", "model", "dimension", "measure", "entity"]
    name: str
    change: Literal["added", "removed", "changed"]
    before: str | None = None
    after: str | None = None
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class DiffAspect:
    """One thing about a query, in a sentence."""

    aspect: Literal[
        "columns", "grain", "aggregate", "source", "join", "filter", "order", "limit", "sql"
    ]
    words: str
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class DiffQuery:
    """A query whose SQL is another one."""

    path: str
    index: int
    name: str
    change: Literal["added", "removed", "changed", "broken", "mended"]
    edited: Annotated[bool, "Whether the query itself was changed."]
    differences: tuple[DiffAspect, ...]
    problems: tuple[str, ...]
    before_sql: str | None = None
    after_sql: str | None = None
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class DiffResult:
    """See the request; `markdown` says the same in a form to show."""

    base: str
    unchanged: int
    summary: str
    definitions: tuple[DiffDefinition, ...]
    queries: tuple[DiffQuery, ...]
    markdown: str
    more_definitions: Annotated[int, "How many others there are, which are not listed."] = 0
    more_queries: Annotated[int, "How many others there are, which are not listed."] = 0


@dataclass(frozen=True, slots=True)
class GenerateParams:
    """Turn a question into queries that compile, with the configured language model.

    The question is the comment at `position`, and the answer has the edit that puts the queries
    below it; or it is `question`, and the answer has no edit. With both, it is the comment that
    says `question`, wherever it stands by now. Fails with code -32803 and a sentence
    when the workspace is not trusted or no model is configured. Progress is reported to
    `workDoneToken`; cancelling ends the call of the model.
    """

    uri: str
    position: Position | None = None
    question: str | None = None
    strategy: Annotated[
        Literal["direct", "tools", "graph"] | None, "Absent: as the workspace is configured."
    ] = None
    work_done_token: str | int | None = None


@dataclass(frozen=True, slots=True)
class GeneratedQuery:
    """A query that compiles."""

    smq: object
    sql: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GeneratedEdit:
    """A change of the document's text."""

    range: Range
    new_text: str


@dataclass(frozen=True, slots=True)
class GeneratedAlternative:
    """Another reading of the question, which compiles as well."""

    meaning: str
    query: GeneratedQuery
    edits: Annotated[
        tuple[GeneratedEdit, ...], "As those of the result, to take in place of them."
    ] = ()


@dataclass(frozen=True, slots=True)
class NearMetric:
    """A metric that comes near to what was asked."""

    name: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class GenerateResult:
    """What became of a question.

    `generated` has queries; `declined` a `message` that says why the models cannot answer; `failed`
    one that says why there is no answer.
    """

    status: Literal["generated", "declined", "failed"]
    question: str
    queries: tuple[GeneratedQuery, ...] = ()
    message: Annotated[str, "What the queries compute, or why there are none."] = ""
    assumptions: Annotated[tuple[str, ...], "What the question leaves open."] = ()
    adjustments: Annotated[tuple[str, ...], "What was changed in the model's answer."] = ()
    alternatives: tuple[GeneratedAlternative, ...] = ()
    nearest: tuple[NearMetric, ...] = ()
    edits: Annotated[
        tuple[GeneratedEdit, ...], "One change to undo; none for a question without a comment."
    ] = ()
    version: Annotated[int | None, "Of the document that the edits are for."] = None
    calls: Annotated[int, "How often the model was asked."] = 0
    tokens: Annotated[int, "Sent and received."] = 0


@dataclass(frozen=True, slots=True)
class PromptParams:
    """What `smq/generate` would send first for the same question; nothing is sent.

    Fails with code -32803 and a sentence when the workspace is not trusted or no model is
    configured.
    """

    uri: str
    position: Position | None = None
    question: str | None = None
    strategy: Annotated[
        Literal["direct", "tools", "graph"] | None, "Absent: as the workspace is configured."
    ] = None


@dataclass(frozen=True, slots=True)
class PromptResult:
    """The first request to the language model."""

    text: Annotated[str, "For people: each message, and then the other parameters."]
    body: Annotated[object, "Exactly what would be sent."]


@dataclass(frozen=True, slots=True)
class StatusParams:
    """How the server is; answered also while workspaces are being read."""


@dataclass(frozen=True, slots=True)
class WorkspaceStatus:
    """One workspace of the client."""

    uri: str
    name: str
    dialect: str
    engine: str
    indexing: bool
    files: int
    models: int
    dimensions: int
    metrics: int
    queries: int
    configuration: Annotated[str | None, "The URI of its configuration file."] = None
    stopped: Annotated[bool, "Whether somebody has stopped reading it; nothing is known of it."] = (
        False
    )


@dataclass(frozen=True, slots=True)
class MetasyncStatus:
    """The metadata cache: where it comes from and how old it is."""

    state: Literal["not configured", "loading", "fresh", "stale", "failed"]
    age: Annotated[float | None, "Seconds since the warehouse was read."] = None
    source: str | None = None
    reason: Annotated[str | None, "Why it is stale or failed, or how to configure it."] = None
    tables: int | None = None


@dataclass(frozen=True, slots=True)
class StatusResult:
    """Also the parameters of `smq/statusChanged`."""

    version: Annotated[str, "Of the server."]
    protocol: int
    trusted: bool
    workspaces: tuple[WorkspaceStatus, ...]
    metasync: MetasyncStatus


@dataclass(frozen=True, slots=True)
class VirtualDocumentParams:
    """The text of a virtual document, for clients without `workspace/textDocumentContent`.

    `virtualDocumentChanged` has the same parameters and says that the text is another one now.
    """

    uri: str


@dataclass(frozen=True, slots=True)
class VirtualDocumentResult:
    """The statement, or a comment that says why there is none."""

    text: str


REQUESTS: dict[str, tuple[type, type | None]] = {
    COMPILE: (CompileParams, CompileResult),
    EXPLAIN: (ExplainParams, None),
    LINEAGE: (LineageParams, LineageResult),
    TREE: (TreeParams, TreeResult),
    FIND: (FindParams, FindResult),
    RUN: (RunParams, RunResult),
    DIFF: (DiffParams, DiffResult),
    GENERATE: (GenerateParams, GenerateResult),
    PROMPT: (PromptParams, PromptResult),
    STATUS: (StatusParams, StatusResult),
    VIRTUAL_DOCUMENT: (VirtualDocumentParams, VirtualDocumentResult),
}
"""What a client may ask, with the parameters and the answer; None has a schema of its own."""

NOTIFICATIONS: dict[str, type] = {
    STATUS_CHANGED: StatusResult,
    VIRTUAL_DOCUMENT_CHANGED: VirtualDocumentParams,
}
"""What the server tells a client that has `experimental.smq` among its capabilities."""


def announced() -> dict[str, Any]:
    """What `capabilities.experimental` of the answer to `initialize` says."""
    return {
        "smq": {
            "version": VERSION,
            "requests": sorted(REQUESTS),
            "notifications": sorted(NOTIFICATIONS),
            "virtualDocuments": [SCHEME],
        }
    }


def json_schema() -> dict[str, Any]:
    """The JSON Schema of every message: `schemas/smq_schemas/protocol.schema.json`."""
    from smq_server.lsp.wire_values import schema_of

    definitions: dict[str, Any] = {}
    requests = {
        method: {
            "params": schema_of(params, definitions),
            "result": (
                schema_of(result, definitions)
                if result is not None
                else {"$ref": "explain-output.schema.json"}
            ),
        }
        for method, (params, result) in REQUESTS.items()
    }
    notifications = {
        method: {"params": schema_of(params, definitions)}
        for method, params in NOTIFICATIONS.items()
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "protocol.schema.json",
        "title": "Requests of the SMQ language server beside those of the protocol",
        "description": " ".join((__doc__ or "").split("\n\n", 1)[1].split()),
        "version": VERSION,
        "requests": requests,
        "notifications": notifications,
        "$defs": dict(sorted(definitions.items())),
    }
