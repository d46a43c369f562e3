"""The worked examples of the language, each with its rows computed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from tests.support.bank import BANK_YML, TABLES
from tests.support.corpus import Example
from tests.support.oracle_expressions import Value

Rows = Sequence[tuple[Value, ...]] | None

RUNNING_TOTAL = (
    "SUM({}) OVER (PARTITION BY 고객기본__cust_no ORDER BY 주문__order_date "
    "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS running_total"
)
RUNNING = {
    "metrics": [RUNNING_TOTAL.format("revenue")],
    "groupBy": ["고객기본__cust_no", "주문__order_date"],
    "orderBy": ["고객기본__cust_no", "주문__order_date"],
}
RUNNING_ROWS = (
    ("C1", date(2024, 1, 1), 400),
    ("C1", date(2024, 1, 2), 1200),
    ("C2", date(2024, 1, 3), 1000),
)
WRITTEN_JOIN = (
    "FROM 부점코드 LEFT JOIN 고객기본 ON 부점코드__brn_cd = 고객기본__brn_cd "
    "LEFT JOIN 계좌정보 ON 고객기본__cust_no = 계좌정보__cust_no"
)
OPENED_THIS_YEAR = {
    "metrics": ["account_count"],
    "groupBy": ["고객기본__cust_no"],
    "filters": ["계좌정보__open_dt >= '2024-01-01'"],
    "orderBy": ["-account_count"],
    "limit": 10,
}


def bank(name: str, smq: dict[str, Any], rows: Rows = None, **more: Any) -> Example:
    """A query over the worked-example workspace."""
    return Example(name, BANK_YML, TABLES, smq, rows, **more)


EXAMPLES = (
    bank(
        "1 branches by state",
        {"metrics": ["total_brn_cnt"], "groupBy": ["부점코드__brn_stcd"]},
        [("1", 2), ("9", 1)],
        columns=("부점코드__brn_stcd", "total_brn_cnt"),
    ),
    bank(
        "2 an account without a customer is not lost",
        OPENED_THIS_YEAR,
        [("C1", 1), ("C2", 1), ("C3", 1), (None, 1)],
        total=False,
    ),
    bank(
        "2 the bare dimension means the same",
        {**OPENED_THIS_YEAR, "filters": ["open_dt >= '2024-01-01'"]},
        [("C1", 1), ("C2", 1), ("C3", 1), (None, 1)],
        total=False,
        warns=("open_dt",),
    ),
    bank(
        "3 a running total",
        RUNNING,
        RUNNING_ROWS,
        columns=("고객기본__cust_no", "주문__order_date", "running_total"),
    ),
    bank(
        "3 a running total of the bare measure",
        {**RUNNING, "metrics": [RUNNING_TOTAL.format("amount")]},
        RUNNING_ROWS,
    ),
    bank(
        "3 a running total of the measure with its model",
        {**RUNNING, "metrics": [RUNNING_TOTAL.format("주문__amount")]},
        RUNNING_ROWS,
    ),
    bank(
        "4 a filter with a window",
        {
            **RUNNING,
            "filters": [
                "SUM(revenue) OVER (PARTITION BY 고객기본__cust_no "
                "ORDER BY 주문__order_date) > 1000"
            ],
        },
        [("C1", date(2024, 1, 2), 1200)],
    ),
    bank(
        "4 a filter on a window's alias",
        {**RUNNING, "filters": ["running_total > 1000"]},
        [("C1", date(2024, 1, 2), 1200)],
    ),
    bank(
        "5 two facts by a dimension of a third model",
        {"metrics": ["customer_count", "account_count"], "groupBy": ["부점코드__brn_cd"]},
        [("B1", 2, 3), ("B2", 1, 1), (None, 1, 1)],
    ),
    bank(
        "5 a written join decides which rows exist",
        {
            "metrics": ["customer_count", "account_count"],
            "groupBy": ["부점코드__brn_cd"],
            "joins": [WRITTEN_JOIN],
        },
        [("B1", 2, 3), ("B2", 1, 1), ("B3", 0, 0)],
    ),
    bank(
        "5 a written join multiplies nothing",
        {
            "metrics": ["customer_count", "account_count", "total_credit"],
            "groupBy": ["부점코드__brn_cd"],
            "joins": [WRITTEN_JOIN],
        },
        [("B1", 2, 3, 30), ("B2", 1, 1, 30), ("B3", 0, 0, None)],
    ),
    bank(
        "6 two facts without a groupBy",
        {"metrics": ["total_credit", "revenue"]},
        [(100, 2200)],
        columns=("total_credit", "revenue"),
    ),
    bank(
        "6 no to-one path",
        {"metrics": ["total_brn_cnt"], "groupBy": ["주문__order_date"]},
        says=("total_brn_cnt", "주문__order_date"),
    ),
)
