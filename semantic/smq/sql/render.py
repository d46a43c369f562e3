"""From a lowered tree to the text of one statement: the last step, and the only one that spells."""

from __future__ import annotations

from sqlglot import Dialect as SqlglotDialect
from sqlglot import exp
from sqlglot.errors import ErrorLevel

from smq.dialects import Dialect


def render(tree: exp.Expr, dialect: Dialect, pretty: bool = True, copy: bool = True) -> str:
    """The SQL text of a tree that `lower` gave for the same dialect.

    The same tree gives the same bytes in any process. Comments that came with users' SQL are left
    out, because a comment may hold anything and the text must stay one statement. The generator
    changes the tree it works on; without `copy` it works on `tree` itself, which must not be
    rendered again.
    """
    return SqlglotDialect.get_or_raise(dialect.sqlglot).generate(
        tree,
        copy=copy,
        pretty=pretty,
        comments=False,
        # What a dialect lacks was refused or rewritten by `lower`; this is not its second opinion.
        unsupported_level=ErrorLevel.IGNORE,
    )
