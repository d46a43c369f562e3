"""What a query means, as a value that two queries share when they ask for the same thing.

Names, order of keys, aliases, the way a condition is written, and which of two readings a dimension
is named by do not matter; the models, joins and aggregates behind them do. Equal meanings give
equal rows, on any data. The reverse is not promised: whether two different conditions are true of
the same rows is more than looking at them can tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from sqlglot import exp

from smq.expr import Template
from smq.graph.graph import SemanticGraph
from smq.graph.leaves import ConditionRef, InnerRef, Leaf, MetricValue
from smq.graph.references import METRIC_TIME, RowRef
from smq.plan.build import build, own_grain
from smq.plan.nodes import Plan, Scan
from smq.query.bind import bind
from smq.query.bound import PostExpression, WrittenFrom
from smq.query.written import WrittenQuery


@dataclass(frozen=True, slots=True)
class Meaning:
    """A query without the way it is written; each text names models and members by their home.

    `outputs` are sorted, because the order of columns is a matter of layout.
    """

    groups: frozenset[str]
    outputs: tuple[str, ...]
    row_filters: frozenset[str]
    group_filters: frozenset[str]
    window_filters: frozenset[str]
    order: tuple[tuple[str, bool], ...]
    """What is sorted by, and whether descending."""
    limit: int | None
    joins: str | None

    def answers(self, asked: Meaning) -> bool:
        """Whether this query is an answer where `asked` is one.

        It may sort rows that nobody asked to be sorted, and go on sorting where `asked` leaves
        ties; all else must be equal.
        """
        return (
            self.groups == asked.groups
            and self.outputs == asked.outputs
            and self.row_filters == asked.row_filters
            and self.group_filters == asked.group_filters
            and self.window_filters == asked.window_filters
            and self.limit == asked.limit
            and self.joins == asked.joins
            and self.order[: len(asked.order)] == asked.order
        )


def meaning_of(written: WrittenQuery, graph: SemanticGraph, dialect: str) -> Meaning | None:
    """The meaning of a query whose expressions are in `dialect`; None when it does not compile."""
    query = bind(written, graph, dialect).query
    plan = build(query, graph).plan if query is not None else None
    if plan is None:
        return None
    return _Reader(plan, graph).meaning()


class _Reader:
    def __init__(self, plan: Plan, graph: SemanticGraph) -> None:
        self.plan = plan
        self.graph = graph
        self.routes = [_routes(scan) for scan in plan.scans]
        times = {scan.time for scan in plan.scans}
        self.time = times.pop() if len(times) == 1 else None
        """What metric_time means where it means one dimension."""

    def meaning(self) -> Meaning:
        query = self.plan.query
        groups = [self.ref(group.ref) for group in query.groups]
        outputs = [self.post(output.expression) for output in query.outputs]
        row_filters = [
            self.condition(each.condition.template, each.condition.refs)
            for each in query.row_filters
        ]
        order: list[tuple[str, bool]] = []
        for key in query.order:
            if key.group is not None:
                text = groups[key.group]
            elif key.output is not None:
                text = outputs[key.output]
            else:
                assert key.expression is not None
                text = self.post(key.expression)
            order.append((text, key.descending))
        return Meaning(
            frozenset(groups),
            tuple(sorted(outputs)),
            frozenset(part for form in row_filters for part in form),
            self.after(each.expression for each in query.group_filters),
            self.after(each.expression for each in query.window_filters),
            tuple(dict.fromkeys(order)),
            query.limit,
            self.clause(query.joins) if query.joins is not None else None,
        )

    def ref(self, ref: ConditionRef) -> str:
        if isinstance(ref, MetricValue):
            return f"{ref.metric} by {sorted(map(self.ref, ref.by))}"
        if isinstance(ref, InnerRef):
            return f"{ref.alias}.{ref.kind}.{ref.model}.{ref.name}.{ref.grain}"
        if ref.instance:
            return f"{ref.instance}.{ref.kind}.{ref.name}.{ref.grain or self.own(ref)}"
        home, grain = ref, ref.grain
        if ref.kind == "metric_time":
            if self.time is None:
                return f"metric_time.{grain or self.plan.time_grain}"
            home = self.time
        grain = grain or self.own(home)
        ways = {
            f"{scan.base}{routes[scan.addresses[ref]]}"
            for scan, routes in zip(self.plan.scans, self.routes, strict=True)
            if ref in scan.addresses
        }
        return f"{home.kind}.{home.model}.{home.name}.{grain}@{'+'.join(sorted(ways))}"

    def own(self, ref: RowRef) -> str | None:
        return own_grain(self.graph, ref)

    def post(self, expression: PostExpression) -> str:
        return _form(expression.tree, self.slot(expression))

    def after(self, expressions: Iterable[PostExpression]) -> frozenset[str]:
        return frozenset(
            part
            for expression in expressions
            for part in _conjuncts(expression.tree, self.slot(expression))
        )

    def slot(self, expression: PostExpression) -> Callable[[int], str]:
        def name(number: int) -> str:
            slot = expression.slots[number]
            if isinstance(slot, Leaf):
                return f"[{slot.key}|{slot.fill}]"
            return f"[{self.ref(slot)}]"

        return name

    def condition(self, template: Template, refs: Sequence[ConditionRef]) -> tuple[str, ...]:
        assert template.tree is not None
        return tuple(_conjuncts(template.tree, lambda number: f"[{self.filtered(refs[number])}]"))

    def filtered(self, ref: ConditionRef) -> str:
        """Filters read a bare metric_time at each metric's own grain, not at that of groups."""
        if ref == RowRef("metric_time", "", METRIC_TIME) and self.time is None:
            return METRIC_TIME
        return self.ref(ref)

    def clause(self, joins: WrittenFrom) -> str:
        """Aliases are kept: with a written clause, references are told apart by them."""
        parts = [f"{joins.first.model} {joins.first.alias}"]
        for join in joins.joins:
            conditions: list[str] = []
            if join.on is not None:
                named = [f"[{self.ref(ref)}]" for ref in join.refs]
                conditions.extend(sorted(_conjuncts(join.on, named.__getitem__)))
            table = f"{join.instance.model} {join.instance.alias}"
            parts.append(f"{join.side} {table} on {' and '.join(conditions)}")
        return " | ".join(parts)


def _routes(scan: Scan) -> Mapping[str, str]:
    """For each alias of a scan the joins that lead to it, whatever it is called."""
    routes = {scan.alias: ""}
    for join in scan.joins:
        step = f">{join.edge.right}({','.join(join.edge.entities)})"
        routes[join.alias] = routes[join.left] + step
    return routes


# --- expressions ----------------------------------------------------------------------------------

_Slots = Callable[[int], str]

_NEGATED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.LT: exp.GTE,
    exp.GTE: exp.LT,
    exp.GT: exp.LTE,
    exp.LTE: exp.GT,
}
_MIRRORED: dict[type[exp.Expr], type[exp.Expr]] = {exp.GT: exp.LT, exp.GTE: exp.LTE}
_SYMMETRIC = (exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ)
_SUMS = (exp.Add, exp.Mul)
_MOMENTS = frozenset({"DATE", "TIMESTAMP", "DATETIME", "TIMESTAMPTZ", "TIMESTAMPNTZ"})


def _conjuncts(node: exp.Expr, slots: _Slots) -> Iterator[str]:
    """The parts of a condition that must all be true."""
    plain = _plain(node)
    if isinstance(plain, exp.And):
        yield from _conjuncts(plain.this, slots)
        yield from _conjuncts(plain.expression, slots)
    elif isinstance(plain, exp.Between) and not plain.args.get("symmetric"):
        yield _comparison(exp.GTE, plain.this, plain.args["low"], slots)
        yield _comparison(exp.LTE, plain.this, plain.args["high"], slots)
    else:
        yield _form(plain, slots)


def _form(node: exp.Expr, slots: _Slots) -> str:
    """One text for all ways of writing an expression that are known to be the same."""
    node = _plain(node)
    if isinstance(node, exp.Placeholder):
        return slots(int(node.this))
    if isinstance(node, exp.Literal):
        return _literal(node)
    if isinstance(node, exp.And):
        return f"and({', '.join(sorted(set(_conjuncts(node, slots))))})"
    if isinstance(node, exp.Between):
        return f"and({', '.join(sorted(_conjuncts(node, slots)))})"
    if isinstance(node, exp.Or):
        return _alternatives(node, slots)
    if isinstance(node, exp.In) and node.expressions:
        return _among(_form(node.this, slots), [_form(each, slots) for each in node.expressions])
    if isinstance(node, (*_SYMMETRIC, exp.LT, exp.LTE, exp.GT, exp.GTE)):
        return _comparison(type(node), node.this, node.expression, slots)
    if isinstance(node, _SUMS):
        terms = Counter(_form(each, slots) for each in _flat(node, type(node)))
        return f"{type(node).__name__}({', '.join(sorted(terms.elements()))})"
    parts = [f"{key}={text}" for key, value in sorted(node.args.items())
             if (text := _argument(value, slots))]  # fmt: skip
    return f"{type(node).__name__}({', '.join(parts)})"


def _argument(value: object, slots: _Slots) -> str:
    if isinstance(value, exp.Expr):
        return _form(value, slots)
    if isinstance(value, list):
        return f"[{', '.join(_argument(each, slots) for each in value)}]" if value else ""
    return "" if value is None or value is False else str(value)


def _plain(node: exp.Expr) -> exp.Expr:
    """Without parentheses, names and negations that change nothing."""
    while True:
        if isinstance(node, (exp.Paren, exp.Alias)) or _is_moment(node):
            node = node.this
        elif isinstance(node, exp.Not):
            inner = _plain(node.this)
            if isinstance(inner, exp.Not):
                node = inner.this
            elif type(inner) in _NEGATED:
                return _NEGATED[type(inner)](this=inner.this, expression=inner.expression)
            else:
                return exp.Not(this=inner)
        else:
            return node


def _is_moment(node: exp.Expr) -> bool:
    """`DATE '2024-01-01'` is compared with a date as '2024-01-01' is."""
    if not isinstance(node, exp.Cast):
        return False
    kind = node.to.this
    name = kind.name if isinstance(kind, exp.DataType.Type) else str(kind)
    return name in _MOMENTS and isinstance(node.this, exp.Literal) and node.this.is_string


def _literal(node: exp.Literal) -> str:
    text = str(node.this)
    if node.is_string:
        for midnight in (" 00:00:00", "T00:00:00"):
            text = text.removesuffix(midnight)
        return f"'{text}'"
    try:
        return str(Decimal(text).normalize())
    except InvalidOperation:
        return text


def _comparison(kind: type[exp.Expr], left: exp.Expr, right: exp.Expr, slots: _Slots) -> str:
    first, second = _form(left, slots), _form(right, slots)
    if kind in (exp.EQ, exp.NEQ):
        # `is_loan = TRUE` is `is_loan`, and `is_loan <> TRUE` its opposite.
        for side, other in ((left, second), (right, first)):
            if isinstance(side, exp.Boolean):
                return other if bool(side.this) == (kind is exp.EQ) else f"Not(this={other})"
    if kind in _MIRRORED:
        kind, first, second = _MIRRORED[kind], second, first
    elif kind in _SYMMETRIC:
        first, second = sorted((first, second))
    return f"{kind.__name__}({first}, {second})"


def _alternatives(node: exp.Expr, slots: _Slots) -> str:
    """OR in any order; several values of one thing are IN."""
    values: dict[str, list[str]] = {}
    others: set[str] = set()
    for each in map(_plain, _flat(node, exp.Or)):
        if isinstance(each, exp.EQ) and isinstance(_plain(each.expression), exp.Literal):
            values.setdefault(_form(each.this, slots), []).append(_form(each.expression, slots))
        elif isinstance(each, exp.In) and each.expressions:
            listed = values.setdefault(_form(each.this, slots), [])
            listed.extend(_form(value, slots) for value in each.expressions)
        else:
            others.add(_form(each, slots))
    others.update(_among(thing, listed) for thing, listed in values.items())
    return f"or({', '.join(sorted(others))})" if len(others) > 1 else others.pop()


def _among(thing: str, values: Iterable[str]) -> str:
    distinct = sorted(set(values))
    if len(distinct) == 1:
        first, second = sorted((thing, distinct[0]))
        return f"EQ({first}, {second})"
    return f"in({thing}: {', '.join(distinct)})"


def _flat(node: exp.Expr, kind: type[exp.Expr]) -> Iterator[exp.Expr]:
    plain = _plain(node)
    if isinstance(plain, kind):
        yield from _flat(plain.this, kind)
        yield from _flat(plain.args["expression"], kind)
    else:
        yield plain


__all__ = ["Meaning", "meaning_of"]
