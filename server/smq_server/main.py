"""The `smq` entry: reads the first word and imports only that command.

Nothing heavier than the command itself may be imported here; `smq --version` answers from this
module alone. Exit status: 0 clean, 1 something was found, 2 could not run, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from smq_server import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; never raises for anything a command does."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words in (["--version"], ["-V"]):
        sys.stdout.write(f"smq {__version__}\n")
        return 0
    if words in (["lsp"], ["lsp", "--stdio"]):
        # An editor is waiting, and there is no option to parse.
        from smq_server.cli import lsp

        return lsp.serve_editor()
    # Everything else needs argument parsing, which `--version` should not pay for.
    from smq_server.cli import dispatch

    return dispatch.dispatch(words)


if __name__ == "__main__":
    sys.exit(main())
