"""The data types that model files may name, and the few kinds of value behind them.

Files say `varchar`, `STRING`, `decimal(18, 2)` or `array<int64>`; what the semantic layer must know
is whether values can be added up, compared in time, or neither.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

ValueKind = Literal[
    "text", "integer", "number", "boolean", "date", "timestamp", "time", "nested", "other"
]

DATA_TYPES: dict[str, ValueKind] = {
    "varchar": "text",
    "string": "text",
    "text": "text",
    "char": "text",
    "character": "text",
    "character varying": "text",
    "nchar": "text",
    "nvarchar": "text",
    "uuid": "text",
    "integer": "integer",
    "int": "integer",
    "bigint": "integer",
    "smallint": "integer",
    "tinyint": "integer",
    "int64": "integer",
    "long": "integer",
    "number": "number",
    "numeric": "number",
    "decimal": "number",
    "bignumeric": "number",
    "money": "number",
    "float": "number",
    "float64": "number",
    "double": "number",
    "double precision": "number",
    "real": "number",
    "boolean": "boolean",
    "bool": "boolean",
    "date": "date",
    "datetime": "timestamp",
    "timestamp": "timestamp",
    "timestamptz": "timestamp",
    "timestamp_ntz": "timestamp",
    "timestamp_ltz": "timestamp",
    "timestamp_tz": "timestamp",
    "timestamp with time zone": "timestamp",
    "timestamp without time zone": "timestamp",
    "time": "time",
    "array": "nested",
    "list": "nested",
    "map": "nested",
    "struct": "nested",
    "record": "nested",
    "object": "nested",
    "json": "nested",
    "jsonb": "nested",
    "variant": "nested",
    "super": "nested",
    "bytes": "other",
    "binary": "other",
    "varbinary": "other",
    "blob": "other",
    "interval": "other",
    "geography": "other",
    "geometry": "other",
}

_PARAMETERS = re.compile(r"\s*[(<].*[)>]\Z", re.DOTALL)
_SPACES = re.compile(r"\s+")


@lru_cache(maxsize=1024)
def value_kind(written: str) -> ValueKind | None:
    """What values of a written type are; None for a type that is not one of ours.

    Case does not matter, and neither do length, precision or element types.
    """
    bare = _PARAMETERS.sub("", written.strip()).lower()
    return DATA_TYPES.get(_SPACES.sub(" ", bare))
