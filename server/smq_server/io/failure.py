"""What stops a command: one sentence for the person who started it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smq_server.io.configuration import Loaded


class Failure(Exception):
    """The command cannot run. `str(failure)` is shown as it is, and the exit status is 2.

    For a user's mistakes and the machine's refusals only; an exception of any other type is a
    defect of the program and is logged.
    """


class BadConfiguration(Failure):
    """The configuration is wrong; `loaded` has the problems and the text they stand in."""

    def __init__(self, loaded: Loaded) -> None:
        super().__init__("the configuration is not valid")
        self.loaded = loaded
