"""Checking a workspace: what is collected, weighed, silenced, sorted and fixed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smq.problem import Fix, Problem, Severity
from smq.rules import registry
from smq.rules.check import Finding, check
from smq.rules.fixing import fix_all
from smq.syntax import Document
from smq.text import Edit, Location, Span
from smq.workspace import Change, Configuration, PathRules, Snapshot, build

_BANK = (Path(__file__).parent / "support" / "bank.yml").read_text(encoding="utf-8")
_ROOT = "file:///w"


def workspace(configuration: Configuration | None = None, **files: str) -> Snapshot:
    """The bank with more files: `q="…"` is q.smq.json, `m_yml="…"` is m.yml."""
    named = {"bank_yml": _BANK, **files}
    documents = [
        Document(f"{_ROOT}/{name.removesuffix('_yml')}.yml", text)
        if name.endswith("_yml")
        else Document(f"{_ROOT}/{name}.smq.json", text)
        for name, text in named.items()
    ]
    return build(documents, configuration or Configuration(root=_ROOT))


def found(snapshot: Snapshot, *uris: str) -> list[tuple[str, str, str]]:
    """(file, code, the text it is about)"""
    return [
        (
            f.location.uri.rpartition("/")[2],
            f.code,
            f.location.span.cut(snapshot.document(f.location.uri).text),
        )
        for f in check(snapshot, uris or None)
    ]


@pytest.fixture
def rule(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Declares rules for one test and forgets them afterwards."""
    registry.rules()
    monkeypatch.setattr(registry, "_RULES", dict(registry._RULES))
    monkeypatch.setattr(registry, "_NAMES", dict(registry._NAMES))
    monkeypatch.setattr(registry, "_FROZEN", None)
    monkeypatch.setattr(registry, "_LOOKING", None)

    def declare(code: str, severity: Severity = Severity.WARNING, **more: Any) -> None:
        def words(args: registry.Args) -> str:
            """Found."""
            return f"{code} {args.get('what', '')}".strip()

        registry.rule(code, f"rule-{code.lower()}", severity, **{"on": "smq", **more})(words)

    yield declare


def words_of(word: str, code: str) -> Any:
    """A check that finds each occurrence of a word."""

    def find(context: registry.Context, uri: str) -> Iterator[Problem]:
        text = context.parsed(uri).document.text
        start = text.find(word)
        while start >= 0:
            yield Problem(code, Location(uri, Span(start, start + len(word))), {"what": word})
            start = text.find(word, start + 1)

    return find


def test_the_worked_examples_are_clean() -> None:
    snapshot = workspace(
        a='{"metrics": ["total_brn_cnt"], "groupBy": ["부점코드__brn_stcd"]}',
        b='{"metrics": ["customer_count", "account_count"], "groupBy": ["부점코드__brn_cd"]}',
    )
    assert found(snapshot) == []


def test_readers_compiler_and_rules_all_report(rule: Any) -> None:
    rule("ZZZ101", check=words_of("groupBy", "ZZZ101"))
    snapshot = workspace(
        a='{"metrics": ["no_such_metric"]}',
        b='{"metrics": ["total_brn_cnt"], "groupBy": []]}',
        c_yml="semantic_models:\n  - name: x\n    nonsense: 1\n",
    )
    by_file: dict[str, set[str]] = {}
    for file, code, _ in found(snapshot):
        by_file.setdefault(file, set()).add(code[:3])
    assert by_file["a.smq.json"] == {"NAM"}
    assert by_file["b.smq.json"] == {"SYN", "ZZZ"}
    assert "MOD" in by_file["c.yml"]


def test_findings_stand_in_order_and_once(rule: Any) -> None:
    rule("ZZZ102", check=words_of("a", "ZZZ102"))
    rule("ZZZ101", check=words_of("a", "ZZZ101"))
    rule("ZZZ103", on="workspace", check=lambda context, _: words_of("a", "ZZZ102")(context, q))
    q = f"{_ROOT}/q.smq.json"
    snapshot = workspace(q='{"name": "a-a", "metrics": ["customer_count"]}')
    configured = snapshot.configured(Configuration(root=_ROOT, select=("ZZZ",)))
    places = [(f.location.span.start, f.code) for f in check(configured)]
    assert places == sorted(set(places))
    assert {code for _, code in places} == {"ZZZ101", "ZZZ102"}


def test_only_the_asked_files_are_reported_but_all_are_read() -> None:
    snapshot = workspace(a='{"metrics": ["m2"]}', b='{"metrics": ["m3"]}')
    assert {file for file, *_ in found(snapshot, f"{_ROOT}/b.smq.json")} == {"b.smq.json"}


def test_rules_are_asked_about_files_of_their_kind(rule: Any) -> None:
    asked: list[tuple[str, str]] = []

    def asking(code: str) -> Any:
        def ask(context: registry.Context, uri: str) -> Iterator[Problem]:
            asked.append((code, uri.rpartition("/")[2]))
            return iter(())

        return ask

    for code, on in (("ZZA1", "smq"), ("ZZB1", "yaml"), ("ZZC1", "both"), ("ZZD1", "workspace")):
        rule(code, on=on, check=asking(code))
    rule("ZZE1", Severity.OFF, check=asking("ZZE1"))
    check(workspace(q='{"metrics": ["total_brn_cnt"]}'))
    assert sorted(asked) == [
        ("ZZA1", "q.smq.json"),
        ("ZZB1", "bank.yml"),
        ("ZZC1", "bank.yml"),
        ("ZZC1", "q.smq.json"),
        ("ZZD1", ""),
    ]


def test_severities_of_rule_family_and_path(rule: Any) -> None:
    rule("ZZZ101", check=words_of("metrics", "ZZZ101"))
    query = '{"metrics": ["total_brn_cnt"]}'
    configuration = Configuration(
        root=_ROOT,
        severities=(("ZZZ", Severity.ERROR),),
        per_path=(PathRules("old.*", (("ZZZ101", Severity.INFO),)), PathRules("no.*", (), ("ZZ",))),
    )
    snapshot = workspace(configuration, a=query, old=query, no=query)
    levels = {f.location.uri.rpartition("/")[2]: f.severity for f in check(snapshot)}
    assert levels == {"a.smq.json": Severity.ERROR, "old.smq.json": Severity.INFO}


def test_a_problem_without_a_rule_is_shown_with_its_facts(rule: Any) -> None:
    def stray(context: registry.Context, uri: str) -> Iterator[Problem]:
        yield Problem("ZZX999", Location(uri, Span(0, 1)), {"what": "부점"})

    rule("ZZZ101", check=stray)
    (finding,) = check(workspace(q='{"metrics": ["total_brn_cnt"]}'))
    assert finding.severity is Severity.ERROR
    assert "ZZX999" in finding.message and "부점" in finding.message


def test_target_dialects_are_compiled_for_too() -> None:
    query = (
        '{"metrics": ["SUM(revenue) OVER (ORDER BY 주문__order_date) AS r"], '
        '"groupBy": ["주문__order_date"]}'
    )
    snapshot = workspace(q=query)
    both = snapshot.configured(Configuration(root=_ROOT, target_dialects=("mysql", "sqlserver")))
    assert {code for _, code, _ in found(snapshot)} <= {code for _, code, _ in found(both)}


# --- silencing --------------------------------------------------------------------------------


def silenced(rule: Any, text: str, kind: str = "q") -> list[tuple[str, str]]:
    rule("ZZZ101", on="both", check=words_of("bad", "ZZZ101"))
    rule("ZZZ102", on="both", check=words_of("worse", "ZZZ102"))
    snapshot = build(
        [Document(f"{_ROOT}/x.{'yml' if kind == 'yml' else 'smq.json'}", text)],
        Configuration(root=_ROOT, select=("ZZZ", "SIL")),
    )
    return [(code, part) for _, code, part in found(snapshot)]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "bad"} // smq: ignore[ZZZ101]',
        '{"name": "bad"} /* smq: ignore[ZZZ101] why: legacy */',
        '// smq: ignore[ZZZ101]\n{"name": "bad"}',
        '//smq:ignore[rule-zzz101]\r\n{"name": "bad"}',
        '// smq: ignore[ZZZ]\n{"name": "bad worse"}',
        '// smq: ignore[ZZZ101, ZZZ102]\n{"name": "bad worse"}',
        '// smq: ignore[ZZZ101]\n// smq: ignore[ZZZ102]\n{"name": "bad worse"}',
        '// smq: ignore[ZZZ101]\n// a question in words\n{"name": "bad"}',
        '{\n"name": "bad"\n,"limit": 1}\n// smq: ignore-file[ZZZ101]',
        '\ufeff  // smq: ignore[ZZZ101]\n{"name": "bad"}',
    ],
)
def test_comments_in_queries_silence(rule: Any, text: str) -> None:
    assert silenced(rule, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "metrics:\n  - name: bad # smq: ignore[ZZZ101]\n",
        "metrics:\n  # smq: ignore[ZZZ101]\n  - name: bad\n",
        "# smq: ignore-file[ZZZ101]\nmetrics:\n  - name: bad\n",
        "metrics:\n  - name: x\n    expr: | # smq: ignore[ZZZ101]\n      1 +\n      bad\n",
        "metrics:\n  - name: x\n    # smq: ignore[ZZZ101]\n    expr: >\n      1 +\n\n      bad\n",
        'metrics:\n  - name: x\n    # smq: ignore[ZZZ101]\n    expr: "1 + # none\n      bad"\n',
    ],
)
def test_comments_in_yaml_silence(rule: Any, text: str) -> None:
    assert silenced(rule, text, "yml") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"name": "bad"}\n// smq: ignore[ZZZ101]', [("ZZZ101", "bad"), ("SIL101", "ZZZ101")]),
        (
            '// smq: ignore[ZZZ102]\n{"name": "bad"}',
            [("SIL101", "ZZZ102"), ("ZZZ101", "bad")],
        ),
        (
            '{"name": "bad"} // smq: ignore[ZZZ101, ZZZ102]',
            [("SIL101", "ZZZ102")],
        ),
        ('{"name": "bad"} // smq: ignore', [("ZZZ101", "bad"), ("SIL103", "// smq: ignore")]),
        ('{"name": "bad"} // smq: ignore[]', [("ZZZ101", "bad"), ("SIL103", "// smq: ignore[]")]),
        ('{"name": "bad"} // smq: ignore[ZZY101]', [("ZZZ101", "bad"), ("SIL102", "ZZY101")]),
        ('{"name": "bad"} // smq: ignored[ZZZ101]', [("ZZZ101", "bad")]),
        ('{"name": "bad // smq: ignore[ZZZ101]"}', [("ZZZ101", "bad")]),
        ('// smq: ignore-file[ZZZ102]\n{"name": "x"}', [("SIL101", "ZZZ102")]),
    ],
)
def test_comments_that_silence_nothing_are_found(
    rule: Any, text: str, expected: list[tuple[str, str]]
) -> None:
    assert silenced(rule, text) == expected


def test_a_silence_of_a_rule_that_is_not_in_force_is_not_called_unused(rule: Any) -> None:
    rule("ZZZ101", check=words_of("bad", "ZZZ101"))
    text = '// smq: ignore[ZZZ101, ZZZ]\n{"name": "x"}'
    documents = [Document(f"{_ROOT}/x.smq.json", text)]
    snapshot = build(documents, Configuration(root=_ROOT, select=("SIL",)))
    assert check(snapshot) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("// smq: ignore[ZZZ101]\n{}\n", "{}\n"),
        ("\ufeff// smq: ignore[ZZZ101]\r\n{}\n", "\ufeff{}\n"),
        ("{}\n  // smq: ignore[ZZZ101] because\n[]", "{}\n[]"),
        ("{} // smq: ignore[ZZZ101]", "{}"),
        ("{} // smq: ignore[ZZZ101, ZZZ102]\n", "{}\n"),
        (
            '{"name": "bad"} // smq: ignore[ZZZ101, ZZZ102]',
            '{"name": "bad"} // smq: ignore[ZZZ101]',
        ),
        ('{"name": "bad"} // smq: ignore[ZZZ102,ZZZ101]', '{"name": "bad"} // smq: ignore[ZZZ101]'),
    ],
)
def test_unused_silences_are_removed(rule: Any, before: str, after: str) -> None:
    rule("ZZZ101", check=words_of("bad", "ZZZ101"))
    rule("ZZZ102", check=words_of("worse", "ZZZ102"))
    uri = f"{_ROOT}/x.smq.json"
    configuration = Configuration(root=_ROOT, select=("ZZZ", "SIL"))
    snapshot = build([Document(uri, before)], configuration)
    assert fix_all(snapshot, check(snapshot)) == {uri: after}


# --- fixing -----------------------------------------------------------------------------------


def replacing(new: str, safety: Any = "safe") -> Any:
    def fix(problem: Problem, context: registry.Context) -> Iterator[Fix]:
        yield Fix("Replace", (Edit(*problem.location, new),), safety)

    return fix


def fixed(text: str, unsafe: bool = False) -> str:
    uri = f"{_ROOT}/x.smq.json"
    snapshot = build([Document(uri, text)], Configuration(root=_ROOT, select=("ZZZ",)))
    return fix_all(snapshot, check(snapshot), unsafe=unsafe).get(uri, text)


def test_fixes_are_applied_until_nothing_is_left(rule: Any) -> None:
    rule("ZZZ101", check=words_of("one", "ZZZ101"), fix=replacing("two"))
    rule("ZZZ102", check=words_of("two", "ZZZ102"), fix=replacing("three"))
    assert fixed('{"name": "one two one"}') == '{"name": "three three three"}'


def test_unsafe_fixes_are_applied_only_when_asked_for(rule: Any) -> None:
    rule("ZZZ101", check=words_of("one", "ZZZ101"), fix=replacing("two", "unsafe"))
    assert fixed('{"name": "one"}') == '{"name": "one"}'
    assert fixed('{"name": "one"}', unsafe=True) == '{"name": "two"}'


def test_fixes_that_undo_each_other_end(rule: Any) -> None:
    rule("ZZZ101", check=words_of("one", "ZZZ101"), fix=replacing("two"))
    rule("ZZZ102", check=words_of("two", "ZZZ102"), fix=replacing("one"))
    assert fixed('{"name": "one"}') in ('{"name": "one"}', '{"name": "two"}')


def test_a_fix_that_grows_for_ever_ends(rule: Any) -> None:
    rule("ZZZ101", check=words_of("one", "ZZZ101"), fix=replacing("one one"))
    assert fixed('{"name": "one"}').startswith('{"name": "one')


def test_a_fix_that_would_break_the_syntax_is_not_applied(rule: Any) -> None:
    rule("ZZZ101", check=words_of("one", "ZZZ101"), fix=replacing('"'))
    rule("ZZZ102", check=words_of("two", "ZZZ102"), fix=replacing("three"))
    assert fixed('{"name": "one"}') == '{"name": "one"}'


def test_overlapping_fixes_wait_for_their_round(rule: Any) -> None:
    rule("ZZZ101", check=words_of("ab", "ZZZ101"), fix=replacing("x"))
    rule("ZZZ102", check=words_of("bc", "ZZZ102"), fix=replacing("y"))
    assert fixed('{"name": "abc"}') == '{"name": "xc"}'


def test_a_fix_over_two_files_is_whole(rule: Any) -> None:
    a, b = f"{_ROOT}/a.smq.json", f"{_ROOT}/b.smq.json"

    def fix(problem: Problem, context: registry.Context) -> Iterator[Fix]:
        start = context.parsed(b).document.text.find("one")
        edits = (Edit(*problem.location, "two"), Edit(b, Span(start, start + 3), '"'))
        yield Fix("Both", edits, "safe")

    def only_a(context: registry.Context, uri: str) -> Iterator[Problem]:
        return words_of("one", "ZZZ101")(context, uri) if uri == a else iter(())

    rule("ZZZ101", check=only_a, fix=fix)
    documents = [Document(uri, '{"name": "one"}') for uri in (a, b)]
    snapshot = build(documents, Configuration(root=_ROOT, select=("ZZZ",)))
    assert fix_all(snapshot, check(snapshot)) == {}


def test_ten_thousand_fixes_in_one_file(rule: Any) -> None:
    rule("ZZZ101", check=words_of("one", "ZZZ101"), fix=replacing("two"))
    count = 10_000
    text = '{"name": "' + "one " * count + '"}'
    assert fixed(text).count("two") == count


# --- the snapshot -----------------------------------------------------------------------------

_PIECES = st.sampled_from(
    [
        None,
        "",
        "{",
        '{"metrics": ["total_brn_cnt"]}',
        '{"metrics": ["revenue"], "groupBy": ["주문__order_date"], "limit": 3}',
        '// smq: ignore[NAM]\n{"metrics": ["nothing"]}',
        '{"metrics": ["extra"]}',
    ]
)
_MODELS = st.sampled_from(
    [
        None,
        "",
        "metrics:\n  - {name: extra, type: integer, expr: SUM(주문__amount)}\n",
        "metrics:\n  - {name: revenue, type: integer, expr: SUM(주문__amount)}\n",
        "services: {}\n",
        "metrics:\n  - name: extra\n    expr: SUM(",
    ]
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a.smq.json", "b.smq.json"]), _PIECES)
        | st.tuples(st.sampled_from(["m.yml", "n.yml"]), _MODELS),
        max_size=6,
    )
)
def test_changes_lead_to_what_a_fresh_start_gives(steps: list[tuple[str, str | None]]) -> None:
    texts: dict[str, str] = {"bank.yml": _BANK}
    snapshot = workspace()
    for name, text in steps:
        check(snapshot)
        snapshot = snapshot.apply([Change(f"{_ROOT}/{name}", text)])
        if text is None:
            texts.pop(name, None)
        else:
            texts[name] = text
    fresh = build(
        [Document(f"{_ROOT}/{name}", text) for name, text in texts.items()],
        Configuration(root=_ROOT),
    )
    assert snapshot.uris == fresh.uris
    assert list(map(said, check(snapshot))) == list(map(said, check(fresh)))


def said(finding: Finding) -> tuple[Any, ...]:
    return finding.code, finding.severity, finding.location, finding.message


def test_a_change_of_a_query_keeps_the_graph_and_the_other_readings() -> None:
    before = workspace(a='{"metrics": ["revenue"]}', b='{"metrics": ["revenue"]}')
    graph = before.graph
    after = before.apply([Change(f"{_ROOT}/a.smq.json", '{"metrics": ["total_credit"]}')])
    assert after.graph is graph
    assert after.file(f"{_ROOT}/b.smq.json") is before.file(f"{_ROOT}/b.smq.json")
    assert before.document(f"{_ROOT}/a.smq.json").text == '{"metrics": ["revenue"]}'


def test_a_change_of_a_model_makes_another_graph_and_breaks_queries() -> None:
    before = workspace(a='{"metrics": ["revenue"]}')
    assert found(before, f"{_ROOT}/a.smq.json") == []
    after = before.apply(
        [Change(f"{_ROOT}/bank.yml", _BANK.replace("name: revenue", "name: sales"))]
    )
    assert after.graph is not before.graph
    assert [code[:3] for _, code, _ in found(after, f"{_ROOT}/a.smq.json")] == ["NAM"]
    assert found(before, f"{_ROOT}/a.smq.json") == []


def test_the_same_text_again_reads_nothing_again() -> None:
    before = workspace(a='{"metrics": ["revenue"]}')
    uri = f"{_ROOT}/bank.yml"
    after = before.apply([Change(uri, _BANK, 7)])
    assert after.document(uri).version == 7
    assert after.graph is before.graph


def test_other_peoples_yaml_is_not_ours_to_check() -> None:
    text = "services:\n  web: {image: *nothing, }}\n\t- tab\n"
    assert found(workspace(compose_yml=text), f"{_ROOT}/compose.yml") == []
