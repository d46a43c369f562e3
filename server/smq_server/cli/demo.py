"""Run the bundled example on the embedded engine: a question, its SQL, its rows, and a mistake.

Everything shown is computed when the command runs. NAME chooses another query of the example;
`--copy` writes the whole example to a directory, to play with.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from smq_metasync.connect import connect
from smq_server.cli import queries
from smq_server.cli.findings import text
from smq_server.cli.queries import Wanted
from smq_server.cli.streams import Streams
from smq_server.cli.table import draw
from smq_server.io.examples import example
from smq_server.io.failure import Failure
from smq_server.io.uris import absolute, display

EXAMPLES = """\
  smq demo                      the tour
  smq demo --list               the questions of the example
  smq demo loan_to_deposit      the tour with another question
  smq demo --copy bank          the example's files, to change and run
"""

FIRST = "customers_by_grade"
WRONG = """\
{
  "metrics": ["SUM(total_balance)", "customer_cuont"],
  "groupBy": ["고객기본__cust_grd"],
  "orderBy": ["-account_count", "계좌정보__open_dt"]
}
"""
_SUFFIX = ".smq.json"
_INDENT = "  "


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", metavar="NAME", nargs="?", default=FIRST, help="a query, see --list"
    )
    parser.add_argument("--list", action="store_true", help="list the example's questions")
    parser.add_argument("--copy", metavar="DIR", help="write the example's files to a directory")


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    workspace = example("bank")
    if arguments.copy:
        return _copy(workspace, absolute(Path(arguments.copy)), streams)
    # The tour is the same for everybody, whatever their own workspace overrides.
    quiet = replace(streams, environ={}, verbosity=min(streams.verbosity, 0))
    if arguments.list:
        return _list(workspace, quiet)
    path = workspace / "queries" / f"{arguments.name.removesuffix(_SUFFIX)}{_SUFFIX}"
    if not path.is_file():
        raise Failure(f"the example has no query '{arguments.name}'; `smq demo --list` shows them")
    for part in _tour(path, workspace, quiet):
        streams.write(part)
        streams.stdout.flush()
    return 0


def _tour(path: Path, workspace: Path, streams: Streams) -> Iterator[str]:
    compiled = queries.compile_queries(
        _arguments(workspace, files=[str(path)]), streams, Wanted(lambda _: "duckdb")
    )
    engine = None
    try:
        for compilation, query in compiled.each():
            written = compilation.written
            assert written.node is not None
            source = compilation.workspace.snapshot.document(written.uri).text
            yield f"A question to the example, a small Korean bank:\n\n  {written.description}\n\n"
            yield f"written as SMQ, in queries/{path.name}:\n\n"
            yield _indented(written.node.span.cut(source)) + "\n"
            yield "means this SQL:\n\n"
            yield _indented(query.sql) + "\n"
            engine = engine or connect(
                compilation.workspace.configuration.engine, workspace, streams.environ
            )
            result = engine.run(query.sql)
            headings = [column.name for column in result.columns]
            yield "and gives these rows:\n\n"
            yield _indented(draw(headings, list(result.rows))) + "\n"
    finally:
        if engine is not None:
            engine.close()
    wrong = queries.compile_queries(
        _arguments(workspace, inline_query=WRONG), streams, Wanted(lambda _: "duckdb")
    )
    yield "A query with mistakes:\n\n"
    yield _indented(WRONG) + "\n"
    yield "is answered with what is wrong, where, and what would cure it:\n\n"
    yield _indented("".join(text.render(wrong.report())).rstrip() + "\n")
    yield "\nTry it: `smq demo --copy bank`, then `smq run bank/queries`.\n"


def _arguments(
    workspace: Path, files: list[str] | None = None, inline_query: str | None = None
) -> argparse.Namespace:
    return argparse.Namespace(
        files=files or [],
        inline_query=inline_query,
        query=None,
        distribute=False,
        config=str(workspace / "smq.toml"),
    )


def _list(workspace: Path, streams: Streams) -> int:
    paths = sorted((workspace / "queries").glob(f"*{_SUFFIX}"))
    arguments = _arguments(workspace, files=[str(path) for path in paths])
    compiled = queries.compile_queries(arguments, streams, Wanted(lambda _: "duckdb"))
    widest = max(len(path.name) for path in paths) - len(_SUFFIX)
    for compilation in compiled.compilations:
        name = compilation.place.rpartition("/")[2].removesuffix(_SUFFIX)
        streams.write(f"{name:<{widest}}  {compilation.written.description}\n")
    return 0


def _copy(workspace: Path, target: Path, streams: Streams) -> int:
    if target.exists() and any(target.iterdir()):
        raise Failure(f"{display(target)} is not empty")
    try:
        shutil.copytree(workspace, target, dirs_exist_ok=True)
    except OSError as error:
        raise Failure(f"cannot write {display(target)}: {error}") from error
    streams.message(f"The example is in {display(target)}. Try: smq run {display(target)}/queries")
    return 0


def _indented(block: str) -> str:
    return "".join(
        f"{_INDENT}{line}\n" if line.strip() else "\n" for line in block.rstrip("\n").split("\n")
    )
