"""Results as files in the user's cache, for editors that can show a file and nothing else."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from urllib.parse import unquote

from smq_server.io.index import cache_directory


def write_preview(uri: str, suffix: str, text: str, directory: Path | None = None) -> Path | None:
    """Write a result that belongs to a document; its file. None when that cannot be written.

    One document has one file for each suffix, so that asking again replaces what is shown.
    """
    digest = blake2b(uri.encode(), digest_size=4).hexdigest()
    stem = unquote(uri).rsplit("/", 1)[-1].removesuffix(".smq.json")[:80] or "query"
    home = (directory or cache_directory()) / "previews"
    path = home / f"{stem}-{digest}.{suffix}"
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError:
        return None
    return path
