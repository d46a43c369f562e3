"""Queries that other compilers answered wrongly, with rows computed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from tests.support.corpus import Example, read_tables
from tests.support.oracle_expressions import Value

Rows = Sequence[tuple[Value, ...]] | None

SHOP = """\
semantic_models:
  - name: regions
    table: regions
    entities:
      - {name: region, type: primary, expr: id}
    dimensions:
      - {name: title, type: varchar}
  - name: customers
    table: customers
    entities:
      - {name: customer, type: primary, expr: id}
      - {name: region, type: foreign, expr: region_id}
    dimensions:
      - {name: tier, type: varchar}
    measures:
      - {name: credit, type: integer, agg: sum}
  - name: orders
    table: orders
    defaults: {agg_time_dimension: day}
    entities:
      - {name: order_key, type: primary, expr: id}
      - {name: customer, type: foreign, expr: customer_id}
    dimensions:
      - {name: day, type: date, type_params: {time_granularity: day}}
      - {name: rush, type: boolean}
    measures:
      - {name: amount, type: integer, agg: sum}
      - {name: pieces, type: integer, agg: sum}
  - name: refunds
    table: refunds
    defaults: {agg_time_dimension: month}
    entities:
      - {name: refund_key, type: primary, expr: id}
      - {name: customer, type: foreign, expr: customer_id}
    dimensions:
      - {name: month, type: date, expr: booked, type_params: {time_granularity: month}}
    measures:
      - {name: cost, type: integer, agg: sum}
  - name: visits
    table: visits
    entities:
      - {name: customer, type: foreign, expr: customer_id}
    dimensions:
      - {name: page, type: varchar}
    measures:
      - {name: seconds, type: integer, agg: sum}
metrics:
  - {name: revenue, metric_type: simple, type_params: {measure: amount}}
  - {name: order_count, metric_type: simple, expr: COUNT(orders__amount)}
  - {name: orders_all, metric_type: simple, expr: "SUM(orders__amount) / COUNT(*)"}
  - {name: mean_amount, metric_type: simple, expr: AVG(orders__amount)}
  - {name: middle_amount, metric_type: simple, expr: MEDIAN(orders__amount)}
  - {name: days, metric_type: simple, expr: COUNT(DISTINCT orders__day)}
  - {name: rush_count, metric_type: simple, expr: SUM(CASE WHEN orders__rush THEN 1 ELSE 0 END)}
  - {name: refunded, metric_type: simple, type_params: {measure: cost}}
  - name: refunded_or_0
    metric_type: simple
    type_params: {measure: {name: cost, fill_nulls_with: 0}}
  - {name: credit_total, metric_type: simple, type_params: {measure: credit}}
  - {name: credit_mean, metric_type: simple, expr: AVG(customers__credit)}
  - {name: credit_middle, metric_type: simple, expr: MEDIAN(customers__credit)}
  - {name: customer_rows, metric_type: simple, expr: COUNT(customers__credit)}
  - {name: visit_seconds, metric_type: simple, type_params: {measure: seconds}}
  - {name: visit_rows, metric_type: simple, expr: COUNT(visits__seconds)}
  - name: refund_share
    metric_type: ratio
    type_params: {numerator: refunded, denominator: revenue}
  - name: rush_share
    metric_type: ratio
    type_params: {numerator: rush_count, denominator: order_count}
  - name: rush_part
    metric_type: derived
    expr: rush_count / order_count
  - name: gold_revenue
    metric_type: simple
    type_params: {measure: amount}
    filter: customers__tier = 'gold'
  - name: net
    metric_type: derived
    expr: revenue - refunded
  - name: weighted
    metric_type: simple
    expr: SUM(orders__pieces * customers__credit)
  - name: running
    metric_type: simple
    type_params:
      measure: amount
      window:
        partition_by: [tier]
        order_by: [orders__day]
        frame: {type: ROWS, start: UNBOUNDED PRECEDING, end: CURRENT ROW}
"""

SHOP_TABLES = read_tables("""
regions: id:text title:text
  R1 north
  R2 south
  R3 empty
  R4 -
customers: id:text region_id:text tier:text credit:int
  C1 R1 gold 10
  C2 R1 - 20
  C3 R2 gold 30
  C4 - iron 40
  C5 R4 - 5
orders: id:text customer_id:text day:date rush:bool amount:int pieces:int
  O1 C1 2024-01-31 true 5 1
  O2 C1 2024-02-01 false 7 2
  O3 C2 2024-02-29 true 11 3
  O4 C9 2024-02-29 - 13 4
  O5 - 2024-03-01 false - 5
  O6 C3 2024-03-01 false 17 6
refunds: id:text customer_id:text booked:date cost:int
  T1 C1 2024-02-03 2
  T2 C4 2024-02-04 3
  T3 - 2024-03-05 4
  T4 C5 2024-03-05 -
visits: customer_id:text page:text seconds:int
  C1 home 10
  C1 home 10
  C2 cart 30
  - home 5
""")


def shop(name: str, smq: dict[str, Any], rows: Rows = None, **more: Any) -> Example:
    return Example(name, SHOP, SHOP_TABLES, smq, rows, **more)


AUTOMATIC = (
    shop(
        "facts without a match stay under a NULL group",
        {"metrics": ["revenue"], "groupBy": ["customers__tier"]},
        [("gold", 29), (None, 24)],
    ),
    shop(
        "dangling and missing keys share the NULL group two hops away",
        {"metrics": ["revenue", "order_count"], "groupBy": ["regions__title"]},
        [("north", 23, 3), ("south", 17, 1), (None, 13, 1)],
    ),
    shop(
        "a sum is never taken along primary key to foreign key",
        {"metrics": ["credit_total"], "groupBy": ["orders__day"]},
        says=("credit_total", "orders__day"),
    ),
    shop(
        "a filter without a home is refused",
        {"metrics": ["revenue", "refunded"], "filters": ["refunds__month >= '2024-01-01'"]},
        says=("revenue", "refunds__month"),
    ),
    shop(
        "a filter on a shared dimension reaches every metric",
        {"metrics": ["revenue", "refunded"], "filters": ["customers__tier = 'gold'"]},
        [(29, 2)],
    ),
    shop(
        "a filter on a measure is on rows before aggregation",
        {"metrics": ["revenue"], "filters": ["customers__credit > 10"]},
        [(28,)],
    ),
    shop(
        "an OR over two models is one row filter",
        {
            "metrics": ["order_count"],
            "filters": ["customers__tier = 'gold' OR regions__title IS NULL"],
        },
        [(4,)],
    ),
    shop(
        "two facts meet null-safely on two dimensions",
        {"metrics": ["revenue", "refunded"], "groupBy": ["customers__tier", "regions__title"]},
        [
            ("gold", "north", 12, 2),
            ("gold", "south", 17, None),
            (None, "north", 11, None),
            (None, None, 13, 4),
            ("iron", None, None, 3),
        ],
    ),
    shop(
        "four facts are each aggregated apart",
        {
            "metrics": ["revenue", "refunded", "credit_total", "visit_seconds"],
            "groupBy": ["customers__tier"],
        },
        [("gold", 29, 2, 40, 20), ("iron", None, 3, 40, None), (None, 24, 4, 25, 35)],
    ),
    shop(
        "four facts without a groupBy are one row",
        {"metrics": ["revenue", "refunded", "credit_total", "visit_rows"]},
        [(53, 9, 105, 4)],
    ),
    shop(
        "equal rows of a model without a key all count",
        {"metrics": ["visit_rows", "visit_seconds"], "groupBy": ["visits__page"]},
        [("home", 3, 25), ("cart", 1, 30)],
    ),
    shop(
        "a ratio over a missing side stays NULL",
        {"metrics": ["refund_share"], "groupBy": ["customers__tier"]},
        [("gold", 2 / 29), ("iron", None), (None, 4 / 24)],
    ),
    shop("a ratio of counts is no integer division", {"metrics": ["rush_share"]}, [(0.4,)]),
    shop("a quotient of counts is no integer division", {"metrics": ["rush_part"]}, [(0.4,)]),
    shop(
        "a written quotient is no integer division",
        {"metrics": ["rush_count / order_count AS part"]},
        [(0.4,)],
    ),
    shop(
        "a division by zero orders is NULL in a ratio",
        {"metrics": ["rush_share"], "filters": ["orders__amount > 100"]},
        [(None,)],
    ),
    shop(
        "COUNT(*) counts rows of the other aggregates' base",
        {"metrics": ["orders_all"], "groupBy": ["customers__tier"]},
        [("gold", 29 / 3), (None, 24 / 3)],
    ),
    shop(
        "nothing is filled unless a fill is asked for",
        {"metrics": ["refunded", "refunded_or_0"], "groupBy": ["regions__title"]},
        [("north", 2, 2), (None, 7, 7)],
    ),
    shop(
        "a fill covers groups of the other metrics",
        {"metrics": ["revenue", "refunded_or_0"], "groupBy": ["regions__title"]},
        [("north", 23, 2), ("south", 17, 0), (None, 13, 7)],
    ),
    shop(
        "counts of nothing are 0 and sums of nothing NULL",
        {
            "metrics": ["order_count", "days", "revenue", "mean_amount"],
            "filters": ["customers__tier = 'none'"],
        },
        [(0, 0, None, None)],
    ),
    shop(
        "distinct counts, averages and medians are taken over rows, never over parts",
        {
            "metrics": ["days", "mean_amount", "middle_amount", "refunded"],
            "groupBy": ["regions__title"],
        },
        [("north", 3, 23 / 3, 7, 2), ("south", 1, 17, 17, None), (None, 2, 13, 13, 7)],
    ),
    shop(
        "a metric filter alone",
        {"metrics": ["gold_revenue"], "groupBy": ["orders__rush"]},
        [(True, 5), (False, 24)],
    ),
    shop(
        "a metric filter beside an unfiltered metric",
        {"metrics": ["gold_revenue", "revenue"], "groupBy": ["orders__rush"]},
        [(True, 5, 16), (False, 24, 24), (None, None, 13)],
    ),
    shop(
        "a metric filter beside a query filter",
        {"metrics": ["gold_revenue", "revenue"], "filters": ["NOT orders__rush"]},
        [(24, 24)],
    ),
    shop(
        "a row expression over two models counts rows of the finer one",
        {"metrics": ["weighted"], "groupBy": ["regions__title"]},
        [("north", 1 * 10 + 2 * 10 + 3 * 20), ("south", 6 * 30), (None, None)],
    ),
    shop(
        "metric_time is each metric's own",
        {"metrics": ["revenue", "refunded"], "groupBy": ["metric_time__month"]},
        [
            (date(2024, 1, 1), 5, None),
            (date(2024, 2, 1), 31, 5),
            (date(2024, 3, 1), 17, 4),
        ],
    ),
    shop(
        "metric_time without a grain is the coarsest of the metrics'",
        {"metrics": ["revenue", "refunded"], "groupBy": ["metric_time"]},
        [
            (date(2024, 1, 1), 5, None),
            (date(2024, 2, 1), 31, 5),
            (date(2024, 3, 1), 17, 4),
        ],
    ),
    shop(
        "metric_time of one metric has that metric's grain",
        {"metrics": ["revenue"], "groupBy": ["metric_time"], "filters": ["revenue > 11"]},
        [(date(2024, 2, 29), 24), (date(2024, 3, 1), 17)],
    ),
    shop(
        "a grain finer than the dimension is refused",
        {"metrics": ["refunded"], "groupBy": ["refunds__month__day"]},
        says=("day", "month"),
    ),
    shop(
        "weeks start on Monday",
        {"metrics": ["order_count"], "groupBy": ["orders__day__week"]},
        [(date(2024, 1, 29), 2), (date(2024, 2, 26), 3)],
    ),
    shop(
        "an unselected metric filters groups",
        {"metrics": ["revenue"], "groupBy": ["regions__title"], "filters": ["order_count > 1"]},
        [("north", 23)],
    ),
    shop(
        "an unselected metric orders rows",
        {
            "metrics": ["revenue"],
            "groupBy": ["orders__rush"],
            "orderBy": ["-order_count", "-revenue"],
        },
        [(False, 24), (True, 16), (None, 13)],
    ),
    shop(
        "NULLs come last in both directions",
        {
            "metrics": ["refunded", "revenue"],
            "groupBy": ["customers__tier"],
            "orderBy": ["-revenue", "customers__tier"],
        },
        [("gold", 2, 29), (None, 4, 24), ("iron", 3, None)],
    ),
    shop(
        "NULLs come last upwards too",
        {
            "metrics": ["refunded", "revenue"],
            "groupBy": ["customers__tier"],
            "orderBy": ["revenue", "customers__tier"],
        },
        [(None, 4, 24), ("gold", 2, 29), ("iron", 3, None)],
    ),
    shop(
        "order by an expression is by value",
        {
            "metrics": ["0 - revenue AS below"],
            "groupBy": ["customers__tier"],
            "orderBy": ["below"],
        },
        [("gold", -29), (None, -24)],
    ),
    shop(
        "a dimension and a metric in one condition filter groups",
        {
            "metrics": ["revenue"],
            "groupBy": ["regions__title"],
            "filters": ["regions__title IS NULL OR revenue > 20"],
        },
        [("north", 23), (None, 13)],
    ),
    shop(
        "such a dimension must be in groupBy",
        {"metrics": ["revenue"], "filters": ["regions__title IS NULL OR revenue > 20"]},
        says=("regions__title",),
    ),
    shop(
        "row filters and group filters in one string",
        {
            "metrics": ["revenue"],
            "groupBy": ["regions__title"],
            "filters": ["orders__rush AND revenue > 4"],
        },
        [("north", 16)],
    ),
    shop(
        "a limit of nothing",
        {"metrics": ["revenue"], "groupBy": ["orders__day"], "orderBy": ["-revenue"], "limit": 0},
        [],
    ),
    shop(
        "a metric with a window of its own",
        {
            "metrics": ["running"],
            "groupBy": ["customers__tier", "orders__day"],
            "orderBy": ["customers__tier", "orders__day"],
        },
        [
            ("gold", date(2024, 1, 31), 5),
            ("gold", date(2024, 2, 1), 12),
            ("gold", date(2024, 3, 1), 29),
            (None, date(2024, 2, 29), 24),
            (None, date(2024, 3, 1), 24),
        ],
    ),
    shop(
        "a filter on a metric with a window applies after the window",
        {
            "metrics": ["running"],
            "groupBy": ["customers__tier", "orders__day"],
            "orderBy": ["customers__tier", "orders__day"],
            "filters": ["running > 12"],
        },
        [
            ("gold", date(2024, 3, 1), 29),
            (None, date(2024, 2, 29), 24),
            (None, date(2024, 3, 1), 24),
        ],
    ),
    shop(
        "group filters come before windows",
        {
            "metrics": ["SUM(revenue) OVER () AS all_revenue"],
            "groupBy": ["regions__title"],
            "filters": ["revenue > 15"],
        },
        [("north", 40), ("south", 40)],
    ),
    shop(
        "a filter on an expression's alias is on groups",
        {
            "metrics": ["revenue - refunded AS margin"],
            "groupBy": ["customers__tier"],
            "filters": ["margin > 20"],
        },
        [("gold", 27)],
    ),
    shop(
        "a metric over two facts",
        {"metrics": ["net"], "groupBy": ["customers__tier"]},
        [("gold", 27), ("iron", None), (None, 20)],
    ),
)

CUSTOMERS_ORDERS = "FROM customers LEFT JOIN orders ON customers__customer = orders__customer"

WRITTEN = (
    shop(
        "a written join multiplies no sum, average, count or median",
        {
            "metrics": ["credit_total", "credit_mean", "credit_middle", "customer_rows", "revenue"],
            "groupBy": ["customers__tier"],
            "joins": [CUSTOMERS_ORDERS],
        },
        [
            ("gold", 40, 20, 20, 2, 29),
            ("iron", 40, 40, 40, 1, None),
            (None, 25, 12.5, 12.5, 2, 11),
        ],
    ),
    shop(
        "a written join multiplies nothing without a groupBy",
        {"metrics": ["credit_total", "revenue"], "joins": [CUSTOMERS_ORDERS]},
        [(105, 40)],
    ),
    shop(
        "each base row counts once in every group it is in",
        {
            "metrics": ["credit_total"],
            "groupBy": ["orders__rush"],
            "joins": [CUSTOMERS_ORDERS],
        },
        [(True, 30), (False, 40), (None, 45)],
    ),
    shop(
        "an inner join takes rows away",
        {
            "metrics": ["credit_total", "revenue"],
            "joins": ["FROM customers JOIN orders ON customers__customer = orders__customer"],
        },
        [(60, 40)],
    ),
    shop(
        "a right join keeps the right side",
        {
            "metrics": ["credit_total", "revenue"],
            "groupBy": ["customers__tier"],
            "joins": ["FROM customers RIGHT JOIN orders ON customers__customer = orders__customer"],
        },
        [("gold", 40, 29), (None, 20, 24)],
    ),
    shop(
        "a full join keeps both sides",
        {
            "metrics": ["credit_total", "revenue"],
            "groupBy": ["customers__tier"],
            "joins": ["FROM customers FULL JOIN orders ON customers__customer = orders__customer"],
        },
        [("gold", 40, 29), ("iron", 40, None), (None, 25, 24)],
    ),
    shop(
        "a count over a written left join is never 1 for nothing",
        {
            "metrics": ["order_count", "days", "revenue"],
            "groupBy": ["regions__title"],
            "joins": [
                "FROM regions LEFT JOIN customers ON regions.id = customers.region_id "
                "LEFT JOIN orders ON orders.customer_id = customers.id"
            ],
        },
        [("north", 3, 3, 23), ("south", 1, 1, 17), ("empty", 0, 0, None), (None, 0, 0, None)],
    ),
    shop(
        "aliases of a written join",
        {
            "metrics": ["revenue"],
            "groupBy": ["customers__tier"],
            "joins": ["FROM orders AS o INNER JOIN customers c ON o.customer_id = c.id"],
        },
        [("gold", 29), (None, 11)],
    ),
    shop(
        "a cross join multiplies nothing",
        {"metrics": ["revenue", "credit_total"], "joins": ["FROM orders CROSS JOIN customers"]},
        [(53, 105)],
    ),
    shop(
        "a written join must hold every model that is needed",
        {
            "metrics": ["revenue"],
            "groupBy": ["regions__title"],
            "joins": ["FROM orders JOIN customers ON orders__customer = customers__customer"],
        },
        says=("regions",),
    ),
    shop(
        "a base without a key is a warning",
        {
            "metrics": ["visit_seconds"],
            "joins": ["FROM visits LEFT JOIN orders ON visits__customer = orders__customer"],
        },
        [(10 * 4 + 30 + 5,)],
        warns=("visits",),
    ),
    shop(
        "a row expression over a model that the clause repeats is not settled",
        {
            "metrics": ["weighted"],
            "joins": ["FROM orders LEFT JOIN customers ON customers__tier < orders.customer_id"],
        },
        says=("orders", "customers"),
    ),
    shop(
        "filters see the rows of the written join",
        {
            "metrics": ["credit_total"],
            "filters": ["orders__amount > 6"],
            "joins": [CUSTOMERS_ORDERS],
        },
        [(60,)],
    ),
)

ROLES = """\
semantic_models:
  - name: city
    table: city
    entities:
      - {name: home, type: primary, expr: id}
      - {name: work, type: unique, expr: id}
    dimensions:
      - {name: title, type: varchar}
  - name: person
    table: person
    entities:
      - {name: person, type: primary, expr: id}
      - {name: home, type: foreign, expr: home_id}
      - {name: work, type: foreign, expr: work_id}
    measures:
      - {name: weight, type: integer, agg: sum}
  - name: trip
    table: trip
    entities:
      - {name: trip, type: primary, expr: id}
      - {name: person, type: foreign, expr: person_id}
    measures:
      - {name: km, type: integer, agg: sum}
metrics:
  - {name: total_weight, metric_type: simple, type_params: {measure: weight}}
  - {name: total_km, metric_type: simple, type_params: {measure: km}}
"""
ROLES_TABLES = read_tables("""
city: id:text title:text
  A Alpha
  B Beta
person: id:text home_id:text work_id:text weight:int
  p A B 1
  q B B 2
  r - A 4
trip: id:text person_id:text km:int
  t1 p 10
  t2 p 20
  t3 r 40
  t4 - 80
""")


def roles(name: str, smq: dict[str, Any], rows: Rows = None, **more: Any) -> Example:
    return Example(name, ROLES, ROLES_TABLES, smq, rows, **more)


ROLE_PLAYING = (
    roles(
        "two foreign keys to one model are ambiguous",
        {"metrics": ["total_weight"], "groupBy": ["city__title"]},
        says=("city", "home", "work"),
    ),
    roles(
        "an entity path chooses",
        {"metrics": ["total_weight"], "groupBy": ["home__title"]},
        [("Alpha", 1), ("Beta", 2), (None, 4)],
    ),
    roles(
        "two entity paths to one model in one query",
        {"metrics": ["total_weight"], "groupBy": ["home__title", "work__title"]},
        [("Alpha", "Beta", 1), ("Beta", "Beta", 2), (None, "Alpha", 4)],
    ),
    roles(
        "an entity path of two steps",
        {"metrics": ["total_km"], "groupBy": ["person__work__title"]},
        [("Beta", 30), ("Alpha", 40), (None, 80)],
    ),
    roles(
        "an entity path in a filter",
        {"metrics": ["total_weight"], "filters": ["work__title = 'Beta'"]},
        [(3,)],
    ),
    roles(
        "a template call in a filter",
        {"metrics": ["total_weight"], "filters": ["{{ Dimension('home__title') }} = 'Beta'"]},
        [(2,)],
    ),
)

DIAMOND = """\
semantic_models:
  - name: country
    table: country
    entities: [{name: country, type: primary, expr: id}]
    dimensions: [{name: title, type: varchar}]
  - name: shop
    table: shop
    entities:
      - {name: shop, type: primary, expr: id}
      - {name: country, type: foreign, expr: country_id}
  - name: buyer
    table: buyer
    entities:
      - {name: buyer, type: primary, expr: id}
      - {name: country, type: foreign, expr: country_id}
  - name: sale
    table: sale
    entities:
      - {name: sale, type: primary, expr: id}
      - {name: shop, type: foreign, expr: shop_id}
      - {name: buyer, type: foreign, expr: buyer_id}
    measures: [{name: price, type: integer, agg: sum}]
metrics:
  - {name: sales, metric_type: simple, type_params: {measure: price}}
"""
DIAMOND_TABLES = read_tables("""
country: id:text title:text
  K Korea
  J Japan
shop: id:text country_id:text
  s1 K
  s2 J
buyer: id:text country_id:text
  b1 J
  b2 -
sale: id:text shop_id:text buyer_id:text price:int
  1 s1 b1 1
  2 s1 b2 2
  3 s2 b1 4
""")


def diamond(name: str, smq: dict[str, Any], rows: Rows = None, **more: Any) -> Example:
    return Example(name, DIAMOND, DIAMOND_TABLES, smq, rows, **more)


AMBIGUOUS = (
    diamond(
        "two shortest paths are listed",
        {"metrics": ["sales"], "groupBy": ["country__title"]},
        says=("shop", "buyer", "country"),
    ),
    diamond(
        "an entity path chooses between two shortest paths",
        {"metrics": ["sales"], "groupBy": ["buyer__country__title"]},
        [("Japan", 5), (None, 2)],
    ),
    diamond(
        "a written join chooses between two shortest paths",
        {
            "metrics": ["sales"],
            "groupBy": ["country__title"],
            "joins": [
                "FROM sale LEFT JOIN shop ON sale__shop = shop__shop "
                "LEFT JOIN country ON shop__country = country__country"
            ],
        },
        [("Korea", 3), ("Japan", 4)],
    ),
)

SNAPSHOTS = """\
semantic_models:
  - name: branch
    table: branch
    entities:
      - {name: branch_cd, type: primary}
      - {name: branch_dt, type: primary, expr: base_dt}
    dimensions:
      - {name: state, type: varchar}
  - name: deposit
    table: deposit
    entities:
      - {name: deposit, type: primary, expr: id}
      - {name: branch_cd, type: foreign}
    measures:
      - {name: money, type: integer, agg: sum}
  - name: balance
    table: balance
    entities:
      - {name: balance, type: primary, expr: id}
      - {name: branch_cd, type: foreign, expr: branch}
      - {name: branch_dt, type: foreign, expr: at}
    measures:
      - {name: amount, type: integer, agg: sum}
metrics:
  - {name: deposits, metric_type: simple, type_params: {measure: money}}
  - {name: balances, metric_type: simple, type_params: {measure: amount}}
"""
SNAPSHOT_TABLES = read_tables("""
branch: branch_cd:text base_dt:date state:text
  b1 2024-01-31 open
  b1 2024-02-29 closed
  b2 2024-02-29 open
deposit: id:text branch_cd:text money:int
  d1 b1 5
balance: id:text branch:text at:date amount:int
  1 b1 2024-01-31 1
  2 b1 2024-02-29 2
  3 b2 2024-02-29 4
  4 b2 2024-01-31 8
  5 b1 - 16
""")
COMPOSITE = (
    Example(
        "a composite key joins by all its parts",
        SNAPSHOTS,
        SNAPSHOT_TABLES,
        {"metrics": ["balances"], "groupBy": ["branch__state"]},
        [("open", 5), ("closed", 2), (None, 24)],
    ),
    Example(
        "a part of a composite key never joins",
        SNAPSHOTS,
        SNAPSHOT_TABLES,
        {"metrics": ["deposits"], "groupBy": ["branch__state"]},
        says=("branch_cd", "branch_dt", "deposit"),
    ),
)

NAMES = """\
semantic_models:
  - name: order
    table: order
    defaults: {agg_time_dimension: at}
    entities:
      - {name: primary, type: primary, expr: id}
      - {name: user, type: foreign, expr: '"user"'}
    dimensions:
      - {name: group, type: varchar}
      - {name: select, type: varchar, expr: '"Mixed Case"'}
      - {name: at, type: date, type_params: {time_granularity: day}}
    measures:
      - {name: from, type: integer, agg: sum}
  - name: a__b
    table: plain
    entities:
      - {name: user, type: primary, expr: id}
    dimensions:
      - {name: c__d, type: varchar, expr: col}
      - {name: 지역, type: varchar}
metrics:
  - {name: order, metric_type: simple, type_params: {measure: from}}
  - {name: group, metric_type: simple, expr: COUNT(order__from)}
  - {name: user, metric_type: simple, expr: MAX(order__from)}
  - {name: from, metric_type: simple, expr: MIN(order__from)}
  - {name: limit, metric_type: simple, expr: COUNT(DISTINCT a__b__c__d)}
"""
NAMES_TABLES = read_tables("""
order: id:text user:text group:text Mixed~Case:text at:date from:int
  1 u1 x p 2024-01-01 3
  2 u2 y p 2024-01-01 5
  3 - x q 2024-02-01 7
plain: id:text col:text 지역:text
  u1 m 서울
  u2 n 부산
  u3 n -
""")


def named(name: str, smq: dict[str, Any], rows: Rows = None, **more: Any) -> Example:
    return Example(name, NAMES, NAMES_TABLES, smq, rows, **more)


NAMING = (
    named(
        "a metric of the one side is not grouped by the many side",
        {
            "metrics": ["order", "limit"],
            "groupBy": ["order__group"],
            "orderBy": ["order__group"],
        },
        says=("limit", "order__group"),
    ),
    named(
        "a metric named like a model, a dimension, an entity and a measure",
        {
            "metrics": ["order", "group", "user", "from"],
            "groupBy": ["order__group", "order__select"],
            "orderBy": ["-order"],
        },
        [("x", "q", 7, 1, 7, 7), ("y", "p", 5, 1, 5, 5), ("x", "p", 3, 1, 3, 3)],
        columns=("order__group", "order__select", "order", "group", "user", "from"),
    ),
    named(
        "such metrics in expressions and filters",
        {
            "metrics": ['"order" / "group" AS "select"'],
            "groupBy": ["order__group"],
            "filters": ['"order" > 5', "order__group = 'x'"],
        },
        [("x", 5)],
        columns=("order__group", "select"),
    ),
    named(
        "names with the separator inside",
        {"metrics": ["order"], "groupBy": ["a__b__c__d"], "orderBy": ["a__b__c__d"]},
        [("m", 3), ("n", 5), (None, 7)],
    ),
    named(
        "Korean names in a filter",
        {"metrics": ["order"], "filters": ["a__b__지역 = '서울'"]},
        [(3,)],
    ),
    named(
        "a reserved word as a time dimension",
        {"metrics": ["order"], "groupBy": ["order__at__month"], "orderBy": ["order__at__month"]},
        [(date(2024, 1, 1), 8), (date(2024, 2, 1), 7)],
    ),
    Example(
        "two readings of one name are an error",
        NAMES + "  - {name: two, metric_type: simple, expr: COUNT(DISTINCT a__b__c__d)}\n"
        "---\n"
        "semantic_models:\n"
        "  - name: a\n"
        "    table: plain\n"
        "    entities: [{name: user, type: primary, expr: id}]\n"
        "    dimensions: [{name: b__c__d, type: varchar, expr: col}]\n",
        NAMES_TABLES,
        {"metrics": ["order"], "groupBy": ["a__b__c__d"]},
        says=("a__b__c__d",),
    ),
)

EMPTY_TABLES = {name: (columns, ()) for name, (columns, _) in SHOP_TABLES.items()}
EMPTY = (
    Example(
        "empty tables give one row without a groupBy",
        SHOP,
        EMPTY_TABLES,
        {"metrics": ["revenue", "order_count", "refunded", "refunded_or_0", "refund_share"]},
        [(None, 0, None, 0, None)],
    ),
    Example(
        "empty tables give no groups",
        SHOP,
        EMPTY_TABLES,
        {"metrics": ["revenue", "refunded_or_0"], "groupBy": ["customers__tier"]},
        [],
    ),
)

CYCLE = (
    Example(
        "a cycle of metrics is shown",
        SHOP
        + "  - {name: up, metric_type: derived, expr: down + 1}\n"
        + "  - {name: down, metric_type: derived, expr: up - 1}\n",
        SHOP_TABLES,
        {"metrics": ["up"]},
        says=("up → down → up",),
    ),
)

TRAPS = (
    *AUTOMATIC,
    *WRITTEN,
    *ROLE_PLAYING,
    *AMBIGUOUS,
    *COMPOSITE,
    *NAMING,
    *EMPTY,
    *CYCLE,
)
