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


# What warehouses call types in their catalogues, where models would not write it so.
_WAREHOUSE_TYPES: dict[str, ValueKind] = {
    "varchar2": "text",
    "nvarchar2": "text",
    "bpchar": "text",
    "clob": "text",
    "nclob": "text",
    "ntext": "text",
    "tinytext": "text",
    "mediumtext": "text",
    "longtext": "text",
    "citext": "text",
    "name": "text",
    "enum": "text",
    "fixedstring": "text",
    "lowcardinality": "text",
    "uniqueidentifier": "text",
    "int2": "integer",
    "int4": "integer",
    "int8": "integer",
    "int16": "integer",
    "int32": "integer",
    "int128": "integer",
    "mediumint": "integer",
    "byteint": "integer",
    "hugeint": "integer",
    "uhugeint": "integer",
    "utinyint": "integer",
    "usmallint": "integer",
    "uinteger": "integer",
    "ubigint": "integer",
    "uint8": "integer",
    "uint16": "integer",
    "uint32": "integer",
    "uint64": "integer",
    "serial": "integer",
    "bigserial": "integer",
    "smallserial": "integer",
    "year": "integer",
    "bigdecimal": "number",
    "smallmoney": "number",
    "float4": "number",
    "float8": "number",
    "float32": "number",
    "binary_float": "number",
    "binary_double": "number",
    "decfloat": "number",
    "bit": "boolean",
    "date32": "date",
    "timestampntz": "timestamp",
    "timestampltz": "timestamp",
    "datetime2": "timestamp",
    "datetime64": "timestamp",
    "smalldatetime": "timestamp",
    "datetimeoffset": "timestamp",
    "timestamp_s": "timestamp",
    "timestamp_ms": "timestamp",
    "timestamp_ns": "timestamp",
    "timestamp with local time zone": "timestamp",
    "timetz": "time",
    "time with time zone": "time",
    "time without time zone": "time",
    "hstore": "nested",
    "tuple": "nested",
    "nested": "nested",
    "row": "nested",
    "xml": "other",
    "bytea": "other",
    "raw": "other",
    "image": "other",
}
_ANYWHERE = re.compile(r"\s*\([^()]*\)")
_WHOLE = re.compile(r"(?:number|numeric|decimal|dec)\s*\(\s*\d+\s*(?:,\s*0\s*)?\)\Z")
_UNSIGNED = re.compile(r" (?:unsigned|signed|zerofill)\b")


@lru_cache(maxsize=4096)
def column_kind(written: str) -> ValueKind | None:
    """The same for a type as a warehouse's catalogue writes it, such as `NUMBER(10,0)`,
    `timestamp(6) without time zone`, `bigint unsigned` or `Nullable(DateTime64(3))`."""
    text = written.strip().lower()
    if text.startswith("nullable(") and text.endswith(")"):
        text = text[len("nullable(") : -1]
    if text.endswith("[]"):
        return "nested"
    if _WHOLE.match(text):
        return "integer"
    head = re.match(r"[a-z0-9_]+", text)
    if head and head[0] in ("array", "struct", "map", "row", "tuple", "nested", "lowcardinality"):
        return "text" if head[0] == "lowcardinality" else "nested"
    bare = _UNSIGNED.sub("", _SPACES.sub(" ", _ANYWHERE.sub("", text))).strip()
    return value_kind(bare) or _WAREHOUSE_TYPES.get(bare)
