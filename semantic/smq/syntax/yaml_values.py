"""What a plain scalar means: YAML 1.2's core schema, and where YAML 1.1 reads it otherwise.

The reader types values by the core schema, as JSON does. Most programs that load the same files
in Python follow YAML 1.1, where `on` is a boolean, `012` is ten and `1:30` is ninety; whoever
wrote such a value has to hear that two readers disagree.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Literal, NamedTuple

Value = str | int | float | bool | None
Kind = Literal["null", "boolean", "number", "text", "date", "merge", "default"]


class Reading(NamedTuple):
    """One scalar read by both versions; `legacy` is None where they agree.

    `legacy` tells what YAML 1.1 makes of it: a kind, and the value as a YAML 1.2 author writes it.
    """

    value: Value
    legacy: tuple[Kind, str] | None


# Longer runs of digits are no numbers anybody meant, and Python refuses to convert them.
_MAX_DIGITS = 4000

_WORDS: dict[str, Value] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_LEGACY_BOOLEANS = {
    spelling: word in ("yes", "on")
    for word in ("yes", "no", "on", "off")
    for spelling in (word, word.capitalize(), word.upper())
}

WORDS = frozenset(_WORDS) | frozenset(_LEGACY_BOOLEANS)
"""Plain scalars made of letters that are not, or not for everybody, strings."""

NUMERIC_START = frozenset("0123456789+-.=<")
"""First characters of all other plain scalars that may be more than a string."""

_INT = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_INFINITY = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z")
_NAN = re.compile(r"\.(?:nan|NaN|NAN)\Z")

_OLD_BINARY = re.compile(r"[-+]?0b[01_]+\Z")
_OLD_OCTAL = re.compile(r"[-+]?0[0-7_]+\Z")
_OLD_HEX = re.compile(r"[-+]?0x[0-9a-fA-F_]+\Z")
_OLD_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)\Z")
_OLD_BASE_60 = re.compile(r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+\Z")
_OLD_FLOAT = re.compile(
    r"(?:[-+]?[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?\Z",
)
_OLD_FLOAT_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*\Z")
_OLD_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?\Z"
)


def may_be_typed(text: str) -> bool:
    """False for the many scalars that are strings in every version; `read_plain` knows the rest."""
    return not text or text[0] in NUMERIC_START or text in WORDS


@lru_cache(maxsize=4096)
def read_plain(text: str) -> Reading:
    """The value of a plain scalar, and YAML 1.1's when that is another one."""
    if len(text) > _MAX_DIGITS:
        return Reading(text, None)
    value = _core(text)
    kind, old = _legacy(text)
    if kind == _kind(value) and (kind == "text" or _same(value, old)):
        return Reading(value, None)
    return Reading(value, (kind, _spell(old)))


def _core(text: str) -> Value:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text)
    if _OCTAL.match(text):
        return int(text[2:], 8)
    if _HEX.match(text):
        return int(text[2:], 16)
    if _FLOAT.match(text):
        return float(text)
    if _INFINITY.match(text):
        return -math.inf if text[0] == "-" else math.inf
    if _NAN.match(text):
        return math.nan
    return text


def _legacy(text: str) -> tuple[Kind, Value]:
    if text in _WORDS:
        value = _WORDS[text]
        return _kind(value), value
    if text in _LEGACY_BOOLEANS:
        return "boolean", _LEGACY_BOOLEANS[text]
    if text == "<<":
        return "merge", text
    if text == "=":
        return "default", text
    number = _legacy_number(text)
    if number is not None:
        return "number", number
    if _OLD_DATE.match(text):
        return "date", text
    return "text", text


def _legacy_number(text: str) -> int | float | None:
    negative = text[:1] == "-"
    digits = text.lstrip("+-").replace("_", "")
    number: int | float
    if _OLD_INT.match(text):
        number = int(digits)
    elif _OLD_BINARY.match(text):
        number = int(digits[2:] or "0", 2)
    elif _OLD_HEX.match(text):
        number = int(digits[2:] or "0", 16)
    elif _OLD_OCTAL.match(text):
        number = int(digits, 8)
    elif _OLD_BASE_60.match(text):
        number = 0
        for part in digits.split(":"):
            number = number * 60 + int(part)
    elif _OLD_FLOAT.match(text):
        number = float(digits)
    elif _OLD_FLOAT_60.match(text):
        number = 0.0
        for part in digits.split(":"):
            number = number * 60 + float(part)
    elif _INFINITY.match(text):
        number = math.inf
    elif _NAN.match(text):
        number = math.nan
    else:
        return None
    return -number if negative else number


def _kind(value: Value) -> Kind:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


def _same(value: Value, old: Value) -> bool:
    both_nan = value != value and old != old
    return both_nan or (value == old and type(value) is type(old))


def _spell(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)
