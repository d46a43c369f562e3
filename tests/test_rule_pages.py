"""Every rule's page tells the truth: its bad examples are found, its good ones are clean."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.fixture import FixtureFile, blocks, split

from smq.catalog import CatalogSnapshot, known_tables
from smq.expr.ddl import read_ddl
from smq.problem import Severity
from smq.rules import Rule, families, find, looking_rules, rules
from smq.rules.check import Finding, check
from smq.rules.fixing import applicable
from smq.sql.compile import CompileOptions, compile_query
from smq.syntax import Document
from smq.text import apply_edits
from smq.workspace import Change, Configuration, Snapshot
from smq_server.io import configuration as configurations
from smq_server.io.warehouse import load_catalog
from smq_server.io.workspace import Location, load

_REPOSITORY = Path(__file__).parent.parent
_BANK = _REPOSITORY / "tests" / "support" / "bank.yml"
_CODE = re.compile(r"[A-Z]{3}\d{3}")
_WHEN_DISTRIBUTED = {"JOI117"}

_EXAMPLES = [
    pytest.param(rule, kind, text, id=f"{rule.code}-{kind}-{number}")
    for rule in rules().values()
    for number, (kind, text) in enumerate(blocks(rule.page))
]


@pytest.mark.parametrize(("rule", "kind", "text"), _EXAMPLES)
def test_example_is_what_its_page_says(rule: Rule, kind: str, text: str, tmp_path: Path) -> None:
    findings, snapshot = _findings(text, rule, tmp_path)
    codes = [finding.code for finding in findings]
    shown = "\n".join(f"{f.code} {f.location.span} {f.message}" for f in findings)
    if kind == "good":
        assert codes == [], f"a good example is found fault with:\n{shown}"
        return
    # A page that names another rule says that its example breaks that one, too.
    allowed = {rule.code, *_CODE.findall(rule.page)}
    assert rule.code in codes, f"a bad example is not found:\n{shown}"
    assert set(codes) <= allowed, f"a bad example breaks other rules:\n{shown}"
    for finding in findings:
        assert finding.message.strip() == finding.message != ""
        assert not re.search(r"[{}]\w+[{}]|<class|object at 0x", finding.message)
    for finding in (each for each in findings if each.code == rule.code):
        _check_fixes(finding, snapshot, rule)


@pytest.mark.parametrize("rule", rules().values(), ids=lambda rule: rule.code)
def test_page_has_a_summary_and_both_kinds_of_example(rule: Rule) -> None:
    kinds = {kind for kind, _ in blocks(rule.page)}
    assert kinds == {"bad", "good"}
    assert rule.summary.endswith(".") and len(rule.summary) <= 100
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", rule.name)
    assert re.fullmatch(r"[A-Z]{3}\d{3}", rule.code)


def test_the_families_that_look_are_those_with_checks() -> None:
    looking = {rule.words.__module__.rpartition(".")[2] for rule in rules().values() if rule.check}
    assert looking == set(families.LOOKING)
    assert tuple(looking_rules()) == tuple(code for code, rule in rules().items() if rule.check)


def test_every_code_in_the_source_has_a_rule() -> None:
    missing = set()
    for folder in ("semantic/smq", "server/smq_server"):
        for path in (_REPOSITORY / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and re.fullmatch(
                        r"(?:SYN|QRY|NAM|EXP|JOI|MOD|REF|MET|TYP|CAT|CFG|FIL|SIL)\d{3}", node.value
                    )
                    and find(node.value) is None
                ):
                    missing.add(f"{node.value} in {path.relative_to(_REPOSITORY)}")
    assert missing == set()


def _check_fixes(finding: Finding, snapshot: Snapshot, rule: Rule) -> None:
    """A safe fix leaves nothing of its rule; any fix is edits that can be applied."""
    for fix in finding.fixes:
        assert fix.title
        for edit in fix.edits:
            if edit.uri in snapshot:
                apply_edits(snapshot.document(edit.uri).text, [edit])
    fix = applicable(finding)
    if fix is None or not all(edit.uri in snapshot for edit in fix.edits):
        return
    changes = [
        Change(
            uri,
            apply_edits(
                snapshot.document(uri).text, [edit for edit in fix.edits if edit.uri == uri]
            ),
        )
        for uri in dict.fromkeys(edit.uri for edit in fix.edits)
    ]
    fixed = snapshot.apply(changes)
    before = len([f for f in check(snapshot) if f.code == rule.code])
    after = len([f for f in check(fixed) if f.code == rule.code])
    assert after < before, f"the fix '{fix.title}' leaves:\n{fixed.document(changes[0].uri).text}"


def _findings(text: str, rule: Rule, directory: Path) -> tuple[list[Finding], Snapshot]:
    """What checking a fixture finds; a rule that is off by default is turned on for its page."""
    files = _files(text)
    configured = next((file for file in files if file.path == "smq.toml"), None)
    for file in files:
        file.write(directory)
    uri = directory.as_uri()
    severities = ((rule.code, Severity.WARNING),) if rule.severity is Severity.OFF else ()
    configuration = Configuration(root=uri, severities=severities)
    if configured is not None:
        document = Document(f"{uri}/smq.toml", configured.text)
        loaded = configurations.parse(document, uri, {})
        wanted_anyway = (*loaded.configuration.severities, *severities)
        configuration = replace(loaded.configuration, severities=wanted_anyway)
        snapshot = load(Location(directory, configuration, None)).snapshot
        found = check(snapshot)
        snapshot = snapshot.apply([Change(document.uri, document.text)])
        wanted = [(find(problem.code), problem) for problem in loaded.problems]
        return [*(Finding(r, r.severity, p, snapshot) for r, p in wanted if r), *found], snapshot
    snapshot = load(Location(directory, configuration, None)).snapshot
    snapshot = snapshot.with_catalog(_catalog(files, configuration, directory))
    if rule.code in _WHEN_DISTRIBUTED:
        return _distributed(snapshot, f"{uri}/q.smq.json"), snapshot
    return check(snapshot), snapshot


def _catalog(
    files: list[FixtureFile], configuration: Configuration, directory: Path
) -> CatalogSnapshot:
    """What an example says of the warehouse, by its tables or by a cache; mostly nothing."""
    for file in files:
        if file.path == "warehouse.sql":
            ddl = read_ddl(file.text, "duckdb")
            assert not ddl.faults
            return known_tables(ddl.tables)
    return load_catalog(configuration, directory, {})


def _distributed(snapshot: Snapshot, uri: str) -> list[Finding]:
    """What is found when each query may become several."""
    options = CompileOptions(distribute=True)
    problems = [
        problem
        for query in snapshot.queries(uri)
        for problem in compile_query(query, snapshot.graph, options).problems
    ]
    wanted = [(find(problem.code), problem) for problem in problems]
    return [Finding(r, r.severity, p, snapshot) for r, p in wanted if r]


def _files(text: str) -> list[FixtureFile]:
    if text.lstrip().startswith(("{", "[")):
        bank = FixtureFile("bank.yml", _BANK.read_text(encoding="utf-8"))
        return [bank, FixtureFile("q.smq.json", text)]
    return split(text)
