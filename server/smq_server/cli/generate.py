"""Turn a question into a query that compiles.

A language model proposes, this program disposes: names are looked up, the query is compiled, and
what does not compile goes back to the model. The query goes to standard output; what was assumed,
and what was changed on the way, to standard error. What is sent are the question and the names,
labels, descriptions and types of the models; never a row of data.

Which model to ask is configured in smq.toml, table [llm]; the key is in the environment.

Exit status: 0 a query, 1 the models cannot answer or no answer compiles, 2 could not ask.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smq.syntax import kind_of
from smq_server.cli.findings.width import visible
from smq_server.cli.streams import Streams
from smq_server.io.failure import Failure
from smq_server.io.uris import absolute, display
from smq_server.io.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from smq.workspace import Snapshot
    from smq_server.generation.generate import Question
    from smq_server.generation.result import Declined, Failed, Generated, Result, WrittenSql
    from smq_server.generation.sql import DryRun

EXAMPLES = """\
  smq generate "revenue by store last month"
  smq generate 지점별 고객 수 상위 5개             quotes are not needed
  smq generate "…" --save queries/new.smq.json    the question becomes a comment above the query
  smq generate "…" --sql                          SQL, also about tables without a model
  smq generate "…" --explain                      every step, with what was sent and said
  smq generate "…" --show-prompt                  what would be sent; nothing is
  SMQ_LLM_MODEL=qwen3 SMQ_LLM_BASE_URL=http://localhost:11434/v1 smq generate "…"
"""

_OFTEN = 0.1
"""Seconds between two looks at an answer that is coming in."""
_ERASE = "\r\x1b[K"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("question", metavar="QUESTION", nargs="+", help="in any language")
    parser.add_argument(
        "--strategy", choices=("direct", "tools", "graph"), help="how to ask (see llm.strategy)"
    )
    parser.add_argument("--model", metavar="NAME", help="ask this model of the endpoint")
    parser.add_argument(
        "--today", type=_date, metavar="DATE", help="what 'last month' counts from (YYYY-MM-DD)"
    )
    parser.add_argument("--save", metavar="FILE", help="write the query to a new file")
    parser.add_argument("--force", action="store_true", help="--save may replace a file")
    parser.add_argument(
        "--sql",
        action="store_true",
        help="print SQL, written from the metadata cache where no model covers the question",
    )
    parser.add_argument("--explain", action="store_true", help="show every step and the SQL")
    parser.add_argument("--json", action="store_true", help="print the whole result as JSON")
    parser.add_argument(
        "--show-prompt", action="store_true", help="print the first request and send nothing"
    )
    parser.add_argument(
        "--workspace", metavar="DIR", default=".", help="a directory of the workspace (default: .)"
    )


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    # The strategies bring the compiler, which a wrong option can do without.
    from smq_server.generation.generate import Question, with_settings
    from smq_server.generation.result import Declined, Failed, Generated, WrittenSql

    target = _target(arguments)
    workspace = open_workspace(Path(arguments.workspace), streams.environ, arguments.config)
    snapshot = workspace.snapshot
    if arguments.model:
        snapshot = with_settings(snapshot, model=arguments.model)
    question = Question(
        " ".join(arguments.question), arguments.today or date.today(), arguments.strategy
    )
    if not snapshot.graph.metrics:
        # What the cache knows is all there is to say.
        from smq_server.cli.warehouse import warehouse_of

        snapshot = snapshot.with_catalog(warehouse_of(workspace.location, streams))
    if arguments.show_prompt:
        return _show_prompt(question, snapshot, arguments, streams)
    # Here, because only asking needs an event loop.
    import asyncio

    progress = _Progress(streams)
    try:
        result = asyncio.run(_ask(arguments, question, workspace, snapshot, streams, progress))
    finally:
        progress.clear()
    if arguments.explain and not arguments.json:
        _explain(result, streams)
    if arguments.json:
        from smq_server.generation.values import values

        document = values(result, with_steps=arguments.explain)
        streams.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    match result:
        case Generated():
            return _generated(result, target, workspace, arguments, streams)
        case WrittenSql():
            return _written(result, arguments, streams)
        case Declined():
            return _declined(result, streams)
        case Failed():
            return _failed(result, arguments, streams)


async def _ask(
    arguments: argparse.Namespace,
    question: Question,
    workspace: Workspace,
    snapshot: Snapshot,
    streams: Streams,
    progress: _Progress,
) -> Result:
    """The models' answer; for SQL, the cache's where they have none."""
    from smq_server.generation.generate import generate
    from smq_server.generation.result import Declined

    if not arguments.sql:
        return await generate(question, snapshot, streams.environ, progress.take)
    if snapshot.graph.metrics:
        result = await generate(question, snapshot, streams.environ, progress.take)
        if not isinstance(result, Declined):
            return result
        progress.clear()
        streams.message(f"- no model covers this: {_line(result.reason)}")
    from smq_server.cli.warehouse import warehouse_of
    from smq_server.generation.sql import write_sql

    catalog = snapshot.catalog
    if snapshot.graph.metrics:
        catalog = warehouse_of(workspace.location, streams)
    dry_run = _dry_run(workspace, streams)
    return await write_sql(question, snapshot, catalog, streams.environ, dry_run, progress.take)


def _dry_run(workspace: Workspace, streams: Streams) -> DryRun | None:
    """The configured engine's opinion of SQL; None where there is no engine to ask."""
    from smq_metasync.connect import connect, dialect_of
    from smq_metasync.engines import EngineError

    configuration = workspace.configuration
    engine = configuration.engine
    has_data = engine.duckdb.data is not None or engine.duckdb.database != ":memory:"
    if dialect_of(engine.type) != configuration.dialect or (
        engine.type == "duckdb" and not has_data
    ):
        return None

    def dry_run(sql: str, tables: tuple[str, ...]) -> str | None:
        try:
            connected = connect(engine, workspace.root, streams.environ, set(tables))
        except EngineError as error:
            # Not the SQL's fault, and no reason to have none.
            raise GenerationFailure(
                "endpoint", f"The engine cannot be asked to plan the SQL: {error}."
            ) from error
        try:
            connected.dry_run(sql)
        except EngineError as error:
            return str(error)
        finally:
            connected.close()
        return None

    from smq_server.generation.failure import GenerationFailure

    return dry_run


def _target(arguments: argparse.Namespace) -> Path | None:
    if not arguments.save:
        return None
    if arguments.sql:
        raise Failure("--save writes queries; redirect the output of --sql instead")
    path = absolute(Path(arguments.save))
    if kind_of(path.name) != "smq":
        raise Failure(f"{display(path)} is no name of a query file: it has to end in .smq.json")
    if path.exists() and not arguments.force:
        raise Failure(f"{display(path)} exists already; --force replaces it")
    return path


def _generated(
    result: Generated,
    target: Path | None,
    workspace: Workspace,
    arguments: argparse.Namespace,
    streams: Streams,
) -> int:
    from smq_server.generation.validation import formatted

    queries = [query.smq for query in result.queries]
    if not arguments.json:
        for sentence in (result.explanation, *result.assumptions, *result.adjustments):
            if sentence:
                streams.message(f"- {_line(sentence)}")
        for other in result.alternatives:
            query = json.dumps(dict(other.query.smq), ensure_ascii=False)
            streams.message(f"- or: {_line(other.meaning)}: {query}")
        if arguments.sql:
            streams.write(";\n".join(query.sql for query in result.queries) + "\n")
        else:
            streams.write(formatted(queries))
    if target is not None:
        from smq_server.io.files import write_text

        write_text(target, formatted(queries, comment=result.question))
        streams.message(f"wrote {display(target)}")
    _cost(result, streams)
    return 0


def _written(result: WrittenSql, arguments: argparse.Namespace, streams: Streams) -> int:
    if not arguments.json:
        for sentence in (result.explanation, *result.assumptions):
            if sentence:
                streams.message(f"- {_line(sentence)}")
        streams.message(
            "- written from the metadata cache, not from a model: "
            + ("the engine has planned it" if result.is_planned else "no engine has planned it")
        )
        streams.write(result.sql + "\n")
    _cost(result, streams)
    return 0


def _declined(result: Declined, streams: Streams) -> int:
    streams.stderr.write(f"smq: the models cannot answer this: {_line(result.reason)}\n")
    _nearest(result, streams)
    _cost(result, streams)
    return 1


def _failed(result: Failed, arguments: argparse.Namespace, streams: Streams) -> int:
    if result.kind != "invalid":
        raise Failure(result.message)
    streams.stderr.write(f"smq: error: {_line(result.message)}\n")
    for detail in result.details[1:]:
        streams.stderr.write(f"  also {detail}\n")
    _nearest(result, streams)
    _cost(result, streams)
    return 1


def _nearest(result: Declined | Failed, streams: Streams) -> None:
    for metric in result.nearest:
        label = f"  {metric.label}" if metric.label else ""
        streams.stderr.write(f"  near: {metric.name}{label}\n")


def _cost(result: Result, streams: Streams) -> None:
    spent = result.spent
    calls = "1 call" if spent.calls == 1 else f"{spent.calls} calls"
    streams.message(
        f"{calls}, {spent.usage.sent} + {spent.usage.received} tokens, "
        f"{spent.seconds:.1f} s, {result.model} ({result.strategy})",
        verbosity=1,
    )


def _explain(result: Result, streams: Streams) -> None:
    """Every step, on standard error: the query alone stays on standard output."""
    out = streams.stderr.write
    for number, step in enumerate(result.steps, 1):
        out(f"=== {number}. {step.name}\n")
        if step.request is not None:
            for message in step.request.messages:
                out(f"--- {message.role}\n{message.text}\n")
                for call in message.calls:
                    out(f"{call.name}({call.arguments})\n")
            out(f"--- answer\n{step.said}\n")
        for key, value in step.state.items():
            out(f"{key}: {json.dumps(value, ensure_ascii=False)}\n")
        for problem in step.problems:
            out(f"problem: {problem}\n")
    for query in getattr(result, "queries", ()):
        out(f"=== SQL\n{query.sql}\n")


def _show_prompt(
    question: Question, snapshot: Any, arguments: argparse.Namespace, streams: Streams
) -> int:
    import asyncio

    from smq_server.generation.failure import GenerationFailure
    from smq_server.generation.generate import first_request
    from smq_server.generation.sql import first_sql_request
    from smq_server.generation.values import prompt_text

    try:
        if arguments.sql and not snapshot.graph.metrics:
            catalog = snapshot.catalog
            shown = first_sql_request(question, snapshot, catalog, streams.environ)
        else:
            shown = first_request(question, snapshot, streams.environ)
        body = asyncio.run(shown)
    except GenerationFailure as failure:
        raise Failure(failure.message) from failure
    streams.write(prompt_text(body))
    return 0


class _Progress:
    """What is going on: one line on a terminal, lines for `-v` elsewhere, else nothing."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._is_terminal = streams.stderr.isatty() and streams.verbosity >= 0
        self._step = ""
        self._letters = 0
        self._last = 0.0

    def take(self, progress: Any) -> None:
        if progress.kind == "answer":
            self._letters += len(progress.text)
            if time.monotonic() - self._last < _OFTEN:
                return
            self._last = time.monotonic()
        else:
            self._step, self._letters = progress.text, 0
            if not self._is_terminal:
                self._streams.message(progress.text, verbosity=1)
        if self._is_terminal:
            letters = f", {self._letters} characters" if self._letters else ""
            self._streams.stderr.write(f"{_ERASE}{self._step}{letters} … (Ctrl-C cancels)")
            self._streams.stderr.flush()

    def clear(self) -> None:
        if self._is_terminal and self._step:
            self._streams.stderr.write(_ERASE)
            self._streams.stderr.flush()


def _line(text: str) -> str:
    """Somebody else's words on one line, without anything that steers a terminal."""
    return visible(" ".join(text.split()))


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is no date like 2024-12-31") from error
