"""Explain a rule, or list all rules.

CODE is a rule's code, its name, or the beginning of a code for a whole family.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from smq.rules import Rule, find, rules
from smq.text import nearest
from smq_server.cli.streams import Streams
from smq_server.io.failure import Failure

EXAMPLES = """\
  smq rule                   list the rules
  smq rule NAM101            explain one
  smq rule unknown-metric    … by its name
  smq rule QRY               list a family
  smq rule --all             explain all of them
"""

VERSION = 1


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", metavar="CODE", nargs="?", help="a code, a name or a family")
    parser.add_argument("--all", action="store_true", help="the pages of all rules")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    chosen, whole = _choose(arguments.code, arguments.all)
    if arguments.format == "json":
        document = {"version": VERSION, "rules": [described(rule) for rule in chosen]}
        streams.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    elif whole:
        streams.write("\n\n".join(page(rule) for rule in chosen) + "\n")
    else:
        width = max((len(rule.name) for rule in chosen), default=0)
        for rule in chosen:
            level = rule.severity.name.lower()
            streams.write(f"{rule.code:<7} {rule.name:<{width}}  {level:<7}  {rule.summary}\n")
    return 0


def page(rule: Rule) -> str:
    """A rule's page as Markdown, with a heading and the facts of the registry."""
    facts = f"*{rule.severity.name.lower()}* by default, since {rule.since}"
    if rule.fix is not None:
        facts += ", has a fix"
    return f"# {rule.code} {rule.name}\n\n{facts}\n\n{rule.page.strip()}"


def described(rule: Rule) -> dict[str, Any]:
    """A rule as plain values, for `rules.json` and for programs."""
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity.name.lower(),
        "summary": rule.summary,
        "on": rule.on,
        "since": rule.since,
        "fix": rule.fix is not None,
        "page": rule.page,
    }


def _choose(code: str | None, everything: bool) -> tuple[list[Rule], bool]:
    """The rules that were asked for, and whether their pages are wanted."""
    known = rules()
    if code is None:
        return list(known.values()), everything
    one = find(code)
    if one is not None:
        return [one], True
    family = [rule for rule in known.values() if rule.code.startswith(code.upper())]
    if family:
        return family, everything
    near = nearest(code.upper(), known) or nearest(code, (rule.name for rule in known.values()))
    hint = f"; did you mean {' or '.join(near)}?" if near else "; `smq rule` lists the rules"
    raise Failure(f"there is no rule '{code}'{hint}")
