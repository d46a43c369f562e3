"""Run queries on the configured engine and print the rows.

The engine stands in `smq.toml`; the SQL is written for it. Ctrl-C cancels the query at the engine.
With several queries, each result has a title; `csv`, `jsonl` and `parquet` hold one result, which
`--query` chooses.

Exit status: 0 all ran, 1 a query has an error or the engine refused it, 2 could not run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from smq.sql.result import CompiledQuery
from smq_metasync.connect import ENGINES, connect, dialect_of
from smq_metasync.engines import Cancelled, Engine, EngineError, Estimate, Result, Row, sized
from smq_server.cli import queries, results
from smq_server.cli.cancelling import cancellable
from smq_server.cli.engine_errors import explained
from smq_server.cli.progress import waiting
from smq_server.cli.queries import Compilation, Wanted
from smq_server.cli.results import Answer
from smq_server.cli.streams import Streams
from smq_server.io.failure import Failure
from smq_server.io.uris import absolute
from smq_server.io.workspace import Workspace

EXAMPLES = """\
  smq run sales.smq.json                            a table
  smq run sales.smq.json --format csv -o sales.csv
  smq run -q '{"metrics": ["revenue"]}' --format json
  smq run queries/ --limit 5                        every query of a directory
  smq run sales.smq.json --dry-run                  what it would take
"""

_SUFFIXES = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_SUFFIXES |= {".parquet": "parquet", ".md": "markdown", ".txt": "table"}
_BATCH = 1000

Found = tuple[Compilation, CompiledQuery]


def configure(parser: argparse.ArgumentParser) -> None:
    queries.add_arguments(parser)
    parser.add_argument(
        "--format", choices=results.FORMATS, help="default: what -o FILE ends with, else table"
    )
    parser.add_argument("-o", "--output-file", metavar="FILE", help="write there, not to stdout")
    parser.add_argument("--limit", type=_rows, metavar="N", help="at most N rows of each query")
    parser.add_argument("--dry-run", action="store_true", help="let the engine plan, do not run")
    parser.add_argument("--labels", action="store_true", help="the model's labels as headings")


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    target = absolute(Path(arguments.output_file)) if arguments.output_file else None
    format_name = arguments.format or _SUFFIXES.get(target.suffix.lower() if target else "")
    format_name = format_name or "table"
    if format_name == "parquet" and target is None and not arguments.dry_run:
        raise Failure("Parquet is not text; name a file with -o")
    compiled = queries.compile_queries(
        arguments, streams, Wanted(_dialect_of_engine, limit=arguments.limit)
    )
    queries.show_problems(compiled, streams)
    found = list(compiled.each())
    if not found or (target is not None and compiled.failed):
        # Half of the results under the name of all would be taken for all.
        return 1
    if format_name in results.ONE_RESULT and len(found) > 1 and not arguments.dry_run:
        raise Failure(f"{format_name} holds one result, not {len(found)}; choose with --query N")
    runs = _Runs(found, streams)
    try:
        if arguments.dry_run:
            _show_estimates(runs, format_name, streams)
        elif format_name == "parquet" and target is not None:
            results.write_parquet(next(runs.answers()), target)
        else:
            room = shutil.get_terminal_size().columns if streams.terminal and not target else None
            pieces = results.text(runs.answers(), format_name, room=room, labels=arguments.labels)
            _write(pieces, target, streams)
    except Cancelled:
        # The engine has stopped; from here on it is like any other Ctrl-C.
        raise KeyboardInterrupt from None
    except EngineError as error:
        streams.stdout.flush()
        if error.unreachable or runs.current is None:
            raise Failure(str(error)) from error
        streams.stderr.write(explained(error, *runs.current, compiled.report()))
        return 1
    finally:
        runs.close()
    if not arguments.dry_run:
        streams.message(runs.summary())
    return 1 if compiled.failed else 0


class _Runs:
    """Runs queries one after the other, with one connection for each workspace."""

    def __init__(self, found: list[Found], streams: Streams) -> None:
        self._found = found
        self._streams = streams
        self._engines: dict[Path, Engine] = {}
        self._rows = 0
        self._seconds = 0.0
        self.current: Found | None = None
        """What is being run, for words about an error."""

    def answers(self) -> Iterator[Answer]:
        for compilation, query in self._found:
            engine = self._start(compilation, query)
            what = f"running on {engine.dialect}"
            self._streams.message(f"{what}: {compilation.title(query)}", 1)
            self._streams.stderr.flush()
            started = time.monotonic()
            with waiting(what, self._streams.stderr):
                result = cancellable(engine, partial(engine.run, query.sql))
                # Some engines begin to work only when the first rows are wanted.
                first = cancellable(engine, partial(_batch, result.rows))
            self._seconds += time.monotonic() - started
            rows = self._all(engine, first, result.rows)
            yield Answer(query, compilation.title(query), Result(result.columns, rows))

    def estimates(self) -> Iterator[tuple[Found, Estimate]]:
        for compilation, query in self._found:
            engine = self._start(compilation, query)
            yield (compilation, query), engine.dry_run(query.sql)

    def summary(self) -> str:
        rows = f"{self._rows:,} row{'' if self._rows == 1 else 's'}"
        return f"{rows} in {self._seconds:.2f} s"

    def close(self) -> None:
        for engine in self._engines.values():
            engine.close()

    def _start(self, compilation: Compilation, query: CompiledQuery) -> Engine:
        workspace = compilation.workspace
        engine = self._engines.get(workspace.root)
        if engine is None:
            self.current = None
            tables = {
                table
                for other, found in self._found
                if other.workspace is workspace
                for table in found.tables
            }
            engine = connect(
                workspace.configuration.engine, workspace.root, self._streams.environ, tables
            )
            self._engines[workspace.root] = engine
        self.current = compilation, query
        return engine

    def _all(self, engine: Engine, first: list[Row], rest: Iterator[Row]) -> Iterator[Row]:
        batch = first
        while batch:
            self._rows += len(batch)
            yield from batch
            batch = cancellable(engine, partial(_batch, rest))


def _batch(rows: Iterator[Row]) -> list[Row]:
    return list(islice(rows, _BATCH))


def _dialect_of_engine(workspace: Workspace) -> str:
    engine = workspace.configuration.engine.type
    found = dialect_of(engine)
    if found is None:
        known = ", ".join(ENGINES)
        raise Failure(
            f"there is no engine '{engine}'; there are {known}. `smq compile` prints the SQL"
        )
    return found


def _show_estimates(runs: _Runs, format_name: str, streams: Streams) -> None:
    estimates = []
    for (compilation, query), estimate in runs.estimates():
        if format_name != "json":
            streams.write(f"{compilation.title(query)}: {_words(estimate)}\n")
        estimates.append(
            {
                "path": compilation.place,
                "index": query.index,
                "part": query.part,
                "rows": estimate.rows,
                "bytes": estimate.bytes,
                "cost": estimate.cost,
            }
        )
    if format_name == "json":
        document = {"version": results.VERSION, "estimates": estimates}
        streams.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def _words(estimate: Estimate) -> str:
    parts = []
    if estimate.bytes is not None:
        parts.append(f"reads {sized(estimate.bytes)}")
    if estimate.rows is not None:
        parts.append(f"about {estimate.rows:,} row{'' if estimate.rows == 1 else 's'}")
    if estimate.cost is not None:
        parts.append(f"cost {estimate.cost:,.2f}")
    return ", ".join(parts) or "the engine accepts it"


def _write(pieces: Iterable[str], target: Path | None, streams: Streams) -> None:
    if target is None:
        for piece in pieces:
            streams.write(piece)
        return
    from smq_server.io.files import write_pieces

    # The file appears when all rows are there, so that a failure leaves no half of it.
    write_pieces(target, pieces)


def _rows(text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        count = -1
    if count < 0:
        raise argparse.ArgumentTypeError(f"expected a number of rows, not '{text}'")
    return count
