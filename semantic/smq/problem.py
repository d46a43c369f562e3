"""What is wrong, where, and with which facts; the words and the fixes belong to the rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

from smq.text import Edit, Location


class Severity(IntEnum):
    """How much a finding matters; only errors stop a query from running."""

    OFF = 0
    HINT = 1
    INFO = 2
    WARNING = 3
    ERROR = 4


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that explains the problem, such as the first of two definitions."""

    location: Location
    note: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding of a reader, the binder, the compiler, a rule or an engine.

    `code` names the rule, which knows the severity, the words and the fixes. `args` are the facts
    the rule words: plain strings, numbers, and tuples of them.
    """

    code: str
    location: Location
    args: Mapping[str, object] = field(default_factory=dict)
    related: tuple[Related, ...] = ()


Safety = Literal["safe", "unsafe"]


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that cure a problem. *Safe* ones keep the meaning that was surely meant."""

    title: str
    edits: tuple[Edit, ...]
    safety: Safety = "unsafe"
