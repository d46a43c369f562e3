"""List the metrics, models, dimensions or queries of the workspace.

TEXT keeps what has it in its name, label or description. With --for METRIC the dimensions are
those that the metric can be grouped by, with the joins that lead to them. Where no models are,
the names are those of the metadata cache.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smq.catalog import Known
from smq.catalog.semantic import MemberName, MetricName, ModelName, SemanticNames
from smq.catalog.words import collected
from smq.graph.paths import Path as JoinPath
from smq.problem import Problem
from smq.text import Location, nearest, nfc
from smq_server.cli.findings.width import visible, width
from smq_server.cli.streams import Streams
from smq_server.cli.warehouse import warehouse_of
from smq_server.io.failure import Failure
from smq_server.io.uris import display, path_of
from smq_server.io.workspace import Workspace, open_workspace

EXAMPLES = """\
  smq list metrics                      every metric
  smq list metrics 잔액                  … with 잔액 in its name, label or description
  smq list dimensions --for revenue     what revenue can be grouped by, and how it gets there
  smq list dimensions --for revenue --for order_count     … what both can be grouped by
  smq list queries --format json        for programs
"""

VERSION = 1
KINDS = ("metrics", "models", "dimensions", "queries")

if TYPE_CHECKING:
    from smq_server.generation.selection import Kind

Row = dict[str, Any]

_SEARCHED: dict[str, Kind] = {"metrics": "metric", "models": "model", "dimensions": "dimension"}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=KINDS, help="what to list")
    parser.add_argument("text", metavar="TEXT", nargs="?", default="", help="what to search for")
    parser.add_argument(
        "--for",
        dest="metric",
        metavar="METRIC",
        action="append",
        help="the dimensions of this metric; of several, those that all of them have",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument(
        "--workspace", metavar="DIR", default=".", help="a directory of the workspace (default: .)"
    )


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    if arguments.metric and arguments.kind != "dimensions":
        raise Failure("--for METRIC lists dimensions: smq list dimensions --for METRIC")
    directory = Path(arguments.workspace)
    workspace = open_workspace(directory, streams.environ, arguments.config)
    found: Iterable[Row]
    if arguments.kind != "queries" and not workspace.has_models:
        catalog = warehouse_of(workspace.location, streams)
        if not isinstance(catalog, Known) or not catalog.has_semantic:
            raise Failure(f"no semantic models found below {display(workspace.root)}")
        streams.message(f"names of the metadata cache. {collected(catalog)}")
        found = _cached(arguments, catalog.semantic)
    else:
        found = _rows(arguments, workspace)
    rows = [row for row in found if _has(row, arguments.text)]
    if arguments.format == "json":
        document = {"version": VERSION, "kind": arguments.kind, "items": rows}
        streams.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    else:
        streams.write(_aligned([_cells(row) for row in rows]))
    if not rows:
        wanted = f" with '{arguments.text}'" if arguments.text else ""
        streams.message(f"no {arguments.kind}{wanted}{_by_meaning(arguments, workspace)}")
    return 0


def _by_meaning(arguments: argparse.Namespace, workspace: Workspace) -> str:
    """What has no such letters but the same sense: 매출 where the metric is called revenue."""
    kind = _SEARCHED.get(arguments.kind)
    if kind is None or not arguments.text or not workspace.has_models:
        return ""
    # Only who finds nothing pays for the words of two languages.
    from smq_server.generation.selection import search

    found = search(arguments.text, workspace.snapshot, (kind,), 3)
    return f"; near in meaning: {', '.join(e.entry.reference for e in found)}" if found else ""


def _rows(arguments: argparse.Namespace, workspace: Workspace) -> Iterable[Row]:
    if arguments.metric:
        return _reachable_by_all(workspace, arguments.metric)
    listing = {
        "metrics": _metrics,
        "models": _models,
        "dimensions": _dimensions,
        "queries": _queries,
    }[arguments.kind]
    return listing(workspace)


def _cached(arguments: argparse.Namespace, names: SemanticNames) -> Iterable[Row]:
    """The same rows of a workspace without models, from the names that the cache carries."""
    if arguments.kind == "metrics":
        for metric in sorted(names.metrics, key=lambda each: each.name):
            yield {"name": metric.name, "type": metric.type or None, **_cached_words(metric)}
        return
    allowed: frozenset[str] | None = None
    for wanted in map(nfc, arguments.metric or ()):
        if names.metric(wanted) is None:
            close = nearest(wanted, [each.name for each in names.metrics])
            hint = f"; did you mean {' or '.join(close)}?" if close else ""
            raise Failure(f"Metric '{wanted}' not found{hint}")
        its = names.groupable(wanted)
        if its is not None:
            allowed = its if allowed is None else allowed & its
    for model in sorted(names.models, key=lambda each: each.name):
        if arguments.kind == "models":
            yield {
                "name": model.name,
                "dimensions": len(model.dimensions),
                "measures": len(model.measures),
                "entities": [entity.name for entity in model.entities],
                **_cached_words(model),
            }
            continue
        for dimension in model.dimensions:
            if allowed is None or dimension.path in allowed:
                kind = dimension.type or ("time" if dimension.is_time else "categorical")
                grain = dimension.grain or None
                row = {"name": dimension.path, "type": kind, "grain": grain}
                yield {**row, **_cached_words(dimension)}


def _cached_words(name: MetricName | ModelName | MemberName) -> Row:
    return {
        "label": name.label or None,
        "description": name.description or None,
        "defined": None,
    }


def _metrics(workspace: Workspace) -> Iterable[Row]:
    for metric in sorted(workspace.snapshot.graph.metrics.values(), key=lambda each: each.name):
        yield {
            "name": metric.name,
            "type": metric.kind,
            "label": metric.label,
            "description": metric.description,
            "defined": _place(workspace, metric.name_at),
        }


def _models(workspace: Workspace) -> Iterable[Row]:
    for model in sorted(workspace.snapshot.graph.models.values(), key=lambda each: each.name):
        yield {
            "name": model.name,
            "dimensions": len(model.dimensions),
            "measures": len(model.measures),
            "entities": [entity.name for entity in model.entities],
            "label": model.label,
            "description": model.description,
            "defined": _place(workspace, model.name_at),
        }


def _dimensions(workspace: Workspace) -> Iterable[Row]:
    for model in sorted(workspace.snapshot.graph.models.values(), key=lambda each: each.name):
        for dimension in model.dimensions:
            yield _dimension(workspace, model.name, dimension)


def _reachable_by_all(workspace: Workspace, wanted: list[str]) -> Iterable[Row]:
    """The dimensions that each of the metrics has, with the joins of all."""
    names = [nfc(name.strip()) for each in wanted for name in each.split(",") if name.strip()]
    rows: dict[str, Row] | None = None
    for metric in dict.fromkeys(names):
        own = {row["name"]: row for row in _reachable(workspace, metric)}
        if rows is None:
            rows = own
            continue
        rows = {name: row for name, row in rows.items() if name in own}
        for name, row in rows.items():
            row["joins"] += [each for each in own[name]["joins"] if each not in row["joins"]]
            row["ambiguous"] = row["ambiguous"] or own[name]["ambiguous"]
    return (rows or {}).values()


def _reachable(workspace: Workspace, metric: str) -> Iterable[Row]:
    from smq.workspace.reachable import ReachableDimension, reachable_dimensions

    snapshot = workspace.snapshot
    if metric not in snapshot.graph.metrics:
        close = nearest(metric, snapshot.graph.metrics)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise Failure(f"Metric '{metric}' not found{hint}")
    for each in reachable_dimensions(snapshot.graph, metric, snapshot.configuration.dialect):
        if isinstance(each, Problem):
            raise Failure(f"{metric} cannot be computed: {_words(each)}")
        assert isinstance(each, ReachableDimension)
        row = _dimension(workspace, each.model, each.dimension)
        row["joins"] = [
            {"from": route.base, "paths": [_steps(path) for path in route.paths]}
            for route in each.routes
        ]
        row["ambiguous"] = each.is_ambiguous
        yield row


def _queries(workspace: Workspace) -> Iterable[Row]:
    for uri in workspace.snapshot.uris:
        if uri not in workspace.snapshot:
            continue
        for query in workspace.snapshot.queries(uri):
            yield {
                "name": query.name,
                "description": query.description,
                "metrics": [item.text for item in query.metrics],
                "groupBy": [item.text for item in query.group_by],
                "index": query.index,
                "defined": _place(workspace, query.location),
            }


def _dimension(workspace: Workspace, model: str, dimension: Any) -> Row:
    return {
        "name": f"{model}__{dimension.name}",
        "type": dimension.data_type or ("time" if dimension.is_time else "categorical"),
        "grain": dimension.grain,
        "label": dimension.label,
        "description": dimension.description,
        "defined": _place(workspace, dimension.name_at),
    }


def _steps(path: JoinPath) -> list[Row]:
    return [{"from": edge.left, "to": edge.right, "entities": list(edge.entities)} for edge in path]


def _place(workspace: Workspace, location: Location) -> Row:
    line, column = workspace.snapshot.lines(location.uri).position(location.span.start)
    return {"path": display(path_of(location.uri)), "line": line + 1, "column": column + 1}


def _words(problem: Problem) -> str:
    from smq.rules import find

    rule = find(problem.code)
    return rule.words(problem.args) if rule else problem.code


def _has(row: Row, text: str) -> bool:
    wanted = nfc(text).casefold()
    fields = [row["name"], row.get("label"), row["description"], *row.get("metrics", ())]
    return any(wanted in nfc(field).casefold() for field in fields if field) or not wanted


def _cells(row: Row) -> list[str]:
    cells = [row["name"] or f"{row['defined']['path']}"]
    if "type" in row:
        cells.append(f"{row['type'] or ''}" + (f" ({row['grain']})" if row.get("grain") else ""))
    if "dimensions" in row:
        cells.append(f"{row['dimensions']} dimensions, {row['measures']} measures")
    if "joins" in row:
        cells.append("; ".join(dict.fromkeys(map(_joins, row["joins"]))))
    if "metrics" in row:
        cells.append(", ".join(row["metrics"]))
    words = [text for text in (row.get("label"), row["description"]) if text]
    cells.append(" — ".join(" ".join(text.split()) for text in words))
    return cells


def _joins(route: Row) -> str:
    """`주문 → 고객기본 (cust)`; a choice between paths is said to be one."""
    texts = [
        route["from"]
        + "".join(f" → {step['to']} ({' + '.join(step['entities'])})" for step in path)
        for path in route["paths"]
    ]
    return texts[0] if len(texts) == 1 else "ambiguous: " + " or ".join(texts)


def _aligned(rows: list[list[str]]) -> str:
    """Columns two blanks apart; the last one, which holds the words, as long as it is."""
    if not rows:
        return ""
    shown = [[visible(cell) for cell in row] for row in rows]
    widths = [max(width(row[i]) for row in shown) for i in range(len(shown[0]) - 1)]
    lines = []
    for row in shown:
        padded = [
            cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=False)
        ]
        lines.append("  ".join([*padded, row[-1]]).rstrip())
    return "\n".join(lines) + "\n"
