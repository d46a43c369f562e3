"""A semantic diff to read: as text for a terminal, as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import unified_diff

from smq.ide.difference import DefinitionDifference, QueryDifference, SemanticDiff

Place = Callable[[DefinitionDifference], str]
"""Where a definition stands, in words; one that was removed stood in the text before."""

_SIGNS = {"added": "+", "removed": "-", "changed": "~", "broken": "!", "mended": "="}
_MOST_IN_MARKDOWN = 60_000
"""Characters; what hosts of pull requests take in one comment is little more."""


def summary(diff: SemanticDiff) -> str:
    """`3 queries mean something else, 1 is broken; 12 are unchanged.`"""
    counts = dict.fromkeys(_SIGNS, 0)
    for query in diff.queries:
        counts[query.change] += 1
    parts: list[str] = []
    words = (
        ("changed", "mean something else", "means something else"),
        ("broken", "are broken", "is broken"),
        ("mended", "work again", "works again"),
        ("added", "are new", "is new"),
        ("removed", "are gone", "is gone"),
    )
    for change, many, one in words:
        count = counts[change]
        if count:
            noun = "" if parts else f" quer{'y' if count == 1 else 'ies'}"
            parts.append(f"{count}{noun} {one if count == 1 else many}")
    rest = f"{diff.unchanged} unchanged"
    if not parts:
        return f"No query means something else; {rest}."
    return f"{', '.join(parts)}; {rest}."


def text(diff: SemanticDiff, place: Place, sql: bool = False) -> str:
    """To read from top to bottom: what changed in the models, then each query and how."""
    lines: list[str] = []
    if diff.definitions:
        lines += ["Definitions", *_definition_lines(diff, place), ""]
    for query in diff.queries:
        lines.append(f"{_SIGNS[query.change]} {_title(query)}")
        lines += [f"    {line}" for line in _query_lines(query)]
        if sql:
            lines += [f"    {line}" for line in sql_diff(query)]
    lines += ([""] if diff.queries else []) + [summary(diff)]
    return "".join(f"{line}\n" for line in lines)


def markdown(diff: SemanticDiff, place: Place, title: str) -> str:
    """A comment for a pull request; SQL in folded parts, left out when it would be too long."""
    lines = [f"### {title}", "", summary(diff), ""]
    if diff.definitions:
        lines += ["| | definition | before | after |", "|---|---|---|---|"]
        for each in diff.definitions:
            cells = [_SIGNS[each.change], f"{each.kind} `{each.name}`"]
            cells += [_code(each.before), _code(each.after)]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    room = _MOST_IN_MARKDOWN - sum(len(line) + 1 for line in lines)
    if room < 0:
        return _short_markdown(diff, lines[:4])
    for query in diff.queries:
        part = [f"#### {_SIGNS[query.change]} {_title(query)}", ""]
        part += [f"- {line}" for line in _query_lines(query)]
        changed = list(sql_diff(query))
        if changed:
            part += ["", "<details><summary>SQL</summary>", "", "```diff", *changed, "```", ""]
            part.append("</details>")
        part.append("")
        lines += part
        room -= sum(len(line) + 1 for line in part)
        # The rest of thousands would be compared line by line for nothing.
        if room < 0:
            return _short_markdown(diff, lines[:4])
    return "\n".join(lines)


def _short_markdown(diff: SemanticDiff, head: list[str]) -> str:
    """Each query and its differences in a few lines, as many as there is room for."""
    lines = list(head)
    room = _MOST_IN_MARKDOWN - sum(len(line) + 1 for line in head)
    for number, query in enumerate(diff.queries):
        part = list(_short(query))
        left = len(diff.queries) - number
        rest = f"- … and {left} more quer{'y' if left == 1 else 'ies'}"
        room -= sum(len(line) + 1 for line in part)
        if room < len(rest):
            lines.append(rest)
            break
        lines += part
    return "\n".join(lines)


def sql_diff(query: QueryDifference) -> Iterator[str]:
    """The lines of SQL that are other ones, with two lines around them."""
    before = (query.before_sql or "").splitlines()
    after = (query.after_sql or "").splitlines()
    if query.change in ("changed", "broken", "mended"):
        yield from list(unified_diff(before, after, lineterm="", n=2))[2:]


def _short(query: QueryDifference) -> Iterator[str]:
    yield f"- {_SIGNS[query.change]} {_title(query)}"
    for line in _query_lines(query):
        yield f"  - {line}"


def _title(query: QueryDifference) -> str:
    index = f" [{query.index}]" if query.index else ""
    edited = ", edited" if query.edited else ""
    return f"{query.path}{index}: {query.name} ({query.change}{edited})"


def _query_lines(query: QueryDifference) -> Iterator[str]:
    for each in query.differences:
        yield each.words
    yield from query.problems


def _definition_lines(diff: SemanticDiff, place: Place) -> Iterator[str]:
    for each in diff.definitions:
        where = f"  ({place(each)})" if each.location is not None else ""
        yield f"{_SIGNS[each.change]} {each.kind} {each.name}: {_change(each)}{where}"


def _change(each: DefinitionDifference) -> str:
    if each.change == "changed":
        return f"{each.before} → {each.after}"
    return each.before or each.after


def _code(words: str) -> str:
    return "`" + words.replace("|", "\\|").replace("`", "'") + "`" if words else ""
