"""One file for each subject of rules; importing a file registers its rules.

The letters of a code name the series, and the files of a series are called after what they look
at: SYN in `yaml_*` and `json_*`, QRY in `query*`, NAM in `names` and `members`, EXP in
`expressions` and `aggregation`, JOI in `*joins`, MOD in `model*`, REF in `references`, MET in
`metric*` and `row_expressions`, TYP in `types`, CAT in `catalog*`, CFG and FIL in
`configuration`, SIL in `silences`.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

LOOKING = (
    "query_text",
    "model_names",
    "models",
    "references",
    "metrics",
    "metric_definitions",
    "row_expressions",
    "types",
    "catalog",
    "catalog_names",
)
"""The families with rules that look for themselves."""

FAMILIES = (
    *LOOKING,
    "yaml_structure",
    "yaml_brackets",
    "yaml_text",
    "yaml_values",
    "json_structure",
    "json_words",
    "query",
    "query_values",
    "names",
    "members",
    "expressions",
    "aggregation",
    "joins",
    "written_joins",
    "model_shape",
    "metric_expressions",
    "configuration",
    "silences",
)


def load(names: Iterable[str]) -> None:
    for family in names:
        import_module(f"smq.rules.families.{family}")
