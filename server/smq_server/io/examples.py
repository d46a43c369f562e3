"""The example workspaces that come with the program."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from smq_server.io.failure import Failure

EXAMPLES = ("bank", "shop")


def example(name: str) -> Path:
    """An example's directory: inside an installed package, or in the repository.

    Raises Failure when the installation was made without it.
    """
    installed = Path(str(files("smq_server"))) / "examples" / name
    if installed.is_dir():
        return installed
    in_repository = Path(__file__).resolve().parents[3] / "examples" / name
    if in_repository.is_dir():
        return in_repository
    raise Failure(f"the example '{name}' is missing from this installation")
