"""What a written FROM clause can go on with: models, the keys that join them, their columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from smq.graph.references import splits
from smq.graph.symbols import Model
from smq.ide.choosing import Completion
from smq.ide.offers import Offers
from smq.ide.sql_context import SqlContext
from smq.text import Span, nfc

_TABLE = re.compile(
    r"\b(?:FROM|JOIN)\s+[`\"]?(?P<model>\w+)[`\"]?"
    r"(?:\s+(?:AS\s+)?(?!(?:AS|ON|LEFT|RIGHT|INNER|FULL|CROSS|OUTER|JOIN|WHERE)\b)(?P<alias>\w+))?",
    re.IGNORECASE,
)
_FIRST_COMPARISON = re.compile(
    r"\bON\s+\(?\s*[`\"]?(?P<left>\w+(?:[`\"]?\.[`\"]?\w+)?)[`\"]?\s*(?:[<>=!]+)\s*"
    r"(?:[`\"]?\w+[`\"]?\.)?\Z",
    re.IGNORECASE,
)
"""The left side of the first comparison of an ON whose right side is at the cursor."""
_JOINS = ("LEFT JOIN", "INNER JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN")


def clauses(offers: Offers, span: Span) -> Iterator[Completion]:
    """A whole FROM clause along the automatic joins, to start from."""
    graph = offers.graph
    wanted = [
        left
        for group in offers.reachable.groups
        for left, _ in splits(group)
        if left in graph.models
    ]
    for base in dict.fromkeys(base.model for base in offers.reachable.bases):
        clause = f"FROM {base}"
        for model in wanted:
            paths = graph.paths(base, model)
            for edge in paths[0] if paths else ():
                pairs = " AND ".join(
                    f"{edge.left}__{left.name} = {edge.right}__{right.name}"
                    for left, right in edge.pairs
                )
                step = f" LEFT JOIN {edge.right} ON {pairs}"
                if step not in clause:
                    clause += step
        yield Completion(clause, "snippet", span, clause, 0, "the automatic joins, written out")


def in_clause(offers: Offers, before: str, span: Span, context: SqlContext) -> Iterator[Completion]:
    """What can follow `before` in a FROM clause; `span` is the word at the cursor."""
    if context.position == "string":
        return
    tables = _tables(offers, before)
    if context.qualifier:
        name = nfc(context.qualifier.strip('`"'))
        model = tables.get(name)
        if model is not None:
            yield from _compared(_columns(model, "", span), name, before)
        return
    if context.last in ("from", "join"):
        yield from _models(offers, tables, span, context.last == "join")
    elif context.position == "operator" or not context.last:
        yield from _words(offers, tables, span, context)
    else:
        if context.last == "on":
            for number, (condition, _) in enumerate(_conditions(offers, tables)):
                yield Completion(condition, "snippet", span, condition, number, "by their keys")
        for name, model in tables.items():
            separator = "__" if name == model.name else "."
            yield from _compared(_columns(model, f"{name}{separator}", span), name, before)


def _tables(offers: Offers, before: str) -> dict[str, Model]:
    """The models that the clause has so far, by the names that it gives them."""
    found: dict[str, Model] = {}
    for match in _TABLE.finditer(before):
        model = offers.graph.models.get(nfc(match["model"]))
        if model is not None:
            found[nfc(match["alias"] or model.name)] = model
    return found


def _words(
    offers: Offers, tables: dict[str, Model], span: Span, context: SqlContext
) -> Iterator[Completion]:
    words: tuple[str, ...]
    if not context.clause:
        words = ("FROM",)
    elif context.clause == "join":
        conditions = (f"ON {each}" for each, _ in _conditions(offers, tables))
        words = (*conditions, "ON", "AS")
    elif context.clause == "on":
        words = ("AND", *_JOINS)
    else:
        words = (*_JOINS, "AS")
    for number, word in enumerate(words):
        yield Completion(word, "keyword", span, word, number)


def _models(
    offers: Offers, tables: dict[str, Model], span: Span, is_join: bool
) -> Iterator[Completion]:
    """Models; in a join those first that a key connects with what is there, with that key."""
    there = {model.name for model in tables.values()}
    joined_by = {entity.name for model in tables.values() for entity in model.entities}
    for model in offers.graph.models.values():
        near = offers.reachable.route(model.name).distance
        rank = 60 + near if model.name in there else 10 + near
        label = model.label or ""
        is_near = any(entity.name in joined_by for entity in model.entities)
        if is_join and is_near and model.name not in there:
            joined = {**tables, model.name: model}
            for condition, repeats in _conditions(offers, joined):
                whole = f"{model.name} ON {condition}"
                first = near + (5 if repeats else 0)
                detail = f"{label} · repeats rows".strip(" ·") if repeats else label
                yield Completion(whole, "snippet", span, whole, first, detail, words=label)
        yield Completion(model.name, "model", span, model.name, rank, label, words=label)


def _conditions(offers: Offers, tables: dict[str, Model]) -> Iterator[tuple[str, bool]]:
    """How the last table is joined with those before it: by a key of either. With its own key it
    repeats no rows of theirs; with one of theirs it does."""
    if not tables:
        return
    *earlier, (name, last) = tables.items()
    for other, model in earlier:
        if model is last:
            continue
        for one, two in ((model, last), (last, model)):
            for edge in offers.graph.edges(one.name):
                if edge.right != two.name:
                    continue
                left, right = (other, name) if one is model else (name, other)
                pairs = " AND ".join(
                    f"{_prefix(left, one)}{mine.name} = {_prefix(right, two)}{theirs.name}"
                    for mine, theirs in edge.pairs
                )
                yield pairs, one is last


def _compared(columns: Iterator[Completion], table: str, before: str) -> Iterator[Completion]:
    """Columns of a table; those on the right of a join's first comparison must be another's."""
    match = _FIRST_COMPARISON.search(before)
    left = nfc(match["left"]) if match is not None else ""
    is_same = left.startswith((f"{table}__", f"{table}."))
    for item in columns:
        yield replace(item, why_not=f"compares {table} with itself") if is_same else item


def _prefix(name: str, model: Model) -> str:
    return f"{name}__" if name == model.name else f"{name}."


def _columns(model: Model, prefix: str, span: Span) -> Iterator[Completion]:
    for part in (*model.entities, *model.dimensions, *model.measures):
        name, label = f"{prefix}{part.name}", part.label or ""
        is_key = part in model.entities
        detail = label or ("key" if is_key else "")
        yield Completion(name, "column", span, name, 10 if is_key else 20, detail, words=label)
