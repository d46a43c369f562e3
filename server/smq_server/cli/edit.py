"""Add, remove or set items of a query file, all of it or nothing, keeping comments and layout.

A wish is KEY=VALUE, such as metrics=revenue or limit=10, or a JSON object of several:
'{"metrics": ["revenue"]}'. First everything is set, then removed, then added. The edited query is
compiled again: its SQL goes to standard output, what is wrong with it to standard error. `-` edits
standard input, and writes the edited text instead of the SQL.

Exit status: 0 edited and compiled, 1 edited but the query has an error, 2 not edited.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from smq.problem import Problem, Severity
from smq.query.edit import edit_document
from smq.query.written import LIST_KEYS, SPELLINGS
from smq.rules.check import check
from smq.rules.finding import Finding
from smq.syntax import Document, kind_of
from smq.workspace import Snapshot
from smq_server.cli import changes
from smq_server.cli.findings import text
from smq_server.cli.findings.report import Report
from smq_server.cli.streams import Streams
from smq_server.io.failure import Failure
from smq_server.io.files import decode, read_document
from smq_server.io.missing import no_such_file
from smq_server.io.uris import absolute, display, path_of, uri_of
from smq_server.io.workspace import open_around

EXAMPLES = """\
  smq edit q.smq.json --add metrics=revenue --add groupBy=customers__city
  smq edit q.smq.json --remove filters="customers__city = 'Jeju'"
  smq edit q.smq.json --index 1 --set limit=10 --set '{"orderBy": ["-revenue"]}'
  smq edit q.smq.json --set limit=null --diff
"""

VERSION = 1
_OPERATIONS = ("set", "remove", "add")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a query file, or - for standard input")
    for operation, words in (
        ("add", "append items that are not there yet"),
        ("remove", "remove items; KEY alone resets a scalar"),
        ("set", "replace a value"),
    ):
        parser.add_argument(
            f"--{operation}", metavar="KEY=VALUE", action="append", default=[], help=words
        )
    parser.add_argument(
        "--index", type=int, metavar="N", help="which query of the file, from 0 (default: the only)"
    )
    parser.add_argument(
        "--diff", action="store_true", help="print what would change, write nothing"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    edits = _edits(arguments)
    from_stdin = arguments.file == "-"
    path = absolute(Path("stdin.smq.json" if from_stdin else arguments.file))
    document = _document(path, from_stdin, streams)
    edited = edit_document(document, edits)
    if edited.mistakes:
        raise Failure("; ".join(map(str, edited.mistakes)))
    if arguments.diff:
        after = {document.uri: edited.text}
        streams.stdout.writelines(changes.diff({document.uri: document.text}, after))
        return 0
    if from_stdin:
        streams.write(edited.text)
    elif edited.text != document.text:
        changes.write({document.uri: edited.text})
    workspace = open_around(path, streams.environ, arguments.config)
    changed = Document(document.uri, edited.text)
    snapshot = workspace.with_document(changed).snapshot
    return _answer(snapshot, document.uri, arguments, streams, silent=from_stdin)


def _edits(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """One edit for each kind of operation, in the order in which they apply."""
    edits: list[dict[str, Any]] = []
    for operation in _OPERATIONS:
        for written in getattr(arguments, operation):
            edit: dict[str, Any] = {operation: _wish(written, operation)}
            if arguments.index is not None:
                edit["index"] = arguments.index
            edits.append(edit)
    if not edits:
        raise Failure("nothing to do: give --add, --remove or --set")
    return edits


def _wish(written: str, operation: str) -> dict[str, Any]:
    if written.lstrip().startswith("{"):
        try:
            value = json.loads(written)
        except ValueError as error:
            raise Failure(f"--{operation} {written}: this is not JSON: {error}") from error
        assert isinstance(value, dict)
        return value
    key, equals, value = written.partition("=")
    key = key.strip()
    if not equals:
        if operation != "remove":
            raise Failure(f"--{operation} takes KEY=VALUE, not '{written}'")
        return {key: None}
    return {key: _value(key, value.strip())}


def _value(key: str, written: str) -> Any:
    """A string as it is; a list, a number for `limit`, and null as JSON has them."""
    is_list = SPELLINGS.get(key, key) in LIST_KEYS
    if written == "null" or key == "limit" or (is_list and written.startswith("[")):
        try:
            return json.loads(written)
        except ValueError:
            return written
    return [written] if is_list else written


def _document(path: Path, from_stdin: bool, streams: Streams) -> Document:
    if not from_stdin:
        if not path.exists():
            raise no_such_file(path)
        if kind_of(path.name) != "smq":
            raise Failure(f"{display(path)} is no query file (*.smq.json)")
    found = decode(uri_of(path), streams.read_bytes()) if from_stdin else read_document(path)
    if isinstance(found, Problem):
        from smq.rules import find

        rule = find(found.code)
        words = rule.words(found.args) if rule else found.code
        raise Failure(f"{'standard input' if from_stdin else display(path)}: {words}")
    return found


def _answer(
    snapshot: Snapshot,
    uri: str,
    arguments: argparse.Namespace,
    streams: Streams,
    *,
    silent: bool,
) -> int:
    # The compiler brings the SQL library, which a refused edit can do without.
    from smq.sql.compile import CompileOptions, compile_query

    index = arguments.index or 0
    query = next(each for each in snapshot.queries(uri) if each.index == index)
    options = CompileOptions(dialect=snapshot.configuration.dialect)
    compiled = compile_query(query, snapshot.graph, options)
    findings = [
        finding
        for finding in check(snapshot, [uri])
        if query.location.span.covers(finding.location.span)
    ]
    report = Report(
        findings,
        [uri],
        lambda each: snapshot.document(each).text if each in snapshot else None,
        lambda each: display(path_of(each)),
    )
    statements = [each.sql for each in compiled.queries]
    if arguments.format == "json" and not silent:
        streams.write(_json(index, statements, report))
    else:
        _text(statements, findings, report, streams, silent)
    return 1 if any(finding.severity is Severity.ERROR for finding in findings) else 0


def _text(
    statements: list[str],
    findings: list[Finding],
    report: Report,
    streams: Streams,
    silent: bool,
) -> None:
    least = Severity.HINT if streams.verbosity > 0 else Severity.WARNING
    shown = [finding for finding in findings if finding.severity >= least]
    shown_report = report.with_findings(shown)
    for part in text.render(shown_report, color=streams.error_color, command="smq check "):
        streams.stderr.write(part)
    if not silent:
        streams.stdout.writelines(f"{sql}\n" for sql in statements)


def _json(index: int, statements: list[str], report: Report) -> str:
    from smq_server.cli.findings.machine import finding_values

    document = {
        "version": VERSION,
        "index": index,
        "sql": statements,
        "findings": [finding_values(report, entry) for entry in report.entries],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
