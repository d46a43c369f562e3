"""Draft semantic models from tables: of the metadata cache, or of CREATE TABLE statements.

TABLE is a table of the cache, `orders` or `shop.orders`, or a pattern, `shop.*`. The draft has
entities from keys, joins from constraints and names, time dimensions, measures for what can be
added up or averaged, and a metric for each. It is written to standard output, ready to edit.

A script's dialect is said by --dialect, by a first line such as `-- postgres`, or else it is the
workspace's.

Exit status: 0 drafted, 1 some statements of a script could not be read, 2 could not run.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from smq.catalog import Known, Unknown
from smq.catalog.tables import Table
from smq.catalog.words import collected
from smq.dialects import UnknownDialectError, canonical_name, names
from smq.problem import Problem
from smq.text import LineIndex, nearest
from smq_server.cli.streams import Streams
from smq_server.io.failure import Failure
from smq_server.io.files import decode, read_document, write_text
from smq_server.io.uris import absolute, display, uri_of
from smq_server.io.warehouse import load_catalog
from smq_server.io.workspace import Location, load, locate

if TYPE_CHECKING:
    from smq.graph.graph import SemanticGraph

EXAMPLES = """\
  smq draft shop.orders                          a table of the metadata cache
  smq draft 'shop.*' -o models/shop.yml          all tables of a schema, into a file
  smq draft --from-cache                         every table that no model has yet
  smq draft --ddl schema.sql --dialect oracle    the tables of a script
  smq draft --ddl schema.sql --form dbt          in the words of the dbt semantic layer
"""

_FAMILY = re.compile(r"\s*--\s*([A-Za-z]+)\s*$", re.MULTILINE)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tables", metavar="TABLE", nargs="*", help="tables, or patterns with *")
    parser.add_argument("--ddl", metavar="FILE", help="read CREATE TABLE from a script, or from -")
    parser.add_argument(
        "--from-cache", action="store_true", help="every table of the cache that no model has"
    )
    parser.add_argument("--dialect", metavar="NAME", help="the SQL of the script and of the draft")
    parser.add_argument(
        "--form", choices=("smq", "dbt"), default="smq", help="the words of the file (default: smq)"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write a new file, not to stdout")


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    if not (arguments.tables or arguments.ddl or arguments.from_cache):
        raise Failure("nothing to draft: name tables, or give --ddl FILE or --from-cache")
    if arguments.ddl and arguments.from_cache:
        raise Failure("--ddl and --from-cache are two sources; choose one")
    output = absolute(Path(arguments.output)) if arguments.output else None
    if output is not None and output.exists():
        raise Failure(f"{display(output)} exists; a draft never replaces a file")
    location = locate(absolute(Path()), streams.environ, arguments.config)
    graph = load(location).snapshot.graph
    dialect = _dialect(arguments.dialect, location)
    if arguments.ddl:
        tables, dialect, faults = _from_script(arguments, dialect, streams)
        tables = _chosen(tables, arguments.tables) if arguments.tables else tables
    else:
        tables, faults = _from_cache(arguments, location, graph, streams), 0
    text = _drafted(tables, dialect, arguments, graph)
    if output is None:
        streams.write(text)
    else:
        write_text(output, text)
        count = len(tables)
        streams.message(
            f"Drafted {count:,} model{'' if count == 1 else 's'} into {display(output)}. "
            "Check the names, keys and aggregations: a draft only guesses."
        )
    return 1 if faults else 0


def _drafted(
    tables: Sequence[Table], dialect: str, arguments: argparse.Namespace, graph: SemanticGraph
) -> str:
    # Here, because it brings the SQL library, which the help can do without.
    from smq.graph.drafts import model_tables, write_models

    models = model_tables(tables, dialect, graph)
    return write_models(models, dialect, arguments.form, exact=not arguments.ddl)


def _dialect(written: str | None, location: Location) -> str:
    if written is None:
        return canonical_name(location.configuration.dialect)
    try:
        return canonical_name(written)
    except UnknownDialectError as error:
        raise Failure(str(error)) from error


def _from_script(
    arguments: argparse.Namespace, dialect: str, streams: Streams
) -> tuple[Sequence[Table], str, int]:
    from smq.expr.ddl import read_ddl

    path = absolute(Path(arguments.ddl))
    is_stdin = arguments.ddl == "-"
    found = decode(uri_of(path), streams.read_bytes()) if is_stdin else read_document(path)
    shown = "standard input" if is_stdin else display(path)
    if isinstance(found, Problem):
        from smq.rules import find

        rule = find(found.code)
        raise Failure(f"{shown}: {rule.words(found.args) if rule else 'it cannot be read'}")
    if arguments.dialect is None:
        dialect = _family(found.text) or dialect
    ddl = read_ddl(found.text, dialect)
    lines = LineIndex(found.text)
    for fault in ddl.faults:
        line, column = lines.position(fault.offset)
        streams.message(f"{shown}:{line + 1}:{column + 1}: {fault.message}", -9)
    if not ddl.tables:
        others = ", ".join(names())
        raise Failure(
            f"{shown} makes no table that can be read as {dialect}; "
            f"--dialect names another: {others}"
        )
    return ddl.tables, dialect, len(ddl.faults)


def _family(text: str) -> str | None:
    """The dialect that a comment among the first lines names, as scripts for drafts do."""
    for line in text.splitlines()[:10]:
        match = _FAMILY.fullmatch(line)
        if match:
            try:
                return canonical_name(match[1])
            except UnknownDialectError:
                continue
    return None


def _from_cache(
    arguments: argparse.Namespace, location: Location, graph: SemanticGraph, streams: Streams
) -> Sequence[Table]:
    known = load_catalog(location.configuration, location.root, streams.environ)
    if isinstance(known, Unknown):
        why = known.detail or "No metadata cache is configured, and there is none in .smq."
        raise Failure(
            f"the tables of the warehouse are not known. {why} `smq metasync sync` makes the "
            "cache; --ddl FILE drafts from a script"
        )
    streams.message(collected(known), 0 if known.state == "expired" else 1)
    if not arguments.from_cache:
        return _chosen(known, arguments.tables)
    tables = _chosen(known, arguments.tables) if arguments.tables else tuple(known.tables)
    modelled = _modelled(known, graph)
    fresh = [table for table in tables if table.parts not in modelled and table.has_columns]
    if not fresh:
        raise Failure("every table of the cache has a model already")
    return fresh


def _modelled(known: Known, graph: SemanticGraph) -> set[tuple[str, ...]]:
    from smq.graph.warehouse import named_table

    return {
        table.parts
        for model in graph.models.values()
        for table in known.find(named_table(graph, model))
    }


def _chosen(tables: Known | Sequence[Table], wanted: Sequence[str]) -> Sequence[Table]:
    """The tables that were asked for, each once, in the order in which they were asked for."""
    names = list(tables.names) if isinstance(tables, Known) else [t.parts for t in tables]
    found: dict[tuple[str, ...], Table] = {}
    for text in wanted:
        parts = text.replace("`", "").split(".")
        numbers = [
            number
            for number, name in enumerate(names)
            if len(parts) <= len(name)
            and all(
                fnmatchcase(own.lower(), part.lower())
                for own, part in zip(reversed(name), reversed(parts), strict=False)
            )
        ]
        if isinstance(tables, Known) and not numbers:
            for table in tables.find(parts):
                found[table.parts] = table
            if tables.find(parts):
                continue
        if not numbers:
            known = [".".join(name[-len(parts) :]) for name in names]
            near = nearest(text, known)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise Failure(f"there is no table '{text}'{hint}")
        if len(numbers) > 1 and "*" not in text and "?" not in text:
            several = ", ".join(".".join(names[number]) for number in numbers[:5])
            raise Failure(f"'{text}' may be any of {several}; name its schema")
        for number in numbers:
            table = tables.at(number) if isinstance(tables, Known) else tables[number]
            found[table.parts] = table
    empty = [table.path for table in found.values() if not table.has_columns]
    if empty:
        raise Failure(f"the columns of {', '.join(empty)} are not known")
    return tuple(found.values())
