"""Format query and model files: layout and key order, never meaning; comments stay.

PATHS are files or directories; without any, the current directory. `-` formats standard input to
standard output. A file whose syntax is broken is left alone.

Exit status: 0 everything is formatted, 1 --check or --diff found something to do, 2 could not run.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from smq.format import format_document
from smq.graph.loaders import is_about_models
from smq.problem import Problem
from smq.syntax import Document, Parsed, kind_of
from smq.text import apply_edits
from smq_server.cli import changes
from smq_server.cli.skipping import show_foreign
from smq_server.cli.streams import Streams
from smq_server.io.discovery import files_below, find_files, is_excluded, may_hold_models
from smq_server.io.failure import Failure
from smq_server.io.files import decode, read_document
from smq_server.io.missing import no_such_file
from smq_server.io.uris import absolute, display, path_of, uri_of
from smq_server.io.workspace import locate

EXAMPLES = """\
  smq fmt                           every query and model file of this workspace
  smq fmt queries/ models/shop.yml  these
  smq fmt --check                   exit 1 if something is not formatted
  smq fmt - --stdin-filename a.yml  from an editor
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", metavar="PATH", nargs="*", help="files or directories, or -")
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if it would")
    parser.add_argument("--diff", action="store_true", help="print what would change")
    parser.add_argument("--stdin-filename", metavar="FILE", help="what - is to be taken for")


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    if "-" in arguments.paths:
        return _stdin(arguments, streams)
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    foreign: list[Path] = []
    failed = False
    count = 0
    for found, by_name in _documents(arguments, streams):
        try:
            if isinstance(found, Problem):
                raise Failure(f"{display(path_of(found.location.uri))}: {_words(found)}")
            text = _formatted(found)
        except Failure as failure:
            streams.message(f"smq: error: {failure}", -9)
            failed = True
            continue
        if text is None:
            if by_name:
                foreign.append(path_of(found.uri))
            continue
        count += 1
        if text != found.text:
            before[found.uri], after[found.uri] = found.text, text
    show_foreign(foreign, streams)
    if not (count or foreign or failed):
        where = " ".join(arguments.paths) or "the workspace"
        streams.message(f"nothing to format in {where}")
    if arguments.diff:
        streams.stdout.writelines(changes.diff(before, after))
    elif arguments.check:
        for uri in sorted(after):
            streams.write(f"{display(path_of(uri))}\n")
    else:
        changes.write(after)
    looking = arguments.check or arguments.diff
    _summary(count, len(after), looking, streams)
    if failed:
        return 2
    return 1 if looking and after else 0


def _stdin(arguments: argparse.Namespace, streams: Streams) -> int:
    if len(arguments.paths) > 1:
        raise Failure("- cannot be combined with other paths")
    path = absolute(Path(arguments.stdin_filename or "stdin.smq.json"))
    found = decode(uri_of(path), streams.read_bytes())
    if isinstance(found, Problem):
        raise Failure(f"standard input: {_words(found)}")
    text = _formatted(found)
    if text is None:
        text = found.text
    if arguments.diff:
        streams.stdout.writelines(changes.diff({found.uri: found.text}, {found.uri: text}))
    elif not arguments.check:
        streams.write(text)
    return 1 if (arguments.check or arguments.diff) and text != found.text else 0


def _formatted(document: Document) -> str | None:
    """The formatted text; None for YAML about something else, which is not ours to lay out.

    Raises Failure where the syntax is broken.
    """
    parsed = _parse(document)
    if document.kind == "yaml" and not is_about_models(parsed):
        return None
    broken = next((problem for problem in parsed.problems if _is_error(problem)), None)
    if broken is not None:
        from smq.text import LineIndex

        line, column = LineIndex(document.text).position(broken.location.span.start)
        place = f"{display(path_of(document.uri))}:{line + 1}:{column + 1}"
        raise Failure(f"{place}: not formatted, because it cannot be read: {_words(broken)}")
    return apply_edits(document.text, format_document(parsed))


def _parse(document: Document) -> Parsed:
    if document.kind == "yaml":
        from smq.syntax import yaml

        return yaml.parse(document)
    from smq.syntax import jsonc

    return jsonc.parse(document)


def _documents(
    arguments: argparse.Namespace, streams: Streams
) -> Iterator[tuple[Document | Problem, bool]]:
    for path, by_name in _paths(arguments, streams):
        found = read_document(path)
        if isinstance(found, Problem):
            if by_name or kind_of(path.name) == "smq":
                yield found, by_name
        elif by_name or found.kind == "smq" or may_hold_models(found.text.encode()):
            yield found, by_name


def _paths(arguments: argparse.Namespace, streams: Streams) -> Iterator[tuple[Path, bool]]:
    """The files to format, each once, and whether a person named it."""
    seen: set[Path] = set()
    for given in [Path(each) for each in arguments.paths] or [Path()]:
        path = absolute(given)
        if not path.exists():
            raise no_such_file(path)
        location = locate(path, streams.environ, arguments.config)
        root, configuration = location.root, location.configuration
        if path.is_dir():
            files = [each for each in find_files(root, configuration) if each.is_relative_to(path)]
            listed = [(f, False) for f in files or files_below(path, root, configuration)]
        elif kind_of(path.name) == "other":
            raise Failure(f"{display(path)} is neither a query (*.smq.json) nor YAML")
        elif is_excluded(path, root, configuration):
            streams.message(f"skipped {display(path)}: the configuration excludes it")
            listed = []
        else:
            listed = [(path, True)]
        for file, by_name in listed:
            if file not in seen and kind_of(file.name) != "other":
                seen.add(file)
                yield file, by_name


def _summary(count: int, changed: int, looking: bool, streams: Streams) -> None:
    verb = "would be formatted" if looking else "formatted"
    rest = count - changed
    parts = [f"{changed:,} {verb}"] if changed else []
    parts.append(f"{rest:,} {'file was' if rest == 1 else 'files were'} formatted already")
    if count:
        streams.message(", ".join(parts))


def _is_error(problem: Problem) -> bool:
    from smq.problem import Severity
    from smq.rules import find

    rule = find(problem.code)
    return rule is None or rule.severity is Severity.ERROR


def _words(problem: Problem) -> str:
    # Only a file that cannot be formatted needs the words of the rules.
    from smq.rules import find

    rule = find(problem.code)
    return rule.words(problem.args) if rule else problem.code
