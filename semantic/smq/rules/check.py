"""Everything that is wrong with a workspace: collected, weighed, silenced and sorted in one place.

Readers, loaders and the compiler report by themselves; rules with a `check` look for themselves:
one `on="workspace"` is asked once, with an empty URI, any other once for each file of its kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache

from smq.problem import Problem, Severity
from smq.rules.finding import Finding
from smq.rules.registry import Args, Rule, looking_rules, rules
from smq.workspace import Configuration, Snapshot

__all__ = ["Finding", "check", "file_problems", "weigh", "workspace_problems", "workspace_rules"]


def check(snapshot: Snapshot, uris: Iterable[str] | None = None) -> list[Finding]:
    """What is wrong in the given files (all when None), by file, position and code.

    The whole snapshot is looked at in any case, because a file is wrong or right among the
    others. Each problem is reported once, however many ways lead to it.
    """
    wanted = dict.fromkeys(snapshot.uris if uris is None else uris)
    by_file: dict[str, list[Problem]] = {uri: [] for uri in sorted(wanted)}
    for problem in workspace_problems(snapshot):
        if problem.location.uri in by_file:
            by_file[problem.location.uri].append(problem)
    for uri in by_file:
        for problem in file_problems(snapshot, uri):
            # Looking at one file may find what is wrong in another; nobody may have asked for it.
            if problem.location.uri in by_file:
                by_file[problem.location.uri].append(problem)
    findings: list[Finding] = []
    for uri, problems in by_file.items():
        findings.extend(weigh(snapshot, uri, problems))
    return findings


def file_problems(snapshot: Snapshot, uri: str) -> Iterator[Problem]:
    """What looking at one file finds, there and in other files; in no order."""
    with _noting(f"while reading {uri}"):
        yield from snapshot.problems(uri)
    if uri not in snapshot:
        return
    with _noting(f"while compiling {uri}"):
        yield from snapshot.compile_problems(uri)
    configuration, is_query = snapshot.configuration, snapshot.document(uri).kind == "smq"
    # Only patterns of paths make a difference between files of one kind.
    where = uri if configuration.per_path else ""
    for rule in _chosen(looking_rules()).of(configuration, is_query, where):
        assert rule.check is not None
        with _noting(f"while {rule.code} checked {uri}"):
            yield from rule.check(snapshot, uri)


def workspace_rules() -> tuple[str, ...]:
    """The codes of the rules that look at all files together."""
    return tuple(rule.code for rule in looking_rules().values() if rule.on == "workspace")


def workspace_problems(snapshot: Snapshot, only: str | None = None) -> Iterator[Problem]:
    """What only looking at all files together finds, in whatever file; by one rule, or by all."""
    for code in workspace_rules() if only is None else (only,):
        rule = looking_rules()[code]
        assert rule.check is not None
        with _noting(f"while {rule.code} checked the workspace"):
            yield from rule.check(snapshot, "")


def weigh(snapshot: Snapshot, uri: str, problems: Iterable[Problem]) -> Iterator[Finding]:
    """Findings of one file from all problems in it: severities and silencing applied, sorted,
    each once."""
    silences = None
    # Most files silence nothing, and then their trees and lines need not be looked at.
    if uri in snapshot and "smq:" in snapshot.document(uri).text:
        # Here, because most workspaces silence nothing either.
        from smq.rules.silence import Silences

        silences = Silences(snapshot.parsed(uri), snapshot.lines(uri))
    kept: dict[object, Finding] = {}
    for problem in sorted(problems, key=_order):
        finding = _finding(snapshot, problem)
        if finding is None or (silences and silences.silences(finding.rule, problem.location.span)):
            continue
        kept.setdefault(_identity(problem), finding)
    if silences:
        enabled = [rule for rule in rules().values() if _runs(snapshot.configuration, rule, uri)]
        for problem in silences.problems(enabled):
            finding = _finding(snapshot, problem)
            if finding is not None:
                kept.setdefault(_identity(problem), finding)
        yield from sorted(kept.values(), key=lambda finding: _order(finding.problem))
    else:
        yield from kept.values()


def _finding(snapshot: Snapshot, problem: Problem) -> Finding | None:
    rule = rules().get(problem.code) or _undocumented(problem.code)
    severity = snapshot.configuration.severity(
        rule.code, rule.name, rule.severity, problem.location.uri
    )
    return Finding(rule, severity, problem, snapshot) if severity else None


class _Chosen:
    """Which of some rules look at which files, asked once: there are thousands of files."""

    def __init__(self, known: Mapping[str, Rule]) -> None:
        self.known = known
        self.of = lru_cache(maxsize=1_024)(self._of)

    def _of(self, configuration: Configuration, is_query: bool, uri: str) -> tuple[Rule, ...]:
        """The rules that look at a file by itself, in the order of their codes."""
        kinds = ("both", "smq" if is_query else "yaml")
        return tuple(
            rule
            for rule in self.known.values()
            if rule.on in kinds and _runs(configuration, rule, uri)
        )


_NEWEST: list[_Chosen] = []


def _chosen(known: Mapping[str, Rule]) -> _Chosen:
    if not _NEWEST or _NEWEST[0].known is not known:
        _NEWEST[:] = [_Chosen(known)]
    return _NEWEST[0]


def _runs(configuration: Configuration, rule: Rule, uri: str) -> bool:
    return bool(configuration.severity(rule.code, rule.name, rule.severity, uri))


def _order(problem: Problem) -> tuple[int, int, str]:
    start, end = problem.location.span
    return start, end, problem.code


def _identity(problem: Problem) -> object:
    # Arguments are plain values, but lists and mappings among them have no hash.
    return problem.code, problem.location, repr(sorted(problem.args.items()))


def _undocumented(code: str) -> Rule:
    """A stand-in that shows the facts: a defect of ours must not hide a finding."""

    def words(args: Args) -> str:
        facts = ", ".join(f"{key}: {value}" for key, value in sorted(args.items()))
        return f"Problem {code}" + (f" ({facts})" if facts else "")

    return Rule(code, code.lower(), Severity.ERROR, "both", "0.1", words, None, None)


@contextmanager
def _noting(what: str) -> Iterator[None]:
    """Say in the log which file and rule a defect of ours struck."""
    try:
        yield
    except Exception as error:
        error.add_note(what)
        raise
