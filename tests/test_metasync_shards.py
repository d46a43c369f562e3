"""Tables with dates at the end of their names, seen as one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smq_metasync.collectors import Wanted, fits_column, split_name
from smq_metasync.collectors.shards import families


def grouped(*names: str) -> tuple[dict[str, int], tuple[str, ...]]:
    found, plain = families(names)
    return {each.name: len(each.members) for each in found}, plain


def test_dates_of_the_calendar_make_a_family() -> None:
    names = ("events_20240131", "events_20240228", "events_20230229", "events_20241301", "a")
    assert grouped(*names) == ({"events_*": 2}, ("a", "events_20230229", "events_20241301"))


def test_intraday_is_a_family_of_its_own() -> None:
    names = [f"events_{d}" for d in ("20240101", "20240102")]
    names += [f"events_intraday_{d}" for d in ("20240103", "20240104")]
    assert grouped(*names)[0] == {"events_*": 2, "events_intraday_*": 2}


def test_months_and_years_too() -> None:
    assert grouped("m_202401", "m_202402", "m_202413")[0] == {"m_*": 2}
    assert grouped("y_2022", "y_2023") == ({}, ("y_2022", "y_2023"))
    assert grouped("y_2022", "y_2023", "y_2024")[0] == {"y_*": 3}
    assert grouped("only_20240101") == ({}, ("only_20240101",))
    assert grouped("v20240101", "v20240102")[0] == {}


def test_the_abstraction_names_first_and_last() -> None:
    (family,), _ = families(["s_20240102", "s_20231231", "s_20240101"])
    shards = family.shards(("p", "d"))
    assert (shards.pattern, shards.count, shards.start, shards.end) == (
        "s_YYYYMMDD", 3, "2023-12-31", "2024-01-02",
    )  # fmt: skip
    assert shards.examples == ("p.d.s_20231231", "p.d.s_20240102")
    assert family.newest == "s_20240102"


@given(st.lists(st.from_regex(r"[a-z_]{0,4}\d{4,8}", fullmatch=True), unique=True))
def test_every_table_is_in_one_place(names: list[str]) -> None:
    found, plain = families(names)
    members = [name for family in found for name in family.members]
    assert sorted([*members, *plain]) == sorted(names)


def test_patterns_of_tables() -> None:
    wanted = Wanted(("shop.*", "proj.finance.ledger"), ("*.tmp_*",))
    assert ("proj", "shop", "Orders") in wanted
    assert ("proj", "finance", "LEDGER") in wanted
    assert ("proj", "finance", "other") not in wanted
    assert ("proj", "shop", "tmp_1") not in wanted
    assert ("shop", "orders") in wanted
    assert ("finance", "ledger") in wanted
    assert wanted.exact(("proj", "finance")) == ("ledger",)
    assert wanted.exact(("proj", "shop")) is None
    assert ("a", "b") in Wanted()
    assert split_name("`example.com:x.d.t`") == ("example.com:x", "d", "t")


def test_patterns_of_columns() -> None:
    table = ("proj", "shop", "customers")
    assert fits_column("*.email", table, "Email")
    assert fits_column("email", table, "email")
    assert fits_column("shop.customers.*", table, "anything")
    assert fits_column("customers.address.*", table, "address.street")
    assert not fits_column("shop.orders.*", table, "anything")
    assert not fits_column("*.email", table, "email_sent")
