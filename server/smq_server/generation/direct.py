"""The strategy `direct`: models and question go in, queries come out, mistakes go back."""

from __future__ import annotations

from smq_server.generation import prompts
from smq_server.generation.answer import SHAPE, Answer, read_answer
from smq_server.generation.chat import Message, Request
from smq_server.generation.failure import GenerationFailure
from smq_server.generation.knowledge import whole_or_near
from smq_server.generation.result import Alternative, NoAnswer, Proposal
from smq_server.generation.task import Task
from smq_server.generation.validation import ValidQuery, judge

_CONTRADICTION = (
    "The answer says that the question is not answerable, and gives a query all the same: either "
    "`answerable` is true, or `queries` is empty."
)


async def answer(task: Task) -> Proposal | NoAnswer:
    """Ask once, and again for each repair. Raises GenerationFailure when repairs do not help."""
    task.tell("Choosing models")
    known = whole_or_near(task.question, task.snapshot, task.settings.prompt_tokens)
    task.note("select", files=known.reasons, left_out=known.left_out)
    turns = [task.language(), Message("user", first_turn(task, known.text))]
    problems: tuple[str, ...] = ()
    for attempt in range(task.settings.repairs + 1):
        task.tell("Asking the model" if attempt == 0 else f"Repairing ({attempt})")
        purpose = "ask" if attempt == 0 else f"repair {attempt}"
        reply = await task.ask(Request(purpose, tuple(turns), answer=SHAPE))
        turns.append(Message("assistant", reply.text))
        found = read_answer(reply.text)
        if found is None:
            problems = ("The answer is no JSON of the wanted shape.",)
            turns.append(Message("user", prompts.render("not_json")))
            continue
        if not found.answerable and not (found.has_queries and attempt < task.settings.repairs):
            return NoAnswer(found.reason)
        if not found.answerable:
            # Small models say no and answer all the same: which of the two is theirs to say.
            problems = (_CONTRADICTION,)
            turns.append(Message("user", repair_turn(problems)))
            continue
        task.tell("Compiling")
        judged = judge(found.queries, task.question, task.snapshot, task.said)
        task.note("compile", judged.problems, queries=[dict(state) for state in judged.states])
        if judged.queries:
            return proposal(task, found, judged.queries, judged.adjustments)
        problems = judged.problems
        turns.append(Message("user", repair_turn(problems)))
    raise not_mended(task, problems)


def first_turn(task: Task, models: str) -> str:
    """The question among what it is about."""
    current = f"\n{task.subject}\n" if task.subject else ""
    return prompts.render("direct", models=models, current=current, question=task.question)


def repair_turn(problems: tuple[str, ...]) -> str:
    return prompts.render("repair", problems="\n".join(f"- {problem}" for problem in problems))


def proposal(
    task: Task, found: Answer, queries: tuple[ValidQuery, ...], adjustments: tuple[str, ...]
) -> Proposal:
    """An answer whose queries compile; its alternatives count only if they do as well."""
    alternatives = []
    for meaning, query in found.alternatives:
        judged = judge([query], task.question, task.snapshot, task.said)
        if len(judged.queries) == 1 and judged.queries[0] not in queries:
            alternatives.append(Alternative(meaning, judged.queries[0]))
    return Proposal(queries, found.reason, found.assumptions, adjustments, tuple(alternatives))


def not_mended(task: Task, problems: tuple[str, ...]) -> GenerationFailure:
    """Why a strategy gives up on a model's answers."""
    times = task.settings.repairs + 1
    tries = "1 answer" if times == 1 else f"{times} answers"
    return GenerationFailure(
        "invalid",
        f"None of the model's {tries} gives a query that compiles. The last one: {problems[0]}",
        problems,
    )
