"""The strategy `graph`: the question taken apart in small steps, as a LangGraph.

classify → split → for each part at once: select → metrics → filters and order → build → compile →
(mend →) … → answer. Every node is a function of the task and the state to what it changes. States
are plain JSON, and each node's is in the steps of the result, so that any node can be looked at
and, with `replay`, done again.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypedDict

from smq_server.generation import prompts
from smq_server.generation.answer import QUERY, closed, described, strings
from smq_server.generation.chat import AnswerShape, Message, Request, estimated_tokens
from smq_server.generation.failure import GenerationFailure
from smq_server.generation.knowledge import whole_or_near
from smq_server.generation.reading import json_objects
from smq_server.generation.result import NoAnswer, Proposal
from smq_server.generation.task import Task
from smq_server.generation.validation import judge

_MOST_PARTS = 4
_METRICS_SHOWN = 2000
"""Tokens of metrics that the first step sees."""
_INSTALL = "pip install 'smq[graph]'"


class Part(TypedDict, total=False):
    """What is known of one sub-question. `proposed` are the queries before they were judged."""

    question: str
    models: str
    answerable: bool
    reason: str
    metrics: list[str]
    groupBy: list[str]
    filters: list[str]
    orderBy: list[str]
    limit: int | None
    assumptions: Annotated[list[str], operator.add]
    proposed: list[Any]
    queries: list[dict[str, Any]]
    problems: list[str]
    mended: int


class State(TypedDict, total=False):
    """What is known of the whole question."""

    question: str
    is_data: bool
    reason: str
    parts: list[str]
    answers: Annotated[list[Part], operator.add]


Update = dict[str, Any]
Node = Callable[[Task, Mapping[str, Any]], Awaitable[Update]]


async def answer(task: Task) -> Proposal | NoAnswer:
    """Go through the graph once. Raises GenerationFailure when no part comes to a query."""
    graph, untraced = _import()
    built = _build(task, graph)
    with untraced(enabled=False):
        final: State = await built.ainvoke({"question": task.question})
    if not final.get("is_data", True):
        return NoAnswer(final.get("reason", ""))
    return _together(task, final)


async def replay(task: Task, node: str, state: Mapping[str, Any]) -> Update:
    """Do one node again, with a state from the steps of a result. Raises KeyError for no node."""
    return await _NODES[node](task, state)


# The nodes of the whole question.


async def _classify(task: Task, state: Mapping[str, Any]) -> Update:
    task.tell("Looking at the question")
    known = whole_or_near(state["question"], task.snapshot, _room(task))
    words = prompts.render(
        "classify", metrics=_some_metrics(known.text), question=state["question"]
    )
    found = await _asked(task, "classify", words, _CLASSIFIED)
    is_data = found.get("is_data_question")
    # In doubt it is one: the next steps know more.
    return {"is_data": is_data is not False, "reason": _text(found.get("reason"))}


async def _split(task: Task, state: Mapping[str, Any]) -> Update:
    words = prompts.render("split", most=str(_MOST_PARTS), question=state["question"])
    found = await _asked(task, "split", words, _PARTS)
    parts = [part.strip() for part in strings(found.get("parts")) if part.strip()]
    parts = list(dict.fromkeys(parts))[:_MOST_PARTS]
    # One part is the question itself, in the words of the person.
    return {"parts": parts if len(parts) > 1 else [state["question"]]}


# The nodes of a part.


async def _select(task: Task, state: Mapping[str, Any]) -> Update:
    task.tell("Choosing models")
    return {"models": whole_or_near(state["question"], task.snapshot, _room(task)).text}


async def _metrics(task: Task, state: Mapping[str, Any]) -> Update:
    task.tell("Choosing metrics and dimensions")
    words = prompts.render("metrics", models=state["models"], question=_question(task, state))
    found = await _asked(task, "metrics", words, _CHOSEN)
    return {
        "answerable": found.get("answerable") is not False,
        "reason": _text(found.get("reason")),
        "metrics": list(strings(found.get("metrics"))),
        "groupBy": list(strings(found.get("groupBy"))),
    }


async def _filters(task: Task, state: Mapping[str, Any]) -> Update:
    task.tell("Choosing filters and order")
    words = prompts.render(
        "filters",
        models=state["models"],
        query=_so_far(state),
        question=_question(task, state),
    )
    found = await _asked(task, "filters", words, _FILTERED)
    return {
        "filters": list(strings(found.get("filters"))),
        "assumptions": list(strings(found.get("assumptions"))),
    }


async def _order(task: Task, state: Mapping[str, Any]) -> Update:
    words = prompts.render("order", query=_so_far(state), question=_question(task, state))
    found = await _asked(task, "order", words, _ORDERED)
    return {"orderBy": list(strings(found.get("orderBy"))), "limit": found.get("limit")}


async def _put_together(task: Task, state: Mapping[str, Any]) -> Update:
    keys = ("metrics", "groupBy", "filters", "orderBy", "limit")
    return {"proposed": [{key: state.get(key) for key in keys}], "mended": 0}


async def _compile(task: Task, state: Mapping[str, Any]) -> Update:
    task.tell("Compiling")
    judged = judge(state["proposed"], state["question"], task.snapshot, task.said)
    return {
        "queries": [dict(query.smq) for query in judged.queries],
        "problems": list(judged.problems),
    }


async def _mend(task: Task, state: Mapping[str, Any]) -> Update:
    task.tell("Repairing")
    words = prompts.render(
        "mend",
        models=state["models"],
        query=json.dumps(state["proposed"], ensure_ascii=False),
        problems="\n".join(f"- {problem}" for problem in state["problems"]),
        question=_question(task, state),
    )
    found = await _asked(task, "mend", words, _MENDED)
    queries = found.get("queries")
    return {
        "answerable": found.get("answerable") is not False,
        "reason": _text(found.get("reason")) or state.get("reason", ""),
        "proposed": queries if isinstance(queries, list) and queries else state["proposed"],
        "mended": state["mended"] + 1,
    }


_NODES: dict[str, Node] = {
    "classify": _classify,
    "split": _split,
    "select": _select,
    "metrics": _metrics,
    "filters": _filters,
    "order": _order,
    "build": _put_together,
    "compile": _compile,
    "mend": _mend,
}


# The graph.


def _build(task: Task, graph: Any) -> Any:
    part = graph.StateGraph(Part)
    for name in ("select", "metrics", "filters", "order", "build", "compile", "mend"):
        part.add_node(name, _noted(task, name))
    part.add_edge(graph.START, "select")
    part.add_edge("select", "metrics")
    part.add_conditional_edges("metrics", _after_metrics(graph), ["filters", "order", graph.END])
    part.add_edge(["filters", "order"], "build")
    part.add_edge("build", "compile")
    part.add_conditional_edges("compile", _after_compile(task, graph), ["mend", graph.END])
    part.add_conditional_edges("mend", _after_mend(graph), ["compile", graph.END])
    answered = part.compile()

    async def answer_part(state: Part) -> Update:
        return {"answers": [await answered.ainvoke(state)]}

    whole = graph.StateGraph(State)
    whole.add_node("classify", _noted(task, "classify"))
    whole.add_node("split", _noted(task, "split"))
    whole.add_node("part", answer_part)
    whole.add_edge(graph.START, "classify")
    whole.add_conditional_edges(
        "classify",
        lambda state: "split" if state["is_data"] else graph.END,
        ["split", graph.END],
    )
    whole.add_conditional_edges("split", _parts, ["part"])
    whole.add_edge("part", graph.END)
    return whole.compile()


def _noted(task: Task, name: str) -> Callable[[Any], Awaitable[Update]]:
    async def node(state: Any) -> Update:
        before = dict(state)
        update = await _NODES[name](task, before)
        problems = tuple(update.get("problems", ()))
        task.note(name, problems, before=before, after=update)
        return update

    return node


def _parts(state: State) -> Any:
    from langgraph.types import Send

    return [Send("part", {"question": part}) for part in state["parts"]]


def _after_metrics(graph: Any) -> Callable[[Part], Any]:
    return lambda part: ["filters", "order"] if part["answerable"] else graph.END


def _after_compile(task: Task, graph: Any) -> Callable[[Part], Any]:
    most = task.settings.repairs
    return lambda part: "mend" if part["problems"] and part["mended"] < most else graph.END


def _after_mend(graph: Any) -> Callable[[Part], Any]:
    return lambda part: "compile" if part["answerable"] else graph.END


def _together(task: Task, final: State) -> Proposal | NoAnswer:
    """The parts' queries as one answer; what could not be answered is an assumption to know of."""
    answers = {part["question"]: part for part in final.get("answers", ())}
    parts = [answers[question] for question in final.get("parts", ()) if question in answers]
    proposed = [query for part in parts for query in part.get("queries", ())]
    left_out = [part for part in parts if not part.get("queries")]
    if not proposed:
        refused = [part for part in parts if part.get("answerable") is False]
        if refused:
            return NoAnswer(" ".join(part.get("reason", "") for part in refused).strip())
        problems = tuple(problem for part in parts for problem in part.get("problems", ()))
        raise GenerationFailure(
            "invalid",
            "No query that the model has put together compiles. The last one: "
            + (problems[-1] if problems else "nothing was answered."),
            problems,
        )
    judged = judge(proposed, _all(final), task.snapshot, task.said)
    if not judged.queries:
        raise GenerationFailure("invalid", judged.problems[0], judged.problems)
    adjustments = [
        told
        for part in parts
        for told in judge(
            part.get("proposed", []), part["question"], task.snapshot, task.question
        ).adjustments
    ]
    assumptions = [each for part in parts for each in part.get("assumptions", ())]
    assumptions += [
        f"Left out: {part['question']} — {part.get('reason') or 'no query compiles'}"
        for part in left_out
    ]
    reasons = [part.get("reason", "") for part in parts if part.get("queries")]
    return Proposal(
        judged.queries,
        " ".join(filter(None, reasons)),
        tuple(dict.fromkeys(assumptions)),
        tuple(dict.fromkeys((*adjustments, *judged.adjustments))),
    )


def _all(final: State) -> str:
    parts = final.get("parts", [])
    return parts[0] if len(parts) == 1 else final.get("question", "")


# Asking.


async def _asked(task: Task, name: str, words: str, shape: dict[str, Any]) -> Mapping[str, Any]:
    """One node's question to the model; an answer that cannot be read is asked for once more."""
    turns = [task.language(), Message("user", words)]
    for _ in range(2):
        request = Request(name, tuple(turns), answer=AnswerShape(name, shape))
        reply = await task.ask(request)
        for value in json_objects(reply.text):
            if value.keys() & shape["properties"].keys():
                return value
        turns.append(Message("assistant", reply.text))
        turns.append(Message("user", prompts.render("not_json")))
    raise GenerationFailure("invalid", f"The model's answer in the step '{name}' is no JSON.")


def _question(task: Task, state: Mapping[str, Any]) -> str:
    if task.current is None:
        return str(state["question"])
    return f"{state['question']}\n\n{task.subject}"


def _so_far(state: Mapping[str, Any]) -> str:
    found = {key: state.get(key, []) for key in ("metrics", "groupBy")}
    return json.dumps(found, ensure_ascii=False)


def _some_metrics(models: str) -> str:
    """The lines of metrics, as many as a look at the question is worth."""
    left = _METRICS_SHOWN
    lines: list[str] = []
    for line in models.splitlines():
        if line.startswith("metric "):
            left -= estimated_tokens(line)
            if left < 0:
                break
            lines.append(line)
    return "\n".join(lines)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _room(task: Task) -> int:
    return task.settings.prompt_tokens


_STRING: dict[str, Any] = {"type": "string"}
_BOOLEAN: dict[str, Any] = {"type": "boolean"}
_STRINGS: dict[str, Any] = {"type": "array", "items": _STRING}
_QUERY: dict[str, Any] = QUERY["properties"]
_REASON = described("One sentence in the language of the question.", _STRING)
_CLASSIFIED = closed(reason=_REASON, is_data_question=_BOOLEAN)
_PARTS = closed(parts=_STRINGS)
_CHOSEN = closed(
    reason=_REASON,
    answerable=described("Whether the listed metrics measure what is asked.", _BOOLEAN),
    metrics=_QUERY["metrics"],
    groupBy=_QUERY["groupBy"],
)
_FILTERED = closed(filters=_QUERY["filters"], assumptions=_STRINGS)
_ORDERED = closed(orderBy=_QUERY["orderBy"], limit=_QUERY["limit"])
_MENDED = closed(reason=_REASON, answerable=_BOOLEAN, queries={"type": "array", "items": QUERY})


def _import() -> tuple[Any, Any]:
    """LangGraph, and a way to keep its tracing from sending states anywhere."""
    try:
        from langgraph import graph
        from langsmith.run_helpers import tracing_context
    except ImportError as error:
        raise GenerationFailure(
            "missing-extra", f"The strategy graph needs the langgraph package: {_INSTALL}"
        ) from error
    return graph, tracing_context
