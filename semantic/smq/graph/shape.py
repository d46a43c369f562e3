"""Does a model file look as the JSON Schema says, and if not, what is wrong in people's terms.

The schema decides; a validator library reads it for whatever is not surely right. Here its
verdicts become problems: which key, of which dimension, what was expected, what is near to it, and
where in the file. Each list item of a file (a model, a metric, a source …) is judged on its own,
and a value whose like has been judged valid before is not judged again (see `fingerprint`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import cache, lru_cache
from math import isfinite
from typing import Any, Literal, NamedTuple

from smq.graph.data_types import DATA_TYPES
from smq.graph.fingerprint import (
    Place,
    Plain,
    Schema,
    fingerprint,
    pairs_of,
    place_for,
    plain,
    pruned,
    resolve,
)
from smq.graph.surely_valid import is_surely_valid
from smq.problem import Problem
from smq.syntax import Mapping, Node, Pair, Parsed, Scalar, Sequence, unaliased
from smq.text import Location, Span, nearest, nfc
from smq_schemas import schema as load_schema

Engine = Literal["jsonschema", "jsonschema_rs"]
Path = tuple[str | int, ...]

SECTIONS = {
    "semantic_models": "semanticModel",
    "metrics": "metric",
    "models": "model",
    "sources": "source",
    "saved_queries": "savedQuery",
}
"""The top-level lists that are read, and the schema definition of their items."""

_REMEMBERED = 20_000


class Violation(NamedTuple):
    """One complaint of a validator: where in the value, which keyword, of which subschema."""

    path: Path
    keyword: str
    schema: Schema


def check_top(parsed: Parsed, root: Mapping, engine: Engine | None = None) -> Iterator[Problem]:
    """What is wrong with the shape of a document apart from the items of its lists.

    `engine` names the validator library; by default the fastest that is installed, and none for
    what is surely valid.
    """
    top = _Subject(parsed, load_schema("semantic-model"), root)
    return top.problems(_violations("", engine, _shallow(root)))


def lists_of(root: Mapping) -> Iterator[tuple[str, Pair, Sequence]]:
    """The lists of a document that are read, each with its key, in the order of the file."""
    for key, pair in pairs_of(root).items():
        items = unaliased(pair.value)
        if key in SECTIONS and isinstance(items, Sequence):
            yield key, pair, items


def check_item(
    parsed: Parsed, key: str, items: Sequence, index: int, engine: Engine | None = None
) -> Iterator[Problem]:
    """What is wrong with the shape of one item of the list under a key."""
    definition, item = SECTIONS[key], items.items[index]
    if not _known_valid(definition, item, engine):
        at = item.span if item is not None else _gap(parsed.document.text, items, index)
        subject = _Subject(parsed, _definition(definition), item, at)
        yield from subject.problems(
            _violations(definition, engine, plain(item, _place(definition)))
        )


def prepare() -> Iterator[None]:
    """Load what the first fault would have to wait for, in steps."""
    engine = _fastest()
    for definition in ("", *SECTIONS.values()):
        _compiled(definition, engine)
        yield


def stays_valid(key: str, old: Node | None, new: Node | None, path: tuple[int, ...]) -> bool:
    """Whether an item of the list under a key, which was valid, is valid after a change of one
    entry in it; False also when only judging the whole item tells.

    `path` leads to that entry in both; nothing else may have changed.
    """
    place: Place | None = _place(SECTIONS[key])
    is_valid = False
    for step in path:
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            if any(pair.key.text == "<<" for pair in new.pairs):
                return False
            pair = new.pairs[step]
            place = place.properties.get(nfc(pair.key.text)) if place is not None else None
            old, new = old.pairs[step].value, pair.value
        elif isinstance(old, Sequence) and isinstance(new, Sequence):
            place = place.items if place is not None else None
            old, new = old.items[step], new.items[step]
            # Schemas say of lists what each item must be, so any valid one may take its place.
            is_valid = is_valid or (place is not None and fingerprint(new, place) in place.valid)
        else:
            return False
    return is_valid or fingerprint(old, place) == fingerprint(new, place)


def _shallow(root: Mapping) -> Plain:
    """The document without the items of its lists, which are judged one by one."""
    shallow: dict[str, Plain] = {}
    for key, pair in pairs_of(root).items():
        value = unaliased(pair.value)
        is_list = key in SECTIONS and isinstance(value, Sequence)
        shallow[key] = [] if is_list else plain(value, None)
    return shallow


def _known_valid(definition: str, item: Node | None, engine: Engine | None) -> bool:
    place = _place(definition)
    mark = fingerprint(item, place)
    if mark in place.valid:
        return True
    seen: list[tuple[Place, Hashable]] = [(place, mark)]
    sample = pruned(item, place, seen)
    if next(iter(_violations(definition, engine, sample)), None) is not None:
        return False
    for seen_place, seen_mark in seen:
        if len(seen_place.valid) >= _REMEMBERED:
            seen_place.valid.clear()
        seen_place.valid.add(seen_mark)
    return True


@cache
def _place(definition: str) -> Place:
    root = load_schema("semantic-model")
    return place_for(root["$defs"][definition], root)


def _definition(name: str) -> Schema:
    definition: Schema = load_schema("semantic-model")["$defs"][name]
    return definition


# Validator libraries. Both are heavy to import, so each is imported by the first file with a fault;
# they agree on paths and keywords, which is all that is asked of them.


@lru_cache(maxsize=1)
def _fastest() -> Engine:
    try:
        import jsonschema_rs  # noqa: F401  # only to learn whether it is installed
    except ImportError:
        return "jsonschema"
    return "jsonschema_rs"


def _violations(definition: str, engine: Engine | None, value: Plain) -> Iterator[Violation]:
    """What the library says about a value; the empty definition is the whole file's."""
    if engine is None:
        root = load_schema("semantic-model")
        if is_surely_valid(value, root["$defs"][definition] if definition else root, root):
            return
        engine = _fastest()
    if engine == "jsonschema_rs":
        try:
            # Listed at once: a value this library cannot take must not fail half-way.
            yield from list(_compiled(definition, "jsonschema_rs")(value))
            return
        except (ValueError, OverflowError):
            # Lone surrogates, infinities: values of Python that JSON does not have.
            pass
    yield from _compiled(definition, "jsonschema")(value)


@cache
def _compiled(definition: str, engine: Engine) -> Callable[[Plain], Iterable[Violation]]:
    root = load_schema("semantic-model")
    if definition:
        chosen = {"$schema": root["$schema"], "$ref": f"#/$defs/{definition}"}
        root = {**chosen, "$defs": root["$defs"]}
    if engine == "jsonschema_rs":
        import jsonschema_rs

        rust = jsonschema_rs.Draft202012Validator(root)

        def with_rust(value: Plain) -> Iterator[Violation]:
            for error in rust.iter_errors(value):
                schema_path = list(error.schema_path)
                found = _at(root, schema_path[:-1])
                yield Violation(tuple(error.instance_path), str(schema_path[-1]), found)

        return with_rust

    from jsonschema import Draft202012Validator

    python = Draft202012Validator(root)

    def with_python(value: Plain) -> Iterator[Violation]:
        for error in python.iter_errors(value):
            yield Violation(tuple(error.absolute_path), str(error.validator), error.schema)

    return with_python


def _at(root: Schema, path: list[str | int]) -> Schema:
    found: Any = root
    for step in path:
        if step == "$ref":
            *_, found = resolve(found, root)
        else:
            found = found[step]
    subschema: Schema = found
    return subschema


class _Subject:
    """One judged value: turns violations into problems with places and facts."""

    def __init__(
        self, parsed: Parsed, schema: Schema, node: Node | None, around: Span | None = None
    ) -> None:
        self._parsed = parsed
        self._schema = schema
        self._root = load_schema("semantic-model")
        self._node = unaliased(node)
        self._around = around or Span(0, 0)

    def problems(self, violations: Iterable[Violation]) -> Iterator[Problem]:
        found = list(violations)
        # A value of the wrong kind breaks every other keyword too; one complaint is enough.
        wrong_kind = {v.path for v in found if v.keyword == "type"}
        misspelt: dict[Path, set[str]] = {}
        told: set[tuple[Path, str, str]] = set()
        ordered = sorted(found, key=lambda v: v.keyword != "additionalProperties")
        problems: list[Problem] = []
        for violation in ordered:
            if violation.path in wrong_kind and violation.keyword != "type":
                continue
            for problem in self._facts(violation, misspelt):
                key = str(problem.args.get("keys") or problem.args.get("key"))
                if (violation.path, problem.code, key) not in told:
                    told.add((violation.path, problem.code, key))
                    problems.append(problem)
        # Several problems of one place come in an order of ours, not in that of the library.
        yield from sorted(problems, key=lambda p: (p.location.span, p.code, repr(p.args)))

    def _facts(self, violation: Violation, misspelt: dict[Path, set[str]]) -> Iterator[Problem]:
        keyword, schema, path = violation.keyword, violation.schema, violation.path
        if keyword == "additionalProperties":
            yield from self._unknown_keys(path, schema, misspelt)
        elif keyword == "required":
            present = self._keys(path)
            for key in schema["required"]:
                if key not in present and key not in misspelt.get(path, ()):
                    yield self._missing(path, (key,), schema)
        elif keyword == "anyOf" and all("required" in part for part in schema["anyOf"]):
            alternatives = tuple(part["required"][0] for part in schema["anyOf"])
            if not misspelt.get(path, set()).intersection(alternatives):
                yield self._missing(path, alternatives, schema)
        elif keyword == "type":
            yield self._wrong_type(path, schema)
        elif keyword == "anyOf":
            allowed = tuple(v for part in schema["anyOf"] for v in part.get("enum", ()))
            yield self._not_allowed("MOD105", path, allowed)
        elif keyword in ("enum", "const"):
            allowed = tuple(schema["enum"]) if keyword == "enum" else (schema["const"],)
            yield self._not_allowed("MOD104", path, tuple(v for v in allowed if v is not None))
        elif keyword in ("minLength", "minItems"):
            yield self._problem("MOD106", path, {})
        elif keyword in ("minimum", "maximum"):
            limits = {k: schema[k] for k in ("minimum", "maximum") if k in schema}
            yield self._problem("MOD107", path, {**self._value(path), **limits})
        elif keyword == "pattern":
            expected = str(schema.get("x-smq-expected", ""))
            yield self._problem("MOD108", path, {**self._value(path), "expected": expected})
        else:
            raise AssertionError(f"the schema uses {keyword}, which has no words yet")

    def _unknown_keys(
        self, path: Path, schema: Schema, misspelt: dict[Path, set[str]]
    ) -> Iterator[Problem]:
        allowed = tuple(schema.get("properties", ()))
        node = unaliased(self._step(path)[1])
        if not isinstance(node, Mapping):
            return
        present = pairs_of(node)
        missing = [key for key in allowed if key not in present]
        needed = _needed(schema)
        for key, pair in present.items():
            # Only the file itself has room for keys of one's own.
            if key in allowed or (self._schema is self._root and key.startswith("x-")):
                continue
            # Of equally near keys, the one that the thing cannot do without was meant.
            near = tuple(sorted(nearest(key, missing), key=lambda k: k not in needed))
            misspelt.setdefault(path, set()).update(near[:1])
            yield Problem(
                "MOD101",
                Location(self._parsed.document.uri, pair.key.span),
                {"key": key, "nearest": near, "allowed": allowed, **self._where(path)},
            )

    def _missing(self, path: Path, keys: tuple[str, ...], schema: Schema) -> Problem:
        node = unaliased(self._step(path)[1])
        key, insert = keys[0], None
        subschema = self._subschema((*path, key))
        examples = [e for part in subschema for e in part.get("examples", ())]
        if len(keys) == 1 and examples and isinstance(node, Mapping):
            insert = _insertion(self._parsed.document.text, node, f"{key}: {examples[0]}")
        facts: dict[str, object] = {"keys": keys, **self._where(path)}
        if insert is not None:
            facts |= {"insert_at": insert[0], "insert": insert[1], "example": examples[0]}
        code = str(schema.get("x-smq-code", "MOD102"))
        if code == "MET202":
            facts["kind"] = str(schema["title"]).split()[0]
        return Problem(code, self._name_or_key(path), facts)

    def _wrong_type(self, path: Path, schema: Schema) -> Problem:
        written = schema["type"]
        types = (written,) if isinstance(written, str) else tuple(written)
        expected = tuple(_TYPE_WORDS[t] for t in types if t != "null")
        node = unaliased(self._step(path)[1])
        found = _found_words(node)
        facts = {"expected": expected, "found": found, **self._value(path)}
        return self._problem("MOD103", path, facts)

    def _not_allowed(self, code: str, path: Path, allowed: tuple[object, ...]) -> Problem:
        facts = self._value(path)
        words = tuple(str(value) for value in allowed)
        facts |= {"allowed": words, "nearest": nearest(str(facts["value"]), words)}
        if code == "MOD104":
            facts["is_data_type"] = str(facts["value"]).lower() in DATA_TYPES
        return self._problem(code, path, facts)

    def _problem(self, code: str, path: Path, facts: dict[str, object]) -> Problem:
        facts = {**facts, **self._where(path[:-1] if path else path)}
        keys = [step for step in path if isinstance(step, str)]
        facts["key"] = keys[-1] if keys else ""
        facts["is_item"] = bool(path) and isinstance(path[-1], int)
        return Problem(code, self._value_location(path), facts)

    # Places.

    def _step(self, path: Path) -> tuple[Pair | None, Node | None]:
        """The node at a path, aliases on the way followed, and the pair it is the value of."""
        pair: Pair | None = None
        node: Node | None = self._node
        for step in path:
            inner = unaliased(node)
            if isinstance(step, int):
                pair = None
                node = inner.items[step] if isinstance(inner, Sequence) else None
            else:
                pair = pairs_of(inner).get(step) if isinstance(inner, Mapping) else None
                node = pair.value if pair else None
        return pair, node

    def _keys(self, path: Path) -> set[str]:
        node = unaliased(self._step(path)[1])
        return set(pairs_of(node)) if isinstance(node, Mapping) else set()

    def _location(self, span: Span) -> Location:
        return Location(self._parsed.document.uri, span)

    def _value_location(self, path: Path) -> Location:
        pair, node = self._step(path)
        empty = isinstance(node, Scalar) and not node.text
        if pair is not None and (node is None or empty or not isinstance(node, Scalar)):
            # A list or mapping may be a thousand lines; its key says where it is.
            return self._location(pair.key.span)
        if node is None:
            around = unaliased(self._step(path[:-1])[1]) if path else None
            if isinstance(around, Sequence) and isinstance(path[-1], int):
                return self._location(_gap(self._parsed.document.text, around, path[-1]))
            return self._location(self._around)
        return self._location(_first_line(self._parsed.document.text, node.span))

    def _name_or_key(self, path: Path) -> Location:
        """Where to say that something of a mapping is missing: its name, key or first key."""
        pair, node = self._step(path)
        inner = unaliased(node)
        if isinstance(inner, Mapping):
            name = pairs_of(inner).get("name")
            if name is not None and isinstance(name.value, Scalar) and name.value.text:
                return self._location(name.value.span)
            if pair is None and inner.pairs:
                return self._location(inner.pairs[0].key.span)
        if pair is not None:
            return self._location(pair.key.span)
        span = node.span if node is not None else self._around
        return self._location(_first_line(self._parsed.document.text, span))

    # Facts.

    def _value(self, path: Path) -> dict[str, object]:
        node = unaliased(self._step(path)[1])
        return {"value": node.text if isinstance(node, Scalar) else ""}

    def _where(self, path: Path) -> dict[str, object]:
        """What the thing is (`dimension`) and the name of it or of what it belongs to."""
        title, owner, name = "", "", ""
        for length in range(len(path) + 1):
            node = unaliased(self._step(path[:length])[1])
            titles = [p["title"] for p in self._subschema(path[:length]) if "title" in p]
            title = titles[0] if titles else title
            if isinstance(node, Mapping):
                written = pairs_of(node).get("name")
                if written is not None and isinstance(written.value, Scalar):
                    owner, name = title, written.value.text
        return {"where": title, "owner": owner, "name": name}

    def _subschema(self, path: Path) -> list[Schema]:
        """The schemas that stand at a path, without those that only hold under a condition."""
        found = list(resolve(self._schema, self._root))
        for step in path:
            inner: list[Schema] = []
            for part in found:
                if isinstance(step, int):
                    below = part.get("items")
                else:
                    below = part.get("properties", {}).get(step)
                if isinstance(below, dict):
                    inner.extend(resolve(below, self._root))
            found = inner
        return found


def _needed(schema: Schema) -> set[str]:
    alternatives = (part.get("required", ()) for part in schema.get("anyOf", ()))
    return {*schema.get("required", ()), *(key for keys in alternatives for key in keys)}


def _gap(text: str, sequence: Sequence, index: int) -> Span:
    """Where a list item would be that has no text: its dash, or the space between commas."""
    before = [item.span.end for item in sequence.items[:index] if item is not None]
    behind = [item.span.start for item in sequence.items[index + 1 :] if item is not None]
    start = before[-1] if before else sequence.span.start
    end = behind[0] if behind else sequence.span.end
    dash = text.find("-", start, end)
    return Span(dash, dash + 1) if dash >= 0 and not sequence.flow else Span(start, end)


_TYPE_WORDS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


def _found_words(node: Node | None) -> str:
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, Mapping):
        return "a mapping"
    value = node.value if isinstance(node, Scalar) else None
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int):
        return "a whole number"
    return "a number" if isinstance(value, float) and isfinite(value) else "text"


def _first_line(text: str, span: Span) -> Span:
    ends = [at for at in (text.find("\n", *span), text.find("\r", *span)) if at >= 0]
    return Span(span.start, min(ends)) if ends else span


def _insertion(text: str, node: Mapping, line: str) -> tuple[int, str] | None:
    """Where and what to insert so that a mapping gets one more pair; None in an empty one."""
    if not node.pairs:
        return None
    if node.flow:
        return node.pairs[-1].span.end, f", {line}"
    start = node.pairs[0].span.start
    line_start = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    indent = "".join(c if c.isspace() else " " for c in text[line_start:start])
    end_of_line = "\r\n" if "\r\n" in text else "\n"
    name = pairs_of(node).get("name")
    if name is not None and isinstance(name.value, Scalar) and "\n" not in name.span.cut(text):
        at = text.find("\n", name.span.end)
        at = len(text) if at < 0 else at - (text[at - 1] == "\r")
        return at, f"{end_of_line}{indent}{line}"
    return start, f"{line}{end_of_line}{indent}"
