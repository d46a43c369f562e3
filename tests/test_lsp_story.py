"""Long sessions with the real process: no answer with a wrong place, and an end like a beginning.

    SMQ_STORY_EDITS=100000 SMQ_STORY_SEED=7 pytest -m long tests/test_lsp_story.py

tells a longer or another story. One that fails is told again with fewer steps.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.support.places import Wrong
from tests.support.plot import Plot, beginning, editors
from tests.support.story import Editor, Step, Story, World, shrink, told

_SEED = int(os.environ.get("SMQ_STORY_SEED", "20260101"))
_EDITS = int(os.environ.get("SMQ_STORY_EDITS", "100000"))
_BETWEEN = 2_500
"""Edits between two comparisons with a fresh server."""
_SHRINKING = 90.0
"""Seconds for finding a shorter story."""
_FAILURES = (Wrong, EOFError, AssertionError, LookupError, TypeError)
"""A wrong answer, a server that has gone, and an answer of a shape that nobody expects."""


def tell(directory: Path, editor: Editor, seed: int, edits: int, between: int) -> Story:
    """A session of so many edits, compared with a fresh server ever so often; ended in order."""
    plot = Plot(seed)
    story = Story(directory, beginning(), editor)
    start, steps = story.world.copy(), list[Step]()
    done = 0
    try:
        while done < edits:
            for step in plot.steps(story):
                steps.append(step)
                story.do(step)
                done += step.is_edit
            if sum(s.is_edit for s in steps) >= between or done >= edits:
                story.compare()
                start, steps = story.world.copy(), []
        story.end()
    except _FAILURES as failure:
        story.close()
        raise AssertionError(_report(directory, editor, seed, start, steps, failure)) from failure
    return story


def _report(
    directory: Path,
    editor: Editor,
    seed: int,
    start: World,
    steps: Sequence[Step],
    failure: BaseException,
) -> str:
    def fails(some: Sequence[Step]) -> bool:
        return _again(directory, editor, start, some) is not None

    shorter = shrink(steps, fails, _SHRINKING)
    words = _again(directory, editor, start, shorter)
    return (
        f"{failure}\nSMQ_STORY_SEED={seed}, {editor.encoding}. From\n    {start!r}\n"
        f"these {len(shorter)} of {len(steps)} steps give: {words}\n{told(shorter)}"
    )


def _again(directory: Path, editor: Editor, start: World, steps: Sequence[Step]) -> str | None:
    """What goes wrong when these steps are done; None when nothing does."""
    story = Story(directory, start, editor)
    story.patience = 2.0
    try:
        for step in steps:
            story.do(step)
        story.compare()
    except _FAILURES as failure:
        return str(failure)
    finally:
        story.close()
    return None


@pytest.mark.parametrize("encoding", editors())
def test_a_short_session_ends_where_a_fresh_process_begins(tmp_path: Path, encoding: str) -> None:
    story = tell(tmp_path / "w", editors()[encoding], 11, 60, 60)
    assert story.answered > 50


@pytest.mark.long
@pytest.mark.parametrize("encoding", editors())
def test_a_hundred_thousand_edits_with_requests_in_between(tmp_path: Path, encoding: str) -> None:
    # A third for each encoding.
    story = tell(tmp_path / "w", editors()[encoding], _SEED, _EDITS // 3 + 1, _BETWEEN)
    assert story.answered > _EDITS // 3
