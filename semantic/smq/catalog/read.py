"""From the cache's JSON to a catalogue, in the present format and all earlier ones.

What is missing or has the wrong shape is left out and the rest is used, because the cache comes
from elsewhere and may be newer than we are. Only text that is no cache at all is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal

from smq.catalog.pieces import decode
from smq.catalog.semantic import MemberKind, MemberName, MetricName, ModelName, SemanticNames
from smq.catalog.snapshot import Known, Source
from smq.catalog.tables import Column, ForeignKey, Mode, Shards, Table
from smq.text import fold

LARGEST = 256 * 1024 * 1024
"""Bytes of the largest object that is read: more than 200,000 columns need, with room."""

_MODES: dict[str, Mode] = {
    "NULLABLE": "NULLABLE",
    "REQUIRED": "REQUIRED",
    "REPEATED": "REPEATED",
}

WhyNot = Literal["too-large", "not-utf-8", "not-json", "too-deep", "not-an-object", "not-a-cache"]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why bytes are not a cache; `detail` is a sentence for people."""

    reason: WhyNot
    detail: str


def read_cache(data: bytes, largest: int = LARGEST) -> Known | Unreadable:
    """The catalogue in a cache object, or why there is none in it."""
    if len(data) > largest:
        size, limit = len(data) / 1024**2, largest / 1024**2
        return Unreadable(
            "too-large", f"The cache has {size:,.0f} MiB; at most {limit:,.0f} MiB are read."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Unreadable("not-utf-8", f"The cache is not UTF-8: byte {error.start} is wrong.")
    try:
        value = decode(text, {"tables": _Entry.of})
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return Unreadable("not-json", f"The cache is not JSON: {error.msg} at {where}.")
    except RecursionError:
        return Unreadable("too-deep", "The cache is nested too deeply to be read.")
    except ValueError as error:
        # A number of thousands of digits.
        return Unreadable("not-json", f"The cache is not JSON that can be read: {error}.")
    if not isinstance(value, dict):
        return Unreadable("not-an-object", f"The cache is {_named(value)} and not a JSON object.")
    if not value.keys() & {"schema", "examples", "tables", "semantic", "events_tables"}:
        return Unreadable(
            "not-a-cache",
            "The object has none of the keys of a metadata cache, such as 'schema' and 'tables'.",
        )
    return _known(value, blake2b(data, digest_size=16).hexdigest())


class _Entry:
    """A table of the cache: its name, and the rest as text until somebody wants it."""

    __slots__ = ("name", "text")

    def __init__(self, name: tuple[str, ...], text: bytes) -> None:
        self.name = name
        self.text = text

    @classmethod
    def of(cls, value: object, text: str) -> _Entry:
        return cls(_parts(value) if isinstance(value, dict) else (), text.encode())

    def value(self) -> Any:
        return json.loads(self.text)


def _known(value: dict[str, Any], digest: str) -> Known:
    listed = value.pop("tables", None)
    entries: list[_Entry] = [e for e in listed if e.name] if isinstance(listed, list) else []
    version = value.get("version")
    primary = _primary(value)
    if not entries:
        entries = [_Entry.of(table, json.dumps(table)) for table in _earlier_tables(value)]
    names = [entry.name for entry in entries]
    warnings = list(_items(value.get("warnings")))
    failed = {
        tuple(fold(part) for part in _split(_text(each.get("table"))))
        for each in warnings
        if isinstance(each, dict) and each.get("table")
    }
    covered = None
    if isinstance(version, int):
        covered = frozenset({tuple(fold(part) for part in name[:-1]) for name in names})
        source = value.get("source")
        if isinstance(source, dict) and isinstance(source.get("complete"), list):
            # Of the other schemas, some tables were left out on purpose.
            complete = {
                tuple(fold(part) for part in _split(name)) for name in _texts(source["complete"])
            }
            covered = frozenset(complete)
    return Known(
        names,
        lambda number: _table(entries[number].value(), names[number]),
        lambda: _semantic(value.get("semantic")),
        rest=value,
        raw_table=lambda number: entries[number].value(),
        digest=digest,
        taken_at=_time(value.get("generated_at")),
        generation_method=_text(value.get("generation_method")) or "unknown",
        version=version if isinstance(version, int) else 0,
        source=_source(value.get("source")),
        examples=_mappings(value.get("examples")),
        insights=value["insights"] if isinstance(value.get("insights"), dict) else None,
        warnings=tuple(_warning(each) for each in warnings),
        primary=primary,
        covered=covered,
        failed=frozenset(failed),
    )


# Tables


def _table(entry: Mapping[str, Any], parts: tuple[str, ...]) -> Table:
    partitioning = entry.get("partitioning")
    fields: tuple[str, ...] = ()
    needs_filter = False
    if isinstance(partitioning, dict):
        needs_filter = partitioning.get("required") is True
        field = partitioning.get("field") or partitioning.get("fields")
        fields = _texts(field) if isinstance(field, list) else tuple(filter(None, [_text(field)]))
    return Table(
        parts,
        tuple(_columns(entry.get("columns"), "")),
        kind=_text(entry.get("kind")) or "table",
        description=_text(entry.get("description")),
        labels={str(key): _text(label) for key, label in entry["labels"].items()}
        if isinstance(entry.get("labels"), dict)
        else {},
        rows=_count(entry.get("rows")),
        bytes=_count(entry.get("bytes")),
        last_modified=_text(entry.get("last_modified")),
        collected_at=_text(entry.get("collected_at")),
        stale=entry.get("stale") is True,
        partitioning=fields,
        needs_partition_filter=needs_filter,
        clustering=_texts(entry.get("clustering")),
        primary_key=_texts(entry.get("primary_key")),
        unique_keys=tuple(
            columns for each in _items(entry.get("unique_keys")) if (columns := _texts(each))
        ),
        foreign_keys=tuple(
            ForeignKey(
                _texts(key.get("columns")),
                _split(_text(key.get("table"))),
                _texts(key.get("referenced")),
            )
            for key in _mappings(entry.get("foreign_keys"))
        ),
        shards=_shards(entry.get("shards")),
    )


def _columns(value: object, prefix: str) -> Iterator[Column]:
    """Columns in their order, the fields of a RECORD after it."""
    for entry in _mappings(value):
        name = _text(entry.get("name"))
        if not name:
            continue
        if prefix and not name.startswith(prefix):
            # Earlier collectors gave a field only its own name.
            name = prefix + name
        yield Column(
            name,
            _text(entry.get("type")),
            _MODES.get(_text(entry.get("mode")).upper(), "NULLABLE"),
            _text(entry.get("description")),
            _texts(entry.get("policy_tags")),
        )
        if entry.get("fields"):
            yield from _columns(entry["fields"], f"{name}.")


def _shards(value: object) -> Shards | None:
    if not isinstance(value, dict):
        return None
    dates = value.get("date_range")
    dates = dates if isinstance(dates, dict) else {}
    return Shards(
        _count(value.get("count")) or 0,
        _text(value.get("pattern")),
        _text(dates.get("start")),
        _text(dates.get("end")),
        _texts(value.get("example_tables")),
    )


def _parts(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """A table's name by its parts, because an id alone does not show where a dot is in a name."""
    name = entry.get("name")
    if isinstance(name, str) and name:
        outer = (entry.get("database"), entry.get("schema"))
        return (*(part for part in outer if isinstance(part, str) and part), name)
    return _split(_text(entry.get("id")))


def _split(path: str) -> tuple[str, ...]:
    """The parts of `project.dataset.table`, of which a project may have dots and colons."""
    parts = [part.strip('`"') for part in path.replace("`", "").split(".") if part]
    if len(parts) > 3:
        parts = [".".join(parts[:-2]), *parts[-2:]]
    return tuple(parts)


# The formats from before there were versions


def _primary(value: Mapping[str, Any]) -> tuple[str, ...]:
    schema = value.get("schema")
    return _split(_text(schema.get("table_id"))) if isinstance(schema, dict) else ()


def _earlier_tables(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The one table of `schema`, or the family of shards that it belongs to."""
    schema = value.get("schema")
    found: list[Mapping[str, Any]] = []
    parts = _primary(value)
    if not isinstance(schema, dict) or not parts:
        return found
    outer = dict(zip(("schema", "database"), reversed(parts[:-1]), strict=False))
    table = {
        **outer,
        "name": parts[-1],
        "description": schema.get("description"),
        "columns": schema.get("columns"),
        "last_modified": schema.get("last_modified"),
        "collected_at": schema.get("last_updated"),
    }
    shards = _earlier_shards(value.get("events_tables"))
    found.append(table)
    if shards is not None and Shards(0, shards["pattern"]).includes(parts[-1]):
        found[0] = {**table, "name": f"{Shards(0, shards['pattern']).prefix}*", "shards": shards}
    return found


def _earlier_shards(value: object) -> dict[str, Any] | None:
    """`events_tables` as a mapping, from either the list of all or the mapping about them."""
    if isinstance(value, dict):
        return {**value, "pattern": _text(value.get("pattern"))} if value.get("count") else None
    names = sorted(_texts(value))
    if not names:
        return None
    last = _split(names[-1])[-1]
    stem = last.rstrip("0123456789")
    dates = [_split(name)[-1][len(stem) :] for name in (names[0], names[-1])]
    whole = [f"{date[:4]}-{date[4:6]}-{date[6:]}" for date in dates if len(date) == 8]
    return {
        "count": len(names),
        "pattern": f"{stem}YYYYMMDD",
        "date_range": {"start": whole[0], "end": whole[1]} if len(whole) == 2 else {},
        "example_tables": [names[0], names[-1]],
    }


# Semantic names


def _semantic(value: object) -> SemanticNames:
    if not isinstance(value, dict):
        return SemanticNames()
    groupings = tuple(_texts(each) for each in _items(value.get("groupings")))
    return SemanticNames(
        _text(value.get("hash")),
        tuple(_model(each) for each in _mappings(value.get("models")) if _text(each.get("name"))),
        tuple(
            MetricName(
                _text(each.get("name")),
                _text(each.get("label")),
                _text(each.get("description")),
                _text(each.get("type")),
                _count(each.get("grouping")),
            )
            for each in _mappings(value.get("metrics"))
            if _text(each.get("name"))
        ),
        groupings,
    )


def _model(value: Mapping[str, Any]) -> ModelName:
    name = _text(value.get("name"))
    return ModelName(
        name,
        _text(value.get("label")),
        _text(value.get("description")),
        _text(value.get("table")),
        _members(value.get("dimensions"), "dimension", name),
        _members(value.get("measures"), "measure", name),
        _members(value.get("entities"), "entity", name),
    )


def _members(value: object, kind: MemberKind, model: str) -> tuple[MemberName, ...]:
    found: list[MemberName] = []
    for each in _mappings(value):
        name = _text(each.get("name"))
        if not name:
            continue
        grain = _text(each.get("grain"))
        data_type = _text(each.get("aggregation")) or _text(each.get("type"))
        is_time = bool(grain) or data_type.lower() in ("time", "date", "datetime", "timestamp")
        found.append(
            MemberName(
                name,
                kind,
                model,
                _text(each.get("label")),
                _text(each.get("description")),
                data_type,
                kind == "dimension" and is_time,
                grain,
            )
        )
    return tuple(found)


# Plain values


def _source(value: object) -> Source:
    if not isinstance(value, dict):
        return Source()
    names = ("kind", "dialect", "project", "location", "run_id", "workspace_hash")
    return Source(**{name: _text(value.get(name)) for name in names})


def _warning(value: object) -> str:
    if isinstance(value, dict):
        about = _text(value.get("table"))
        message = _text(value.get("message"))
        return f"{about}: {message}" if about else message
    return _text(value)


def _time(value: object) -> datetime | None:
    """A moment; None for one without a zone, which was some computer's local time."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in _items(value) if isinstance(item, str))


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        # BigQuery's API writes 64-bit numbers as texts.
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _items(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [item for item in _items(value) if isinstance(item, dict)]


def _named(value: object) -> str:
    kinds = {list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
