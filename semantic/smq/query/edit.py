"""editSmq: change queries by index with `add`, `remove` and `set`, all of it or nothing.

An edit is a mapping `{"index": 0, "set": {…}, "remove": {…}, "add": {…}}`, applied in that
order. Its keys are those of a query, in either spelling:

- `set` replaces a value; null empties a list and resets a scalar.
- `remove` takes items out of a list; for a scalar, with null or the value it has, it resets the
  scalar to null. What is not there cannot be removed.
- `add` appends items that a list does not have yet.

Items are compared trimmed and in NFC, as everywhere. Nothing here knows names: whether an edited
query makes sense is the compiler's answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

from smq.format.changes import changes
from smq.format.json_edit import add_item, remove_item, set_value
from smq.format.keys import canonical, find_pair, rank
from smq.query.items import normalised
from smq.query.written import KEYS, LIST_KEYS, SPELLINGS
from smq.syntax import Document, Node, Scalar
from smq.syntax import Mapping as MappingNode
from smq.syntax import Sequence as SequenceNode
from smq.syntax.jsonc import parse
from smq.text import Edit, apply_edits, nearest

_OPERATIONS = ("set", "remove", "add")


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with an edit; `path` says where in the edits: `edits[0].remove.metrics`."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass(frozen=True, slots=True)
class Edited:
    """The edited queries, or the given ones unchanged when there are mistakes."""

    queries: tuple[Any, ...]
    mistakes: tuple[Mistake, ...] = ()


@dataclass(frozen=True, slots=True)
class EditedDocument:
    """The edited text and the edits that lead to it; no edits when there are mistakes."""

    text: str
    edits: tuple[Edit, ...] = ()
    mistakes: tuple[Mistake, ...] = ()


def edit_queries(queries: Sequence[Any], edits: Sequence[Any]) -> Edited:
    """Apply edits to queries held as values; the given ones are not changed.

    An edit may leave `index` out when there is one query. A query that is no mapping keeps its
    place and cannot be edited. Raises nothing for what people or
    language models write: every mistake is in the answer, and then no edit is applied.
    """
    editing = _Editing([_copy(query) for query in queries])
    for number, edit in enumerate(edits):
        editing.apply(edit, f"edits[{number}]")
    if editing.mistakes:
        return Edited(tuple(_copy(query) for query in queries), tuple(editing.mistakes))
    return Edited(tuple(editing.queries))


def edit_document(document: Document, edits: Sequence[Any]) -> EditedDocument:
    """Apply the same edits to a query file, keeping its comments and its layout."""
    parsed = parse(document)
    if parsed.problems:
        start = parsed.problems[0].location.span.start
        line = document.text.count("\n", 0, start) + 1
        where = f"line {line} of the file"
        mistake = Mistake("edits", f"the file has to be free of syntax errors first, see {where}")
        return EditedDocument(document.text, (), (mistake,))
    nodes = _queries(parsed.root)
    edited = edit_queries([_plain(node) for node in nodes], edits)
    if edited.mistakes:
        return EditedDocument(document.text, (), edited.mistakes)
    text = document.text
    for index, query in enumerate(edited.queries):
        before = _plain(nodes[index])
        if not isinstance(before, dict):
            continue
        for key, value in query.items():
            if key not in before or before[key] != value:
                text = _write(document, text, index, key, before.get(key), value)
    return EditedDocument(text, changes(document.uri, document.text, text))


def _copy(query: Any) -> Any:
    return deepcopy(dict(query)) if isinstance(query, Mapping) else deepcopy(query)


# --- values -------------------------------------------------------------------------------------


class _Editing:
    def __init__(self, queries: list[Any]) -> None:
        self.queries = queries
        self.mistakes: list[Mistake] = []

    def fail(self, path: str, message: str) -> None:
        self.mistakes.append(Mistake(path, message))

    def apply(self, edit: Any, path: str) -> None:
        if not isinstance(edit, Mapping):
            self.fail(path, "an edit is an object with `index`, `set`, `remove` and `add`")
            return
        for field in edit:
            if field not in ("index", *_OPERATIONS):
                self.fail(f"{path}.{field}", "an edit has `index`, `set`, `remove` and `add` only")
        query = self._query(edit, path)
        if query is None:
            return
        for operation in _OPERATIONS:
            wishes = edit.get(operation)
            if wishes is None:
                continue
            if not isinstance(wishes, Mapping):
                self.fail(f"{path}.{operation}", "this is an object of keys of the query")
                continue
            for key, value in wishes.items():
                self._change(query, operation, str(key), value, f"{path}.{operation}.{key}")

    def _query(self, edit: Mapping[str, Any], path: str) -> dict[str, Any] | None:
        count = len(self.queries)
        index = edit.get("index", 0 if count == 1 else None)
        if isinstance(index, bool) or not isinstance(index, int):
            self.fail(f"{path}.index", "the index of a query is a whole number, from 0")
        elif not 0 <= index < count:
            there = "is one query, 0" if count == 1 else f"are {count} queries, from 0"
            self.fail(f"{path}.index", f"there is no query {index}: there {there}")
        elif not isinstance(self.queries[index], dict):
            self.fail(f"{path}.index", f"what stands at {index} is no query")
        else:
            query: dict[str, Any] = self.queries[index]
            return query
        return None

    def _change(
        self, query: dict[str, Any], operation: str, key: str, value: Any, path: str
    ) -> None:
        name = canonical(key)
        if name not in KEYS:
            near = nearest(key, (*KEYS, *SPELLINGS), limit=1)
            hint = f"; did you mean `{near[0]}`?" if near else f"; it has {', '.join(KEYS)}"
            self.fail(path, f"a query has no key `{key}`{hint}")
            return
        written = next((k for k in query if k == name), None)
        if written is None:
            written = next((k for k in query if canonical(k) == name), name)
        steps: dict[str, Callable[[dict[str, Any], str, Any, str], None]]
        if name in LIST_KEYS:
            steps = {"set": self._set_list, "remove": self._remove_items, "add": self._add_items}
        else:
            steps = {"set": self._set_scalar, "remove": self._reset, "add": self._no_list}
        steps[operation](query, written, value, path)

    # --- lists ----------------------------------------------------------------------------

    def _set_list(self, query: dict[str, Any], key: str, value: Any, path: str) -> None:
        items = [] if value is None else self._strings(value, path)
        if items is not None:
            _put(query, key, items)

    def _remove_items(self, query: dict[str, Any], key: str, value: Any, path: str) -> None:
        items = self._strings(value, path)
        present = self._present(query, key, path)
        if items is None or present is None:
            return
        for item in items:
            same = [there for there in present if _same(there) == _same(item)]
            if not same:
                near = nearest(item, [t for t in present if isinstance(t, str)], limit=1)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                self.fail(path, f"`{key}` has no '{item}' to remove{hint}")
                continue
            present = [there for there in present if _same(there) != _same(item)]
        _put(query, key, present)

    def _add_items(self, query: dict[str, Any], key: str, value: Any, path: str) -> None:
        items = self._strings(value, path)
        present = self._present(query, key, path)
        if items is None or present is None:
            return
        for item in items:
            if all(_same(there) != _same(item) for there in present):
                present = [*present, item]
        _put(query, key, present)

    def _strings(self, value: Any, path: str) -> list[str] | None:
        """The strings of an operation; one alone is a list of one."""
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, (list, tuple)) or not all(isinstance(i, str) for i in items):
            self.fail(path, "this takes a string or a list of strings")
            return None
        if any(not item.strip() for item in items):
            self.fail(path, "an item cannot be blank")
            return None
        return list(items)

    def _present(self, query: dict[str, Any], key: str, path: str) -> list[Any] | None:
        value = query.get(key)
        if value is None:
            return []
        if isinstance(value, str):
            return [value] if value.strip() else []
        if not isinstance(value, (list, tuple)):
            self.fail(path, f"`{key}` of the query is no list; use `set`")
            return None
        if all(isinstance(item, str) and not item.strip() for item in value):
            return []
        return list(value)

    # --- scalars --------------------------------------------------------------------------

    def _set_scalar(self, query: dict[str, Any], key: str, value: Any, path: str) -> None:
        if key == "limit":
            fits = value is None or (
                isinstance(value, int) and not isinstance(value, bool) and value >= 0
            )
            expected = "a whole number from 0, or null"
        else:
            fits = value is None or isinstance(value, str)
            expected = "a string or null"
        if fits:
            _put(query, key, value)
        else:
            self.fail(path, f"`{key}` takes {expected}")

    def _reset(self, query: dict[str, Any], key: str, value: Any, path: str) -> None:
        there = query.get(key)
        if there is None:
            self.fail(path, f"the query has no `{key}` to remove")
        elif value is not None and (type(value) is not type(there) or value != there):
            self.fail(path, f"`{key}` is {there!r} and not {value!r}; null removes any value")
        else:
            query[key] = None

    def _no_list(self, query: dict[str, Any], key: str, value: Any, path: str) -> None:
        self.fail(path, f"`{key}` is no list that something is added to; use `set`")


def _put(query: dict[str, Any], key: str, value: Any) -> None:
    """Give a key a value; a new key comes to its place in the order of keys."""
    if key in query:
        query[key] = value
        return
    own = rank(key)
    behind: list[str] = []
    for other in query:
        place = rank(other)
        if own is not None and place is not None and place > own and not behind:
            behind = [other]
        elif behind:
            behind.append(other)
    moved = {other: query.pop(other) for other in behind}
    query[key] = value
    query.update(moved)


def _same(item: Any) -> Any:
    return normalised(item.strip()) if isinstance(item, str) else (type(item), repr(item))


# --- text -----------------------------------------------------------------------------------------


def _queries(root: Node | None) -> list[Node | None]:
    if isinstance(root, SequenceNode):
        return list(root.items)
    return [] if root is None else [root]


def _plain(node: Node | None) -> Any:
    if isinstance(node, MappingNode):
        return {pair.key.text: _plain(pair.value) for pair in node.pairs}
    if isinstance(node, SequenceNode):
        return [_plain(item) for item in node.items]
    return node.value if isinstance(node, Scalar) else None


def _write(document: Document, text: str, index: int, key: str, before: Any, after: Any) -> str:
    """Write one key's new value into the text, item by item where items stay."""
    if not isinstance(after, list) or not isinstance(before, list):
        return _step(document, text, index, lambda d, q: set_value(d, q, key, after))
    gone: list[int] = []
    kept = 0
    for place, item in enumerate(before):
        if kept < len(after) and item == after[kept] and type(item) is type(after[kept]):
            kept += 1
        else:
            gone.append(place)
    if before and not kept:
        return _step(document, text, index, lambda d, q: set_value(d, q, key, after))
    for place in reversed(gone):
        text = _step(document, text, index, partial(_remove, key=key, index=place))
    for item in after[kept:]:
        text = _step(document, text, index, partial(add_item, key=key, text=item))
    return text


def _remove(document: Document, query: MappingNode, key: str, index: int) -> tuple[Edit, ...]:
    pair = find_pair(query, key)
    if pair is None or not isinstance(pair.value, SequenceNode):
        return ()
    return remove_item(document, pair.value, index)


def _step(
    document: Document,
    text: str,
    index: int,
    change: Callable[[Document, MappingNode], tuple[Edit, ...]],
) -> str:
    """Read the text again, change one query, and return the new text."""
    current = Document(document.uri, text)
    query = _queries(parse(current).root)[index]
    if not isinstance(query, MappingNode):
        return text
    return apply_edits(text, change(current, query))
