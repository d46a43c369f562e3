"""What an endpoint can do: found out by asking, from the newest ways of the protocol down.

An endpoint that refuses a parameter is asked again without it, and that is remembered for its
address and model. Every rung ends in our own validation, so a lower one costs quality, not
correctness.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, slots=True)
class Abilities:
    """The parameters that are used with an endpoint."""

    structured: Literal["json_schema", "json_object", "text"] = "json_schema"
    tools: Literal["native", "described"] = "native"
    limit: Literal["max_completion_tokens", "max_tokens", "none"] = "max_completion_tokens"
    usage: bool = True
    """Whether `stream_options` asks for the number of tokens."""
    temperature: bool = True
    streaming: bool = True


_known: dict[tuple[str, str], Abilities] = {}


def abilities_of(base_url: str, model: str) -> Abilities:
    """What is known of an endpoint's model, or the best there could be."""
    return _known.get((base_url, model), Abilities())


def remember(base_url: str, model: str, abilities: Abilities) -> None:
    _known[base_url, model] = abilities


def forget() -> None:
    """Know nothing again."""
    _known.clear()


_STREAM = re.compile(r"\bstream(?:ing)?\b")
_STRUCTURED = ("response_format", "json_schema", "json_object", "json mode", "guided", "structured")
_TOOLS = ("tool", "function")


def without(
    abilities: Abilities, status: int, words: str, *, structured: bool, tools: bool
) -> Abilities | None:
    """The next rung after an error of that status; None when asking otherwise would not help.

    `structured` and `tools` say whether the refused request had them.
    """
    words = words.lower()
    if status not in (400, 404, 405, 415, 422, 500, 501):
        return None
    if abilities.usage and abilities.streaming and "stream_options" in words:
        return replace(abilities, usage=False)
    if abilities.streaming and _STREAM.search(words):
        return replace(abilities, streaming=False)
    if abilities.limit == "max_completion_tokens" and "max_completion_tokens" in words:
        return replace(abilities, limit="max_tokens")
    if abilities.limit == "max_tokens" and "max_tokens" in words:
        return replace(abilities, limit="none")
    if abilities.temperature and "temperature" in words:
        return replace(abilities, temperature=False)
    if structured and any(word in words for word in _STRUCTURED):
        return _less_structured(abilities)
    if tools and abilities.tools == "native" and any(word in words for word in _TOOLS):
        return replace(abilities, tools="described")
    if status in (400, 415, 422, 501):
        return _unnamed(abilities, structured, tools)
    return None


def _unnamed(abilities: Abilities, structured: bool, tools: bool) -> Abilities | None:
    """The endpoint does not say what it cannot do: the rarest ability goes first."""
    if structured and abilities.structured != "text":
        return _less_structured(abilities)
    if tools and abilities.tools == "native":
        return replace(abilities, tools="described")
    if abilities.usage and abilities.streaming:
        return replace(abilities, usage=False)
    if abilities.limit == "max_completion_tokens":
        return replace(abilities, limit="max_tokens")
    return None


def _less_structured(abilities: Abilities) -> Abilities | None:
    if abilities.structured == "json_schema":
        return replace(abilities, structured="json_object")
    if abilities.structured == "json_object":
        return replace(abilities, structured="text")
    return None
