"""What a client sets, sets otherwise, and takes back."""

from __future__ import annotations

import pytest

from smq_server.lsp.settings import Settings, read


@pytest.mark.parametrize(
    "values", [{"dialect": None}, {"smq": {"dialect": None}}, {"smq.dialect": None}]
)
def test_a_setting_that_is_taken_back_has_its_default(values: dict[str, object]) -> None:
    base = Settings(dialect="bigquery", inlay_hints=False)
    assert read(values, base) == (Settings(inlay_hints=False), ())


def test_trust_is_never_given_by_taking_a_setting_back() -> None:
    assert read({"trusted": None}, Settings(trusted=False)) == (Settings(trusted=False), ())


def test_what_is_not_mentioned_stays() -> None:
    base = Settings(dialect="bigquery")
    assert read({"log": {"level": "debug"}}, base) == (
        Settings(dialect="bigquery", log_level="debug"),
        (),
    )
    assert read(None, base) == (base, ())


def test_a_wrong_value_is_told_and_changes_nothing() -> None:
    settings, wrong = read({"dialect": 3, "inlayHints": {"enabled": "yes"}}, Settings())
    assert settings == Settings()
    assert wrong == (
        "Setting smq.dialect: 3 is not a string.",
        "Setting smq.inlayHints.enabled: 'yes' is not true or false.",
    )
