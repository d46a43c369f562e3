"""What a hand-written case is: files, rows, a query, and the rows or the error it must give."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tests.support.oracle_expressions import Value

Columns = tuple[tuple[str, str], ...]
Tables = Mapping[str, tuple[Columns, tuple[tuple[Value, ...], ...]]]


@dataclass(frozen=True)
class Example:
    """One query over a small workspace; `models` holds its YAML files, divided by `---` lines.

    `rows` None means an error; `says` are words that its message must hold. `warns` are
    words that warnings must hold. Rows are compared in order if orderBy leaves no ties (`total`).
    """

    name: str
    models: str
    tables: Tables
    smq: Mapping[str, Any]
    rows: Sequence[tuple[Value, ...]] | None = None
    columns: tuple[str, ...] | None = None
    says: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()
    total: bool = True
    engines: bool = True
    """Whether other engines are expected to give the same rows."""

    @property
    def files(self) -> dict[str, str]:
        return {f"m{i}.yml": text for i, text in enumerate(self.models.split("\n---\n"))}

    @property
    def text(self) -> str:
        return json.dumps(self.smq, ensure_ascii=False, indent=2)

    @property
    def ordered(self) -> bool:
        return self.total and bool(self.smq.get("orderBy"))


def read_tables(text: str) -> Tables:
    """Tables as a person writes them: `name: column:type …`, then rows, `-` for NULL.

    Cells are split at blanks; `~` stands for a blank inside a name or a value.
    """
    tables: dict[str, tuple[Columns, list[tuple[Value, ...]]]] = {}
    kinds: list[str] = []
    name = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        head, separator, rest = line.partition(": ")
        if separator or line.endswith(":"):
            name = head.rstrip(":").replace("~", " ")
            pairs = [cell.replace("~", " ").rpartition(":") for cell in rest.split()]
            columns = tuple((column, kind) for column, _, kind in pairs)
            kinds = [kind for _, kind in columns]
            tables[name] = (columns, [])
        else:
            cells = zip(line.split(), kinds, strict=True)
            tables[name][1].append(tuple(_cell(cell, kind) for cell, kind in cells))
    return {name: (columns, tuple(rows)) for name, (columns, rows) in tables.items()}


def _cell(text: str, kind: str) -> Value:
    if text == "-":
        return None
    match kind:
        case "int":
            return int(text)
        case "float":
            return float(text)
        case "bool":
            return text == "true"
        case "date":
            return date.fromisoformat(text)
        case "timestamp":
            return datetime.fromisoformat(text)
    return text.replace("~", " ")
