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

from tests.eval import kept, recording, replaying, running, selection
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
        parser_.add_argument("--workspace", choices=("bank", "shop"))
        parser_.add_argument("--language", choices=("ko", "en"))
        parser_.add_argument("--kind", help="only questions of this kind, such as window")
        parser_.add_argument("--first", type=int, metavar="N", help="only the first N of them")
    keeping.add_argument(
        "--model-is",
        metavar="TEXT",
        help="what to keep about the model: its quantisation, the server and its version",
    )
    keeping.add_argument(
        "--anew", action="store_true", help="ask again what FILE has answers to already"
    )
    keeping.add_argument(
        "file", type=Path, metavar="FILE", help="written after each answer; goes on where it ended"
    )
    again = commands.add_parser("replay", help="judge answers that were kept")
    again.add_argument("file", type=Path, metavar="FILE", nargs="+")
    asking.add_argument("--at-once", type=int, default=4, metavar="N", help="default: 4")
    asking.add_argument("--json", type=Path, metavar="FILE", help="write all outcomes there")
    asking.add_argument("--all", action="store_true", help="show right answers, too")
    arguments = parser.parse_args(words)
    if arguments.command == "selection":
        asked = held_out() if arguments.held_out else questions()
        sys.stdout.write(selection.table(selection.measure(asked)))
        return 0
    if arguments.command == "replay":
        return max([_replay(file) for file in arguments.file])
    return _ask(arguments)


def _replay(file: Path) -> int:
    found = kept.read(file)
    replayed = replaying.replay(found, found["strategy"])
    sys.stdout.write(f"{file.name}: {_cost(found)}\n")
    sys.stdout.write(running.table([each.outcome for each in replayed], every=True))
    sys.stdout.write(replaying.differences(replayed))
    return int(not all(each.is_as_kept for each in replayed))


def _cost(found: kept.Json) -> str:
    about: str = found.get("recorded", {}).get("model") or found["about"]
    spent = [entry for entry in found["questions"].values() if "tokens" in entry]
    if not spent:
        return about
    sent, received = (sum(each["tokens"][at] for each in spent) for at in (0, 1))
    minutes = sum(each["seconds"] for each in spent) / 60
    calls = sum(len(each["asked"]) for each in spent)
    return (
        f"{about}; {len(spent)} questions, {calls} calls, {sent} tokens sent, "
        f"{received} received, {minutes:.0f} minutes"
    )


def _record(chosen: list[Question], settings: dict[str, Any], arguments: Any) -> int:
    environ = dict(os.environ)
    # The address is that of the proxy, which the vendor's own key would not be sent to.
    environ.setdefault("SMQ_LLM_API_KEY", environ.get("OPENAI_API_KEY", ""))
    file: Path = arguments.file
    model = f"{settings['model']}" + (f", {arguments.model_is}" if arguments.model_is else "")
    found: kept.Json = {
        "about": "What a model answered, recorded from its endpoint; `verdict` is what the "
        "strategy and the judge made of it.",
        "strategy": arguments.strategy,
        "recorded": {"model": model, "date": str(date.today())},
        "questions": {},
    }
    if file.exists() and not arguments.anew:
        before = kept.read(file)
        if (before.get("recorded", {}).get("model"), before["strategy"]) != (
            model,
            arguments.strategy,
        ):
            sys.stderr.write(
                f"{file} holds answers of another model or strategy: name another file, "
                "or give --anew\n"
            )
            return 2
        found["questions"] = before["questions"]
    left = [each for each in chosen if each.id not in found["questions"]]
    done = len(chosen) - len(left)
    try:
        for outcome, entry in recording.record(left, arguments.strategy, environ, settings):
            done += 1
            found["questions"][outcome.question.id] = entry
            kept.write(file, _in_order(found))
            sys.stderr.write(
                f"{done}/{len(chosen)} {outcome.question.id} {entry['verdict']}: "
                f"{len(entry['asked'])} calls, {entry['seconds']:.1f} s\n"
            )
    except recording.NoAnswers as error:
        sys.stderr.write(f"{error}\nThe same command goes on from here.\n")
        return 1
    verdicts = Counter(each["verdict"] for each in found["questions"].values())
    told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    sys.stdout.write(f"{file}: {told}\n{_cost(found)}\n")
    return 0


def _in_order(found: kept.Json) -> kept.Json:
    """The questions as they stand in their files, whenever they were asked."""
    known = found["questions"]
    ordered = {each.id: known[each.id] for each in questions() if each.id in known}
    return {**found, "questions": ordered}


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
        return _record(chosen, settings, arguments)
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
        and (not arguments.workspace or each.workspace == arguments.workspace)
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
