"""One file for each subject of rules; importing a file registers its rules.

The letters of a code name the series, and the files of a series are called after what they look
at: SYN in `yaml_*` and `json_*`, QRY in `query*`, NAM in `names` and `members`, EXP in
`expressions` and `aggregation`, JOI in `*joins`, MOD in `model*`, REF in `references`, MET in
`metric*` and `row_expressions`, TYP in `types`, CAT in `catalog*`, CFG and FIL in
`configuration`, SIL in `silences`.
"""

from __future__ import annotations

from importlib import import_module

FAMILIES = (
    "yaml_structure",
    "yaml_brackets",
    "yaml_text",
    "yaml_values",
    "json_structure",
    "json_words",
    "query",
    "query_values",
    "query_text",
    "names",
    "members",
    "expressions",
    "aggregation",
    "joins",
    "written_joins",
    "model_shape",
    "model_names",
    "models",
    "references",
    "metrics",
    "metric_expressions",
    "metric_definitions",
    "row_expressions",
    "types",
    "catalog",
    "catalog_names",
    "configuration",
    "silences",
)


def load() -> None:
    for family in FAMILIES:
        import_module(f"smq.rules.families.{family}")
