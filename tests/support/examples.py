"""The example workspaces, copied to where a test may change them."""

from __future__ import annotations

import shutil
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def copy_example(name: str, target: Path) -> Path:
    """The workspace's files in the target directory; returns the directory of its queries."""
    shutil.copytree(EXAMPLES / name, target, dirs_exist_ok=True)
    return target / "queries"
