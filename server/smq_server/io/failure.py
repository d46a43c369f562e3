"""What stops a command: one sentence for the person who started it."""

from __future__ import annotations


class Failure(Exception):
    """The command cannot run. `str(failure)` is shown as it is, and the exit status is 2.

    For a user's mistakes and the machine's refusals only; an exception of any other type is a
    defect of the program and is logged.
    """
