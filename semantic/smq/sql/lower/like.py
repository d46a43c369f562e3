"""LIKE: letter case, and what makes a `%` or `_` of the pattern stand for itself."""

from __future__ import annotations

from sqlglot import exp

from smq.dialects import Needs
from smq.sql.lower.context import Context


def escapes(tree: exp.Expr, context: Context) -> exp.Expr:
    """Patterns mean what they mean in the dialect that they were written in.

    In some a backslash escapes without being asked; in the others it is a character.
    """
    here, there = context.dialect, context.written
    for node in reversed(context.find(tree, exp.Like, exp.ILike)):
        whole, pattern = node.parent, node.expression
        if isinstance(whole, exp.Escape):
            if Needs.LIKE_WITHOUT_ESCAPE not in here.needs:
                continue
            if not (pattern.is_string and whole.expression.is_string):
                context.refuse("LIKE with ESCAPE of what is computed", "the engine cannot", node)
                continue
            text = _with_backslashes(pattern.name, whole.expression.name)
            node.set("expression", exp.Literal.string(text))
            tree = context.replace(whole, node.copy(), tree)
        elif pattern.is_string and "\\" in pattern.name:
            if here.backslash_in_like and not there.backslash_in_like:
                text = _with_backslashes(pattern.name, "")
                node.set("expression", exp.Literal.string(text))
            elif there.backslash_in_like and not here.backslash_in_like:
                escape = exp.Literal.string("\\")
                tree = context.replace(node, exp.Escape(this=node.copy(), expression=escape), tree)
    return tree


def exact(tree: exp.Expr, context: Context) -> exp.Expr:
    """LIKE that tells a from A, where the engine's does not: GLOB, with a pattern of its own."""
    if Needs.LIKE_IGNORES_CASE in context.written.needs:
        return tree
    for node in reversed(context.find(tree, exp.Like)):
        whole, pattern = node.parent, node.expression
        escape = "\\" if context.written.backslash_in_like else ""
        if isinstance(whole, exp.Escape):
            escape = whole.expression.name if whole.expression.is_string else ""
        else:
            whole = node
        if not pattern.is_string or (whole is not node and not escape):
            context.refuse("LIKE with a pattern that is computed", "the engine cannot", node)
            continue
        glob = exp.Literal.string(_glob(pattern.name, escape))
        new: exp.Expr = exp.Glob(this=node.this, expression=glob)
        if node.args.get("negate"):
            new = exp.Not(this=new)
        tree = context.replace(whole, new, tree)
    return tree


def _glob(pattern: str, escape: str) -> str:
    found, characters = "", iter(pattern)
    for character in characters:
        if escape and character == escape:
            character = next(characters, "")
        elif character in _WILD:
            found += _WILD[character]
            continue
        found += f"[{character}]" if character in ("*", "?", "[") else character
    return found


_WILD = {"%": "*", "_": "?"}


def folded(tree: exp.Expr, context: Context) -> exp.Expr:
    """LIKE that does not tell a from A, as it was written, where the engine's does."""
    if Needs.LIKE_IGNORES_CASE not in context.written.needs:
        return tree
    for node in reversed(context.find(tree, exp.Like)):
        tree = context.replace(node, exp.ILike(**node.args), tree)
    return tree


def _with_backslashes(pattern: str, escape: str) -> str:
    """The pattern with a backslash for the escape character."""
    found, characters = "", iter(pattern)
    for character in characters:
        if character == escape:
            found += "\\" + next(characters, "")
        else:
            found += "\\\\" if character == "\\" else character
    return found


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    for node in reversed(context.find(tree, exp.ILike)):
        new = exp.Like(
            this=exp.Lower(this=node.this),
            expression=_lower(node.expression),
            negate=node.args.get("negate"),
        )
        tree = context.replace(node, new, tree)
    return tree


def _lower(pattern: exp.Expr) -> exp.Expr:
    if isinstance(pattern, exp.Literal):
        return exp.Literal.string(pattern.name.lower())
    return exp.Lower(this=pattern)
