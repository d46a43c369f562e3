"""Where a question stands in a file, and where its query goes: below the comment, in one edit.

Comments stay as they are. What was right before stays right: the text with the edit in it is read
again before anybody is offered it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smq.query.edit import edit_document
from smq.query.written import WrittenQuery
from smq.syntax import Document, Parsed
from smq.syntax import Mapping as MappingNode
from smq.syntax import Sequence as SequenceNode
from smq.syntax.jsonc import parse
from smq.text import Edit, Span
from smq_server.generation.reading import plain
from smq_server.generation.validation import formatted

_MARKS = re.compile(r"^\s*(?://+|/\*+|\*+(?!/))?\s?|\s*\*+/\s*$")
_OURS = re.compile(r"(?://|/\*)\s*smq:")
_KEPT = ("$schema", "name")
"""Keys of a query that a new one keeps: they are about the file, not about the question."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question written as a comment; `query` is the object right below it, if there is one."""

    question: str
    span: Span
    query: MappingNode | None


def question_at(parsed: Parsed, start: int, end: int) -> Asked | None:
    """The question in the comments at a range, or above the query that holds it."""
    text = parsed.document.text
    if parsed.document.kind != "smq" or not parsed.complete:
        return None
    for block in _blocks(parsed):
        below = _query_below(parsed, block)
        touches = block.start <= end and start <= block.end
        inside = below is not None and below.span.start <= start and end <= below.span.end
        if not (touches or inside) or _inside_a_query(parsed, block):
            continue
        question = _words(block.cut(text))
        if question:
            return Asked(question, block, below)
    return None


def placed(parsed: Parsed, asked: Asked, queries: Sequence[Mapping[str, Any]]) -> tuple[Edit, ...]:
    """The one edit that puts the queries below their question; none when it cannot be done."""
    document = parsed.document
    root = parsed.root
    text = document.text
    items = list(queries)
    if asked.query is not None:
        kept = {k: v for k, v in plain(asked.query).items() if k in _KEPT}
        items[0] = {**kept, **items[0]}
        span = asked.query.span
        if isinstance(root, SequenceNode):
            written = _items(items, _indent(text, span.start))
        else:
            written = _lines(items)
        edit = Edit(document.uri, span, _ends(written, text))
    elif root is None and _is_bare(parsed):
        edit = _after_comment(document, asked, _lines(items))
    elif isinstance(root, SequenceNode) and (
        root.span.start < asked.span.start and asked.span.end < root.span.end
    ):
        found = _into_list(document, root, asked, items)
        if found is None:
            return ()
        edit = found
    elif isinstance(root, MappingNode) and len(parsed.roots) == 1:
        edit = _beside(document, parsed, root, asked, items)
    else:
        return ()
    return (edit,) if _is_sound(parsed, edit) else ()


def replaced(document: Document, query: WrittenQuery, after: Mapping[str, Any]) -> tuple[Edit, ...]:
    """The edits that make a query another one, keeping its comments where its syntax allows."""
    if query.node is None:
        return ()
    before = plain(query.node)
    gone = [key for key in before if key not in after and key not in (*_KEPT, "description")]
    wish = {"index": query.index, "set": {**dict.fromkeys(gone), **after}}
    edited = edit_document(document, [wish])
    if edited.edits:
        return edited.edits
    kept = {k: v for k, v in before.items() if k in (*_KEPT, "description")}
    written = _items([{**kept, **after}], _indent(document.text, query.node.span.start))
    return (Edit(document.uri, query.node.span, _ends(written, document.text)),)


# Comments


def _blocks(parsed: Parsed) -> list[Span]:
    """Comments with nothing but one line end between them are one text."""
    text = parsed.document.text
    found: list[Span] = []
    for comment in parsed.comments:
        if _OURS.match(comment.cut(text)):
            continue
        between = text[found[-1].end : comment.start] if found else "x"
        if found and not between.strip() and between.count("\n") <= 1:
            found[-1] = Span(found[-1].start, comment.end)
        else:
            found.append(comment)
    return found


def _words(block: str) -> str:
    """What a comment says, without what makes it one."""
    lines = [_MARKS.sub("", line).strip() for line in block.splitlines()]
    lines = [re.sub(r"\*+/$", "", line).strip() for line in lines]
    return " ".join(line for line in lines if line)


def _query_below(parsed: Parsed, block: Span) -> MappingNode | None:
    """The query with nothing but blanks and silencing comments between it and a block."""
    text = parsed.document.text
    for node in _queries(parsed):
        if node.span.start < block.end:
            continue
        between = text[block.end : node.span.start]
        for comment in parsed.comments:
            ours = _OURS.match(comment.cut(text))
            if ours and block.end <= comment.start and comment.end <= node.span.start:
                between = between.replace(comment.cut(text), "")
        return node if not between.strip() else None
    return None


def _queries(parsed: Parsed) -> list[MappingNode]:
    root = parsed.root
    nodes = root.items if isinstance(root, SequenceNode) else (root,)
    return [node for node in nodes if isinstance(node, MappingNode)]


def _inside_a_query(parsed: Parsed, block: Span) -> bool:
    return any(n.span.start < block.start and block.end < n.span.end for n in _queries(parsed))


# Places


def _after_comment(document: Document, asked: Asked, written: str) -> Edit:
    """Below a comment in a file that has no query."""
    end = asked.span.end
    rest = document.text[end:]
    before = "" if rest.startswith(("\n", "\r\n")) else "\n"
    at = end if before else end + (2 if rest.startswith("\r\n") else 1)
    after = "" if document.text[at:].startswith(("\n", "\r\n")) else "\n"
    return Edit(document.uri, Span(at, at), _ends(before + written + after, document.text))


def _into_list(
    document: Document, root: SequenceNode, asked: Asked, items: list[Any]
) -> Edit | None:
    """Below a comment in a list of queries, with commas on both sides as they are needed."""
    text = document.text
    nodes = [node for node in root.items if node is not None]
    indent = _indent(text, asked.span.start)
    written = _items(items, indent)
    before = [node for node in nodes if node.span.end <= asked.span.start]
    after = [node for node in nodes if node.span.start >= asked.span.end]
    if len(before) + len(after) != len(nodes):
        return None
    comma = "," if after else ""
    inserted = f"\n{indent}{written}{comma}"
    if not before or _has_comma(text, before[-1].span.end, asked.span.start, document):
        edit = Edit(document.uri, Span(asked.span.end, asked.span.end), inserted)
    else:
        # The comma belongs behind the query before the comment.
        start = before[-1].span.end
        moved = "," + text[start : asked.span.end] + inserted
        edit = Edit(document.uri, Span(start, asked.span.end), moved)
    return Edit(edit.uri, edit.span, _ends(edit.text, text))


def _beside(
    document: Document, parsed: Parsed, root: MappingNode, asked: Asked, items: list[Any]
) -> Edit:
    """Below a comment beside the file's only query: both become a list."""
    text = document.text
    first, last = asked.span.start, asked.span.end
    if asked.span.start >= root.span.end:
        begin = root.span.start
        head = f"[\n{root.span.cut(text)},{text[root.span.end : last]}"
        edit = Edit(document.uri, Span(begin, last), f"{head}\n{_items(items, '')}\n]")
    else:
        body = f"{text[last : root.span.start]}{root.span.cut(text)}\n]"
        head = f"[\n{asked.span.cut(text)}\n{_items(items, '')},"
        edit = Edit(document.uri, Span(first, root.span.end), head + body)
    return Edit(edit.uri, edit.span, _ends(edit.text, text))


def _is_bare(parsed: Parsed) -> bool:
    """Whether a file has comments and nothing else."""
    text = parsed.document.text.lstrip("\ufeff")
    shift = len(parsed.document.text) - len(text)
    for comment in reversed(parsed.comments):
        text = text[: comment.start - shift] + text[comment.end - shift :]
    return not text.strip()


def _has_comma(text: str, start: int, end: int, document: Document) -> bool:
    comments = parse(document).comments
    return any(
        text[at] == "," and not any(c.start <= at < c.end for c in comments)
        for at in range(start, end)
    )


def _indent(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line if not line.strip() else line[: len(line) - len(line.lstrip())]


# Texts


def _lines(items: Sequence[Mapping[str, Any]]) -> str:
    return formatted(items).rstrip("\n")


def _items(items: Sequence[Mapping[str, Any]], indent: str) -> str:
    """Queries as items of a list; the first line is where the caller puts it."""
    written = [formatted([item]).rstrip("\n").replace("\n", f"\n{indent}") for item in items]
    return f",\n{indent}".join(written)


def _ends(written: str, text: str) -> str:
    """With the line ends of the file."""
    return written.replace("\r\n", "\n").replace("\n", "\r\n") if "\r\n" in text else written


def _is_sound(parsed: Parsed, edit: Edit) -> bool:
    """Whether the text is read without more trouble than before."""
    text = parsed.document.text
    after = text[: edit.span.start] + edit.text + text[edit.span.end :]
    again = parse(Document(parsed.document.uri, after))
    return len(again.problems) <= len(parsed.problems) and bool(json.dumps(plain(again.root)))
