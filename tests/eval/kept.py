"""Files of answers: what a model said to each question, and what came of it.

`recorded` says which model it was and what it cost; files that were written by hand have none of
it. `asked` holds a mark of each request, so that a replay can tell whether the model was asked
what is asked today.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def read(file: Path) -> Json:
    found: Json = json.loads(file.read_text(encoding="utf-8"))
    found.setdefault("strategy", file.stem)
    return found


def write(file: Path, kept: Mapping[str, Any]) -> None:
    """Whole or not at all, so that a recording can be broken off at any time."""
    draft = file.with_name(file.name + ".part")
    draft.write_text(text_of(kept), encoding="utf-8")
    draft.replace(file)


def text_of(kept: Mapping[str, Any]) -> str:
    """A file as people review it: one line for each reply."""
    heads = [f"{_line(k)}: {_line(v)}" for k, v in kept.items() if k != "questions"]
    questions = [_question(name, entry) for name, entry in kept["questions"].items()]
    heads.append('"questions": {\n  ' + ",\n  ".join(questions) + "\n }")
    return "{\n " + ",\n ".join(heads) + "\n}\n"


def _question(name: str, entry: Mapping[str, Any]) -> str:
    lists = ("replies", "exchanges")
    lines = [f"{_line(k)}: {_line(v)}" for k, v in entry.items() if k not in lists]
    for key in lists:
        if key in entry:
            replies = ",\n    ".join(map(_line, entry[key]))
            lines.append(f'"{key}": [\n    {replies}\n   ]')
    return f"{_line(name)}: {{\n   " + ",\n   ".join(lines) + "\n  }"


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def mark_of(body: Mapping[str, Any]) -> str:
    """A few letters that stand for all that a request says, whichever way it was asked."""
    turns = body["messages"] if "messages" in body else body["input"]
    said = [str(turn.get("content") or turn.get("output") or "") for turn in turns]
    return blake2b("\0".join(filter(None, said)).encode(), digest_size=4).hexdigest()


def step_of(body: Mapping[str, Any]) -> str:
    """The name of the shape that a request wants, which is that of a graph's step."""
    chat = (body.get("response_format") or {}).get("json_schema") or {}
    shape = chat or (body.get("text") or {}).get("format") or {}
    name = shape.get("name")
    return name if isinstance(name, str) else ""
