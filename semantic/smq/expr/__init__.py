"""SQL expressions as users write them: parsed once, names as slots, places kept."""

from smq.expr.conditions import conjuncts, is_boolean
from smq.expr.jinja import Call
from smq.expr.parse import name_in_sql, parse_expression, parse_simple_name
from smq.expr.template import Fault, FunctionUse, NameUse, TableUse, Template, copied, fill, woven

__all__ = [
    "Call",
    "Fault",
    "FunctionUse",
    "NameUse",
    "TableUse",
    "Template",
    "conjuncts",
    "copied",
    "fill",
    "is_boolean",
    "name_in_sql",
    "parse_expression",
    "parse_simple_name",
    "woven",
]
