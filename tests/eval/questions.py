"""Questions over the example workspaces with the answers that are right.

An answer is one query, or several where the models do not connect. A question without a right
answer says why, and which metrics come nearest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.eval.large import large

from smq.query.read import read_queries
from smq.query.written import WrittenQuery
from smq.syntax import Document, jsonc
from smq.workspace import Snapshot
from smq_server.io.workspace import Workspace, open_workspace

ROOT = Path(__file__).parents[2]
WORKSPACES = ("bank", "shop")
LARGE = "large"

Smq = dict[str, Any]
Answer = tuple[Smq, ...]


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    workspace: str
    language: str
    """`ko` or `en`."""
    kinds: tuple[str, ...]
    text: str
    accepted: tuple[Answer, ...] = ()
    unanswerable: str | None = None
    """Why no query answers it."""
    nearest: tuple[str, ...] = ()
    today: str | None = None
    """The day on which "last month" is asked."""


@cache
def questions() -> tuple[Question, ...]:
    """Those that answers are judged by."""
    return _read("questions", WORKSPACES)


@cache
def held_out() -> tuple[Question, ...]:
    """Those that the selection of files is measured by and has never been tuned on."""
    return _read("held_out", (*WORKSPACES, LARGE))


def _read(folder: str, workspaces: tuple[str, ...]) -> tuple[Question, ...]:
    found: list[Question] = []
    for workspace in workspaces:
        path = Path(__file__).parent / folder / f"{workspace}.json"
        for entry in json.loads(path.read_text(encoding="utf-8")):
            answers = entry.get("accepted", ())
            found.append(
                Question(
                    entry["id"],
                    workspace,
                    entry["language"],
                    tuple(entry["kinds"]),
                    entry["question"],
                    tuple(tuple(each) if isinstance(each, list) else (each,) for each in answers),
                    entry.get("unanswerable"),
                    tuple(entry.get("nearest", ())),
                    entry.get("today"),
                )
            )
    return tuple(found)


@cache
def workspace(name: str) -> Workspace:
    return open_workspace(ROOT / "examples" / name, {})


def snapshot(name: str) -> Snapshot:
    """The models that questions of a workspace are about."""
    return large() if name == LARGE else workspace(name).snapshot


def read(answer: Iterable[Smq]) -> tuple[WrittenQuery, ...]:
    """The queries of an answer. Raises ValueError for what is no query by its structure."""
    text = json.dumps(list(answer), ensure_ascii=False)
    queries, problems = read_queries(jsonc.parse(Document("answer.smq.json", text)))
    if problems:
        raise ValueError(", ".join(f"{each.code} {dict(each.args)}" for each in problems))
    return queries
