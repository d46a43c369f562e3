"""Print the SQL that queries mean.

The SQL goes to standard output, one statement for each query, and what is wrong with a query goes
to standard error. Several queries are told apart by a comment line above each, and end with a
semicolon.

Exit status: 0 all compiled, 1 a query has an error, 2 could not run.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from smq_server.cli import queries
from smq_server.cli.queries import Compiled, Wanted
from smq_server.cli.streams import Streams

EXAMPLES = """\
  smq compile sales.smq.json                        for the configured dialect
  smq compile --dialect bigquery queries/*.smq.json
  smq compile -q '{"metrics": ["revenue"]}'         a query without a file
  smq compile sales.smq.json --query 1              the second query of the file
  smq compile sales.smq.json --metadata json        SQL with columns, tables and joins
"""


def configure(parser: argparse.ArgumentParser) -> None:
    queries.add_arguments(parser)
    add_dialect(parser)
    parser.add_argument(
        "--inline", action="store_true", help="sub-selects instead of common table expressions"
    )
    parser.add_argument(
        "--metadata", choices=["json"], help="print SQL and what is known about it as JSON"
    )
    parser.add_argument("-o", "--output-file", metavar="FILE", help="write there, not to stdout")


def add_dialect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dialect", type=_dialect, metavar="NAME", help=_dialect_help())


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    wanted = Wanted(
        lambda workspace: arguments.dialect or workspace.configuration.dialect,
        inline=arguments.inline,
    )
    compiled = queries.compile_queries(arguments, streams, wanted)
    queries.show_problems(compiled, streams)
    if arguments.metadata:
        # Only this way out needs the shape of the metadata.
        from smq_server.cli.metadata import document

        output = json.dumps(document(compiled), ensure_ascii=False, indent=2) + "\n"
    else:
        output = _sql(compiled)
    if not arguments.output_file:
        streams.write(output)
    elif not compiled.failed:
        # A file that was right before is not replaced by half an answer.
        from smq_server.io.files import write_text
        from smq_server.io.uris import absolute

        write_text(absolute(Path(arguments.output_file)), output)
    return 1 if compiled.failed else 0


def _sql(compiled: Compiled) -> str:
    found = list(compiled.each())
    if len(compiled.compilations) == 1 and len(found) == 1:
        return found[0][1].sql + "\n"
    return "\n".join(
        f"-- {compilation.title(query)}\n{query.sql};\n" for compilation, query in found
    )


def _dialect(name: str) -> str:
    from smq.dialects import UnknownDialectError, canonical_name

    try:
        return canonical_name(name)
    except UnknownDialectError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _dialect_help() -> str:
    from smq.dialects import names

    return f"SQL for this engine instead of the configured one: {', '.join(names())}"
