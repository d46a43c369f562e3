"""What is generated is as fresh as its sources."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

_REPOSITORY = Path(__file__).parent.parent


def _generator() -> ModuleType:
    path = _REPOSITORY / "docs" / "generate.py"
    spec = importlib.util.spec_from_file_location("generate", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_files_are_fresh() -> None:
    stale = [str(path.relative_to(_REPOSITORY)) for path in _generator().stale()]
    assert stale == [], "run: python docs/generate.py"
