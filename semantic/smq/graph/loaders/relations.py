"""Which table a text names: a source call, a dbt reference, a dotted name or a SELECT."""

from __future__ import annotations

import re

from smq.graph.loaders.fields import Fields
from smq.graph.symbols import (
    RefCall,
    Relation,
    SelectRelation,
    SourceCall,
    TableName,
    UnknownRelation,
)
from smq.syntax import Scalar
from smq.text import Location, nfc

_BRACES = re.compile(r"\A\{\{-?(.*?)-?\}\}\Z", re.DOTALL)
_CALL = re.compile(r"\A([^\W\d]\w*)\s*\(\s*(.*?)\s*,?\s*\)\Z", re.DOTALL)
_STRING = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_ARGUMENTS = re.compile(rf"\A(?:{_STRING})(?:\s*,\s*(?:{_STRING}))*", re.DOTALL)
_EACH_STRING = re.compile(_STRING, re.DOTALL)
_VERSION = re.compile(r"\A\s*,\s*(?:v|version)\s*=\s*(['\"]?)\w+\1\s*\Z")
_QUERY = re.compile(
    r"\A(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(?:select|with)\b", re.IGNORECASE | re.DOTALL
)
_PART = re.compile(r'`([^`]+)`|"((?:[^"]|"")+)"|\[([^\]]+)\]|([\w$*-]+)')
_BARE_FIRST = re.compile(r"[\w$][\w$-]*\Z")
_BARE_LATER = re.compile(r"[\w$]+\*?\Z|[\w$]*\*\Z")
MOST_PARTS = 3


def read_relation(fields: Fields) -> tuple[Relation, Location | None]:
    """The relation of a semantic model and where the file names it.

    What names no table is reported, and the relation is unknown.
    """
    for key in ("table", "model"):
        node = fields.scalar(key)
        if node is not None and node.text.strip():
            relation = relation_of(node, fields)
            at = fields.reading.location(node)
            if isinstance(relation, UnknownRelation):
                fields.reading.report("REF101", at, text=node.text.strip(), key=key)
            return relation, at
    node_relation = fields.inner("node_relation")
    if node_relation is not None:
        return _of_parts(node_relation), node_relation.location
    return UnknownRelation(), None


def relation_of(node: Scalar, fields: Fields) -> Relation:
    """The relation a text names; `UnknownRelation` for a text that names none."""
    text = node.text.strip()
    if _QUERY.match(text):
        return SelectRelation(fields.sql_of(node))
    braces = _BRACES.match(text)
    if braces:
        text = braces[1].strip()
    call = _CALL.match(text)
    if call:
        # Inside a template only dbt's own functions are known; `var` is no source.
        is_known = not braces or call[1].lower() in ("ref", "source")
        return _called(call[1], call[2]) if is_known else UnknownRelation()
    parts = split_name(text)
    return TableName(parts) if parts and not braces else UnknownRelation()


def split_name(text: str) -> tuple[str, ...] | None:
    """The parts of a dotted table name, unquoted; None for a text that is none.

    Backticks may stand around each part or around the whole name, as BigQuery writes it; only the
    first part may hold hyphens without them.
    """
    whole = re.fullmatch(r"`([^`]+)`", text)
    if whole:
        parts = tuple(part.strip() for part in whole[1].split("."))
        return _names(parts) if all(parts) and len(parts) <= MOST_PARTS else None
    found: list[str] = []
    at = 0
    while True:
        match = _PART.match(text, at)
        if match is None:
            return None
        if match[4] is None:
            found.append((match[1] or (match[2] or "").replace('""', '"') or match[3]).strip())
        elif (_BARE_LATER if found else _BARE_FIRST).match(match[4]) or (
            not found and _BARE_LATER.match(match[4])
        ):
            found.append(match[4])
        else:
            return None
        at = match.end()
        if at == len(text):
            break
        if text[at] != ".":
            return None
        at += 1
    # "`project.dataset`.table": quotes around several parts.
    parts = tuple(piece for part in found for piece in _unquoted_dots(part, text))
    return _names(parts) if all(parts) and len(parts) <= MOST_PARTS else None


def _unquoted_dots(part: str, text: str) -> tuple[str, ...]:
    return tuple(part.split(".")) if f"`{part}`" in text else (part,)


def _names(parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(nfc(part) for part in parts)


def _called(function: str, written: str) -> Relation:
    match = _ARGUMENTS.match(written)
    if match is None:
        return UnknownRelation()
    arguments = [nfc(string[1:-1].strip()) for string in _EACH_STRING.findall(match[0])]
    rest = written[match.end() :]
    name = function.lower()
    if name == "ref" and len(arguments) <= 2 and (not rest.strip() or _VERSION.match(rest)):
        return RefCall(arguments[-1]) if arguments[-1] else UnknownRelation()
    if rest.strip() or not all(arguments):
        return UnknownRelation()
    if name == "source" and len(arguments) == 2:
        return SourceCall(arguments[0], arguments[1])
    if len(arguments) == 1:
        return SourceCall(nfc(function), arguments[0])
    return UnknownRelation()


def _of_parts(fields: Fields) -> Relation:
    whole = fields.text("relation_name")
    if whole:
        parts = split_name(whole.strip())
        if parts:
            return TableName(parts)
    alias = fields.text("alias")
    if alias is None:
        return UnknownRelation()
    outer = (fields.text("database"), fields.text("schema_name"))
    return TableName(_names((*(part for part in outer if part), alias)))
