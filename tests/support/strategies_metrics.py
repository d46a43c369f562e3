"""Random metrics of every kind over the models of a world, and conditions over its names."""

from __future__ import annotations

from datetime import datetime
from random import Random

from tests.support.oracle_expressions import (
    Agg,
    Bound,
    Expr,
    Frame,
    Lit,
    MetricOf,
    Name,
    Op,
    Over,
    Sort,
    Template,
    Value,
)
from tests.support.oracle_graph import Graph
from tests.support.oracle_world import GRAINS, Input, Metric, Model, World
from tests.support.strategies_models import ODD_TEXTS, TEXTS, any_date

METRIC_NAMES = (
    "revenue",
    "total_x",
    "매출",
    "건수",
    "aov",
    "rate",
    "order",
    "orders",
    "region",
    "status",
    "잔액합계",
    "cnt",
    "n__of__x",
    "share",
    "avg_y",
    "Total",
    "profit",
    "비율",
    "peak",
    "unique_buyers",
)


class MetricMaker:
    """Metrics of every kind over a world's measures, dimensions and earlier metrics."""

    def __init__(self, rng: Random, world: World) -> None:
        self.rng = rng
        self.world = world
        self.graph = Graph(world)
        self.names = rng.sample(METRIC_NAMES, len(METRIC_NAMES))

    def add_metrics(self) -> None:
        for model in self.world.models.values():
            for _ in range(self.rng.randint(1, 3)):
                self._add(self._over_model(model))
        for _ in range(self.rng.randint(0, 3)):
            self._add(self._over_metrics())
        if self.rng.random() < 0.15:
            self._add(self._windowed())

    def _add(self, metric: Metric | None) -> None:
        if metric is not None and self.names:
            metric.name = self.names.pop()
            self.world.metrics[metric.name] = metric

    def _over_model(self, model: Model) -> Metric:
        rng = self.rng
        aggregated = [m for m in model.measures if m.agg]
        filters = (self.filter_near(model.name),) if rng.random() < 0.2 else ()
        if rng.random() < 0.03:
            far = self.world.models[rng.choice(self._reachable(model.name))]
            of_entity = self.metric_of_an_entity(far)
            filters = (*filters, of_entity) if of_entity is not None else filters
        if aggregated and rng.random() < 0.4:
            measure = rng.choice(aggregated)
            fill = 0 if rng.random() < 0.15 else None
            own = (self.filter_near(model.name),) if rng.random() < 0.1 else ()
            return Metric("", "simple", inputs=(Input(measure.name, own, fill),), filters=filters)
        expr: Expr = self.aggregate(model.name)
        chance = rng.random()
        if chance < 0.2:
            other = self.aggregate(rng.choice(list(self.world.models)))
            op = rng.choice(("+", "-", "/"))
            right: Expr = Op("nullif", (other, Lit(0))) if op == "/" else other
            expr = Op(op, (expr, right))
        elif chance < 0.3:
            expr = Op("/", (expr, Op("nullif", (Agg("count_rows"), Lit(0)))))
        elif chance < 0.4:
            expr = Op("case", (Op(">", (expr, Lit(rng.randint(0, 9)))), expr, Lit(None)))
        return Metric("", "expr", expr=expr, filters=filters)

    def aggregate(self, model: str) -> Agg:
        """A random aggregate with a base of `model`, sometimes over what it can reach."""
        rng = self.rng
        home = self.world.models[model]
        number = self._number(model)
        chance = rng.random()
        func = rng.choice(("sum", "sum", "avg", "min", "max", "median", "count"))
        arg: Expr = number
        if chance < 0.15:
            dimension = rng.choice(home.dimensions)
            func, arg = rng.choice(("count", "count_distinct")), Name(f"{model}__{dimension.name}")
        elif chance < 0.22:
            func, arg = "count_distinct", number
        elif chance < 0.26:
            kinds = [d for d in home.dimensions if d.type != "bool"]
            if kinds and rng.random() < 0.5:
                arg = Name(f"{model}__{rng.choice(kinds).name}")
                func = rng.choice(("count", "count_distinct"))
        elif chance < 0.4:
            func = "sum"
            other = Lit(None) if rng.random() < 0.5 else Lit(0)
            arg = Op("case", (self.filter_near(model, templates=False), number, other))
        elif chance < 0.5:
            far = rng.choice(self._reachable(model))
            arg = Op("*", (number, self._number(far)))
        elif chance < 0.58:
            func = rng.choice(("percentile_cont", "percentile_disc"))
        elif chance < 0.65:
            arg = Op("coalesce", (number, Lit(0)))
        where = self.filter_near(model, templates=False) if rng.random() < 0.1 else None
        return Agg(func, arg, where, rng.choice((0.25, 0.5, 0.9)))

    def _number(self, model: str) -> Name:
        home = self.world.models[model]
        numeric = [m.name for m in home.measures if m.type in ("int", "float")]
        numeric += [d.name for d in home.dimensions if d.type == "int"]
        return Name(f"{model}__{self.rng.choice(numeric)}")

    def _reachable(self, model: str) -> list[str]:
        """The model itself and all that it reaches by one shortest path."""
        return [m for m in self.world.models if len(self.graph.shortest(model, m)) == 1]

    def filter_near(self, model: str, *, templates: bool = True) -> Expr:
        """A row filter that rows of `model` can answer."""
        rng = self.rng
        far = rng.choice(self._reachable(model))
        home = self.world.models[far]
        if rng.random() < 0.25:
            return comparison(rng, self._number(far), "int")
        dimension = rng.choice(home.dimensions)
        name: Expr = Name(f"{far}__{dimension.name}")
        if templates and len(home.primary) == 1 and rng.random() < 0.2:
            path = self.graph.path(model, far)
            entities = [edge.key[0] for edge in path if len(edge.key) == 1]
            if len(entities) == len(path):
                entity = "__".join(entities or [home.primary[0]])
                name = Template(f"{entity}__{dimension.name}")
        if dimension.grain and rng.random() < 0.3:
            coarser = GRAINS[max(GRAINS.index(dimension.grain), GRAINS.index("month")) :]
            grain = rng.choice(coarser)
            if isinstance(name, Template):
                name = Template(name.text, grain)
            elif isinstance(name, Name):
                name = Name(f"{name.text}__{grain}")
        return comparison(rng, name, dimension.type)

    def metric_of_an_entity(self, model: Model) -> Expr | None:
        """The metric of the row's own entity, or of one that it refers to."""
        rng = self.rng
        known = [name for name, metric in self.world.metrics.items() if metric.window is None]
        if not known or len(model.primary) != 1:
            return None
        node = MetricOf(rng.choice(known), model.primary[0])
        if rng.random() < 0.15:
            return Op(rng.choice(("is null", "is not null")), (node,))
        return Op(rng.choice((">", "<=", "<>")), (node, Lit(rng.randint(-1, 9))))

    def _over_metrics(self) -> Metric | None:
        rng = self.rng
        known = [n for n, m in self.world.metrics.items() if m.window is None]
        if not known:
            return None
        first, second = rng.choice(known), rng.choice(known)
        filters: tuple[Expr, ...] = ()
        if rng.random() < 0.15:
            filters = (self.filter_near(rng.choice(list(self.world.models))),)
        chance = rng.random()
        if chance < 0.4:
            return Metric("", "ratio", inputs=(Input(first), Input(second)), filters=filters)
        inputs: tuple[Input, ...] = ()
        names = (first, second)
        if chance < 0.6:
            names = ("left_side", "right_side")
            own = (self.filter_near(rng.choice(list(self.world.models))),)
            inputs = (
                Input(first, own if rng.random() < 0.4 else (), alias=names[0]),
                Input(second, alias=names[1]),
            )
        left, right = Name(names[0]), Name(names[1])
        expr = rng.choice(
            (
                Op("-", (left, right)),
                Op("+", (Op("coalesce", (left, Lit(0))), Op("*", (right, Lit(2))))),
                Op("/", (left, Op("nullif", (right, Lit(0))))),
                Op("case", (Op(">", (left, Lit(3))), left, right)),
            )
        )
        return Metric("", "derived", expr=expr, inputs=inputs, filters=filters)

    def _windowed(self) -> Metric | None:
        rng = self.rng
        model = rng.choice(list(self.world.models.values()))
        sums = [m for m in model.measures if m.agg == "sum"]
        if not sums:
            return None
        names = [f"{model.name}__{d.name}" for d in model.dimensions]
        order = rng.choice(names)
        partition = tuple(Name(n) for n in names if n != order and rng.random() < 0.5)
        unit = rng.choice(("RANGE", "GROUPS"))  # ROWS would need a total order.
        frame = rng.choice((None, Frame(unit, Bound(-1, None), Bound(0))))
        over = Over("sum", (), partition, (Sort(Name(order), rng.random() < 0.3),), frame)
        return Metric("", "simple", inputs=(Input(rng.choice(sums).name),), window=over)


def comparison(rng: Random, left: Expr, kind: str) -> Expr:
    """A boolean test of a name whose type is known."""
    if rng.random() < 0.12:
        return Op(rng.choice(("is null", "is not null")), (left,))
    if kind == "bool":
        return rng.choice((left, Op("not", (left,)), Op("=", (left, Lit(rng.random() < 0.5)))))
    if kind in ("date", "timestamp"):
        low, high = sorted((any_date(rng), any_date(rng)))
        if kind == "timestamp" and rng.random() < 0.3:
            moment = datetime(low.year, low.month, low.day, 12, 0, rng.choice((0, 1)))
            return Op(rng.choice((">", "<=")), (left, Lit(moment, rng.random() < 0.5)))
        bare = rng.random() < 0.6
        if rng.random() < 0.3:
            return Op("between", (left, Lit(low, bare), Lit(high, bare)))
        return Op(rng.choice(("<", "<=", ">", ">=")), (left, Lit(low, bare)))
    texts = (*TEXTS, "A", "a!", "first", "none", rng.choice(ODD_TEXTS))
    choices: tuple[Value, ...] = texts if kind == "text" else ()
    if rng.random() < 0.35:
        picked = [Lit(rng.choice(choices) if choices else rng.randint(-1, 9)) for _ in range(2)]
        return Op(rng.choice(("in", "in", "not in")), (left, *picked))
    if kind == "text":
        return Op(rng.choice(("=", "<>")), (left, Lit(rng.choice(choices))))
    return Op(rng.choice(("<", ">", ">=", "=", "<>")), (left, Lit(rng.randint(-1, 9))))
