"""What queries with a mistake are told: where, which words, and what the fixes write.

The cases in `cases/messages` are read as they are shown to a user; `pytest --update` writes what
is said now, to be read before it is committed.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.bank import BANK_YML
from tests.support.check import QUERY, check_problems, files_of, report, unmarked

from smq.problem import Severity
from smq.rules.check import check
from smq.rules.slips import is_slip
from smq.sql.compile import compile_query
from smq.syntax import Document, jsonc
from smq.text import apply_edits, nearest
from smq.text.name_index import NameIndex
from smq.workspace import Configuration, Snapshot, build

_CASES = Path(__file__).parent / "cases" / "messages"
_SAYS = "--- says"


@dataclass(frozen=True)
class Case:
    file: Path
    title: str
    fixture: str
    says: str


def _cases() -> list[Case]:
    found = []
    for file in sorted(_CASES.glob("*.txt")):
        _, *parts = re.split(r"^### ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for part in parts:
            title, _, body = part.partition("\n")
            fixture, _, says = body.partition(f"{_SAYS}\n")
            found.append(Case(file, title, fixture, says.strip("\n")))
    return found


@pytest.mark.parametrize("case", _cases(), ids=lambda case: f"{case.file.stem}: {case.title}")
def test_what_is_said(case: Case, request: pytest.FixtureRequest) -> None:
    documents = [Document(file.path, unmarked(file)[0]) for file in files_of(case.fixture)]
    snapshot = build(documents, Configuration())
    says = report(snapshot, tuple(check(snapshot))) or "nothing"
    if request.config.getoption("--update") and says != case.says:
        text = case.file.read_text(encoding="utf-8")
        head, marker, tail = text.partition(f"### {case.title}\n")
        _, cut, rest = tail.partition("\n### ")
        case.file.write_text(
            f"{head}{marker}{case.fixture}{_SAYS}\n{says}\n{cut}{rest}", encoding="utf-8"
        )
        return
    assert says == case.says


def test_titles_are_unique() -> None:
    titles = [(case.file, case.title) for case in _cases()]
    assert len(set(titles)) == len(titles)


def test_carets_and_quotes_mark_what_is_found() -> None:
    checked = check_problems(
        """{
  "metrics": ["revenu"],
               ^^^^^^ NAM101
  "groupBy": ["부점__brn_cd", "order_date"]
               ^ "부점" NAM110
               ^ "order_date" NAM112
}"""
    )
    assert checked.message("NAM101").startswith("Metric 'revenu' not found")
    assert '"groupBy": ["부점코드__brn_cd", "order_date"]' in checked.fixed("NAM110")


@pytest.mark.parametrize(
    ("query", "beginning"),
    [
        ('{"metrics": ["weather"]}', "Metric 'weather' not found"),
        ('{"metrics": []}', "No metrics specified in request"),
        ('{"metrics": ["total_brn_cnt"], "groupBy": ["주문__order_date"]}', "JoinError: "),
        ('{"metrics": ["total_brn_cnt"], "filters": ["주문__amount > 1"]}', "JoinError: "),
    ],
)
def test_beginnings_that_programs_match(query: str, beginning: str) -> None:
    (finding,) = check(_snapshot(query))
    assert finding.message.startswith(beginning)


@pytest.mark.parametrize(
    ("written", "name", "slip"),
    [
        ("total_brn_cn", "total_brn_cnt", True),
        ("revneue", "revenue", True),
        ("Revenue", "revenue", True),
        ("고객-수", "고객_수", True),
        ("고객수", "고객 수", True),
        ("revenue_2023", "revenue_2024", False),
        ("revenue_kr", "revenue_jp", False),
        ("revenue2", "revenue", False),
        ("매출", "총매출", False),
        ("abc", "ab", False),
    ],
)
def test_what_is_a_slip(written: str, name: str, slip: bool) -> None:
    assert is_slip(written, name) is slip


def test_a_slip_is_mended_without_asking_and_another_name_is_not() -> None:
    (slip,) = check(_snapshot('{"metrics": ["revenu"]}'))
    assert [fix.safety for fix in slip.fixes] == ["safe"]
    (other,) = check(_snapshot('{"metrics": ["total_credits_2"]}'))
    assert {fix.safety for fix in other.fixes} == {"unsafe"}


def test_metrics_of_many_models_are_found_fast() -> None:
    words = ["revenue", "order", "customer", "고객", "잔액", "net", "gross", "daily"]
    names = [f"{a}_{b}_{c}_{n}" for a in words for b in words for c in words for n in range(40)]
    index = NameIndex(names)
    begin = time.perf_counter()
    found = index.nearest("revenue_ordr_고객_7")
    assert found[0] == "revenue_order_고객_7"
    assert time.perf_counter() - begin < 0.5
    assert index.nearest("zzzzzz") == ()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("abc가나_", min_size=2, max_size=8), max_size=40), st.text("abc가나_"))
def test_few_names_are_compared_as_ever(names: list[str], written: str) -> None:
    assert NameIndex(names).nearest(written) == nearest(written, names)


# --- whatever is written --------------------------------------------------------------------------

_PIECES = st.sampled_from(
    [
        *("revenue", "total_brn_cnt", "revenu", "부점코드", "고객기본__cust_no", "고객기본__cust"),
        *(
            "주문__order_date",
            "주문__order_date__month",
            "order_date",
            "order_date__hour",
            "balance",
        ),
        *(
            "계좌정보__balance",
            "주문__amount",
            "cust__cust_no",
            "metric_time",
            "nope",
            "nope__x",
            "x",
        ),
        *("주문.amount", "SUM(", "COUNT(DISTINCT ", "RANK()", ")", " OVER (", "ORDER BY ", " AS x"),
        *(" + ", " / ", " = ", " > ", " AND ", " OR ", "NOT ", "1", "'a'", '"b"', ", ", "-", ";"),
        *(" IN (", "SELECT ", " FROM ", "고객기본", " WHERE ", "{{ Dimension('acct__open_dt') }}"),
        *(
            "{{ Metric('nope') }}",
            " JOIN ",
            "LEFT JOIN ",
            " ON ",
            "FROM ",
            " DESC",
            "*",
            "__",
            ":p",
        ),
    ]
)
_ITEMS = st.lists(_PIECES, min_size=1, max_size=7).map("".join)
_QUERIES = st.fixed_dictionaries(
    {"metrics": st.lists(_ITEMS, min_size=1, max_size=2)},
    optional={
        "groupBy": st.lists(_ITEMS, max_size=2),
        "filters": st.lists(_ITEMS, max_size=2),
        "orderBy": st.lists(_ITEMS, max_size=2),
        "joins": st.lists(_ITEMS, max_size=1),
    },
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_QUERIES, st.booleans())
def test_whatever_is_written_has_sql_or_a_reason(
    query: dict[str, list[str]], escaped: bool
) -> None:
    snapshot = _snapshot(json.dumps(query, ensure_ascii=escaped))
    findings = check(snapshot)
    (written,) = snapshot.queries(QUERY)
    compiled = compile_query(written, snapshot.graph)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    assert compiled.queries or errors, "neither SQL nor a reason"
    text = snapshot.document(QUERY).text
    items = [f"'{item}'" for items in query.values() for item in items]
    said = " ".join(["RANK() SUM() COUNT()", *items])
    for finding in findings:
        start, end = finding.location.span
        assert 0 <= start <= end <= len(text)
        assert finding.message.endswith((".", "?"))
        for ugly in ("()", "[]", "('", "None", "Token", "Problem ", "''", "<", "{}", "  "):
            # What the user wrote may hold any of them, also at its end, before our quote.
            if ugly not in said:
                assert ugly not in finding.message, finding.message
        for fix in finding.fixes:
            edits = [edit for edit in fix.edits if edit.uri == QUERY]
            document = Document(QUERY, apply_edits(text, edits))
            assert not jsonc.parse(document).problems, f"{fix.title} breaks the file"


def _snapshot(query: str) -> Snapshot:
    return build([Document(QUERY, query), Document("bank.yml", BANK_YML)], Configuration())
