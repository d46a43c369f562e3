"""Whole constructs of model files as snippets: a model, a dimension, a metric of each kind."""

from __future__ import annotations

from collections.abc import Iterator

from smq.ide.choosing import Completion
from smq.ide.yaml_spot import YamlSpot

_MODEL = (
    "name: ${1:name}",
    "table: ${2:schema.table}",
    "description: ${3:One row for each …}",
    "entities:",
    "  - {name: ${4:key}, type: primary, expr: ${5:id}}",
    "dimensions:",
    "  - {name: ${6:status}, type: varchar}",
    "measures:",
    "  - {name: ${7:amount}, type: integer, agg: sum}$0",
)
_METRIC = ("name: ${1:name}", "metric_type: %s", "label: ${2:label}")
_CONSTRUCTS: dict[tuple[str, ...], dict[str, tuple[str, ...]]] = {
    ("semantic_models",): {"semantic model": _MODEL},
    ("semantic_models", "entities"): {
        "primary entity": ("name: ${1:name}", "type: primary", "expr: ${2:id}$0"),
        "foreign entity": ("name: ${1:name}", "type: foreign", "expr: ${2:id}$0"),
    },
    ("semantic_models", "dimensions"): {
        "dimension": ("name: ${1:name}", "type: ${2:varchar}", "label: ${3:label}$0"),
        "time dimension": (
            "name: ${1:name}",
            "type: ${2:date}",
            "type_params: {time_granularity: ${3:day}}$0",
        ),
    },
    ("semantic_models", "measures"): {
        "measure": ("name: ${1:name}", "type: ${2:integer}", "agg: ${3:sum}", "expr: ${4:column}$0")
    },
    ("metrics",): {
        "simple metric": (*_METRIC, "expr: SUM(${3:model__measure})$0"),
        "ratio metric": (
            *_METRIC,
            "type_params:",
            "  numerator: ${3:metric}",
            "  denominator: ${4:metric}$0",
        ),
        "derived metric": (*_METRIC, "expr: ${3:metric} - ${4:metric}$0"),
        "cumulative metric": (
            *_METRIC,
            "type_params:",
            "  measure: ${3:measure}",
            "  window: ${4:7 days}$0",
        ),
        "conversion metric": (
            *_METRIC,
            "type_params:",
            "  conversion_type_params:",
            "    entity: ${3:entity}",
            "    base_measure: ${4:measure}",
            "    conversion_measure: ${5:measure}",
            "    window: ${6:7 days}$0",
        ),
        "window metric": (
            "name: ${1:name}",
            "metric_type: simple",
            "label: ${2:label}",
            "type_params:",
            "  measure: ${3:measure}",
            "  window:",
            "    order_by: [${4:model__dimension}]",
            "    frame: {type: ROWS, start: UNBOUNDED PRECEDING, end: CURRENT ROW}$0",
        ),
    },
    ("saved_queries",): {
        "saved query": (
            "name: ${1:name}",
            "description: ${2:the question in words}",
            "query_params:",
            "  metrics: [${3:metric}]",
            "  group_by:",
            "    - TimeDimension('metric_time', '${4:month}')$0",
        )
    },
    ("models",): {
        "time spine": (
            "name: ${1:time_spine_daily}",
            "columns:",
            "  - {name: ${2:date_day}, granularity: ${3:day}}$0",
        )
    },
    ("sources",): {
        "source": ("name: ${1:name}", "schema: ${2:schema}", "tables:", "  - name: ${3:table}$0")
    },
    ("sources", "tables"): {"table": ("name: ${1:table}$0",)},
}


def constructs(spot: YamlSpot, is_list_empty: bool = False) -> Iterator[Completion]:
    """The constructs that can stand as a new item of the list at the cursor; with the dash of an
    item where the list has none yet."""
    where = tuple(step for step in spot.path if isinstance(step, str))
    dash = "- " if is_list_empty else ""
    newline = "\n" + " " * (spot.indent + len(dash))
    for number, (label, lines) in enumerate(_CONSTRUCTS.get(where, {}).items()):
        body = dash + newline.join(lines).replace("%s", label.split()[0])
        yield Completion(
            label, "snippet", spot.span, body, number - 20, "a new one", filter=label, snippet=True
        )
