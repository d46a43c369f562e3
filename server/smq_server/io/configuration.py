"""From `smq.toml`, `pyproject.toml` and the environment to a `Configuration`.

The JSON Schema of the configuration is the one list of keys, types and defaults: it validates
the file, names the environment variables and makes the documentation.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from smq.problem import Problem, Severity
from smq.syntax import Document
from smq.text import LineIndex, Location, Span, nearest
from smq.workspace import (
    BigquerySettings,
    Configuration,
    DuckdbSettings,
    EngineSettings,
    LlmSettings,
    MetasyncSettings,
    PathRules,
    PostgresSettings,
)
from smq_schemas import schema
from smq_server.io.toml_positions import Place, locate

FILE_NAME = "smq.toml"
_SECRET_KEY = re.compile(
    r"(?:^|[_-])(?:password|passwd|pwd|secret|token|api[_-]?key|private[_-]?key|credentials?|dsn"
    r"|connection[_-]?string)$",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"\w+://[^/\s:@]*:[^@\s]+@|\bpassword\s*=\s*\S|-----BEGIN [A-Z ]*PRIVATE KEY", re.IGNORECASE
)
_TYPES = {
    "object": "a table",
    "array": "a list",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_SEVERITIES = {severity.name.lower(): severity for severity in Severity}
_NOWHERE = Place(Span(0, 0), Span(0, 0))

Path_ = tuple[str | int, ...]


class Loaded(NamedTuple):
    """A configuration and what is wrong with it; wrong settings keep their defaults.

    `path` and `document` are the file it comes from, None when there is none.
    """

    configuration: Configuration
    problems: tuple[Problem, ...] = ()
    path: Path | None = None
    document: Document | None = None


def parse(document: Document | None, root: str, environ: Mapping[str, str]) -> Loaded:
    """Read a configuration from a document (None: defaults) and the environment over it."""
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    if document is not None:
        values = _from_file(document, problems)
    _over(values, _from_environment(environ, problems))
    configuration = replace(_build(values), root=root)
    problems.extend(_unknown_rules(values, document, environ))
    ordered = sorted(problems, key=lambda each: (each.location.uri, each.location.span))
    return Loaded(configuration, tuple(ordered), document=document)


def has_section(text: str) -> bool:
    """Whether a pyproject.toml configures this program. False for broken TOML."""
    if "tool" not in text or "smq" not in text:
        return False
    try:
        tool = tomllib.loads(text).get("tool")
    except tomllib.TOMLDecodeError:
        # Its own tools complain about it; it is not ours until it says so.
        return bool(re.search(r"^\s*\[tool\.smq\b", text, re.MULTILINE))
    return isinstance(tool, dict) and "smq" in tool


def environment_name(path: tuple[str, ...]) -> str:
    """The variable that overrides a setting: `engine.duckdb.data` → `SMQ_ENGINE_DUCKDB_DATA`."""
    return "SMQ_" + "_".join(path).upper()


def settings() -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every setting with its schema, tables left out, in the order of the schema."""
    yield from _settings((), schema("config"))


def _settings(
    path: tuple[str, ...], part: dict[str, Any]
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    for name, inner in part["properties"].items():
        resolved = _resolve(inner)
        if "properties" in resolved:
            yield from _settings((*path, name), resolved)
        else:
            yield (*path, name), resolved


def _from_file(document: Document, problems: list[Problem]) -> dict[str, Any]:
    uri = document.uri
    shift = 1 if document.text.startswith("\ufeff") else 0
    text = document.text[shift:]
    try:
        values = tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        problems.append(_not_toml(uri, document.text, str(error)))
        return {}
    places = {path: _shifted(place, shift) for path, place in locate(text).items()}
    prefix: Path_ = ()
    if uri.endswith("pyproject.toml"):
        prefix = ("tool", "smq")
        values = values.get("tool", {}).get("smq", {})
    walker = _Walker(uri, places, prefix, problems)
    valid = walker.value((), values, schema("config"))
    return valid if isinstance(valid, dict) else {}


def _from_environment(environ: Mapping[str, str], problems: list[Problem]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for path, part in settings():
        name = environment_name(path)
        written = environ.get(name)
        if not written or part.get("type") == "object":
            continue
        found: Any = written
        if part.get("type") == "array":
            found = [item.strip() for item in written.split(",") if item.strip()]
        elif part.get("type") == "integer" and re.fullmatch(r"-?[0-9]{1,18}", written):
            found = int(written)
        elif part.get("type") == "boolean" and written.lower() in _BOOLEANS:
            found = _BOOLEANS[written.lower()]
        elif part.get("type") == "number":
            found = _number(written)
        walker = _Walker(f"env:{name}", {}, (), problems)
        valid = walker.value(path, found, part)
        if valid is not None:
            inner = values
            for key in path[:-1]:
                inner = inner.setdefault(key, {})
            inner[path[-1]] = valid
    return values


def _number(written: str) -> float | str:
    """A variable's text as a number; the text itself when it is none."""
    try:
        return float(written)
    except ValueError:
        return written


def _over(values: dict[str, Any], other: Mapping[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(values.get(key), dict):
            _over(values[key], value)
        else:
            values[key] = value


@dataclass(slots=True)
class _Walker:
    """Checks values against the schema and keeps what is right."""

    uri: str
    places: Mapping[Path_, Place]
    prefix: Path_
    problems: list[Problem]

    def value(self, path: Path_, value: Any, part: dict[str, Any]) -> Any:
        """The value without what is wrong in it; None when nothing is left."""
        part = _resolve(part)
        kind = part.get("type", "string")
        if not _fits(value, kind):
            self._report(
                "CFG103", path, key=_dotted(path), expected=_TYPES[kind], found=_named(value)
            )
            return None
        if isinstance(value, dict):
            return self._table(path, value, part)
        if isinstance(value, list):
            items = [self.value((*path, i), item, part["items"]) for i, item in enumerate(value)]
            return tuple(item for item in items if item is not None)
        return self._single(path, value, part)

    def _table(self, path: Path_, value: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
        valid: dict[str, Any] = {}
        properties = part.get("properties", {})
        for key, inner in value.items():
            here = (*path, key)
            inner_part = properties.get(key, part.get("additionalProperties"))
            if not inner_part:
                self._unknown(here, key, inner, tuple(properties))
                continue
            result = self.value(here, inner, inner_part)
            if result is not None:
                valid[key] = result
        return valid

    def _single(self, path: Path_, value: Any, part: dict[str, Any]) -> Any:
        key = _dotted(path)
        if isinstance(value, str) and _SECRET_VALUE.search(value):
            self._report("CFG105", path, at_key=True, key=key)
            return None
        allowed = tuple(part.get("enum", ()))
        if allowed and value not in allowed:
            near = nearest(value, allowed, limit=1, cutoff=0.5)
            self._report(
                "CFG104", path, key=key, value=value, allowed=allowed, nearest=near, quote='"'
            )
            return None
        if not isinstance(value, str):
            least, most = part.get("minimum"), part.get("maximum")
            # NaN is in no range.
            if not (least is None or value >= least) or not (most is None or value <= most):
                self._report("CFG104", path, key=key, value=str(value), least=least, most=most)
                return None
            return value
        pattern = part.get("pattern")
        if (pattern and not re.search(pattern, value)) or (part.get("minLength") and not value):
            self._report("CFG104", path, key=key, value=value)
            return None
        return value

    def _unknown(self, path: Path_, key: str, value: Any, known: tuple[str, ...]) -> None:
        secrets = list(_secrets(path, value))
        for secret in secrets:
            self._report("CFG105", secret, at_key=True, key=_dotted(secret))
        if secrets:
            return
        near = nearest(key, known, limit=1)
        self._report("CFG102", path, at_key=True, key=_dotted(path), known=known, nearest=near)

    def _report(self, code: str, path: Path_, at_key: bool = False, **args: object) -> None:
        place = self.places.get((*self.prefix, *path), _NOWHERE)
        span = place.key if at_key else place.value
        self.problems.append(Problem(code, Location(self.uri, span), args))


def _secrets(path: Path_, value: Any) -> Iterator[Path_]:
    """The paths at and below an unknown key that seem to hold a secret."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _secrets((*path, key), inner)
    elif isinstance(value, str) and (
        _SECRET_KEY.search(str(path[-1])) or _SECRET_VALUE.search(value)
    ):
        yield path


def _unknown_rules(
    values: Mapping[str, Any], document: Document | None, environ: Mapping[str, str]
) -> Iterator[Problem]:
    wanted = list(_selectors(values.get("rules", {})))
    if not wanted:
        return
    # Only a configuration that names rules pays for loading them all.
    from smq.rules import find, rules

    known = rules()
    names = (*known, *(rule.name for rule in known.values()))
    places: dict[Path_, Place] = {}
    uri, shift = "", 0
    prefix: Path_ = ()
    if document is not None:
        uri, shift = document.uri, int(document.text.startswith("\ufeff"))
        places = locate(document.text[shift:])
        prefix = ("tool", "smq") if uri.endswith("pyproject.toml") else ()
    for path, selector in wanted:
        upper = selector.upper()
        if upper == "ALL" or find(selector) or any(code.startswith(upper) for code in known):
            continue
        variable = environment_name(tuple(str(part) for part in path[:2]))
        place = places.get((*prefix, *path))
        from_environment = bool(environ.get(variable)) and len(path) == 3
        if place is None or from_environment:
            at = Location(f"env:{variable}", Span(0, 0))
        else:
            at = Location(uri, _shifted(place, shift).key)
        near = nearest(selector if selector.islower() else upper, names, limit=1)
        yield Problem("CFG106", at, {"selector": selector, "nearest": near, "quote": '"'})


def _selectors(rules: Mapping[str, Any]) -> Iterator[tuple[Path_, str]]:
    for key in ("select", "ignore"):
        for index, selector in enumerate(rules.get(key, ())):
            yield ("rules", key, index), selector
    for selector in rules.get("severity", {}):
        yield ("rules", "severity", selector), selector
    for pattern, wishes in rules.get("per_path", {}).items():
        for index, selector in enumerate(wishes.get("ignore", ())):
            yield ("rules", "per_path", pattern, "ignore", index), selector
        for selector in wishes.get("severity", {}):
            yield ("rules", "per_path", pattern, "severity", selector), selector


def _build(values: Mapping[str, Any]) -> Configuration:
    plain = ("dialect", "target_dialects", "default_schema", "models", "queries", "exclude")
    rules = values.get("rules", {})
    engine = values.get("engine", {})
    return Configuration(
        **{key: values[key] for key in plain if key in values},
        select=rules.get("select"),
        ignore=rules.get("ignore", ()),
        severities=_severities(rules.get("severity", {})),
        per_path=tuple(
            PathRules(pattern, _severities(wishes.get("severity", {})), wishes.get("ignore", ()))
            for pattern, wishes in rules.get("per_path", {}).items()
        ),
        engine=EngineSettings(
            **({"type": engine["type"]} if "type" in engine else {}),
            duckdb=DuckdbSettings(**engine.get("duckdb", {})),
            postgres=PostgresSettings(**engine.get("postgres", {})),
            bigquery=BigquerySettings(**engine.get("bigquery", {})),
        ),
        metasync=MetasyncSettings(**values.get("metasync", {})),
        llm=LlmSettings(**values.get("llm", {})),
    )


def _severities(written: Mapping[str, str]) -> tuple[tuple[str, Severity], ...]:
    return tuple((selector, _SEVERITIES[level]) for selector, level in written.items())


def _not_toml(uri: str, text: str, message: str) -> Problem:
    """`tomllib` says where only inside its message."""
    match = re.search(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)", message)
    offset = len(text)
    if match and match[1]:
        offset = LineIndex(text).offset(int(match[1]) - 1, int(match[2]) - 1)
    reason = message[: match.start()] if match else message
    reason = reason[:1].lower() + reason[1:]
    return Problem("CFG101", Location(uri, Span(offset, offset)), {"reason": reason})


def _resolve(part: dict[str, Any]) -> dict[str, Any]:
    reference = part.get("$ref")
    if reference is None:
        return part
    target: dict[str, Any] = schema("config")["$defs"][reference.rpartition("/")[2]]
    return {**target, **{key: value for key, value in part.items() if key != "$ref"}}


def _fits(value: Any, kind: str) -> bool:
    kinds: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": int | float,
        "boolean": bool,
    }
    return isinstance(value, kinds[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _named(value: Any) -> str:
    kinds = {dict: "a table", list: "a list", str: "a string", bool: "true or false"}
    return kinds.get(type(value), "a number" if isinstance(value, int | float) else "a date")


def _dotted(path: Path_) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _shifted(place: Place, by: int) -> Place:
    return Place(place.key.shift(by), place.value.shift(by))
