"""What is shown around a text: tokens, outlines, folds, selections, links, signatures, hints."""

from __future__ import annotations

import json

import pytest
from tests.support.ide import Marked, actions_at, check_action, check_tokens, marked, outline

from smq.ide.actions import fix_everything
from smq.ide.hints import inlay_hints, lenses
from smq.ide.signature import signature
from smq.ide.structure import folds, links, selection
from smq.text import Span, apply_edits

_MODEL = """\
-- m.yml --
sources:
  - name: shop
    tables: [{name: ord}]
semantic_models:
  - name: orders
    table: shop('ord')
    entities: [{name: o, type: primary, expr: id}]
    dimensions:
      # 한글 설명
      # on two lines
      - {name: state, type: varchar, expr: "CASE WHEN st = 'x' THEN 1 END"}
      - {name: day, type: date}
    measures: [{name: amount, type: integer, agg: sum}]
metrics:
  - name: revenue
    expr: SUM(orders__amount) * 2
  - name: share
    metric_type: ratio
    type_params: {numerator: revenue, denominator: revenue}
"""


def model(old: str, new: str) -> str:
    """The model file with a mark."""
    assert old in _MODEL
    return _MODEL.replace(old, new, 1)


# Tokens


def test_tokens_of_a_query_reach_into_its_sql() -> None:
    check_tokens(
        '{"metrics": ["revenue / 2 AS half"], "filters": ["고객기본__cust_no <> \'가\'"]',
        "revenue/metric //operator 2/number AS/keyword half/alias"
        " 고객기본/model cust_no/dimension <>/operator '가'/string",
    )


def test_tokens_of_a_model_reach_into_its_sql_too() -> None:
    here = marked(_MODEL)
    from smq.ide.tokens import tokens

    found = [f"{t.span.cut(here.text)}/{t.type}" for t in tokens(here.snapshot, here.uri)]
    for wanted in ("CASE/keyword", "st/column", "'x'/string", "SUM/function", "2/number"):
        assert wanted in found, found
    assert "orders/model" in found and "amount/measure" in found


# Outlines, folds, selections, links


def test_the_outline_of_a_model_file() -> None:
    lines = outline(_MODEL)
    assert "model orders" in lines
    assert "  dimension day" in lines
    assert any(line.strip() == "metric revenue" for line in lines)


@pytest.mark.parametrize("tail", ["", "]", ', "x'])
def test_the_outline_of_a_query_also_while_it_is_broken(tail: str) -> None:
    lines = outline('{"name": "매출", "metrics": ["revenue"' + tail)
    assert lines[0].endswith("매출")


def test_folds_are_items_and_blocks_of_comments() -> None:
    here = marked(_MODEL)
    found = folds(here.snapshot, here.uri)
    lines = here.text.splitlines()
    comments = [f for f in found if f.is_comment]
    assert [lines[f.first_line].strip() for f in comments] == ["# 한글 설명"]
    assert any(lines[f.first_line] == "metrics:" or "revenue" in lines[f.first_line] for f in found)


def test_a_selection_grows_from_the_name_to_the_file() -> None:
    here = marked('{"metrics": ["revenue / order_‹cursor›x"], "limit": 3}')
    chain = [span.cut(here.text) for span in selection(here.snapshot, here.uri, here.offset)]
    assert '"revenue / order_x"' in chain
    assert '["revenue / order_x"]' in chain
    assert chain[-1] == here.text
    assert [len(part) for part in chain] == sorted({len(part) for part in chain})


def test_links_open_the_source_of_a_model_and_the_schema_of_a_query() -> None:
    here = marked(_MODEL)
    (link,) = links(here.snapshot, here.uri)
    assert link.span.cut(here.text) == "shop('ord')"
    assert not isinstance(link.target, str)
    assert link.target.span.cut(here.text) == "ord"
    here = marked('{"$schema": "https://example.org/smq.schema.json", "metrics": ["revenue"]}')
    (link,) = links(here.snapshot, here.uri)
    assert link.target == "https://example.org/smq.schema.json"


# Signatures


@pytest.mark.parametrize(
    ("text", "label", "active"),
    [
        ('{"metrics": ["LAG(revenue,‹cursor›', "LAG(value, offset, default)", 1),
        ('{"metrics": ["SUM(revenue) OVER (‹cursor›"]}', "OVER(PARTITION BY …", 0),
        ('{"metrics": ["SUM(revenue) OVER (ORDER BY 주문__order_date ‹cursor›"]}', "OVER(", 1),
        ('{"metrics": ["SUM(revenue) OVER (ORDER BY x ROWS ‹cursor›"]}', "OVER(", 2),
        (model("SUM(orders__amount", "SUM(‹cursor›orders__amount"), "SUM(value)", 0),
        (model("metric_type: ratio", "metric_type: rat‹cursor›io"), "ratio(numerator, denom", 0),
        (model("denominator: revenue", "denominator: rev‹cursor›enue"), "ratio(numerator,", 1),
    ],
)
def test_signatures(text: str, label: str, active: int) -> None:
    here = marked(text)
    found = signature(here.snapshot, here.uri, here.offset)
    assert found is not None
    assert found.function.signature.startswith(label)
    assert found.active == active


def test_no_signature_outside_of_a_call() -> None:
    for text in (
        '{"metrics": ["revenue‹cursor›"]}',
        model("name: revenue", "name: rev‹cursor›enue"),
    ):
        here = marked(text)
        assert signature(here.snapshot, here.uri, here.offset) is None


# Hints


def test_hints_of_a_query_say_types_ways_and_what_a_limit_means() -> None:
    here = marked('{"metrics": ["account_count"], "groupBy": ["부점코드__brn_stcd"], "limit": 3}')
    whole = Span(0, len(here.text))
    found = {
        here.text[: hint.offset].rsplit('"', 2)[-2]: hint.label
        for hint in inlay_hints(here.snapshot, here.uri, whole)
        if here.text[hint.offset - 1] == '"'
    }
    assert found["account_count"] == "integer"
    assert "고객기본 → 부점코드" in found["부점코드__brn_stcd"]
    (limit,) = [h for h in inlay_hints(here.snapshot, here.uri, whole) if "orderBy" in h.label]
    assert here.text[limit.offset - 1] == "3"


def test_hints_of_a_model_count_uses_and_come_for_the_asked_range_only() -> None:
    here = marked(_MODEL + '-- q.smq.json --\n{"metrics": ["revenue"]}\n')
    text = here.snapshot.document("m.yml").text
    found = inlay_hints(here.snapshot, "m.yml", Span(0, len(text)))
    labels = {text[: h.offset].rsplit(" ", 1)[-1]: h.label for h in found}
    assert labels["revenue"] == "3 uses"
    assert inlay_hints(here.snapshot, "m.yml", Span(0, 10)) == ()


# Actions


def test_fixes_are_found_by_range_and_the_safe_one_is_preferred() -> None:
    _, found = actions_at('{"metrics": ["‹range›revenu‹/range›"]}')
    fixes = [a for a in found if a.kind == "quickfix"]
    assert [a.title for a in fixes if a.preferred] == ["Change to 'revenue'"]
    _, none = actions_at('{"metrics": ["revenu"], "‹cursor›limit": 3}')
    assert not [a for a in none if a.title == "Change to 'revenue'"]


def test_automatic_joins_are_written_out_and_taken_back() -> None:
    text = '{"met‹cursor›rics": ["account_count"], "groupBy": ["부점코드__brn_stcd"]}'
    texts = check_action(text, "Write the joins out", "FROM 계좌정보 LEFT JOIN 고객기본 ON")
    back = texts["q.smq.json"].replace('"metrics"', '"met‹cursor›rics"')
    _, found = actions_at(back)
    assert "Use automatic joins" in [a.title for a in found]


@pytest.mark.parametrize("around", ["{}", "[\n{}\n]"])
def test_unconnected_models_are_split_into_queries(around: str) -> None:
    others = """\
  - name: visits
    table: web.visits
    entities: [{name: v, type: primary, expr: id}]
    dimensions: [{name: page, type: varchar}]
    measures: [{name: n, type: integer, agg: count}]
metrics:
  - {name: visit_count, expr: COUNT(visits__n)}
"""
    query = """{"metrics": ["rev‹cursor›enue", "visit_count"],
 "groupBy": ["orders__state", "visits__page"]}"""
    text = model("metrics:\n", others) + "-- q.smq.json --\n" + around.replace("{}", query)
    texts = check_action(text, "Split into one query for each part")
    parts = json.loads(texts["q.smq.json"])
    assert [(part["metrics"], part["groupBy"]) for part in parts] == [
        (["revenue"], ["orders__state"]),
        (["visit_count"], ["visits__page"]),
    ]


def test_an_expression_becomes_a_metric_of_the_model() -> None:
    text = '{"metrics": ["revenue / NULLIF(custo‹cursor›mer_count, 0) AS 객단가"]}'
    texts = check_action(text, "Extract into a metric '객단가'", "name: 객단가")
    assert '{"metrics": ["객단가"]}' in texts["q.smq.json"]
    assert "expr: revenue / NULLIF(customer_count, 0)" in texts["models.yml"]


@pytest.mark.parametrize("crlf", [False, True])
def test_everything_that_is_safe_is_fixed_at_once(crlf: bool) -> None:
    here = marked('{"metrics": ["revenu"],\n "group_by": ["주문__order_date"]\n}', crlf)
    edits = fix_everything(here.snapshot, here.uri)
    text = apply_edits(here.text, edits)
    assert '"revenue"' in text and '"groupBy"' in text
    assert ("\r\n" in text) == crlf


def test_a_line_begins_one_fold_which_is_its_own_block() -> None:
    text = """\
saved_queries:
  - name: sales
    query_params:
      metrics:
        - revenue
      group_by:
        - orders__day
"""
    here = marked(f"-- m.yml --\n{text}")
    found = [(f.first_line, f.last_line) for f in folds(here.snapshot, here.uri)]
    assert found == [(0, 6), (1, 6), (2, 6), (3, 4), (5, 6)]


def test_saved_queries_and_calendars_are_in_the_outline() -> None:
    text = """-- m.yml --
saved_queries:
  - name: sales
    description: How much?
    query_params: {metrics: [revenue]}
models:
  - name: days
    columns: [{name: date_day, granularity: day}]
"""
    assert outline(text) == ["query sales", "model days"]


def _grown(text: str) -> list[str]:
    here = marked(text)
    return [span.cut(here.text) for span in selection(here.snapshot, here.uri, here.offset)]


def test_a_selection_grows_through_names_brackets_and_conditions() -> None:
    text = "a__b = 'x AND y' AND (c__d IN (1, 2) OR ROUND(e__‹cursor›f, 2) > 3)"
    assert _grown(f'{{"metrics": ["m"], "filters": ["{text}"]}}')[:5] == [
        "e__f",
        "(e__f, 2)",
        "ROUND(e__f, 2) > 3",
        "(c__d IN (1, 2) OR ROUND(e__f, 2) > 3)",
        text.replace("‹cursor›", ""),
    ]
    condition = '{"metrics": ["m"], "filters": ["고객__등급 = \'\\uD55C\' AND b‹cursor›c > 1"]}'
    assert _grown(condition)[:2] == ["bc", "bc > 1"]


@pytest.mark.parametrize(
    ("text", "label", "active"),
    [
        ("metric_type: ratio\n    type_params:\n      ‹cursor›", "ratio(", 0),
        ("metric_type: ratio\n    type_params:\n      denominator: ‹cursor›", "ratio(", 1),
        ("metric_type: ratio\n    type_params: {denominator: ‹cursor›", "ratio(", 1),
        ("expr: a\n    filter: \"{{ TimeDimension('a__b', ‹cursor›\"", "TimeDimension(", 1),
    ],
)
def test_signatures_of_what_is_half_typed(text: str, label: str, active: int) -> None:
    here = marked(f"-- m.yml --\nmetrics:\n  - name: m\n    {text}")
    found = signature(here.snapshot, here.uri, here.offset)
    assert found is not None
    assert found.function.signature.startswith(label)
    assert found.active == active


def test_a_frame_of_a_metric_is_no_parameter_of_its_kind() -> None:
    text = "type_params: {measure: a, window: {frame: {‹cursor›}}}"
    here = marked(f"-- m.yml --\nmetrics:\n  - name: m\n    {text}")
    assert signature(here.snapshot, here.uri, here.offset) is None


def test_a_lens_counts_queries_and_not_files() -> None:
    here = marked('[{"metrics": ["revenue"]}, {"metrics": ["revenue", "revenue * 2 AS b"]}]')
    found = [lens for lens in lenses(here.snapshot, "models.yml") if lens.action == "references"]
    titles = [lens.title for lens in found if lens.span.cut(_bank(here)) == "revenue"]
    assert titles == ["used by 2 queries"]


def _bank(here: Marked) -> str:
    return here.snapshot.document("models.yml").text


def test_a_template_is_coloured_as_the_name_in_it() -> None:
    metrics = '{"metrics": ["revenue"], "filters": ["{{ Dimension(\'cust__cust_no\') }} = \'x\'"]}'
    check_tokens(metrics, "revenue/metric cust/entity cust_no/dimension =/operator 'x'/string")


def test_a_hint_tells_the_whole_way_and_the_way_that_is_meant() -> None:
    text = '{"metrics": ["account_count"], "groupBy": ["부점코드__brn_cd", "cust__cust_no"]}'
    here = marked(text)
    whole = Span(0, len(here.text))
    labels = [h.label for h in inlay_hints(here.snapshot, here.uri, whole)]
    assert labels[1:] == [
        "varchar · 계좌정보 → 고객기본 → 부점코드",
        "varchar · 계좌정보 → 고객기본",
    ]


def test_a_selection_between_the_lines_of_a_text_holds_the_place() -> None:
    text = "-- m.yml --\nmetrics:\n  - name: m\n    expr: 2 * fees\n     ‹cursor› / 3\n"
    here = marked(text)
    chain = selection(here.snapshot, here.uri, here.offset)
    assert all(span.contains(here.offset) for span in chain)
    assert chain[0].cut(here.text) == "2 * fees\n      / 3"
