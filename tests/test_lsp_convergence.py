"""After any edits, what is shown equals what a fresh server shows for the same text."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.bank import CONSULTATIONS
from tests.support.cli import bank
from tests.support.session import Client, Shown

from smq_server.io.uris import path_of

_QUERY = """{
  "metrics": ["total_credit", "account_count"], // 🙂
  "groupBy": ["부점코드__brn_cd", "계좌정보__acct_type"],
  "filters": ["부점코드__brn_stcd = '1'"],
  "orderBy": ["-total_credit"]
}
"""
_SECOND = '{"metrics": ["상담시간", "건당시간"], "groupBy": ["상담__kind", "부점코드__brn_cd"]}\r\n'
_UNTITLED = "untitled:Untitled-1.yml"
"""A model that looks at the others: it begins with the names of one of them."""
_PIECES = (
    *("", "", "a", "가", "🙂", "\n", "\r\n", "\r", "  ", "\t", ":", ",", '"', "'", "}", "]"),
    *("{", "- ", "brn", "부점코드", "__", "상담시간", "minutes", "kind", "name: x", "metrics:"),
    *("cust", "primary", "foreign", "expr: ", "SUM(", ")", "credit", "total_credit", "balance"),
    *("# smq: ignore\n", "// smq: ignore[NAM101]\n", "\u1112\u1161\u11ab", "account_count"),
)


class Story:
    """One editor's session of random steps, and what a fresh server says at the end."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.random = random.Random(seed)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        bank(directory, q=_QUERY, second=_SECOND)
        (directory / "models" / "other.yml").write_text(CONSULTATIONS, encoding="utf-8")
        names = ("models/bank.yml", "models/other.yml", "q.smq.json", "second.smq.json", "new.yaml")
        self.uris = [*((directory / name).as_uri() for name in names), _UNTITLED]
        self.directory = directory
        encoding = self.random.choice(("utf-8", "utf-16", "utf-32"))
        self.client = Client(directory, encoding=encoding)
        self.version = 1

    def step(self) -> None:
        choose = self.random
        uri = choose.choice(self.uris)
        path = path_of(uri) if uri != _UNTITLED else None
        self.version += 1
        opened = self.client.session.opened(uri)
        what = choose.random()
        if opened is None:
            if what < 0.7:
                if path is None:
                    text = self.original(path)
                else:
                    text = path.read_bytes().decode() if path.exists() else ""
                self.client.session.open(uri, text, self.version)
            elif what < 0.85 and path is not None:
                self.on_disk(path)
            return
        if what < 0.75:
            self.edit(uri)
        elif what < 0.8:
            self.client.set(uri, self.version, self.original(path))
        elif what < 0.85 and path is not None:
            path.write_bytes(self.client.text(uri).encode())
            self.client.session.saved(uri, None)
        elif what < 0.9:
            self.client.close(uri)
        elif what < 0.95:
            self.client.session.scheduler.drain()
        else:
            self.ask(uri)

    def edit(self, uri: str) -> None:
        text = self.client.text(uri)
        start = self.random.randint(0, len(text))
        end = min(len(text), start + self.random.choice((0, 0, 0, 1, 2, 9, 60)))
        if text[start - 1 : start + 1] == "\r\n" or text[end - 1 : end + 1] == "\r\n":
            # No client can point between the two.
            return
        self.client.type(uri, self.version, (start, end), self.random.choice(_PIECES))

    def on_disk(self, path: Path) -> None:
        if path.exists() and self.random.random() < 0.3:
            path.unlink()
        else:
            path.write_text(self.original(path), encoding="utf-8")
        self.client.session.files_changed([path.as_uri()])

    def original(self, path: Path | None) -> str:
        known = {"q.smq.json": _QUERY, "second.smq.json": _SECOND, "other.yml": CONSULTATIONS}
        name = path.name if path is not None else "other.yml"
        return known.get(name, CONSULTATIONS.replace("상담", "민원"))

    def ask(self, uri: str) -> None:
        """Requests between edits must not disturb anything."""
        self.client.session.findings(uri)
        if self.random.random() < 0.3:
            self.client.pull(uri)

    def check(self) -> None:
        """Compare with a fresh server on the same texts."""
        opened = dict(self.client.session.state.documents)
        after = self.client.settle()
        encoding = self.client.session.encoding
        fresh = Client(self.directory, encoding=encoding)
        for name, document in opened.items():
            fresh.session.open(name, document.text, document.version or 0)
        assert after == fresh.settle()


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "w"


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1 << 32), steps=st.integers(1, 40))
def test_edits_end_where_a_fresh_server_begins(
    tmp_path_factory: pytest.TempPathFactory, seed: int, steps: int
) -> None:
    story = Story(tmp_path_factory.mktemp("w") / "w", seed)
    for _ in range(steps):
        story.step()
    story.check()


@pytest.mark.long
def test_a_hundred_thousand_edits(directory: Path) -> None:
    story = Story(directory, 20260101)
    for number in range(100_000):
        story.step()
        if number % 2_000 == 1_999:
            story.check()


def shown_codes(shown: Shown) -> set[str]:
    return {str(item["code"]) for items in shown.values() for item in items}


def test_a_model_edit_breaks_and_mends_files_that_are_not_open(directory: Path) -> None:
    directory.mkdir()
    bank(directory, q='{"metrics": ["account_count"]}')
    client = Client(directory)
    assert "NAM101" not in shown_codes(client.settle())
    path = directory / "models" / "bank.yml"
    text = path.read_text(encoding="utf-8")
    uri = client.open(path, text)
    client.set(uri, 2, text.replace("name: account_count", "name: accounts"))
    assert {i["code"] for i in client.settle()[(directory / "q.smq.json").as_uri()]} == {"NAM101"}
    client.set(uri, 3, text)
    assert (directory / "q.smq.json").as_uri() not in client.settle()
