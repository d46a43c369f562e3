"""A file that is not there, told with the one that was probably meant."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from smq.text import nearest
from smq_server.io.failure import Failure
from smq_server.io.uris import display

_MOST = 2_000
"""Names that are looked at; a mistake should not read a whole disk."""
_SUFFIX = ".smq.json"


def no_such_file(path: Path) -> Failure:
    """The failure for a path that does not exist.

    Files beside it are compared by name, and so are query files in the directories beside it,
    also without their ending: `sales` may well mean `queries/sales.smq.json`.
    """
    if path.is_symlink():
        return Failure(f"{display(path)} is a link that leads to no file")
    named: dict[str, Path] = {}
    for found in islice(_candidates(path.parent), _MOST):
        named.setdefault(found.name, found)
        if found.name.endswith(_SUFFIX):
            named.setdefault(found.name.removesuffix(_SUFFIX), found)
    close = nearest(path.name, named, limit=1, cutoff=0.75)
    hint = f"; did you mean {display(named[close[0]])}?" if close else ""
    return Failure(f"no such file or directory: {display(path)}{hint}")


def _candidates(directory: Path) -> Iterator[Path]:
    try:
        beside = sorted(each for each in directory.iterdir() if not each.name.startswith("."))
    except OSError:
        return
    yield from beside
    for each in beside:
        try:
            if each.is_dir():
                yield from sorted(each.glob(f"*{_SUFFIX}"))
        except OSError:
            continue
