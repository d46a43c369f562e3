"""What an endpoint can do: found out by asking, from the newest ways of the protocol down.

An endpoint that refuses a parameter is asked again without it, and that is remembered for its
address and model. Every rung ends in our own validation, so a lower one costs quality, not
correctness.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Literal

from smq_server.io.files import write_text
from smq_server.io.index import cache_directory

_STRUCTURES = ("json_schema", "object_with_schema", "json_object", "text")


@dataclass(frozen=True, slots=True)
class Abilities:
    """The way of asking and the parameters that are used with an endpoint."""

    api: Literal["responses", "chat"] = "responses"
    structured: Literal["json_schema", "object_with_schema", "json_object", "text"] = "json_schema"
    """The second is how llama.cpp takes a schema."""
    tools: Literal["native", "described"] = "native"
    limit: Literal["max_completion_tokens", "max_tokens", "none"] = "max_completion_tokens"
    usage: bool = True
    """Whether `stream_options` asks for the number of tokens, which only chat completions need."""
    temperature: bool = True
    streaming: bool = True

    @property
    def is_sound(self) -> bool:
        """Whether every field has one of its values, which a file may say otherwise."""
        return (
            self.api in ("responses", "chat")
            and self.structured in _STRUCTURES
            and self.tools in ("native", "described")
            and self.limit in ("max_completion_tokens", "max_tokens", "none")
            and all(isinstance(each, bool) for each in (self.usage, self.temperature))
            and isinstance(self.streaming, bool)
        )


_DAYS = 7
"""An endpoint may have learned something new by then."""

_known: dict[tuple[str, str], Abilities] = {}


def abilities_of(base_url: str, model: str) -> Abilities:
    """What is known of an endpoint's model, or the best there could be."""
    found = _known.get((base_url, model))
    if found is None:
        found = _known[base_url, model] = _kept(base_url, model)
    return found


def pinned(abilities: Abilities, api: str) -> Abilities:
    """The abilities, asked in the way that a setting names; `auto` names none."""
    if api == abilities.api or api not in ("responses", "chat"):
        return abilities
    # What one way of asking lacks says nothing about the other.
    return Abilities(api="responses" if api == "responses" else "chat")


def remember(base_url: str, model: str, abilities: Abilities) -> None:
    """Know it from now on, also in the processes of the next days."""
    _known[base_url, model] = abilities
    value = {"since": time.time(), **asdict(abilities)}
    # A cache that cannot be written costs the next process a few refused calls, nothing else.
    with suppress(OSError):
        path = _path(base_url, model)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(value))


def forget() -> None:
    """Know nothing again, apart from what is kept for the next days."""
    _known.clear()


def _kept(base_url: str, model: str) -> Abilities:
    try:
        value = json.loads(_path(base_url, model).read_text(encoding="utf-8"))
        is_recent = 0 <= time.time() - value.pop("since") < _DAYS * 86_400
        found = Abilities(**value)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        # There is none, or it was written by somebody else: then it is found out again.
        return Abilities()
    return found if is_recent and found.is_sound else Abilities()


def _path(base_url: str, model: str) -> Path:
    name = blake2b(f"{base_url} {model}".encode(), digest_size=12).hexdigest()
    return cache_directory() / "endpoints" / f"{name}.json"


_STREAM = re.compile(r"\bstream(?:ing)?\b")
_STRUCTURED = ("response_format", "json_schema", "json_object", "json mode", "guided", "structured")
_STRUCTURED_RESPONSES = ("text.format", "'text'", *_STRUCTURED)
_TOOLS = ("tool", "function")
CHAT = Abilities(api="chat")
"""Where the Responses API ends: what it lacked does not count here."""


def without(
    abilities: Abilities, status: int, words: str, *, structured: bool, tools: bool
) -> Abilities | None:
    """The next rung after an error of that status; None when asking otherwise would not help.

    `structured` and `tools` say whether the refused request had them.
    """
    words = words.lower()
    if status not in (400, 404, 405, 415, 422, 500, 501):
        return None
    if abilities.api == "responses":
        return _without_in_responses(abilities, status, words, structured, tools)
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
    named = (
        (*_STRUCTURED, "schema") if abilities.structured == "object_with_schema" else _STRUCTURED
    )
    if structured and any(word in words for word in named):
        return _less_structured(abilities)
    if tools and abilities.tools == "native" and any(word in words for word in _TOOLS):
        return replace(abilities, tools="described")
    if status in (400, 415, 422, 501):
        return _unnamed(abilities, structured, tools)
    return None


def _without_in_responses(
    abilities: Abilities, status: int, words: str, structured: bool, tools: bool
) -> Abilities | None:
    if status in (404, 405, 501):
        return CHAT
    if abilities.streaming and _STREAM.search(words):
        return replace(abilities, streaming=False)
    if abilities.limit != "none" and "max_output_tokens" in words:
        return replace(abilities, limit="none")
    if abilities.temperature and "temperature" in words:
        return replace(abilities, temperature=False)
    if structured and any(word in words for word in _STRUCTURED_RESPONSES):
        return _less_structured(abilities) or CHAT
    if tools and abilities.tools == "native" and any(word in words for word in _TOOLS):
        return replace(abilities, tools="described")
    # More endpoints can what they say they can in chat completions than here.
    return CHAT if status != 500 or "not implemented" in words else None


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
    match abilities.structured:
        case "json_schema" if abilities.api == "chat":
            return replace(abilities, structured="object_with_schema")
        case "json_schema" | "object_with_schema":
            return replace(abilities, structured="json_object")
        case "json_object":
            return replace(abilities, structured="text")
    return None
