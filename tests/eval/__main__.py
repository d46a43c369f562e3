"""`python -m tests.eval`: measure, and print the tables."""

from __future__ import annotations

import argparse
import sys

from tests.eval import selection


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.eval", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("selection", help="recall at 3 of the selection of model files")
    parser.parse_args(words)
    sys.stdout.write(selection.table(selection.measure()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
