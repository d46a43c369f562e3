"""What the metadata cache of a workspace says, for commands that use it."""

from __future__ import annotations

from smq.catalog import CatalogSnapshot, Unknown
from smq.catalog.words import collected
from smq_server.cli.streams import Streams
from smq_server.io.warehouse import load_catalog
from smq_server.io.workspace import Location


def warehouse_of(location: Location, streams: Streams) -> CatalogSnapshot:
    """The catalogue of a workspace; that it is unknown or old is said once, on stderr."""
    found = load_catalog(location.configuration, location.root, streams.environ)
    if isinstance(found, Unknown):
        if found.reason != "not-configured":
            streams.message(f"note: names are not compared with the warehouse. {found.detail}")
    elif found.state == "expired":
        streams.message(
            f"note: the warehouse may be another by now. {collected(found)} "
            "`smq metasync sync` renews the cache."
        )
    else:
        streams.message(f"warehouse: {len(found):,} tables. {collected(found)}", verbosity=1)
    return found
