"""A problem as a person meets it: with a severity, words and fixes."""

from __future__ import annotations

from smq.problem import Fix, Problem, Related, Severity
from smq.rules.registry import Context, Rule
from smq.text import Location


class Finding:
    """One problem that is wanted here.

    The words and the fixes are asked of the rule when they are first needed: nearest names and
    whole edits for ten thousand findings that nobody reads would cost more than finding them.
    """

    __slots__ = ("_context", "_fixes", "_message", "problem", "rule", "severity")

    def __init__(self, rule: Rule, severity: Severity, problem: Problem, context: Context) -> None:
        self.rule = rule
        self.severity = severity
        self.problem = problem
        self._context = context
        self._message: str | None = None
        self._fixes: tuple[Fix, ...] | None = None

    @property
    def code(self) -> str:
        return self.rule.code

    @property
    def location(self) -> Location:
        return self.problem.location

    @property
    def related(self) -> tuple[Related, ...]:
        return self.problem.related

    @property
    def message(self) -> str:
        if self._message is None:
            self._message = self.rule.words(self.problem.args)
        return self._message

    @property
    def fixes(self) -> tuple[Fix, ...]:
        """The ways to cure it, the best first."""
        if self._fixes is None:
            fix = self.rule.fix
            self._fixes = tuple(fix(self.problem, self._context)) if fix else ()
        return self._fixes

    def __repr__(self) -> str:
        uri, span = self.location
        return f"Finding({self.code} {self.severity.name} {uri}:{span.start}-{span.end})"
