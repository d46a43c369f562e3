"""Traps of keys, paths and names: roles, diamonds, composite keys, reserved words."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.support.corpus import Example, read_tables
from tests.support.shop import Rows

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
    Example(
        "an entity with the separator inside",
        NAMES.replace("{name: user, type", "{name: use__r, type"),
        NAMES_TABLES,
        {
            "metrics": ["order"],
            "filters": [
                "{{ Metric('order', group_by=['use__r']) }} > 4",
                "{{ Entity('use__r') }} IS NOT NULL",
            ],
        },
        [(5,)],
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
