"""The JSON Schemas of SMQ, the one source for what files may look like.

Editors read the files as they are; programs ask `schema(name)`.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

_SUFFIX = ".schema.json"


def names() -> tuple[str, ...]:
    """The schemas there are, such as `semantic-model`, `smq` and `config`."""
    found = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)))


@cache
def schema(name: str) -> dict[str, Any]:
    """The schema of that name (draft 2020-12), shared: do not change it.

    Raises KeyError for a name that is not one of `names()`.
    """
    file = files(__name__).joinpath(name + _SUFFIX)
    if not name.replace("-", "").isalnum() or not file.is_file():
        raise KeyError(name)
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return loaded
