"""Every worked example of the language gives the rows that were computed by hand."""

from __future__ import annotations

import pytest
from tests.support.check_example import check_example, compile_example
from tests.support.corpus import Example
from tests.support.worked_examples import EXAMPLES


def named(example: Example) -> str:
    return example.name


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_worked_example(example: Example) -> None:
    check_example(example)


def test_bigquery_gets_qualify() -> None:
    for example in EXAMPLES:
        if example.name.startswith("4"):
            (query,) = compile_example(example, "bigquery").queries
            assert "QUALIFY" in query.sql
