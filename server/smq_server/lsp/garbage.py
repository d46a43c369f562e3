"""When garbage is looked for: between messages, and never while somebody waits for an answer.

A keystroke makes some thousand objects beside millions that stay. Left to itself, the collector
starts in the middle of whichever keystroke happens to reach its threshold, and that one takes
twice as long as the others.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

_YOUNG = 4_000
"""New objects after which a look is worth its while, once a message has been answered."""
_MUCH = 20_000
"""New objects of work in the background after which a look is worth its while."""
_MANY_LOOKS = 20
"""Looks at new objects after which such work looks at older ones, too."""
_OLDER = 10
"""Looks at new objects, after which those that have survived are looked at as well."""
_AT_REST = 2.0
"""Seconds without a message after which nobody seems to be typing."""
_AND_STILL = 0.5
"""Seconds more, in which nothing may come."""
_AT_LAST = (100_000, 50, 20)
"""Thresholds for the collector itself, for work that no message interrupts."""


class Garbage:
    """The collector of this process, once it has been taken over."""

    def __init__(
        self,
        later: Callable[[float, Callable[[], None]], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._later = later
        self._clock = clock
        self._is_ours = False
        self._is_waiting = False
        self._is_quiet = False
        self._is_answered = False
        self._heard = 0.0

    def take_over(self) -> None:
        """What there is now stays, so nobody looks for garbage in it. Does nothing in a process
        whose entry has not turned collecting off: then somebody else sees to it."""
        if gc.isenabled():
            return
        gc.freeze()
        gc.set_threshold(*_AT_LAST)
        gc.enable()
        self._is_ours = True

    def heard(self) -> bool:
        """A message came. Whether there is something to do when it has been answered."""
        if not self._is_ours:
            return False
        self._heard = self._clock()
        self._is_quiet = False
        self._is_answered = True
        if not self._is_waiting and gc.get_count()[1] >= _OLDER:
            self._is_waiting = True
            self._later(_AT_REST, self._at_rest)
        return gc.get_count()[0] >= _YOUNG

    def between(self) -> None:
        """Nobody waits: look at what is new, if that is much. Long work that no message has
        interrupted makes more before it is looked at, and then older things are as well."""
        young, looks, _ = gc.get_count()
        if not self._is_ours or young < (_YOUNG if self._is_answered else _MUCH):
            return
        self._is_answered = False
        is_at_rest = self._clock() - self._heard > _AT_REST
        gc.collect(1 if is_at_rest and looks >= _MANY_LOOKS else 0)

    def _at_rest(self) -> None:
        still = _AT_REST - (self._clock() - self._heard)
        if still > 0:
            self._later(still, self._at_rest)
            return
        if not self._is_quiet:
            # A long answer may have kept us, and the next message may be waiting by now.
            self._is_quiet = True
            self._later(_AND_STILL, self._at_rest)
            return
        self._is_waiting = False
        gc.collect(1)
