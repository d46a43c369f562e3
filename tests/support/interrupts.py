"""Processes that can be interrupted, however the tests themselves were started."""

from __future__ import annotations

import signal


def hear_interrupts() -> None:
    """Run in a new process before its program: a background job of a shell ignores SIGINT, and
    so would everything that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
