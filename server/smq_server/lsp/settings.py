"""What a client sets, validated: a wrong value keeps its default and is told once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, cast, get_args

DiagnosticScope = Literal["workspace", "open"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything below the section `smq`, defaults filled in."""

    trusted: bool = True
    """Whether code and connections that the workspace names may be used at all."""
    dialect: str | None = None
    """The dialect in place of the one that `smq.toml` says."""
    diagnostics_scope: DiagnosticScope = "workspace"
    """Whether findings in files that are not open are shown too."""
    rules_url: str | None = None
    """Where the pages of the rules are, as `{code}` in a URL; codes link nowhere without it."""
    inlay_hints: bool = True
    code_lens: bool = True
    hide_unreachable: bool = False
    """Whether completion leaves out what the chosen metrics cannot reach, or ranks it last."""
    log_level: str = "info"


_KEYS = {
    "trusted": "trusted",
    "dialect": "dialect",
    "diagnostics.scope": "diagnostics_scope",
    "diagnostics.rulesUrl": "rules_url",
    "inlayHints.enabled": "inlay_hints",
    "codeLens.enabled": "code_lens",
    "completion.hideUnreachable": "hide_unreachable",
    "log.level": "log_level",
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "diagnostics_scope": get_args(DiagnosticScope),
    "log_level": ("error", "warning", "info", "debug"),
}
_DEFAULTS = Settings()
_BOOLEANS = frozenset(f.name for f in fields(Settings) if f.type == "bool")


def read(values: object, base: Settings) -> tuple[Settings, tuple[str, ...]]:
    """The settings after a client has sent some, and what is wrong with them, in sentences.

    Keys may be nested or dotted, with or without the section's name; unknown ones are somebody
    else's. null means: not set any more, so that the default holds. What was not trusted is not
    trusted for that.
    """
    if not isinstance(values, Mapping):
        return base, ()
    inner = values.get("smq")
    flat = _flat(cast("Mapping[str, Any]", inner if isinstance(inner, Mapping) else values))
    changes: dict[str, Any] = {}
    wrong: list[str] = []
    for key, name in _KEYS.items():
        written = key if key in flat else f"smq.{key}"
        if written not in flat:
            continue
        value = flat[written]
        if value is None:
            if name != "trusted":
                changes[name] = getattr(_DEFAULTS, name)
            continue
        expected = _expected(name, value)
        if expected is None:
            changes[name] = value
        else:
            wrong.append(f"Setting smq.{key}: {value!r} is not {expected}.")
    return replace(base, **changes), tuple(wrong)


def _expected(name: str, value: object) -> str | None:
    """What the value should have been; None when it is right."""
    if name in _BOOLEANS:
        return None if isinstance(value, bool) else "true or false"
    if not isinstance(value, str):
        return "a string"
    choices = _CHOICES.get(name)
    if choices is not None and value not in choices:
        return "one of " + ", ".join(choices)
    return None


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found.update(_flat(value, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = value
    return found
