"""The worked-example workspace and its rows, as text and as plain values."""

from __future__ import annotations

from datetime import date
from pathlib import Path

BANK_YML = (Path(__file__).parent / "bank.yml").read_text(encoding="utf-8")

CONSULTATIONS = """# 다른 파일
semantic_models:
  - name: 상담
    table: bank('consult')
    entities:
      - {name: consult, type: primary, expr: id}
      - {name: cust, type: foreign, expr: cust_no}
    dimensions:
      - {name: kind, type: varchar}
    measures:
      - {name: minutes, type: integer}
metrics:
  - {name: 상담시간, type: integer, expr: SUM(상담__minutes)}
  - {name: 건당시간, type: number, expr: 상담시간 / account_count}
"""
"""One more model of the bank, in a file of its own, and metrics that use those of others."""

Value = str | int | float | bool | date | None
Table = tuple[tuple[tuple[str, str], ...], tuple[tuple[Value, ...], ...]]
"""Columns as (name, type), and rows in the order of the columns."""

TABLES: dict[str, Table] = {
    "bank.wapco_brncd_cn": (
        (("brncd", "text"), ("brn_stcd", "text")),
        (("B1", "1"), ("B2", "1"), ("B3", "9")),
    ),
    "bank.wapco_cust_bs": (
        (("cust_no", "text"), ("brn_cd", "text"), ("credit", "int")),
        (("C1", "B1", 10), ("C2", "B1", 20), ("C3", "B2", 30), ("C4", None, 40)),
    ),
    "bank.wapco_acct_in": (
        (
            ("acct_no", "text"),
            ("cust_no", "text"),
            ("open_dt", "date"),
            ("balance", "int"),
        ),
        (
            ("A1", "C1", date(2024, 1, 5), 100),
            ("A2", "C1", date(2023, 12, 30), 50),
            ("A3", "C2", date(2024, 2, 1), 300),
            ("A4", "C3", date(2024, 3, 15), 20),
            ("A5", None, date(2024, 3, 1), 70),
        ),
    ),
    "bank.wapco_ord_hs": (
        (
            ("order_no", "text"),
            ("cust_no", "text"),
            ("order_date", "date"),
            ("amount", "int"),
        ),
        (
            ("O1", "C1", date(2024, 1, 1), 400),
            ("O2", "C1", date(2024, 1, 2), 500),
            ("O3", "C1", date(2024, 1, 2), 300),
            ("O4", "C2", date(2024, 1, 3), 1000),
        ),
    ),
}
