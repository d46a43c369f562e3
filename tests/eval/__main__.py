"""`python -m tests.eval`: measure, and print the tables.

`selection` needs nothing. `strategies` asks the language model that SMQ_LLM_MODEL,
SMQ_LLM_BASE_URL and SMQ_LLM_API_KEY (or OPENAI_API_KEY) name, about 150 questions for each
strategy; `smq generate --help` says more about the settings.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from tests.eval import running, selection
from tests.eval.questions import Question, held_out, questions

from smq_server.generation.generate import STRATEGIES
from smq_server.io.workspace import open_workspace


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.eval",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    selecting = commands.add_parser("selection", help="recall at 3 of the selection of model files")
    selecting.add_argument(
        "--held-out", action="store_true", help="of the questions it has not been tuned on"
    )
    asking = commands.add_parser("strategies", help="ask a language model and judge its answers")
    asking.add_argument(
        "--strategy", action="append", choices=tuple(STRATEGIES), help="default: each of them"
    )
    asking.add_argument("--question", action="append", metavar="ID", help="only these")
    asking.add_argument("--language", choices=("ko", "en"))
    asking.add_argument("--kind", help="only questions of this kind, such as window")
    asking.add_argument("--first", type=int, metavar="N", help="only the first N of them")
    asking.add_argument("--at-once", type=int, default=4, metavar="N", help="default: 4")
    asking.add_argument("--json", type=Path, metavar="FILE", help="write all outcomes there")
    asking.add_argument("--all", action="store_true", help="show right answers, too")
    arguments = parser.parse_args(words)
    if arguments.command == "selection":
        asked = held_out() if arguments.held_out else questions()
        sys.stdout.write(selection.table(selection.measure(asked)))
        return 0
    return _ask(arguments)


def _ask(arguments: argparse.Namespace) -> int:
    # The settings of the environment, which the examples' own files say nothing about.
    configured = open_workspace(Path(__file__).parents[2] / "examples" / "shop", os.environ)
    llm = configured.configuration.llm
    if not llm.model:
        sys.stderr.write("no language model: set SMQ_LLM_MODEL, and SMQ_LLM_BASE_URL or a key\n")
        return 2
    chosen = _chosen(arguments)
    settings = {name: getattr(llm, name) for name in type(llm).__slots__}
    outcomes: list[running.Outcome] = []
    for strategy in arguments.strategy or STRATEGIES:
        at_once = arguments.at_once
        outcomes += running.run(
            chosen, strategy, os.environ, at_once=at_once, told=_dot, settings=settings
        )
    sys.stderr.write("\n")
    sys.stdout.write(running.table(outcomes, arguments.all))
    if arguments.json:
        text = json.dumps(running.values(outcomes), ensure_ascii=False, indent=1)
        arguments.json.write_text(text + "\n", encoding="utf-8")
    return 0


def _chosen(arguments: argparse.Namespace) -> list[Question]:
    chosen = [
        each
        for each in questions()
        if (not arguments.question or each.id in arguments.question)
        and (not arguments.language or each.language == arguments.language)
        and (not arguments.kind or arguments.kind in each.kinds)
    ]
    return chosen[: arguments.first]


def _dot(outcome: running.Outcome) -> None:
    sys.stderr.write({"exact": "=", "equivalent": "~", "valid": "?", "failed": "x"}[
        outcome.judgement.verdict])  # fmt: skip
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
