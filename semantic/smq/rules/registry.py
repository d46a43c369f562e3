"""The one list of rules: code, name, severity, page, words, fixes, and the check that finds it.

A rule is declared by decorating the function that words it:

    @rule("NAM101", "unknown-metric", ERROR, on="smq", fix=use_nearest)
    def unknown_metric(args: Args) -> str:
        '''A query asks for a metric that no file defines.  … the page …'''
        return f"Metric '{args['name']}' not found. …"

Problems raised by readers, binder and compiler carry the rule's code; a rule that looks for
itself passes `check=`. Codes and names are unique and never used again for something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from textwrap import dedent
from types import MappingProxyType
from typing import Any, Literal, Protocol

from smq.catalog import CatalogSnapshot
from smq.graph.symbols import Declarations
from smq.problem import Fix, Problem, Severity
from smq.syntax import Parsed

Args = Mapping[str, Any]
On = Literal["smq", "yaml", "both", "workspace"]


class Context(Protocol):
    """What checks and fixes may look at: one consistent snapshot of the workspace."""

    @property
    def graph(self) -> Any: ...

    @property
    def configuration(self) -> Any: ...

    @property
    def catalog(self) -> CatalogSnapshot: ...

    @property
    def knows_names_only(self) -> bool: ...

    @property
    def declarations(self) -> tuple[Declarations, ...]: ...

    def parsed(self, uri: str) -> Parsed: ...

    def file(self, uri: str) -> Any: ...


Words = Callable[[Args], str]
Check = Callable[[Context, str], Iterator[Problem]]
Fixer = Callable[[Problem, Context], Iterable[Fix]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `words` says a problem's facts, and its docstring is the page."""

    code: str
    name: str
    severity: Severity
    on: On
    since: str
    words: Words
    fix: Fixer | None
    check: Check | None

    @property
    def page(self) -> str:
        """Markdown whose fenced `bad` and `good` blocks are run by the tests."""
        # Laid out for who reads it: hundreds of pages at every start would be read by nobody.
        # Not by `inspect.cleandoc`, which would turn the tabs of an example into blanks.
        summary, _, rest = (self.words.__doc__ or self.code).partition("\n")
        return f"{summary.strip()}\n{dedent(rest)}".strip()

    @property
    def summary(self) -> str:
        return self.page.splitlines()[0]

    @property
    def family(self) -> str:
        return self.code.rstrip("0123456789")


_RULES: dict[str, Rule] = {}
_NAMES: dict[str, str] = {}
_FROZEN: Mapping[str, Rule] | None = None
_LOOKING: Mapping[str, Rule] | None = None


def rule(
    code: str,
    name: str,
    severity: Severity,
    *,
    on: On,
    since: str = "0.1",
    fix: Fixer | None = None,
    check: Check | None = None,
) -> Callable[[Words], Words]:
    """Register the decorated words as a rule. Raises ValueError for a code or name in use."""

    def register(words: Words) -> Words:
        global _FROZEN, _LOOKING
        if code in _RULES or name in _NAMES:
            raise ValueError(f"rule {code} {name} is declared twice")
        if not words.__doc__:
            raise ValueError(f"rule {code} has no page")
        _RULES[code] = Rule(code, name, severity, on, since, words, fix, check)
        _NAMES[name] = code
        _FROZEN = _LOOKING = None
        return words

    return register


def rules() -> Mapping[str, Rule]:
    """All rules by code, in the order of the codes; frozen when it is first asked for."""
    global _FROZEN
    if _FROZEN is None:
        from smq.rules import families

        families.load(families.FAMILIES)
        _FROZEN = MappingProxyType(dict(sorted(_RULES.items())))
    return _FROZEN


def looking_rules() -> Mapping[str, Rule]:
    """The rules that look for themselves, by code, in the order of the codes.

    They are all that a check begins with. Of the others only words and fixes are asked for, once
    something has been found, so their families are not loaded for this.
    """
    global _LOOKING
    if _LOOKING is None:
        from smq.rules import families

        families.load(families.LOOKING)
        looking = {code: rule for code, rule in sorted(_RULES.items()) if rule.check is not None}
        _LOOKING = MappingProxyType(looking)
    return _LOOKING


def find(code_or_name: str) -> Rule | None:
    known = rules()
    return known.get(code_or_name.upper()) or known.get(_NAMES.get(code_or_name.lower(), ""))
