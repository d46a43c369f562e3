"""Fixtures that several test files share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.cli import Cli


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """Commands run in the test's own directory, which is its home, too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    monkeypatch.setenv("SMQ_LOG_DIR", str(tmp_path.parent / "log"))
    monkeypatch.delenv("SMQ_CONFIG", raising=False)
    return Cli(capsys, monkeypatch)
