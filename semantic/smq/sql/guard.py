"""The last look at SQL before an engine sees it: one statement, and it only reads.

What the compiler emits passes by construction. This is the second lock, for SQL from anywhere.
"""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from smq.dialects import dialect as dialect_named
from smq.dialects.grammar import grammar

_BEGINNINGS = ("SELECT", "WITH", "FROM", "VALUES", "(")
_WRITES = (
    exp.DML,
    exp.DDL,
    exp.Merge,
    exp.Drop,
    exp.Alter,
    exp.TruncateTable,
    exp.Into,
    exp.Lock,
    exp.Command,
)


def refusal(sql: str, dialect: str) -> str | None:
    """Why the text is not one query that only reads; None when it is."""
    read = grammar(dialect_named(dialect).sqlglot)
    try:
        first = next(iter(sqlglot.tokenize(sql, read=read)), None)
        if first is not None and first.text.upper() not in _BEGINNINGS:
            # The parser would log a warning about a statement that it does not know.
            return f"expected a SELECT, found {first.text.upper()[:40]}"
        statements = sqlglot.parse(sql, read=read)
    except SqlglotError:
        return "the SQL cannot be parsed"
    except RecursionError:
        return "the SQL is nested too deeply"
    found = [statement for statement in statements if statement is not None]
    if len(found) != 1:
        return f"expected one SELECT, found {len(found)} statements"
    (statement,) = found
    if not isinstance(statement, exp.Query) or isinstance(statement, exp.DML):
        return f"expected a SELECT, found {statement.key.upper()}"
    for node in statement.walk():
        if isinstance(node, _WRITES) and not isinstance(node, exp.Query):
            return f"the query contains {node.key.upper()}, which does more than read"
    return None
