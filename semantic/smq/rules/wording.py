"""How messages name things: names in quotes, lists that can be read aloud, what was meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from smq.rules.slips import likeliest

LISTED = 5
"""Longer lists are cut, because a message is read and not studied."""


def quoted(names: Iterable[str]) -> list[str]:
    return [f"'{name}'" for name in names]


def joined(parts: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`; the end of a long list is counted."""
    shown = list(parts[:LISTED])
    rest = len(parts) - len(shown)
    if rest:
        shown.append(f"{rest} more")
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} {last} {shown[-1]}"


def listed(names: Iterable[str], last: str = "and") -> str:
    """`'a', 'b' and 'c'`."""
    return joined(quoted(names), last)


def did_you_mean(near: Iterable[str], written: str = "") -> str:
    """A further sentence for the nearest names, with a space before it; nothing without any."""
    names = likeliest(written, near)
    return f" Did you mean {listed(names, 'or')}?" if names else ""


def plural(count: int, one: str, several: str | None = None) -> str:
    """`1 row`, `2 rows`, `no rows`."""
    many = several or f"{one}s"
    return f"no {many}" if count == 0 else f"{count} {one if count == 1 else many}"


def cannot_be_said(args: Mapping[str, Any]) -> str:
    """What an engine's SQL has no words for, with `feature`, `reason` and `dialect`."""
    if args["reason"] == "as told":
        return f"This cannot be said in {args['dialect']}: {args['feature']}."
    why = {
        "not yet": f"cannot be written for {args['dialect']} yet",
        "the engine cannot": f"cannot be said in {args['dialect']}",
        "never": "has no meaning there",
    }.get(args["reason"], f"cannot be written for {args['dialect']}")
    feature = args["feature"]
    return f"{feature[:1].upper()}{feature[1:]} {why}."
