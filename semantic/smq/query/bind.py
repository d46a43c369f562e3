"""From a query as written to a query of symbols: names resolved, filters put into their stages.

Every item is bound on its own, so that one mistake does not hide the next.
"""

from __future__ import annotations

from dataclasses import dataclass

from smq.expr import parse_expression
from smq.graph.formula import expand
from smq.graph.graph import SemanticGraph
from smq.graph.leaves import Broken
from smq.graph.references import METRIC_TIME, RowRef, metric_time, readings, splits
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
from smq.text import Location, nearest, nfc


@dataclass(slots=True, eq=False)
class Binding:
    """What binding gave: `query` is None when an error left nothing to compute.

    `known` is what could be bound, also beside mistakes: an editor asks what fits to it.
    """

    query: Query | None
    problems: list[Problem]
    known: Query


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
        self._scope()
        joins: WrittenFrom | None = None
        if written.joins:
            joins, found = bind_joins(written.joins[0], self.graph, self.names, self.dialect)
            self.names.clause_is_broken = joins is None
            self.problems.extend(found)
        lost: set[str] = set()
        groups = self._groups(lost)
        expressions = Expressions(self.graph, self.names, self.dialect, groups, self.problems)
        expressions.lost_groups = lost
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
                self.problems.extend(failure.problems)
        order = self._order(groups, outputs, expressions)
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
        if any(problem.code not in ERRORS_ONLY_HINT for problem in self.problems):
            return Binding(None, self.problems, query)
        if not outputs:
            # The reader has said that there are no metrics; there is nothing to add.
            return Binding(None, self.problems, query)
        if not query.leaves():
            self.problems.append(Problem("EXP115", outputs[0].item.location, {}))
            return Binding(None, self.problems, query)
        return Binding(query, self.problems, query)

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
            else:
                found = readings(self.graph, name, self.names.grains)
                self.names.touch(*(ref.model for ref in found if isinstance(ref, RowRef)))

    # groupBy.

    def _groups(self, lost: set[str]) -> list[Group]:
        """The groups that can be bound; `lost` gets what the others probably mean."""
        groups: list[Group] = []
        for item in self.written.group_by:
            try:
                ref = self._group(item)
            except Failure as failure:
                self.problems.extend(failure.problems)
                lost.update(_probably(item, failure))
                continue
            groups.append(Group(nfc(item.text.strip()), ref, item))
        return groups

    def _group(self, item: Item) -> RowRef:
        text = nfc(item.text.strip())
        if not _is_name(text):
            raise Failure(Problem("EXP113", item.location, {"text": text, "key": "groupBy"}))
        dotted = self._dotted(item, text, 0)
        if dotted is not None:
            raise Failure(dotted)
        if "__" in text.strip("_") or text == METRIC_TIME:
            try:
                ref = self.names.row(text, item.part, measures=False)
            except Failure as failure:
                if any(problem.code == "NAM106" for problem in failure.problems):
                    (problem,) = failure.problems
                    args = {"name": text, "kind": "metric", "metrics": (problem.args["metric"],)}
                    raise Failure(Problem("NAM116", item.location, args)) from failure
                raise
            if ref.kind == "measure":
                raise Failure(self._no_dimension(item, text, ref))
            return ref
        raise Failure(self._bare_group(item, text))

    def _dotted(self, item: Item, text: str, start: int) -> Problem | None:
        """`model.dimension`, which is written with two underscores."""
        if "." not in text:
            return None
        name = text.replace(".", "__")
        try:
            self.names.row(name, item.part)
        except Failure:
            return None
        args = {"name": text, "reference": name}
        return Problem("NAM127", item.part(start, start + len(text)), args)

    def _bare_group(self, item: Item, text: str) -> Problem:
        inside = [ref for ref in self.names.bare(text) if ref.kind != "measure"]
        refs = inside or [ref for ref in self.names.elsewhere(text) if ref.kind != "measure"]
        if refs:
            candidates = tuple(ref.written for ref in refs)
            return Problem("NAM112", item.location, {"name": text, "candidates": candidates})
        if text in self.graph.metrics:
            args = {"name": text, "kind": "metric", "metrics": (text,)}
            return Problem("NAM116", item.location, args)
        if text in self.graph.models:
            model = self.graph.models[text]
            dimensions = tuple(f"{text}__{dimension.name}" for dimension in model.dimensions[:8])
            args = {"name": text, "kind": "semantic model", "dimensions": dimensions}
            related = (Related(model.name_at, "the semantic model"),)
            return Problem("NAM116", item.location, args, related)
        for ref in self.names.bare(text) or self.names.elsewhere(text):
            return self._no_dimension(item, text, ref)
        return self.names.unknown(text, item.part, (), measures=False)

    def _no_dimension(self, item: Item, text: str, ref: RowRef) -> Problem:
        definition = self.names.definition(ref)
        related = (Related(definition, f"the {ref.kind}"),) if definition else ()
        return Problem("NAM116", item.location, {"name": text, "kind": ref.kind}, related)

    def _unique_columns(self, groups: list[Group], outputs: list[Output]) -> None:
        seen: dict[str, Item] = {}
        parts: list[Group | Output] = [*groups, *outputs]
        for part in parts:
            # Engines tell columns apart without looking at the case of letters.
            first = seen.setdefault(part.name.casefold(), part.item)
            if first is part.item or first.text == part.item.text:
                # The same item twice is what the reader's rule for duplicates reports.
                continue
            related = (Related(first.location, "the first column of this name"),)
            place = part.item.location
            at = part.item.text.rfind(part.name)
            if part.item.text != part.name and at > 0:
                place = part.item.part(at, at + len(part.name))
            self.problems.append(Problem("NAM125", place, {"name": part.name}, related))

    # orderBy.

    def _order(
        self, groups: list[Group], outputs: list[Output], expressions: Expressions
    ) -> list[OrderKey]:
        keys: list[OrderKey] = []
        for item in self.written.order_by:
            try:
                keys.append(self._order_key(item, groups, outputs, expressions))
            except Failure as failure:
                self.problems.extend(failure.problems)
        return keys

    def _order_key(
        self, item: Item, groups: list[Group], outputs: list[Output], expressions: Expressions
    ) -> OrderKey:
        text = nfc(item.text.strip())
        descending = text.startswith("-")
        name = text[1:].strip() if descending else text
        start = len(item.text.rstrip()) - len(name)
        for number, output in enumerate(outputs):
            if name == output.name or name == nfc(output.item.text.strip()):
                return OrderKey(None, number, None, descending, item)
        for number, group in enumerate(groups):
            if name == group.name:
                return OrderKey(number, None, None, descending, item)
        if name in self.graph.metrics:
            expression = expressions.metric(name, item, (start, start + len(name)))
            return OrderKey(None, None, expression, descending, item)
        if name in expressions.lost_outputs:
            raise Failure
        if not _is_name(name) or name.isdecimal():
            args = {"text": text, "key": "orderBy"}
            raise Failure(Problem("EXP113", item.location, args))
        return self._grouped_key(item, name, start, descending, groups, expressions)

    def _grouped_key(
        self,
        item: Item,
        name: str,
        start: int,
        descending: bool,
        groups: list[Group],
        expressions: Expressions,
    ) -> OrderKey:
        """A sort key that is no column of the query by its name: a group written differently."""
        place = item.part(start, start + len(name))
        dotted = self._dotted(item, name, start)
        if dotted is not None:
            raise Failure(dotted)
        known = {group.ref: number for number, group in enumerate(groups)}
        if "__" in name.strip("_") or metric_time(name, self.names.grains):
            ref = self.names.row(name, lambda a, b: item.part(start + a, start + b))
            if ref in known:
                return OrderKey(known[ref], None, None, descending, item)
            raise Failure(*self._not_selected(name, ref, place, expressions))
        same = [group for group in groups if group.ref.name == name]
        refs = self.names.bare(name) or self.names.elsewhere(name)
        rows = [ref for ref in refs if ref.kind != "measure"]
        if same or rows:
            written = [group.name for group in same] or [ref.written for ref in rows]
            args = {"name": name, "candidates": tuple(dict.fromkeys(written))}
            raise Failure(Problem("NAM112", place, args))
        if refs:
            raise Failure(*self._not_selected(name, refs[0], place, expressions))
        selected = (*(o.name for o in expressions.outputs), *(g.name for g in groups))
        near = nearest(name, (*selected, *self.names.near_metrics(name)))
        raise Failure(Problem("NAM121", place, {"name": name, "nearest": near}))

    def _not_selected(
        self, name: str, ref: RowRef, place: Location, expressions: Expressions
    ) -> list[Problem]:
        if ref.kind == "measure":
            metrics = expressions.metrics_on(ref)
            args = {"name": name, "reference": ref.written, "metrics": metrics, "where": "orderBy"}
            return [Problem("EXP108", place, args)]
        if expressions.is_lost(ref):
            return []
        return [Problem("NAM122", place, {"name": name, "reference": ref.written})]


def _probably(item: Item, failure: Failure) -> set[str]:
    """What an item that could not be bound was probably meant to be."""
    found = {nfc(item.text.strip())}
    for problem in failure.problems:
        args = problem.args
        for key in ("candidates", "nearest", "reference", "member", "dimension"):
            value = args.get(key, ())
            found.update((value,) if isinstance(value, str) else value)  # type: ignore[arg-type]
    return found


def _is_name(text: str) -> bool:
    """A name as one writes it in groupBy and orderBy: no operators, calls or quotes."""
    return (
        bool(text)
        and not text.startswith("-")
        and not any(char in "()+*/,;'\"`[]{}<>=|" for char in text)
        and (" " not in text or "__" in text.split(" ")[-1])
    )
