"""Collect what the warehouse and the team know into one cache, and look at it.

`sync` collects tables, examples and semantic names and publishes the cache that editors and
generators read; `show` prints what a cache holds; `diff` compares two caches, or the cache with
the warehouse, and says what each change breaks; `doctor` looks for what is missing, such as
permissions; `serve` answers programs over HTTP; `deploy --print` writes what a scheduled
collection in Google Cloud needs, for review.

Exit status: 0 all is well, 1 something was found (`diff`: changes that break something, `doctor`:
a check that fails), 2 could not run.
"""

from __future__ import annotations

import argparse
from importlib import import_module

from smq_server.cli.streams import Streams

EXAMPLES = """\
  smq metasync sync                      collect, and write the cache
  smq metasync show                      what the cache holds
  smq metasync show shop.orders          … about one table
  smq metasync diff                      what has changed at the warehouse since
  smq metasync diff old.json new.json    between two caches
  smq metasync doctor                    is everything there that a collection needs?
  smq metasync serve --port 8080         for programs that ask over HTTP
  smq metasync deploy --print            gcloud commands and Terraform, for review
"""

_VERBS = {
    "sync": "collect and publish the cache",
    "show": "print what the cache holds",
    "diff": "compare caches, or the cache with the warehouse",
    "doctor": "check settings, access and permissions",
    "serve": "answer programs over HTTP",
    "deploy": "print what a scheduled collection in Google Cloud needs",
}


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, summary in _VERBS.items():
        # What the whole command takes may also stand behind the verb.
        sub = verbs.add_parser(
            verb, help=summary, description=f"{summary[:1].upper()}{summary[1:]}.",
            allow_abbrev=False,
        )  # fmt: skip
        sub.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS)
        sub.add_argument("--no-color", action="store_true", default=argparse.SUPPRESS)
        sub.add_argument("-v", "--verbose", action="count", default=argparse.SUPPRESS)
        sub.add_argument("-q", "--quiet", action="count", default=argparse.SUPPRESS)
        sub.add_argument(
            "--workspace", metavar="DIR", default=".", help="a directory of the workspace"
        )
        _CONFIGURE[verb](sub)


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    module = import_module(f"smq_server.cli.metasync_{arguments.verb}")
    status: int = module.run(arguments, streams)
    return status


def _sync(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("-o", dest="location", metavar="PLACE", help="write the cache there")


def _show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", metavar="TABLE", nargs="?", help="only this table, with columns")
    parser.add_argument("--cache", metavar="PLACE", help="another cache than the configured one")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def _diff(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", metavar="OLD", nargs="?", help="a cache (default: the configured)")
    parser.add_argument("new", metavar="NEW", nargs="?", help="a cache (default: the warehouse)")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def _doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text")


def _serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="default: only this machine")
    parser.add_argument("--port", type=int, default=8080)


def _deploy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--print", action="store_true", dest="is_printed", help="to stdout; nothing is applied"
    )
    parser.add_argument("-o", dest="directory", metavar="DIR", help="write the files there")
    parser.add_argument("--region", default="asia-northeast3", help="default: asia-northeast3")
    parser.add_argument("--schedule", default="0 17 * * *", help="in UTC; default: 0 17 * * *")
    parser.add_argument("--name", default="smq-metasync", help="of the function and its accounts")


_CONFIGURE = {
    "sync": _sync,
    "show": _show,
    "diff": _diff,
    "doctor": _doctor,
    "serve": _serve,
    "deploy": _deploy,
}
