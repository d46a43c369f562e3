"""What the model is told, as files: one for each step, with `{{name}}` where something goes in.

The texts are data of the package, so that they can be read, compared and changed without touching
code. A placeholder without a value is a defect, and so is a value without a placeholder.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_PLACE = re.compile(r"\{\{(\w+)\}\}")


def names() -> tuple[str, ...]:
    """The prompts there are."""
    found = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".md") for name in found if name.endswith(".md")))


def render(name: str, **values: str) -> str:
    """A prompt with its places filled in. Values are put in as they are, once."""
    text = _text(name)
    wanted = set(_PLACE.findall(text))
    if wanted != values.keys():
        raise KeyError(f"{name} takes {sorted(wanted)}, not {sorted(values)}")
    return _PLACE.sub(lambda match: values[match[1]], text).strip()


@cache
def _text(name: str) -> str:
    return files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")
