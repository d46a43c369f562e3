"""From a query as written to a query of symbols: names resolved, filters put into their stages.

Every item is bound on its own, so that one mistake does not hide the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from smq.expr import parse_expression
from smq.graph.formula import Broken, expand
from smq.graph.graph import SemanticGraph
from smq.graph.references import METRIC_TIME, RowRef, metric_time, splits
from smq.problem import Problem, Related
from smq.query.bound import (
    Group,
    OrderKey,
    Output,
    PostFilter,
    Query,
    RowFilter,
    WrittenFrom,
)
from smq.query.expressions import Expressions
from smq.query.joins import bind_joins
from smq.query.metrics import MetricItems
from smq.query.names import Failure, Names
from smq.query.written import Item, WrittenQuery
from smq.text import nearest, nfc


@dataclass(slots=True)
class Binding:
    """What binding gave: `query` is None when an error left nothing to compute."""

    query: Query | None
    problems: list[Problem] = field(default_factory=list)


ERRORS_ONLY_HINT = frozenset({"QRY113", "NAM113"})
"""Codes of problems that do not stop a query."""


def bind(written: WrittenQuery, graph: SemanticGraph, dialect: str) -> Binding:
    """Resolve a query against a graph; `dialect` is the one its expressions are written in."""
    return _Binder(written, graph, dialect).bind()


class _Binder:
    def __init__(self, written: WrittenQuery, graph: SemanticGraph, dialect: str) -> None:
        self.written = written
        self.graph = graph
        self.dialect = dialect
        self.names = Names(graph)
        self.problems: list[Problem] = []

    def bind(self) -> Binding:
        written = self.written
        joins: WrittenFrom | None = None
        if written.joins:
            joins, found = bind_joins(written.joins[0], self.graph, self.names, self.dialect)
            self.problems.extend(found)
        self._scope()
        groups = self._groups()
        expressions = Expressions(self.graph, self.names, self.dialect, groups, self.problems)
        outputs = MetricItems(expressions, self.problems).bind(written.metrics)
        expressions.outputs = outputs
        self._unique_columns(groups, outputs)
        row_filters: list[RowFilter] = []
        group_filters: list[PostFilter] = []
        window_filters: list[PostFilter] = []
        for item in written.filters:
            try:
                for bound in expressions.filter(item):
                    if isinstance(bound, RowFilter):
                        row_filters.append(bound)
                    elif bound.expression.windowed:
                        window_filters.append(bound)
                    else:
                        group_filters.append(bound)
            except Failure as failure:
                self.problems.append(failure.problem)
        order = self._order(groups, outputs, expressions)
        if any(problem.code not in ERRORS_ONLY_HINT for problem in self.problems):
            return Binding(None, self.problems)
        if not outputs:
            # The reader has said that there are no metrics; there is nothing to add.
            return Binding(None, self.problems)
        query = Query(
            written,
            tuple(groups),
            tuple(outputs),
            tuple(row_filters),
            tuple(group_filters),
            tuple(window_filters),
            tuple(order),
            written.limit,
            joins,
        )
        if not query.leaves():
            self.problems.append(Problem("EXP115", outputs[0].item.location, {}))
            return Binding(None, self.problems)
        return Binding(query, self.problems)

    def _scope(self) -> None:
        """The models that the query surely touches: they settle names without a prefix."""
        written = self.written
        for item in (*written.metrics, *written.group_by, *written.filters):
            name = nfc(item.text.strip())
            if name in self.graph.metrics:
                self._touch_bases(name)
            else:
                self._touch_names_in(item)

    def _touch_bases(self, metric: str) -> None:
        formula = expand(self.graph, metric, self.dialect)
        if not isinstance(formula, Broken):
            for leaf in formula.leaves:
                self.names.touch(leaf.base)

    def _touch_names_in(self, item: Item) -> None:
        template = parse_expression(item.text, self.dialect)
        for use in template.uses:
            if use.scope or use.call is not None:
                continue
            name = use.name
            if name in self.graph.metrics:
                self._touch_bases(name)
                continue
            for left, _ in splits(name):
                if left in self.graph.models:
                    self.names.touch(left)
                    break

    # groupBy.

    def _groups(self) -> list[Group]:
        groups: list[Group] = []
        for item in self.written.group_by:
            try:
                ref = self._group(item)
            except Failure as failure:
                self.problems.append(failure.problem)
                continue
            groups.append(Group(nfc(item.text.strip()), ref, item))
        return groups

    def _group(self, item: Item) -> RowRef:
        text = nfc(item.text.strip())
        if not _is_name(text):
            raise Failure(Problem("EXP113", item.location, {"text": text, "key": "groupBy"}))
        if "__" in text or text == METRIC_TIME:
            try:
                ref = self.names.row(text, item.part)
            except Failure as failure:
                if failure.problem.code == "NAM106":
                    args = {"name": text, "kind": "metric", "dimensions": ()}
                    raise Failure(Problem("NAM116", item.location, args)) from failure
                raise
            if ref.kind == "measure":
                args = {"name": text, "kind": "measure", "dimensions": ()}
                raise Failure(Problem("NAM116", item.location, args))
            if METRIC_TIME in self.graph.metrics and ref.kind == METRIC_TIME:
                return ref
            return ref
        raise Failure(self._bare_group(item, text))

    def _bare_group(self, item: Item, text: str) -> Problem:
        inside = [ref for ref in self.names.bare(text) if ref.kind != "measure"]
        refs = inside or [ref for ref in self.names.elsewhere(text) if ref.kind != "measure"]
        if refs:
            args: dict[str, object] = {
                "name": text,
                "candidates": tuple(ref.written for ref in refs),
            }
            return Problem("NAM112", item.location, args)
        kind = self._kind_of(text)
        if kind is not None:
            dimensions: tuple[str, ...] = ()
            if kind == "model":
                dimensions = tuple(
                    f"{text}__{d.name}" for d in self.graph.models[text].dimensions[:8]
                )
            args = {"name": text, "kind": kind, "dimensions": dimensions}
            return Problem("NAM116", item.location, args)
        return self.names.unknown(text, item.part)

    def _kind_of(self, text: str) -> str | None:
        if text in self.graph.metrics:
            return "metric"
        if text in self.graph.models:
            return "model"
        if any(ref.kind == "measure" for ref in self.names.elsewhere(text)):
            return "measure"
        return None

    def _unique_columns(self, groups: list[Group], outputs: list[Output]) -> None:
        seen: dict[str, Item] = {}
        parts: list[Group | Output] = [*groups, *outputs]
        for part in parts:
            first = seen.setdefault(part.name, part.item)
            if first is part.item or first.text == part.item.text:
                # The same item twice is what the reader's rule for duplicates reports.
                continue
            related = (Related(first.location, "the first column of this name"),)
            self.problems.append(
                Problem("NAM125", part.item.location, {"name": part.name}, related)
            )

    # orderBy.

    def _order(
        self, groups: list[Group], outputs: list[Output], expressions: Expressions
    ) -> list[OrderKey]:
        keys: list[OrderKey] = []
        for item in self.written.order_by:
            try:
                keys.append(self._order_key(item, groups, outputs, expressions))
            except Failure as failure:
                self.problems.append(failure.problem)
        return keys

    def _order_key(
        self, item: Item, groups: list[Group], outputs: list[Output], expressions: Expressions
    ) -> OrderKey:
        text = nfc(item.text.strip())
        descending = text.startswith("-")
        name = text[1:].strip() if descending else text
        start = item.text.find(name[:1]) if name else 0
        for number, output in enumerate(outputs):
            if name == output.name or name == nfc(output.item.text.strip()):
                return OrderKey(None, number, None, descending, item)
        for number, group in enumerate(groups):
            if name == group.name:
                return OrderKey(number, None, None, descending, item)
        if name in self.graph.metrics:
            expression = expressions.metric(name, item, (start, start + len(name)))
            return OrderKey(None, None, expression, descending, item)
        if not _is_name(name):
            raise Failure(Problem("EXP113", item.location, {"text": text, "key": "orderBy"}))
        known = {g.ref: number for number, g in enumerate(groups)}
        if "__" in name or metric_time(name, self.names.grains):
            ref = self.names.row(name, lambda a, b: item.part(start + a, start + b))
            if ref in known:
                return OrderKey(known[ref], None, None, descending, item)
            code = "EXP108" if ref.kind == "measure" else "NAM122"
            args: dict[str, object] = {"name": name, "reference": ref.written, "metrics": ()}
            raise Failure(Problem(code, item.location, args))
        refs = [ref for ref in self.names.bare(name) if ref.kind != "measure"]
        if refs:
            args2: dict[str, object] = {
                "name": name,
                "candidates": tuple(ref.written for ref in refs),
            }
            raise Failure(Problem("NAM112", item.location, args2))
        candidates = (*(o.name for o in outputs), *(g.name for g in groups), *self.graph.metrics)
        args3 = {"name": name, "nearest": nearest(name, candidates)}
        raise Failure(Problem("NAM121", item.part(start, start + len(name)), args3))


def _is_name(text: str) -> bool:
    """A name as one writes it in groupBy and orderBy: no operators, calls or quotes."""
    return (
        bool(text)
        and not any(char in "()+*/,;'\"`[]{}<>=|" for char in text)
        and (" " not in text or "__" in text.split(" ")[-1])
    )
