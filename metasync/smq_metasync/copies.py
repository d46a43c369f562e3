"""The last good cache object on this computer's disk, for a start without a network.

One file: a line about the object, then its bytes. Whatever is odd about it means that there is
no copy; it can be deleted or damaged at any time and costs nothing but a request.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from smq.catalog.read import LARGEST
from smq_metasync.fetching import Fetched

_FORMAT = "smq-cache-copy-1"


def copy_path(directory: Path, url: str) -> Path:
    """Where the copy of a store's object is kept below a user's cache directory."""
    return directory / "metasync" / f"{blake2b(url.encode(), digest_size=12).hexdigest()}.copy"


def confirm_copy(path: Path) -> None:
    """Note that the store still has what the copy says."""
    with suppress(OSError):
        os.utime(path)


def confirmed_at(path: Path) -> datetime | None:
    """When the store last said so; None without a copy."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, OverflowError, ValueError):
        return None


def read_copy(path: Path) -> Fetched | None:
    """The copy, if there is a whole one."""
    try:
        if path.stat().st_size > LARGEST + 10_000:
            return None
        head, _, data = path.read_bytes().partition(b"\n")
        about = json.loads(head)
        if about["format"] != _FORMAT or about["digest"] != _digest(data):
            return None
        return Fetched(data, str(about["generation"]), datetime.fromisoformat(about["updated"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_copy(path: Path, fetched: Fetched) -> bool:
    """Keep a copy, in one step; whether that was possible."""
    about = {
        "format": _FORMAT,
        "generation": fetched.generation,
        "updated": fetched.updated.isoformat(),
        "digest": _digest(fetched.data),
    }
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, temporary = tempfile.mkstemp(prefix=".", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(about).encode() + b"\n")
            file.write(fetched.data)
        Path(temporary).replace(path)
        temporary = None
    except OSError:
        return False
    finally:
        if temporary is not None:
            with suppress(OSError):
                Path(temporary).unlink()
    return True


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
