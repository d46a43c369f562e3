"""Texts cast to dates, as literals that no setting of the session reads in another way."""

from __future__ import annotations

import re

from sqlglot import exp

from smq.sql.lower.context import Context

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[ T](\d\d:\d\d:\d\d(?:\.\d{1,9})?)")


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    for node in context.find(tree, exp.Cast):
        text = node.this
        if not (isinstance(text, exp.Literal) and text.is_string):
            continue
        literal = _literal(text.name, node.to.this)
        if literal is not None:
            tree = context.replace(node, literal, tree)
        elif node.to.this in _WORDS:
            context.refuse(f"'{text.name}' as a {_WORDS[node.to.this].lower()}", "not yet", node)
    return tree


def _literal(text: str, to: exp.DType) -> exp.Expr | None:
    word = _WORDS.get(to)
    if word == "DATE" and _DATE.fullmatch(text):
        return exp.Introducer(this=exp.Var(this=word), expression=exp.Literal.string(text))
    if word == "TIMESTAMP":
        if _DATE.fullmatch(text):
            text += " 00:00:00"
        if _TIMESTAMP.fullmatch(text):
            text = text.replace("T", " ")
            return exp.Introducer(this=exp.Var(this=word), expression=exp.Literal.string(text))
    return None


_WORDS = {
    exp.DType.DATE: "DATE",
    exp.DType.TIMESTAMP: "TIMESTAMP",
    exp.DType.TIMESTAMPNTZ: "TIMESTAMP",
    exp.DType.DATETIME: "TIMESTAMP",
}
