"""One file per family of rules; importing a family registers its rules."""

from __future__ import annotations

from importlib import import_module

FAMILIES = (
    "syntax",
    "yaml_values",
    "json_syntax",
    "query",
    "names",
    "members",
    "expressions",
    "joins",
    "written_joins",
    "models",
    "references",
    "metrics",
    "types",
    "catalog",
    "catalog_names",
    "configuration",
    "silences",
)


def load() -> None:
    for family in FAMILIES:
        import_module(f"smq.rules.families.{family}")
