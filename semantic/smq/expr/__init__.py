"""SQL expressions as users write them: parsed once, names as slots, places kept."""

from smq.expr.jinja import Call
from smq.expr.template import (
    Fault,
    FunctionUse,
    NameUse,
    TableUse,
    Template,
    conjuncts,
    fill,
    is_boolean,
    parse_expression,
    parse_simple_name,
)

__all__ = [
    "Call",
    "Fault",
    "FunctionUse",
    "NameUse",
    "TableUse",
    "Template",
    "conjuncts",
    "fill",
    "is_boolean",
    "parse_expression",
    "parse_simple_name",
]
