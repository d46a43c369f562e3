"""Names that are declared twice: where, and the edit that removes a declaration."""

from __future__ import annotations

from collections.abc import Iterator

from smq.problem import Fix, Problem, Related
from smq.rules.model_edits import removed_item
from smq.rules.registry import Context


def duplicates(context: Context, kind: str, what: str, code: str) -> Iterator[Problem]:
    """A problem at each definition of a name but the first, which it points to."""
    for key, symbols in context.graph.duplicates.items():
        if key.startswith(f"{kind}:"):
            first = symbols[0]
            for symbol in symbols[1:]:
                related = Related(first.name_at, f"the first {what} '{first.name}'")
                facts = {"name": symbol.name, "what": what}
                yield Problem(code, symbol.name_at, facts, (related,))


def remove_duplicate(problem: Problem, context: Context) -> Iterator[Fix]:
    """Remove the list item, unless both definitions are one item used twice by an alias."""
    uri, span = problem.location
    if any(related.location == problem.location for related in problem.related):
        return
    edit = removed_item(context.parsed(uri), span)
    if edit is not None:
        yield Fix(f"Remove this {problem.args['what']}", (edit,), "unsafe")
