"""How much one question may cost: calls, tokens and time, counted in one place."""

from __future__ import annotations

import time
from collections.abc import Callable

from smq_server.generation.chat import Usage
from smq_server.generation.failure import GenerationFailure

MOST_REFUSED = 12
"""Refused calls that cost nothing: more than there are rungs to come down by."""


class Budget:
    """Counts what is spent, and raises GenerationFailure before more is spent than allowed."""

    def __init__(
        self,
        max_calls: int,
        max_tokens: int,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_calls = max_calls
        self.max_tokens = max_tokens
        self.seconds = seconds
        self.calls = 0
        self.refused = 0
        """Calls that were refused before a model saw them, which are none of `calls`."""
        self.usage = Usage()
        self._clock = clock
        self._started = clock()

    @property
    def elapsed(self) -> float:
        return self._clock() - self._started

    @property
    def remaining(self) -> float:
        """Seconds that are left, never less than 0."""
        return max(0.0, self.seconds - self.elapsed)

    def begin_call(self, tokens: int) -> None:
        """Count a call that is about to be made with so many tokens."""
        if self.calls >= self.max_calls:
            raise GenerationFailure(
                "budget",
                f"The model was asked {self.calls} times and no query came of it. "
                "Ask for less at once, or raise llm.max_calls.",
            )
        if self.usage.total + tokens > self.max_tokens:
            raise GenerationFailure(
                "budget",
                f"The next call would take more than the {self.max_tokens} tokens a question may "
                f"have (spent: {self.usage.total}). Raise llm.max_tokens, or lower "
                "llm.prompt_tokens.",
            )
        if self.remaining <= 0:
            raise self.overdue()
        self.calls += 1

    def take_back(self) -> None:
        """The call that was begun asked for what the endpoint does not know: no model was asked.

        Otherwise finding out what an endpoint can would use up the calls of whoever allows one.
        An endpoint that refuses without end is still asked in bounded calls.
        """
        if self.refused < MOST_REFUSED:
            self.refused += 1
            self.calls -= 1

    def spend(self, usage: Usage) -> None:
        self.usage += usage

    def overdue(self) -> GenerationFailure:
        return GenerationFailure(
            "timeout",
            f"There was no query after {self.seconds:g} seconds. Raise llm.deadline to wait "
            "longer.",
        )
