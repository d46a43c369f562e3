"""A model that is always right, to see that no strategy spoils a right answer.

It knows the questions and answers in the form that a request asks for: the whole answer, a step of
a graph, or calls of tools.
"""

from __future__ import annotations

import json
from typing import Any

from tests.eval.questions import Question, Smq, questions

_LISTS = ("metrics", "groupBy", "filters", "orderBy")
_NAMES = sorted(((each.text, each) for each in questions()), key=lambda pair: -len(pair[0]))
_PART = " / part "


def reply(body: dict[str, Any]) -> dict[str, Any]:
    """The right reply to a request."""
    question, part = _asked(body)
    if body.get("tools"):
        return _with_tools(body, question)
    schema = body["response_format"]["json_schema"]["schema"]
    wanted = set(schema["properties"])
    if "is_data_question" in wanted:
        return {"content": {"is_data_question": True, "reason": ""}}
    if "parts" in wanted:
        answer = question.accepted[0] if question.accepted else ()
        parts = [f"{question.text}{_PART}{at}" for at in range(len(answer))]
        return {"content": {"parts": parts if len(parts) > 1 else [question.text]}}
    if "queries" in wanted:
        return {"content": _whole(question)}
    smq = question.accepted[0][part] if question.accepted else {}
    step = {**_strict(smq), "answerable": bool(smq), "assumptions": []}
    step["reason"] = question.unanswerable or "As asked."
    return {"content": {name: step[name] for name in schema["properties"]}}


def _asked(body: dict[str, Any]) -> tuple[Question, int]:
    said = "\n".join(str(message.get("content")) for message in body["messages"])
    question = next(each for text, each in _NAMES if f"Question: {text}" in said)
    _, found, rest = said.partition(f"Question: {question.text}{_PART}")
    return question, int(rest[0]) if found else 0


def _whole(question: Question) -> dict[str, Any]:
    answer = question.accepted[0] if question.accepted else ()
    return {
        "answerable": question.unanswerable is None,
        "reason": question.unanswerable or "As asked.",
        "queries": [_strict(each) for each in answer],
        "assumptions": [],
        "alternatives": [],
    }


def _strict(smq: Smq) -> dict[str, Any]:
    """A query in the strict form, in which every key is there."""
    return {**{key: smq.get(key, []) for key in _LISTS}, "limit": smq.get("limit")}


def _with_tools(body: dict[str, Any], question: Question) -> dict[str, Any]:
    turn = sum(message["role"] == "tool" for message in body["messages"])
    if turn == 0:
        return _call("selectSemanticModelFiles", userQuery=question.text)
    if question.unanswerable is not None:
        return {"content": f"CANNOT ANSWER: {question.unanswerable}"}
    if turn == 1:
        return _call("convertSmqToSql", smq=[_strict(each) for each in question.accepted[0]])
    return {"content": "As asked."}


def _call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"tool_calls": [{"name": name, "arguments": json.dumps(arguments)}]}
