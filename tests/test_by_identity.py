"""Answers that are remembered by the thing they are about."""

from __future__ import annotations

import gc

from smq.ide.by_identity import ByIdentity


class Thing:
    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        raise AssertionError("things are not compared")

    __hash__ = None  # type: ignore[assignment]


class Asked:
    """A function that counts how often it is asked."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, thing: Thing, *given: object) -> str:
        self.names.append(thing.name)
        return " ".join([thing.name, *map(str, given)])


def test_one_thing_is_asked_about_once_and_an_equal_one_again() -> None:
    asked = Asked()
    about: ByIdentity[Thing, str] = ByIdentity(asked, most=10)
    one, other = Thing("a"), Thing("a")
    assert [about(one), about(one), about(other)] == ["a", "a", "a"]
    assert asked.names == ["a", "a"]


def test_what_else_is_given_counts() -> None:
    asked = Asked()
    about: ByIdentity[Thing, str] = ByIdentity(asked, most=10)
    thing = Thing("a")
    assert [about(thing, 1), about(thing, 2), about(thing, 1), about(thing)] == [
        "a 1",
        "a 2",
        "a 1",
        "a",
    ]
    assert asked.names == ["a", "a", "a"]


def test_no_more_is_kept_than_was_said() -> None:
    asked = Asked()
    about: ByIdentity[Thing, str] = ByIdentity(asked, most=3)
    things = [Thing(str(number)) for number in range(4)]
    assert [about(thing) for thing in things] == ["0", "1", "2", "3"]
    assert [about(thing) for thing in things[2:]] == ["2", "3"]
    assert asked.names == ["0", "1", "2", "3", "2"]


def test_a_thing_that_comes_where_another_was_is_not_taken_for_it() -> None:
    about: ByIdentity[Thing, str] = ByIdentity(Asked(), most=1_000)
    for number in range(500):
        # Each is gone before the next one is made, unless somebody keeps it.
        assert about(Thing(str(number))) == str(number)
        gc.collect(0)
