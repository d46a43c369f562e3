"""From a lowered tree to the text of one statement: the last step, and the only one that spells."""

from __future__ import annotations

from typing import NamedTuple

from sqlglot import exp
from sqlglot.errors import ErrorLevel

from smq.dialects import Dialect
from smq.dialects.grammar import grammar


class Rendered(NamedTuple):
    """The SQL text, and what of the tree is not in it."""

    text: str
    lost: tuple[str, ...]
    """sqlglot's words for what it left out or replaced by something else; empty if nothing.

    `lower` refuses what the compiler can emit. This is for the rest: functions in users' SQL that
    can be read in their dialect and not be written in the other.
    """


def render(tree: exp.Expr, dialect: Dialect, pretty: bool = True, copy: bool = True) -> str:
    """The SQL text of a tree that `lower` gave for the same dialect.

    The same tree gives the same bytes in any process. Comments that came with users' SQL are left
    out, because a comment may hold anything and the text must stay one statement. The generator
    changes the tree it works on; without `copy` it works on `tree` itself, which must not be
    rendered again.
    """
    return rendered(tree, dialect, pretty, copy).text


def rendered(tree: exp.Expr, dialect: Dialect, pretty: bool = True, copy: bool = True) -> Rendered:
    """As `render`, with what got lost on the way."""
    generator = grammar(dialect.sqlglot).generator(
        pretty=pretty, comments=False, unsupported_level=ErrorLevel.IGNORE
    )
    text = generator.generate(tree, copy=copy)
    return Rendered(text, tuple(dict.fromkeys(generator.unsupported_messages)))
