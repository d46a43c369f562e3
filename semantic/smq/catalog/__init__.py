"""What a warehouse holds, as values, and how the cache object becomes them.

Promises: pure, and cheap for what nobody looks at; unknown is a value of its own, with its
reason. Must not know: files, networks, clocks, models and queries.
"""

from smq.catalog.read import LARGEST, Unreadable, read_cache
from smq.catalog.semantic import MemberName, MetricName, ModelName, SemanticNames
from smq.catalog.snapshot import CatalogSnapshot, Known, Source, Unknown, known_tables
from smq.catalog.tables import Column, ForeignKey, Shards, Table
from smq.catalog.words import age_words, collected, synced

__all__ = [
    "LARGEST",
    "CatalogSnapshot",
    "Column",
    "ForeignKey",
    "Known",
    "MemberName",
    "MetricName",
    "ModelName",
    "SemanticNames",
    "Shards",
    "Source",
    "Table",
    "Unknown",
    "Unreadable",
    "age_words",
    "collected",
    "known_tables",
    "read_cache",
    "synced",
]
