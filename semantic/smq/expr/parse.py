"""Parsing expressions without doing it twice: remembered by text, and by shape of text."""

from __future__ import annotations

import re
from functools import lru_cache

from sqlglot import exp

from smq.dialects import dialect as facts
from smq.dialects.grammar import grammar
from smq.expr.reader import MAX_LENGTH, read_expression
from smq.expr.template import FunctionUse, NameUse, Template
from smq.text import nfc

_BARE = re.compile(r"[^\W\d]\w*\Z")

_KEYWORD_FREE = re.compile(r".*__.*|[^\x00-\x7f]")

_ONE_AGGREGATE = re.compile(
    r"\s*(?P<function>(?i:sum|count|min|max|avg))\(\s*(?:(?P<distinct>(?i:distinct))\s+)?"
    r"(?P<name>[^\W\d]\w*)\s*\)\s*\Z"
)

_ONE_COMPARISON = re.compile(
    r"\s*(?P<name>[^\W\d]\w*)\s*(?P<operator>=|<>|!=|<=|>=|<|>)\s*"
    r"(?:'(?P<text>[^'\\{}\n\r]*)'|(?P<number>\d{1,15}(?:\.\d{1,6})?))\s*\Z"
)
"""Not with what a dialect or a template may read as more than characters of a text."""

_COMPARISONS = {
    "=": exp.EQ,
    "<>": exp.NEQ,
    "!=": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}

_AGGREGATES = {"SUM": exp.Sum, "MIN": exp.Min, "MAX": exp.Max, "AVG": exp.Avg}


def parse_expression(text: str, dialect: str) -> Template:
    """Parse one scalar expression, optionally with `AS alias`, in a dialect of ours.

    Never raises for any text; what is wrong is the template's `fault`.
    """
    return _parse(text, facts(dialect).sqlglot)


def parse_simple_name(text: str) -> str | None:
    """The NFC name when the text is one bare name that no dialect reads as anything else."""
    stripped = text.strip()
    if _BARE.match(stripped) and _KEYWORD_FREE.match(stripped):
        return nfc(stripped)
    return None


@lru_cache(maxsize=65_536)
def name_in_sql(name: str, dialect: str) -> str:
    """The name as it stands in an expression: in the dialect's quotes where it is a word of SQL."""
    sqlglot_name = facts(dialect).sqlglot
    if _is_word(name, sqlglot_name):
        return name
    for text in (f"{name} IS NULL", f"ABS({name}) + {name}", f"CASE WHEN {name} > 1 THEN 1 END"):
        if {use.name for use in _parse(text, sqlglot_name).uses} != {nfc(name)}:
            return str(exp.to_identifier(name, quoted=True).sql(dialect=grammar(sqlglot_name)))
    return name


@lru_cache(maxsize=65_536)
def _parse(text: str, sqlglot_name: str) -> Template:
    shaped = _shaped(text, sqlglot_name) or _quick(text, sqlglot_name)
    return shaped if shaped is not None else read_expression(text, sqlglot_name)


# Expressions of a workspace differ mostly in their names: `SUM(a__x) / SUM(b__y)` is parsed once
# with numbers for names, and every expression of that shape shares the tree.
_SHAPE_TOKEN = re.compile(r"'(?:[^']|'')*'|[^\W\d]\w*(?P<behind>\s*[(.])?")

# An emoji ends a word here, but not for the parser, which would take it into the number's name.
_NO_SHAPE = re.compile(
    r"[\"`{}\\;#$@\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|[^\w\x00-\x7f]|--|/\*|\.\s*[^\W\d]|\bselect\b|smq__",
    re.IGNORECASE,
)


def _shaped(text: str, sqlglot_name: str) -> Template | None:
    """The template through that of its shape; None where names are more than names."""
    # One name alone is read faster than a shape is found.
    if len(text) > MAX_LENGTH or _BARE.match(text.strip()) or _NO_SHAPE.search(text):
        return None
    names: list[tuple[str, int, int]] = []
    pieces: list[str] = []
    done = 0
    for match in _SHAPE_TOKEN.finditer(text):
        word = match.group()
        if word[0] == "'" or match["behind"] or not _is_telling(word, sqlglot_name):
            continue
        pieces += (text[done : match.start()], f"smq__{len(names)}")
        names.append((nfc(word), match.start(), match.end()))
        done = match.end()
    if not names:
        return None
    pieces.append(text[done:])
    shape = _shape("".join(pieces), sqlglot_name)
    return _renamed(shape, text, names) if shape is not None else None


@lru_cache(maxsize=4_096)
def _shape(canonical: str, sqlglot_name: str) -> Template | None:
    template = _quick(canonical, sqlglot_name) or read_expression(canonical, sqlglot_name)
    if template.fault is not None or template.tables:
        return None
    # The library must have read each number as a name of its own: not glued to a neighbour, and
    # as no type or unit, which would keep it.
    names = [use.parts[0] for use in template.uses] + [template.alias or ""]
    numbered = sorted(name for name in names if name.startswith("smq__"))
    wanted = sorted(f"smq__{number}" for number in range(canonical.count("smq__")))
    return template if numbered == wanted else None


def _renamed(shape: Template, text: str, names: list[tuple[str, int, int]]) -> Template:
    """The shape's template with names and places of the text that has the shape."""
    shifts: list[tuple[int, int]] = []
    shift = 0
    for number, (_, start, end) in enumerate(names):
        length = len(f"smq__{number}")
        shifts.append((start - shift + length, end - (start - shift + length)))
        shift = end - (start - shift + length)

    def place(offset: int) -> int:
        moved = 0
        for behind, by in shifts:
            if offset < behind:
                break
            moved = by
        return offset + moved

    def known(name: str) -> tuple[str, int, int] | None:
        return names[int(name[5:])] if name.startswith("smq__") else None

    uses = []
    for use in shape.uses:
        original = known(use.parts[0])
        if original is not None:
            name, start, end = original
            parts: tuple[str, ...] = (name,)
        else:
            parts, start, end = use.parts, place(use.start), place(use.end)
        # `replace` takes as long as everything else here, also of a function and of the template.
        flags = use.in_aggregate, use.in_window, use.role, use.scope, use.call, use.quoted
        uses.append(NameUse(use.slot, parts, start, end, *flags))
    functions = []
    for f in shape.functions:
        seen = f.windowed, f.in_aggregate, f.in_window, f.slots, f.scope
        functions.append(FunctionUse(f.name, place(f.start), place(f.end), *seen))
    alias, alias_at = shape.alias, (0, 0)
    if alias is not None:
        original = known(alias)
        alias = original[0] if original is not None else alias
        alias_at = place(shape.alias_at[0]), place(shape.alias_at[1])
    return Template(
        text,
        shape.dialect,
        shape.tree,
        tuple(uses),
        shape.tables,
        tuple(functions),
        alias,
        alias_at,
        place(shape.body_end),
        shape.fault,
        shape.has_window,
        shape.has_aggregate,
        shape.scopes,
        shape.memo,
    )


# Most expressions of real models are one column or one aggregate of one, and most filters compare
# one name with one value. A workspace has tens of thousands of them, and the parser takes ten
# times as long as these few lines.


def _quick(text: str, sqlglot_name: str) -> Template | None:
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    tree: exp.Expr
    if _is_word(text[start:end], sqlglot_name):
        use = NameUse(0, (nfc(text[start:end]),), start, end)
        return Template(text, sqlglot_name, exp.Placeholder(this="0"), (use,), body_end=end)
    match = _ONE_COMPARISON.match(text)
    if match is not None and _is_word(match["name"], sqlglot_name):
        use = NameUse(0, (nfc(match["name"]),), match.start("name"), match.end("name"))
        number = match["number"]
        literal = exp.Literal(this=number or match["text"], is_string=number is None)
        tree = _COMPARISONS[match["operator"]](this=exp.Placeholder(this="0"), expression=literal)
        return Template(text, sqlglot_name, tree, (use,), body_end=end)
    match = _ONE_AGGREGATE.match(text)
    if match is None or not _is_word(match["name"], sqlglot_name):
        return None
    slot = exp.Placeholder(this="0")
    function = match["function"].upper()
    value: exp.Expr = exp.Distinct(expressions=[slot]) if match["distinct"] else slot
    if function == "COUNT":
        tree = exp.Count(this=value, big_int=True)
    else:
        tree = _AGGREGATES[function](this=value)
    use = NameUse(0, (nfc(match["name"]),), match.start("name"), match.end("name"), True)
    call = FunctionUse(
        function, match.start("function"), match.end("function"), False, False, False, (0,)
    )
    return Template(
        text,
        sqlglot_name,
        tree,
        (use,),
        functions=(call,),
        body_end=end,
        has_aggregate=True,
    )


def _is_word(text: str, sqlglot_name: str) -> bool:
    """A name that no dialect reads as anything but a name."""
    if _BARE.match(text) is None:
        return False
    return _KEYWORD_FREE.match(text) is not None or text.upper() not in _keywords(sqlglot_name)


def _is_telling(word: str, sqlglot_name: str) -> bool:
    """A word that looks like a name of ours, and that no dialect reads as anything else."""
    if "_" not in word and word[0].isascii():
        return False
    return _KEYWORD_FREE.match(word) is not None or word.upper() not in _keywords(sqlglot_name)


@lru_cache(maxsize=32)
def _keywords(sqlglot_name: str) -> frozenset[str]:
    dialect = grammar(sqlglot_name)
    parser = dialect.parser_class
    words = {str(word).upper() for word in dialect.tokenizer_class.KEYWORDS}
    words |= {str(word).upper() for word in parser.NO_PAREN_FUNCTION_PARSERS}
    words |= {str(getattr(token, "name", token)).upper() for token in parser.NO_PAREN_FUNCTIONS}
    return frozenset(words)
