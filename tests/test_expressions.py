"""Expressions as users write them: what they name, where, and what is not an expression."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from smq.dialects import dialect as facts_of
from smq.dialects import names as dialects
from smq.expr import Template, conjuncts, copied, fill, parse_expression
from smq.expr.parse import _quick, _shaped
from smq.expr.reader import read_expression


def names(text: str, dialect: str = "duckdb") -> list[tuple[str, str]]:
    """Each name with the characters of the text that it stands on."""
    template = parse_expression(text, dialect)
    assert template.fault is None, template.fault
    return [(use.name, text[use.start : use.end]) for use in template.uses]


@pytest.mark.parametrize(
    "text",
    [
        "부점코드__brn_cd",
        "a / NULLIF(b, 0) AS 비율",
        "SUM(매출) OVER (PARTITION BY 고객__등급 ORDER BY 주문__일자)",
        "CASE WHEN a__b = 'x' THEN 매출 END",
        "  주문__금액 > 1000 AND 고객__등급 IN ('A', 'B')",
        "날짜__일자 BETWEEN '2024-01-01' AND '2024-01-31'",
    ],
)
def test_every_name_is_found_on_its_own_characters(text: str) -> None:
    for name, characters in names(text):
        assert name == characters


def test_a_quoted_name_is_placed_with_its_quotes() -> None:
    assert names('"order items__x" > 3') == [("order items__x", '"order items__x"')]


def test_names_are_compared_in_nfc() -> None:
    import unicodedata

    decomposed = unicodedata.normalize("NFD", "매출")
    assert [name for name, _ in names(decomposed)] == ["매출"]


@pytest.mark.parametrize(
    ("text", "kind", "place"),
    [
        ("", "empty", ""),
        ("a; b", "statement", "; b"),
        ("a FROM t", "statement", "FROM t"),
        ("a, b", "several", "a, b"),
        ("*", "star", "*"),
        ("a > ?", "parameter", "?"),
        ("a = 'x", "syntax", "'x"),
        ("{% if x %} a {% endif %}", "jinja", "{%"),
        ("{{ ref('x') }} > 1", "jinja", "{{ ref('x') }}"),
        ("a) OR (b", "syntax", ")"),
        ("revenue AS", "syntax", "AS"),
    ],
)
def test_what_is_no_expression_says_so_at_its_place(text: str, kind: str, place: str) -> None:
    fault = parse_expression(text, "duckdb").fault
    assert fault is not None
    assert (fault.kind, text[fault.start : fault.end]) == (kind, place)


def test_template_calls_keep_the_places_behind_them() -> None:
    text = "{{ Dimension('order__status') }} = 'a' AND 금액 > 1"
    template = parse_expression(text, "duckdb")
    first, second = template.uses
    assert first.call is not None
    assert (first.call.name, text[second.start : second.end]) == ("order__status", "금액")


def test_conditions_under_and_are_taken_apart_with_their_own_names() -> None:
    template = parse_expression("a__x = 1 AND (b__y = 2 AND (c__z = 3 OR a__x = 4))", "duckdb")
    parts = conjuncts(template)
    assert [[use.name for use in part.uses] for part in parts] == [
        ["a__x"],
        ["b__y"],
        ["c__z", "a__x"],
    ]


WORDS = st.one_of(
    st.sampled_from(
        [
            "revenue",
            "date",
            "current_date",
            "null",
            "true",
            "rank",
            "interval",
            "case",
            "user",
            "values",
            "max",
            "매출",
            "a__b",
            "x1",
        ]
    ),
    st.from_regex("[A-Za-z_가-힣][A-Za-z_0-9가-힣]{0,8}", fullmatch=True),
)
SHAPES = st.sampled_from(
    [
        *("{}", " {} ", "SUM({})", "count( distinct {} )", "max({})", "AVG({})"),
        *("Min(DISTINCT {})", "{} = 'a'", " {}<>'가 나' ", "{} != ''", "{} >= 10", "{} < 1.50"),
        *("{} > 'x--y; /* z */'", "{} <= '2024-01-01'", "{} = ':p @q ?'", "{} = 007", "{}>=0.5"),
        *("{} = '\"q\"'", "{} = '%_`'", "{} = 12345678901234567890", "{} = N'x'", "{} = 1e5"),
    ]
)


def _but_for_big_counts(tree: object) -> str:
    return repr(tree).replace("big_int=False", "big_int=True")


@settings(max_examples=600, deadline=None)
@given(WORDS, SHAPES, st.sampled_from([facts_of(name).sqlglot for name in dialects()]))
def test_the_short_way_reads_what_the_parser_reads(word: str, shape: str, dialect: str) -> None:
    text = shape.format(word)
    quick = _quick(text, dialect)
    if quick is None:
        return
    full = read_expression(text, dialect)
    assert full.fault is None
    # SQL Server counts to two thousand million and has another name for more.
    assert _but_for_big_counts(quick.tree) == _but_for_big_counts(full.tree)
    assert [(u.parts, u.start, u.end, u.in_aggregate) for u in quick.uses] == [
        (u.parts, u.start, u.end, u.in_aggregate) for u in full.uses
    ]
    assert quick.functions == full.functions


NAMES = st.sampled_from(
    ["a__b", "부점코드__brn_cd", "x__y__z", "ORDERS__Amount", "고객__등급", "order_count", "매출"]
)
LONG_SHAPES = st.sampled_from(
    [
        "{} / NULLIF({}, 0) AS 비율__r",
        "SUM({}) / COUNT(DISTINCT {})",
        "SUM(CASE WHEN {} = 'a__b' THEN {} END)",
        "SUM({}) OVER (PARTITION BY {} ORDER BY {} ROWS 2 PRECEDING) AS total",
        "{} >= DATE '2024-01-01' AND ({} IN ('x', 'y') OR revenue > {})",
        "COUNT(*) FILTER (WHERE {} > 1)",
        "MAX( {} )+min({})",
        "revenue__x({}) > {}",
        "{} BETWEEN 1 AND {} AND NOT {} LIKE '%a__b%'",
    ]
)


def assert_read_alike(shared: Template, alone: Template) -> None:
    assert repr(shared.tree) == repr(alone.tree)
    assert [
        (u.parts, u.start, u.end, u.in_aggregate, u.in_window, u.role) for u in shared.uses
    ] == [(u.parts, u.start, u.end, u.in_aggregate, u.in_window, u.role) for u in alone.uses]
    assert shared.functions == alone.functions
    assert (shared.alias, shared.body_end) == (alone.alias, alone.body_end)
    if alone.alias is not None:
        assert shared.alias_at == alone.alias_at
    assert (shared.has_window, shared.has_aggregate) == (alone.has_window, alone.has_aggregate)


@settings(max_examples=300, deadline=None)
@given(LONG_SHAPES, st.lists(NAMES, min_size=3, max_size=3), st.sampled_from(["duckdb", "oracle"]))
def test_expressions_of_one_shape_are_read_as_each_is_alone(
    shape: str, names: list[str], dialect: str
) -> None:
    text = shape.format(*names)
    shared = _shaped(text, dialect)
    assert shared is not None
    assert_read_alike(shared, read_expression(text, dialect))


ODD_WORDS = st.one_of(
    NAMES,
    st.sampled_from(
        [
            *("current_date", "CURRENT_TIMESTAMP", "group_concat", "double_precision", "day_hour"),
            *("DAY_OF_WEEK", "timezone_hour", "utf8_bin", "_utf8", "timestamp_ltz", "my_type"),
            *("sql_tsi_day", "일", "_", "__", "session_user", "straight_join", "auto_increment"),
        ]
    ),
)
ODD_SHAPES = st.sampled_from(
    [
        *("CAST({} AS {})", "{}::{}", "TRY_CAST({} AS {}(3))", "EXTRACT({} FROM {})"),
        *("{} + INTERVAL '1' {}", "INTERVAL {} {}", "DATE_TRUNC({}, {})", "DATEDIFF({}, {}, now_)"),
        *("{} COLLATE {}", "{} {}", "{} 'x'", "{} AT TIME ZONE {}", "SUM({}) OVER {}"),
        *("LIST_FILTER({}, {} -> x_y > 1)", "f({} => {})", "{} IS {}", "{} = ANY({})", "({}, {})"),
        *("CASE {} WHEN {} THEN 1 END", "{} LIKE {} ESCAPE '!'", "POSITION({} IN {})", "{}[{}]"),
        *("LAST_VALUE({} IGNORE NULLS) OVER (ORDER BY {})", "TRIM({} FROM {})", "{}:{}"),
        *("CAST({} AS STRUCT({} INT))", "CONVERT({}, {})", "CONVERT({} USING {})", "{} AS {}"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    ODD_SHAPES,
    st.lists(ODD_WORDS, min_size=2, max_size=2, unique=True),
    st.sampled_from([facts_of(name).sqlglot for name in dialects()]),
)
def test_a_word_that_is_no_name_in_its_place_keeps_an_expression_from_sharing(
    shape: str, words: list[str], dialect: str
) -> None:
    text = shape.format(*words)
    shared = _shaped(text, dialect)
    if shared is not None:
        assert_read_alike(shared, read_expression(text, dialect))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40))
def test_no_text_makes_the_reader_raise(text: str) -> None:
    template = parse_expression(text, "duckdb")
    assert (template.tree is None) == (template.fault is not None)
    if template.fault is not None:
        assert 0 <= template.fault.start <= template.fault.end <= len(text)


@pytest.mark.parametrize("dialect", dialects())
@pytest.mark.parametrize(
    "text", ["a__b = 'x'", "o.status = 'x'", "a__b = c__d", "{{ Dimension('o__b') }} = 1"]
)
def test_an_equality_is_no_alias(text: str, dialect: str) -> None:
    """SQL Server reads `alias = expression` in a SELECT list, and filters are read as one."""
    template = parse_expression(text, dialect)
    assert template.fault is None
    assert template.alias is None
    assert type(template.tree).__name__ == "EQ"
    first = template.uses[0]
    assert text[first.start : first.end] in ("a__b", "o.status", "{{ Dimension('o__b') }}")


@pytest.mark.parametrize(
    "text",
    [
        "a__x",
        "SUM(a__x) / NULLIF(COUNT(DISTINCT b__y), 0)",
        "SUM(CASE WHEN a__x IN ('u', b__y) THEN -a__z END)",
        "ROW_NUMBER() OVER (PARTITION BY a__x, a__y ORDER BY b__z DESC ROWS 3 PRECEDING) < 2",
        "CAST(a__x AS DECIMAL(10, 2)) || 'b' BETWEEN (a__y + 1) * 2 AND b__z",
    ],
)
def test_a_copy_is_a_tree_of_its_own(text: str) -> None:
    """As the library's own copy is, and filled in the order in which the library would search."""
    template = parse_expression(text, "duckdb")
    assert template.tree is not None
    for node in template.tree.walk():
        node.meta["origin"] = node.key
    before = repr(template.tree)
    theirs = exp.Paren(this=template.tree.copy())
    asked = [int(node.this) for node in theirs.find_all(exp.Placeholder)]
    slots: list[int] = []

    def value(number: int) -> exp.Expr:
        slots.append(number)
        return exp.Add(this=exp.column(f"c{number}"), expression=exp.Literal.number(1))

    plain, filled = copied(template.tree), fill(template, value)
    assert repr(plain) == before == repr(template.tree)
    assert slots == asked
    ours = {id(node) for node in template.tree.walk()}
    for tree in (plain, filled):
        assert tree.parent is None
        for node in tree.walk():
            assert id(node) not in ours
            for child in node.iter_expressions():
                assert child.parent is node
                held = node.args[child.arg_key or ""]
                assert (held if child.index is None else held[child.index]) is child
    assert [node.meta for node in plain.walk()] == [node.meta for node in template.tree.walk()]
    assert not list(filled.find_all(exp.Placeholder))
    # What binds less than what is around it is in parentheses.
    again = parse_expression(filled.sql(dialect="duckdb"), "duckdb")
    assert again.tree is not None
