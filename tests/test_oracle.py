"""The oracle is checked before it may judge: by hand, and against SQL written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from random import Random

import duckdb
import pytest
from tests.support.duck_tables import create_tables, plain, same, unmatched
from tests.support.oracle import answer
from tests.support.oracle_expressions import (
    Agg,
    Bound,
    Expr,
    Frame,
    Lit,
    Name,
    Op,
    Over,
    Sort,
    Value,
    aggregate,
    evaluate,
    truncate,
)
from tests.support.oracle_graph import Graph
from tests.support.oracle_text import to_sql
from tests.support.oracle_windows import window
from tests.support.oracle_world import (
    Clause,
    Dimension,
    Entity,
    Input,
    Joined,
    Measure,
    Metric,
    Model,
    Query,
    Refused,
    Row,
    Select,
    Table,
    World,
)
from tests.support.strategies import make_world
from tests.support.strategies_metrics import comparison
from tests.support.strategies_models import value


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(":memory:")
    yield connection
    connection.close()


def table(name: str, header: str, *rows: tuple[Value, ...]) -> Table:
    columns = [(column, kind) for column, kind in (pair.split(":") for pair in header.split())]
    return Table(name, columns, [dict(zip([c for c, _ in columns], r, strict=True)) for r in rows])


def shop() -> World:
    """Regions ← customers ← orders and returns; two orders point nowhere, one customer too."""
    regions = Model(
        "regions",
        table("regions", "id:text name:text", ("R1", "north"), ("R2", "south"), ("R3", "empty")),
        [Entity("region", "primary", "id")],
        [Dimension("name", "text", Name("name"))],
    )
    customers = Model(
        "customers",
        table(
            "customers",
            "id:text region_id:text tier:text credit:int",
            ("C1", "R1", "gold", 10),
            ("C2", "R1", None, 20),
            ("C3", "R2", "gold", 30),
            ("C4", None, "iron", 40),
        ),
        [Entity("customer", "primary", "id"), Entity("region", "foreign", "region_id")],
        [Dimension("tier", "text", Name("tier"))],
        [Measure("credit", "int", Name("credit"), "sum")],
    )
    orders = Model(
        "orders",
        table(
            "orders",
            "id:text customer_id:text day:date amount:int",
            ("O1", "C1", date(2024, 1, 31), 5),
            ("O2", "C1", date(2024, 2, 1), 7),
            ("O3", "C2", date(2024, 2, 29), 11),
            ("O4", "C9", date(2024, 2, 29), 13),
            ("O5", None, date(2024, 3, 1), None),
            ("O6", "C3", date(2024, 3, 1), 17),
        ),
        [Entity("order", "primary", "id"), Entity("customer", "foreign", "customer_id")],
        [Dimension("day", "date", Name("day"), "day")],
        [Measure("amount", "int", Name("amount"), "sum")],
        agg_time="day",
    )
    returns = Model(
        "returns",
        table(
            "returns",
            "id:text customer_id:text at:date cost:int",
            ("T1", "C1", date(2024, 2, 3), 2),
            ("T2", "C4", date(2024, 2, 4), 3),
            ("T3", None, date(2024, 2, 5), 4),
        ),
        [Entity("return", "primary", "id"), Entity("customer", "foreign", "customer_id")],
        [Dimension("at", "date", Name("at"), "day")],
        [Measure("cost", "int", Name("cost"), "sum")],
        agg_time="at",
    )
    metrics = [
        Metric("revenue", "simple", inputs=(Input("amount"),)),
        Metric("order_count", "expr", Agg("count_rows_of", None)),
        Metric("refunds", "simple", inputs=(Input("cost"),)),
        Metric("credit_total", "simple", inputs=(Input("credit"),)),
        Metric("refund_rate", "ratio", inputs=(Input("refunds"), Input("revenue"))),
        Metric("net", "derived", Op("-", (Name("revenue"), Name("refunds")))),
        Metric(
            "gold_revenue",
            "simple",
            inputs=(Input("amount"),),
            filters=(Op("=", (Name("customers__tier"), Lit("gold"))),),
        ),
        Metric(
            "per_credit",
            "expr",
            Agg("sum", Op("*", (Name("orders__amount"), Name("customers__credit")))),
        ),
    ]
    metrics[1] = Metric("order_count", "expr", Agg("count", Name("orders__day")))
    models = (regions, customers, orders, returns)
    return World({m.name: m for m in models}, {m.name: m for m in metrics})


def rows(query: Query, world: World | None = None) -> list[tuple[Value, ...]]:
    return answer(world or shop(), query).rows


def metrics(*texts: str) -> list[Select]:
    return [Select(Name(text)) for text in texts]


# --- the language of expressions ---------------------------------------------------------------

TRUTH = (True, False, None)


@pytest.mark.parametrize("op", ["and", "or"])
@pytest.mark.parametrize("left", TRUTH)
@pytest.mark.parametrize("right", TRUTH)
def test_three_valued_logic(
    duck: duckdb.DuckDBPyConnection, op: str, left: Value, right: Value
) -> None:
    expr = Op(op, (Lit(left), Lit(right)))
    expected = duck.execute(f"SELECT {to_sql(expr)}").fetchall()[0][0]
    assert evaluate(expr, lambda _: None) is expected


def test_membership_among_nulls() -> None:
    def truth(op: str, *values: Value) -> Value:
        return evaluate(Op(op, tuple(Lit(v) for v in values)), lambda _: None)

    assert truth("in", 1, 1, None) is True
    assert truth("in", 1, 2, None) is None
    assert truth("not in", 1, 2, None) is None
    assert truth("not in", 1, 1, None) is False
    assert truth("not in", None, 1, 2) is None


@pytest.mark.parametrize("seed", range(40))
def test_row_expressions_agree_with_duckdb(duck: duckdb.DuckDBPyConnection, seed: int) -> None:
    """Filters and dimension expressions of a random world, row by row."""
    rng = Random(seed)
    world = make_world(rng)
    create_tables(duck, world.tables)
    for model in world.models.values():
        columns = list(model.table.columns)
        exprs: list[Expr] = [d.expr for d in model.dimensions]
        exprs += [m.expr for m in model.measures]
        for _ in range(6):
            column, kind = rng.choice(columns)
            test = comparison(rng, Name(column), kind)
            other = comparison(rng, Name(columns[0][0]), columns[0][1])
            exprs.append(rng.choice((test, Op("or", (test, other)), Op("not", (test,)))))
        texts = ", ".join(to_sql(expr) for expr in exprs)
        got = duck.execute(f'SELECT {texts} FROM "{model.table.name}"').fetchall()
        expected = [tuple(model.value(row, e) for e in exprs) for row in model.table.rows]
        assert unmatched(got, expected) == ([], [])


GRAINS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")


@pytest.mark.parametrize("grain", GRAINS)
def test_truncation_agrees_with_duckdb(duck: duckdb.DuckDBPyConnection, grain: str) -> None:
    rng = Random(grain)
    for _ in range(60):
        moment = value(rng, "timestamp")
        assert isinstance(moment, datetime)
        got = duck.execute("SELECT date_trunc(?, ?)", [grain, moment]).fetchall()[0][0]
        assert plain(got) == truncate(moment, grain)


def test_weeks_start_on_monday() -> None:
    assert truncate(date(2024, 12, 29), "week") == datetime(2024, 12, 23)
    assert truncate(date(2024, 12, 30), "week") == datetime(2024, 12, 30)
    assert truncate(date(2025, 1, 1), "week") == datetime(2024, 12, 30)


AGGREGATES = (
    *("sum", "count", "count_distinct", "avg", "min", "max", "median"),
    *("percentile_cont", "percentile_disc"),
)


@pytest.mark.parametrize("func", AGGREGATES)
def test_aggregates_agree_with_duckdb(duck: duckdb.DuckDBPyConnection, func: str) -> None:
    rng = Random(func)
    for _ in range(40):
        kind = rng.choice(("int", "float"))
        values = [
            None if rng.random() < 0.2 else value(rng, kind) for _ in range(rng.randint(0, 9))
        ]
        create_tables(duck, [table("numbers", f"x:{kind}", *((v,) for v in values))])
        fraction = rng.choice((0.1, 0.25, 0.5, 0.9))
        text = to_sql(Agg(func, Name("x"), None, fraction))
        got = duck.execute(f"SELECT {text} FROM numbers").fetchall()[0][0]
        assert same(got, aggregate(func, values, fraction)), (values, text)


def test_an_aggregate_of_nothing() -> None:
    assert aggregate("count", [None, None]) == 0
    assert aggregate("count_rows", [None, None]) == 2
    assert aggregate("sum", [None]) is None
    assert aggregate("median", []) is None


# --- windows -----------------------------------------------------------------------------------


def random_window(rng: Random) -> Over:
    """Any function with any frame; `n` numbers the rows, so that an order can be total."""
    order = rng.choice(
        (
            (),
            (Sort(Name("n")),),
            (Sort(Name("n"), True),),
            (Sort(Name("k"), rng.random() < 0.5), Sort(Name("n"), rng.random() < 0.5)),
        )
    )
    func = rng.choice(
        (
            *("sum", "avg", "min", "max", "count", "count_rows"),
            *("row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile"),
            *("lag", "lead", "first_value", "last_value", "nth_value"),
        )
    )
    args: tuple[Expr, ...] = (Name("v"),)
    framed = func in ("sum", "avg", "min", "max", "count", "count_rows") or "value" in func
    if func in ("rank", "dense_rank", "percent_rank", "cume_dist") or (
        framed and "value" not in func and rng.random() < 0.4
    ):
        order = rng.choice(((), (Sort(Name("k"), rng.random() < 0.5),)))
    elif not framed or "value" in func:
        order = order or (Sort(Name("n")),)
    if func in ("count_rows", "row_number", "rank", "dense_rank", "percent_rank", "cume_dist"):
        args = ()
    elif func == "ntile":
        args = (Lit(rng.randint(1, 5)),)
    elif func == "nth_value":
        args = (Name("v"), Lit(rng.randint(1, 3)))
    elif func in ("lag", "lead"):
        args = (Name("v"), Lit(rng.randint(0, 2)), Lit(-9))[: rng.randint(1, 3)]
    frame = None
    if framed and order and rng.random() < 0.8:
        total = order[-1].expr == Name("n")
        unit = rng.choice(("ROWS", "GROUPS", "RANGE") if total else ("GROUPS", "RANGE"))
        start = rng.choice((Bound(-1, None), Bound(-1, 1), Bound(-1, 2), Bound(0), Bound(1, 1)))
        end = rng.choice((Bound(1, None), Bound(1, 1), Bound(1, 2), Bound(0), Bound(-1, 1)))
        if (start.side, -(start.offset or 0) * (start.side < 0)) > (end.side, 0):
            start, end = Bound(-1, None), Bound(0)
        days = False
        if unit == "RANGE" and len(order) > 1:
            start, end = Bound(-1, None), rng.choice((Bound(0), Bound(1, None)))
        elif unit == "RANGE" and rng.random() < 0.5:
            days = True
            order = (Sort(Name("d"), order[0].descending),)
            if "value" in func:
                days, order, frame = False, (Sort(Name("n")),), None
        exclude = rng.choice(("", "", "CURRENT ROW", "GROUP", "TIES"))
        frame = Frame(unit, start, end, exclude, days)
    partition = rng.choice(((), (Name("p"),)))
    return Over(func, args, partition, order, frame)


@pytest.mark.parametrize("seed", range(60))
def test_windows_agree_with_duckdb(duck: duckdb.DuckDBPyConnection, seed: int) -> None:
    rng = Random(seed)
    numbered = table(
        "steps",
        "n:int p:text k:int d:date v:int",
        *(
            (
                n,
                rng.choice(("x", "y", None)),
                rng.choice((1, 2, 3, None)),
                rng.choice((date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), None)),
                rng.choice((1, 5, 10, -3, None)),
            )
            for n in range(rng.randint(0, 9))
        ),
    )
    create_tables(duck, [numbered])

    def scalar(expr: Expr, row: Row) -> Value:
        return evaluate(expr, lambda node: row[node.text] if isinstance(node, Name) else None)

    for _ in range(12):
        over = random_window(rng)
        got = duck.execute(f"SELECT n, {to_sql(over)} FROM steps ORDER BY n").fetchall()
        expected = window(over, numbered.rows, scalar)
        for (n, found), wanted in zip(got, expected, strict=True):
            assert same(found, wanted), (to_sql(over), n, found, wanted, numbered.rows)


# --- queries, by hand --------------------------------------------------------------------------


def test_facts_without_a_match_stay_under_a_null_group() -> None:
    got = rows(Query(metrics("revenue"), ["customers__tier"], order_by=[("revenue", False)]))
    # C2 has no tier, O4 points nowhere, O5 has no customer: all are the NULL group.
    assert got == [(None, 24), ("gold", 29)]


def test_two_hops() -> None:
    got = rows(Query(metrics("revenue"), ["regions__name"], order_by=[("revenue", False)]))
    assert got == [("north", 23), (None, 13), ("south", 17)] or got == [
        (None, 13),
        ("south", 17),
        ("north", 23),
    ]


def test_facts_are_aggregated_apart() -> None:
    got = rows(
        Query(
            metrics("revenue", "refunds", "credit_total"),
            ["customers__tier"],
            order_by=[("customers__tier", False)],
        )
    )
    assert got == [("gold", 29, 2, 40), ("iron", None, 3, 40), (None, 24, 4, 20)]


def test_without_group_by_there_is_one_row() -> None:
    assert rows(Query(metrics("revenue", "refunds", "net"))) == [(53, 9, 44)]
    never = Op("=", (Name("customers__tier"), Lit("none")))
    assert rows(Query(metrics("order_count", "revenue"), filters=[never])) == [(0, None)]


def test_row_filters_reach_every_metric() -> None:
    gold = Op("=", (Name("customers__tier"), Lit("gold")))
    assert rows(Query(metrics("revenue", "refunds"), filters=[gold])) == [(29, 2)]
    with pytest.raises(Refused):
        rows(Query(metrics("revenue", "refunds"), filters=[Op("is null", (Name("returns__at"),))]))


def test_a_metric_filter_is_its_own() -> None:
    assert rows(Query(metrics("gold_revenue", "revenue"))) == [(29, 53)]


def test_a_ratio_over_a_missing_side_stays_null() -> None:
    got = rows(
        Query(metrics("refund_rate"), ["customers__tier"], order_by=[("customers__tier", False)])
    )
    assert got == [("gold", 2 / 29), ("iron", None), (None, 4 / 24)]


def test_a_row_expression_over_two_models_counts_rows_of_the_finer_one() -> None:
    assert rows(Query(metrics("per_credit"))) == [(5 * 10 + 7 * 10 + 11 * 20 + 17 * 30,)]


def test_group_filters_and_order_and_limit() -> None:
    got = rows(
        Query(
            metrics("revenue"),
            ["orders__day__month"],
            [Op(">", (Name("revenue"), Lit(5)))],
            [("revenue", True)],
            1,
        )
    )
    assert got == [(datetime(2024, 2, 1), 31)]


def test_metric_time_is_each_metrics_own() -> None:
    got = rows(
        Query(
            metrics("revenue", "refunds"),
            ["metric_time__month"],
            order_by=[("metric_time__month", False)],
        )
    )
    assert got == [
        (datetime(2024, 1, 1), 5, None),
        (datetime(2024, 2, 1), 31, 9),
        (datetime(2024, 3, 1), 17, None),
    ]


def test_windows_see_aggregated_rows() -> None:
    running = Over("sum", (Name("revenue"),), (), (Sort(Name("orders__day__month")),))
    query = Query(
        [Select(running, "running")],
        ["orders__day__month"],
        [Op(">", (Name("running"), Lit(5)))],
        [("running", False)],
    )
    assert rows(query) == [(datetime(2024, 2, 1), 36), (datetime(2024, 3, 1), 53)]


def test_a_written_join_shows_rows_but_never_multiplies() -> None:
    on_region = Op("=", (Name("regions__region"), Name("customers.region_id", dotted=True)))
    on_customer = Op("=", (Name("customers__customer"), Name("orders__customer")))
    clause = Clause("regions", [Joined("LEFT", "customers", on_region)])
    clause.joins.append(Joined("LEFT", "orders", on_customer))
    got = rows(
        Query(
            metrics("credit_total", "order_count"),
            ["regions__name"],
            order_by=[("regions__name", False)],
            clause=clause,
        )
    )
    assert got == [("empty", None, 0), ("north", 30, 3), ("south", 30, 1)]


def test_a_full_join_keeps_both_sides() -> None:
    on = Op("=", (Name("customers__customer"), Name("orders__customer")))
    clause = Clause("customers", [Joined("FULL", "orders", on)])
    got = rows(
        Query(
            metrics("credit_total", "revenue"),
            ["customers__tier"],
            order_by=[("customers__tier", False)],
            clause=clause,
        )
    )
    assert got == [("gold", 40, 29), ("iron", 40, None), (None, 20, 24)]


# --- queries, against SQL by hand ---------------------------------------------------------------

BY_HAND = {
    "two hops": (
        Query(metrics("revenue"), ["regions__name"]),
        "SELECT r.name, SUM(o.amount) FROM orders o LEFT JOIN customers c ON c.id = o.customer_id "
        "LEFT JOIN regions r ON r.id = c.region_id GROUP BY 1",
    ),
    "two facts": (
        Query(metrics("revenue", "refunds"), ["customers__tier"]),
        "WITH a AS (SELECT c.tier, SUM(amount) x FROM orders o LEFT JOIN customers c "
        "ON c.id = o.customer_id GROUP BY 1), b AS (SELECT c.tier, SUM(cost) y FROM returns r "
        "LEFT JOIN customers c ON c.id = r.customer_id GROUP BY 1) SELECT COALESCE(a.tier, "
        "b.tier), x, y FROM a FULL JOIN b ON a.tier IS NOT DISTINCT FROM b.tier",
    ),
    "two facts by two dimensions": (
        Query(metrics("revenue", "refunds"), ["customers__tier", "regions__name"]),
        "SELECT tier, name, SUM(x), SUM(y) FROM (SELECT c.tier, g.name, amount x, NULL y FROM "
        "orders o LEFT JOIN customers c ON c.id = o.customer_id LEFT JOIN regions g ON g.id = "
        "c.region_id UNION ALL SELECT c.tier, g.name, NULL, cost FROM returns o LEFT JOIN "
        "customers c ON c.id = o.customer_id LEFT JOIN regions g ON g.id = c.region_id) "
        "GROUP BY 1, 2",
    ),
    "row filter on a joined model": (
        Query(
            metrics("revenue", "order_count"),
            ["regions__name"],
            [Op("<>", (Name("customers__tier"), Lit("iron")))],
        ),
        "SELECT r.name, SUM(amount), COUNT(day) FROM orders o LEFT JOIN customers c ON "
        "c.id = o.customer_id LEFT JOIN regions r ON r.id = c.region_id WHERE c.tier <> 'iron' "
        "GROUP BY 1",
    ),
    "measure in a row filter": (
        Query(metrics("revenue"), [], [Op(">", (Name("customers__credit"), Lit(10)))]),
        "SELECT SUM(amount) FROM orders o LEFT JOIN customers c ON c.id = o.customer_id "
        "WHERE c.credit > 10",
    ),
    "having": (
        Query(metrics("revenue"), ["customers__tier"], [Op(">", (Name("order_count"), Lit(2)))]),
        "SELECT tier, SUM(amount) FROM orders o LEFT JOIN customers c ON c.id = o.customer_id "
        "GROUP BY 1 HAVING COUNT(day) > 2",
    ),
    "month": (
        Query(metrics("revenue"), ["orders__day__month"]),
        "SELECT date_trunc('month', day), SUM(amount) FROM orders GROUP BY 1",
    ),
    "week and quarter": (
        Query(metrics("order_count"), ["orders__day__week", "orders__day__quarter"]),
        "SELECT date_trunc('week', day), date_trunc('quarter', day), COUNT(*) FROM orders "
        "GROUP BY 1, 2",
    ),
    "rank": (
        Query(
            [
                *metrics("revenue"),
                Select(Over("rank", (), (), (Sort(Name("revenue"), True),)), "place"),
            ],
            ["customers__tier", "orders__day"],
        ),
        "SELECT tier, day, SUM(amount), RANK() OVER (ORDER BY SUM(amount) DESC) FROM orders o "
        "LEFT JOIN customers c ON c.id = o.customer_id GROUP BY 1, 2",
    ),
    "window filter": (
        Query(
            [
                Select(
                    Over("lag", (Name("revenue"),), (), (Sort(Name("orders__day__month")),)),
                    "before",
                )
            ],
            ["orders__day__month"],
            [Op("is not null", (Name("before"),))],
        ),
        "SELECT * FROM (SELECT date_trunc('month', day) m, LAG(SUM(amount)) OVER (ORDER BY "
        "date_trunc('month', day)) p FROM orders GROUP BY 1) WHERE p IS NOT NULL",
    ),
    "written left joins": (
        Query(
            metrics("credit_total", "revenue", "order_count"),
            ["customers__tier"],
            clause=Clause(
                "customers",
                [
                    Joined(
                        "LEFT",
                        "orders",
                        Op("=", (Name("orders__customer"), Name("customers__customer"))),
                    )
                ],
            ),
        ),
        "SELECT c.tier, SUM(c.credit), SUM(o.amount), SUM(o.n) FROM customers c LEFT JOIN (SELECT "
        "customer_id, SUM(amount) amount, COUNT(*) n FROM orders GROUP BY 1) o ON o.customer_id "
        "= c.id GROUP BY 1",
    ),
    "written inner join": (
        Query(
            metrics("credit_total"),
            [],
            clause=Clause(
                "customers",
                [
                    Joined(
                        "INNER",
                        "orders",
                        Op("=", (Name("orders__customer"), Name("customers__customer"))),
                    )
                ],
            ),
        ),
        "SELECT SUM(credit) FROM customers c WHERE EXISTS (FROM orders WHERE customer_id = c.id)",
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_queries_agree_with_sql_by_hand(duck: duckdb.DuckDBPyConnection, name: str) -> None:
    query, sql = BY_HAND[name]
    world = shop()
    create_tables(duck, world.tables)
    got = duck.execute(sql).fetchall()
    expected = [tuple(0 if v is None and "n)" in sql else v for v in r) for r in rows(query)]
    got = [tuple(0 if v is None and "n)" in sql else v for v in r) for r in got]
    assert unmatched(got, expected) == ([], []), expected


# --- what must be refused ------------------------------------------------------------------------


def test_a_dimension_that_no_path_reaches_is_refused() -> None:
    with pytest.raises(Refused, match="no to-one path"):
        rows(Query(metrics("credit_total"), ["orders__day"]))


def test_part_of_a_composite_key_is_no_edge() -> None:
    branch = Model(
        "branch",
        table("branch", "code:text base:date"),
        [Entity("code", "primary", "code"), Entity("base", "primary", "base")],
        [Dimension("state", "text", Name("code"))],
    )
    deposit = Model(
        "deposit",
        table("deposit", "id:text code:text"),
        [Entity("dep", "primary", "id"), Entity("code", "foreign", "code")],
    )
    graph = Graph(World({"branch": branch, "deposit": deposit}, {}))
    assert graph.shortest("deposit", "branch") == []
    deposit.entities.append(Entity("base", "foreign", "base"))
    graph = Graph(World({"branch": branch, "deposit": deposit}, {}))
    assert len(graph.shortest("deposit", "branch")) == 1


def test_two_shortest_paths_are_refused_and_an_entity_path_chooses() -> None:
    city = Model(
        "city",
        table("city", "id:text name:text", ("A", "Aa"), ("B", "Bb")),
        [Entity("home", "primary", "id"), Entity("work", "unique", "id")],
        [Dimension("name", "text", Name("name"))],
    )
    person = Model(
        "person",
        table("person", "id:text h:text w:text n:int", ("p", "A", "B", 1), ("q", "B", "B", 2)),
        [
            Entity("person", "primary", "id"),
            Entity("home", "foreign", "h"),
            Entity("work", "foreign", "w"),
        ],
        [],
        [Measure("n", "int", Name("n"), "sum")],
    )
    world = World(
        {"city": city, "person": person}, {"total": Metric("total", "simple", inputs=(Input("n"),))}
    )
    with pytest.raises(Refused, match="2 shortest paths"):
        rows(Query(metrics("total"), ["city__name"]), world)
    ordered = [("home__name", False)]
    assert rows(Query(metrics("total"), ["home__name"], order_by=ordered), world) == [
        ("Aa", 1),
        ("Bb", 2),
    ]
    assert rows(Query(metrics("total"), ["work__name"]), world) == [("Bb", 3)]


def test_two_readings_are_refused() -> None:
    short = Model("a", table("t1", "id:text"), [Entity("k1", "primary", "id")])
    long = Model("a__b", table("t2", "id:text"), [Entity("k2", "primary", "id")])
    short.dimensions.append(Dimension("b__c", "text", Name("id")))
    graph = Graph(World({"a": short, "a__b": long}, {}))
    assert graph.reference("a__b__c").model == "a"
    long.dimensions.append(Dimension("c", "text", Name("id")))
    with pytest.raises(Refused, match="2 readings"):
        graph.reference("a__b__c")


def test_metric_cycles_are_refused() -> None:
    world = shop()
    world.metrics["up"] = Metric("up", "derived", Op("+", (Name("down"), Lit(1))))
    world.metrics["down"] = Metric("down", "derived", Op("+", (Name("up"), Lit(1))))
    with pytest.raises(Refused, match="up → down → up"):
        rows(Query(metrics("up")), world)


def test_a_grain_finer_than_the_dimension_is_refused() -> None:
    with pytest.raises(Refused, match="finer"):
        rows(Query(metrics("revenue"), ["orders__day__hour"]))
