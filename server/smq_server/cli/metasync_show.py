"""`smq metasync show`: what a cache holds, for people and as JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from smq.catalog import Known
from smq.catalog.read import Unreadable, read_cache
from smq.catalog.tables import Table
from smq.text import nearest
from smq_metasync.collectors import split_name
from smq_metasync.plan import plan_of
from smq_metasync.stores import Stored, StoreError, open_store
from smq_server.cli.findings.width import visible, width
from smq_server.cli.streams import Streams
from smq_server.io.failure import Failure
from smq_server.io.uris import display
from smq_server.io.workspace import locate

VERSION = 1
_MOST = 40


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    location = locate(Path(arguments.workspace), streams.environ, arguments.config)
    plan = plan_of(location.configuration, location.root, streams.environ)
    place, known, updated = read(arguments.cache or plan.location, location.root)
    if arguments.table:
        table = _found(known, arguments.table)
        if arguments.format == "json":
            _json(streams, {"version": VERSION, "table": _described(table)})
        else:
            _show_table(streams, table)
        return 0
    if arguments.format == "json":
        _json(streams, _summary(place, known, updated))
    else:
        _show(streams, place, known, updated)
    return 0


def read(location: str, directory: Path) -> tuple[str, Known, datetime]:
    """The cache at a place, and when it was written. Raises Failure when there is none."""
    try:
        store = open_store(location, directory)
        stored = store.read()
    except StoreError as error:
        raise Failure(str(error)) from error
    if not isinstance(stored, Stored):
        raise Failure(
            f"there is no cache at {_here(store.location)}; `smq metasync sync` makes one"
        )
    known = read_cache(stored.data)
    if isinstance(known, Unreadable):
        raise Failure(f"{_here(store.location)} is no metadata cache. {known.detail}")
    return store.location, known, stored.updated


def _show(streams: Streams, place: str, known: Known, updated: datetime) -> None:
    made = known.taken_at or updated
    age = _age((datetime.now(UTC) - made).total_seconds())
    facts = [("cache", _here(place)), ("made", f"{made.isoformat(timespec='seconds')} ({age})")]
    if known.source.kind:
        where = known.source.project or ""
        facts.append(("source", f"{known.source.kind} {where}".strip()))
    facts.append(("method", known.generation_method))
    names = known.semantic
    if names:
        facts.append(
            ("names", f"{len(names.models)} models, {len(names.metrics)} metrics, "
                      f"{sum(len(m.dimensions) for m in names.models)} dimensions")
        )  # fmt: skip
    facts.append(("examples", _examples(known)))
    facts.append(("insights", f"{len(known.insights)} tables" if known.insights else "none"))
    streams.write("".join(f"{name:<9} {visible(value)}\n" for name, value in facts))
    rows: list[tuple[str, ...]] = []
    for number in range(min(len(known), _MOST)):
        table = known.at(number)
        rows.append((table.path, _kind(table), f"{len(table.columns)} columns", _size(table),
                     table.description))  # fmt: skip
    streams.write(f"\n{len(known):,} tables\n" + _aligned(rows))
    if len(known) > _MOST:
        streams.message(f"… and {len(known) - _MOST:,} more; --format json has all")
    for warning in known.warnings:
        streams.message(f"warning: {warning}")


def _show_table(streams: Streams, table: Table) -> None:
    head = [("table", table.path), ("kind", _kind(table)), ("size", _size(table) or "unknown")]
    if table.description:
        head.append(("about", table.description))
    for name, columns in (("parts", table.partitioning), ("cluster", table.clustering),
                          ("key", table.primary_key)):  # fmt: skip
        if columns:
            head.append((name, ", ".join(columns)))
    for key in table.foreign_keys:
        head.append(("refers", f"{', '.join(key.columns)} → {'.'.join(key.table)}"))
    if table.collected_at:
        head.append(("seen", table.collected_at + (" (as last known)" if table.stale else "")))
    streams.write("".join(f"{name:<9} {visible(' '.join(v.split()))}\n" for name, v in head))
    rows = [
        ("  " * each.name.count(".") + each.name, each.type,
         "" if each.mode == "NULLABLE" else each.mode.lower(),
         "hidden by a policy tag" if each.policy_tags else "", each.description)
        for each in table.columns
    ]  # fmt: skip
    streams.write("\n" + _aligned(rows))


def _summary(place: str, known: Known, updated: datetime) -> dict[str, Any]:
    return {
        "version": VERSION,
        "location": place,
        "generated_at": known.taken_at.isoformat() if known.taken_at else None,
        "updated": updated.isoformat(),
        "generation_method": known.generation_method,
        "source": known.source.kind or None,
        "tables": [
            {
                "id": table.path,
                "kind": table.kind,
                "columns": len(table.columns),
                "rows": table.rows,
                "bytes": table.bytes,
                "stale": table.stale,
                "shards": table.shards.count if table.shards else None,
                "description": table.description,
            }
            for table in known.tables
        ],
        "examples": len(known.examples),
        "models": len(known.semantic.models),
        "metrics": len(known.semantic.metrics),
        "warnings": list(known.warnings),
    }


def _described(table: Table) -> dict[str, Any]:
    return {
        "id": table.path,
        "kind": table.kind,
        "description": table.description,
        "rows": table.rows,
        "bytes": table.bytes,
        "stale": table.stale,
        "partitioning": list(table.partitioning),
        "clustering": list(table.clustering),
        "primary_key": list(table.primary_key),
        "columns": [
            {"name": c.name, "type": c.type, "mode": c.mode, "description": c.description}
            for c in table.columns
        ],
    }


def _found(known: Known, name: str) -> Table:
    found = known.find(split_name(name))
    if len(found) == 1:
        return found[0]
    if found:
        raise Failure(f"{name} may mean {' or '.join(table.path for table in found)}")
    paths = [".".join(parts) for parts in known.names]
    short = {parts[-1]: ".".join(parts) for parts in known.names}
    close = nearest(name, paths, limit=1) or nearest(name.split(".")[-1], short, limit=1)
    hint = f"; did you mean {short.get(close[0], close[0])}?" if close else ""
    raise Failure(f"the cache has no table {name}{hint}")


def _kind(table: Table) -> str:
    words = table.kind.replace("_", " ")
    if table.shards:
        words = f"{table.shards.count:,} shards {table.shards.start} … {table.shards.end}"
    return f"{words}, as last known" if table.stale else words


def _size(table: Table) -> str:
    parts = [f"{table.rows:,} rows"] if table.rows is not None else []
    if table.bytes is not None:
        parts.append(f"{table.bytes / 1e6:,.1f} MB")
    return ", ".join(parts)


def _examples(known: Known) -> str:
    origins: dict[str, int] = {}
    for each in known.examples:
        origin = str(each.get("origin") or "unknown")
        origins[origin] = origins.get(origin, 0) + 1
    listed = ", ".join(f"{count} {origin}" for origin, count in sorted(origins.items()))
    return f"{len(known.examples)} ({listed})" if listed else "none"


def _here(place: str) -> str:
    """A file by its path from here."""
    return place if "://" in place else display(Path(place))


def _age(seconds: float) -> str:
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        count = int(seconds // size)
        if count:
            return f"{count} {word}{'' if count == 1 else 's'} ago"
    return "just now"


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    shown = [[visible(" ".join(cell.split()) if i else cell) for i, cell in enumerate(row)]
             for row in rows]  # fmt: skip
    widths = [max(width(row[i]) for row in shown) for i in range(len(shown[0]) - 1)]
    return "".join(
        "  ".join(
            [*(c + " " * (w - width(c)) for c, w in zip(row, widths, strict=False)), row[-1]]
        ).rstrip()
        + "\n"
        for row in shown
    )


def _json(streams: Streams, value: object) -> None:
    streams.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
