"""Find mistakes in queries and semantic models.

PATHS are files or directories; without any, the current directory. The whole workspace is read,
because a query is right or wrong among the models; only findings in PATHS are reported. `-` reads
one document from standard input.

Exit status: 0 clean, 1 warnings or errors were found (see --fail-on), 2 could not run.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from smq.problem import Severity
from smq.rules.check import Finding, check
from smq.syntax import Document, kind_of
from smq.workspace import Configuration, Snapshot
from smq_server.cli import changes
from smq_server.cli.findings import machine, platforms, sarif, text
from smq_server.cli.findings.report import Report
from smq_server.cli.skipping import show_foreign, show_narrow
from smq_server.cli.streams import Streams
from smq_server.cli.warehouse import warehouse_of
from smq_server.io.failure import Failure
from smq_server.io.files import decode
from smq_server.io.kept import Check
from smq_server.io.uris import absolute, display, path_of, uri_of
from smq_server.io.workspace import Workspace, open_around, open_workspaces

EXAMPLES = """\
  smq check                                 the workspace of this directory
  smq check queries/ models/branch.yml      these files, read among all others
  smq check --fix                           cure what has a safe fix
  smq check --fix --diff                    show what that would change
  smq check --select NAM --ignore NAM105    only some rules
  smq check --output-format github          annotations for a pull request
  smq check - --stdin-filename q.smq.json   from an editor
"""

FORMATS = ("text", "json", "jsonl", "sarif", "github", "gitlab", "junit")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", metavar="PATH", nargs="*", help="files or directories, or -")
    parser.add_argument("--output-format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument("-o", "--output-file", metavar="FILE", help="write the findings there")
    parser.add_argument("--fix", action="store_true", help="apply safe fixes")
    parser.add_argument(
        "--unsafe-fixes", action="store_true", help="apply also fixes that may change a meaning"
    )
    parser.add_argument("--diff", action="store_true", help="show what fixes change, write nothing")
    parser.add_argument(
        "--select", metavar="RULES", action="append", help="only these rules (comma-separated)"
    )
    parser.add_argument("--ignore", metavar="RULES", action="append", help="not these rules")
    parser.add_argument("--statistics", action="store_true", help="count the findings of each rule")
    parser.add_argument("--watch", action="store_true", help="check again whenever a file changes")
    parser.add_argument("--exit-zero", action="store_true", help="exit 0 also with findings")
    parser.add_argument(
        "--fail-on",
        choices=[s.name.lower() for s in sorted(Severity, reverse=True) if s],
        default="warning",
        help="the least severity that makes the exit status 1 (default: warning)",
    )
    parser.add_argument(
        "--max-per-file",
        metavar="N",
        type=int,
        default=50,
        help="text output: at most N findings of one file, 0 for all (default: 50)",
    )
    parser.add_argument(
        "--no-cache",
        action="store_true",
        help="read and check everything anew, and keep nothing for the next run (SMQ_NO_CACHE=1)",
    )
    parser.add_argument("--stdin-filename", metavar="FILE", help="what - is to be taken for")


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    if arguments.watch:
        if "-" in arguments.paths:
            raise Failure("--watch watches files, not standard input")
        # Nobody else needs to know how to wait.
        from smq_server.cli.watching import watch

        return watch(lambda: _check(arguments, streams), arguments, streams)
    return _check(arguments, streams)


@dataclass(slots=True)
class _Checked:
    """One workspace with what was found in the files that were asked for."""

    workspace: Workspace
    snapshot: Snapshot
    findings: list[Finding]


def _check(arguments: argparse.Namespace, streams: Streams) -> int:
    from_stdin = "-" in arguments.paths
    # A workspace is millions of objects that live to the end; looking through them for garbage
    # again and again costs a third of a large check.
    gc.set_threshold(100_000, 20, 100)
    workspaces = _from_stdin(arguments, streams) if from_stdin else _from_disk(arguments, streams)
    gc.freeze()
    checked: list[_Checked] = []
    looks: list[tuple[Check, Path]] = []
    for workspace in workspaces:
        configuration = _wishes(workspace.configuration, arguments)
        snapshot = workspace.snapshot.configured(configuration)
        snapshot = snapshot.with_catalog(warehouse_of(workspace.location, streams))
        _say_where(workspace, streams)
        _warn_about_models(workspace, snapshot, streams)
        look = Check(workspace.kept, snapshot)
        checked.append(_Checked(workspace, snapshot, look.findings(workspace.given)))
        if not from_stdin:
            looks.append((look, workspace.root))
    if arguments.fix or arguments.unsafe_fixes or arguments.diff:
        changed = _fix(checked, arguments, streams, from_stdin)
        if arguments.diff:
            return 1 if changed and not arguments.exit_zero else 0
    report = _report(checked)
    _write(report, arguments, streams, to_stderr=from_stdin and _fixing(arguments))
    for look, root in looks:
        look.keep(root)
    if arguments.exit_zero or report.worst() < Severity[arguments.fail_on.upper()]:
        return 0
    return 1


def _from_disk(arguments: argparse.Namespace, streams: Streams) -> list[Workspace]:
    paths = [Path(path) for path in arguments.paths]
    for path in paths:
        if path.is_file() and kind_of(path.name) == "other":
            raise Failure(f"{display(path)} is neither a query (*.smq.json) nor YAML")
    workspaces = open_workspaces(
        paths, streams.environ, arguments.config, cached=not arguments.no_cache
    )
    excluded = [path for workspace in workspaces for path in workspace.excluded]
    for path in excluded:
        streams.message(f"skipped {display(path)}: the configuration excludes it")
    foreign = [path for workspace in workspaces for path in workspace.foreign]
    show_foreign(foreign, streams)
    if not (excluded or foreign) and not any(workspace.given for workspace in workspaces):
        where = " ".join(map(str, arguments.paths)) or display(absolute(Path())) or "."
        raise Failure(
            f"nothing to check in {where}: no queries (*.smq.json) and no YAML with "
            "semantic models there; `smq init` starts a workspace"
        )
    return workspaces


def _from_stdin(arguments: argparse.Namespace, streams: Streams) -> list[Workspace]:
    if len(arguments.paths) > 1:
        raise Failure("- cannot be combined with other paths")
    path = absolute(Path(arguments.stdin_filename or "stdin.smq.json"))
    found = decode(uri_of(path), streams.read_bytes())
    workspace = open_around(path, streams.environ, arguments.config)
    if isinstance(found, Document):
        return [workspace.with_document(found)]
    snapshot = workspace.snapshot.with_unreadable(found)
    return [replace(workspace, snapshot=snapshot, given=(found.location.uri,))]


def _wishes(configuration: Configuration, arguments: argparse.Namespace) -> Configuration:
    """The configuration under `--select` and `--ignore`."""
    select, ignore = _selectors(arguments.select), _selectors(arguments.ignore)
    if select:
        configuration = replace(configuration, select=select)
    return replace(configuration, ignore=(*configuration.ignore, *ignore))


def _selectors(written: Sequence[str] | None) -> tuple[str, ...]:
    from smq.rules import find, rules
    from smq.text import nearest

    selectors = [part.strip() for text in written or () for part in text.split(",")]
    for selector in filter(None, selectors):
        upper = selector.upper()
        known = rules()
        if upper == "ALL" or find(selector) or any(code.startswith(upper) for code in known):
            continue
        close = nearest(upper, known, limit=1) or nearest(
            selector, (rule.name for rule in known.values()), limit=1
        )
        hint = f"; did you mean '{close[0]}'?" if close else "; `smq rule` lists the rules"
        raise Failure(f"there is no rule '{selector}'{hint}")
    return tuple(filter(None, selectors))


def _say_where(workspace: Workspace, streams: Streams) -> None:
    path = workspace.location.configuration_path
    streams.message(
        f"workspace {display(workspace.root)}, "
        f"{f'configured by {display(path)}' if path else 'not configured'}, "
        f"{len(workspace.snapshot.uris):,} files read, {len(workspace.given):,} checked",
        verbosity=1,
    )


def _warn_about_models(workspace: Workspace, snapshot: Snapshot, streams: Streams) -> None:
    queries = any(kind_of(uri) == "smq" for uri in workspace.given)
    if queries and not workspace.has_models and not snapshot.knows_names_only:
        if not workspace.is_whole:
            show_narrow(workspace, streams)
            return
        places = ", ".join(workspace.configuration.models)
        streams.message(
            f"warning: no semantic models found below {display(workspace.root)} "
            f"(models: {places}); every name in a query is unknown"
        )


def _fixing(arguments: argparse.Namespace) -> bool:
    return bool(arguments.fix or arguments.unsafe_fixes)


def _fix(
    checked: list[_Checked], arguments: argparse.Namespace, streams: Streams, from_stdin: bool
) -> bool:
    """Apply, or show, the fixes; leaves in `checked` what is found afterwards."""
    from smq.rules.fixing import fix_all
    from smq.workspace import Change

    count = 0
    for one in checked:
        texts = fix_all(one.snapshot, one.findings, unsafe=arguments.unsafe_fixes)
        count += len(texts)
        if arguments.diff:
            before = {uri: one.snapshot.document(uri).text for uri in texts}
            streams.stdout.writelines(changes.diff(before, texts))
            continue
        if from_stdin:
            uri = one.workspace.given[0]
            if uri in one.snapshot:
                streams.write(texts.get(uri, one.snapshot.document(uri).text))
        else:
            changes.write(texts)
        one.snapshot = one.snapshot.apply([Change(uri, text) for uri, text in texts.items()])
        one.findings = check(one.snapshot, one.workspace.given)
    if count and not from_stdin:
        done = "Would change" if arguments.diff else "Fixed"
        streams.message(f"{done} {count:,} file{'' if count == 1 else 's'}.")
    return count > 0


def _report(checked: list[_Checked]) -> Report:
    def content(uri: str) -> str | None:
        for one in checked:
            if uri in one.snapshot:
                return one.snapshot.document(uri).text
        return None

    findings = [finding for one in checked for finding in one.findings]
    files = [uri for one in checked for uri in one.workspace.given]
    return Report(findings, files, content, lambda uri: display(path_of(uri)))


def _write(
    report: Report, arguments: argparse.Namespace, streams: Streams, *, to_stderr: bool
) -> None:
    write: Callable[[str], object] = streams.stderr.write if to_stderr else streams.stdout.write
    if arguments.output_file:
        from smq_server.io.files import write_text

        write_text(absolute(Path(arguments.output_file)), "".join(_rendered(report, arguments)))
    else:
        color = streams.error_color if to_stderr else streams.color
        for part in _rendered(report, arguments, color):
            write(part)
    if arguments.output_format == "text":
        streams.message(text.summary(report, len(report.files)))


def _rendered(report: Report, arguments: argparse.Namespace, color: bool = False) -> Iterable[str]:
    chosen = arguments.output_format
    if chosen == "json":
        return [machine.render_json(report, arguments.statistics)]
    if chosen == "jsonl":
        return machine.render_jsonl(report)
    if chosen == "sarif":
        return [sarif.render(report)]
    if chosen == "github":
        return platforms.render_github(report)
    if chosen == "gitlab":
        return [platforms.render_gitlab(report)]
    if chosen == "junit":
        return platforms.render_junit(report)
    if arguments.statistics:
        return text.statistics(report)
    return text.render(report, color=color, per_file=arguments.max_per_file)
