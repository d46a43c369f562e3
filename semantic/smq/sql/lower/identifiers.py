"""Quotes where the engine needs them and nowhere else."""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    written = context.dialect.written
    for node in context.find(tree, exp.Identifier):
        name = node.this
        exact = bool(node.args.get("quoted"))
        text, quoted = written(name, exact)
        if quoted != exact or text != name:
            node.set("this", text)
            node.set("quoted", quoted)
    return tree
