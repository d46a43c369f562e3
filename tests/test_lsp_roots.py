"""A workspace that is read while documents are opened and closed: what it holds afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.cli import bank

from smq_server.io.uris import uri_of
from smq_server.lsp.roots import OpenDocument, Root

_DISK = '{"metrics": ["revenue"]}'
_TYPED = '{"metrics": ["half typed"]}'
_UNTITLED = "untitled:Untitled-1.smq.json"


def read(directory: Path, opened: dict[str, OpenDocument], close_after: int) -> Root:
    """The workspace, read while all documents are closed after so many steps."""
    bank(directory, q=_DISK)
    root = Root(directory, directory / "smq.toml", None)
    for step, _ in enumerate(root.index(lambda: dict(opened), lambda number: None)):
        if step == close_after:
            opened.clear()
    return root


@pytest.mark.parametrize("step", range(7))
def test_what_is_closed_while_files_are_read_is_what_the_disk_says(
    tmp_path: Path, step: int
) -> None:
    uri = uri_of(tmp_path / "q.smq.json")
    opened = {name: OpenDocument(name, _TYPED, 3) for name in (uri, _UNTITLED)}
    root = read(tmp_path, opened, step)
    assert not opened, "the workspace was read in fewer steps"
    assert root.snapshot.document(uri).text == _DISK
    assert _UNTITLED not in root.snapshot


def test_what_stays_open_is_what_was_typed(tmp_path: Path) -> None:
    uri = uri_of(tmp_path / "q.smq.json")
    opened = {name: OpenDocument(name, _TYPED, 3) for name in (uri, _UNTITLED)}
    root = read(tmp_path, opened, 1_000)
    assert root.snapshot.document(uri).text == _TYPED
    assert root.snapshot.document(_UNTITLED).text == _TYPED
