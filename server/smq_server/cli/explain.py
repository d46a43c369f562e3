"""Show how queries are computed: leaves, join paths, filters by stage, lineage to columns.

A leaf is one aggregate over the rows of its base model; each of its rows counts once, whatever
else the query joins. `mermaid` and `dot` print the plan for programs that draw, `svg` is the
drawing itself.

Exit status: 0 all explained, 1 a query has an error, 2 could not run.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from smq_server.cli import diagram, explanation, queries
from smq_server.cli.compile import add_dialect
from smq_server.cli.queries import Wanted
from smq_server.cli.streams import Streams
from smq_server.io.failure import Failure

EXAMPLES = """\
  smq explain sales.smq.json
  smq explain sales.smq.json --format svg -o plan.svg
  smq explain -q '{"metrics": ["revenue"]}' --format json
"""

FORMATS = ("text", "json", "mermaid", "dot", "svg")


def configure(parser: argparse.ArgumentParser) -> None:
    queries.add_arguments(parser)
    add_dialect(parser)
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument("-o", "--output-file", metavar="FILE", help="write there, not to stdout")


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    compiled = queries.compile_queries(
        arguments,
        streams,
        Wanted(lambda workspace: arguments.dialect or workspace.configuration.dialect),
    )
    queries.show_problems(compiled, streams)
    explanations = [explanation.explain(*each) for each in compiled.each()]
    if arguments.format == "svg" and len(explanations) > 1:
        raise Failure(f"svg is one picture, not {len(explanations)}; choose with --query N")
    if arguments.format == "json":
        document = explanation.document(explanations, compiled.report())
        output = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    elif arguments.format == "text":
        output = "\n".join(map(explanation.text, explanations))
    else:
        output = "\n".join(_drawn(arguments.format, each) for each in explanations)
    if not arguments.output_file:
        streams.write(output)
    elif not compiled.failed:
        from smq_server.io.files import write_text
        from smq_server.io.uris import absolute

        write_text(absolute(Path(arguments.output_file)), output)
    return 1 if compiled.failed else 0


def _drawn(format_name: str, explained: explanation.Explanation) -> str:
    drawn = diagram.diagram(explained)
    if format_name == "mermaid":
        return diagram.mermaid(drawn)
    if format_name == "dot":
        return diagram.dot(drawn)
    from smq_server.cli.diagram_svg import svg

    return svg(drawn)
