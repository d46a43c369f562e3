"""What becomes of a question: queries, a reasoned no, or a failure. Plain values for every face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from smq_server.generation.chat import Request, Usage
from smq_server.generation.failure import FailureKind
from smq_server.generation.knowledge import NearMetric
from smq_server.generation.validation import ValidQuery


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another reading of the question, which compiles as well."""

    meaning: str
    query: ValidQuery


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done: a call of the model, or work of our own.

    `request` is exactly what was sent, `said` what came back, `problems` what was wrong with it.
    A step without a request is our own; `state` is what it left behind.
    """

    name: str
    request: Request | None = None
    said: str = ""
    problems: tuple[str, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a question has cost."""

    calls: int = 0
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What every result has."""

    question: str
    strategy: str
    model: str
    spent: Spent = field(default_factory=Spent, kw_only=True)
    steps: tuple[Step, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class Generated(Outcome):
    """Queries, at least one, all of which compile. `adjustments` are what our code changed."""

    queries: tuple[ValidQuery, ...] = ()
    explanation: str = ""
    assumptions: tuple[str, ...] = ()
    adjustments: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Declined(Outcome):
    """The models cannot answer: why, and what comes nearest."""

    reason: str = ""
    nearest: tuple[NearMetric, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed(Outcome):
    """There is no answer, for a reason that is not the question's."""

    kind: FailureKind = "invalid"
    message: str = ""
    details: tuple[str, ...] = ()
    nearest: tuple[NearMetric, ...] = ()


@dataclass(frozen=True, slots=True)
class WrittenSql(Outcome):
    """SQL over the tables of the metadata cache. `is_planned`: the engine has planned it."""

    sql: str = ""
    dialect: str = ""
    tables: tuple[str, ...] = ()
    explanation: str = ""
    assumptions: tuple[str, ...] = ()
    is_planned: bool = False


Result = Generated | Declined | Failed | WrittenSql


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a strategy ends with, if the models can answer: queries that have been judged."""

    queries: tuple[ValidQuery, ...]
    explanation: str = ""
    assumptions: tuple[str, ...] = ()
    adjustments: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """What a strategy ends with, if they cannot."""

    reason: str
