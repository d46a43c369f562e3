"""Where the language model is and which key opens it, from settings and environment.

The key is only ever in the environment. `OPENAI_API_KEY` is one that many people have set for
everything: it goes to the vendor or to where the environment says, and never to an address that
a workspace's file names, because a workspace may be somebody else's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from smq.workspace import Configuration, LlmSettings
from smq_server.generation.failure import GenerationFailure
from smq_server.io.configuration import environment_name

KEY, VENDOR_KEY, VENDOR_URL = "SMQ_LLM_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"
_OWN_URL = environment_name(("llm", "base_url"))
_NO_KEY = "none"
"""Endpoints on one's own machine want no key, and the client does not start without one."""


@dataclass(frozen=True, slots=True)
class Connection:
    """An endpoint and a model of it; `base_url` is None for the vendor's own."""

    model: str
    base_url: str | None
    key: str = field(repr=False)
    settings: LlmSettings

    @property
    def place(self) -> str:
        """The endpoint as messages name it."""
        return self.base_url or "the vendor's endpoint"

    def scrubbed(self, text: str) -> str:
        """The text without the key, on one line, in case an endpoint repeats it."""
        words = " ".join(text.split())
        if self.key != _NO_KEY:
            words = words.replace(self.key, "…")
        return words[:300]


def connection(configuration: Configuration, environ: Mapping[str, str]) -> Connection:
    """The endpoint that is configured. Raises GenerationFailure saying what to set."""
    settings = configuration.llm
    if not settings.model:
        raise GenerationFailure("not-configured", how_to_configure())
    from_file = settings.base_url is not None and environ.get(_OWN_URL) != settings.base_url
    base_url = settings.base_url or environ.get(VENDOR_URL) or None
    key = environ.get(KEY) or (environ.get(VENDOR_KEY) if not from_file else None)
    if not key and base_url is None:
        raise GenerationFailure(
            "not-configured",
            f"The model {settings.model} needs a key: set {KEY} or {VENDOR_KEY} in the "
            "environment, or llm.base_url in smq.toml for an endpoint of your own.",
        )
    return Connection(settings.model, base_url, key or _NO_KEY, settings)


def is_configured(configuration: Configuration) -> bool:
    """Whether there is a model to ask at all."""
    return bool(configuration.llm.model)


def how_to_configure() -> str:
    return (
        "No language model is configured. Set llm.model in smq.toml, llm.base_url if it is not the "
        f"vendor's, and the key as {KEY} in the environment."
    )
