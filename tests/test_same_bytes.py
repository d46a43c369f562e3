"""The same query gives the same bytes in any process, with the SQL library compiled or not."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

PRINT_SQL = Path(__file__).parent / "support" / "print_sql.py"


def printed(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, str(PRINT_SQL)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_hash_seed_changes_a_byte() -> None:
    first = printed(PYTHONHASHSEED="0")
    assert first.count("SELECT") > 200
    for seed in ("1", "4242"):
        assert printed(PYTHONHASHSEED=seed) == first


@pytest.mark.long
def test_the_compiled_library_changes_no_byte(tmp_path: Path) -> None:
    wanted = version("sqlglot")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
            *("--target", str(tmp_path), f"sqlglot=={wanted}", f"sqlglotc=={wanted}"),
        ],
        check=True,
        capture_output=True,
    )
    compiled = subprocess.run(
        [sys.executable, "-c", "from sqlglot.expressions import core; print(core.__file__)"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not compiled.stdout.strip().endswith(".py"), "the compiled library was not loaded"
    assert printed(PYTHONPATH=str(tmp_path)) == printed()
