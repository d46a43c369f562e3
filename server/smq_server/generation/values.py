"""A result as plain JSON values, the same for the command line, editors and agents.

`schemas/smq_schemas/generate-output.schema.json` says what they look like.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from smq_server.generation.knowledge import NearMetric
from smq_server.generation.result import Declined, Failed, Generated, Result, Step, WrittenSql
from smq_server.generation.validation import ValidQuery

VERSION = 1


def values(result: Result, *, with_steps: bool = False) -> dict[str, Any]:
    """The result; with its steps, which hold everything that was sent."""
    found: dict[str, Any] = {
        "version": VERSION,
        "question": result.question,
        "strategy": result.strategy,
        "model": result.model,
    }
    match result:
        case Generated():
            found |= {
                "status": "generated",
                "queries": [_query(query) for query in result.queries],
                "explanation": result.explanation,
                "assumptions": list(result.assumptions),
                "adjustments": list(result.adjustments),
                "alternatives": [
                    {"meaning": other.meaning, **_query(other.query)}
                    for other in result.alternatives
                ],
            }
        case WrittenSql():
            found |= {
                "status": "sql",
                "sql": result.sql,
                "dialect": result.dialect,
                "tables": list(result.tables),
                "planned": result.is_planned,
                "explanation": result.explanation,
                "assumptions": list(result.assumptions),
            }
        case Declined():
            found |= {
                "status": "declined",
                "reason": result.reason,
                "nearest": [_near(each) for each in result.nearest],
            }
        case Failed():
            found |= {
                "status": "failed",
                "kind": result.kind,
                "message": result.message,
                "details": list(result.details),
                "nearest": [_near(each) for each in result.nearest],
            }
    found["spent"] = {
        "calls": result.spent.calls,
        "tokens_sent": result.spent.usage.sent,
        "tokens_received": result.spent.usage.received,
        "seconds": round(result.spent.seconds, 3),
    }
    if with_steps:
        found["steps"] = [_step(step) for step in result.steps]
    return found


def prompt_text(body: Mapping[str, Any]) -> str:
    """The first request of a question for people: each message, and then the other parameters."""
    # It is words alone, in both ways of asking.
    said = "messages" if "messages" in body else "input"
    parts = [f"--- {message['role']}\n{message['content']}\n" for message in body[said]]
    rest = {key: value for key, value in body.items() if key != said}
    parts.append(f"--- parameters\n{json.dumps(rest, ensure_ascii=False, indent=2)}\n")
    return "".join(parts)


def _query(query: ValidQuery) -> dict[str, Any]:
    return {"smq": dict(query.smq), "sql": query.sql, "columns": list(query.columns)}


def _near(metric: NearMetric) -> dict[str, Any]:
    return {"name": metric.name, "label": metric.label}


def _step(step: Step) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": step.name,
        "problems": list(step.problems),
        "state": dict(step.state),
    }
    if step.request is not None:
        found["asked"] = [
            {
                "role": message.role,
                "text": message.text,
                **(
                    {"calls": [{"name": c.name, "arguments": c.arguments} for c in message.calls]}
                    if message.calls
                    else {}
                ),
            }
            for message in step.request.messages
        ]
        found["said"] = step.said
    return found
