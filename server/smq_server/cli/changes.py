"""Changed texts, as a diff or on the disk."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from smq_server.io.files import write_text
from smq_server.io.uris import display, path_of


def unified(path: str, before: str, after: str) -> Iterator[str]:
    """A unified diff that `git apply` and `patch -p1` take."""
    for line in difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        f"a/{path}",
        f"b/{path}",
    ):
        if line.endswith("\n"):
            yield line
        else:
            yield f"{line}\n\\ No newline at end of file\n"


def diff(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """The diffs of all documents in `after`, by URI."""
    for uri in sorted(after):
        yield from unified(display(path_of(uri)), before[uri], after[uri])


def write(after: Mapping[str, str]) -> None:
    """Write the new texts to their files. Raises Failure at the first that cannot be written."""
    for uri in sorted(after):
        write_text(path_of(uri), after[uri])
