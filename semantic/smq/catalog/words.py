"""How old a cache is, in words that fit behind a name."""

from __future__ import annotations

from datetime import UTC

from smq.catalog.snapshot import Known


def age_words(seconds: float) -> str:
    """`5 minutes old`, `3 hours old`, `12 days old`: rounded down, never less than a minute."""
    minutes = max(1, int(seconds // 60))
    for size, one in ((60 * 24, "day"), (60, "hour"), (1, "minute")):
        if minutes >= 2 * size or size == 1:
            count = minutes // size
            return f"{count} {one}{'' if count == 1 else 's'} old"
    raise AssertionError


def synced(known: Known) -> str:
    """`MetaSync, 3 hours old`; an expired cache says so."""
    if known.age is None:
        return "MetaSync, of unknown age"
    expired = ", expired" if known.state == "expired" else ""
    return f"MetaSync, {age_words(known.age)}{expired}"


def collected(known: Known) -> str:
    """The same as a sentence with the moment: for hovers and notices."""
    if known.taken_at is None:
        return "Collected by MetaSync; the cache does not say when."
    moment = known.taken_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    age = f", {age_words(known.age)}" if known.age is not None else ""
    expired = " and expired" if known.state == "expired" else ""
    return f"Collected by MetaSync {moment}{age}{expired}."
