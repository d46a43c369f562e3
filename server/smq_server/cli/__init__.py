"""The commands: one module each, with `configure(parser)` and `run(arguments, streams) -> int`.

A module's docstring is its `--help` description, its `EXAMPLES` stand at the end of that help.
Data goes to `streams.stdout`, messages to `streams.stderr`; 0 is clean, 1 found something, and
a `Failure` is 2.
"""
