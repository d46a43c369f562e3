"""What is wrong in one workspace, kept up to date change by change.

Looking at one file finds problems there and sometimes in others, so results are kept by the file
that was looked at. A result holds as long as that file's reading, the graph and the configuration
are the same objects; a change makes exactly the others stale.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping

from smq.catalog import Unknown
from smq.problem import Problem
from smq.rules.check import Finding, file_problems, weigh, workspace_problems, workspace_rules
from smq.rules.registry import rules
from smq.workspace import Snapshot

Found = dict[str, dict[str, list[Problem]]]
"""What looking at a file (or with a rule) found, by the file it was found in."""

_RULE = "rule:"
"""Before the code of a rule that looks at all files: such a rule is a source like a file."""

_UNUSED_MEASURE = "MET205"


class Diagnoses:
    """The problems of all files of one workspace, and which of them are to be looked for again."""

    def __init__(self, defect: Callable[[BaseException, str], object]) -> None:
        self._defect = defect
        self._found: Found = {}
        self._targets: dict[str, dict[str, None]] = {}
        self._mentions: dict[str, set[str]] = {}
        self._mentioned: dict[str, set[str]] = {}
        """By source the other files that its problems point into, and the other way round."""
        self._stale: set[str] = set()
        self._pointing: set[str] = set()
        """Sources whose problems point into a file that has another text since."""
        self._before: Snapshot | None = None
        self._is_analysed = True
        self._early: dict[str, Snapshot] = {}
        """What was looked at, and in which state, while the changes were not analysed."""

    def is_stale(self, source: str) -> bool:
        """Whether a source is known to be stale; `analyse` may find that others are."""
        return source in self._stale

    @property
    def is_current(self) -> bool:
        return self._is_analysed and not self._stale

    def change(self, before: Snapshot | None, after: Snapshot) -> None:
        """Mark what the step from one snapshot to the next makes stale.

        What a change of declarations does to other files takes longer to say and is left to
        `analyse`; several steps are analysed as one.
        """
        if before is None or not _configured_alike(before, after):
            self._all_stale(after)
            return
        for uri, _, _ in after.changed_files(before):
            if not after.shares_file(before, uri):
                self._stale.add(uri)
                # Problems elsewhere that point into this file point at other characters now.
                self._pointing |= self._mentioned.get(uri, set())
        self._stale |= self._pointing
        self._stale |= _looking_at_warehouse(before, after)
        for uri in after.unreadable.keys() | before.unreadable.keys():
            if after.unreadable.get(uri) != before.unreadable.get(uri):
                self._stale.add(uri)
        if not after.shares_graph(before) and self._is_analysed:
            self._is_analysed = False
            self._before = before

    @property
    def found(self) -> Found:
        """By source, what was found in which file."""
        return self._found

    def adopt(
        self,
        found: Mapping[str, dict[str, list[Problem]]],
        pending: Iterable[str] = (),
    ) -> None:
        """Take over what was found earlier, and what had not been looked at; `change` says since
        when."""
        self._stale.update(pending)
        for source, by_file in found.items():
            self._found[source] = by_file
            for uri in by_file:
                self._targets.setdefault(uri, {})[source] = None
            self._note_mentions(source, (p for problems in by_file.values() for p in problems))

    def analyse(self, after: Snapshot) -> Generator[None, None, None]:
        """Find what the changes of declarations since the last analysis make stale."""
        if self._is_analysed:
            return
        # Here, because at the start there is nothing to compare with.
        from smq.workspace.affected import difference, mentioning

        before = self._before
        assert before is not None
        differences = [
            difference(old, new)
            for _, old, new in after.changed_files(before)
            if (old.declarations if old else None) is not (new.declarations if new else None)
        ]
        yield
        if any(each.everything or each.models for each in differences):
            self._all_stale(after)
            return
        # Steps that are analysed as one may lead back to where they began, and what was looked at
        # on the way was looked at somewhere else.
        self._stale.update(s for s, then in self._early.items() if not after.shares_graph(then))
        differences = [each for each in differences if each.metrics or each.members]
        if differences:
            self._stale.update(map(source_of, workspace_rules()))
            for name in {name for each in differences for name in each.metrics}:
                for model in after.graph.models_with(name):
                    self._stale.add(after.graph.models[model].name_at.uri)
            for uri in mentioning(after.files, differences):
                if uri is None:
                    yield
                else:
                    self._stale.add(uri)
            if _watches_use(after):
                self._stale |= {uri for uri, file in after.files if file.declarations.models}
        if any(each.names for each in differences):
            # Their problems suggest names, and there are others to suggest now.
            self._stale |= set(self._found)
        self._analysed()

    def _all_stale(self, after: Snapshot) -> None:
        self._stale = {*after.uris, *self._found, *map(source_of, workspace_rules())}
        self._analysed()

    def _analysed(self) -> None:
        self._is_analysed = True
        self._before = None
        self._early.clear()

    def look(self, snapshot: Snapshot, source: str) -> set[str]:
        """Look at one file (or with one rule at all) again; the files whose problems changed."""
        problems: list[Problem] = []
        if not self._is_analysed:
            self._early[source] = snapshot
        try:
            if is_rule(source):
                problems.extend(workspace_problems(snapshot, source.removeprefix(_RULE)))
            elif source in snapshot or source in snapshot.unreadable:
                problems.extend(file_problems(snapshot, source))
        except Exception as error:  # noqa: BLE001 - logged; what was found until then is shown
            self._defect(error, f"looking at {source}")
        by_file: dict[str, list[Problem]] = {}
        for problem in problems:
            by_file.setdefault(problem.location.uri, []).append(problem)
        return self.note(source, by_file)

    def note(self, source: str, by_file: dict[str, list[Problem]]) -> set[str]:
        """Take what looking at a source has just found; the files whose problems changed."""
        before = self._found.get(source, {})
        for uri in before:
            if uri not in by_file:
                self._targets[uri].pop(source, None)
        for uri in by_file:
            self._targets.setdefault(uri, {})[source] = None
        if by_file:
            self._found[source] = by_file
        else:
            self._found.pop(source, None)
        self._note_mentions(source, (p for problems in by_file.values() for p in problems))
        self._stale.discard(source)
        changed = {uri for uri in {*before, *by_file} if before.get(uri) != by_file.get(uri)}
        if source in self._pointing:
            # The same offsets may be in other lines of the other file.
            self._pointing.discard(source)
            changed |= set(by_file)
        # The file itself is told even without a difference: its comments may silence others now.
        return changed if is_rule(source) else changed | {source}

    def _note_mentions(self, source: str, problems: Iterable[Problem]) -> None:
        for uri in self._mentions.pop(source, ()):
            self._mentioned[uri].discard(source)
        uris = {
            location.uri
            for problem in problems
            for location in (problem.location, *(each.location for each in problem.related))
            if location.uri != source
        }
        if uris:
            self._mentions[source] = uris
        for uri in uris:
            self._mentioned.setdefault(uri, set()).add(source)

    def pending(self, first: Iterable[str]) -> list[str]:
        """What is to be looked at: the given files first, then the others, the rules last."""
        ordered = dict.fromkeys(uri for uri in first if uri in self._stale)
        ordered.update(dict.fromkeys(sorted(self._stale)))
        return list(ordered)

    def findings(
        self, snapshot: Snapshot, uri: str, asked: Collection[str] | None = None
    ) -> list[Finding]:
        """The findings of one file, by what has been looked at; of files, only those asked for."""
        sources = sorted(self._targets.get(uri, ()))
        if asked is not None:
            sources = [source for source in sources if source in asked or is_rule(source)]
        problems = [p for source in sources for p in self._found.get(source, {}).get(uri, ())]
        return list(weigh(snapshot, uri, problems))

    def files(self) -> set[str]:
        return {uri for uri, sources in self._targets.items() if sources}


def source_of(code: str) -> str:
    """The source that a rule is which looks at all files."""
    return _RULE + code


def is_rule(source: str) -> bool:
    """Whether a source is a rule that looks at all files, and no file."""
    return source.startswith(_RULE)


def _configured_alike(before: Snapshot, after: Snapshot) -> bool:
    return before.configuration == after.configuration and before.has_refs_of(after)


def _looking_at_warehouse(before: Snapshot, after: Snapshot) -> set[str]:
    """The files whose problems another state of the warehouse may change."""
    if before.catalog.digest == after.catalog.digest:
        return set()
    if before.knows_names_only or after.knows_names_only:
        return set(after.uris)
    if isinstance(before.catalog, Unknown) and isinstance(after.catalog, Unknown):
        return set()
    return {uri for uri, file in after.files if file.declarations.models}


def _watches_use(snapshot: Snapshot) -> bool:
    """Whether a rule is on that finds what nobody uses, which any file may change."""
    rule = rules()[_UNUSED_MEASURE]
    configuration = snapshot.configuration
    return bool(
        configuration.per_path or configuration.severity(rule.code, rule.name, rule.severity, "")
    )
