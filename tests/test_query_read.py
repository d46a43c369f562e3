"""Queries are understood as far as they can be, with each fault of structure at its place."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smq.problem import Problem
from smq.query.items import readable
from smq.query.read import queries_from_value, read_queries
from smq.query.written import Item, WrittenQuery
from smq.rules import find
from smq.syntax import Document, Scalar
from smq.syntax.jsonc import parse
from smq.text import Span

MANY = settings(max_examples=250, deadline=None)
URI = "q.smq.json"


def read(text: str) -> tuple[tuple[WrittenQuery, ...], tuple[Problem, ...]]:
    return read_queries(parse(Document(URI, text)))


def one(text: str) -> tuple[WrittenQuery, list[tuple[str, str]]]:
    """The only query, and each problem as (code, the text it covers)."""
    queries, problems = read(text)
    (query,) = queries
    return query, [(problem.code, problem.location.span.cut(text)) for problem in problems]


def texts(items: tuple[Item, ...]) -> list[str]:
    return [item.text for item in items]


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


FULL = """\
{
  "metrics": ["total_brn_cnt", "a / b AS c"], "groupBy": ["부점코드__brn_stcd"],
  "filters": ["x = 1"], "orderBy": ["-total_brn_cnt"], "limit": 10,
  "joins": ["FROM a JOIN b ON a.x = b.x"],
  "name": "n", "description": "d", "$schema": "s"
}"""


def test_a_whole_query_is_read_with_places() -> None:
    query, problems = one(FULL)
    assert problems == []
    assert texts(query.metrics) == ["total_brn_cnt", "a / b AS c"]
    assert texts(query.group_by) == ["부점코드__brn_stcd"]
    assert texts(query.filters) == ["x = 1"]
    assert texts(query.order_by) == ["-total_brn_cnt"]
    assert texts(query.joins) == ["FROM a JOIN b ON a.x = b.x"]
    assert (query.limit, query.name, query.description) == (10, "n", "d")
    item = query.metrics[1]
    assert (item.path, item.location.uri) == ("metrics[1]", URI)
    assert item.location.span.cut(FULL) == "a / b AS c"
    assert item.part(9, 10).span.cut(FULL) == "c"
    assert query.location.span.cut(FULL) == FULL


def test_each_query_of_a_list_has_its_index() -> None:
    queries, problems = read('[{"metrics": ["a"]}, "b", {"metrics": ["c"]}, 1]')
    assert [(q.index, texts(q.metrics)) for q in queries] == [(0, ["a"]), (2, ["c"])]
    assert [p.code for p in problems] == ["QRY101", "QRY101"]
    assert [p.args["found"] for p in problems] == ["a string", "a number"]


@pytest.mark.parametrize("text", ["", "// 지점별 고객 수\n", "[]"])
def test_a_file_without_a_query_is_no_error(text: str) -> None:
    queries, problems = read(text)
    assert (queries, [p.code for p in problems]) == ((), ["QRY116"])


@pytest.mark.parametrize("text", ['"a"', "1", "null"])
def test_a_value_that_is_no_query(text: str) -> None:
    queries, problems = read(text)
    assert (queries, [p.code for p in problems]) == ((), ["QRY101"])


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("{}", "{"),
        ('{"metrics": []}', "[]"),
        ('{"metrics": [""]}', '[""]'),
        ('{"metrics": ["", " "]}', '["", " "]'),
        ('{"metrics": null}', "null"),
    ],
)
def test_no_metrics(text: str, covered: str) -> None:
    query, problems = one(text)
    assert (query.metrics, problems) == ((), [("QRY102", covered)])
    rule = find("QRY102")
    assert rule is not None
    assert rule.words({}).startswith("No metrics specified in request")


@pytest.mark.parametrize("key", ["groupBy", "filters", "orderBy", "joins"])
@pytest.mark.parametrize("value", ["null", "[]", '[""]'])
def test_empty_lists_count_as_absent(key: str, value: str) -> None:
    query, problems = one(f'{{"metrics": ["a"], "{key}": {value}}}')
    assert problems == []
    assert query.group_by == query.filters == query.order_by == query.joins == ()


def test_a_value_that_is_missing_is_unknown_and_not_empty() -> None:
    assert one('{"metrics": }')[1] == []
    assert one('{"metrics": ["a"], "limit": 1, "orderBy": }')[1] == []


def test_other_spellings_of_keys_are_understood() -> None:
    query, problems = one('{"metrics": ["a"], "group_by": ["b"], "order_by": ["-a"]}')
    assert (texts(query.group_by), texts(query.order_by)) == (["b"], ["-a"])
    assert problems == [("QRY105", '"group_by"'), ("QRY105", '"order_by"')]


def test_both_spellings_of_a_key_are_an_error() -> None:
    text = '{"metrics": ["a"], "group_by": ["b"], "groupBy": ["c"]}'
    query, problems = one(text)
    assert texts(query.group_by) == ["c"]
    assert problems == [("QRY106", '"group_by"')]
    (related,) = read(text)[1][0].related
    assert related.location.span.cut(text) == '"groupBy"'


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("metric", "metrics"),
        ("GroupBy", "groupBy"),
        ("group-by", "groupBy"),
        ("where", "filters"),
        ("dimensions", "groupBy"),
        ("sort", "orderBy"),
        ("LIMIT", "limit"),
        ("zzz", ""),
    ],
)
def test_unknown_keys_are_answered_with_the_nearest(key: str, nearest: str) -> None:
    _, problems = read(f'{{"metrics": ["a"], "{key}": []}}')
    assert [(p.code, p.args["nearest"]) for p in problems] == [("QRY103", nearest)]


@pytest.mark.parametrize("key", ["metrics", "groupBy", "filters", "orderBy", "joins"])
def test_one_string_is_understood_as_a_list_of_one(key: str) -> None:
    text = f'{{"metrics": ["a"], "{key}": "x"}}' if key != "metrics" else '{"metrics": "x"}'
    query, problems = one(text)
    assert problems == [("QRY104", '"x"')]
    names = {"groupBy": "group_by", "orderBy": "order_by"}
    assert texts(getattr(query, names.get(key, key))) == ["x"]


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ('{"metrics": 1}', ["1"]),
        ('{"metrics": {"a": 1}}', ['{"a": 1}']),
        ('{"metrics": ["a", 1, null, ["b"], {}]}', ["1", "null", '["b"]', "{}"]),
        ('{"metrics": ["a"], "name": 1}', ["1"]),
        ('{"metrics": ["a"], "description": ["x"]}', ['["x"]']),
        ('{"metrics": ["a"], "$schema": false}', ["false"]),
        ('{"metrics": ["a"], "limit": [1]}', ["[1]"]),
    ],
)
def test_wrong_types(text: str, covered: list[str]) -> None:
    assert one(text)[1] == [("QRY104", found) for found in covered]


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("-1", "negative"),
        ("-0.5", "negative"),
        ("1.5", "fractional"),
        ("true", "boolean"),
        ("false", "boolean"),
        ('"10"', "string"),
        ('""', "string"),
        ("1e400", "large"),
        ("9223372036854775808", "large"),
    ],
)
def test_bad_limits(written: str, fault: str) -> None:
    text = f'{{"metrics": ["a"], "orderBy": ["a"], "limit": {written}}}'
    queries, problems = read(text)
    assert queries[0].limit is None
    assert [(p.code, p.args["fault"]) for p in problems] == [("QRY108", fault)]
    assert problems[0].location.span.cut(text) == written


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        ("0", 0),
        ("10", 10),
        ("-0", 0),
        ("10.0", 10),
        ("null", None),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_good_limits(written: str, limit: int | None) -> None:
    query, problems = one(f'{{"metrics": ["a"], "orderBy": ["a"], "limit": {written}}}')
    assert (query.limit, problems) == (limit, [])


def test_a_limit_without_an_order_is_a_hint() -> None:
    assert one('{"metrics": ["a"], "limit": 5}')[1] == [("QRY109", '"limit": 5')]
    assert one('{"metrics": ["a"], "limit": 0}')[1] == []


def test_repeated_items_are_reported_and_left_out() -> None:
    query, problems = one(
        '{"metrics": ["a", "b", "a"], "groupBy": ["x", "x"], "filters": ["f", "f"],'
        ' "orderBy": ["-a", "a"]}'
    )
    assert [(item.text, item.index) for item in query.metrics] == [("a", 0), ("b", 1)]
    assert (texts(query.group_by), texts(query.filters)) == (["x"], ["f"])
    assert texts(query.order_by) == ["-a"]
    assert sorted(problems) == [("QRY107", "a"), ("QRY107", "x"), ("QRY117", "a"), ("QRY117", "f")]


def test_items_that_look_the_same_are_the_same() -> None:
    _, problems = one(f'{{"metrics": ["총매출", "{nfd("총매출")}"]}}')
    assert [code for code, _ in problems] == ["QRY110", "QRY107"]


def test_blank_items_among_others() -> None:
    query, problems = one('{"metrics": ["a", " ", "b"]}')
    assert [(item.text, item.index) for item in query.metrics] == [("a", 0), ("b", 2)]
    assert problems == [("QRY114", '" "')]


def test_several_joins_that_continue_each_other_are_read_as_one() -> None:
    text = '{"metrics": ["a"], "joins": ["FROM a", "LEFT JOIN b ON a.x = b.x"]}'
    query, problems = one(text)
    assert problems == [("QRY115", '"FROM a", "LEFT JOIN b ON a.x = b.x"')]
    (item,) = query.joins
    assert item.text == "FROM a LEFT JOIN b ON a.x = b.x"
    at = item.text.index("b ON")
    assert item.part(at, at + 1).span.start == text.index("b ON")
    assert item.part(5, 6).span.start == text.index('a", "LEFT')


def test_several_joins_that_do_not_stay_apart() -> None:
    query, problems = one('{"metrics": ["a"], "joins": ["FROM a JOIN b", "FROM c JOIN d"]}')
    assert texts(query.joins) == ["FROM a JOIN b", "FROM c JOIN d"]
    assert [code for code, _ in problems] == ["QRY115"]


def test_a_broken_file_keeps_its_other_queries() -> None:
    text = '[{"metrics": ["a", "groupBy": ["x"]}, {"metrics": ["b"'
    queries, problems = read(text)
    assert [(texts(q.metrics), texts(q.group_by)) for q in queries] == [(["a"], ["x"]), (["b"], [])]
    assert problems == ()


# --- names in decomposed characters ---------------------------------------------------------------


def test_names_are_read_in_nfc_and_mapped_to_what_is_written() -> None:
    text = f'{{"metrics": ["SUM({nfd("총매출")}) OVER () AS {nfd("합계")}"]}}'
    query, problems = one(text)
    (item,) = query.metrics
    assert item.text == "SUM(총매출) OVER () AS 합계"
    assert item.part(4, 7).span.cut(text) == nfd("총매출")
    assert item.part(5, 6).span.cut(text) == nfd("매")
    assert item.part(20, 22).span.cut(text) == nfd("합계")
    assert [code for code, _ in problems] == ["QRY110"]


def test_string_literals_in_filters_are_data_and_stay() -> None:
    text = f'{{"metrics": ["a"], "filters": ["x__y = \'{nfd("서울")}\'"]}}'
    query, problems = one(text)
    assert query.filters[0].text == f"x__y = '{nfd('서울')}'"
    assert problems == []


def test_names_in_templates_are_names() -> None:
    text = f'{{"metrics": ["a"], "filters": ["{{{{ Dimension(\'{nfd("지점")}__x\') }}}} = 1"]}}'
    query, _ = one(text)
    assert query.filters[0].text == "{{ Dimension('지점__x') }} = 1"


def test_marks_in_another_order_keep_their_places() -> None:
    # NFC puts the dot below first; a map by characters would then point at the wrong one.
    query, problems = one('{"metrics": ["\u0301\u0323"]}')
    assert query.metrics[0].text == "\u0301\u0323"
    assert problems == []


def test_blanks_around_items_do_not_count() -> None:
    text = '{"metrics": ["\\u0020 a \\n"]}'
    query, problems = one(text)
    assert (query.metrics[0].text, problems) == ("a", [])
    assert query.metrics[0].location.span.cut(text) == "a"


letters = st.text(
    st.sampled_from([*"ab '_({\u0301\u0323한글각e😀", *nfd("한각é"), "\u1100", "\u1161", "\u11a8"]),
    max_size=14,
)


@MANY
@given(letters, st.booleans())
def test_any_text_keeps_its_places_when_it_is_normalised(content: str, ascii_only: bool) -> None:
    text = json.dumps([content], ensure_ascii=ascii_only)
    root = parse(Document(URI, text)).root
    scalar = root.items[0]  # type: ignore[union-attr]
    assert isinstance(scalar, Scalar)
    read = readable(scalar)
    decoded = [
        json.loads(f'"{read.source(Span(i, i + 1)).cut(text)}"') for i in range(len(read.text))
    ]
    for char, written in zip(read.text, decoded, strict=True):
        assert char in unicodedata.normalize("NFC", written) or char in written
    whole = read.source(Span(0, len(read.text))).cut(text)
    assert json.loads(f'"{whole}"') == content.strip()
    if "'" not in content:
        assert read.text in (
            content.strip(),
            unicodedata.normalize("NFC", content.strip()),
            unicodedata.normalize("NFC", content).strip(),
        )


# --- programs -------------------------------------------------------------------------------------

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["metrics", "groupBy", "group_by", "limit", "joins", "name", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


def test_a_value_is_read_like_a_file() -> None:
    document, queries, problems = queries_from_value({"metrics": ["a"], "limit": 1.5})
    assert texts(queries[0].metrics) == ["a"]
    assert [problem.code for problem in problems] == ["QRY108"]
    assert problems[0].location.uri == document.uri
    assert problems[0].location.span.cut(document.text) == "1.5"


@MANY
@given(st.lists(plain, max_size=3) | st.dictionaries(st.sampled_from(["metrics", "limit"]), plain))
def test_any_value_is_read(value: Any) -> None:
    document, queries, problems = queries_from_value(value)
    for problem in problems:
        rule = find(problem.code)
        assert rule is not None and rule.words(problem.args)
        assert 0 <= problem.location.span.start <= problem.location.span.end <= len(document.text)
    assert len(queries) <= (len(value) if isinstance(value, list) else 1)


def test_values_that_json_does_not_have_are_refused() -> None:
    with pytest.raises(TypeError):
        queries_from_value({"metrics": [object()]})
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="deeply"):
        queries_from_value({"metrics": deep})
