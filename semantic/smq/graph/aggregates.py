"""Aggregates: a measure with its own, and those that an expression holds, cut out as leaves."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from smq.expr import Template
from smq.graph.graph import SemanticGraph
from smq.graph.leaves import Leaf, RowCondition
from smq.graph.references import RowRef
from smq.graph.symbols import Measure, Model


def measure_leaf(graph: SemanticGraph, model: str, measure: str) -> Leaf | None:
    """A measure aggregated with its own aggregation; None when it has none that is known."""
    found = graph.index(model).measures[measure]
    return leaf_of(graph, graph.models[model], found, (), None)


def time_dimension(graph: SemanticGraph, model: Model, name: str | None = None) -> RowRef | None:
    """What metric_time means on a model: the named or default one, or the only one it has."""
    wanted = name or model.agg_time_dimension
    if wanted is not None:
        known = graph.index(model.name).dimensions.get(wanted)
        return RowRef("dimension", model.name, wanted) if known and known.is_time else None
    times = [d.name for d in model.dimensions if d.is_time and d.validity is None]
    return RowRef("dimension", model.name, times[0]) if len(times) == 1 else None


def leaf_of(
    graph: SemanticGraph,
    model: Model,
    measure: Measure,
    filters: tuple[RowCondition, ...],
    fill_with: int | float | None,
) -> Leaf | None:
    if measure.agg is None:
        return None
    value = exp.Placeholder(this="0")
    tree = _aggregate(measure, value)
    if tree is None:
        return None
    ref = RowRef("measure", model.name, measure.name)
    key = f"{model.name}|{tree.sql()}|{ref.written}|{fill_with}"
    time = time_dimension(graph, model, measure.agg_time_dimension)
    function = _function_name(tree)
    return Leaf(key, measure.name, function, model.name, tree, (ref,), filters, fill_with, time)


def _aggregate(measure: Measure, value: exp.Expr) -> exp.Expr | None:
    """The aggregations of the dbt semantic layer, by its names."""
    match measure.agg:
        case "sum":
            return exp.Sum(this=value)
        case "sum_boolean":
            one, zero = exp.Literal.number(1), exp.Literal.number(0)
            case = exp.Case(ifs=[exp.If(this=value, true=one)], default=zero)
            return exp.Sum(this=case)
        case "count":
            return exp.Count(this=value, big_int=True)
        case "count_distinct":
            return exp.Count(this=exp.Distinct(expressions=[value]), big_int=True)
        case "average" | "avg":
            return exp.Avg(this=value)
        case "min":
            return exp.Min(this=value)
        case "max":
            return exp.Max(this=value)
        case "median":
            return exp.Median(this=value)
        case "percentile" if measure.percentile is not None and 0 <= measure.percentile <= 1:
            share = exp.Literal.number(repr(measure.percentile))
            kind = exp.PercentileDisc if measure.discrete_percentile else exp.PercentileCont
            order = exp.Order(expressions=[exp.Ordered(this=value, nulls_first=False)])
            return exp.WithinGroup(this=kind(this=share), expression=order)
        case _:
            return None


@dataclass(frozen=True, slots=True, eq=False)
class AggregateCall:
    """One outermost aggregate call; `tree` has placeholders numbered into `slots`."""

    tree: exp.Expr
    slots: tuple[int, ...]
    arguments: tuple[int, ...]
    """The slots outside of FILTER: those that tell the base."""
    function: str
    sql: str


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """An expression with its aggregates cut out: `L0` stands for a root, `u3` for a name."""

    tree: exp.Expr
    roots: tuple[AggregateCall, ...]
    is_whole: bool


def outline_of(template: Template) -> Outline:
    """The outline of a template; templates of one shape share it."""
    known = template.memo.get("outline")
    if isinstance(known, Outline):
        return known
    assert template.tree is not None
    holder = exp.Paren(this=template.tree.copy())
    _true_division(holder)
    found = _aggregate_roots(holder)
    is_whole = len(found) == 1 and found[0] is holder.this
    inside: set[int] = set()
    roots: list[AggregateCall] = []
    for number, node in enumerate(found):
        argument = node
        while isinstance(argument, exp.Filter):
            argument = argument.this
        arguments = tuple(int(place.this) for place in argument.find_all(exp.Placeholder))
        places = list(node.find_all(exp.Placeholder))
        slots = tuple(int(place.this) for place in places)
        inside.update(id(place) for place in places)
        for index, place in enumerate(places):
            place.set("this", str(index))
        root = exp.Placeholder(this=f"L{number}")
        node.replace(root)
        inside.add(id(root))
        roots.append(AggregateCall(node, slots, arguments, _function_name(node), node.sql()))
    for place in list(holder.find_all(exp.Placeholder)):
        if id(place) not in inside:
            place.set("this", f"u{place.this}")
    outline = Outline(holder.this.pop(), tuple(roots), is_whole)
    template.memo["outline"] = outline
    return outline


def _aggregate_roots(holder: exp.Expr) -> list[exp.Expr]:
    """The outermost aggregate calls that are no window functions, with FILTER and WITHIN GROUP."""
    found: list[exp.Expr] = []
    wrappers = (exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls)
    for node in holder.find_all(exp.AggFunc, bfs=False):
        root: exp.Expr = node
        while isinstance(root.parent, wrappers) and root.parent.this is root:
            root = root.parent
        if isinstance(root.parent, exp.Window) and root.parent.this is root:
            continue
        ancestor = root.parent
        inside = False
        while ancestor is not None:
            if ancestor in found and any(ancestor is known for known in found):
                inside = True
                break
            ancestor = ancestor.parent
        if not inside:
            found.append(root)
    return found


def _function_name(tree: exp.Expr) -> str:
    while isinstance(tree, (exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls)):
        tree = tree.this
    if isinstance(tree, (exp.PercentileCont, exp.PercentileDisc)):
        return "PERCENTILE"
    if isinstance(tree, exp.Count) and isinstance(tree.this, exp.Distinct):
        return "COUNT_DISTINCT"
    return tree.sql_name() if isinstance(tree, exp.Func) else tree.key.upper()


def _true_division(tree: exp.Expr) -> None:
    """Metric values divide as numbers: 1 / 2 is one half in every dialect."""
    for node in tree.find_all(exp.Div):
        node.set("typed", False)
