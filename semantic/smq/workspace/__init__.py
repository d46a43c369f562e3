"""The workspace as one immutable value, and how a change makes the next one.

Promises: no I/O, no clock; equal documents and configuration give an equal snapshot, however
many changes led there. Must not know: rules, editors, disks.
"""

from smq.workspace.configuration import (
    Configuration,
    DuckdbSettings,
    EngineSettings,
    PathRules,
    PostgresSettings,
)
from smq.workspace.files import File, read_file
from smq.workspace.snapshot import Change, Snapshot, build

__all__ = [
    "Change",
    "Configuration",
    "DuckdbSettings",
    "EngineSettings",
    "File",
    "PathRules",
    "PostgresSettings",
    "Snapshot",
    "build",
    "read_file",
]
