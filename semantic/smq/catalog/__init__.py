"""What a warehouse holds, as values, and how the cache object becomes them.

Promises: pure, and cheap for what nobody looks at; unknown is a value of its own, with its
reason. Must not know: files, networks, clocks, models and queries.

Here is what every workspace has, also the many that know nothing of a warehouse. The values of a
catalogue are in `tables` and `semantic`, its reader is in `read`, words about its age in `words`.
"""

from smq.catalog.snapshot import CatalogSnapshot, Known, Source, Unknown, known_tables

__all__ = ["CatalogSnapshot", "Known", "Source", "Unknown", "known_tables"]
