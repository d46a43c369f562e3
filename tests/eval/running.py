"""Ask the questions of a language model, judge what comes back, and count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.eval.judging import Judgement, judge
from tests.eval.questions import Question, workspace

from smq.workspace import Snapshot
from smq_server.generation import generate as generation
from smq_server.generation.generate import with_settings
from smq_server.generation.result import Declined, Failed, Generated, Result

TODAY = date(2025, 1, 15)
"""When questions are asked that do not say: after all data of the examples."""

VERDICTS = ("exact", "equivalent", "valid", "failed")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question, what a strategy made of it, and what that is worth."""

    question: Question
    strategy: str
    result: Result
    judgement: Judgement

    @property
    def queries(self) -> tuple[Mapping[str, Any], ...]:
        if not isinstance(self.result, Generated):
            return ()
        return tuple(dict(each.smq) for each in self.result.queries)

    @property
    def is_right(self) -> bool:
        return self.judgement.verdict in ("exact", "equivalent")


def run(
    questions: Sequence[Question],
    strategy: str,
    environ: Mapping[str, str],
    *,
    at_once: int = 1,
    told: Callable[[Outcome], None] = lambda _: None,
    settings: Mapping[str, Any],
) -> list[Outcome]:
    """Ask all questions with one strategy, so many at once; the outcomes in their order.

    `settings` are those of the language model, as in `[llm]` of smq.toml.
    """
    return asyncio.run(_run(questions, strategy, environ, at_once, told, settings))


async def _run(
    questions: Sequence[Question],
    strategy: str,
    environ: Mapping[str, str],
    at_once: int,
    told: Callable[[Outcome], None],
    settings: Mapping[str, Any],
) -> list[Outcome]:
    room = asyncio.Semaphore(at_once)
    snapshots: dict[str, Snapshot] = {}
    for question in questions:
        if question.workspace not in snapshots:
            snapshot = workspace(question.workspace).snapshot
            snapshots[question.workspace] = with_settings(snapshot, **settings)

    async def one(question: Question) -> Outcome:
        today = date.fromisoformat(question.today) if question.today else TODAY
        asked = generation.Question(question.text, today, strategy)
        async with room:
            result = await generation.generate(asked, snapshots[question.workspace], environ)
        outcome = _judged(question, strategy, result)
        told(outcome)
        return outcome

    return list(await asyncio.gather(*map(one, questions)))


def _judged(question: Question, strategy: str, result: Result) -> Outcome:
    queries = [each.smq for each in result.queries] if isinstance(result, Generated) else []
    judgement = judge(question, queries, isinstance(result, Declined))
    if isinstance(result, Failed):
        judgement = Judgement("failed", f"{result.kind}: {result.message}")
    return Outcome(question, strategy, result, judgement)


def table(outcomes: Sequence[Outcome], every: bool = False) -> str:
    """Counts by strategy, language and kind of question, and the questions that went wrong."""
    lines: list[str] = []
    by_strategy: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_strategy.setdefault(outcome.strategy, []).append(outcome)
    for strategy, own in by_strategy.items():
        model = next((each.result.model for each in own if each.result.model), "")
        lines.append(f"{strategy} {f'({model})' if model else ''}".rstrip())
        heads = "".join(f"{verdict:>12}" for verdict in VERDICTS)
        lines.append(f"  {'':<14}{'n':>5}{heads}{'right':>8}{'calls':>8}{'tokens':>9}{'s':>8}")
        groups: dict[str, list[Outcome]] = {"all": own}
        for each in own:
            groups.setdefault(each.question.language, []).append(each)
        for each in own:
            for kind in each.question.kinds:
                groups.setdefault(kind, []).append(each)
        lines.extend(f"  {name:<14}{_counts(members)}" for name, members in groups.items())
        lines.append("")
        for each in own:
            if every or not each.is_right:
                lines.extend(_told(each))
    return "\n".join(lines).rstrip("\n") + "\n"


def _counts(outcomes: Sequence[Outcome]) -> str:
    number = len(outcomes)
    verdicts = [each.judgement.verdict for each in outcomes]
    right = sum(each.is_right for each in outcomes) / number
    spent = [each.result.spent for each in outcomes]
    return (
        f"{number:>5}"
        + "".join(f"{verdicts.count(verdict):>12}" for verdict in VERDICTS)
        + f"{right:>8.1%}"
        + f"{sum(each.calls for each in spent) / number:>8.1f}"
        + f"{sum(each.usage.total for each in spent) / number:>9.0f}"
        + f"{sum(each.seconds for each in spent) / number:>8.2f}"
    )


def _told(outcome: Outcome) -> list[str]:
    question, judgement = outcome.question, outcome.judgement
    why = f" ({judgement.why})" if judgement.why else ""
    lines = [f"  {question.id}  {question.text}", f"      {judgement.verdict}{why}"]
    lines.extend(f"      got  {dict(query)}" for query in outcome.queries)
    if isinstance(outcome.result, Declined):
        lines.append(f"      said {outcome.result.reason}")
    if not outcome.is_right:
        lines.extend(f"      e.g. {list(answer)}" for answer in question.accepted[:1])
    return lines


def values(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The outcomes as JSON values, to compare one run with another."""
    return [
        {
            "id": each.question.id,
            "question": each.question.text,
            "strategy": each.strategy,
            "model": each.result.model,
            "verdict": each.judgement.verdict,
            "why": each.judgement.why,
            "queries": [dict(query) for query in each.queries],
            "calls": each.result.spent.calls,
            "tokens_sent": each.result.spent.usage.sent,
            "tokens_received": each.result.spent.usage.received,
            "seconds": round(each.result.spent.seconds, 3),
        }
        for each in outcomes
    ]
