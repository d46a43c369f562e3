"""Random queries over a world, and whole cases with the answer the oracle gives them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import TypeVar

from hypothesis import strategies as st
from tests.support.oracle import Answer, answer
from tests.support.oracle_expressions import (
    Bound,
    Expr,
    Frame,
    Leaf,
    Lit,
    Name,
    Op,
    Over,
    Sort,
    Within,
    walk,
)
from tests.support.oracle_metrics import Meaning
from tests.support.oracle_world import (
    GRAINS,
    Clause,
    Joined,
    Model,
    Query,
    Refused,
    Select,
    Unsure,
    World,
)
from tests.support.strategies import make_world
from tests.support.strategies_metrics import MetricMaker, comparison

T = TypeVar("T")


@dataclass
class Case:
    """A world, a query over it, and what must come out: an answer, or None for an error."""

    world: World
    query: Query
    expected: Answer | None
    reason: str = ""


def make_case(seed: int, per_world: int = 4) -> Case:
    """The case of a seed; `per_world` neighbouring seeds share a world.

    Every eighth world is asked with written joins most of the time.
    """
    world = make_world(Random(seed // per_world))
    joined = 0.7 if seed // per_world % 8 == 7 else 0.08
    return random_case(Random(f"query {seed}"), world, joined=joined)


def cases() -> st.SearchStrategy[Case]:
    """Hypothesis's way to the same cases."""
    return st.randoms(use_true_random=False).map(lambda rng: random_case(rng, make_world(rng)))


def random_case(
    rng: Random,
    world: World,
    refused_share: float = 0.1,
    empty_share: float = 0.1,
    joined: float = 0.12,
) -> Case:
    """A query that the spec gives a meaning to, or, rarely, one that it calls an error.

    Answers without rows say little, so most of them are thrown away.
    """
    for _ in range(200):
        query = QueryMaker(rng, world, joined).make()
        try:
            expected = answer(world, query)
            if expected.rows or rng.random() < empty_share:
                return Case(world, query, expected)
        except Unsure:
            continue
        except Refused as refusal:
            if rng.random() < refused_share:
                return Case(world, query, None, str(refusal))
    # A world in which next to nothing connects still answers one metric without a groupBy.
    for metric in world.metrics:
        query = Query([Select(Name(metric))])
        try:
            return Case(world, query, answer(world, query))
        except (Unsure, Refused):
            continue
    query = Query([Select(Name(next(iter(world.metrics), "nothing")))])
    try:
        return Case(world, query, answer(world, query))
    except Refused as refusal:
        return Case(world, query, None, str(refusal))


class QueryMaker:
    """One random query, mostly sensible: dimensions that all the metrics can reach."""

    def __init__(self, rng: Random, world: World, joined: float = 0.12) -> None:
        self.rng = rng
        self.world = world
        self.joined = joined
        self.near = MetricMaker(rng, world)
        self.graph = self.near.graph
        self.query = Query([])
        self.bases: list[str] = []

    def make(self) -> Query:
        rng = self.rng
        names = list(self.world.metrics)
        chosen = rng.sample(names, min(len(names), rng.choice((1, 1, 1, 2, 2, 3))))
        self.query.metrics = [Select(Name(name)) for name in chosen]
        for select in self.query.metrics:
            if rng.random() < 0.06:
                select.alias = rng.choice(("renamed", "이름", "select"))
        self.bases = self._bases(chosen)
        if rng.random() < self.joined:
            self._write_clause()
        self._add_groups()
        if rng.random() < 0.25:
            self._add_arithmetic()
        if self.query.group_by and rng.random() < 0.25:
            self._add_window()
        for _ in range(rng.choice((0, 0, 1, 1, 2))):
            self.query.filters.append(self._filter())
        self._add_order_and_limit()
        return self.query

    def _bases(self, metrics: list[str]) -> list[str]:
        meaning = Meaning(self.world, Query([]))
        found: list[str] = []
        for metric in metrics:
            plain = self.world.metrics[metric]
            if plain.window is not None:
                self._group_by_window(plain.window)
            try:
                tree = meaning.metric(metric, (), ())
            except (Refused, Unsure):
                continue
            parts = [part for node in walk(tree) for part in [node] if isinstance(part, Leaf)]
            found += [leaf.base for leaf in parts]
        return list(dict.fromkeys(found))

    def _group_by_window(self, over: Over) -> None:
        """A metric with a window of its own needs that window's dimensions in groupBy."""
        for part in (*over.partition, *(sort.expr for sort in over.order)):
            if isinstance(part, Name) and part.text not in self.query.group_by:
                self.query.group_by.append(part.text)

    # --- groupBy ------------------------------------------------------------------------

    def _add_groups(self) -> None:
        rng = self.rng
        if rng.random() < 0.12 and not self.query.group_by and not self.query.clause:
            grain = rng.choice(("", "__day", "__week", "__month", "__quarter", "__year"))
            self._group("metric_time" + grain)
        for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3))):
            found = self._dimension()
            if found is not None:
                self._group(found)
        if rng.random() < 0.03:
            self._group(rng.choice((*self.world.metrics, *self.world.models)))

    def _group(self, text: str) -> None:
        if text not in self.query.group_by or self.rng.random() < 0.02:
            self.query.group_by.append(text)

    def _dimension(self) -> str | None:
        """The text of a dimension that all bases reach, or (rarely) of any."""
        rng = self.rng
        models = self._shared_models()
        if not models or rng.random() < 0.04:
            models = list(self.world.models)
        model = self.world.models[rng.choice(models)]
        if not model.dimensions:
            return None
        dimension = rng.choice(model.dimensions)
        text = f"{model.name}__{dimension.name}"
        if rng.random() < 0.15 and self.query.clause is None:
            text = self._by_entity(model, dimension.name) or text
        if dimension.grain and rng.random() < 0.6:
            own = GRAINS.index(dimension.grain)
            low = own if rng.random() < 0.95 else 0
            text += "__" + rng.choice(GRAINS[max(low, 3) :])
        return text

    def _shared_models(self) -> list[str]:
        if self.query.clause is not None:
            return [self.query.clause.first, *(j.model for j in self.query.clause.joins)]
        return [
            model
            for model in self.world.models
            if all(len(self.graph.shortest(base, model)) == 1 for base in self.bases)
        ]

    def _by_entity(self, model: Model, dimension: str) -> str | None:
        """`entity__dimension` or `entity__entity__dimension` from the first base."""
        if not self.bases:
            return None
        base = self.world.models[self.bases[0]]
        options = [f"{e.name}__{dimension}" for e in base.entities]
        options += [
            f"{e.name}__{edge.key[0]}__{dimension}"
            for e in base.entities
            for edge in self.graph.edges[model.name]
        ]
        self.rng.shuffle(options)
        for text in options:
            try:
                if all(self.graph.model_of(base, text) for base in self.bases):
                    return text
            except (Refused, Unsure):
                continue
        return None

    # --- metrics ------------------------------------------------------------------------

    def _plain_metrics(self) -> list[str]:
        chosen = [s.expr.text for s in self.query.metrics if isinstance(s.expr, Name)]
        return [n for n in chosen if n in self.world.metrics and not self.world.metrics[n].window]

    def _any_metric(self) -> Name | None:
        rng = self.rng
        known = self._plain_metrics()
        if not known or rng.random() < 0.2:
            known = [n for n, m in self.world.metrics.items() if m.window is None]
        return Name(rng.choice(known)) if known else None

    def _add_arithmetic(self) -> None:
        expr = self._arithmetic()
        if expr is None:
            return
        alias = None if self.rng.random() < 0.05 else self.rng.choice(("calc", "계산", "x__calc"))
        self._select(expr, alias)

    def _select(self, expr: Expr, alias: str | None) -> None:
        """Beside the metrics that are selected, or instead of one of them."""
        if self.rng.random() < 0.5:
            self.query.metrics[self.rng.randrange(len(self.query.metrics))] = Select(expr, alias)
        else:
            self.query.metrics.append(Select(expr, alias))

    def _arithmetic(self) -> Expr | None:
        left, right = self._any_metric(), self._any_metric()
        if left is None or right is None:
            return None
        return self.rng.choice(
            (
                Op("/", (left, Op("nullif", (right, Lit(0))))),
                Op("+", (left, right)),
                Op("*", (Op("coalesce", (left, Lit(0))), Lit(100))),
                Op("-", (left, Lit(1))),
                Op("case", (Op(">", (left, Lit(2))), Lit("high"), Lit("low"))),
                Op("abs", (left,)),
            )
        )

    def _add_window(self) -> None:
        over = self._window()
        if over is None:
            return
        expr: Expr = over
        metric = self._any_metric()
        if self.rng.random() < 0.15 and metric and over.func in ("sum", "lag", "avg", "max"):
            expr = Op("-", (metric, over))
        alias = None if self.rng.random() < 0.05 else self.rng.choice(("win", "누적", "w2"))
        self._select(expr, alias)

    def _window(self) -> Over | None:
        rng = self.rng
        argument = self._window_argument()
        if argument is None:
            return None
        groups = list(self.query.group_by)
        rng.shuffle(groups)
        cut = rng.randint(0, len(groups))
        partition = tuple(Name(text) for text in groups[:cut])
        rest = groups[cut:]
        total = tuple(Sort(Name(text), rng.random() < 0.3) for text in rest)
        func = rng.choice(
            (
                *("sum", "sum", "avg", "min", "max", "count", "count_rows"),
                *("row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile"),
                *("lag", "lead", "first_value", "last_value", "nth_value"),
            )
        )
        args: tuple[Expr, ...] = (argument,)
        match func:
            case "row_number" | "rank" | "dense_rank" | "percent_rank" | "cume_dist" | "count_rows":
                args = ()
            case "ntile":
                args = (Lit(rng.randint(1, 4)),)
            case "nth_value":
                args = (argument, Lit(rng.randint(1, 3)))
            case "lag" | "lead":
                extra = (Lit(rng.randint(0, 2)), Lit(-1))[: rng.randint(0, 2)]
                args = (argument, *extra)
        if func in ("rank", "dense_rank", "percent_rank", "cume_dist"):
            # Ties are the point here.
            if rng.random() < 0.6:
                total = (Sort(argument, rng.random() < 0.5), *total[: rng.randint(0, 1)])
            return Over(func, args, partition, total)
        if func in ("row_number", "ntile", "lag", "lead"):
            return Over(func, args, partition, total)
        if func in ("first_value", "last_value", "nth_value"):
            return Over(func, args, partition, total, self._frame(total) if total else None)
        if rng.random() < 0.25:
            total = total[:1]
            ranged = rng.choice((None, Frame("RANGE", Bound(-1, None), Bound(0))))
            return Over(func, args, partition, total, ranged if total else None)
        return Over(func, args, partition, total, self._frame(total) if total else None)

    def _window_argument(self) -> Expr | None:
        rng = self.rng
        if rng.random() < 0.15:
            measures = [
                (model.name, m)
                for model in self.world.models.values()
                for m in model.measures
                if m.agg is not None and model.name in self.bases
            ]
            if measures:
                model, measure = rng.choice(measures)
                return Name(measure.name if rng.random() < 0.5 else f"{model}__{measure.name}")
        metric = self._any_metric()
        if metric is not None and rng.random() < 0.1:
            return Op("+", (metric, Lit(1)))
        return metric

    def _frame(self, order: tuple[Sort, ...]) -> Frame | None:
        rng = self.rng
        if rng.random() < 0.3:
            return None
        unit = rng.choice(("ROWS", "ROWS", "GROUPS", "RANGE"))
        start = Bound(-1, rng.choice((None, 0, 1, 2)))
        end = rng.choice((Bound(0), Bound(1, 1), Bound(1, None), Bound(1, 2)))
        days = False
        if unit == "RANGE":
            kind = self._group_type(order[0].expr) if len(order) == 1 else None
            if kind in ("date", "timestamp"):
                days = True
                start, end = Bound(-1, rng.choice((None, 1, 7, 40))), rng.choice((end, Bound(0)))
            elif kind != "int":
                start, end = Bound(-1, None), rng.choice((Bound(0), Bound(1, None)))
        exclude = rng.choice(("", "", "", "CURRENT ROW", "GROUP", "TIES"))
        return Frame(unit, start, end, exclude, days)

    def _group_type(self, expr: Expr) -> str | None:
        assert isinstance(expr, Name)
        if expr.text.startswith("metric_time"):
            return "timestamp"
        try:
            reference = self.graph.reference(expr.text)
        except Refused:
            return None
        base = reference.model or (self.bases[0] if self.bases else "")
        try:
            model = self.graph.locate(base, reference)[1]
        except (Refused, Unsure, KeyError):
            return None
        dimension = model.dimension(reference.item)
        return dimension.type if dimension else None

    # --- filters, order, limit ----------------------------------------------------------

    def _filter(self) -> Expr:
        rng = self.rng
        chance = rng.random()
        if chance < 0.5:
            return self._row_filter()
        metric = self._any_metric()
        number = Lit(rng.randint(-2, 12))
        comparing = rng.choice((">", ">=", "<", "<>"))
        if chance < 0.72 and metric is not None:
            return Op(comparing, (metric, number))
        aliased = [s.alias for s in self.query.metrics if s.alias and _is_number(s.expr)]
        if chance < 0.84 and aliased:
            return Op(comparing, (Name(rng.choice(aliased)), number))
        if chance < 0.9 and metric is not None and self.query.group_by:
            having = Op(comparing, (metric, number))
            null = Op("is null", (Name(rng.choice(self.query.group_by)),))
            return Op("or", (having, null))
        if chance < 0.95 and metric is not None:
            if rng.random() < 0.4:
                ratio = Op("/", (metric, Op("nullif", (self._any_metric() or metric, Lit(0)))))
                return Op(comparing, (ratio, Lit(rng.choice((0.5, 1.3, 2.1)))))
            return Op("and", (self._row_filter(), Op(comparing, (metric, number))))
        over = self._window() if self.query.group_by else None
        if over is not None and over.func in ("sum", "count", "rank", "row_number", "avg"):
            late = Op(comparing, (over, number))
            if metric is not None and rng.random() < 0.3:
                return Op("or", (late, Op("=", (metric, number))))
            return late
        return self._row_filter()

    def _row_filter(self) -> Expr:
        rng = self.rng
        shared = self._shared_models()
        if not shared:
            return self.near.filter_near(rng.choice(list(self.world.models)))
        if self.query.clause is not None:
            parts = [self._own_filter(rng.choice(shared)) for _ in range(2)]
        else:
            parts = [self.near.filter_near(rng.choice(shared)) for _ in range(2)]
            if rng.random() < 0.25:
                parts[0] = self._special_filter(shared) or parts[0]
        chance = rng.random()
        if chance < 0.12:
            return Op("or", (parts[0], parts[1]))
        if chance < 0.2:
            return Op("and", (parts[0], parts[1]))
        if chance < 0.26:
            return Op("not", (parts[0],))
        return parts[0]

    def _special_filter(self, shared: list[str]) -> Expr | None:
        """A bare name, metric_time, or membership in the values of a model."""
        rng = self.rng
        chance = rng.random()
        model = self.world.models[rng.choice(shared)]
        dimension = rng.choice(model.dimensions)
        if chance < 0.4:
            homes = [m for m in self.world.models.values() if m.dimension(dimension.name)]
            named = dimension.name in self.world.metrics or any(
                m.measure(dimension.name) or m.entity(dimension.name)
                for m in self.world.models.values()
            )
            # Arithmetic may have taken the place of a metric since the bases were found.
            named_here = [
                node.text
                for select in self.query.metrics
                for node in walk(select.expr)
                if isinstance(node, Name) and node.text in self.world.metrics
            ]
            used = {text.partition("__")[0] for text in self.query.group_by}
            used.update(self._bases(named_here))
            if len(homes) > 1 or named or model.name not in used:
                return None
            return comparison(rng, Name(dimension.name), dimension.type)
        if chance < 0.6:
            grain = rng.choice(("", "__month", "__year"))
            return comparison(rng, Name("metric_time" + grain), "date")
        if chance < 0.85:
            return self.near.metric_of_an_entity(model)
        other = rng.choice(list(self.world.models.values()))
        alike = [d for d in other.dimensions if d.type == dimension.type and not d.grain]
        if not alike or dimension.grain:
            return None
        where = self._own_filter(other.name) if rng.random() < 0.5 else None
        left = Name(f"{model.name}__{dimension.name}")
        return Within(left, other.name, rng.choice(alike).name, where, rng.random() < 0.3)

    def _any_number(self, model: str) -> Name:
        home = self.world.models[model]
        return Name(f"{model}__{a_number(self.rng, home)}")

    def _own_filter(self, model: str) -> Expr:
        dimension = self.rng.choice(self.world.models[model].dimensions)
        return comparison(self.rng, Name(f"{model}__{dimension.name}"), dimension.type)

    def _add_order_and_limit(self) -> None:
        rng, query = self.rng, self.query
        wants_limit = rng.random() < 0.25
        if not wants_limit and rng.random() < 0.5:
            return
        options = [s.output for s in query.metrics if s.output is not None]
        options += query.group_by
        if rng.random() < 0.1:
            options += list(self.world.metrics)
        options = list(dict.fromkeys(options))
        for text in rng.sample(options, rng.randint(0, min(2, len(options)))):
            query.order_by.append((text, rng.random() < 0.5))
        if wants_limit:
            query.limit = rng.choice((0, 1, 2, 3, 5, 100))
            used = {text for text, _ in query.order_by}
            if rng.random() < 0.9:
                query.order_by += [
                    (text, rng.random() < 0.3)
                    for text in dict.fromkeys(query.group_by)
                    if text not in used
                ]

    # --- written joins ------------------------------------------------------------------

    def _write_clause(self) -> None:
        """A clause over models that keys connect, in whatever direction and by any join type."""
        rng = self.rng
        models = list(self.world.models)
        clause = Clause(rng.choice(self.bases or models), [])
        present = [clause.first]
        wanted = [m for m in self.bases if m not in present]
        for _ in range(rng.randint(max(1, len(wanted)), max(2, len(wanted) + 1))):
            steps = [
                (edge, other)
                for name in models
                for edge in self.graph.edges[name]
                for other in (
                    [edge.target]
                    if edge.source in present and edge.target not in present
                    else [edge.source]
                    if edge.target in present and edge.source not in present
                    else []
                )
            ]
            if not steps:
                break
            preferred = [step for step in steps if step[1] in wanted] or steps
            edge, other = rng.choice(preferred)
            kind = rng.choice(("LEFT", "LEFT", "LEFT", "INNER", "RIGHT", "FULL"))
            source, target = self.world.models[edge.source], self.world.models[edge.target]
            pairs = []
            for name in edge.key:
                left, right = source.entity(name), target.entity(name)
                assert left is not None and right is not None
                sides = [Name(f"{source.name}__{name}"), Name(f"{target.name}__{name}")]
                if rng.random() < 0.4:
                    sides[0] = Name(f"{source.name}.{left.column}", dotted=True)
                    sides[1] = Name(f"{target.name}.{right.column}", dotted=True)
                if rng.random() < 0.5:
                    sides.reverse()
                pairs.append(Op("=", (sides[0], sides[1])))
            on: Expr = pairs[0] if len(pairs) == 1 else Op("and", tuple(pairs))
            if rng.random() < 0.1:
                on = Op("and", (on, self._own_filter(other)))
            elif rng.random() < 0.1 and kind not in ("FULL", "RIGHT"):
                # Not by keys at all: rows are repeated in every way.
                ends = [self._any_number(other), self._any_number(rng.choice(present))]
                on = Op(rng.choice(("<", "<=", "=")), (ends[0], ends[1]))
            clause.joins.append(Joined(kind, other, on))
            present.append(other)
        if len(models) > 1 and not clause.joins and rng.random() < 0.3:
            clause.joins.append(
                Joined("CROSS", rng.choice([m for m in models if m != clause.first]))
            )
        if clause.joins:
            self.query.clause = clause


def a_number(rng: Random, model: Model) -> str:
    """The name of a numeric measure of a model; every model has one."""
    return rng.choice([m.name for m in model.measures if m.type in ("int", "float")])


def _is_number(expr: Expr) -> bool:
    """Whether an entry's value is a number; labels made by CASE are not."""
    if isinstance(expr, Op) and expr.op == "case":
        return not any(isinstance(a, Lit) and isinstance(a.value, str | date) for a in expr.args)
    return True
