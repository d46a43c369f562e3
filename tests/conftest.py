"""Fixtures that several test files share."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cli import Cli


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update",
        action="store_true",
        help="write what the cases under tests/cases/messages say now, to be reviewed as a diff",
    )


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the cache of the person who runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SMQ_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """Commands run in the test's own directory, which is its home, too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    monkeypatch.setenv("SMQ_LOG_DIR", str(tmp_path.parent / "log"))
    monkeypatch.delenv("SMQ_CONFIG", raising=False)
    return Cli(capsys, monkeypatch)


def pytest_unconfigure() -> None:
    """Commands freeze what they have read; frozen, DuckDB's objects could not go in peace."""
    gc.unfreeze()
