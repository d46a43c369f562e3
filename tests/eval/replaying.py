"""Judge answers that were kept: the endpoint on loopback says them to the real client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.eval import running
from tests.eval.kept import mark_of
from tests.eval.questions import questions
from tests.support.llm_endpoint import LlmEndpoint


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a question's kept answers.

    `asked` counts the requests, `as_recorded` those that say what the recorded ones said, and
    `unanswered` those for which there was no answer left.
    """

    outcome: running.Outcome
    kept_verdict: str
    asked: int
    as_recorded: int
    unanswered: int

    @property
    def is_as_kept(self) -> bool:
        return self.outcome.judgement.verdict == self.kept_verdict and not self.unanswered


def replay(kept: dict[str, Any], strategy: str) -> list[Replayed]:
    """The outcome of each question of a file of answers."""
    by_id = {each.id: each for each in questions()}
    found: list[Replayed] = []
    for name, entry in kept["questions"].items():
        script = entry["replies"] if "replies" in entry else {"exchanges": entry["exchanges"]}
        with LlmEndpoint(script, lacks=entry.get("lacks", ())) as endpoint:
            settings = {"base_url": endpoint.base_url, "model": "kept", "api": "chat"}
            (outcome,) = running.run([by_id[name]], strategy, {}, settings=settings)
        marks = list(entry.get("asked", ()))
        same = 0
        for body in endpoint.requests:
            mark = mark_of(body)
            if mark in marks:
                marks.remove(mark)
                same += 1
        asked = len(endpoint.requests)
        # A model answered every request of a recording; what is written by hand may end before.
        unanswered = endpoint.unanswered if "asked" in entry else 0
        found.append(Replayed(outcome, entry["verdict"], asked, same, unanswered))
    return found


def differences(replayed: Sequence[Replayed]) -> str:
    """What a replay cannot vouch for, in words."""
    lines: list[str] = []
    asked = sum(each.asked for each in replayed)
    same = sum(each.as_recorded for each in replayed)
    if same < asked:
        lines.append(
            f"{same} of {asked} requests are those that the model was asked. To the others it "
            "might have answered otherwise: record anew to know how good it is today."
        )
    for each in replayed:
        if each.is_as_kept:
            continue
        verdict = each.outcome.judgement.verdict
        line = f"{each.outcome.question.id}: {verdict}, kept as {each.kept_verdict}"
        if each.unanswered:
            line += "; more was asked than the model had answered, so it has to be recorded anew"
        lines.append(line)
    return "".join(f"{line}\n" for line in lines)
