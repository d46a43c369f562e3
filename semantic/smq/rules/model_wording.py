"""How messages about model files name things: what lacks a key, and which words it could have."""

from __future__ import annotations

from typing import Any

from smq.rules.registry import Args

_ITEMS = frozenset(
    {
        "semantic model",
        "entity",
        "dimension",
        "measure",
        "metric",
        "model",
        "column",
        "source",
        "source table",
        "saved query",
        "export",
        "where filter",
        "custom granularity",
        "constant property",
    }
)

_SEVERAL = 12


def thing(args: Args) -> str:
    """What a shape problem is about: `dimension 'open_dt'`, "a dimension of model …"."""
    where, owner, name = str(args["where"]), str(args["owner"]), str(args["name"])
    if where == "semantic model file":
        return "this file"
    if not owner:
        return f"this {where}"
    if where == owner:
        return f"{where} '{name}'"
    if where in _ITEMS:
        return f"{article(where)} {where} of {owner} '{name}'"
    return f"`{where}` of {owner} '{name}'"


def listed(words: Any, last: str = "or") -> str:
    """`a`, `b` or `c`; of many, the first ones."""
    quoted = [f"`{word}`" for word in words]
    if len(quoted) > _SEVERAL:
        return ", ".join(quoted[:_SEVERAL]) + f" and {len(quoted) - _SEVERAL} more"
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"


def did_you_mean(args: Args) -> str:
    """A further sentence for the nearest word, with a space before it; nothing without any."""
    near = args.get("nearest") or ()
    return f" Did you mean `{near[0]}`?" if near else ""


def article(word: str) -> str:
    """`a` or `an`, as the word needs it."""
    return "an" if word[0] in "aeiou" else "a"


def capital(text: str) -> str:
    """The text with a capital first letter, and the rest as it is."""
    return text[:1].upper() + text[1:]
