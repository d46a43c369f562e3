"""Arguments that are wrong are told in one sentence, with what was probably meant."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from typing import NoReturn

_CHOICE = re.compile(r"invalid choice: '(?P<given>.*)' \(choose from (?P<known>.*)\)$", re.DOTALL)
_UNKNOWN = "unrecognized arguments: "


class Parser(argparse.ArgumentParser):
    """argparse's parser without its wall of options in front of every mistake."""

    def error(self, message: str) -> NoReturn:
        self.exit(
            2,
            f"{self.prog}: error: {message}{self._hint(message)}\n"
            f"`{self.prog} --help` shows what there is\n",
        )

    def _hint(self, message: str) -> str:
        choice = _CHOICE.search(message)
        if choice is not None:
            known = [each.strip().strip("'") for each in choice["known"].split(",")]
            return _meant([choice["given"]], known)
        if message.startswith(_UNKNOWN):
            words = message.removeprefix(_UNKNOWN).split()
            options = [word.partition("=")[0] for word in words if word.startswith("--")]
            return _meant(options, self._option_string_actions)
        return ""


def _meant(given: Iterable[str], known: Iterable[str]) -> str:
    # Only a mistake should pay for difflib.
    from smq.text import nearest

    names = list(known)
    found = [each for word in given for each in nearest(word, names, limit=1)]
    return f"; did you mean {' '.join(dict.fromkeys(found))}?" if found else ""
