"""From the tree of a query file to its queries, and what is wrong with their structure.

Knows keys and types and no names: whether a metric exists is the binder's question. A query with
problems is handed out as far as it can be understood, because its other parts can still be
checked, completed and hovered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from smq.problem import Problem, Related
from smq.query.items import merged, readable
from smq.query.written import KEYS, LIST_KEYS, SPELLINGS, Item, ListKey, WrittenQuery
from smq.syntax import Alias, Document, Mapping, Node, Pair, Parsed, Scalar, Sequence
from smq.syntax.jsonc import parse
from smq.text import Location, Span, is_nfc, nearest, nfc

MAX_LIMIT = 2**63 - 1

MAX_FAULTS = 10_000
"""So many problems of one file are told; one more says that there are others."""

_JOIN_WORD = re.compile(r"(?:(?:left|right|full|inner|cross|outer|natural)\s+)*join\b", re.I)

# What people who know another query language write for our keys.
_OTHER_WORDS = {
    "aggregates": "metrics",
    "columns": "groupBy",
    "dimensions": "groupBy",
    "dims": "groupBy",
    "filter": "filters",
    "having": "filters",
    "join": "joins",
    "from": "joins",
    "measures": "metrics",
    "order": "orderBy",
    "select": "metrics",
    "size": "limit",
    "sort": "orderBy",
    "sortby": "orderBy",
    "title": "name",
    "question": "description",
    "top": "limit",
    "values": "metrics",
    "where": "filters",
}


def read_queries(parsed: Parsed) -> tuple[tuple[WrittenQuery, ...], tuple[Problem, ...]]:
    """The queries of a document in order, and the structure problems (QRY1xx) of all of them.

    An item of the document's array that is no object is a problem at its place and has no query;
    `WrittenQuery.index` is the position in the array all the same.
    """
    reader = _Reader(parsed.document.uri)
    queries: list[WrittenQuery] = []
    index = 0
    for root in parsed.roots:
        items: tuple[Node | None, ...] = (root,)
        if isinstance(root, Sequence):
            items = root.items
            if not items and not parsed.problems:
                reader.report("QRY116", root.span)
        for node in items:
            if isinstance(node, Mapping):
                queries.append(reader.query(node, index))
            elif node is not None:
                reader.report("QRY101", node.span, found=kind_of(node))
            index += 1
    if not parsed.roots and not parsed.problems:
        reader.report("QRY116", Span(0, 0))
    # Where reading stopped at a limit, what is missing is unknown and nothing to complain about.
    return tuple(queries), tuple(reader.problems) if parsed.complete else ()


def queries_from_value(
    value: dict[str, Any] | list[Any], uri: str = "memory:query.smq.json"
) -> tuple[Document, tuple[WrittenQuery, ...], tuple[Problem, ...]]:
    """Read queries that a program holds as values, through the same reader as a file.

    The document is the JSON text the problems' places refer to. Raises TypeError for values that
    JSON does not have and ValueError for values that contain themselves or nest without end.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, indent=2)
    except RecursionError as error:
        raise ValueError("the value is nested too deeply") from error
    document = Document(uri, text)
    parsed = parse(document)
    queries, problems = read_queries(parsed)
    return document, queries, (*parsed.problems, *problems)


def kind_of(node: Node | None) -> str:
    """What a value is, in the words of JSON."""
    if isinstance(node, Mapping):
        return "an object"
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, Scalar):
        if node.value is None:
            return "null"
        if isinstance(node.value, bool):
            return "a boolean"
        return "a string" if isinstance(node.value, str) else "a number"
    return "an alias" if isinstance(node, Alias) else "nothing"


class _Reader:
    """Collects problems while the queries of one document are read, as many as anybody reads."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.problems: list[Problem] = []

    def report(
        self, code: str, span: Span, related: tuple[Related, ...] = (), /, **args: object
    ) -> None:
        if len(self.problems) == MAX_FAULTS:
            code, args, related = "SYN120", {"limit": MAX_FAULTS}, ()
        if len(self.problems) <= MAX_FAULTS:
            self.problems.append(Problem(code, Location(self.uri, span), args, related))

    def query(self, node: Mapping, index: int) -> WrittenQuery:
        pairs = self._pairs(node)
        lists = {key: self._list(key, pairs[key]) for key in LIST_KEYS if key in pairs}
        metrics = pairs.get("metrics")
        if metrics is None:
            self.report("QRY102", Span(node.span.start, node.span.start + 1))
        elif not lists["metrics"] and _is_empty(metrics.value):
            self.report("QRY102", metrics.value.span if metrics.value else metrics.key.span)
        order_by = lists.get("orderBy", ())
        limit = self._limit(pairs["limit"]) if "limit" in pairs else None
        if limit and not order_by and not ("orderBy" in pairs and pairs["orderBy"].value is None):
            first = lists.get("metrics", ())
            metric = first[0].text if first else ""
            self.report("QRY109", pairs["limit"].span, metric=metric)
        joins = lists.get("joins", ())
        if len(joins) > 1:
            span = Span(joins[0].node.span.start, joins[-1].node.span.end)
            self.report("QRY115", span, clauses=tuple(item.text for item in joins))
            if all(_JOIN_WORD.match(item.text) for item in joins[1:]):
                # What was meant is plain, so its other faults are found and no others made up.
                node_of_all = merged([item.node for item in joins])
                joins = (Item(node_of_all.text, "joins", joins[0].index, self.uri, node_of_all),)
        name = self._string("name", pairs)
        self._string("$schema", pairs)
        return WrittenQuery(
            uri=self.uri,
            index=index,
            node=node,
            metrics=lists.get("metrics", ()),
            group_by=lists.get("groupBy", ()),
            filters=lists.get("filters", ()),
            order_by=order_by,
            joins=joins,
            limit=limit,
            name=nfc(name) if name is not None else None,
            description=self._string("description", pairs),
        )

    # --- keys -----------------------------------------------------------------------------

    def _pairs(self, node: Mapping) -> dict[str, Pair]:
        """The pair that counts for each canonical key; a duplicate's last one, as JSON has it."""
        found: dict[str, Pair] = {}
        spelled: dict[str, Pair] = {}
        for pair in node.pairs:
            key = nfc(pair.key.text)
            if pair.key.span.start == pair.key.span.end:
                # The syntax reader put it there, for a value whose key nobody wrote.
                continue
            if key in KEYS:
                found[key] = pair
            elif key in SPELLINGS:
                spelled[key] = pair
            else:
                near = "" if len(self.problems) > MAX_FAULTS else _nearest_key(key)
                self.report("QRY103", pair.key.span, key=key, nearest=near, known=KEYS)
        for key, pair in spelled.items():
            canonical = SPELLINGS[key]
            if canonical in found:
                other = Location(self.uri, found[canonical].key.span)
                related = (Related(other, f"`{canonical}` stands here."),)
                self.report("QRY106", pair.key.span, related, key=key, canonical=canonical)
            else:
                self.report("QRY105", pair.key.span, key=key, canonical=canonical)
                found[canonical] = pair
        return found

    # --- values ---------------------------------------------------------------------------

    def _list(self, key: ListKey, pair: Pair) -> tuple[Item, ...]:
        value = pair.value
        if value is None or _is_null(value):
            return ()
        if not isinstance(value, Sequence):
            self._wrong_type(pair, "a list of strings", value)
            # One string is surely meant as a list of one.
            if isinstance(value, Scalar) and isinstance(value.value, str) and value.text.strip():
                return (self._item(key, 0, value),)
            return ()
        if _is_empty(value):
            return ()
        items: list[Item] = []
        seen: dict[str, Item] = {}
        for index, node in enumerate(value.items):
            if node is None:
                continue
            if not isinstance(node, Scalar) or not isinstance(node.value, str):
                self.report(
                    "QRY104",
                    node.span,
                    key=f"{key}[{index}]",
                    expected="a string",
                    found=kind_of(node),
                )
                continue
            if not node.text.strip():
                self.report("QRY114", node.span, key=key, index=index)
                continue
            item = self._item(key, index, node)
            first = seen.setdefault(_identity(item), item)
            if first is item or key == "joins":
                items.append(item)
            else:
                self.report(
                    "QRY107" if key in ("metrics", "groupBy") else "QRY117",
                    item.location.span,
                    (Related(first.location, "The first one stands here."),),
                    key=key,
                    item=item.text,
                )
        return tuple(items)

    def _item(self, key: ListKey, index: int, node: Scalar) -> Item:
        read = readable(node)
        if not is_nfc(node.text) and read.text != node.text.strip():
            self.report("QRY110", node.content, name=read.text)
        return Item(read.text, key, index, self.uri, read)

    def _string(self, key: str, pairs: dict[str, Pair]) -> str | None:
        pair = pairs.get(key)
        if pair is None or pair.value is None or _is_null(pair.value):
            return None
        value = pair.value
        if not isinstance(value, Scalar) or not isinstance(value.value, str):
            self._wrong_type(pair, "a string", value)
            return None
        if key == "name" and not is_nfc(value.text):
            self.report("QRY110", value.content, name=nfc(value.text))
        return value.text

    def _limit(self, pair: Pair) -> int | None:
        node = pair.value
        if node is None or _is_null(node):
            return None
        if not isinstance(node, Scalar):
            self._wrong_type(pair, "a whole number or null", node)
            return None
        value = node.value
        if isinstance(value, float) and value.is_integer() and 0 <= value <= MAX_LIMIT:
            # JSON has one kind of number: 10.0 is 10, also to the JSON Schema.
            value = int(value)
        if isinstance(value, bool):
            fault = "boolean"
        elif isinstance(value, str):
            fault = "string"
        elif isinstance(value, float):
            fault = "negative" if value < 0 else "large" if value > MAX_LIMIT else "fractional"
        elif cast(int, value) < 0:
            fault = "negative"
        elif cast(int, value) > MAX_LIMIT:
            fault = "large"
        else:
            return cast(int, value)
        self.report("QRY108", node.span, fault=fault, found=node.text[:40])
        return None

    def _wrong_type(self, pair: Pair, expected: str, value: Node) -> None:
        self.report(
            "QRY104", value.span, key=pair.key.text, expected=expected, found=kind_of(value)
        )


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _is_empty(node: Node | None) -> bool:
    """Null, an empty list and a list of blank strings; a hole is unknown and not empty."""
    if node is None:
        return False
    if isinstance(node, Sequence):
        return all(
            isinstance(item, Scalar) and isinstance(item.value, str) and not item.text.strip()
            for item in node.items
        )
    return _is_null(node)


def _identity(item: Item) -> str:
    """What makes two items of one list the same: a sort key is one in either direction."""
    return item.text.lstrip("-").strip() if item.key == "orderBy" else item.text


def _nearest_key(key: str) -> str:
    """The key that was surely meant, or an empty string."""
    plain = key.replace("_", "").replace("-", "").lower()
    for known in KEYS:
        if known.lower() == plain:
            return known
    if plain in _OTHER_WORDS:
        return _OTHER_WORDS[plain]
    found = nearest(key, _spellings(), limit=1)
    return SPELLINGS.get(found[0], found[0]) if found else ""


def _spellings() -> Iterator[str]:
    yield from KEYS
    yield from SPELLINGS
