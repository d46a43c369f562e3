"""What the browser loads: the files of the page, made by `make playground`."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from smq_server.io.failure import Failure

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".ttf": "font/ttf",
    ".svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self' blob:; connect-src 'self'; "
    "style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page loads nothing from anywhere else; the editor writes styles of its own."""


class Asset(NamedTuple):
    """A file of the page with the headers it is sent with."""

    body: bytes
    headers: dict[str, str]


def read_page() -> dict[str, Asset]:
    """The whole page by path, `/` among them. Raises Failure while it has not been built."""
    directory = Path(str(files("smq_server.playground"))) / "static"
    found = (
        {
            f"/{path.name}": Asset(path.read_bytes(), _headers(_TYPES[path.suffix]))
            for path in sorted(directory.iterdir())
            if path.suffix in _TYPES
        }
        if directory.is_dir()
        else {}
    )
    if "/index.html" not in found:
        raise Failure(
            "the playground's page is not part of this installation; in a copy of the repository, "
            "`make playground` builds it (Node.js and npm are needed once)"
        )
    found["/"] = found["/index.html"]
    return found


def json_headers() -> dict[str, str]:
    """For what the page asks of this server."""
    return _headers("application/json; charset=utf-8")


def _headers(content_type: str) -> dict[str, str]:
    return {
        "Content-Type": content_type,
        "Cache-Control": "no-store",
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
