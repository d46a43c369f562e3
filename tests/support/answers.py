"""What every answer must be, held against the texts that the client had when it asked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.support.places import Ruler, Texts, Wrong

Message = dict[str, Any]

SLOW = frozenset(
    {
        "textDocument/codeLens",
        "workspace/diagnostic",
        "workspace/symbol",
        "smq/tree",
        "smq/diff",
    }
)
"""Requests about all files. They wait while a workspace is read, or are answered in turns with
what the client sends meanwhile, and may speak of that."""
REFUSALS = {
    "textDocument/rename": {-32602, -32803},
    "smq/compile": {-32803},
    "smq/explain": {-32803},
    "smq/lineage": {-32803},
    "smq/diff": {-32803},
    "smq/virtualDocument": {-32803},
}
"""Errors that are for the person: there may be no query, or nothing that could be renamed."""


@dataclass(frozen=True)
class Asked:
    """A request, with what the client knew when it was sent."""

    method: str
    params: Message
    texts: Texts
    versions: dict[str, int]
    legend: list[str]
    later: list[Texts] = field(default_factory=list)
    """What the client had until the answer came, where that may speak of a newer state."""

    def span(self, uri: str, given: Message) -> tuple[int, int]:
        """Raises Wrong for a range of no text that the client has had since."""
        texts = [self.texts, *self.later]
        for each in texts[:-1]:
            try:
                return each.span(uri, given)
            except Wrong:
                continue
        return texts[-1].span(uri, given)

    @property
    def uri(self) -> str:
        document = self.params.get("textDocument")
        return str(document["uri"] if isinstance(document, dict) else self.params.get("uri", ""))

    @property
    def ruler(self) -> Ruler:
        return self.texts.ruler(self.uri)

    @property
    def at(self) -> int:
        return self.ruler.offset(self.params["position"])


def check(asked: Asked, answer: Message) -> None:
    """Raises Wrong for an answer that some client could not use as it is."""
    if "error" in answer:
        code = answer["error"]["code"]
        # Cancelled, or asked about a text that has changed while a workspace was being read.
        if code not in {-32800, -32801} | REFUSALS.get(asked.method, set()):
            raise Wrong(f"{answer['error']}")
        return
    result = answer["result"]
    if result is None:
        return
    _CHECKS[asked.method.removeprefix("textDocument/")](asked, result)


# Ranges anywhere


def places(asked: Asked, value: Any, uri: str) -> None:
    """Check all ranges and positions in a value; those below a `uri` are of that document."""
    if isinstance(value, list):
        for item in value:
            places(asked, item, uri)
        return
    if not isinstance(value, dict):
        return
    if {"start", "end"} <= set(value):
        try:
            asked.span(uri, value)
        except Wrong as wrong:
            raise Wrong(f"{value} in {uri}: {wrong}") from wrong
        return
    uri = value.get("uri", value.get("targetUri", uri))
    for name, inner in value.items():
        if name == "originSelectionRange":
            asked.texts.span(asked.uri, inner)
        elif name == "position" and isinstance(inner, dict):
            asked.texts.ruler(uri).offset(inner)
        elif name not in {"sqlRange", "textDocument"}:
            places(asked, inner, uri)


def _anywhere(asked: Asked, result: Any) -> None:
    places(asked, result, asked.uri)


def _holding(asked: Asked, result: Any) -> None:
    """Something about the name at the cursor."""
    _anywhere(asked, result)
    for each in result if isinstance(result, list) else [result]:
        if "range" in each and "uri" not in each:
            start, end = asked.texts.span(asked.uri, each["range"])
            if not start <= asked.at <= end:
                raise Wrong(f"{each['range']} does not hold the cursor")


def _nonempty(asked: Asked, result: list[Message]) -> None:
    _anywhere(asked, result)
    seen = [repr(each) for each in result]
    if len(set(seen)) != len(seen):
        raise Wrong("a place is told twice")


def _highlights(asked: Asked, result: list[Message]) -> None:
    _nonempty(asked, result)
    spans = [asked.texts.span(asked.uri, each["range"]) for each in result]
    if result and not any(start <= asked.at <= end for start, end in spans):
        raise Wrong("none of the highlights holds the cursor")
    _apart(sorted(spans), "highlights")


def _apart(spans: list[tuple[int, int]], what: str) -> None:
    for one, two in pairwise(spans):
        if two[0] < one[1]:
            raise Wrong(f"{what} overlap: {one} {two}")


# Edits


def changed(asked: Asked, edit: Message) -> dict[str, str]:
    """The texts after a workspace edit. Raises Wrong for one that cannot be made."""
    found: dict[str, str] = {}
    if edit.get("changes") and edit.get("documentChanges"):
        raise Wrong("changes are told in two ways")
    for uri, edits in (edit.get("changes") or {}).items():
        found[uri] = asked.texts.edited(uri, edits)
    for change in edit.get("documentChanges") or ():
        uri, version = change["textDocument"]["uri"], change["textDocument"]["version"]
        if version != asked.versions.get(uri):
            raise Wrong(f"{uri} has version {asked.versions.get(uri)}, not {version}")
        if uri in found:
            raise Wrong(f"{uri} is changed twice")
        found[uri] = asked.texts.edited(uri, change["edits"])
    return found


def _own_edits(asked: Asked, result: list[Message]) -> None:
    asked.texts.edited(asked.uri, result)


def _edits_within(asked: Asked, result: list[Message]) -> None:
    _own_edits(asked, result)
    low, high = asked.texts.span(asked.uri, asked.params["range"])
    for edit in result:
        start, end = asked.texts.span(asked.uri, edit["range"])
        if start < low or end > high:
            raise Wrong(f"{edit} leaves the range that was asked for")


def _rename(asked: Asked, result: Message) -> None:
    # A name that is given again changes nothing, which is no lack of `changes`.
    edits = (
        result["changes"]
        if "changes" in result
        else {each["textDocument"]["uri"]: each["edits"] for each in result["documentChanges"]}
    )
    changed(asked, result)
    new = asked.params["newName"]
    for uri, each in edits.items():
        for edit in each:
            old = plain(asked.texts.cut(uri, edit["range"]))
            # A name that was that of a column, or of a table, as well leaves it behind.
            fits = re.search(r"\w", old) and new in plain(edit["newText"])
            if not fits and not re.search(r"^\s*,?\s*(expr|identifier): ", edit["newText"]):
                raise Wrong(f"{old!r} of {uri} becomes {edit['newText']!r}")


def plain(written: str) -> str:
    """A name without the escapes of JSON and YAML."""
    found = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), written)
    return unicodedata.normalize("NFC", found)


def edit_of(action: Message) -> Message | None:
    """What an action would change, be it told as one or as a command that asks for the edit."""
    if isinstance(action.get("command"), str):
        about = action["arguments"][0]
        return about.get("edit") if isinstance(about, dict) else None
    return action.get("edit")


def _actions(asked: Asked, result: list[Message]) -> None:
    for action in result:
        if not action["title"].strip():
            raise Wrong("an action without a title")
        edit = edit_of(action)
        if edit is not None:
            after = changed(asked, edit)
            if all(asked.texts.ruler(uri).text == text for uri, text in after.items()):
                raise Wrong(f"{action['title']} changes nothing")
        elif "command" not in action:
            raise Wrong(f"{action['title']} does nothing")


# Completion and signatures


def _completion(asked: Asked, result: Any) -> None:
    items = result["items"] if isinstance(result, dict) else result
    line = asked.params["position"]["line"]
    spans: dict[str, Message] = {}
    for item in items:
        edit = item.get("textEdit")
        if edit is None:
            continue
        for given in (edit[key] for key in ("range", "insert", "replace") if key in edit):
            # Most items replace the same stretch, which is looked at once.
            spans[repr(given)] = given
            if given["start"]["line"] != line or given["end"]["line"] != line:
                raise Wrong(f"{item['label']} would replace another line")
        if "insert" in edit:
            insert, replace = (asked.texts.span(asked.uri, edit[k]) for k in ("insert", "replace"))
            if insert[0] != replace[0] or insert[1] > replace[1]:
                raise Wrong("what is inserted over is no beginning of what is replaced")
        more = [
            {**each, "newText": each["newText"]} for each in item.get("additionalTextEdits", ())
        ]
        if more:
            main = {"range": edit.get("range") or edit["replace"], "newText": edit["newText"]}
            asked.texts.edited(asked.uri, [*more, main])
        if not item.get("label"):
            raise Wrong("an item without a label")
    for given in spans.values():
        start, end = asked.texts.span(asked.uri, given)
        if not start <= asked.at <= end:
            raise Wrong(f"{given} does not hold the cursor at {asked.params['position']}")


def _signature(asked: Asked, result: Message) -> None:
    signatures = result["signatures"]
    chosen = signatures[result.get("activeSignature") or 0]
    for active in (result.get("activeParameter"), chosen.get("activeParameter")):
        if active is not None and not 0 <= active <= max(0, len(chosen["parameters"]) - 1):
            raise Wrong(f"parameter {active} of {chosen['label']}")
    for parameter in chosen["parameters"]:
        if isinstance(parameter["label"], str) and parameter["label"] not in chosen["label"]:
            raise Wrong(f"{parameter['label']} is not in {chosen['label']}")


# Outlines


def _symbols(asked: Asked, result: list[Message]) -> None:
    for symbol in result:
        if "location" in symbol:
            places(asked, symbol, asked.uri)
        else:
            _symbol(asked, symbol, (0, len(asked.ruler.text)))


def _symbol(asked: Asked, symbol: Message, outer: tuple[int, int]) -> None:
    whole = asked.texts.span(asked.uri, symbol["range"])
    name = asked.texts.span(asked.uri, symbol["selectionRange"])
    if not outer[0] <= whole[0] <= name[0] <= name[1] <= whole[1] <= outer[1]:
        raise Wrong(f"{symbol['name']} is not within {outer}: {whole}, {name}")
    if not symbol["name"].strip():
        raise Wrong("a symbol without a name, which VS Code refuses")
    for child in symbol.get("children") or ():
        _symbol(asked, child, whole)


def _folds(asked: Asked, result: list[Message]) -> None:
    for fold in result:
        if not 0 <= fold["startLine"] < fold["endLine"] < len(asked.ruler):
            raise Wrong(f"{fold} of {len(asked.ruler)} lines")


def _selection(asked: Asked, result: list[Message]) -> None:
    if len(result) != len(asked.params["positions"]):
        raise Wrong("one chain for each position")
    for position, chain in zip(asked.params["positions"], result, strict=True):
        inner = (asked.ruler.offset(position),) * 2
        link: Message | None = chain
        while link is not None:
            outer = asked.texts.span(asked.uri, link["range"])
            if not outer[0] <= inner[0] <= inner[1] <= outer[1]:
                raise Wrong(f"{outer} does not hold {inner}")
            inner, link = outer, link.get("parent")


def _links(asked: Asked, result: list[Message]) -> None:
    _apart(sorted(asked.texts.span(asked.uri, link["range"]) for link in result), "links")


def _hints(asked: Asked, result: list[Message]) -> None:
    low, high = asked.texts.span(asked.uri, asked.params["range"])
    for hint in result:
        if not low <= asked.ruler.offset(hint["position"]) <= high:
            raise Wrong(f"{hint} is not in the range that was asked for")


def tokens(asked: Asked, data: list[int]) -> list[tuple[int, int, int]]:
    """Start, end and type of each token. Raises Wrong for any that cannot be painted."""
    if len(data) % 5:
        raise Wrong("five numbers for each token")
    line = column = done = 0
    found = []
    for number in range(0, len(data), 5):
        down, right, length, kind, _ = data[number : number + 5]
        line, column = line + down, right if down else column + right
        if min(down, right) < 0 or length <= 0 or not 0 <= kind < len(asked.legend):
            raise Wrong(f"token {data[number : number + 5]}")
        start = asked.ruler.offset({"line": line, "character": column})
        end = asked.ruler.offset({"line": line, "character": column + length})
        if start < done:
            raise Wrong(f"tokens overlap in line {line}")
        done = end
        found.append((start, end, kind))
    return found


def _tokens(asked: Asked, result: Message) -> None:
    if "data" in result:
        tokens(asked, result["data"])


def _tokens_within(asked: Asked, result: Message) -> None:
    low, high = asked.texts.span(asked.uri, asked.params["range"])
    for start, end, _ in tokens(asked, result["data"]):
        if end < low or start > high:
            raise Wrong(f"the token at {start} is outside of {low}-{high}")


# Our own requests


def _compiled(asked: Asked, result: Message) -> None:
    if result.get("version") != asked.versions.get(asked.uri):
        raise Wrong(f"version {result.get('version')} is not {asked.versions.get(asked.uri)}")
    _anywhere(asked, result)
    for query in result["queries"]:
        sql = Texts({"": query.get("sql", "")}, asked.texts.encoding)
        for entry in query["mapping"]:
            sql.span("", entry["sqlRange"])
        if "sql" not in query and not query["problems"]:
            raise Wrong("neither SQL nor a reason why there is none")


def _lineage(asked: Asked, result: Message) -> None:
    _anywhere(asked, result)
    known = {node["id"] for node in result["nodes"]}
    if len(known) != len(result["nodes"]):
        raise Wrong("a node is told twice")
    if not {end for edge in result["edges"] for end in (edge["from"], edge["to"])} <= known:
        raise Wrong("an edge between nodes that are not there")


def _callers(asked: Asked, result: list[Message]) -> None:
    for call in result:
        places(asked, call, call["from"]["uri"])


def _called(asked: Asked, result: list[Message]) -> None:
    for call in result:
        places(asked, call["to"], call["to"]["uri"])
        # Where it is named is in the caller's own document.
        places(asked, call["fromRanges"], asked.params["item"]["uri"])


def _any(asked: Asked, result: Any) -> None:
    """Checked elsewhere, or without places."""


_CHECKS: dict[str, Callable[[Asked, Any], None]] = {
    "hover": _holding,
    "completion": _completion,
    "signatureHelp": _signature,
    **dict.fromkeys(
        (
            *("definition", "declaration", "typeDefinition", "implementation", "references"),
            *("prepareCallHierarchy", "prepareTypeHierarchy"),
        ),
        _nonempty,
    ),
    "documentHighlight": _highlights,
    "prepareRename": _holding,
    "rename": _rename,
    "codeAction": _actions,
    "codeLens": _anywhere,
    "documentSymbol": _symbols,
    "foldingRange": _folds,
    "selectionRange": _selection,
    "documentLink": _links,
    "inlayHint": _hints,
    "semanticTokens/full": _tokens,
    "semanticTokens/full/delta": _any,
    "semanticTokens/range": _tokens_within,
    "formatting": _own_edits,
    "rangeFormatting": _edits_within,
    "onTypeFormatting": _own_edits,
    "diagnostic": _anywhere,
    "callHierarchy/incomingCalls": _callers,
    "callHierarchy/outgoingCalls": _called,
    "typeHierarchy/supertypes": _anywhere,
    "typeHierarchy/subtypes": _anywhere,
    "workspace/symbol": _anywhere,
    "workspace/diagnostic": _anywhere,
    "smq/compile": _compiled,
    "smq/explain": _any,
    "smq/lineage": _lineage,
    "smq/tree": _anywhere,
    "smq/find": _anywhere,
    "smq/diff": _anywhere,
    "smq/status": _any,
    "smq/virtualDocument": _any,
}
