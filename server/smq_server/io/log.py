"""Where the program writes down its own defects."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path


def log_directory() -> Path:
    """The user's directory for state of this program, by the custom of the system."""
    chosen = os.environ.get("SMQ_LOG_DIR")
    if chosen:
        return Path(chosen)
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "smq" / "log"
    if sys.platform == "darwin":
        return home / "Library" / "Logs" / "smq"
    return Path(os.environ.get("XDG_STATE_HOME") or home / ".local" / "state") / "smq" / "log"


def write_log(text: str) -> Path | None:
    """Write a new log file and return it; None when no directory can be written."""
    import tempfile  # only a failing run needs it

    name = f"smq-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    for directory in (log_directory(), Path(tempfile.gettempdir())):
        try:
            directory.mkdir(parents=True, exist_ok=True)
            path = directory / name
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except (OSError, RuntimeError):
            continue
        return path
    return None
