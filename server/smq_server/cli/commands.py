"""Which commands there are: names and summaries only, so that help imports none of them."""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "check": ("smq_server.cli.check", "find mistakes in queries and semantic models"),
    "compile": ("smq_server.cli.compile", "print the SQL that a query means"),
    "run": ("smq_server.cli.run", "run a query on the configured engine"),
    "explain": ("smq_server.cli.explain", "show how a query is computed, down to columns"),
    "fmt": ("smq_server.cli.fmt", "format query and model files"),
    "list": ("smq_server.cli.list_names", "list metrics, models, dimensions or queries"),
    "generate": ("smq_server.cli.generate", "turn a question into a query that compiles"),
    "edit": ("smq_server.cli.edit", "add, remove or set items of a query file"),
    "metasync": ("smq_server.cli.metasync", "collect what the warehouse holds into a cache"),
    "diff": ("smq_server.cli.diff", "show which queries mean something else since a git revision"),
    "draft": ("smq_server.cli.draft", "draft semantic models from tables"),
    "lsp": ("smq_server.cli.lsp", "serve an editor (language server)"),
    "mcp": ("smq_server.cli.mcp", "serve agents (Model Context Protocol)"),
    "rule": ("smq_server.cli.rule", "explain a rule, or list all"),
    "init": ("smq_server.cli.init", "start a workspace in a directory"),
    "demo": ("smq_server.cli.demo", "run the bundled example on the embedded engine"),
    "playground": ("smq_server.cli.playground", "open an editor in a web page of this machine"),
    "completion": ("smq_server.cli.completion", "print a completion script for a shell"),
}
"""Each command's module, which is imported when the command runs, and what it does."""

EXAMPLES = """\
examples:
  smq check                        check every query and model of this workspace
  smq check --fix queries/         … and cure what has a safe fix
  smq compile sales.smq.json       print the SQL
  smq run sales.smq.json           run it
  smq list dimensions --for m      what the metric m can be grouped by
  smq rule NAM101                  explain a rule
"""
