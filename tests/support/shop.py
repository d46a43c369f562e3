"""A small shop with everything that goes wrong in real ones, in which most traps are set."""

from __future__ import annotations

from collections.abc import Sequence
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
