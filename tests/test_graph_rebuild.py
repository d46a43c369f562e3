"""A graph that was changed file by file is the one that reading everything anew gives."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from smq.graph.graph import SemanticGraph
from smq.workspace import Change, Snapshot, build

NAMES = ("주문", "고객", "orders")
_METRICS = ("금액_m", "amount_m", "id_m")
MEMBERS = ("금액", "amount", "id")


@st.composite
def model_file(draw: st.DrawFn) -> str:
    lines = ["# " * draw(st.integers(0, 2)), "semantic_models:"]
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=2)):
        lines += [f"  - name: {name}", "    table: t.x", "    entities:"]
        for entity in draw(st.lists(st.sampled_from(MEMBERS), max_size=2, unique=True)):
            kind = draw(st.sampled_from(("primary", "foreign")))
            lines.append(f"      - {{name: {entity}, type: {kind}, expr: {draw(column)}}}")
        lines.append("    dimensions:")
        for member in draw(st.lists(st.sampled_from(MEMBERS), max_size=2, unique=True)):
            lines.append(f"      - {{name: {member}, type: varchar}}")
        lines.append("    measures:")
        lines.append(f"      - {{name: {draw(st.sampled_from(MEMBERS))}_sum, type: integer}}")
    lines.append("metrics:")
    for name in draw(st.lists(st.sampled_from(MEMBERS), max_size=2)):
        lines.append(f"  - {{name: {name}_m, type: integer, expr: SUM(주문__금액_sum)}}")
    return "\n".join(lines) + "\n"


column = st.sampled_from(("a", "b"))
steps = st.lists(
    st.tuples(st.sampled_from(("a.yml", "b.yml", "c.yml")), st.none() | model_file()),
    min_size=1,
    max_size=8,
)


@settings(max_examples=120, deadline=None)
@given(steps)
def test_rebuilding_gives_the_graph_of_a_fresh_start(changes: list[tuple[str, str | None]]) -> None:
    snapshot = build([])
    for uri, text in changes:
        snapshot = snapshot.apply([Change(uri, text)])
        fresh = build([snapshot.document(u) for u in snapshot.uris])
        assert repr(described(snapshot)) == repr(described(fresh))


def described(snapshot: Snapshot) -> object:
    graph: SemanticGraph = snapshot.graph
    return (
        list(graph.models.items()),
        sorted(graph.metrics.items()),
        dict(graph.duplicates),
        {name: graph.edges(name) for name in graph.models},
        {(a, b): graph.paths(a, b) for a in graph.models for b in graph.models},
        {name: graph.models_with(name) for name in (*MEMBERS, *(f"{m}_sum" for m in MEMBERS))},
        [name for name in (*NAMES, *MEMBERS) if name in graph.key_names],
        [name for name in _METRICS if name in graph.metric_names],
        [graph.member_names.nearest(name) for name in ("mount", "금액s", "iid")],
        [graph.model_names.nearest(name) for name in ("order", "고갱")],
        {name: sorted(graph.index(name).dimensions) for name in graph.models},
    )


def test_what_keys_are_called_is_looked_up_once_while_foreign_ones_are_typed() -> None:
    text = """semantic_models:
  - name: 주문
    table: t.x
    entities:
      - {name: 주문, type: primary, expr: id}
      - {name: 고갱, type: foreign, expr: id}
"""
    before = build([]).apply([Change("a.yml", text)])
    keys = before.graph.key_names
    typed = before.apply([Change("a.yml", text.replace("고갱", "고객"))])
    assert typed.graph.key_names is keys
    natural = typed.apply([Change("a.yml", text.replace("foreign", "natural"))])
    assert "고갱" in natural.graph.key_names
    virtual = text.replace("    entities:", "    primary_entity: 고객\n    entities:")
    assert "고객" in natural.apply([Change("a.yml", virtual)]).graph.key_names
