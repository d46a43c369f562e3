"""What the cache says about a warehouse: every format, every damage, and look-ups in it."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support import cache as caches

from smq.catalog.pieces import decode
from smq.catalog.read import Unreadable, read_cache


@pytest.mark.parametrize("version", caches.EARLIER)
def test_caches_of_all_earlier_formats_load(version: str) -> None:
    known = caches.read(caches.EARLIER[version])
    table = known.table(("events_20210131",))
    assert table is not None and table.column("EVENT_DATE") is not None
    assert known.table(("ga4", "events_20210131")) is table
    assert len(known.examples) == 1


@pytest.mark.parametrize("version", ["V2", "V3", "V4"])
def test_shards_of_earlier_formats_are_one_family(version: str) -> None:
    known = caches.read(caches.EARLIER[version])
    (table,) = known.tables
    assert table.shards is not None
    assert (table.shards.count, table.shards.pattern) == (3, "events_YYYYMMDD")
    assert (table.shards.start, table.shards.end) == ("2021-01-29", "2021-01-31")
    for name in ("events_20210101", "events_*", "events_202101*"):
        assert known.table(("ga4", name)) is table
    assert known.table(("ga4", "events_intraday_20210101")) is None


def test_a_local_time_says_nothing_about_age() -> None:
    assert caches.read(caches.V1).taken_at is None
    assert caches.read(caches.V4).taken_at == datetime(2025, 9, 14, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not-json"),
        (b"{", "not-json"),
        (b'{"schema": {}} x', "not-json"),
        (b"[]", "not-an-object"),
        (b"12", "not-an-object"),
        (b"{}", "not-a-cache"),
        ('{"schema": "부점"}'.encode("cp949"), "not-utf-8"),
        (b'{"schema":' + b"[" * 200_000, "too-deep"),
        (b'{"schema": {}' + b" " * 100 + b"}", "too-large"),
        (b'{"version": ' + b"9" * 10_000 + b', "schema": {}}', "not-json"),
    ],
)
def test_what_is_no_cache_is_refused_by_name(data: bytes, reason: str) -> None:
    largest = 100 if reason == "too-large" else 1_000_000
    found = read_cache(data, largest)
    assert isinstance(found, Unreadable)
    assert found.reason == reason
    assert found.detail.endswith(".")


def test_pieces_of_the_wrong_shape_are_left_out() -> None:
    known = caches.known(
        caches.table("bank.accounts", {"id": "BIGINT"}, partitioning="?", shards=[], rows="12"),
        {"name": 3},
        {"columns": []},
        semantic={"models": [{"name": "a", "dimensions": [{}, 1]}, "b"], "metrics": {}},
        insights=[],
        warnings=["one", {"message": "two", "table": "bank.secret"}],
    )
    (table,) = known.tables
    assert table.rows == 12
    assert [model.name for model in known.semantic.models] == ["a"]
    assert known.warnings == ("one", "bank.secret: two")


def test_names_are_found_by_their_end_and_in_the_letter_case_of_the_engine() -> None:
    known = caches.known(
        caches.table("db.bank.Accounts", {"계좌번호": "VARCHAR", "Balance": "NUMERIC"}),
        caches.table("db.bank.accounts", {"a": "INT"}),
        caches.table("db.shop.orders", {"a": "INT"}),
        caches.table("db.bank.orders", {"b": "INT"}),
    )
    assert [t.path for t in known.find(("bank", "Accounts"))] == ["db.bank.Accounts"]
    assert [t.path for t in known.find(("bank", "ACCOUNTS"))] == [
        "db.bank.Accounts",
        "db.bank.accounts",
    ]
    assert known.find(("bank", "ACCOUNTS"), exact=True) == ()
    assert len(known.find(("orders",))) == 2 and known.table(("orders",)) is None
    assert known.table(("DB", "Shop", "Orders")) is not None
    assert known.table(("other", "db", "shop", "orders")) is not None
    assert known.table(("other", "shop", "orders")) is None
    account = known.table(("bank", "Accounts"))
    assert account is not None
    assert account.column("balance") is not None
    assert account.column("balance", exact=True) is None
    # Decomposed Hangul is the same name.
    assert account.column("\u1100\u1168\u110c\u116a\u1107\u1165\u11ab\u1112\u1169") is not None


def test_a_missing_table_is_missing_only_where_all_tables_were_collected() -> None:
    known = caches.known(
        caches.table("db.bank.accounts", {"a": "INT"}),
        warnings=[{"message": "403 Access denied", "table": "db.bank.salaries"}],
    )
    assert known.covers(("bank", "missing"))
    assert known.covers(("missing",))
    assert not known.covers(("bank", "salaries"))
    assert not known.covers(("other", "missing"))
    assert not caches.read(caches.V4).covers(("ga4", "missing"))


def test_fields_of_records_are_columns() -> None:
    inner = {"name": "params.value", "type": "STRING"}
    outer = {"name": "params", "type": "RECORD", "mode": "REPEATED", "fields": [inner]}
    known = caches.known({"id": "p.d.events", "name": "events", "columns": [outer]})
    (table,) = known.tables
    assert [column.name for column in table.columns] == ["params", "params.value"]
    assert table.columns[0].mode == "REPEATED" and table.columns[1].is_nested


def test_metrics_tell_what_they_can_be_grouped_by() -> None:
    semantic = {
        "hash": "x",
        "models": [
            {
                "name": "거래",
                "dimensions": [
                    {"name": "일자", "type": "time", "grain": "day", "label": "거래일"},
                    {"name": "채널", "type": "categorical"},
                ],
                "measures": [{"name": "금액", "aggregation": "sum"}],
                "entities": [{"name": "계좌", "type": "foreign"}],
            }
        ],
        "groupings": [["거래__일자"]],
        "metrics": [{"name": "총액", "label": "총 거래액", "grouping": 0}, {"name": "건수"}],
    }
    names = caches.known(semantic=semantic).semantic
    assert names.groupable("총액") == {"거래__일자"}
    assert names.groupable("건수") is None
    day = names.dimension("거래__일자")
    assert day is not None and day.is_time and day.grain == "day" and day.label == "거래일"
    assert names.models[0].measures[0].type == "sum"


def test_a_large_cache_costs_no_more_than_what_is_looked_at() -> None:
    columns = {f"column_{number}": "STRING" for number in range(20)}
    one = caches.table("p.d.table", columns)
    tables = ",".join(
        json.dumps({**one, "id": f"p.d.table_{n}", "schema": f"d{n % 20}", "name": f"table_{n}"})
        for n in range(10_000)
    )
    data = f'{{"version": 1, "schema": {{}}, "tables": [{tables}]}}'.encode()
    started = time.process_time()
    known = read_cache(data)
    loading = time.process_time() - started
    assert not isinstance(known, Unreadable) and len(known) == 10_000
    # The limit is a second; machines that run tests are slow and busy.
    assert loading < 3
    assert known.table(("d3", "table_9003")) is not None
    started = time.process_time()
    for _ in range(1000):
        known.table(("d3", "table_9003"))
    assert time.process_time() - started < 0.1


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(_JSON, st.sampled_from([None, 2]), st.integers(0, 5))
def test_reading_in_pieces_reads_what_json_reads(
    value: object, indent: int | None, levels: int
) -> None:
    text = json.dumps(value, indent=indent)
    assert decode(text, {}, levels) == value


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(_JSON, st.integers(0, 200), st.sampled_from(['"', "{", "]", ",", ":", " ", "1"]))
def test_reading_in_pieces_fails_where_json_fails(value: object, at: int, damage: str) -> None:
    text = json.dumps({"a": value})
    text = text[:at] + damage + text[at + 1 :]
    try:
        expected: object = json.loads(text)
    except json.JSONDecodeError:
        with pytest.raises(json.JSONDecodeError):
            decode(text, {})
    else:
        assert decode(text, {}) == expected
