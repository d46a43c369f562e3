"""The workspace as one immutable value, and how a change makes the next one.

Promises: no I/O, no clock; equal documents and configuration give an equal snapshot, however
many changes led there. Must not know: rules, editors, disks.
"""

from smq.workspace.configuration import (
    BigquerySettings,
    Configuration,
    DuckdbSettings,
    EngineSettings,
    LlmSettings,
    MetasyncSettings,
    PathRules,
    PostgresSettings,
)
from smq.workspace.files import File, read_file
from smq.workspace.snapshot import Change, Snapshot, build

__all__ = [
    "BigquerySettings",
    "Change",
    "Configuration",
    "DuckdbSettings",
    "EngineSettings",
    "File",
    "LlmSettings",
    "MetasyncSettings",
    "PathRules",
    "PostgresSettings",
    "Snapshot",
    "build",
    "read_file",
]
