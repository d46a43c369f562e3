"""Which metadata cache belongs to a workspace, and a reader of it.

Nothing is read here. Where no cache is configured and none lies in the usual place, there is no
reader, and what the warehouse holds is unknown without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from smq.catalog import CatalogSnapshot, Unknown
from smq.workspace import Configuration
from smq_metasync.location import configured_location
from smq_server.io.discovery import CACHE
from smq_server.io.index import cache_directory

if TYPE_CHECKING:
    from smq_metasync.client import Reader


def cache_location(configuration: Configuration, root: Path, environ: Mapping[str, str]) -> str:
    """Where the workspace's cache is, as people write it; empty when there is none."""
    configured = configured_location(configuration.metasync.cache, environ)
    if configured:
        return configured
    return str(CACHE) if (root / CACHE).is_file() else ""


def open_reader(
    location: str,
    root: Path,
    *,
    offline: bool = False,
    changed: Callable[[], object] = lambda: None,
    background: Callable[[Callable[[], None]], object] | None = None,
) -> Reader:
    """A reader of the cache at a location, which has read nothing yet.

    Last good copies of remote caches are kept in the user's own cache directory.
    """
    # Only workspaces with a cache pay for this.
    from smq_metasync.client import Reader, in_background
    from smq_metasync.copies import copy_path
    from smq_metasync.fetching import PublishedCache

    store = PublishedCache(location, root)
    return Reader(
        store,
        copy_path(cache_directory(), store.url),
        offline=offline,
        changed=changed,
        background=background or in_background,
    )


def load_catalog(
    configuration: Configuration, root: Path, environ: Mapping[str, str], timeout: float = 10.0
) -> CatalogSnapshot:
    """What the workspace's cache says, for a program that runs once.

    A remote cache is waited for so many seconds at most; after that the last good copy has to do.
    """
    location = cache_location(configuration, root, environ)
    if not location:
        return Unknown()
    reader = open_reader(location, root)
    found = reader.load(timeout if reader.is_remote else None)
    if isinstance(found, Unknown) and found.reason == "loading":
        return Unknown(
            "unreachable", f"The metadata cache at {location} did not answer in {timeout:.0f} s."
        )
    return found
