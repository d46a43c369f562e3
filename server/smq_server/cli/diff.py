"""Show which queries mean something else than at a git revision, and how.

Both states of the workspace are read whole and every query is compiled: a change of one model can
change queries in files that nobody touched. What is compared is the meaning (columns, grain, joins,
filters by stage, aggregates), and the SQL of a query that is the same word for word is unchanged.

Exit status: 0 no query means something else, 1 some do, 2 could not run.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from smq_server import __version__
from smq_server.cli.compile import add_dialect
from smq_server.cli.streams import Streams
from smq_server.io.failure import Failure

EXAMPLES = """\
  smq diff                          since the last commit
  smq diff main                     since the branch point is where main is
  smq diff v1.2 --sql               with the lines of SQL that changed
  smq diff origin/main --format markdown -o comment.md
"""

VERSION = 1
FORMATS = ("text", "json", "markdown")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "revision", nargs="?", default="HEAD", metavar="REV", help="default: HEAD, the last commit"
    )
    parser.add_argument(
        "path", nargs="?", default=".", metavar="PATH", help="the workspace; default: this one"
    )
    add_dialect(parser)
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument("--sql", action="store_true", help="with the lines of SQL that changed")
    parser.add_argument("-o", "--output-file", metavar="FILE", help="write there, not to stdout")


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    from smq.ide.difference import DefinitionDifference, semantic_diff
    from smq.ide.difference_text import markdown, text
    from smq_server.io.earlier import earlier_workspace
    from smq_server.io.uris import absolute
    from smq_server.io.workspace import load, locate

    start = absolute(Path(arguments.path))
    if not start.exists():
        raise Failure(f"no such file or directory: {arguments.path}")
    configuration = getattr(arguments, "config", None)
    location = locate(start if start.is_dir() else start.parent, streams.environ, configuration)
    now = load(location)
    revision = arguments.revision
    with earlier_workspace(now.root, revision, streams.environ) as (then, commit):
        before, after = then.snapshot, now.snapshot
        dialect = arguments.dialect or after.configuration.dialect
        diff = semantic_diff(before, after, dialect)

        def position(each: DefinitionDifference) -> tuple[str, int, int] | None:
            location = each.location
            if location is None:
                return None
            snapshot = before if each.change == "removed" else after
            path = snapshot.configuration.relative_path(location.uri)
            if location.uri not in snapshot:
                return path, 1, 1
            line, column = snapshot.lines(location.uri).position(location.span.start)
            return path, line + 1, column + 1

        def place(each: DefinitionDifference) -> str:
            found = position(each)
            return f"{found[0]}:{found[1]}" if found is not None else ""

        if arguments.format == "json":
            output = json.dumps(
                _document(diff, revision, commit, dialect, position), ensure_ascii=False, indent=2
            )
            output += "\n"
        elif arguments.format == "markdown":
            output = markdown(diff, place, f"What queries mean since `{revision}`")
        else:
            output = text(diff, place, arguments.sql)
    if arguments.output_file:
        from smq_server.io.files import write_text

        write_text(absolute(Path(arguments.output_file)), output)
    else:
        streams.write(output)
    return 0 if diff.is_empty else 1


def _document(diff: Any, revision: str, commit: str, dialect: str, position: Any) -> dict[str, Any]:
    """The JSON of `diff-output.schema.json`."""

    def place(each: Any) -> dict[str, Any] | None:
        found = position(each)
        if found is None:
            return None
        path, line, column = found
        return {"path": path, "line": line, "column": column}

    return {
        "version": VERSION,
        "tool": {"name": "smq", "version": __version__},
        "revision": revision,
        "commit": commit,
        "dialect": dialect,
        "unchanged": diff.unchanged,
        "definitions": [
            {
                "kind": each.kind,
                "name": each.name,
                "change": each.change,
                "before": each.before or None,
                "after": each.after or None,
                "place": place(each),
            }
            for each in diff.definitions
        ],
        "queries": [
            {
                "path": each.path,
                "index": each.index,
                "name": each.name,
                "change": each.change,
                "edited": each.edited,
                "differences": [
                    {
                        "aspect": one.aspect,
                        "words": one.words,
                        "before": one.before or None,
                        "after": one.after or None,
                    }
                    for one in each.differences
                ],
                "problems": list(each.problems),
                "sql": {"before": each.before_sql, "after": each.after_sql},
            }
            for each in diff.queries
        ],
    }
