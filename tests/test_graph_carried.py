"""What is known of metrics from before a change is what expanding them anew gives."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from smq.graph.formula import MAX_LEVELS, expand
from smq.graph.leaves import Broken, Leaf
from smq.graph.meaning import means_the_same
from smq.workspace import Change, Snapshot, build

MODELS = """\
semantic_models:
  - name: 주문
    description: {words}
    table: t.orders
    entities:
      - {{name: 주문, type: primary, expr: id}}
    dimensions:
      - {{name: 상태, type: varchar}}
      - {{name: 일자, type: date}}
    measures:
      - {{name: 금액, type: bigint, agg: {agg}}}
      - {{name: a, type: bigint}}
metrics:
"""
NAMES = ("a", "b", "합계", "c d")
FORMULAS = (
    "SUM(주문__금액)",
    "SUM(주문__금액) / NULLIF(COUNT(DISTINCT 주문__상태), 0)",
    "a / b",
    "b + 1",
    "합계 - a",
    "SUM(CASE WHEN 주문__상태 = '합계' THEN 주문__a END)",
    "SUM(a)",
    "'\"c d\" * 2'",
    "주문__금액",
    "SUM(주문__없음)",
    "{{ Metric('a') }}",
)


@st.composite
def model_file(draw: st.DrawFn) -> str:
    lines = ["# " * draw(st.integers(0, 1))]
    if draw(st.booleans()):
        words, agg = draw(st.sampled_from(("x", "주문"))), draw(st.sampled_from(("sum", "max")))
        lines.append(MODELS.format(words=words, agg=agg).rstrip())
    else:
        lines.append("metrics:")
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=3)):
        formula = draw(st.sampled_from(FORMULAS))
        lines.append(f"  - name: {name}")
        if draw(st.booleans()):
            lines.append("    label: 이름")
        lines.append(f"    expr: {formula}")
        if draw(st.integers(0, 5)) == 0:
            lines.append("    filter: 주문__상태 = 'x'")
    return "\n".join(lines) + "\n"


steps = st.lists(
    st.tuples(st.sampled_from(("a.yml", "b.yml")), model_file()), min_size=2, max_size=7
)


@settings(max_examples=150, deadline=None)
@given(steps)
def test_formulas_are_those_of_a_fresh_start(changes: list[tuple[str, str]]) -> None:
    snapshot = build([])
    for uri, text in changes:
        snapshot = snapshot.apply([Change(uri, text)])
        fresh = build([snapshot.document(u) for u in snapshot.uris])
        assert described(snapshot) == described(fresh)


def test_a_metric_that_has_only_moved_is_not_expanded_again() -> None:
    text = MODELS.format(words="x", agg="sum") + "  - {name: m, expr: SUM(주문__금액) / 2}\n"
    before = build([]).apply([Change("a.yml", text)])
    known = expand(before.graph, "m", "duckdb")
    after = before.apply([Change("a.yml", "# 주석\n" + text)])
    assert after.graph is not before.graph
    assert expand(after.graph, "m", "duckdb") is known
    other = after.apply([Change("a.yml", text.replace("agg: sum", "agg: max"))])
    assert expand(other.graph, "m", "duckdb") is not known


def test_a_tower_of_metrics_is_too_high_however_it_grew() -> None:
    levels = [f"  - {{name: m{n}, expr: m{n - 1} + 1}}\n" for n in range(1, MAX_LEVELS)]
    text = MODELS.format(words="x", agg="sum") + "  - {name: m0, expr: SUM(주문__금액)}\n"
    snapshot = build([]).apply([Change("a.yml", text + "".join(levels))])
    for n in range(MAX_LEVELS):
        expand(snapshot.graph, f"m{n}", "duckdb")
    top = f"  - {{name: top, expr: m{MAX_LEVELS - 1} + 1}}\n"
    grown = snapshot.apply([Change("a.yml", text + "".join(levels) + top)])
    assert isinstance(expand(grown.graph, "top", "duckdb"), Broken)


def test_meaning_is_what_is_left_without_places_and_words() -> None:
    text = MODELS.format(words="x", agg="sum")
    one, other = (
        build([]).apply([Change("a.yml", each)]).graph.models["주문"]
        for each in (text, "\n" + text.replace("description: x", "description: 다른 말"))
    )
    assert one != other
    assert means_the_same(one, other)
    for old, new in (
        ("t.orders", "t.order"),
        ("type: date", "type: text"),
        ("expr: id", "expr: i"),
    ):
        changed = build([]).apply([Change("a.yml", text.replace(old, new))]).graph.models["주문"]
        assert not means_the_same(one, changed), new


def test_two_tables_that_nobody_knows_are_alike() -> None:
    one, other = (
        build([]).apply([Change("a.yml", f"semantic_models:\n  - name: x\n    label: {label}\n")])
        for label in ("a", "b")
    )
    assert means_the_same(one.graph.models["x"], other.graph.models["x"])


def described(snapshot: Snapshot) -> object:
    """Every metric's formula, in the order of the names."""
    found: list[object] = []
    for name in sorted(snapshot.graph.metrics):
        formula = expand(snapshot.graph, name, "duckdb")
        if isinstance(formula, Broken):
            found.append((name, formula.problems))
            continue
        slots = [
            (s.key, s.name, s.base, s.time, [c.at for c in s.filters]) if isinstance(s, Leaf) else s
            for s in formula.slots
        ]
        found.append(
            (name, formula.tree.sql(), slots, formula.windowed, formula.data_type, formula.size)
        )
    return found
