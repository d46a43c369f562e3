"""Window frames that an engine has no word for, and that sqlglot would leave out in silence."""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    known = context.dialect.frames
    for spec in tree.find_all(exp.WindowSpec):
        if spec.text("kind").upper() == "GROUPS" and "GROUPS" not in known:
            context.refuse("GROUPS frames of windows", "the engine cannot", spec)
        if spec.args.get("exclude") and "EXCLUDE" not in known:
            context.refuse("EXCLUDE in frames of windows", "the engine cannot", spec)
    return tree
