"""Why there is no query, in a word for programs and a sentence for people."""

from __future__ import annotations

from typing import Literal

FailureKind = Literal[
    "not-configured",
    "missing-extra",
    "untrusted",
    "no-models",
    "unauthorised",
    "unreachable",
    "rate-limited",
    "endpoint",
    "timeout",
    "budget",
    "too-long",
    "refused",
    "invalid",
    "cancelled",
]


class GenerationFailure(Exception):
    """Raised inside of a strategy or a client; the door to generation turns it into a value.

    `details` are what was wrong with the last answer, for those who want to know.
    """

    def __init__(self, kind: FailureKind, message: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.details = details
