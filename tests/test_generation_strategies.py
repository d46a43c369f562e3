"""The strategies `tools` and `graph`: what they do beyond what all share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from tests.support.generation import TODAY, Asked, ask, example, no_answer, query
from tests.support.llm_endpoint import LlmEndpoint, Reply

from smq_server.generation import graph
from smq_server.generation.chat import Reply as Answer
from smq_server.generation.chat import Request
from smq_server.generation.task import Task
from smq_server.generation.toolbox import CONVERT, EDIT, SELECT, Toolbox
from smq_server.generation.values import values

# --- tools


def call(name: str, **arguments: Any) -> Reply:
    return {"tool_calls": [{"name": name, "arguments": arguments}]}


LOOK = call(SELECT, userQuery="revenue by country")
BY_COUNTRY = query("revenue", groupBy=["stores__country"])


def talk(question: str, *script: Reply, **settings: Any) -> Asked:
    return ask(question, script, strategy="tools", **settings)


def told(asked: Asked, number: int) -> dict[str, Any]:
    """What the tools have answered before a request."""
    found: dict[str, Any] = json.loads(asked.endpoint.requests[number]["messages"][-1]["content"])
    return found


def test_the_model_looks_converts_edits_and_ends() -> None:
    asked = talk(
        "revenue by country",
        LOOK,
        call(CONVERT, smq=[query("turnover", groupBy=["stores__country"])]),
        call(
            EDIT,
            smqEdits=[
                {"index": 0, "remove": {"metrics": ["turnover"]}, "add": {"metrics": ["revenue"]}}
            ],
        ),
        {"content": "Revenue of each country."},
    )
    assert asked.smq == [{"metrics": ["revenue"], "groupBy": ["stores__country"]}]
    assert asked.generated.explanation == "Revenue of each country."
    found = told(asked, 1)
    assert "models/stores.yml" in found["all_available_files"]
    assert any("stores__country" in text for text in found["files_content"].values())
    (state,) = told(asked, 2)["smqState"]
    assert state["index"] == 0 and "Metric 'turnover' not found" in state["errors"][0]
    (state,) = told(asked, 3)["smqState"]
    assert "SUM(orders.subtotal)" in state["sql"][0]


def test_several_calls_of_one_turn_are_all_answered() -> None:
    turn = {
        "tool_calls": [
            {"name": SELECT, "arguments": {"userQuery": "revenue"}, "id": "same"},
            {"name": CONVERT, "arguments": {"smq": [query("revenue")]}, "id": "same"},
        ]
    }
    asked = talk("revenue", turn, {"content": "Done."})
    assert asked.smq == [{"metrics": ["revenue"]}]


def test_nothing_is_converted_before_models_were_looked_at() -> None:
    asked = talk(
        "revenue by country",
        call(CONVERT, smq=[BY_COUNTRY]),
        LOOK,
        call(CONVERT, smq=[BY_COUNTRY]),
        {"content": "Done."},
    )
    assert SELECT in told(asked, 1)["error"]
    assert len(asked.smq) == 1


def test_unknown_tools_are_answered_with_those_there_are() -> None:
    asked = talk("revenue", call("runSql", sql="SELECT 1"), {"content": "CANNOT ANSWER: no tool"})
    assert all(name in told(asked, 1)["error"] for name in (SELECT, CONVERT, EDIT))
    assert asked.declined.reason == "no tool"


def test_a_model_that_stops_too_soon_is_told_what_is_missing() -> None:
    asked = talk("revenue by country", LOOK, {"content": "Here you are."}, {"content": "Really."},
                 {"content": "Yes."})  # fmt: skip
    assert asked.failed.kind == "invalid"
    assert "There is no query with SQL yet" in asked.said_to_model(2)


def test_a_query_written_instead_of_converted_counts_if_it_compiles() -> None:
    asked = talk("revenue", LOOK, {"content": 'It is {"metrics": ["revenue"]}.'})
    assert asked.smq == [{"metrics": ["revenue"]}]


def test_tools_that_are_described_in_words_lead_to_the_same_query() -> None:
    def say(reply: Reply) -> Reply:
        calls = reply["tool_calls"][0]
        return {"content": json.dumps({"tool": calls["name"], "arguments": calls["arguments"]})}

    script = [say(LOOK), say(call(CONVERT, smq=[BY_COUNTRY])), {"content": "Done."}]
    endpoint = LlmEndpoint(script, lacks=["tools"])
    asked = ask("revenue by country", endpoint, strategy="tools")
    assert asked.smq == [{"metrics": ["revenue"], "groupBy": ["stores__country"]}]


def test_a_query_that_is_there_can_be_edited() -> None:
    asked = talk(
        "only Korea",
        call(SELECT, userQuery="country"),
        call(EDIT, smqEdits=[{"index": 0, "add": {"filters": ["stores__country = 'KR'"]}}]),
        {"content": "Only Korea."},
        current={"metrics": ["revenue"], "groupBy": ["stores__country"]},
    )
    assert asked.smq[0]["filters"] == ["stores__country = 'KR'"]
    assert asked.smq[0]["groupBy"] == ["stores__country"]


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        (SELECT, "{", "no JSON"),
        (SELECT, "[]", "JSON object"),
        (SELECT, "{}", "userQuery"),
        (SELECT, '{"userQuery": 7}', "userQuery"),
        (CONVERT, '{"smq": 7}', "list of queries"),
        (CONVERT, '{"smq": []}', "list of queries"),
        (EDIT, '{"smqEdits": []}', "list of edits"),
        (EDIT, '{"smqEdits": [{"index": 5}]}', "no query 5"),
        (EDIT, '{"smqEdits": [{"index": 0, "add": {"nonsense": 1}}]}', "Nothing was changed"),
        ("", "{}", "There is no tool"),
    ],
)
def test_every_call_is_answered(name: str, arguments: str, words: str) -> None:
    box = Toolbox("revenue", example("shop"), 1000)
    box.call(SELECT, '{"userQuery": "revenue"}')
    box.call(CONVERT, json.dumps({"smq": [query("revenue")]}))
    assert words in json.loads(box.call(name, arguments))["error"]
    assert box.judged is not None and box.judged.queries


def test_nothing_is_edited_before_it_is_there() -> None:
    box = Toolbox("revenue", example("shop"), 1000)
    box.call(SELECT, '{"userQuery": "revenue"}')
    answer = json.loads(box.call(EDIT, '{"smqEdits": [{"index": 0}]}'))
    assert CONVERT in answer["error"]


# --- graph


def node(words: Sequence[str], **value: Any) -> dict[str, Any]:
    return {"when": list(words), "reply": {"content": value}}


CLASSIFIED = node(["Decide whether"], is_data_question=True, reason="")


def step(name: str, question: str) -> list[str]:
    return [{"metrics": "First step", "filters": "Next step", "order": "Last step"}[name], question]


def part(question: str, *metrics: str, **more: Any) -> list[dict[str, Any]]:
    """The three answers that make one sub-question's query."""
    return [
        node(
            step("metrics", question),
            answerable=True,
            reason=f"{question}!",
            metrics=list(metrics),
            groupBy=more.get("groupBy", []),
        ),
        node(
            step("filters", question),
            filters=more.get("filters", []),
            assumptions=more.get("assumptions", []),
        ),
        node(
            step("order", question),
            orderBy=more.get("orderBy", []),
            limit=more.get("limit"),
        ),
    ]


def walk(question: str, *exchanges: Any, **settings: Any) -> Asked:
    return ask(question, {"exchanges": list(exchanges)}, strategy="graph", **settings)


def whole(question: str) -> dict[str, Any]:
    return node(["Take the question apart"], parts=[question])


def test_a_question_is_answered_in_steps() -> None:
    question = "top 3 countries by revenue"
    asked = walk(
        question,
        CLASSIFIED,
        whole("Top three"),
        *part(
            question,
            "revenue",
            groupBy=["stores__country"],
            filters=["stores__country IS NOT NULL"],
            orderBy=["-revenue"],
            limit=3,
            assumptions=["online is no country"],
        ),
    )
    assert asked.smq == [
        {
            "metrics": ["revenue"],
            "groupBy": ["stores__country"],
            "filters": ["stores__country IS NOT NULL"],
            "orderBy": ["-revenue"],
            "limit": 3,
        }
    ]
    assert asked.generated.assumptions == ("online is no country",)
    names = [each.name for each in asked.generated.steps if each.request is None]
    assert names[:4] == ["classify", "split", "select", "metrics"]
    assert sorted(names[4:6]) == ["filters", "order"]
    assert names[6:] == ["build", "compile"]


def test_sub_questions_run_at_the_same_time() -> None:
    exchanges = [
        CLASSIFIED,
        node(["Take the question apart"], parts=["revenue by country", "how many customers"]),
        *part("revenue by country", "revenue", groupBy=["stores__country"]),
        *part("how many customers", "customer_count"),
    ]
    # Each part's first step waits for the other's: one after the other would wait for ever.
    import threading

    both = threading.Barrier(2, timeout=10)
    endpoint = LlmEndpoint({"exchanges": exchanges})
    serve = endpoint._reply_to

    def reply(body: dict[str, Any]) -> Reply:
        if any("First step" in (m["content"] or "") for m in body["messages"]):
            both.wait()
        return serve(body)

    endpoint._reply_to = reply  # type: ignore[method-assign]
    asked = ask("revenue by country, and how many customers", endpoint, strategy="graph")
    assert asked.smq == [
        {"metrics": ["revenue"], "groupBy": ["stores__country"]},
        {"metrics": ["customer_count"]},
    ]


def test_what_does_not_compile_is_mended() -> None:
    mended = node(
        ["does not compile", "Metric 'turnover' not found"],
        answerable=True,
        reason="revenue it is",
        queries=[BY_COUNTRY],
    )
    question = "turnover by country"
    asked = walk(
        question,
        CLASSIFIED,
        whole(question),
        *part(question, "turnover", groupBy=["stores__country"]),
        mended,
    )
    assert asked.smq == [{"metrics": ["revenue"], "groupBy": ["stores__country"]}]


def test_what_is_no_question_ends_at_once() -> None:
    chatter = node(["Decide whether"], is_data_question=False, reason="This is a greeting.")
    asked = walk("hello there", chatter)
    assert asked.declined.reason == "This is a greeting."
    assert asked.declined.spent.calls == 1


def test_what_is_not_measured_is_declined() -> None:
    question = "profit by store"
    no = node(["First step"], answerable=False, reason="No costs.", metrics=[], groupBy=[])
    asked = walk(question, CLASSIFIED, whole(question), no)
    assert asked.declined.reason == "No costs." and asked.declined.spent.calls == 3


def test_the_parts_that_can_be_answered_are() -> None:
    no = node(
        step("metrics", "profit by store"),
        answerable=False,
        reason="No costs.",
        metrics=[],
        groupBy=[],
    )
    asked = walk(
        "revenue by country and profit by store",
        CLASSIFIED,
        node(["Take the question apart"], parts=["revenue by country", "profit by store"]),
        *part("revenue by country", "revenue", groupBy=["stores__country"]),
        no,
    )
    assert len(asked.smq) == 1
    assert "Left out: profit by store — No costs." in asked.generated.assumptions


def test_a_sub_question_brings_no_number_of_its_own() -> None:
    asked = walk(
        "revenue by country and customers",
        CLASSIFIED,
        node(["Take the question apart"], parts=["top 5 countries by revenue", "customers"]),
        *part("top 5 countries by revenue", "revenue", groupBy=["stores__country"], limit=5),
        *part("customers", "customer_count"),
    )
    assert "limit" not in asked.smq[0]


def test_states_are_json_and_nodes_can_be_done_again() -> None:
    question = "revenue by country"
    asked = walk(
        question,
        CLASSIFIED,
        whole(question),
        *part(question, "revenue", groupBy=["stores__country"], orderBy=["-revenue"]),
    )
    document = json.loads(json.dumps(values(asked.generated, with_steps=True)))
    states = {each["name"]: each["state"] for each in document["steps"] if "asked" not in each}
    task = Task(question, example("shop"), example("shop").configuration.llm, TODAY, _Scripted({}))
    for name in ("select", "build", "compile"):
        again = asyncio.run(graph.replay(task, name, states[name]["before"]))
        assert json.loads(json.dumps(again)) == states[name]["after"]
    changed = {"metrics": ["order_count"], "groupBy": [], "answerable": True, "reason": ""}
    task.model = _Scripted(changed)
    again = asyncio.run(graph.replay(task, "metrics", states["metrics"]["before"]))
    assert again["metrics"] == ["order_count"]


class _Scripted:
    """A model that always says the same."""

    def __init__(self, value: Any) -> None:
        self._text = json.dumps(value)

    async def ask(self, request: Request) -> Answer:
        return Answer(self._text)


@pytest.mark.parametrize("strategy", ["direct", "tools"])
def test_steps_show_the_words_that_went_out_also_where_they_had_to_be_others(strategy: str) -> None:
    # An endpoint without tools and structured output is told of both in the prompt.
    script = [no_answer("No costs.")]
    endpoint = LlmEndpoint(script, lacks=["json_schema", "json_object", "tools"])
    asked = ask("profit by store", endpoint, strategy=strategy)
    (step, *_) = [step for step in asked.declined.steps if step.request is not None]
    assert step.request is not None
    shown = [(message.role, message.text) for message in step.request.messages]
    sent = [(each["role"], each["content"]) for each in endpoint.requests[0]["messages"]]
    assert shown == sent
