"""What is wrong with model files: each rule with its near misses, its words and its fix."""

from __future__ import annotations

import time

import pytest
from tests.support.fixture import split

from smq.problem import Severity
from smq.rules import find, rules
from smq.rules.check import Finding, check
from smq.syntax import Document
from smq.text import apply_edits
from smq.workspace import Configuration, Snapshot, build

OFF_BY_DEFAULT = ("MOD206", "MOD207", "MET205")


def snapshot(text: str, *on: str) -> Snapshot:
    documents = [Document(f"file:///w/{file.path}", file.text) for file in split(text)]
    severities = tuple((code, Severity.WARNING) for code in on)
    return build(documents, Configuration(root="file:///w", severities=severities))


def findings(text: str, *on: str) -> list[Finding]:
    return check(snapshot(text, *on))


def told(text: str, *on: str) -> list[tuple[str, str]]:
    """(code, the text that is underlined), in the order of the files."""
    files = {f"file:///w/{file.path}": file.text for file in split(text)}
    return [(f.code, f.location.span.cut(files[f.location.uri])) for f in findings(text, *on)]


def only(text: str, *on: str) -> Finding:
    (finding,) = findings(text, *on)
    return finding


def fixed(text: str, number: int = 0) -> str:
    """A one-file fixture after the given fix of its only finding."""
    fix = only(text).fixes[number]
    return apply_edits(text, fix.edits)


# Every meaning that the earlier linter had, and where it went. What needs the warehouse's own
# schema is in tests/test_catalog_rules.py.

MODEL = """\
sources:
  - {name: bank, schema: core, tables: [{name: loans}]}
semantic_models:
  - name: 여신
    table: bank('loans')
    entities:
      - {name: loan, type: primary, expr: loan_no}
    dimensions:
      - {name: 상태, type: varchar, expr: st_cd}
    measures:
      - {name: 잔액, type: number, expr: bal}
metrics:
  - name: 총잔액
    metric_type: simple
    type: number
    expr: SUM(여신__잔액)
"""

EARLIER = [
    ("SEM001", "tables: [{name: loans}]", "tables: loans", "MOD103"),
    ("SEM001", "{name: bank, schema", "{schema", "MOD102"),
    ("SEM002", "metrics:\n", "metrics:\n  - {name: 총잔액, expr: COUNT(*)}\n", "MET203"),
    ("SEM003", "metric_type: simple", "metric_type: simpel", "MOD104"),
    ("SEM004", "type: number\n    expr", "type: numbre\n    expr", "MOD105"),
    ("SEM005", "SUM(여신__잔액)", "SUM(여신__잔액액)", "MET102"),
    ("SEM005", "SUM(여신__잔액)", "총잔엑 * 2", "MET102"),
    ("SEM007", "dimensions:\n", "dimensions:\n      - {name: 상태, type: date}\n", "MOD201"),
    ("SEM008", "measures:\n", "measures:\n      - {name: 잔액, type: number}\n", "MOD201"),
    ("SEM009", "measures:\n", "measures:\n      - {name: 상태, type: number}\n", "MOD202"),
    ("SEM010", "bank('loans')", "bank(loans)", "REF101"),
    ("SEM011", "bank('loans')", "bamk('loans')", "REF102"),
    ("SEM011", "bank('loans')", "bank('loan')", "REF103"),
    ("SEM012", "type: varchar, expr: st_cd", "type: varchr, expr: st_cd", "MOD105"),
    ("SEM013", "type: number, expr: bal", "type: numbr, expr: bal", "MOD105"),
    ("SEM021", "type: primary", "type: primry", "MOD104"),
    ("SEM014", "    table: bank('loans')\n", "", "MOD102"),
    ("SEM014", "name: loan, ", "", "MOD102"),
    ("SEM014", "type: varchar, expr: st_cd", "expr: st_cd", "MOD102"),
    ("SEM014", "type: number, expr: bal", "expr: bal", "MOD102"),
    ("SEM014", "metric_type: simple\n    type: number\n    expr: SUM(여신__잔액)", "", "MET201"),
    ("SEM015", "metrics:\n", "note: x\nmetrics:\n", "MOD101"),
    ("SEM020", "metric_type: simple", "metric_tpye: simple", "MOD101"),
    ("SEM502", "type: primary", "type: foreign", "REF104"),
    ("SEM502", "type: varchar, expr", "type: varchar, exrp", "MOD101"),
    ("SEM503", "type: varchar, expr: st_cd", "type: varchar, color: red", "MOD101"),
]  # fmt: skip


def test_the_example_is_faultless() -> None:
    assert told(MODEL) == []


@pytest.mark.parametrize(("earlier", "old", "new", "code"), EARLIER)
def test_what_the_earlier_linter_told_is_told(earlier: str, old: str, new: str, code: str) -> None:
    assert MODEL.count(old) == 1
    text = MODEL.replace(old, new)
    found = findings(text)
    assert code in [f.code for f in found], earlier
    wrong = next(f for f in found if f.code == code)
    start, end = wrong.location.span
    assert "\n" not in text[start:end] and end > start
    assert wrong.severity is (Severity.WARNING if code == "REF104" else Severity.ERROR)


def test_a_file_name_that_differs_was_a_warning_and_is_off_now() -> None:
    assert told(MODEL) == []
    assert told(MODEL, "MOD206") == [("MOD206", "여신")]
    assert told("-- 여신.yml --\n" + MODEL, "MOD206") == []
    two = MODEL.replace("metrics:\n", "  - {name: other, table: core.x}\nmetrics:\n")
    assert [f.code for f in findings(two, "MOD206")] == ["MOD208", "MOD208"]


def test_rules_that_are_off_say_so_and_the_others_are_on() -> None:
    ours = {c: r for c, r in rules().items() if r.family in ("MOD", "REF", "MET", "TYP")}
    assert {c for c, r in ours.items() if r.severity is Severity.OFF} == set(OFF_BY_DEFAULT)
    assert find("unknown-model-key") is find("MOD101")


# Shape: words and fixes.


def message(text: str, *on: str) -> str:
    return only(text, *on).message


def test_an_unknown_key_names_the_thing_and_the_nearest_key() -> None:
    text = MODEL.replace("st_cd}", "st_cd, lable: x}")
    assert message(text) == (
        "Dimension '상태' has no key `lable`, so it would not be read. Did you mean `label`?"
    )
    assert "label: x}" in fixed(text)


def test_an_unknown_key_without_a_near_one_lists_what_there_is() -> None:
    text = MODEL.replace("st_cd}", "st_cd, zzz: x}")
    assert "It can have `name`, `type`, `label`" in message(text)
    assert only(text).fixes == ()


def test_a_key_that_is_there_already_is_not_proposed_twice() -> None:
    text = MODEL.replace("expr: st_cd}", "expr: st_cd, exprr: x}")
    assert only(text).problem.args["nearest"] == ()


def test_a_missing_key_is_added_in_braces_and_in_lines() -> None:
    braces = MODEL.replace("type: varchar, expr: st_cd", "expr: st_cd")
    assert "{name: 상태, expr: st_cd, type: varchar}" in fixed(braces)
    lines = MODEL.replace(
        "      - {name: 상태, type: varchar, expr: st_cd}\n",
        "      - name: 상태  # the state\n        expr: st_cd\n",
    )
    after = fixed(lines)
    assert "- name: 상태  # the state\n        type: varchar\n        expr" in after
    assert told(after) == []
    windows = lines.replace("\n", "\r\n")
    assert "\r\n        type: varchar\r\n" in apply_edits(windows, only(windows).fixes[0].edits)


def test_words_for_a_missing_table_and_a_missing_name() -> None:
    text = MODEL.replace("    table: bank('loans')\n", "")
    assert message(text).startswith(
        "Semantic model '여신' has no `table`, `model` or `node_relation`. Without a table"
    )
    text = MODEL.replace("name: loan, ", "")
    assert findings(text)[0].message == (
        "An entity of semantic model '여신' has no `name`. Without a name nothing can refer to it."
    )


def test_a_number_where_text_belongs_gets_quotes() -> None:
    text = MODEL.replace("expr: st_cd}", "expr: st_cd, label: 2024}")
    assert message(text) == (
        "`label` of dimension '상태' must be text, but it is a whole number. Put it in quotes."
    )
    assert 'label: "2024"}' in fixed(text)
    assert only(text).fixes[0].safety == "safe"


def test_a_lone_item_where_a_list_belongs_gets_brackets() -> None:
    text = "saved_queries:\n  - name: q\n    query_params: {metrics: revenue}\n"
    finding = findings(text)[0]
    assert (finding.code, apply_edits(text, finding.fixes[0].edits).splitlines()[-1]) == (
        "MOD103",
        "    query_params: {metrics: [revenue]}",
    )


def test_a_value_that_differs_only_in_case_is_safely_mended() -> None:
    text = MODEL.replace("type: primary", "type: PRIMARY")
    fix = only(text).fixes[0]
    assert (fix.title, fix.safety) == ("Change to 'primary'", "safe")
    near = MODEL.replace("type: primary", "type: primry")
    assert only(near).fixes[0].safety == "unsafe"


def test_a_data_type_where_the_metric_type_belongs_is_explained() -> None:
    text = MODEL.replace(
        "    metric_type: simple\n    type: number\n    expr: SUM(여신__잔액)",
        "    type: number\n    type_params: {measure: 잔액}",
    ).replace("type: number, expr: bal", "agg: sum, expr: bal")
    assert "neither `metric_type` nor `expr`" in message(text)


def test_a_type_cut_by_a_comma_is_explained() -> None:
    text = MODEL.replace("type: varchar, expr: st_cd", "type: decimal(18, 2), expr: st_cd")
    found = [f for f in findings(text) if f.code == "MOD105"]
    assert "put the whole type in quotes" in found[0].message


def test_templates_in_texts_are_told_and_doc_is_not() -> None:
    text = MODEL.replace(
        "    table: bank", "    description: \"{{ doc('loans') }} {{ var('x') }}\"\n    table: bank"
    )
    assert told(text) == [("MOD109", "{{ var('x') }}")]
    filters = MODEL + "    filter: \"{{ Dimension('loan__상태') }} = '1'\"\n"
    assert told(filters) == []


# Names.


def test_a_double_definition_points_to_the_first_and_is_removed() -> None:
    text = MODEL.replace(
        "    measures:\n",
        "      # kept\n      - name: 상태\n        type: date\n        # of 2024\n    measures:\n",
    )
    finding = only(text)
    assert (finding.code, finding.related[0].note) == ("MOD201", "the first dimension '상태'")
    assert finding.related[0].location.span.cut(text) == "상태"
    after = fixed(text)
    assert "# kept\n        # of 2024\n    measures" in after
    assert told(after) == []


def test_a_double_definition_in_brackets_goes_with_its_comma() -> None:
    text = "semantic_models:\n  - {name: a, table: t, dimensions: [%s]}\n"
    one, two = "{name: x, type: date}", "{name: x, type: time}"
    assert fixed(text % f"{one}, {two}") == text % one
    three = "{name: y, type: date}"
    assert fixed(text % f"{one}, {two}, {three}") == text % f"{one}, {three}"


def test_one_item_used_twice_by_an_alias_is_told_but_not_removed() -> None:
    text = (
        "semantic_models:\n  - name: a\n    table: t\n    dimensions:\n"
        "      - &d {name: x, type: date}\n      - *d\n"
    )
    finding = only(text)
    assert (finding.code, finding.fixes) == ("MOD201", ())


def test_an_entity_may_share_its_name_with_a_dimension() -> None:
    assert told(MODEL.replace("name: 상태", "name: loan")) == []


def test_definitions_in_two_files_are_told_in_the_later_one() -> None:
    models = "semantic_models:\n" + MODEL.split("semantic_models:\n")[1]
    text = f"-- a.yml --\n{MODEL}-- b.yml --\n{models}"
    found = findings(text)
    assert [(f.code, f.location.uri[-5:]) for f in found] == [
        ("MOD205", "b.yml"),
        ("MET203", "b.yml"),
    ]
    assert {f.related[0].location.uri[-5:] for f in found} == {"a.yml"}


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("고객 기본", "holds a space"),
        ("a-b", "holds `-`"),
        ("a.b", "holds `.`"),
        ("1st", "cannot start with a digit"),
        ("metric_time", "already means"),
        ('"a`b"', "holds ```"),
    ],
)
def test_a_metric_name_that_cannot_be_queried(name: str, part: str) -> None:
    text = MODEL.replace("name: 총잔액", f"name: {name}")
    finding = only(text)
    assert finding.code == "MOD204"
    assert part in finding.message
    assert finding.location.span.cut(text) == name.strip('"')


def test_a_metric_named_with_a_word_of_sql_is_a_warning_because_it_can_be_asked_for() -> None:
    finding = only(MODEL.replace("name: 총잔액", "name: order"))
    assert (finding.code, finding.severity) == ("MOD210", Severity.WARNING)
    assert "word of SQL" in finding.message


@pytest.mark.parametrize("name", ["총잔액2", "a__b", "_x", "été", "売上"])
def test_a_metric_name_that_can_be_queried(name: str) -> None:
    assert told(MODEL.replace("name: 총잔액", f"name: {name}")) == []


def test_a_dimension_may_start_with_a_digit_because_its_model_stands_before_it() -> None:
    assert told(MODEL.replace("name: 상태", "name: 1차상태")) == []
    assert told(MODEL.replace("name: 상태", "name: order")) == []
    assert told(MODEL.replace("name: 상태", "name: 상태 코드")) == [("MOD204", "상태 코드")]
    assert "name: 상태_코드" in fixed(MODEL.replace("name: 상태", "name: 상태 코드"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("여신", ["MOD203"]),
        ("상태", ["MOD203"]),
        ("loan", ["MOD203"]),
        ("잔액", []),
        ("새이름", []),
    ],
)
def test_a_metric_that_shares_a_name(name: str, expected: list[str]) -> None:
    assert [f.code for f in findings(MODEL.replace("name: 총잔액", f"name: {name}"))] == expected


def test_missing_descriptions_are_told_when_asked_for() -> None:
    assert [text for _, text in told(MODEL, "MOD207")] == ["여신", "상태", "잔액", "총잔액"]


def test_a_model_that_nothing_joins_is_a_hint() -> None:
    other = "  - name: 부점\n    table: core.b\n    entities: [{name: brn, type: primary}]\n"
    text = MODEL.replace("metrics:\n", other + "metrics:\n")
    assert told(text) == [("MOD208", "여신"), ("MOD208", "부점")]
    joined = text.replace("expr: loan_no}", "expr: loan_no}\n      - {name: brn, type: foreign}")
    assert told(joined) == []


def test_other_declarations_are_told_when_repeated() -> None:
    source = "sources:\n  - {name: bank, tables: [{name: loans}, {name: other}]}\n"
    text = f"-- a.yml --\n{MODEL}-- b.yml --\n{source}"
    assert told(text) == [("MOD209", "loans")]
    spine = "models:\n  - {name: days, columns: [{name: d, granularity: day}]}\n"
    query = "saved_queries:\n  - {name: q, query_params: {metrics: []}}\n"
    for once in (spine, query):
        body = once.split("\n", 1)[1]
        assert [f.code for f in findings(once + body)] == ["MOD209"]
        assert findings(once) == []


# References.


def test_a_source_is_underlined_by_itself_and_mended() -> None:
    text = MODEL.replace("bank('loans')", "bamk('loans')")
    assert told(text) == [("REF102", "bamk")]
    assert "bank('loans')" in fixed(text)
    text = MODEL.replace("bank('loans')", "source('bank', 'loan')")
    assert told(text) == [("REF103", "loan")]
    assert "source('bank', 'loans')" in fixed(text)


def test_a_source_may_be_declared_in_another_file_and_far_from_any_other_lists_them() -> None:
    source, rest = MODEL.split("semantic_models:")
    text = f"-- sources.yml --\n{source}-- models/m.yml --\nsemantic_models:{rest}"
    assert told(text) == []
    assert "Declared are `bank`." in only(text.replace("bank('loans')", "zzz('loans')")).message


def test_physical_names_and_refs_need_no_source() -> None:
    for table in ("core.loans", "ref('loans')", "SELECT * FROM loans", "'`p-1.core.loans`'"):
        assert told(MODEL.replace("bank('loans')", table)) == []


FOREIGN = MODEL.replace(
    "expr: loan_no}", "expr: loan_no}\n      - {name: cust_no, type: foreign, expr: cust}"
)


@pytest.mark.parametrize(
    ("entities", "expected"),
    [
        ("entities: [{name: cust_nr, type: primary}]", ["REF104", "MOD208", "MOD208"]),
        ("entities: [{name: cust_no, type: primary}]", []),
        ("entities: [{name: cust_no, type: unique}]", []),
        ("primary_entity: cust_no", ["MOD208", "MOD208"]),
        ("entities: [{name: cust_no, type: natural}]", ["MOD208", "MOD208"]),
    ],
)
def test_a_foreign_entity_needs_a_key_somewhere(entities: str, expected: list[str]) -> None:
    other = f"  - name: 고객\n    table: core.c\n    {entities}\n"
    text = FOREIGN.replace("metrics:\n", other + "metrics:\n")
    assert sorted(f.code for f in findings(text)) == sorted(expected)


def test_a_foreign_entity_is_renamed_to_the_nearest_key() -> None:
    other = "  - name: 고객\n    table: core.c\n    entities: [{name: cust_nr, type: primary}]\n"
    text = FOREIGN.replace("metrics:\n", other + "metrics:\n")
    finding = next(f for f in findings(text) if f.code == "REF104")
    assert finding.severity is Severity.WARNING
    assert told(apply_edits(text, finding.fixes[0].edits)) == []


TIMED = MODEL.replace(
    "    measures:\n",
    "      - {name: 기준일, type: date}\n    defaults: {agg_time_dimension: %s}\n    measures:\n",
)


def test_time_dimensions_must_be_dimensions_that_tell_time() -> None:
    assert told(TIMED % "기준일") == []
    assert told(TIMED % "기준이") == [("REF105", "기준이")]
    assert "{agg_time_dimension: 기준일}" in fixed(TIMED % "기준이")
    assert told(TIMED % "상태") == [("REF106", "상태")]
    assert "its type is `varchar`" in only(TIMED % "상태").message
    of_measure = (TIMED % "기준일").replace("expr: bal}", "expr: bal, agg_time_dimension: 없음}")
    assert told(of_measure) == [("REF105", "없음")]
    assert "measure '잔액'" in only(of_measure).message


def test_snapshots_are_chosen_by_dimensions_and_entities_of_the_model() -> None:
    block = "expr: bal, non_additive_dimension: {name: %s, window_groupings: [%s]}}"
    text = (TIMED % "기준일").replace("expr: bal}", block)
    assert told(text % ("기준일", "loan")) == []
    assert told(text % ("기준월", "loan")) == [("REF105", "기준월")]
    assert told(text % ("기준일", "laon")) == [("REF107", "laon")]
    assert "window_groupings: [loan]" in fixed(text % ("기준일", "laon"))


def test_saved_queries_ask_for_known_metrics() -> None:
    query = "saved_queries:\n  - {name: q, query_params: {metrics: [총잔액, %s]}}\n"
    assert told(MODEL + query % "총잔고") == [("REF108", "총잔고")]
    assert "Metric '총잔고' not found" in only(MODEL + query % "총잔고").message
    assert told(MODEL + query % "총잔액") == []
    assert told(MODEL + query % '"총잔액 / 2 AS half"') == []


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("여신__상태", [("REF109", "여신__상태")]),
        ("UPPER(여신__상태) = 'A'", [("REF109", "여신__상태")]),
        ("a__b", []),
        ("여신__없음", []),
        ("UPPER(a__b)", []),
    ],
)
def test_a_prefixed_name_in_a_column_expression(expr: str, expected: list[tuple[str, str]]) -> None:
    text = MODEL.replace(
        "    measures:\n", f'      - {{name: 새, type: varchar, expr: "{expr}"}}\n    measures:\n'
    )
    assert told(text) == expected
    if expected:
        assert "여신__상태" not in fixed(text).split("metrics:")[0]


# Metrics.


def with_metric(expr: str, **keys: str) -> str:
    more = "".join(f"    {key}: {value}\n" for key, value in keys.items())
    return f"{MODEL}  - name: m\n{more}    expr: {expr}\n"


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("COUNT(*)", []),
        ("SUM(여신__잔액) / NULLIF(COUNT(DISTINCT 여신__상태), 0)", []),
        ("총잔액 * 2", []),
        ("m + 1", [("MET101", "m")]),
        ("SUM(여신__잔고)", [("MET102", "여신__잔고")]),
        ("총잔고 * 2", [("MET102", "총잔고")]),
        ("SUM(여신__잔액", [("MET105", None)]),
        ("SELECT 1", [("MET105", None)]),
        ("SUM(SUM(여신__잔액))", [("MET106", None)]),
        ("SUM(총잔액)", [("MET106", "총잔액")]),
        ("여신__잔액 * 2", [("MET107", "여신__잔액")]),
        ("여신__상태", [("MET108", "여신__상태")]),
        ("SUM(여신__상태)", [("TYP102", "여신__상태")]),
        ("AVG(DISTINCT 여신__상태)", [("TYP102", "여신__상태")]),
        ("SUM(CAST(여신__상태 AS INTEGER))", []),
        ("MAX(여신__상태)", []),
        ("COUNT(여신__상태)", []),
    ],
)
def test_expressions_of_metrics(expr: str, expected: list[tuple[str, str | None]]) -> None:
    text = with_metric(f'"{expr}"')
    found = told(text)
    assert [code for code, _ in found] == [code for code, _ in expected]
    for (_, shown), (_, wanted) in zip(found, expected, strict=True):
        assert wanted is None or shown == wanted


def test_a_cycle_is_shown_as_a_way_round() -> None:
    text = (
        MODEL
        + "  - {name: a, expr: b + 1}\n  - {name: b, expr: c + 1}\n  - {name: c, expr: a + 1}\n"
    )
    found = findings(text)
    assert {f.code for f in found} == {"MET101"}
    assert "a → b → c → a" in " ".join(f.message for f in found)


def test_a_broken_metric_is_told_once_however_many_use_it() -> None:
    text = (
        with_metric("SUM(여신__잔고)") + "  - {name: x, expr: m * 2}\n  - {name: y, expr: x + m}\n"
    )
    assert told(text) == [("MET102", "여신__잔고")]


def test_an_unknown_measure_in_type_params_is_mended() -> None:
    text = MODEL.replace("type: number, expr: bal", "agg: sum, expr: bal")
    text += "  - {name: m, type: simple, type_params: {measure: 잔액1}}\n"
    assert told(text) == [("MET102", "잔액1")]
    assert "measure: 잔액}" in fixed(text)


def test_a_measure_without_aggregation_can_be_aggregated_by_the_fix() -> None:
    text = with_metric("여신__잔액 * 2")
    assert "expr: SUM(여신__잔액) * 2" in fixed(text)
    assert told(fixed(text)) == []
    named = MODEL + "  - {name: m, type: simple, type_params: {measure: 잔액}}\n"
    assert told(named) == [("MET107", "잔액")]
    assert only(named).fixes == ()


@pytest.mark.parametrize(
    ("aggregation", "code"),
    [
        ("agg: summ", "MOD104"),
        ('agg: "sum\\u200d"', "MOD104"),
        ("agg: percentile", "MOD102"),
        ("agg: percentile, agg_params: {percentile: 95}", "MOD107"),
    ],
)
def test_a_measure_whose_aggregation_is_wrong_is_never_computed(
    aggregation: str, code: str
) -> None:
    text = MODEL.replace("type: number, expr: bal", f"{aggregation}, expr: bal")
    text += "  - {name: m, type: simple, type_params: {measure: 잔액}}\n"
    assert sorted(each for each, _ in told(text)) == ["MET107", code]


@pytest.mark.parametrize(
    ("metric", "missing"),
    [
        ("type: ratio, type_params: {numerator: 총잔액}", "denominator"),
        ("type: ratio, type_params: {denominator: 총잔액}", "numerator"),
        ("metric_type: ratio", "type_params"),
        ("type: derived, type_params: {metrics: [총잔액]}", "expr"),
        ("metric_type: simple", "type_params"),
    ],
)
def test_a_metric_that_lacks_what_its_type_is_made_of(metric: str, missing: str) -> None:
    finding = only(f"{MODEL}  - {{name: m, {metric}}}\n")
    assert finding.code == "MET202"
    assert f"has no `{missing}`" in finding.message


def test_a_metric_that_says_nothing() -> None:
    assert message(MODEL + "  - {name: m}\n").startswith("Metric 'm' does not say what it computes")


def test_unused_measures_are_told_when_asked_for() -> None:
    text = MODEL.replace("expr: bal}", "expr: bal}\n      - {name: 이자, type: number}")
    assert told(text) == []
    assert told(text, "MET205") == [("MET205", "이자")]
    assert told(text + "  - {name: m, expr: SUM(여신__이자)}\n", "MET205") == []
    # A broken metric still means the measure it names.
    broken = text + "  - {name: m, expr: SUM(여신__이자) + nothing}\n"
    assert "MET205" not in [f.code for f in findings(broken, "MET205")]


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("st_cd", []),
        ("t.st_cd", []),
        ("CASE WHEN a > 1 THEN 'x' END", []),
        ("COALESCE(a, b) || 'x'", []),
        ("SUM(a)", ["MET206"]),
        ("a / SUM(b)", ["MET206"]),
        ("ROW_NUMBER() OVER (ORDER BY a)", ["MET206"]),
        ("CASE WHEN a > 1 THEN 'x'", ["MET207"]),
        ("a +", ["MET207"]),
        ("{{ var('x') }}", ["MET207"]),
        ("a IN (SELECT b FROM c)", ["MET206"]),
    ],
)
def test_row_expressions(expr: str, expected: list[str]) -> None:
    text = MODEL.replace("expr: st_cd", f'expr: "{expr}"')
    assert [f.code for f in findings(text)] == expected


# Types.


@pytest.mark.parametrize(
    ("kind", "agg", "fits"),
    [
        ("number", "sum", True),
        ("decimal(18)", "average", True),
        ("varchar", "sum", False),
        ("date", "avg", False),
        ("date", "max", True),
        ("varchar", "min", True),
        ("map", "max", False),
        ("boolean", "sum_boolean", True),
        ("varchar", "sum_boolean", False),
        ("varchar", "count_distinct", True),
        ("array", "count", True),
        ("timestamp", "median", True),
        ("varchar", "median", False),
    ],
)
def test_aggregations_fit_types(kind: str, agg: str, fits: bool) -> None:
    text = MODEL.replace("type: number, expr: bal", f"type: {kind}, agg: {agg}, expr: bal")
    text = text.replace("expr: SUM(여신__잔액)", "expr: 여신__잔액")
    assert told(text) == ([] if fits else [("TYP101", "잔액")])


@pytest.mark.parametrize(
    ("left", "right", "differ"),
    [
        ("varchar", "integer", True),
        ("varchar", "string", False),
        ("integer", "decimal(10)", False),
        ("date", "timestamp", True),
    ],
)
def test_keys_of_joined_models_have_one_type(left: str, right: str, differ: bool) -> None:
    text = f"""\
semantic_models:
  - name: a
    table: t
    entities: [{{name: k, type: foreign, expr: kno}}]
    dimensions: [{{name: key_no, type: {left}, expr: kno}}]
  - name: b
    table: u
    entities: [{{name: k, type: primary}}]
    dimensions: [{{name: k, type: {right}}}]
"""
    assert told(text) == ([("TYP103", "k")] if differ else [])


# Silencing and configuration reach these rules as any other.


def test_a_finding_can_be_silenced_where_it_stands() -> None:
    text = FOREIGN.replace("cust_no, type: foreign", "cust_no, type: foreign")
    assert told(text) == [("REF104", "cust_no")]
    silenced = text.replace("expr: cust}", "expr: cust}  # smq: ignore[REF104]")
    assert told(silenced) == []


@pytest.mark.parametrize("form", ["      - {name: x, type: varchar}", "      - name: x"])
def test_each_of_very_many_duplicates_can_be_removed_at_once(form: str) -> None:
    def seconds(count: int) -> float:
        text = "\n".join([MANY, *([form] * count), ""])
        found = [each for each in findings(text) if each.code == "MOD201"]
        assert len(found) == count - 1
        started = time.process_time()
        edits = [edit for each in found for fix in each.fixes for edit in fix.edits]
        took = time.process_time() - started
        starts = {edit.span.start for edit in edits}
        assert starts == {len(MANY) + 1 + n * (len(form) + 1) for n in range(1, count)}
        return took

    # Sixteen times as many: looking through the list for each would take 256 times as long.
    assert seconds(3_200) < 80 * max(seconds(200), 0.001)


MANY = "semantic_models:\n  - name: a\n    table: t.a\n    dimensions:"
