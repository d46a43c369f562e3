"""Completion in queries: the right names first, whatever is typed and however broken the text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.ide import BANK, check_completion, complete, completed

from smq.ide.choosing import Typed

CASES = Path(__file__).parent / "cases" / "completion" / "ranks.json"


def ranks() -> list[list[object]]:
    return json.loads(CASES.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("text", "wanted", "rank"), [(t, w, r) for t, w, r in ranks()], ids=lambda v: str(v)[:60]
)
def test_ranks(text: str, wanted: str, rank: int) -> None:
    """The wanted name is at this place among the offers for what is typed."""
    _, found = complete(text)
    labels = [item.label for item in found.items]
    assert wanted in labels, labels[:10]
    assert labels.index(wanted) == rank, labels[: labels.index(wanted) + 1]


# Keys


@pytest.mark.parametrize("typed", ['"gr‹cursor›"', "gr‹cursor›", '"gr‹cursor›'])
def test_keys_are_completed_with_and_without_quotes(typed: str) -> None:
    check_completion('{"metrics": ["revenue"], ' + typed + "}", first=["groupBy"])


def test_a_key_that_is_there_is_not_offered_again() -> None:
    check_completion(
        '{"metrics": ["revenue"], "group_by": [], "‹cursor›"}', absent=["metrics", "groupBy"]
    )


def test_a_key_brings_its_value_and_one_with_a_value_only_its_name() -> None:
    assert completed('{"metrics": [], ‹cursor›}', "limit") == '{"metrics": [], "limit": ${0:10}}'
    text = '{"fil‹cursor›": ["a"]}'
    assert completed(text, "filters") == '{"filters": ["a"]}'


def test_an_empty_file_gets_a_query() -> None:
    check_completion("-- q.smq.json --\n‹cursor›", first=["query"])


# Names in lists


def test_groups_that_every_metric_reaches_come_first() -> None:
    items = check_completion(
        '{"metrics": ["account_count"], "groupBy": ["‹cursor›"]}',
        first=["metric_time", "계좌정보__open_dt", "고객기본__cust_no"],
    )
    unreachable = next(item for item in items if item.label == "주문__order_date")
    assert "account_count" in unreachable.why_not
    assert items.index(unreachable) > items.index(
        next(item for item in items if item.label == "부점코드__brn_cd")
    )


def test_the_join_path_stands_in_the_detail() -> None:
    items = check_completion('{"metrics": ["account_count"], "groupBy": ["brn_cd‹cursor›"]}')
    assert "계좌정보 → 고객기본 → 부점코드" in items[0].detail


def test_names_are_offered_with_quotes_between_strings() -> None:
    text = '{"metrics": ["revenue"], "groupBy": [‹cursor›]}'
    assert completed(text, "주문__order_date") == text.replace("‹cursor›", '"주문__order_date"')


def test_what_is_there_is_not_offered_again() -> None:
    check_completion('{"metrics": ["revenue", "‹cursor›"]}', absent=["revenue"])


def test_the_item_being_written_does_not_rank_itself() -> None:
    items = check_completion('{"metrics": ["revenue", "total_brn_‹cursor›cnt"]}')
    assert items[0].label == "total_brn_cnt"


def test_metrics_that_cannot_be_grouped_so_say_why() -> None:
    items = check_completion(
        '{"metrics": ["‹cursor›"], "groupBy": ["고객기본__cust_no"]}', first=["account_count"]
    )
    by_name = {item.label: item for item in items}
    assert "고객기본__cust_no" in by_name["total_brn_cnt"].why_not
    assert not by_name["total_credit"].why_not


@pytest.mark.parametrize(
    "text",
    [
        '{"metrics": ["revenue"], "groupBy": ["주문__order_date__‹cursor›"]}',
        '{"metrics": ["revenue"], "groupBy": ["주문__order_date__‹cursor›',
        '{"metrics": ["revenue"], "filters": ["주문__order_date__‹cursor› > 1"]}',
    ],
)
def test_grains_follow_a_time_dimension(text: str) -> None:
    check_completion(
        text,
        first=["주문__order_date__day", "주문__order_date__week", "주문__order_date__month"],
        absent=["주문__order_date__hour"],
    )


def test_sort_keys_are_the_columns_of_the_query_in_both_directions() -> None:
    check_completion(
        '{"metrics": ["revenue", "revenue * 2 AS twice"], "groupBy": ["주문__order_date"],'
        ' "orderBy": ["‹cursor›"]}',
        first=["revenue", "-revenue", "twice", "-twice", "주문__order_date", "-주문__order_date"],
    )


def test_a_minus_keeps_the_direction() -> None:
    text = '{"metrics": ["revenue"], "orderBy": ["-‹cursor›"]}'
    items = check_completion(text, first=["-revenue"])
    assert all(item.label.startswith("-") for item in items)
    assert completed(text, "-revenue") == '{"metrics": ["revenue"], "orderBy": ["-revenue"]}'


# Inside SQL


def test_names_then_operators_then_names() -> None:
    start = '{"metrics": ["revenue"], "filters": ["%s"]}'
    check_completion(
        start % "주문__order_date ‹cursor›", first=["AND", "OR", "IN"], absent=["revenue"]
    )
    check_completion(
        start % "주문__order_date > ‹cursor›", has=["주문__order_date"], absent=["AND"]
    )
    check_completion(start % "revenue > 1 AND ‹cursor›", has=["revenue", "주문__order_date"])
    assert not check_completion(start % "주문__order_date = '20‹cursor›'")


def test_aliases_can_be_filtered() -> None:
    check_completion(
        '{"metrics": ["revenue * 2 AS twice"], "filters": ["tw‹cursor›"]}', first=["twice"]
    )


def test_a_window_offers_the_groups_of_the_query() -> None:
    groups = '"groupBy": ["고객기본__cust_no", "주문__order_date"]'
    text = '{"metrics": ["SUM(revenue) OVER (%s"], ' + groups + "}"
    check_completion(text % "‹cursor›)", first=["PARTITION BY", "ORDER BY"])
    check_completion(
        text % "PARTITION BY ‹cursor›)", first=["고객기본__cust_no", "주문__order_date"]
    )
    check_completion(text % "PARTITION BY 고객기본__cust_no ‹cursor›)", first=["ORDER BY"])
    check_completion(
        text % "ORDER BY 주문__order_date ‹cursor›)",
        has=["DESC", "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"],
        absent=["ORDER BY"],
    )
    check_completion(text.replace(" OVER (%s", " ‹cursor›"), has=["OVER", "AS"], absent=["revenue"])


def test_written_joins_are_completed_word_by_word() -> None:
    text = '{"metrics": ["revenue"], "joins": ["%s"]}'
    check_completion(text % "FROM ‹cursor›", has=["주문", "고객기본"])
    check_completion(text % "FROM 주문 ‹cursor›", first=["LEFT JOIN", "INNER JOIN"])
    check_completion(
        text % "FROM 주문 LEFT JOIN 고객기본 ON ‹cursor›",
        has=["주문__cust", "고객기본__cust"],
        absent=["부점코드__brn"],
    )


def test_written_joins_decide_what_can_be_grouped() -> None:
    items = check_completion(
        '{"metrics": ["revenue"], "groupBy": ["‹cursor›"],'
        ' "joins": ["FROM 주문 LEFT JOIN 고객기본 ON 주문__cust = 고객기본__cust"]}'
    )
    why = {item.label: item.why_not for item in items}
    assert not why["고객기본__cust_no"]
    assert "written joins" in why["부점코드__brn_cd"]


def test_role_playing_dimensions_are_offered_by_their_entity() -> None:
    items = check_completion(
        """-- m.yml --
semantic_models:
  - name: orders
    table: a.orders
    entities:
      - {name: order, type: primary, expr: id}
      - {name: buyer, type: foreign, expr: buyer_id}
      - {name: seller, type: foreign, expr: seller_id}
    measures: [{name: amount, type: integer, agg: sum}]
  - name: users
    table: a.users
    entities:
      - {name: buyer, type: unique, expr: id}
      - {name: seller, type: unique, expr: id}
    dimensions: [{name: country, type: varchar}]
metrics:
  - {name: revenue, expr: SUM(orders__amount)}
-- q.smq.json --
{"metrics": ["revenue"], "groupBy": ["‹cursor›"]}
""",
        first=["buyer__country", "seller__country", "users__country"],
    )
    assert "ambiguous" in items[2].why_not


# Broken text


@pytest.mark.parametrize(
    "text",
    [
        '{"metrics": ["rev‹cursor›',
        '{"metrics": ["rev‹cursor›]}',
        '{"metrics": ["rev‹cursor›"',
        '{"metrics": [rev‹cursor›]}',
        '{"metrics": ["account_count" "rev‹cursor›"]}',
        '{"groupBy": ["주문__order_date"] "metrics": ["rev‹cursor›"]}',
        '[{"metrics": ["x"]}, {"metrics": ["rev‹cursor›',
        '{"metrics": [\n  "rev‹cursor›\n  "filters": []\n}',
        '{metrics: ["rev‹cursor›"]}',
    ],
)
def test_metrics_are_completed_while_the_text_is_broken(text: str) -> None:
    check_completion(text, first=["revenue"])
    check_completion(text, first=["revenue"], crlf=True)


def test_an_escape_before_the_cursor_is_understood() -> None:
    text = '{"metrics": ["revenue"], "groupBy": ["\\uC8FC\\uBB38__or‹cursor›"]}'
    taken = completed(text, "주문__order_date")
    assert taken == '{"metrics": ["revenue"], "groupBy": ["주문__order_date"]}'


def test_a_backslash_that_was_just_typed_is_replaced_with_its_word() -> None:
    text = '{"metrics": ["revenue", "account_count\\‹cursor›"]}'
    assert completed(text, "account_count") == '{"metrics": ["revenue", "account_count"]}'


def test_nothing_is_offered_in_a_comment() -> None:
    assert not check_completion('{\n// rev‹cursor›\n"metrics": []}')


# Hangul


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("고객", "고객기본"),
        ("고ㄱ", "고객기본"),
        ("곡", "고객기본"),
        ("ㄱ", "고객기본"),
        ("ㄱㄱ", "고객기본"),
        ("ㄱㄱㄱㅂ", "고객기본"),
        ("\u1100", "고객기본"),
        ("고", "과일"),
        ("갃", "각시"),
        ("달", "닭"),
        ("고객", "\u1100\u1169\u1100\u1162\u11a8"),
        ("CUST", "고객 cust_no"),
        ("기본", "고객기본"),
    ],
)
def test_half_typed_hangul_finds_its_word(typed: str, name: str) -> None:
    assert Typed(typed).match(name) is not None


@pytest.mark.parametrize(
    ("typed", "name"), [("ㄴㄱ", "고객"), ("객고", "고객"), ("공", "고객"), ("xyz", "고객")]
)
def test_other_hangul_does_not(typed: str, name: str) -> None:
    assert Typed(typed).match(name) is None


def test_clients_are_told_that_half_typed_hangul_fits() -> None:
    _, found = complete('{"metrics": ["revenue"], "groupBy": ["곡‹cursor›"]}')
    assert found.items[0].label == "고객기본__cust_no"
    assert found.items[0].filter == "곡"
    assert found.incomplete


# Frames, written joins, entity paths, templates

_GROUPED = '"groupBy": ["주문__order_date"]}'


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("ROWS ‹cursor›", "BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"),
        ("ROWS BETWEEN ‹cursor›", "UNBOUNDED PRECEDING"),
        ("ROWS BETWEEN 6 ‹cursor›", "PRECEDING"),
        ("ROWS BETWEEN UNBOUNDED ‹cursor›", "PRECEDING"),
        ("ROWS BETWEEN UNBOUNDED PRECEDING ‹cursor›", "AND CURRENT ROW"),
        ("RANGE BETWEEN UNBOUNDED PRECEDING AND ‹cursor›", "CURRENT ROW"),
        ("RANGE BETWEEN 1 PRECEDING AND CURRENT ‹cursor›", "ROW"),
        ("GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW ‹cursor›", "EXCLUDE CURRENT ROW"),
        ("ROWS CURRENT ROW EXCLUDE ‹cursor›", "CURRENT ROW"),
    ],
)
def test_a_frame_goes_on_with_its_own_words_alone(typed: str, first: str) -> None:
    text = f'{{"metrics": ["SUM(revenue) OVER (ORDER BY 주문__order_date {typed})"], {_GROUPED}'
    items = check_completion(text, first=[first])
    assert {item.kind for item in items} == {"keyword"}


def test_behind_a_window_names_come_again() -> None:
    text = '{"metrics": ["SUM(revenue) OVER (ROWS CURRENT ROW) / ‹cursor›"], ' + _GROUPED
    check_completion(text, has=["revenue", "NULLIF"])


def _joined(clause: str) -> str:
    return '{"metrics": ["account_count"], "joins": ["%s"]}' % clause  # noqa: UP031


def test_a_written_join_offers_the_model_with_its_key() -> None:
    clause = "FROM 계좌정보 LEFT JOIN "
    key = "계좌정보__cust = 고객기본__cust"
    check_completion(_joined(clause + "‹cursor›"), first=[f"고객기본 ON {key}"], has=["고객기본"])
    check_completion(_joined(clause + "고객기본 ‹cursor›"), first=[f"ON {key}", "ON", "AS"])
    check_completion(_joined(clause + "고객기본 ON ‹cursor›"), first=[key])
    check_completion(
        _joined(clause + f"고객기본 ON {key} ‹cursor›"), first=["AND", "LEFT JOIN"], absent=["ON"]
    )
    check_completion(_joined("FROM 계좌정보 ‹cursor›"), first=["LEFT JOIN"], absent=["ON", "AND"])


def test_the_join_that_repeats_rows_comes_last_and_says_so() -> None:
    items = check_completion(_joined("FROM 고객기본 LEFT JOIN ‹cursor›"))
    joins = [item for item in items if " ON " in item.label]
    assert joins[0].label == "부점코드 ON 고객기본__brn = 부점코드__brn"
    assert "repeats rows" not in joins[0].detail
    (many,) = [item for item in joins if item.label.startswith("계좌정보 ON")]
    assert many.detail.endswith("repeats rows")


def test_an_alias_offers_the_columns_of_its_model() -> None:
    clause = "FROM 계좌정보 a LEFT JOIN 고객기본 AS b ON "
    check_completion(_joined(clause + "‹cursor›"), first=["a.cust = b.cust"], has=["b.cust_no"])
    check_completion(_joined(clause + "a.‹cursor›"), has=["cust", "open_dt"], absent=["credit"])
    check_completion(_joined(clause + "a.cust = b.‹cursor›"), has=["credit"], absent=["open_dt"])


@pytest.mark.parametrize("key", ["groupBy", "filters"])
def test_an_entity_leads_to_dimensions_and_further_entities(key: str) -> None:
    text = '{"metrics": ["account_count"], "%s": ["%s‹cursor›"]}'
    items = check_completion(text % (key, "cust__"), has=["cust__cust_no", "cust__brn__"])
    assert next(i for i in items if i.label == "cust__brn__").detail == "on to 부점코드"
    check_completion(text % (key, "cust__brn__"), first=["cust__brn__brn_cd"])
    # Nothing leads from branches to customers.
    branches = '{"metrics": ["total_brn_cnt"], "groupBy": ["cust__‹cursor›"]}'
    check_completion(branches, absent=["cust__cust_no"])


@pytest.mark.parametrize(
    ("typed", "has", "absent"),
    [
        ("{{ ‹cursor›", ["Dimension", "TimeDimension", "Entity", "Metric"], ["revenue"]),
        ("{{ Dim‹cursor›", ["Dimension"], ["revenue"]),
        ("{{ Dimension('‹cursor›", ["brn__brn_stcd", "acct__open_dt"], ["revenue", "month"]),
        ("{{ TimeDimension('‹cursor›", ["metric_time", "acct__open_dt"], ["brn__brn_stcd"]),
        ("{{ TimeDimension('acct__open_dt', '‹cursor›", ["day", "month"], ["acct__open_dt"]),
        ("{{ Entity('‹cursor›", ["acct", "brn"], ["acct__open_dt"]),
        ("{{ Metric('‹cursor›", ["account_count"], ["acct"]),
        ("{{ Dimension('acct__open_dt') }} ‹cursor›", ["IS NULL", "IN"], ["revenue"]),
    ],
)
def test_templates_offer_what_their_calls_take(
    typed: str, has: list[str], absent: list[str]
) -> None:
    text = '{"metrics": ["account_count"], "filters": ["%s"]}' % typed  # noqa: UP031
    check_completion(text, has=has, absent=absent)


def test_an_argument_without_a_quote_gets_one() -> None:
    text = '{"metrics": ["account_count"], "filters": ["{{ Entity(‹cursor›) }}"]}'
    assert "{{ Entity('acct') }}" in completed(text, "acct")


def test_between_the_queries_of_an_array_a_query_is_offered() -> None:
    check_completion('[{"metrics": ["revenue"]}, ‹cursor›]', first=["query"], absent=["groupBy"])
    check_completion('[{"metrics": ["revenue"]}, {‹cursor›}]', first=["metrics"])
    check_completion('[{"metrics": ["revenue"], ‹cursor›', first=["groupBy"])


@pytest.mark.parametrize(
    "text",
    [
        '‹cursor›{"metrics": ["revenue"]}',
        '‹cursor›\ufeff{"metrics": ["revenue"]}',
        '\ufeff‹cursor›// by day\n{"metrics": ["revenue"]}',
        '{"metrics": ["revenue"]}‹cursor›',
        '{"metrics": ["revenue"]}\n‹cursor›',
        '‹cursor›[{"metrics": ["revenue"]}]',
        '[{"metrics": ["revenue"]}]\n‹cursor›',
        "[]‹cursor›",
    ],
)
def test_beside_what_a_file_holds_nothing_can_be_written(text: str) -> None:
    assert not check_completion(f"-- m.yml --\n{BANK}-- q.smq.json --\n{text}")


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ('{"metrics": ["revenue"], "x": {}‹cursor›', "groupBy"),
        ('{"metrics": ["revenue"], "x": {}}‹cursor›', None),
        ('[{"metrics": ["revenue"]},\n ‹cursor›', "query"),
        ('[{"metrics": ["revenue"], ‹cursor›]', "groupBy"),
        ("[‹cursor›", "query"),
    ],
)
def test_what_is_not_closed_goes_on(text: str, first: str | None) -> None:
    check_completion(text, first=[first] if first else [])


def test_a_query_is_written_behind_a_byte_order_mark() -> None:
    assert completed("-- q.smq.json --\n‹cursor›\ufeff", "query").startswith("\ufeff{")


def test_a_time_says_its_grain() -> None:
    items = check_completion('{"metrics": ["account_count"], "groupBy": ["open_d‹cursor›"]}')
    assert "date by day" in items[0].detail


def test_a_name_that_begins_so_comes_before_a_label_that_does() -> None:
    text = """-- m.yml --
semantic_models:
  - name: orders
    table: o
    entities: [{name: o, type: primary}]
    measures: [{name: amount, agg: sum}]
metrics:
  - {name: coffee, label: Revenue of coffee, expr: SUM(orders__amount)}
  - {name: revenue, label: Umsatz, expr: SUM(orders__amount)}
-- q.smq.json --
{"metrics": ["reve‹cursor›"]}
"""
    check_completion(text, first=["revenue", "coffee"])


# What is offered can be taken.

_TWICE = """\
-- models.yml --
semantic_models:
  - name: sales
    table: shop.sales
    entities:
      - {name: sale, type: primary, expr: id}
      - {name: buyer, type: foreign, expr: buyer_id}
    dimensions: [{name: kind, type: varchar}, {name: at, type: date}]
    measures:
      - {name: amount, type: decimal, agg: sum}
      - {name: loose, type: decimal, expr: x}
  - name: people
    table: shop.people
    entities: [{name: buyer, type: primary, expr: id}]
    dimensions: [{name: name, type: varchar}, {name: born, type: date}]
metrics:
  - {name: select, metric_type: simple, expr: SUM(sales__amount)}
  - {name: revenue, metric_type: simple, expr: SUM(sales__amount)}
  - {name: broken, metric_type: simple, expr: SUM(sales__nothing)}
  - {name: ranked, metric_type: derived, expr: RANK() OVER (ORDER BY revenue)}
-- q.smq.json --
"""


def _why(query: str, label: str) -> str:
    _, found = complete(_TWICE + query)
    return next(item.why_not for item in found.items if item.label == label)


def test_a_word_of_sql_is_put_in_quotes_inside_of_sql_alone() -> None:
    inside = '{"metrics": ["revenue"], "filters": ["sel‹cursor› > 1"]}'
    assert '"filters": ["\\"select\\" > 1"]' in completed(_TWICE + inside, "select")
    alone = completed(_TWICE + '{"metrics": ["sel‹cursor›"]}', "select")
    assert alone == '{"metrics": ["select"]}'


def test_a_metric_that_cannot_be_computed_says_so() -> None:
    assert "mistake" in _why('{"metrics": ["‹cursor›"]}', "broken")


def test_a_group_sorts_and_another_dimension_does_not() -> None:
    query = """{"metrics": ["revenue"], "groupBy": ["sales__at__month"],
      "orderBy": ["-sales__at__‹cursor›"]}"""
    assert not _why(query, "-sales__at__month")
    assert "groupBy" in _why(query, "-sales__at__year")
    assert '["-sales__at__year"]' in completed(_TWICE + query, "-sales__at__year")


def test_beside_a_metric_only_what_is_grouped_by_fits() -> None:
    query = """{"metrics": ["revenue"], "groupBy": ["sales__kind"],
      "filters": ["revenue > 1 OR ‹cursor› IS NULL"]}"""
    assert not _why(query, "sales__kind")
    assert "groupBy" in _why(query, "sales__at")
    assert "rows" in _why(query, "sales__amount")
    query = query.replace("OR", "AND")
    assert not _why(query, "sales__at")
    assert not _why(query, "sales__amount")


def test_windows_take_measures_that_say_how_and_no_windows() -> None:
    query = '{"metrics": ["revenue"], "filters": ["SUM(‹cursor›) OVER () > 1"]}'
    assert not _why(query, "sales__amount")
    assert "agg" in _why(query, "sales__loose")
    assert "window" in _why(query, "ranked")
    assert "groupBy" in _why(query, "sales__kind")


def test_a_running_total_needs_something_to_run_along() -> None:
    assert "groupBy" in _why('{"metrics": ["‹cursor›"]}', "running total")


def test_a_join_compares_with_another_table() -> None:
    query = """{"metrics": ["revenue"],
      "joins": ["FROM sales LEFT JOIN people p ON sales__buyer = ‹cursor›"]}"""
    assert "itself" in _why(query, "sales__sale")
    assert not _why(query, "p.buyer")


def test_a_model_that_is_joined_twice_is_named_by_its_aliases() -> None:
    joins = "JOIN people p ON sales__buyer = p.buyer JOIN people q ON sales__sale = q.buyer"
    query = f"""{{"metrics": ["revenue"], "groupBy": ["buyer__‹cursor›"],
      "joins": ["FROM sales {joins}"]}}"""
    assert "name that the join gives it" in _why(query, "buyer__name")


def test_a_subquery_reads_models_and_their_members() -> None:
    query = '{"metrics": ["revenue"], "filters": ["sales__kind IN (SELECT people__name FROM %s)"]}'
    items = check_completion(_TWICE + query % "‹cursor›", first=["people", "sales"])
    assert {item.kind for item in items} <= {"model", "keyword", "function"}
    query = query.replace("people__name", "‹cursor›") % "people"
    check_completion(
        _TWICE + query, has=["people__name", "people__born"], absent=["metric_time", "revenue"]
    )


def test_a_templates_dimension_beside_a_metric_must_be_grouped_by() -> None:
    query = """{"metrics": ["revenue"], "groupBy": ["sales__kind"],
      "filters": ["revenue > 1 OR {{ Dimension('‹cursor›') }} IS NULL"]}"""
    assert not _why(query, "sale__kind")
    assert "groupBy" in _why(query, "sale__at")


_HEADS = _TWICE.replace(
    "-- q.smq.json --\n",
    "  - {name: heads, metric_type: simple, expr: COUNT(people__name)}\n-- q.smq.json --\n",
)


def _whys(text: str) -> dict[str, str]:
    _, found = complete(text)
    return {item.label: item.why_not for item in found.items}


@pytest.mark.parametrize(
    "call",
    [
        "{{ Metric('‹cursor›', group_by=['sale']) }} > 1",
        "{{ Metric(‹cursor›, ['sale']) }} > 1",
        "{{ Metric('he‹cursor›a', group_by=['buyer', 'sale']) }} > 1 AND kind = 'x'",
        "{{ Metric('‹cursor›', group_by=['sale'])",
    ],
)
@pytest.mark.parametrize("place", ["filters", "a model"])
def test_a_metric_for_each_entity_must_reach_that_entity(call: str, place: str) -> None:
    """The groups of the query around it are nothing to it."""
    query = '{"metrics": ["revenue"], "groupBy": ["sales__kind"], "filters": ["%s"]}' % call  # noqa: UP031
    model = f'  - {{name: own, metric_type: simple, expr: SUM(sales__amount), filter: "{call}"}}\n'
    in_query, in_model = _HEADS + query, _HEADS.replace("-- q.smq", model + "-- q.smq") + "{}"
    whys = _whys(in_query if place == "filters" else in_model)
    assert whys["heads"] == "cannot be grouped by sale: no to-one path from people"
    assert not whys.get("revenue")


def test_a_metric_for_each_entity_takes_other_groups_than_its_query() -> None:
    query = """{"metrics": ["revenue"], "groupBy": ["sales__kind"],
      "filters": ["{{ Metric('‹cursor›', group_by=['buyer']) }} > 1"]}"""
    whys = _whys(_HEADS + query)
    assert not whys["heads"]
    assert whys["broken"] == "its definition has a mistake"


def test_an_entity_that_the_metric_of_the_call_does_not_reach_says_so() -> None:
    query = """{"metrics": ["revenue"],
      "filters": ["{{ Metric('heads', group_by=['‹cursor›']) }} > 1"]}"""
    whys = _whys(_HEADS + query)
    way = "not for heads: cannot be grouped by sale: no to-one path from people"
    assert whys == {"buyer": "", "sale": way}
