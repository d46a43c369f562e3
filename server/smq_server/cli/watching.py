"""Doing something again whenever a file of the workspace changes."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

from smq_server.cli.streams import Streams
from smq_server.io.discovery import find_files
from smq_server.io.failure import Failure
from smq_server.io.uris import absolute, display
from smq_server.io.workspace import locate

_INTERVAL = 0.4

State = dict[Path, tuple[int, int]]


def watch(once: Callable[[], int], arguments: argparse.Namespace, streams: Streams) -> int:
    """Run `once` now and after each change, until interrupted; Ctrl-C is the way to end it."""
    paths = [absolute(Path(path)) for path in arguments.paths] or [absolute(Path())]
    loop(once, lambda: state_of(paths, arguments, streams), lambda: time.sleep(_INTERVAL), streams)
    return 0


def loop(
    once: Callable[[], int],
    look: Callable[[], State],
    wait: Callable[[], None],
    streams: Streams,
) -> None:
    """The loop itself: polls, because every file system can be polled."""
    try:
        before = look()
        _run(once, streams)
        while True:
            wait()
            after = look()
            changed = sorted(
                path for path in {*before, *after} if before.get(path) != after.get(path)
            )
            if changed:
                names = ", ".join(map(display, changed[:3])) + (" …" if len(changed) > 3 else "")
                streams.message(f"\n--- changed: {names}")
                before = after
                _run(once, streams)
    except KeyboardInterrupt:
        streams.message("")


def state_of(paths: list[Path], arguments: argparse.Namespace, streams: Streams) -> State:
    """Size and time of every file that a check would read, the configuration's too."""
    state: State = {}
    for path in paths:
        try:
            location = locate(path, streams.environ, arguments.config)
        except Failure:
            # A wrong configuration is reported by the check; the named path is still watched.
            _note(state, path)
            _note(state, path / "smq.toml")
            continue
        if location.configuration_path:
            _note(state, location.configuration_path)
        for file in find_files(location.root, location.configuration):
            _note(state, file)
        _note(state, path)
    return state


def _run(once: Callable[[], int], streams: Streams) -> None:
    try:
        once()
    except Failure as failure:
        # The next change may cure it.
        streams.message(f"smq: error: {failure}", -9)
    streams.stdout.flush()


def _note(state: State, path: Path) -> None:
    try:
        status = os.stat(path)  # noqa: PTH116 - as cheap as it gets, it is asked of every file
    except OSError:
        return
    state[path] = (status.st_mtime_ns, status.st_size)
