"""The strategy `tools`: the model looks, converts and edits by itself, in bounded turns."""

from __future__ import annotations

import json
from collections import Counter

from smq_server.generation import prompts
from smq_server.generation.answer import read_answer
from smq_server.generation.chat import Message, Reply, Request, ToolCall
from smq_server.generation.failure import GenerationFailure
from smq_server.generation.result import NoAnswer, Proposal
from smq_server.generation.task import Task
from smq_server.generation.toolbox import CONVERT, TOOLS, Toolbox

_MOST_CALLS_AT_ONCE = 8
_REPEATS = 3
_CANNOT = "CANNOT ANSWER"
_MORE_TURNS = 8
"""Turns for looking and converting, beside those for repairs."""


async def answer(task: Task) -> Proposal | NoAnswer:
    """Talk until the queries compile. Raises GenerationFailure when the turns are used up."""
    box = Toolbox(task.question, task.snapshot, task.settings.prompt_tokens, task.said)
    language = task.language()
    system = f"{language.text}\n\n{prompts.render('tools')}"
    question = f"Question: {task.question}"
    if task.current is not None:
        question = f"{task.subject}\n\n{question}"
        box.start_with((dict(task.current),))
    turns = [Message("system", system), Message("user", question)]
    seen: Counter[tuple[str, str]] = Counter()
    nudges = 0
    for number in range(_MORE_TURNS + 2 * task.settings.repairs):
        task.tell("Asking the model" if number == 0 else "Talking with the model")
        reply = await task.ask(Request(f"turn {number + 1}", tuple(turns), TOOLS))
        if reply.calls:
            turns.extend(_answered(task, box, reply, seen))
            continue
        found = _end(box, reply)
        if found is not None:
            return found
        nudges += 1
        if nudges > task.settings.repairs:
            break
        turns.append(Message("assistant", reply.text))
        turns.append(Message("user", prompts.render("not_done", state=_told(box))))
    problems = box.judged.problems if box.judged is not None else ()
    last = f" The last one: {problems[0]}" if problems else ""
    raise GenerationFailure(
        "invalid", f"The model has come to no query that compiles.{last}", tuple(problems)
    )


def _answered(
    task: Task, box: Toolbox, reply: Reply, seen: Counter[tuple[str, str]]
) -> list[Message]:
    """The model's turn, and an answer for each of its calls."""
    calls = _told_apart(reply.calls)
    turns = [Message("assistant", reply.text, calls)]
    for number, call in enumerate(calls):
        seen[call.name, call.arguments] += 1
        if seen[call.name, call.arguments] > _REPEATS:
            raise GenerationFailure(
                "invalid", f"The model goes in circles: it calls {call.name[:60]} again and again."
            )
        if number >= _MOST_CALLS_AT_ONCE:
            said = json.dumps({"error": "These are too many calls at once."})
        else:
            task.tell(_STEPS.get(call.name, "Compiling"))
            said = box.call(call.name, call.arguments)
        problems = box.judged.problems if box.judged is not None else ()
        task.note(f"tool {call.name[:60]}", problems, arguments=call.arguments, answer=said)
        turns.append(Message("tool", said, call_id=call.id))
    return turns


_STEPS = {"selectSemanticModelFiles": "Choosing models"}


def _told_apart(calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
    """Some endpoints give all calls one id, and then no answer could be told from another."""
    if len({call.id for call in calls}) == len(calls):
        return calls
    return tuple(
        ToolCall(f"{call.id}_{number}", call.name, call.arguments)
        for number, call in enumerate(calls)
    )


def _end(box: Toolbox, reply: Reply) -> Proposal | NoAnswer | None:
    """What a turn without calls comes to; None when it comes to nothing."""
    words = reply.text.strip()
    before, cannot, reason = words.partition(_CANNOT)
    if cannot and len(before) < 40:
        return NoAnswer(reason.lstrip(": ").strip())
    if box.judged is None or box.judged.problems:
        # Models that know no tools write the query instead of converting it.
        written = read_answer(words)
        if written is not None and written.answerable and written.queries:
            box.convert(written.queries)
            words = written.reason
        elif written is not None and not written.answerable and not written.has_queries:
            return NoAnswer(written.reason)
    if box.judged is not None and box.judged.queries:
        return Proposal(box.judged.queries, words, (), box.judged.adjustments)
    return None


def _told(box: Toolbox) -> str:
    if box.judged is None:
        return f"Call {CONVERT} with your query."
    return "What is wrong: " + " ".join(box.judged.problems)
