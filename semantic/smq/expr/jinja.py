"""The template calls that dbt allows in filters: Dimension, TimeDimension, Entity, Metric.

A call is read as data, never evaluated. For the SQL parser each call is replaced by a name of
exactly the same length, so that every offset behind it stays true.
"""

from __future__ import annotations

import ast
import re
from typing import Literal, NamedTuple

CallKind = Literal["Dimension", "TimeDimension", "Entity", "Metric"]

_BRACES = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_OTHER = re.compile(r"\{%|\{#|\{\{|\}\}")
_KINDS = ("Dimension", "TimeDimension", "Entity", "Metric")


class Call(NamedTuple):
    """`{{ TimeDimension('order__ordered_at', 'month') }}`; offsets into the text it stands in."""

    kind: CallKind
    name: str
    grain: str | None
    entity_path: tuple[str, ...]
    group_by: tuple[str, ...]
    descending: bool
    start: int
    end: int


class JinjaFault(Exception):
    """A template that is not one of the documented calls."""

    def __init__(self, detail: str, start: int, end: int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.start = start
        self.end = end


def find_calls(text: str) -> tuple[str, dict[str, Call]]:
    """The text with each call replaced by a name of the same length, and the calls by name.

    Raises JinjaFault for any other template syntax.
    """
    if "{" not in text and "}" not in text:
        return text, {}
    calls: dict[str, Call] = {}

    def replace(match: re.Match[str]) -> str:
        call = _read(match.group(1), match.start(), match.end())
        name = f"__smq_{len(calls)}"
        calls[name] = call
        return name.ljust(match.end() - match.start())

    plain = _BRACES.sub(replace, text)
    rest = _OTHER.search(plain)
    if rest:
        raise JinjaFault("only {{ … }} calls are understood", rest.start(), rest.end())
    return plain, calls


def read_call(text: str) -> Call | None:
    """A call that stands without braces, as in the lists of a saved query; None for other text."""
    try:
        return _read(text, 0, len(text))
    except JinjaFault:
        return None


def _read(source: str, start: int, end: int) -> Call:
    try:
        node = ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise JinjaFault("not a call such as Dimension('entity__name')", start, end) from error
    grain: str | None = None
    descending = False
    # Methods wrap the call: Dimension('x').grain('month').descending(True).
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        method = node.func.attr
        arguments = [_constant(argument, start, end) for argument in node.args]
        if method == "grain" and len(arguments) == 1:
            grain = str(arguments[0]).lower()
        elif method == "descending":
            descending = bool(arguments[0]) if arguments else True
        else:
            raise JinjaFault(f".{method}() is not known", start, end)
        node = node.func.value
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        raise JinjaFault("not a call such as Dimension('entity__name')", start, end)
    kind = node.func.id
    if kind not in _KINDS:
        raise JinjaFault(f"{kind} is not one of {', '.join(_KINDS)}", start, end)
    values = {
        name: _constant(argument, start, end)
        for name, argument in zip(_parameters(kind), node.args, strict=False)
    }
    if len(node.args) > len(_parameters(kind)):
        raise JinjaFault(f"{kind} takes at most {len(_parameters(kind))} values", start, end)
    for keyword in node.keywords:
        if keyword.arg not in _parameters(kind):
            raise JinjaFault(f"{kind} has no parameter {keyword.arg}", start, end)
        values[str(keyword.arg)] = _constant(keyword.value, start, end)
    name = values.get("name")
    if not isinstance(name, str) or not name:
        raise JinjaFault(f"{kind} needs a name in quotes", start, end)
    if values.get("grain") is not None:
        grain = str(values["grain"]).lower()
    return Call(
        kind,  # type: ignore[arg-type]  # one of _KINDS, checked above
        name,
        grain,
        _names(values.get("entity_path")),
        _names(values.get("group_by")),
        descending or bool(values.get("descending")),
        start,
        end,
    )


def _parameters(kind: str) -> tuple[str, ...]:
    if kind == "TimeDimension":
        return ("name", "grain", "entity_path", "descending", "date_part")
    if kind == "Metric":
        return ("name", "group_by", "descending")
    return ("name", "entity_path", "descending")


def _constant(node: ast.expr, start: int, end: int) -> object:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError) as error:
        raise JinjaFault("only quoted names and lists of them are allowed", start, end) from error


def _names(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, (list, tuple)):
        return tuple(str(item) for item in value)
    return (str(value),)
