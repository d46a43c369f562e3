"""The values that engines give, as text for people, as CSV cells and as JSON without loss."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal

NULL = "NULL"
NUMBERS = (int, float, Decimal)


def shown(value: object, decimals: int | None = None) -> str:
    """For people: floats are rounded to so many decimals, NULL is called so."""
    if value is None:
        return NULL
    if decimals is not None and isinstance(value, float) and math.isfinite(value):
        return f"{value:.{decimals}f}"
    return cell(value)


def cell(value: object) -> str:
    """For CSV: nothing rounded, NULL is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return "\\x" + bytes(value).hex()
    if isinstance(value, Mapping | list | tuple):
        return json_text(value)
    return str(value)


def json_text(value: object) -> str:
    """JSON on one line. Decimals are numbers with all their digits, dates are ISO 8601."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        # JSON has no word for these.
        return repr(value) if math.isfinite(value) else "null"
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else "null"
    if isinstance(value, datetime):
        return json.dumps(value.isoformat())
    if isinstance(value, Mapping):
        pairs = (f"{_key(key)}: {json_text(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(json_text, value)) + "]"
    return json.dumps(value if isinstance(value, str) else cell(value), ensure_ascii=False)


def _key(key: object) -> str:
    return json.dumps(key if isinstance(key, str) else cell(key), ensure_ascii=False)
