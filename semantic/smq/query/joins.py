"""The `joins` clause: one written FROM … JOIN …, checked and bound to models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError, TokenError

from smq.dialects import dialect as facts
from smq.dialects.grammar import grammar
from smq.graph.graph import SemanticGraph
from smq.graph.members import member_ref
from smq.graph.references import RowRef, splits
from smq.problem import Problem
from smq.query.bound import Instance, WrittenFrom, WrittenJoin
from smq.query.names import Failure, Names, each
from smq.query.written import Item
from smq.text import Location, nearest, nfc

_PREFIX = "SELECT 1 "
_STATEMENT = re.compile(
    r"(?is)\s*(insert|update|delete|merge|drop|create|alter|truncate|grant|copy|call|set)\b"
)
_SIDES = {"": "", "LEFT": "LEFT", "RIGHT": "RIGHT", "FULL": "FULL"}
Side = Literal["", "LEFT", "RIGHT", "FULL", "CROSS"]


def bind_joins(
    item: Item, graph: SemanticGraph, names: Names, dialect: str
) -> tuple[WrittenFrom | None, list[Problem]]:
    """The clause with its tables and columns resolved; None with problems when it is not usable."""
    try:
        return _Binder(item, graph, names, dialect).bind(), []
    except Failure as failure:
        return None, list(failure.problems)


class _Binder:
    def __init__(self, item: Item, graph: SemanticGraph, names: Names, dialect: str) -> None:
        self.item = item
        self.graph = graph
        self.names = names
        self.dialect = facts(dialect).sqlglot
        self.lost: set[str] = set()
        """Aliases of tables that have a mistake: conditions on them need not hear of it again."""

    def bind(self) -> WrittenFrom:
        select = self._parse()
        tables: list[tuple[exp.Expr, exp.Join | None]] = [(select.args["from_"].this, None)]
        tables += [(node.this, node) for node in select.args.get("joins") or ()]
        problems: list[Problem] = []
        first: Instance | None = None
        joins: list[WrittenJoin] = []
        for table, node in tables:
            # Each table with its condition by itself, so that one mistake does not hide the next.
            try:
                instance = self._known(table)
                if node is None:
                    first = instance
                else:
                    joins.append(self._join(node, instance))
            except Failure as failure:
                problems.extend(failure.problems)
                self.lost.add(nfc(table.alias_or_name))
        if problems or first is None:
            raise Failure(*problems)
        for instance in (first, *(join.instance for join in joins)):
            self.names.touch(instance.model)
        return WrittenFrom(first, tuple(joins), self.item)

    def _known(self, table: exp.Expr) -> Instance:
        """The table of a FROM or JOIN, from here on known by its alias."""
        instance = self._instance(table)
        if instance.alias in self.names.instances:
            args = {"name": instance.alias, "model": instance.model}
            written_alias = table.args.get("alias")
            named = written_alias.this if written_alias is not None else table.this
            raise Failure(Problem("JOI115", self._between(named, named), args))
        self.names.instances[instance.alias] = instance.model
        return instance

    def _parse(self) -> exp.Select:
        text = self.item.text
        if _STATEMENT.match(text):
            raise self._failure("JOI110", {"text": text})
        if not re.match(r"(?is)\s*from\b", text):
            raise self._no_from(text)
        try:
            statements = grammar(self.dialect).parse(_PREFIX + text)
        except ParseError as error:
            raise self._unparsed(error) from error
        except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError) as error:
            # The parser's own slips on odd input; the text is at fault as far as the user goes.
            detail = "a quote or comment is not closed"
            if not isinstance(error, TokenError):
                detail = "it cannot be parsed"
            raise self._failure("JOI106", {"text": text, "detail": detail}) from error
        if len(statements) != 1 or not isinstance(statements[0], exp.Select):
            raise self._failure("JOI110", {"text": text})
        select = statements[0]
        extra = sorted(
            key
            for key, value in select.args.items()
            if value and key not in ("expressions", "from_", "joins", "kind")
        )
        if extra:
            word = extra[0].strip("_").upper()
            raise self._failure(
                "JOI106", {"text": text, "detail": f"{word} does not belong into a FROM clause"}
            )
        if select.args.get("from_") is None:
            raise self._failure("JOI106", {"text": text, "detail": "FROM names no model"})
        return select

    def _no_from(self, text: str) -> Failure:
        select = re.match(r"(?is)\s*select\b.*?\bfrom\b", text)
        if select:
            detail = "it begins with SELECT, and only the part from FROM on belongs here"
            return self._failure("JOI106", {"text": text, "detail": detail})
        if re.search(r"(?i)\bjoin\b", text):
            return self._failure("JOI105", {"text": text, "model": self._first_model(text) or ""})
        return self._failure("JOI106", {"text": text, "detail": "it has no FROM and no JOIN"})

    def _unparsed(self, error: ParseError) -> Failure:
        """Where the parser stopped, in words that are ours."""
        text = self.item.text
        details = error.errors[0] if error.errors else {}
        context = str(details.get("start_context") or "")
        highlight = str(details.get("highlight") or "")
        whole = _PREFIX + text
        at = whole.find(context[-40:] + highlight) if context else -1
        start = at + len(context[-40:]) - len(_PREFIX)
        if at < 0 or start < 0 or not highlight.strip() or start + len(highlight) >= len(text):
            return self._failure("JOI106", {"text": text, "detail": "it is not complete"})
        args = {"text": text, "detail": f"`{highlight}` is not expected there"}
        return Failure(Problem("JOI106", self.item.part(start, start + len(highlight)), args))

    def _first_model(self, text: str) -> str | None:
        """The model a clause without FROM most likely starts from: the first one its ON names."""
        joined = set(re.findall(r"(?i)\bjoin\s+(\S+)", text))
        for name in re.findall(r"[^\W\d]\w*", text):
            for left, _ in splits(nfc(name)):
                if left in self.graph.models and left not in joined:
                    return left
        return next((m for m in self.names.scope if m not in joined), None)

    def _instance(self, table: exp.Expr) -> Instance:
        if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
            args = {"text": self.item.text, "detail": "only semantic models may be joined"}
            raise self._failure("JOI106", args)
        name = ".".join(nfc(part.name) for part in table.parts)
        if name not in self.graph.models:
            args2 = {"name": name, "nearest": self.names.near_models(name)}
            parts = table.parts
            place = self._between(parts[0], parts[-1])
            raise Failure(Problem("JOI108", place, args2))
        if table.args.get("joins") or table.args.get("pivots") or table.args.get("sample"):
            args = {"text": self.item.text, "detail": "only plain joins of models are understood"}
            raise self._failure("JOI106", args)
        return Instance(nfc(table.alias) if table.alias else name, name)

    def _join(self, node: exp.Join, instance: Instance) -> WrittenJoin:
        side = str(node.args.get("side") or "").upper()
        kind = str(node.args.get("kind") or "").upper()
        method = str(node.args.get("method") or "").upper()
        if method or kind not in ("", "INNER", "OUTER", "CROSS") or node.args.get("using"):
            word = "USING" if node.args.get("using") else method or kind
            args = {"text": self.item.text, "detail": f"{word} is not understood; write ON"}
            raise self._failure("JOI106", args)
        on = node.args.get("on")
        if kind == "CROSS" or (on is None and not side):
            if on is None and kind != "CROSS":
                raise Failure(Problem("JOI109", self._at(node.this), self._unjoined(instance, "")))
            return WrittenJoin(instance, "CROSS", None, (), ())
        if on is None:
            raise Failure(Problem("JOI109", self._at(node.this), self._unjoined(instance, "")))
        return self._condition(on, instance, _SIDES[side])  # type: ignore[arg-type]

    def _condition(self, on: exp.Expr, instance: Instance, side: Side) -> WrittenJoin:
        holder = exp.Paren(this=on.copy())
        if next(holder.find_all(exp.Select, exp.Placeholder, exp.AggFunc, exp.Window), None):
            args = {"text": self.item.text, "detail": "ON may only compare columns and values"}
            raise self._failure("JOI106", args)
        refs: list[RowRef] = []
        columns = list(holder.find_all(exp.Column, bfs=False))
        for column, ref in zip(columns, each(columns, self._column), strict=True):
            if ref not in refs:
                refs.append(ref)
            column.replace(exp.Placeholder(this=str(refs.index(ref))))
        for inner in holder.walk():
            inner.comments = None
        if (
            not any(ref.instance == instance.alias for ref in refs)
            or len({ref.instance for ref in refs}) < 2
        ):
            raise Failure(Problem("JOI109", self._at(on), self._unjoined(instance, on.sql())))
        equalities = tuple(_equalities(holder.this, refs))
        return WrittenJoin(instance, side, holder.this.pop(), tuple(refs), equalities)

    def _unjoined(self, instance: Instance, written: str) -> dict[str, object]:
        """The facts of a join whose condition says nothing, with what could be compared."""
        others = {a: m for a, m in self.names.instances.items() if a != instance.alias}
        return {
            "model": instance.model,
            "alias": instance.alias,
            "written": written,
            "aliases": tuple(others),
            "joined": tuple(others.values()),
        }

    def _column(self, column: exp.Column) -> RowRef:
        parts = [nfc(part.name) for part in column.parts]
        place = self._at(column)
        if len(parts) == 2:
            alias, member = parts
            model = self.names.instances.get(alias)
            if model is None and self.lost:
                raise Failure
            if model is None:
                near = nearest(alias, self.names.instances)
                args = {"name": alias, "joined": tuple(self.names.instances), "nearest": near}
                at = self._between(column.parts[0], column.parts[0])
                raise Failure(Problem("JOI113", at, args))
            return self._member(alias, model, member)
        name = parts[0]
        if len(parts) == 1:
            for left, right in splits(name):
                model = self.names.instances.get(left)
                if model is not None:
                    return self._member(left, model, right)
            for left, right in splits(name):
                if left in self.graph.models:
                    aliases = [a for a, m in self.names.instances.items() if m == left]
                    if len(aliases) == 1:
                        return self._member(aliases[0], left, right)
                    if aliases:
                        args2 = {"name": name, "model": left, "aliases": tuple(aliases)}
                        raise Failure(Problem("JOI114", place, args2))
        if self.lost and "__" in name:
            raise Failure
        joined = self.names.instances
        near = tuple(
            f"{alias}__{name}"
            for alias, model in joined.items()
            if len(parts) == 1 and member_ref(self.graph, model, name) is not None
        )
        args3 = {"name": ".".join(parts), "joined": tuple(joined), "nearest": near}
        raise Failure(Problem("JOI113", place, args3))

    def _member(self, alias: str, model: str, member: str) -> RowRef:
        index = self.graph.index(model)
        if member in index.dimensions:
            return RowRef("dimension", model, member, None, (), alias)
        if member in index.entities:
            return RowRef("entity", model, member, None, (), alias)
        if member in index.measures:
            return RowRef("measure", model, member, None, (), alias)
        return RowRef("column", model, member, None, (), alias)

    def _between(self, first: exp.Expr, last: exp.Expr) -> Location:
        """From one identifier to another."""
        if "start" not in first.meta or "end" not in last.meta:
            return self.item.location
        shift = len(_PREFIX)
        return self.item.part(first.meta["start"] - shift, last.meta["end"] + 1 - shift)

    def _at(self, node: exp.Expr) -> Location:
        spans = [
            (inner.meta["start"], inner.meta["end"] + 1)
            for inner in node.walk()
            if "start" in inner.meta
        ]
        if not spans:
            return self.item.location
        shift = len(_PREFIX)
        return self.item.part(min(s for s, _ in spans) - shift, max(e for _, e in spans) - shift)

    def _failure(self, code: str, args: Mapping[str, object]) -> Failure:
        return Failure(Problem(code, self.item.location, args))


def _equalities(tree: exp.Expr, refs: list[RowRef]) -> list[tuple[RowRef, RowRef]]:
    while isinstance(tree, exp.Paren):
        tree = tree.this
    if isinstance(tree, exp.And):
        return [*_equalities(tree.this, refs), *_equalities(tree.expression, refs)]
    if (
        isinstance(tree, exp.EQ)
        and isinstance(tree.this, exp.Placeholder)
        and isinstance(tree.expression, exp.Placeholder)
    ):
        return [(refs[int(tree.this.this)], refs[int(tree.expression.this)])]
    return []
