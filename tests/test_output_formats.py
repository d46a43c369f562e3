"""Values as text, CSV, JSON and tables: nothing lost for programs, aligned for people."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smq.sql.result import CompiledQuery, Lazy, LeafReport, OutputColumn
from smq_metasync.engines import Column, Result
from smq_schemas import schema
from smq_server.cli import results
from smq_server.cli.findings.width import width
from smq_server.cli.results import Answer
from smq_server.cli.table import draw, markdown
from smq_server.cli.values import cell, json_text
from smq_server.io.failure import Failure


def answer(
    columns: Sequence[tuple[str, str]], *rows: tuple[object, ...], title: str = "q"
) -> Answer:
    known = (OutputColumn("월", "월", "dimension", label="기준월"),)
    none = Lazy[tuple[LeafReport, ...]](tuple)
    query = CompiledQuery(0, 0, "SELECT 1", "duckdb", known, (), (), none, (), {})
    return Answer(query, title, Result(tuple(Column(*each) for each in columns), iter(rows)))


def written(format_name: str, *answers: Answer, labels: bool = False) -> str:
    return "".join(results.text(iter(answers), format_name, labels=labels))


# Tables.


def test_korean_letters_take_two_columns() -> None:
    assert draw(["이름", "n"], [("가나다", 1), ("ab", 20), (None, None)]) == (
        "이름   │    n\n"
        "───────┼─────\n"
        "가나다 │    1\n"
        "ab     │   20\n"
        "NULL   │ NULL\n"
    )  # fmt: skip


def test_decomposed_letters_line_up_with_composed_ones() -> None:
    lines = draw(["x", "y"], [("\u1112\u1161\u11ab", "|"), ("한", "|")]).splitlines()
    assert width(lines[2]) == width(lines[3])


def test_an_empty_result_still_has_its_columns() -> None:
    assert draw(["a", "b"], []) == "a │ b\n──┼──\n"


def test_fractions_of_a_column_have_the_same_decimals() -> None:
    lines = draw(["x"], [(0.5,), (0.123456789,), (None,), (0.0,)]).splitlines()[2:]
    assert lines == ["0.500000", "0.123457", "    NULL", "0.000000"]
    money = draw(["x"], [(16607944.444444,), (1.0,)]).splitlines()[2:]
    assert money == ["16607944.44", "       1.00"]
    assert draw(["x"], [(1.0,), (2.5,)]).splitlines()[2:] == ["1.0", "2.5"]


def test_rounding_hides_no_small_number() -> None:
    assert draw(["x"], [(0.00001,), (1.0,)]).splitlines()[2:] == ["1e-05", "  1.0"]
    assert draw(["x"], [(1e300,)]).splitlines()[2:] == ["1e+300"]


def test_a_column_of_midnights_is_a_column_of_days() -> None:
    days = [(datetime(2024, 1, 1),), (None,), (datetime(2024, 2, 1),)]
    assert draw(["d"], days).splitlines()[2:] == ["2024-01-01", "NULL", "2024-02-01"]
    mixed = [(datetime(2024, 1, 1),), (datetime(2024, 1, 1, 10),)]
    assert draw(["d"], mixed).splitlines()[2] == "2024-01-01 00:00:00"


def test_control_characters_cannot_reach_the_terminal() -> None:
    out = draw(["a\x1b[31m"], [("b\nc\r\x1b]0;title\x07\u202e",)])
    assert len(out.splitlines()) == 3
    assert not set(out) & set("\x1b\r\x07\u202e")


def test_cells_give_way_to_a_narrow_terminal() -> None:
    rows = [("x" * 50, "y" * 20, 123456789)]
    for room in range(30, 80):
        lines = draw(["long", "short", "n"], rows, room).splitlines()
        assert max(map(width, lines)) <= room
        assert lines[2].endswith("123456789") or room < 33
    assert "…" not in draw(["long", "short", "n"], rows, 200)


def test_markdown_cells_cannot_break_the_table() -> None:
    assert markdown(["a|b", "n"], [("x|y\nz <b>", 1)]) == (
        "| a\\|b | n |\n| --- | ---: |\n| x\\|y␊z &lt;b> | 1 |\n"
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.text(), st.none() | st.integers()), max_size=5))
def test_the_second_column_begins_at_one_place(rows: list[tuple[str, int | None]]) -> None:
    lines = draw(["머리", "n"], [(text, number) for text, number in rows]).splitlines()
    assert len(lines) == len(rows) + 2
    heading, _, *cells = lines
    assert len({width(line.rpartition(" │ ")[0]) for line in (heading, *cells)}) == 1


# Values.


@pytest.mark.parametrize(
    ("value", "in_csv", "in_json"),
    [
        (None, "", "null"),
        (True, "true", "true"),
        (2**70, str(2**70), str(2**70)),
        (0.1, "0.1", "0.1"),
        (math.nan, "nan", "null"),
        (-math.inf, "-inf", "null"),
        (Decimal("12.3400"), "12.3400", "12.3400"),
        (Decimal("1E+3"), "1000", "1000"),
        (Decimal("12345678901234567890.123456789"),) + ("12345678901234567890.123456789",) * 2,
        (Decimal("NaN"), "NaN", "null"),
        (date(2024, 2, 29), "2024-02-29", '"2024-02-29"'),
        (time(1, 2, 3), "01:02:03", '"01:02:03"'),
        (datetime(2024, 1, 1, 10), "2024-01-01 10:00:00", '"2024-01-01T10:00:00"'),
        (
            datetime(2024, 1, 1, 10, tzinfo=timezone(timedelta(hours=9))),
            "2024-01-01 10:00:00+09:00",
            '"2024-01-01T10:00:00+09:00"',
        ),
        (b"a\x00", "\\x6100", '"\\\\x6100"'),
        (UUID(int=1), str(UUID(int=1)), f'"{UUID(int=1)}"'),
        ('따옴표 " 와 \\', '따옴표 " 와 \\', '"따옴표 \\" 와 \\\\"'),
        ([1, None, Decimal("1.0")], "[1, null, 1.0]", "[1, null, 1.0]"),
        ({"a": date(2024, 1, 1), 2: []},) + ('{"a": "2024-01-01", "2": []}',) * 2,
    ],
)
def test_values_for_programs_lose_nothing(value: object, in_csv: str, in_json: str) -> None:
    assert cell(value) == in_csv
    assert json_text(value) == in_json
    json.loads(json_text(value))


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_survives_json(text: str) -> None:
    assert json.loads(json_text(text)) == text


# Formats.


def test_csv_tells_an_empty_text_in_quotes_and_null_without() -> None:
    out = written("csv", answer([("a", "VARCHAR")], (None,), ("x,y",), ('"',)))
    assert out == 'a\n""\n"x,y"\n""""\n'
    two = written("csv", answer([("a", "VARCHAR"), ("b", "INTEGER")], (None, None)))
    assert list(csv.reader(io.StringIO(two))) == [["a", "b"], ["", ""]]


def test_labels_replace_names_where_there_are_any() -> None:
    columns = [("월", "DATE"), ("n", "BIGINT")]
    assert written("csv", answer(columns), labels=True) == "기준월,n\n"
    assert written("csv", answer(columns)) == "월,n\n"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_is_valid_for_any_number_of_rows_and_results(count: int) -> None:
    for answers in range(3):
        made = [answer([("월", "DATE")], *[(date(2024, 1, 1),)] * count) for _ in range(answers)]
        document = json.loads(written("json", *made))
        jsonschema.validate(document, schema("run-output"))
        assert [len(result["rows"]) for result in document["results"]] == [count] * answers


def test_titles_appear_with_the_second_result() -> None:
    one = written("table", answer([("a", "INTEGER")], (1,), title="first"))
    assert "first" not in one
    both = [answer([("a", "INTEGER")], (1,), title=title) for title in ("first", "second")]
    assert written("table", *both) == "-- first\n\na\n─\n1\n\n-- second\n\na\n─\n1\n"


def parquet(path: Path, columns: Sequence[tuple[str, str]], *rows: tuple[Any, ...]) -> Any:
    assert results.write_parquet(answer(columns, *rows), path) == len(rows)
    return duckdb.sql(f"SELECT * FROM '{path}'")


def test_parquet_keeps_digits_dates_and_moments(tmp_path: Path) -> None:
    moment = datetime(2024, 1, 1, 10, tzinfo=UTC)
    columns = [
        ("큰수", "HUGEINT"),
        ("합계", "numeric"),
        ("금액", "DECIMAL(10,2)"),
        ("날", "DATE"),
        ("때", "timestamptz"),
        ("참", "bool"),
        ("값", "double precision"),
    ]
    row = (2**100, Decimal("0.10"), Decimal("12.34"), date(2024, 2, 29), moment, True, "x")
    found = parquet(tmp_path / "o.parquet", columns, row, (None,) * 7)
    assert [str(kind) for kind in found.types] == [
        "DECIMAL(38,0)",
        "DECIMAL(38,2)",
        "DECIMAL(10,2)",
        "DATE",
        "TIMESTAMP WITH TIME ZONE",
        "BOOLEAN",
        "VARCHAR",
    ]
    first, second = found.project("* REPLACE (epoch_us(때) AS 때)").fetchall()
    assert first == (*row[:4], int(moment.timestamp() * 1_000_000), True, "x")
    assert second == (None,) * 7


def test_parquet_of_no_rows_has_its_columns(tmp_path: Path) -> None:
    found = parquet(tmp_path / "o.parquet", [("a", "INTEGER")])
    assert (found.columns, found.fetchall()) == (["a"], [])


def test_a_file_that_cannot_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "o.parquet"
    target.write_text("before")
    twice = answer([("a", "INTEGER"), ("a", "INTEGER")], (1, 2))
    with pytest.raises(Failure, match="different names"):
        results.write_parquet(twice, target)
    with pytest.raises(Failure, match="cannot write"):
        results.write_parquet(answer([("a", "INTEGER")], (1,)), tmp_path / "no" / "o.parquet")
    assert target.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["o.parquet"]
