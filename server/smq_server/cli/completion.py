"""Print a completion script for a shell.

The script knows the commands, their options and the values that options take.
"""

from __future__ import annotations

import argparse
from importlib import import_module

from smq_server.cli.commands import COMMANDS
from smq_server.cli.dispatch import build_parser
from smq_server.cli.streams import Streams

EXAMPLES = """\
  smq completion bash > ~/.local/share/bash-completion/completions/smq
  smq completion zsh > "${fpath[1]}/_smq"
  smq completion fish > ~/.config/fish/completions/smq.fish
"""

Option = tuple[tuple[str, ...], str, tuple[str, ...], bool]
"""The spellings of an option, its help, the values it takes, and whether it takes one."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    render = {"bash": _bash, "zsh": _zsh, "fish": _fish}[arguments.shell]
    streams.write(render({name: _options(name) for name in COMMANDS}))
    return 0


def _options(name: str) -> tuple[list[Option], tuple[str, ...]]:
    """A command's options, and the words its first argument may be."""
    parser = build_parser(name, import_module(COMMANDS[name][0]))
    options: list[Option] = []
    words: tuple[str, ...] = ()
    for action in parser._actions:
        choices = tuple(map(str, action.choices or ()))
        if action.option_strings:
            takes = action.nargs != 0
            help_text = (action.help or "").replace("%%", "%")
            options.append((tuple(action.option_strings), help_text, choices, takes))
        elif choices and not words:
            words = choices
    return options, words


Described = dict[str, tuple[list[Option], tuple[str, ...]]]


def _bash(described: Described) -> str:
    cases: list[str] = []
    values: list[str] = []
    for name, (options, words) in described.items():
        spelled = [spelling for spellings, *_ in options for spelling in spellings]
        cases.append(f'        {name}) words="{" ".join((*words, *spelled))}" ;;')
        for spellings, _, choices, takes in options:
            if choices or takes:
                patterns = "|".join(f"{name}:{spelling}" for spelling in spellings)
                reply = f'-W "{" ".join(choices)}"' if choices else "-f"
                values.append(
                    f'        {patterns}) COMPREPLY=($(compgen {reply} -- "$current")); return ;;'
                )
    return "\n".join(
        [
            "# bash completion for smq",
            "_smq() {",
            '    local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"',
            '    local command="" words="" word',
            '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
            '        case "$word" in -*) ;; *) command="$word"; break ;; esac',
            "    done",
            '    case "$command:$before" in',
            *values,
            "    esac",
            '    case "$command" in',
            f'        "") words="{" ".join(described)} --config --no-color --version --help" ;;',
            *cases,
            "    esac",
            '    COMPREPLY=($(compgen -W "$words" -- "$current"))',
            '    case "$command:$current" in :*|*:-*) ;; *)',
            '        COMPREPLY+=($(compgen -f -- "$current")) ;; esac',
            "}",
            "complete -o filenames -F _smq smq",
            "",
        ]
    )


def _zsh(described: Described) -> str:
    commands = [f"        {_quoted(f'{name}:{COMMANDS[name][1]}')}" for name in described]
    cases: list[str] = []
    for name, (options, words) in described.items():
        lines = [f"            {name})", "                _arguments -s \\"]
        for spellings, help_text, choices, takes in options:
            value = ""
            if choices:
                value = f":value:({' '.join(choices)})"
            elif takes:
                value = ":value:_files"
            text = help_text.replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")
            for spelling in spellings:
                lines.append(f"                    {_quoted(f'*{spelling}[{text}]{value}')} \\")
        rest = f"1:value:({' '.join(words)})" if words else "*:file:_files"
        lines.append(f"                    {_quoted(rest)} ;;")
        cases.extend(lines)
    return "\n".join(
        [
            "#compdef smq",
            "_smq() {",
            "    local -a commands",
            "    commands=(",
            *commands,
            "    )",
            "    if (( CURRENT == 2 )); then",
            "        _describe command commands",
            "    else",
            "        local command=$words[2]",
            "        shift words; (( CURRENT-- ))",
            "        case $command in",
            *cases,
            "        esac",
            "    fi",
            "}",
            'if [ "$funcstack[1]" = "_smq" ]; then _smq "$@"; else compdef _smq smq; fi',
            "",
        ]
    )


def _fish(described: Described) -> str:
    lines = ["# fish completion for smq"]
    none = "-n __fish_use_subcommand"
    for name in described:
        lines.append(f"complete -c smq -f {none} -a {name} -d {_quoted(COMMANDS[name][1])}")
    for name, (options, words) in described.items():
        when = f"-n '__fish_seen_subcommand_from {name}'"
        if words:
            lines.append(f"complete -c smq -f {when} -a {_quoted(' '.join(words))}")
        for spellings, help_text, choices, takes in options:
            parts = [f"complete -c smq {when}"]
            for spelling in spellings:
                long = spelling.startswith("--")
                parts.append(f"-l {spelling[2:]}" if long else f"-s {spelling[1:]}")
            if choices:
                parts.append(f"-x -a {_quoted(' '.join(choices))}")
            elif takes:
                parts.append("-r")
            if help_text:
                parts.append(f"-d {_quoted(help_text)}")
            lines.append(" ".join(parts))
    return "\n".join([*lines, ""])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
