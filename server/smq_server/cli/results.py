"""The rows that queries gave, in each of the output formats.

`csv`, `jsonl` and `parquet` hold one result; `table`, `markdown` and `json` hold any number.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from smq.sql.result import CompiledQuery
from smq_metasync.engines import Column, Result, Row
from smq_server.cli.table import draw, markdown
from smq_server.cli.values import cell, json_text
from smq_server.io.failure import Failure

FORMATS = ("table", "csv", "json", "jsonl", "parquet", "markdown")
ONE_RESULT = ("csv", "jsonl", "parquet")
VERSION = 1

Renderer = Callable[["Answer"], str]


@dataclass(frozen=True, slots=True)
class Answer:
    """A query with what the engine said; `title` tells several answers apart."""

    query: CompiledQuery
    title: str
    result: Result

    def headings(self, labels: bool) -> list[str]:
        """Column names, or the labels of the model where there are any."""
        names = [column.name for column in self.result.columns]
        if labels:
            named = {column.name: column.label for column in self.query.columns}
            return [named.get(name) or name for name in names]
        return names


def text(
    answers: Iterable[Answer], format_name: str, *, room: int | None = None, labels: bool = False
) -> Iterator[str]:
    """The answers in pieces of text, as rows arrive. `room` is the terminal's width, for tables."""
    if format_name == "csv":
        yield from _csv(answers, labels)
    elif format_name == "jsonl":
        yield from _jsonl(answers)
    elif format_name == "json":
        yield from _json(answers)
    elif format_name == "markdown":
        yield from _titled(answers, "#", lambda a: markdown(a.headings(labels), [*a.result.rows]))
    else:
        yield from _titled(
            answers, "--", lambda a: draw(a.headings(labels), [*a.result.rows], room)
        )


def write_parquet(answer: Answer, path: Path) -> int:
    """Write one result as a Parquet file with the engine's types; returns the number of rows.

    Raises Failure when the file cannot be written; one that was there before is then unchanged.
    """
    # The embedded engine writes the file, whichever engine the rows came from.
    import duckdb

    columns = answer.result.columns
    if len({column.name for column in columns}) < len(columns):
        raise Failure("a Parquet file needs different names for its columns")
    digits = [_Digits() for _ in columns]
    count = 0
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".smq-") as directory:
            rows = Path(directory) / "rows.jsonl"
            with rows.open("w", encoding="utf-8", newline="\n") as file:
                for row in answer.result.rows:
                    for seen, value in zip(digits, row, strict=True):
                        seen.see(value)
                    file.write(_castable(columns, row) + "\n")
                    count += 1
            types = {
                column.name: _parquet_type(column, seen)
                for column, seen in zip(columns, digits, strict=True)
            }
            finished = Path(directory) / "result.parquet"
            with duckdb.connect() as connection:
                relation = connection.read_json(
                    str(rows), columns=types, format="newline_delimited"
                )
                relation.write_parquet(str(finished), compression="zstd")
            finished.replace(path)
    except (OSError, duckdb.Error) as error:
        raise Failure(f"cannot write {path}: {' '.join(str(error).split())}") from error
    return count


def _csv(answers: Iterable[Answer], labels: bool) -> Iterator[str]:
    for answer in answers:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(answer.headings(labels))
        for row in answer.result.rows:
            if row == (None,):
                # A lone empty cell would be an empty line, which readers skip.
                buffer.write('""\n')
            else:
                writer.writerow(map(cell, row))
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
        yield buffer.getvalue()


def _jsonl(answers: Iterable[Answer]) -> Iterator[str]:
    for answer in answers:
        for row in answer.result.rows:
            yield _object(answer.result.columns, row) + "\n"


def _json(answers: Iterable[Answer]) -> Iterator[str]:
    yield f'{{\n  "version": {VERSION},\n  "results": ['
    for number, answer in enumerate(answers):
        query = answer.query
        known = {column.name: column for column in query.columns}
        columns = []
        for column in answer.result.columns:
            meaning = known.get(column.name)
            columns.append(
                {
                    "name": column.name,
                    "type": column.type,
                    "kind": meaning.kind if meaning else None,
                    "label": meaning.label if meaning else None,
                }
            )
        yield ",\n" if number else "\n"
        yield f'    {{\n      "index": {query.index},\n      "part": {query.part},\n'
        yield '      "columns": [\n'
        yield ",\n".join("        " + json.dumps(each, ensure_ascii=False) for each in columns)
        yield '\n      ],\n      "rows": ['
        first = True
        for row in answer.result.rows:
            yield "\n        " if first else ",\n        "
            yield _object(answer.result.columns, row)
            first = False
        yield "]\n    }" if first else "\n      ]\n    }"
    yield "\n  ]\n}\n"


def _titled(answers: Iterable[Answer], mark: str, render: Renderer) -> Iterator[str]:
    """A title for each answer as soon as there is a second one."""
    held: Answer | None = None
    rendered = ""
    several = False
    for answer in answers:
        if held is not None:
            several = True
            yield f"{mark} {held.title}\n\n{rendered}\n"
        held, rendered = answer, render(answer)
    if held is not None:
        yield f"{mark} {held.title}\n\n{rendered}" if several else rendered


def _object(columns: Sequence[Column], row: Row) -> str:
    """A row as a JSON object on one line."""
    pairs = (
        f"{json.dumps(column.name, ensure_ascii=False)}: {json_text(value)}"
        for column, value in zip(columns, row, strict=True)
    )
    return "{" + ", ".join(pairs) + "}"


def _castable(columns: Sequence[Column], row: Row) -> str:
    """The same with every value as text that a cast to the column's type reads without loss."""
    return _object(columns, tuple(map(_cast_text, row)))


def _cast_text(value: object) -> object:
    if value is None or isinstance(value, list | tuple | dict):
        return value
    return cell(value)


class _Digits:
    """How many digits the decimals of a column need before and after the point."""

    def __init__(self) -> None:
        self.whole = 0
        self.fraction = 0

    def see(self, value: object) -> None:
        if isinstance(value, Decimal) and value.is_finite():
            _, digits, exponent = value.as_tuple()
            assert isinstance(exponent, int)
            self.whole = max(self.whole, len(digits) + exponent)
            self.fraction = max(self.fraction, -exponent)


_PARQUET_TYPES = {
    "int2": "SMALLINT",
    "int4": "INTEGER",
    "int8": "BIGINT",
    "float4": "FLOAT",
    "float8": "DOUBLE",
    "bool": "BOOLEAN",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "uuid": "UUID",
    # Parquet has no integer of this size.
    "HUGEINT": "DECIMAL(38,0)",
    "UHUGEINT": "DECIMAL(38,0)",
}
_KEPT = frozenset(
    {
        *("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT"),
        *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "FLOAT", "DOUBLE"),
        *("DATE", "TIME", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "VARCHAR", "UUID"),
    }
)
_MOST_DIGITS = 38


def _parquet_type(column: Column, digits: _Digits) -> str:
    """The type as the embedded engine calls it; what it has no word for is text."""
    name = column.type
    base = name.partition("(")[0]
    if name in _KEPT or base == "DECIMAL":
        return name
    if base == "numeric":
        # PostgreSQL's sums have as many digits as they need.
        fits = digits.whole + digits.fraction <= _MOST_DIGITS
        return f"DECIMAL({_MOST_DIGITS},{digits.fraction})" if fits else "DOUBLE"
    return _PARQUET_TYPES.get(base, "VARCHAR")
