"""`python -m tests.eval`: measure, and print the tables.

`selection` needs nothing. `strategies` asks the language model that SMQ_LLM_MODEL,
SMQ_LLM_BASE_URL and SMQ_LLM_API_KEY (or OPENAI_API_KEY) name, about 150 questions for each
strategy; `smq generate --help` says more about the settings. `record` asks in the same way and
keeps what the endpoint answers, in the form of `tests/eval/answers`; `replay` judges such a file
again, through the real client and without the endpoint.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from tests.eval import recording, replaying, running, selection
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
    keeping = commands.add_parser("record", help="ask a language model and keep its answers")
    keeping.add_argument("--strategy", choices=tuple(STRATEGIES), default="direct")
    for parser_ in (asking, keeping):
        parser_.add_argument("--question", action="append", metavar="ID", help="only these")
        parser_.add_argument("--language", choices=("ko", "en"))
        parser_.add_argument("--kind", help="only questions of this kind, such as window")
        parser_.add_argument("--first", type=int, metavar="N", help="only the first N of them")
    keeping.add_argument("file", type=Path, metavar="FILE")
    again = commands.add_parser("replay", help="judge answers that were kept")
    again.add_argument("file", type=Path, metavar="FILE")
    asking.add_argument("--at-once", type=int, default=4, metavar="N", help="default: 4")
    asking.add_argument("--json", type=Path, metavar="FILE", help="write all outcomes there")
    asking.add_argument("--all", action="store_true", help="show right answers, too")
    arguments = parser.parse_args(words)
    if arguments.command == "selection":
        asked = held_out() if arguments.held_out else questions()
        sys.stdout.write(selection.table(selection.measure(asked)))
        return 0
    if arguments.command == "replay":
        return _replay(arguments.file)
    return _ask(arguments)


def _replay(file: Path) -> int:
    kept = json.loads(file.read_text(encoding="utf-8"))
    outcomes = replaying.replay(kept, kept.get("strategy", file.stem))
    sys.stdout.write(running.table(outcomes, every=True))
    return int(any(
        each.judgement.verdict != kept["questions"][each.question.id]["verdict"]
        for each in outcomes
    ))  # fmt: skip


def _record(chosen: list[Question], strategy: str, settings: dict[str, Any], file: Path) -> int:
    environ = dict(os.environ)
    # The address is that of the proxy, which the vendor's own key would not be sent to.
    environ.setdefault("SMQ_LLM_API_KEY", environ.get("OPENAI_API_KEY", ""))
    found = recording.record(chosen, strategy, environ, settings)
    kept = {
        "about": f"What {settings['model']} answered on {date.today()}, recorded from its "
        "endpoint; `verdict` is what the strategy and the judge made of it.",
        "strategy": strategy,
        "questions": found,
    }
    text = json.dumps(kept, ensure_ascii=False, indent=1)
    file.write_text(text + "\n", encoding="utf-8")
    verdicts = Counter(each["verdict"] for each in found.values())
    told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    sys.stdout.write(f"{file}: {told}\n")
    return 0


def _ask(arguments: argparse.Namespace) -> int:
    # The settings of the environment, which the examples' own files say nothing about.
    configured = open_workspace(Path(__file__).parents[2] / "examples" / "shop", os.environ)
    llm = configured.configuration.llm
    if not llm.model:
        sys.stderr.write("no language model: set SMQ_LLM_MODEL, and SMQ_LLM_BASE_URL or a key\n")
        return 2
    chosen = _chosen(arguments)
    settings = {name: getattr(llm, name) for name in type(llm).__slots__}
    if arguments.command == "record":
        return _record(chosen, arguments.strategy, settings, arguments.file)
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
