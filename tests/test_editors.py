"""Real editors with the real server: people's configuration, people's keys, what people see."""

from __future__ import annotations

import re
import warnings

import pytest
from tests.editors.harness import EDITORS, REPOSITORY, Editor, available, play, required


def test_the_required_editors_are_here() -> None:
    missing = {editor.name: editor.missing for editor in EDITORS if editor.missing}
    for reason in missing.values():
        warnings.warn(f"not tested in a real editor: {reason}", stacklevel=1)
    assert [name for name in required() if name in missing] == [], missing
    assert set(required()) <= {editor.name for editor in EDITORS}


@pytest.mark.long
@pytest.mark.parametrize("editor", available(), ids=lambda editor: editor.name)
def test_the_story_goes_as_told(editor: Editor) -> None:
    outcomes = play(editor)
    failed = {name: outcome.seen for name, outcome in outcomes.items() if not outcome.ok}
    assert failed == {}
    assert list(outcomes) == [step.name for step in editor.steps]


def test_every_page_of_an_editor_says_whether_it_is_tested() -> None:
    pages = REPOSITORY / "docs" / "editors"
    listed = (pages / "README.md").read_text(encoding="utf-8")
    for page in sorted(pages.glob("*.md")):
        if page.name in ("README.md", "requests.md"):  # about all of them
            continue
        assert f"({page.name})" in listed, page.name
        text = page.read_text(encoding="utf-8")
        said = text.partition("\n## Tested\n")[2]
        is_tested = page.stem in {editor.name for editor in EDITORS}
        assert bool(re.match(r"\s*Not tested", said)) != is_tested, page.name
