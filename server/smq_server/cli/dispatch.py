"""From words to a command, and from whatever happens to an exit status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from smq_server import __version__
from smq_server.cli import streams as standard_streams
from smq_server.cli.arguments import Parser
from smq_server.cli.commands import COMMANDS, EXAMPLES
from smq_server.cli.streams import Streams
from smq_server.io.failure import BadConfiguration, Failure

INTERRUPTED = 130
PIPE_CLOSED = 141


def dispatch(words: Sequence[str]) -> int:
    """Run the command that `words` name. Returns its status, and 2 for what stops it."""
    streams = standard_streams.standard()
    try:
        status = _dispatch(list(words), streams)
        streams.stdout.flush()
        return status
    except Failure as failure:
        _flush(streams)
        if isinstance(failure, BadConfiguration):
            # Only a wrong configuration needs the words of the rules.
            from smq_server.cli.findings import configuration_problems

            streams.stderr.writelines(configuration_problems.render(failure.loaded))
        streams.stderr.write(f"smq: error: {failure}\n")
        return 2
    except SystemExit as stop:
        # argparse has printed its message.
        return stop.code if isinstance(stop.code, int) else 2
    except KeyboardInterrupt:
        streams.stderr.write("smq: interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone. Python would complain once more when it flushes at exit.
        _discard_output()
        return PIPE_CLOSED
    except OSError as error:
        # The machine refuses: a forbidden directory, a full disk behind standard output.
        _flush(streams)
        reason = (error.strerror or str(error)).lower()
        where = f"{error.filename}: " if error.filename else ""
        streams.stderr.write(f"smq: error: {where}{reason}\n")
        return 2
    except Exception as error:  # noqa: BLE001 - the last guard: one line and a log, no traceback
        return _unexpected(error, words, streams)


def _dispatch(words: list[str], streams: Streams) -> int:
    leading, rest = _leading_options(words)
    if not rest:
        if "-h" in leading or "--help" in leading or not leading:
            text = overview()
            if leading:
                streams.write(text)
                return 0
            streams.stderr.write(text)
            return 2
        if "--version" in leading or "-V" in leading:
            streams.write(f"smq {__version__}\n")
            return 0
        raise Failure("no command given; `smq --help` lists them")
    name, arguments = rest[0], rest[1:]
    if name == "help":
        arguments = ["--help"]
        if len(rest) == 1:
            streams.write(overview())
            return 0
        name = rest[1]
    if name not in COMMANDS:
        raise Failure(_unknown(name))
    module = import_module(COMMANDS[name][0])
    parser = build_parser(name, module)
    parsed = parser.parse_args([*leading, *arguments])
    streams.verbosity = parsed.verbose - parsed.quiet
    if parsed.no_color:
        streams.color = streams.error_color = False
    status: int = module.run(parsed, streams)
    return status


def build_parser(name: str, module: ModuleType) -> argparse.ArgumentParser:
    """A command's whole parser: the options of every command, then its own."""
    description = (module.__doc__ or "").strip()
    examples = getattr(module, "EXAMPLES", "")
    parser = Parser(
        prog=f"smq {name}",
        description=description,
        epilog=f"examples:\n{examples}" if examples else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # `smq compile -q QUERY` takes the short option from `--quiet`.
        conflict_handler="resolve",
        allow_abbrev=False,
    )
    general = parser.add_argument_group("options of every command")
    general.add_argument("--config", metavar="FILE", help="use this smq.toml or pyproject.toml")
    general.add_argument("--no-color", action="store_true", help="no colours (also NO_COLOR=1)")
    general.add_argument("-v", "--verbose", action="count", default=0, help="say more")
    general.add_argument("-q", "--quiet", action="count", default=0, help="say less")
    general.add_argument("-V", "--version", action="version", version=f"smq {__version__}")
    module.configure(parser)
    return parser


def overview() -> str:
    """The help of the program as a whole."""
    width = max(map(len, COMMANDS)) + 2
    lines = [
        "usage: smq COMMAND [OPTIONS] …",
        "",
        "Compiler, checker and editor support for SMQ, the query language of semantic models.",
        "",
        "commands:",
        *(f"  {name:<{width}}{summary}" for name, (_, summary) in COMMANDS.items()),
        "",
        "options of every command:",
        "  --config FILE   use this smq.toml or pyproject.toml",
        "  --no-color      no colours (also NO_COLOR=1)",
        "  -v, -q          say more, say less",
        "  --version       print the version",
        "  --help          help, also for each command: smq COMMAND --help",
        "",
        EXAMPLES,
    ]
    return "\n".join(lines)


def _leading_options(words: list[str]) -> tuple[list[str], list[str]]:
    """General options may also stand before the command: `smq --no-color check`."""
    leading: list[str] = []
    index = 0
    while index < len(words) and words[index].startswith("-") and words[index] != "-":
        leading.append(words[index])
        if words[index] == "--config" and index + 1 < len(words):
            index += 1
            leading.append(words[index])
        index += 1
    return leading, words[index:]


def _unknown(name: str) -> str:
    # Only now, because a right command should not pay for difflib.
    from smq.text import nearest

    close = nearest(name, COMMANDS, limit=1, cutoff=0.5)
    hint = f"; did you mean `smq {close[0]}`?" if close else "; `smq --help` lists the commands"
    return f"unknown command '{name}'{hint}"


def _flush(streams: Streams) -> None:
    try:
        streams.stdout.flush()
    except OSError:
        _discard_output()


def _discard_output() -> None:
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def _unexpected(error: Exception, words: Sequence[str], streams: Streams) -> int:
    """One line for the person, everything else into a log file."""
    # Only a failing run needs these.
    import traceback

    from smq_server.io.log import write_log

    details = "".join(traceback.format_exception(error))
    if streams.environ.get("SMQ_DEBUG"):
        streams.stderr.write(details)
    path = write_log(f"smq {__version__}, Python {sys.version}\n{list(words)}\n\n{details}")
    summary = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    where = f"details in {path}" if path else "set SMQ_DEBUG=1 for details"
    streams.stderr.write(f"smq: internal error: {summary} ({where})\n")
    return 2
