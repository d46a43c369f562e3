"""The shape of model files: the schemas themselves, and what their check says."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from smq.graph.data_types import DATA_TYPES, value_kind
from smq.graph.fingerprint import place_for
from smq.graph.shape import SECTIONS, Engine, check_item, check_top, lists_of
from smq.graph.surely_valid import is_surely_valid
from smq.graph.symbols import GRAINS
from smq.problem import Problem
from smq.query.written import KEYS, SPELLINGS
from smq.syntax import Alias, Document, Mapping, Node, Pair, Parsed, Scalar, Sequence, jsonc, yaml
from smq.text import Span
from smq_schemas import names, schema

ENGINES: tuple[Engine, ...] = ("jsonschema", "jsonschema_rs")
MODELS = schema("semantic-model")


def check_shape(parsed: Parsed, root: Mapping, engine: Engine | None = None) -> Iterator[Problem]:
    """What is wrong with a whole document, in the order of its lists."""
    yield from check_top(parsed, root, engine)
    for key, _, items in lists_of(root):
        for index in range(len(items.items)):
            yield from check_item(parsed, key, items, index, engine)


def problems(text: str, engine: Engine | None = None) -> list[Problem]:
    parsed = yaml.parse(Document("file:///models.yml", text))
    assert parsed.problems == ()
    assert isinstance(parsed.root, Mapping)
    return list(check_shape(parsed, parsed.root, engine))


def told(text: str) -> list[tuple[str, str]]:
    """(code, the text that is underlined) for each problem; the same with every validator."""
    found = [problems(text, engine) for engine in ENGINES]
    assert found[0] == found[1]
    return [(p.code, p.location.span.cut(text)) for p in found[0]]


# The schemas.


@pytest.mark.parametrize("name", names())
def test_each_schema_is_a_valid_draft_2020_12_schema(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))
    assert schema(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_an_unknown_schema_is_a_key_error() -> None:
    for name in ("nothing", "../smq", ""):
        with pytest.raises(KeyError):
            schema(name)


def _objects(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        yield path, node
        for key, inner in node.items():
            yield from _objects(inner, f"{path}/{key}")
    elif isinstance(node, list):
        for index, inner in enumerate(node):
            yield from _objects(inner, f"{path}/{index}")


@pytest.mark.parametrize("name", ["semantic-model", "smq"])
def test_every_key_says_what_it_is_for(name: str) -> None:
    silent = [
        f"{path}/{key}"
        for path, node in _objects(schema(name))
        if isinstance(node.get("properties"), dict) and "/if" not in path and "/then" not in path
        for key, inner in node["properties"].items()
        if not inner.get("description", "").endswith((".", "`", ")"))
    ]
    assert silent == []


def test_the_query_schema_has_the_keys_that_the_reader_knows() -> None:
    assert set(schema("smq")["$defs"]["query"]["properties"]) == {*KEYS, *SPELLINGS}


def test_the_schema_offers_the_types_and_grains_that_the_loaders_know() -> None:
    definitions = MODELS["$defs"]
    enums = [e["enum"] for e in definitions["dataType"]["anyOf"] if "enum" in e]
    assert enums == [list(DATA_TYPES)]
    assert definitions["grain"]["enum"] == list(GRAINS)
    validator = Draft202012Validator({"$ref": "#/$defs/dataType", "$defs": definitions})
    for written in (*DATA_TYPES, *(t.upper() for t in DATA_TYPES)):
        assert validator.is_valid(written), written
        assert value_kind(written) is not None
    for written in ("decimal(18, 2)", "DECIMAL(18,2)", "varchar(20)", "array<string>", "MAP<A, B>"):
        assert validator.is_valid(written), written
        assert value_kind(written) is not None
    for written in ("varchr", "decimal(18", "text[]", "", "categorical "):
        assert not validator.is_valid(written), written


def test_only_keywords_that_have_words_are_used() -> None:
    structure = {"$ref", "$defs", "$schema", "$id", "properties", "items", "patternProperties"}
    conditions = {"if", "then", "else", "allOf", "not", "const"}
    words = {"title", "description", "examples", "default"}
    judged = {"type", "required", "additionalProperties", "anyOf", "enum", "pattern"}
    judged |= {"minLength", "minItems", "minimum", "maximum"}
    ours = {"x-smq-code", "x-smq-expected"}
    known = structure | conditions | words | judged | ours
    for path, node in _objects(MODELS):
        if path.endswith(("/properties", "/$defs", "/patternProperties")):
            continue
        assert set(node) <= known, path


def test_fingerprints_refuse_schemas_that_look_at_whole_lists() -> None:
    refused: list[dict[str, Any]] = [{"uniqueItems": True}, {"contains": {}}, {"minItems": 2}]
    for keyword in refused:
        with pytest.raises(ValueError, match=next(iter(keyword))):
            place_for({"type": "array", **keyword}, {})
    for definition in SECTIONS.values():
        place_for(MODELS["$defs"][definition], MODELS)


# What is said, and where.


MODEL = """\
semantic_models:
  - name: 부점코드
    table: bank('wapco_brncd_cn')
    dimensions:
      - {name: brn_stcd, type: varchar}
"""


def test_a_well_shaped_file_has_no_problems() -> None:
    assert told(MODEL) == []


def test_an_unknown_key_is_underlined_and_the_nearest_one_named() -> None:
    text = MODEL.replace("table:", "tabel:")
    assert told(text) == [("MOD101", "tabel")]
    (problem,) = problems(text)
    assert problem.args["nearest"] == ("table", "label")
    assert problem.args["name"] == "부점코드"


def test_a_key_far_from_any_other_does_not_hide_the_missing_one() -> None:
    text = MODEL.replace("table:", "whatever:")
    assert told(text) == [("MOD102", "부점코드"), ("MOD101", "whatever")]


def test_keys_with_a_prefix_of_ones_own_stay_quiet_at_the_top_only() -> None:
    assert told("x-note: {a: 1}\n" + MODEL) == []
    assert told("note: {a: 1}\n" + MODEL) == [("MOD101", "note")]
    assert told(MODEL + "    x-note: 1\n") == [("MOD101", "x-note")]


def test_a_missing_key_is_told_at_the_name_of_the_thing() -> None:
    text = MODEL + "      - {name: open_dt, label: 개설일}\n"
    assert told(text) == [("MOD102", "open_dt")]
    (problem,) = problems(text)
    assert (problem.args["where"], problem.args["name"]) == ("dimension", "open_dt")


def test_a_thing_without_a_name_is_told_at_its_first_key() -> None:
    assert told(MODEL + "      - {type: date, label: 개설일}\n") == [("MOD102", "type")]
    assert told(MODEL + "      - name:\n        type: date\n") == [("MOD103", "name")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{name: a, type: varchr}", ("MOD105", "varchr")),
        ("{name: a, type: 5}", ("MOD103", "5")),
        ("{name: a, type: date, label: 2024}", ("MOD103", "2024")),
        ("{name: a, type: date, label: [x]}", ("MOD103", "label")),
        ("{name: a, type: date, type_params: {time_granularity: dy}}", ("MOD104", "dy")),
        ("{name: '', type: date}", ("MOD106", "name")),
        ("just text", ("MOD103", "just text")),
    ],
)
def test_the_bad_part_of_a_dimension_is_underlined(line: str, expected: tuple[str, str]) -> None:
    assert told(MODEL + f"      - {line}\n") == [expected]


def test_an_item_that_is_not_written_yet_is_told_at_its_dash() -> None:
    text = MODEL + "      -\n      - {name: a, type: date}\n"
    (problem,) = problems(text)
    assert problem.code == "MOD103"
    assert text[: problem.location.span.start].count("\n") == 5
    assert problem.location.span.cut(text) == "-"


def test_a_list_that_is_a_mapping_is_told_at_its_key() -> None:
    assert told("metrics: {revenue: 1}\n") == [("MOD103", "metrics")]
    assert told(MODEL.replace("- {name: brn_stcd, type: varchar}", "a: 1")) == [
        ("MOD103", "dimensions")
    ]


def test_keys_without_a_value_count_as_absent() -> None:
    assert told(MODEL + "    measures:\n    description:\n    label: ~\nmetrics:\n") == []


def test_merged_keys_and_aliases_count_as_written() -> None:
    text = """\
x-common: &common {type: varchar, label: 공통}
semantic_models:
  - name: a
    table: t
    dimensions:
      - {<<: *common, name: one}
      - {<<: *common, name: two, lable: x}
"""
    assert told(text) == [("MOD101", "lable")]


def test_a_wrong_kind_is_one_problem_however_many_keywords_it_breaks() -> None:
    assert told("metrics:\n  - {name: [a], metric_type: 3, type: 4, expr: [b]}\n") == [
        ("MOD103", "name"),
        ("MOD103", "3"),
        ("MOD103", "4"),
        ("MOD103", "expr"),
    ]


METRICS = [
    ("{name: m, expr: SUM(x)}", []),
    ("{name: m, metric_type: simple, type: integer, expr: COUNT(*)}", []),
    ("{name: m, metric_type: simple, type: INTEGER, expr: COUNT(*)}", []),
    ("{name: m, type: simple, type_params: {measure: x}}", []),
    ("{name: m, type: ratio, type_params: {numerator: a, denominator: {name: b, alias: c}}}", []),
    ("{name: m, metric_type: ratio, expr: a / b}", []),
    ("{name: m, type: derived, type_params: {expr: a - b, metrics: [a, {name: b}]}}", []),
    ("{name: m, type: cumulative, type_params: {measure: x, window: 7 days}}", []),
    (
        "{name: m, type: cumulative, "
        "type_params: {measure: x, window: {count: 7, granularity: day}}}",
        [],
    ),
    ("{name: m, metric_type: simple, type_params: {measure: x, window: {order_by: [d]}}}", []),
    ("{name: m}", [("MET201", "m")]),
    ("{name: m, type: integer}", [("MET201", "m")]),
    ("{name: m, metric_type: simple}", [("MET202", "m")]),
    ("{name: m, type: ratio, type_params: {numerator: a}}", [("MET202", "type_params")]),
    ("{name: m, metric_type: derived, type_params: {metrics: [a]}}", [("MET202", "type_params")]),
    ("{name: m, type: cumulative, type_params: {}}", [("MET202", "type_params")]),
    ("{name: m, type: conversion, type_params: {}}", [("MET202", "type_params")]),
    ("{name: m, type: integer, type_params: {measure: x}}", [("MOD104", "integer")]),
    ("{name: m, metric_type: simpl, expr: SUM(x)}", [("MOD104", "simpl")]),
    ("{name: m, metric_type: simple, type: interger, expr: SUM(x)}", [("MOD105", "interger")]),
    ("{name: m, metric_type: simple, type: simple, expr: SUM(x)}", [("MOD105", "simple")]),
    ("{name: m, expr: SUM(x), tpye: integer}", [("MOD101", "tpye")]),
    (
        "{name: m, type: cumulative, type_params: {measure: x, window: 7days}}",
        [("MOD108", "7days")],
    ),
    (
        "{name: m, type: cumulative, type_params: {measure: x, window: {count: 7, order_by: [d]}}}",
        [("MOD102", "window"), ("MOD101", "order_by")],
    ),
]


@pytest.mark.parametrize(("metric", "expected"), METRICS)
def test_metrics_of_both_dialects(metric: str, expected: list[tuple[str, str]]) -> None:
    assert told(f"metrics:\n  - {metric}\n") == expected


def test_facts_never_name_the_schemas_insides() -> None:
    text = "metrics:\n  - {name: m, type: ratio, type_params: {numerator: a}}\n"
    (problem,) = problems(text)
    assert problem.args["keys"] == ("denominator",)
    assert problem.args["kind"] == "ratio"


# The fast check is the full check.


def _document(value: Any) -> Parsed:
    return jsonc.parse(Document("file:///m.yml", json.dumps(value, ensure_ascii=False)))


_TEXTS = st.sampled_from(
    ["", "a", "varchar", "date", "sum", "simple", "ratio", "primary", "7 days", "categorical"]
)
_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from([0.5, 1.0, 1e300]) | _TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXTS, inner, max_size=2),
    max_leaves=4,
)
_VALID: dict[str, Any] = {
    "semantic_models": [
        {
            "name": "a",
            "table": "t",
            "entities": [{"name": "k", "type": "primary"}, {"name": "f", "type": "foreign"}],
            "dimensions": [
                {"name": "d", "type": "date", "type_params": {"time_granularity": "day"}},
                {"name": "e", "type": "varchar", "expr": "x"},
                {"name": "f", "type": "varchar", "expr": "y"},
            ],
            "measures": [
                {"name": "m", "agg": "sum", "expr": 1},
                {"name": "p", "agg": "percentile", "agg_params": {"percentile": 0.5}},
                {
                    "name": "n",
                    "type": "number",
                    "non_additive_dimension": {"name": "d", "window_groupings": ["k"]},
                },
            ],
        },
        {"name": "b", "node_relation": {"alias": "x"}, "config": {"enabled": False}},
    ],
    "metrics": [
        {"name": "r", "type": "ratio", "type_params": {"numerator": "a", "denominator": "b"}},
        {"name": "s", "metric_type": "simple", "type": "integer", "expr": "COUNT(*)"},
        {
            "name": "d",
            "type": "derived",
            "filter": ["x > 1"],
            "type_params": {"expr": "a", "metrics": ["a", {"name": "b", "offset_window": "1 day"}]},
        },
        {
            "name": "w",
            "metric_type": "simple",
            "type_params": {
                "measure": {"name": "m", "fill_nulls_with": 0},
                "window": {"order_by": ["d"], "frame": {"type": "ROWS", "start": "CURRENT ROW"}},
            },
        },
    ],
    "sources": [{"name": "bank", "schema": None, "tables": [{"name": "t"}, {"name": "u"}]}],
    "models": [{"name": "days", "columns": [{"name": "day", "granularity": "day"}], "own": 1}],
    "saved_queries": [{"name": "q", "query_params": {"metrics": ["r"], "limit": 3}}],
}


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, below in inner:
        yield from _paths(below, (*path, key))


_KEYS = sorted(
    {key for _, node in _objects(MODELS) for key in node.get("properties", {})} | {"other"}
)


@st.composite
def damaged_files(draw: st.DrawFn) -> Any:
    """A valid file with up to three values replaced, keys removed or keys added."""
    value = copy.deepcopy(_VALID)
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from([p for p in _paths(value) if p]))
        owner: Any = value
        for step in path[:-1]:
            owner = owner[step]
        what = draw(st.sampled_from(["replace", "remove", "add"]))
        if what == "replace":
            owner[path[-1]] = draw(_JUNK)
        elif what == "remove":
            del owner[path[-1]]
        elif isinstance(owner, dict):
            owner[draw(st.sampled_from(_KEYS))] = draw(_JUNK)
        else:
            owner.insert(0, copy.deepcopy(owner[path[-1]]))
    return value


@settings(max_examples=300, deadline=None)
@given(damaged_files())
def test_the_check_finds_fault_exactly_where_full_validation_does(value: Any) -> None:
    parsed = _document(value)
    assert isinstance(parsed.root, Mapping)
    full = Draft202012Validator(MODELS)
    by_engine = [list(check_shape(parsed, parsed.root, engine)) for engine in ENGINES]
    assert by_engine[0] == by_engine[1]
    assert bool(by_engine[0]) == (not full.is_valid(value))
    # Looking again, with everything remembered, finds the same.
    assert list(check_shape(parsed, parsed.root, ENGINES[0])) == by_engine[0]
    # Every top-level item that is wrong has a problem inside or at it.
    for key, definition in SECTIONS.items():
        items = value.get(key)
        if isinstance(items, list):
            item = Draft202012Validator({"$ref": f"#/$defs/{definition}", "$defs": MODELS["$defs"]})
            wrong = sum(not item.is_valid(one) for one in items)
            alone = parsed_alone = _document({key: items})
            assert isinstance(alone.root, Mapping)
            found = list(check_shape(parsed_alone, alone.root))
            assert len(found) >= wrong
            assert bool(found) == bool(wrong)


@settings(max_examples=300, deadline=None)
@given(damaged_files())
def test_what_is_surely_valid_is_valid_to_the_library(value: Any) -> None:
    full = Draft202012Validator(MODELS)
    surely = is_surely_valid(value, MODELS, MODELS)
    assert surely <= full.is_valid(value)
    # The other way round as well, but for keys of one's own and for what JSON has to escape.
    if "\\" not in json.dumps(value) and not any(key.startswith("x-") for key in value):
        assert surely == full.is_valid(value)


def test_no_library_is_needed_for_what_is_right() -> None:
    keys = {key: value for key, value in _VALID.items() if not key.startswith("x-")}
    assert is_surely_valid(keys, MODELS, MODELS)


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (True, {"enum": [1]}),
        (1, {"const": True}),
        (0.5, {"type": "integer"}),
        (True, {"type": "number"}),
        ("금액", {"pattern": "^\\S+$"}),
        ("day\n", {"pattern": "^day$"}),
        ([1], {"uniqueItems": True}),
        ({"x-a": 1}, {"patternProperties": {"^x-": {"type": "string"}}}),
        ({"b": 1}, {"additionalProperties": {"type": "string"}}),
        ([{}], {"enum": [[{}]]}),
    ],
)
def test_what_is_wrong_or_not_for_us_to_tell_is_left_to_the_library(
    value: Any, schema: Any
) -> None:
    assert not is_surely_valid(value, schema, schema)


def test_values_that_json_does_not_have_are_judged_all_the_same() -> None:
    text = '{"metrics": [{"name": "\\ud800", "expr": "SUM(x)", "type": "\\udfff"}]}'
    parsed = jsonc.parse(Document("file:///m.yml", text))
    assert isinstance(parsed.root, Mapping)
    found = [list(check_shape(parsed, parsed.root, engine)) for engine in ENGINES]
    assert found[0] == found[1]
    assert [p.code for p in found[0]] == ["MOD105"]
    text = "metrics:\n  - name: m\n    type: simple\n    type_params:\n"
    text += "      measure: {name: x, fill_nulls_with: .inf}\n"
    assert told(text) == [("MOD103", ".inf")]


def test_a_value_that_contains_itself_ends() -> None:
    def scalar(text: str) -> Scalar:
        return Scalar(Span(0, 0), text, text)

    metric = Mapping(Span(0, 0), ())
    itself = Alias(Span(0, 0), "m", metric)
    keys: dict[str, Node] = {
        "name": scalar("m"),
        "expr": scalar("x"),
        "meta": itself,
        "type_params": itself,
    }
    metric.pairs = tuple(Pair(Span(0, 0), scalar(key), value) for key, value in keys.items())
    metrics = Sequence(Span(0, 0), (metric, metric))
    root = Mapping(Span(0, 0), (Pair(Span(0, 0), scalar("metrics"), metrics),))
    parsed = Parsed(Document("file:///m.yml", ""), (root,))
    for engine in ENGINES:
        unknown = [p.args["key"] for p in check_shape(parsed, root, engine)]
        # All stand at one place here, where the order is that of the words.
        assert unknown == ["meta", "name", "type_params"] * 2


def test_wide_aliases_do_not_multiply_the_work() -> None:
    lines = ["x-a0: &a0 [1, 2, 3]"]
    lines += [f"x-a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    text = "\n".join([*lines, "metrics:", "  - {name: m, expr: x, meta: {a: *a39}, tags: *a39}"])
    assert told(text + "\n") == [("MOD103", "*a38")] * 4


@pytest.mark.parametrize("missing", ["", "jsonschema_rs"])
def test_the_validator_is_imported_by_the_first_file_that_needs_one(missing: str) -> None:
    program = f"""
import sys
if {missing!r}:
    sys.modules[{missing!r}] = None
from smq.graph.loaders import load
from smq.syntax import Document, yaml
heavy = {{"jsonschema", "jsonschema_rs"}} - {{{missing!r}}}
assert not heavy & set(sys.modules), "imported too early"
load(yaml.parse(Document("a.yml", "services: [a]")))
assert not heavy & set(sys.modules), "imported for a file that is not ours"
_, problems = load(yaml.parse(Document("a.yml", "metrics: [{{name: m}}]")))
assert [p.code for p in problems] == ["MET201"]
assert heavy & set(sys.modules)
assert {missing!r} or "jsonschema" not in sys.modules, "the fast one is enough"
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
