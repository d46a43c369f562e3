"""What an editor's user does next: random, the same for the same seed, and like a person."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from tests.support.cli import BANK
from tests.support.story import OWN_READS, READS, Editor, Step, Story, World

SECOND = "둘째 폴더/models/가게.yaml"
UNTITLED = "untitled:Untitled-1.smq.json"
UNTITLED_MODEL = "untitled:Untitled-2.yml"

_QUERY = """{
  "metrics": ["total_credit", "account_count"], // 🙂 고객
  "groupBy": ["부점코드__brn_cd", "고객기본__cust_no"],
  "filters": ["부점코드__brn_stcd = '1' AND 계좌정보__balance > 10"],
  "orderBy": ["-total_credit"],
  "limit": 10
}
"""
_MANY = (
    '[\r\n  {"name": "e\u0301t\u00e9", "metrics": ["revenue", "상담시간"],\r\n'
    '   "groupBy": ["\\uace0객기본__cust_no", "주문__order_date__month"]},\r\n'
    '  {"metrics": [{"name": "a\U0001f600", "expr": "revenue / account_count"}], "filters":\r\n'
    "    [\"주문__order_date >= '2024-01-01'\"]}\r\n]\r\n"
)
_OTHER = """# 다른 파일 🙂
semantic_models:
  - name: 상담
    table: bank('consult')
    entities:
      - {name: consult, type: primary, expr: id}
      - {name: cust, type: foreign, expr: "cust\\u005fno"}
    dimensions:
      - {name: kind, type: varchar}
      - name: said
        type: varchar
        expr: >-
          UPPER(
            said_😀)
    measures:
      - {name: minutes, type: integer}
metrics:
  - {name: 상담시간, type: integer, expr: SUM(상담__minutes)}
  - {name: 건당시간, type: number, expr: 상담시간 / account_count}
"""
_SHOP = """semantic_models:
  - name: orders
    model: ref('orders')
    defaults: {agg_time_dimension: ordered_at}
    entities:
      - name: order
        type: primary
        expr: order_id
    dimensions:
      - name: ordered_at
        type: time
        type_params:
          time_granularity: day
      - name: is_large
        type: categorical
        expr: |
          subtotal >= 60
    measures:
      - name: order_total
        agg: sum
        expr: total
metrics:
  - name: order_total
    type: simple
    type_params:
      measure: order_total
  - name: orders_per_day
    type: ratio
    type_params: {numerator: order_total, denominator: order_total}
"""
_SECOND = '{"metrics": ["상담시간", "건당시간"], "groupBy": ["상담__kind", "부점코드__brn_cd"]}\r\n'
_STORES = """semantic_models:
  - name: 가게
    table: stores
    entities: [{name: store, type: primary, expr: id}]
    dimensions: [{name: 도시, type: varchar, label: "city 🏙"}]
    measures: [{name: 수, type: integer, agg: count, expr: id}]
metrics:
  - {name: revenue, type: integer, expr: COUNT(가게__수)}
"""
TEXTS = {
    "smq.toml": 'dialect = "duckdb"\n',
    "models/bank.yml": BANK.read_text(encoding="utf-8"),
    "models/other.yml": _OTHER,
    "models/shop.yml": _SHOP,
    "q.smq.json": _QUERY,
    "many.smq.json": _MANY,
    "second.smq.json": _SECOND,
    "둘째 폴더/smq.toml": "",
    SECOND: _STORES,
    "둘째 폴더/질문.smq.json": '{"metrics": ["revenue"], "groupBy": ["가게__도시"]}',
}
_ELSEWHERE = ("models/new.yaml", "새 파일.smq.json")
_TOML = (
    *('dialect = "bigquery"\n', 'dialect = "duckdb"\n', "", "dialect = 3\n", "[rules\n"),
    *('[rules]\nNAM101 = "warning"\n', 'exclude = ["models/shop.yml"]\n'),
)
_WORDS = (
    *("total_credit", "account_count", "부점코드__brn_cd", "상담시간", "__month", "minutes"),
    *("name: ", "- name: 가\n", "expr: SUM(", "metrics:\n", '"groupBy": [', '"filters"', "SUM("),
    *(
        "😀",
        "e\u0301",
        "\u1112\u1161\u11ab",
        "한글",
        "\\uD55C",
        "\\u005f",
        "\t",
        "\ufeff",
        "\u2028",
    ),
    *(
        "\n",
        "\r\n",
        "\r",
        "\n      ",
        '"',
        "'",
        ":",
        ",",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "# ",
        "// ",
    ),
    *("# smq: ignore\n", "// smq: ignore[NAM101]\n", "&a ", "*a", "|\n", ">-\n", "\u200d", "---\n"),
    *("CASE WHEN ", "revenue / NULLIF(", "OVER (PARTITION BY ", "x", " ", "  "),
)
_OVERALL = ("smq/tree", "smq/status", "workspace/symbol")
_SETTINGS = (
    *("inlayHints.enabled=on", "inlayHints.enabled=off", "codeLens.enabled=on"),
    *("dialect=bigquery", "dialect=duckdb", "dialect=mysql", "completion.hideUnreachable=on"),
    *("completion.hideUnreachable=off",),
)


def beginning() -> World:
    return World(disk=dict(TEXTS), opened={"q.smq.json": (_QUERY, 1)})


class Plot:
    """Chooses steps by what the client has at the moment."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def steps(self, story: Story) -> Iterator[Step]:
        """The next few steps: one thing that a person does, with what the editor asks meanwhile."""
        opened = list(story.world.opened)
        what = self.random.random()
        if len(opened) < 2 or what < 0.03:
            yield from self._open(story)
        elif what < 0.05:
            yield Step("close", self.random.choice(opened))
        elif what < 0.07:
            yield Step("save", self.random.choice(opened))
        elif what < 0.10:
            yield self._disk(story)
        elif what < 0.105:
            yield Step("settings", text=self.random.choice(_SETTINGS))
        elif what < 0.115:
            known = self.random.choice((*story.world.disk, *opened))
            if not known.endswith(".toml"):
                yield Step("move", known, text=f"models/moved{self.random.randint(0, 3)}.yml")
        elif what < 0.17:
            yield self._accept(story, self.random.choice(opened))
        else:
            yield from self._write(story, self.random.choice(opened))

    def _open(self, story: Story) -> Iterator[Step]:
        name = self.random.choice((*story.world.disk, UNTITLED, UNTITLED_MODEL))
        text = None if name in story.world.disk else self._original(name)
        yield Step("open", name, text=text)

    def _disk(self, story: Story) -> Step:
        name = self.random.choice((*TEXTS, *_ELSEWHERE))
        if name.endswith(".toml"):
            return Step("disk", name, text=self.random.choice(_TOML))
        if self.random.random() < 0.2:
            return Step("disk", name)
        return Step("disk", name, text=self._original(name))

    def _original(self, name: str) -> str:
        text = TEXTS.get(name)
        if text is None:
            text = _QUERY if name.endswith("json") else _OTHER.replace("상담", "민원")
        end = self.random.choice(("\n", "\n", "\r\n", "\r"))
        return text if end == "\n" else text.replace("\r\n", "\n").replace("\n", end)

    def _accept(self, story: Story, name: str) -> Step:
        text = story.text(name)
        at = self._place(text), self.random.randint(0, 50)
        method = self.random.choice(
            ("completion", "codeAction", "codeAction", "rename", "formatting")
        )
        words = {
            "rename": self.random.choice(("이름_2", "new_name", "상담시간")),
            "codeAction": None,
        }
        if method == "codeAction" and self.random.random() < 0.3:
            words["codeAction"] = "source.fixAll"
        return Step("accept", name, method=f"textDocument/{method}", at=at, text=words.get(method))

    def _write(self, story: Story, name: str) -> Iterator[Step]:
        text = story.text(name)
        what = self.random.random()
        if len(text) > 9000 or what < 0.06:
            yield Step("whole", name, text=self._original(name))
        elif what < 0.30:
            yield from self._type(name, text)
        elif what < 0.36:
            yield self._paste(story, name, text)
        elif what < 0.42:
            yield self._several(name, text)
        elif what < 0.48:
            yield self._move_lines(name, text)
        elif what < 0.62:
            for _ in range(self.random.randint(1, 5)):
                yield Step("undo", name)
        else:
            start = self._place(text)
            end = start + self.random.choice((0, 0, 0, 1, 1, 2, 9, 60))
            new = self.random.choice(("", "", *_WORDS))
            yield Step("edit", name, ((start, end, new),))
        yield from self._questions(name, story)

    def _type(self, name: str, text: str) -> Iterator[Step]:
        """A word, letter by letter, with what editors ask after each."""
        at = self._place(text)
        for letter in self.random.choice(_WORDS):
            yield Step("edit", name, ((at, at, letter),))
            at += 1
            if self.random.random() < 0.5:
                yield self._ask("completion", name, (at, at))
        if self.random.random() < 0.5:
            yield Step("edit", name, ((at - 1, at, ""),))

    def _paste(self, story: Story, name: str, text: str) -> Step:
        other = self.random.choice(list(story.texts().values()))
        start = self.random.randint(0, len(other))
        at = self._place(text)
        return Step("edit", name, ((at, at, other[start : start + 3000]),))

    def _several(self, name: str, text: str) -> Step:
        """Cursors at several places, as one change; each edit follows the one before."""
        word = self.random.choice(_WORDS)
        spots = sorted({self._place(text) for _ in range(self.random.randint(2, 5))}, reverse=True)
        return Step("edit", name, tuple((at, at, word) for at in spots))

    def _move_lines(self, name: str, text: str) -> Step:
        """An item of a list goes to another place."""
        lines = text.splitlines(keepends=True)
        first = self.random.randrange(len(lines) or 1)
        start = len("".join(lines[:first]))
        block = "".join(lines[first : first + self.random.randint(1, 8)])
        rest = lines[:first] + lines[first + len(block.splitlines()) :]
        at = len("".join(rest[: self.random.randint(0, len(rest))]))
        return Step("edit", name, ((start, start + len(block), ""), (at, at, block)))

    def _questions(self, name: str, story: Story) -> Iterator[Step]:
        text = story.text(name)
        for _ in range(self.random.choice((0, 1, 1, 2, 3))):
            at = self._place(text)
            method = self.random.choice(READS)
            if method == "diagnostic" and not story.editor.pulls:
                continue
            yield self._ask(method, name, (at, at + self.random.choice((0, 0, 7, 300))))
        chance = self.random.random()
        if chance < 0.06:
            at = self._place(text)
            yield Step("ask", name, method=self.random.choice((*OWN_READS, *_OVERALL)), at=(at, at))
        elif chance < 0.09:
            yield Step("tokens", name)
        elif chance < 0.12:
            yield Step("cancel")
        elif chance < 0.13 and story.editor.pulls:
            yield Step("ask", method="workspace/diagnostic")

    def _ask(self, method: str, name: str, at: tuple[int, int]) -> Step:
        text = None
        if method == "codeAction":
            text = self.random.choice((None, None, "source.fixAll", "refactor"))
        elif method == "rename":
            text = self.random.choice(("새이름", "new_name", "total_credit", "가 나", "1x"))
        elif method == "onTypeFormatting":
            text = self.random.choice(("\n", "}", "]"))
        return Step("ask", name, method=f"textDocument/{method}", at=at, text=text)

    def _place(self, text: str) -> int:
        """Anywhere, or where something is: at the edge of a word or within one."""
        if self.random.random() < 0.3 or not text:
            return self.random.randint(0, len(text))
        near = self.random.randint(0, len(text))
        found = re.compile(r"\w+|\W").search(text, near)
        if found is None:
            return len(text)
        return self.random.choice((*found.span(), self.random.randint(*found.span())))


_EVERYTHING = {
    "workspace": {
        "applyEdit": True,
        "workspaceFolders": True,
        "didChangeWatchedFiles": {"dynamicRegistration": True},
        "workspaceEdit": {"documentChanges": True},
        "diagnostics": {"refreshSupport": True},
    },
    "window": {"workDoneProgress": True},
    "textDocument": {
        "diagnostic": {"relatedDocumentSupport": True},
        "publishDiagnostics": {
            "relatedInformation": True,
            "tagSupport": {"valueSet": [1, 2]},
            "dataSupport": True,
            "versionSupport": True,
        },
        "completion": {
            "completionItem": {
                "snippetSupport": True,
                "insertReplaceSupport": True,
                "labelDetailsSupport": True,
                "documentationFormat": ["markdown"],
            }
        },
        "hover": {"contentFormat": ["markdown"]},
        "definition": {"linkSupport": True},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
        "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": [""]}}},
        "rename": {"prepareSupport": True},
    },
    "experimental": {"smq": {}},
}
_NO_PULL = {
    **_EVERYTHING,
    "textDocument": {k: v for k, v in _EVERYTHING["textDocument"].items() if k != "diagnostic"},
    "workspace": {"workspaceEdit": {}},
}


def editors() -> dict[str, Editor]:
    """One for each encoding: as VS Code, as an editor that is told everything, and a bare one."""
    return {
        "utf-16": _editor("utf-16", _EVERYTHING, pulls=True),
        "utf-8": _editor("utf-8", _NO_PULL, pulls=False),
        "utf-32": _editor("utf-32", {"workspace": {"applyEdit": True}}, pulls=False),
    }


def _editor(encoding: str, capabilities: dict[str, object], *, pulls: bool) -> Editor:
    general = {"general": {"positionEncodings": [encoding]}}
    return Editor(encoding, {**capabilities, **general}, pulls)
