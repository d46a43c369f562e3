"""The tools of the strategy `tools`: look for models, convert queries to SQL, edit them.

The order is enforced: nothing is converted before models were looked at, nothing is edited before
it was converted. Whatever a model calls, however it calls it, is answered with JSON that says what
to do next; nothing is raised.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from smq.query.edit import edit_queries
from smq.workspace import Snapshot
from smq_server.generation.answer import QUERY, closed, described
from smq_server.generation.chat import Tool
from smq_server.generation.knowledge import knowledge, path_shown
from smq_server.generation.validation import Judged, judge

SELECT, CONVERT, EDIT = "selectSemanticModelFiles", "convertSmqToSql", "editSmq"
_LONGEST_SQL = 1500
_MOST_FILES = 100

_CHANGES: dict[str, Any] = {
    "type": "object",
    "description": "Keys of the query (metrics, groupBy, filters, orderBy, limit) with values.",
}
TOOLS = (
    Tool(
        SELECT,
        "Finds the semantic model files that a question is about, and returns what they declare: "
        "metrics, dimensions, joins. Call it first.",
        closed(userQuery=described("The question, in its own words.", {"type": "string"})),
    ),
    Tool(
        CONVERT,
        "Compiles SMQ queries to SQL. Returns smqState: for each query its index, the SMQ and the "
        "SQL, or its errors. Replaces the queries of an earlier call.",
        closed(smq={"type": "array", "items": QUERY}),
    ),
    Tool(
        EDIT,
        "Changes converted queries by index and compiles them again. `add` appends items to "
        "lists, `remove` takes them out, `set` replaces values. Returns smqState.",
        {
            "type": "object",
            "properties": {
                "smqEdits": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "index": {"type": "integer"},
                            "add": _CHANGES,
                            "remove": _CHANGES,
                            "set": _CHANGES,
                        },
                        "required": ["index"],
                        "additionalProperties": False,
                    },
                }
            },
            "required": ["smqEdits"],
            "additionalProperties": False,
        },
    ),
)


class Toolbox:
    """One conversation's tools, and the queries it has come to so far."""

    def __init__(
        self, question: str, snapshot: Snapshot, tokens: int, said: str | None = None
    ) -> None:
        self.judged: Judged | None = None
        """What is to be said of the newest queries; None before the first."""
        self.is_selected = False
        self._question = question
        self._said = said
        self._snapshot = snapshot
        self._tokens = tokens
        self._queries: tuple[Any, ...] = ()

    def call(self, name: str, arguments: str) -> str:
        """The answer to a call, as JSON."""
        return json.dumps(self._call(name, arguments), ensure_ascii=False)

    def start_with(self, queries: tuple[Any, ...]) -> None:
        """Begin with queries that are there already."""
        self._queries = queries

    def convert(self, queries: tuple[Any, ...]) -> dict[str, Any]:
        """Take queries as the state, and say what they are worth."""
        self._queries = queries
        return self._state()

    def _call(self, name: str, arguments: str) -> dict[str, Any]:
        known = ", ".join(tool.name for tool in TOOLS)
        if name not in (SELECT, CONVERT, EDIT):
            return {"error": f"There is no tool '{name[:60]}'. The tools are: {known}."}
        try:
            given = json.loads(arguments or "{}")
        except (ValueError, RecursionError):
            return {"error": "The arguments are no JSON. Call the tool again."}
        if not isinstance(given, Mapping):
            return {"error": "The arguments have to be a JSON object."}
        if name == SELECT:
            return self._select(given.get("userQuery"))
        if not self.is_selected:
            return {"error": f"Call {SELECT} first: names have to come from the models."}
        if name == CONVERT:
            return self._convert(given.get("smq"))
        return self._edit(given.get("smqEdits"))

    def _select(self, words: Any) -> dict[str, Any]:
        if not isinstance(words, str) or not words.strip():
            return {"error": "userQuery has to be the question, as a string."}
        self.is_selected = True
        known = knowledge(words[:2000], self._snapshot, self._tokens)
        paths = [
            path_shown(self._snapshot, declared.uri)
            for declared in self._snapshot.declarations
            if declared.models or declared.metrics
        ]
        return {
            "selected_files": [
                {"path": file.path, "because": list(file.reasons)} for file in known.files
            ],
            "files_content": {file.path: file.text for file in known.files},
            "related": known.related,
            "other_metrics": known.index,
            "all_available_files": paths[:_MOST_FILES],
        }

    def _convert(self, queries: Any) -> dict[str, Any]:
        if isinstance(queries, Mapping):
            queries = [queries]
        if not isinstance(queries, list) or not queries:
            return {"error": "smq has to be a list of queries."}
        return self.convert(tuple(queries))

    def _edit(self, edits: Any) -> dict[str, Any]:
        if not self._queries:
            return {"error": f"There is nothing to edit yet. Call {CONVERT} first."}
        if isinstance(edits, Mapping):
            edits = [edits]
        if not isinstance(edits, list) or not edits:
            return {"error": "smqEdits has to be a list of edits."}
        edited = edit_queries(self._queries, edits)
        if edited.mistakes:
            return {"error": "Nothing was changed. " + " ".join(map(str, edited.mistakes))}
        self._queries = edited.queries
        return self._state()

    def _state(self) -> dict[str, Any]:
        self.judged = judge(self._queries, self._question, self._snapshot, self._said)
        states = [_shortened(state) for state in self.judged.states]
        found: dict[str, Any] = {"smqState": states}
        if self.judged.problems:
            found["problems"] = list(self.judged.problems)
        if self.judged.adjustments:
            found["adjustments"] = list(self.judged.adjustments)
        return found


def _shortened(state: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(state)
    if "sql" in found:
        found["sql"] = [
            sql if len(sql) <= _LONGEST_SQL else sql[:_LONGEST_SQL] + " …" for sql in found["sql"]
        ]
    return found
