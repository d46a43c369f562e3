"""What sqlglot knows of a dialect, taken when it is whole."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from sqlglot import Dialect


def grammar(name: str) -> Dialect:
    """sqlglot's dialect of that name, for reading and for writing.

    sqlglot knows a class before it has its tokenizer, its parser and its generator. Another thread
    would take it as it is and write another dialect's SQL; importing the module waits for the
    thread that is at it.
    """
    _load(name)
    return Dialect.get_or_raise(name)


@cache
def _load(name: str) -> None:
    import_module(f"sqlglot.dialects.{name}")
