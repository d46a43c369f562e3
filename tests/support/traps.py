"""Queries that other compilers answered wrongly, with rows computed by hand."""

from __future__ import annotations

from datetime import date

from tests.support.corpus import Example
from tests.support.shop import SHOP, SHOP_TABLES, shop
from tests.support.traps_joins import NULL_KEYS, WRITTEN
from tests.support.traps_keys import AMBIGUOUS, COMPOSITE, NAMING, ROLE_PLAYING

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
        "a filter on the metric of an entity is on rows, and a dangling key has none",
        {
            "metrics": ["revenue"],
            "filters": ["{{ Metric('revenue', group_by=['customer']) }} > 11"],
        },
        [(29,)],
    ),
    shop(
        "a filter on the metric of an entity under OR",
        {
            "metrics": ["order_count"],
            "filters": [
                "{{ Metric('revenue', group_by=['customer']) }} > 11 OR orders__rush IS NULL"
            ],
        },
        [(4,)],
    ),
    Example(
        "the percentile 0 is the smallest value",
        SHOP.replace(
            "seconds, type: integer, agg: sum",
            "seconds, type: integer, agg: percentile, agg_params: {percentile: 0}",
        )
        + "  - {name: shortest, metric_type: simple, type_params: {measure: seconds}}\n",
        SHOP_TABLES,
        {"metrics": ["shortest"]},
        [(5,)],
    ),
    shop(
        "a pattern with ESCAPE is a condition",
        {"metrics": ["order_count"], "filters": ["customers__tier LIKE 'g!_%' ESCAPE '!'"]},
        [(0,)],
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
        "a filter on metric_time compares each metric's own time, and loses no day",
        {
            "metrics": ["revenue", "refunded"],
            "groupBy": ["metric_time"],
            "filters": ["metric_time >= '2024-02-10'"],
        },
        [(date(2024, 2, 1), 24, None), (date(2024, 3, 1), 17, 4)],
    ),
    shop(
        "a filter on metric_time alone compares each metric's own time",
        {"metrics": ["revenue", "refunded"], "filters": ["metric_time >= '2024-02-10'"]},
        [(41, 4)],
    ),
    shop(
        "a filter on metric_time with a grain compares that grain",
        {"metrics": ["revenue", "refunded"], "filters": ["metric_time__month >= '2024-02-01'"]},
        [(48, 9)],
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
    *NULL_KEYS,
    *ROLE_PLAYING,
    *AMBIGUOUS,
    *COMPOSITE,
    *NAMING,
    *EMPTY,
    *CYCLE,
)
