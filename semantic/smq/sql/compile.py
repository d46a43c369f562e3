"""The compiler's one door: a written query and a graph in, SQL with its metadata out.

bind → plan → emit → lower → render. Editor, command line and agents all call `compile_query`, so
they cannot disagree. It never raises for any query or model; what is wrong comes back as problems.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp

from smq.dialects import Dialect
from smq.dialects import dialect as dialect_of
from smq.expr import parse_expression
from smq.graph.formula import expand
from smq.graph.graph import SemanticGraph
from smq.graph.leaves import Broken, Formula
from smq.graph.references import RowRef
from smq.plan.build import build
from smq.plan.nodes import Plan
from smq.problem import Problem
from smq.query.bind import bind
from smq.query.bound import Query
from smq.query.distribute import distribute
from smq.query.written import Item, WrittenQuery
from smq.sql.blame import place_of
from smq.sql.clauses import unkeyed_fan_out
from smq.sql.emit import emit
from smq.sql.lower import lower
from smq.sql.metadata import as_written, leaf_reports, output_columns, stages
from smq.sql.physical import PhysicalFault
from smq.sql.render import render, rendered
from smq.sql.result import Compiled, CompiledQuery, Lazy

_CAPITALS = re.compile(r"[A-Z][A-Z_]{2,}")

_REMEMBERED = 128
"""How many answers a graph remembers; the oldest is forgotten first. Each holds a SQL tree."""


@dataclass(frozen=True, slots=True)
class CompileOptions:
    """`dialect` is written, `written_dialect` is the one that expressions are in (same if None).

    `inline` puts subqueries in place of CTEs; `distribute` allows one query to become several.
    """

    dialect: str = "duckdb"
    written_dialect: str | None = None
    inline: bool = False
    distribute: bool = False
    trace: bool = False
    """Whether each part of the SQL tells what it comes from, for `source_map`."""


MAX_ITEMS = 10_000
"""The most items of one list of a query: no engine has so many columns."""


def compile_query(
    written: WrittenQuery, graph: SemanticGraph, options: CompileOptions | None = None
) -> Compiled:
    """Compile one query. Raises UnknownDialectError for a dialect that does not exist.

    The same written query against the same graph is compiled once: the answer is remembered.
    """
    options = options or CompileOptions()
    memo: dict[tuple[WrittenQuery, CompileOptions], Compiled] = graph.memo.setdefault(
        "compiled", {}
    )
    known = memo.get((written, options))
    if known is None:
        if len(memo) >= _REMEMBERED:
            del memo[next(iter(memo))]
        known = memo[written, options] = _compile(written, graph, options)
    return known


def _compile(written: WrittenQuery, graph: SemanticGraph, options: CompileOptions) -> Compiled:
    target = dialect_of(options.dialect)
    source = options.written_dialect or options.dialect
    for items in (written.metrics, written.group_by, written.filters, written.order_by):
        if len(items) > MAX_ITEMS:
            return Compiled((), (Problem("EXP121", items[MAX_ITEMS].location, {}),))
    binding = bind(written, graph, source)
    if binding.query is None:
        return Compiled((), tuple(binding.problems))
    planned = build(binding.query, graph)
    problems = [*binding.problems, *planned.problems]
    if planned.plan is not None:
        return _compiled(planned.plan, graph, source, target, options, 0, problems)
    if options.distribute and any(p.code == "JOI112" for p in planned.problems):
        return _distributed(binding.query, graph, options, binding.problems)
    return Compiled((), tuple(problems))


def _distributed(
    query: Query, graph: SemanticGraph, options: CompileOptions, before: list[Problem]
) -> Compiled:
    """One query for each part that joins can connect; an item that fits nowhere is an error."""
    parts, homeless = distribute(query, graph)
    problems = [*before, *homeless]
    if homeless:
        return Compiled((), tuple(problems))
    found: list[CompiledQuery] = []
    for number, part in enumerate(parts):
        result = compile_query(part, graph, replace(options, distribute=False))
        problems.extend(p for p in result.problems if p not in problems)
        if not result.queries:
            return Compiled((), tuple(problems))
        found.extend(replace(compiled, part=number) for compiled in result.queries)
    return Compiled(tuple(found), tuple(problems))


def _compiled(
    plan: Plan,
    graph: SemanticGraph,
    source: str,
    target: Dialect,
    options: CompileOptions,
    part: int,
    problems: list[Problem],
) -> Compiled:
    try:
        tree, physical = emit(plan, graph, source, options.inline, options.trace)
    except PhysicalFault as fault:
        return Compiled((), (*problems, fault.problem))
    legal = _legal_names(plan, target)
    _rename(tree, legal)
    lowered = lower(tree, target, dialect_of(source))
    if lowered.refused:
        refused = [_refusal(refusal, plan, graph, source, target) for refusal in lowered.refused]
        return Compiled((), (*problems, *refused))
    final = lowered.tree
    query = plan.query
    text: str | Lazy[str]
    if lowered.kinds <= _PLAIN_NODES and not options.trace:
        text = Lazy(lambda: render(final, target, copy=False))
    else:
        # What the library cannot write for this engine it leaves out with no more than a remark.
        text, lost = rendered(final, target, copy=options.trace)
        if lost:
            found = [_loss(remark, plan, graph, source, target) for remark in lost]
            return Compiled((), (*problems, *found))
    compiled = CompiledQuery(
        query.written.index,
        part,
        text,
        target.name,
        output_columns(query, graph, lambda name: legal.get(name, name)),
        tuple(physical.tables),
        tuple(sorted(physical.columns)),
        Lazy(lambda: leaf_reports(plan, graph)),
        stages(query),
        as_written(query.written),
        final,
    )
    return Compiled((compiled,), (*problems, *unkeyed_fan_out(plan, graph)))


def _legal_names(plan: Plan, target: Dialect) -> dict[str, str]:
    """Output and intermediate columns that the engine cannot have, with the names they get."""
    names = [group.name for group in plan.query.groups]
    names += [output.name for output in plan.query.outputs]
    names += [column for column in plan.columns.values() if column not in names]
    taken: set[str] = set()
    found: dict[str, str] = {}
    for name in names:
        legal = target.column_name(name, taken)
        taken.add(legal)
        if legal != name:
            found[name] = legal
    return found


def _rename(tree: exp.Expr, legal: dict[str, str]) -> None:
    if not legal:
        return
    for identifier in tree.find_all(exp.Identifier):
        if identifier.args.get("quoted") and identifier.name in legal:
            identifier.set("this", legal[identifier.name])


def _refusal(
    refusal: object, plan: Plan, graph: SemanticGraph, source: str, target: Dialect
) -> Problem:
    origin = str(getattr(refusal, "origin", "") or "")
    args = {
        "feature": str(getattr(refusal, "feature", "")),
        "reason": str(getattr(refusal, "reason", "")),
        "dialect": target.label,
    }
    item = _item(plan.query, origin)
    place, related = place_of(item, str(getattr(refusal, "words", "")), graph, source)
    return Problem("EXP120", place, args, related)


# Nodes that every dialect can write; with only these in a tree nothing can be lost.
_PLAIN_NODES = frozenset(
    {
        *(exp.Select, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order),
        *(exp.Ordered, exp.Limit, exp.With, exp.CTE, exp.TableAlias, exp.Subquery, exp.Union),
        *(exp.Table, exp.Column, exp.Identifier, exp.Alias, exp.Literal, exp.Null, exp.Boolean),
        *(exp.Star, exp.Paren, exp.Case, exp.If, exp.Cast, exp.DataType, exp.Coalesce),
        *(exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is),
        *(exp.In, exp.Between, exp.Like, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg),
        *(exp.Sum, exp.Count, exp.Avg, exp.Min, exp.Max, exp.Distinct, exp.Nullif),
        *(exp.RowNumber, exp.Rank, exp.DenseRank, exp.Qualify, exp.Upper, exp.Lower, exp.Abs),
    }
)


def _loss(remark: str, plan: Plan, graph: SemanticGraph, source: str, target: Dialect) -> Problem:
    args = {"feature": remark.rstrip("."), "reason": "as told", "dialect": target.label}
    written = plan.query.written
    for words in _CAPITALS.findall(remark):
        for item in (*written.metrics, *written.filters):
            place, related = place_of(item, words, graph, source)
            if place != item.location or related:
                return Problem("EXP120", place, args, related)
    for item in (*written.filters, *written.metrics):
        template = parse_expression(item.text, source)
        if template.tree is not None and remark in rendered(template.tree, target).lost:
            return Problem("EXP120", item.location, args)
    return Problem("EXP120", plan.query.outputs[0].item.location, args)


def smallest_query(graph: SemanticGraph, metric: str, dialect: str) -> dict[str, Any]:
    """A query for a metric alone, grouped by what its own windows name. Raises KeyError."""
    formula = expand(graph, metric, dialect)
    slots = formula.slots if isinstance(formula, Formula) else ()
    groups = [slot.written for slot in slots if isinstance(slot, RowRef)]
    return {"metrics": [metric], **({"groupBy": groups} if groups else {})}


def is_portable(graph: SemanticGraph, metric: str, dialect: str) -> bool:
    """Whether a metric surely can be said for every engine, told from its own expressions alone.

    Raises KeyError for an unknown name.
    """
    formula = expand(graph, metric, dialect)
    if isinstance(formula, Broken):
        return True
    trees = [formula.tree, *(leaf.tree for leaf in formula.leaves)]
    for leaf in formula.leaves:
        trees += [c.template.tree for c in leaf.filters if c.template.tree is not None]
        for ref in leaf.refs:
            if ref.model and ref.kind in ("measure", "dimension"):
                index = graph.index(ref.model)
                members = index.measures if ref.kind == "measure" else index.dimensions
                sql = members[ref.name].expr
                template = parse_expression(sql.text, dialect) if sql is not None else None
                if template is not None and template.tree is not None:
                    trees.append(template.tree)
    return all(
        type(node) in _PLAIN_NODES or isinstance(node, exp.Placeholder)
        for tree in trees
        for node in tree.walk()
    )


def _item(query: Query, origin: str) -> Item:
    """The item that an origin names, else the first metric."""
    items: dict[str, Item] = {}
    written = query.written
    for group in (written.metrics, written.group_by, written.filters, written.order_by):
        items.update((item.path, item) for item in group)
    return items.get(origin) or query.outputs[0].item
