"""Traps of written joins: they decide which rows exist and never what a metric means."""

from __future__ import annotations

from tests.support.corpus import Example, read_tables
from tests.support.shop import shop

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

BADGES = """\
semantic_models:
  - name: badges
    table: badges
    entities:
      - {name: badge, type: unique, expr: code}
    dimensions:
      - {name: shade, type: varchar, expr: "color || '!'"}
    measures:
      - {name: points, type: integer, agg: sum}
  - name: visits
    table: visits
    entities:
      - {name: visit, type: primary, expr: id}
      - {name: badge, type: foreign, expr: code}
    measures:
      - {name: minutes, type: integer, agg: sum}
metrics:
  - {name: point_total, metric_type: simple, type_params: {measure: points}}
  - {name: badge_rows, metric_type: simple, expr: COUNT(*) + 0 * COUNT(badges__points)}
  - {name: minute_total, metric_type: simple, type_params: {measure: minutes}}
"""
BADGE_TABLES = read_tables("""
badges: code:text color:text points:int
  b1 red 10
  b2 - 20
  - blue 3
  - blue 4
  - blue 4
visits: id:text code:text minutes:int
  v1 b1 100
  v2 b1 200
  v3 - 400
""")

NULL_KEYS = (
    Example(
        "a row without a value in its unique key is there",
        BADGES,
        BADGE_TABLES,
        {
            "metrics": ["minute_total", "badge_rows"],
            "groupBy": ["badges__shade"],
            "joins": ["FROM visits FULL JOIN badges ON visits__badge = badges__badge"],
        },
        [("red!", 300, 1), ("blue!", None, 3), (None, 400, 1)],
    ),
    Example(
        "rows without a value in their unique key count once each",
        BADGES,
        BADGE_TABLES,
        {"metrics": ["point_total"], "joins": ["FROM badges CROSS JOIN visits"]},
        [(41,)],
    ),
    Example(
        "rows without a value in their unique key count once each where others are missing",
        BADGES,
        BADGE_TABLES,
        {
            "metrics": ["point_total", "badge_rows"],
            "groupBy": ["badges__shade"],
            "joins": ["FROM visits FULL JOIN badges ON visits__badge = badges__badge"],
        },
        [("red!", 10, 1), ("blue!", 11, 3), (None, 20, 1)],
    ),
)
