"""Window functions the slow way: for each row, list the rows of its frame, then apply."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cmp_to_key
from typing import TypeVar

from tests.support.oracle_expressions import (
    Bound,
    Expr,
    Frame,
    Over,
    Value,
    aggregate,
    comparable,
    compare,
)

Row = TypeVar("Row")

_DEFAULT_ORDERED = Frame("RANGE", Bound(-1, None), Bound(0))
_WHOLE = Frame("ROWS", Bound(-1, None), Bound(1, None))


def null_last(left: Value, right: Value, *, descending: bool) -> int:
    """Order of two sort values; NULL comes last whichever the direction."""
    if left is None or right is None:
        return (left is None) - (right is None)
    return -compare(left, right) if descending else compare(left, right)


def window(over: Over, rows: Sequence[Row], scalar: Callable[[Expr, Row], Value]) -> list[Value]:
    """The window function's value for each row, in the order of `rows`."""
    results: list[Value] = [None] * len(rows)
    partitions: dict[tuple[Value, ...], list[int]] = {}
    for index, row in enumerate(rows):
        key = tuple(comparable(scalar(part, row)) for part in over.partition)
        partitions.setdefault(key, []).append(index)
    for members in partitions.values():
        keys = {i: [scalar(sort.expr, rows[i]) for sort in over.order] for i in members}

        def order(left: int, right: int, keys: dict[int, list[Value]] = keys) -> int:
            for a, b, sort in zip(keys[left], keys[right], over.order, strict=True):
                sign = null_last(a, b, descending=sort.descending)
                if sign:
                    return sign
            return 0

        ordered = sorted(members, key=cmp_to_key(order))
        groups: list[list[int]] = []
        for position, index in enumerate(ordered):
            if position and order(ordered[position - 1], index) == 0:
                groups[-1].append(position)
            else:
                groups.append([position])
        partition = _Partition(
            over,
            [[scalar(arg, rows[i]) for arg in over.args] for i in ordered],
            [keys[i][0] if len(keys[i]) == 1 else None for i in ordered],
            groups,
        )
        for position, index in enumerate(ordered):
            results[index] = partition.value(position)
    return results


class _Partition:
    """One partition in its order; positions count from 0; peers share a group."""

    def __init__(
        self,
        over: Over,
        arguments: list[list[Value]],
        keys: list[Value],
        groups: list[list[int]],
    ) -> None:
        self.over = over
        self.arguments = arguments
        self.keys = keys
        self.groups = groups
        self.group_of = {p: g for g, members in enumerate(groups) for p in members}
        self.size = len(arguments)

    def value(self, position: int) -> Value:
        func = self.over.func
        if func in ("row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile"):
            return self._rank(func, position)
        if func in ("lag", "lead"):
            return self._shifted(func, position)
        frame = self._frame(position)
        first = [row[0] if row else None for row in self.arguments]
        match func:
            case "first_value":
                return first[frame[0]] if frame else None
            case "last_value":
                return first[frame[-1]] if frame else None
            case "nth_value":
                nth = self.arguments[position][1]
                assert isinstance(nth, int)
                return first[frame[nth - 1]] if len(frame) >= nth else None
            case "count_rows":
                return len(frame)
        return aggregate(func, [first[p] for p in frame])

    def _rank(self, func: str, position: int) -> Value:
        group = self.group_of[position]
        rank = self.groups[group][0] + 1
        match func:
            case "row_number":
                return position + 1
            case "rank":
                return rank
            case "dense_rank":
                return group + 1
            case "percent_rank":
                return (rank - 1) / (self.size - 1) if self.size > 1 else 0.0
            case "cume_dist":
                return (self.groups[group][-1] + 1) / self.size
        buckets = self.arguments[position][0]
        assert isinstance(buckets, int)
        # The first (size mod buckets) buckets hold one row more.
        small, larger = divmod(self.size, buckets)
        edge = larger * (small + 1)
        if position < edge:
            return position // (small + 1) + 1
        return larger + (position - edge) // small + 1

    def _shifted(self, func: str, position: int) -> Value:
        arguments = self.arguments[position]
        offset = arguments[1] if len(arguments) > 1 else 1
        default = arguments[2] if len(arguments) > 2 else None
        assert isinstance(offset, int)
        target = position - offset if func == "lag" else position + offset
        return self.arguments[target][0] if 0 <= target < self.size else default

    def _frame(self, position: int) -> list[int]:
        frame = self.over.frame or (_DEFAULT_ORDERED if self.over.order else _WHOLE)
        group = self.group_of[position]
        match frame.unit:
            case "ROWS":
                low, high = self._offsets(frame, position, self.size)
                inside = range(max(low, 0), min(high, self.size - 1) + 1)
                members = list(inside)
            case "GROUPS":
                low, high = self._offsets(frame, group, len(self.groups))
                chosen = range(max(low, 0), min(high, len(self.groups) - 1) + 1)
                members = [p for g in chosen for p in self.groups[g]]
            case _:
                members = [p for p in range(self.size) if self._in_range(frame, position, p)]
        peers = self.groups[group]
        match frame.exclude:
            case "CURRENT ROW":
                return [p for p in members if p != position]
            case "GROUP":
                return [p for p in members if p not in peers]
            case "TIES":
                return [p for p in members if p not in peers or p == position]
        return members

    def _offsets(self, frame: Frame, place: int, size: int) -> tuple[int, int]:
        def at(bound: Bound, unbounded: int) -> int:
            return unbounded if bound.offset is None else place + bound.side * bound.offset

        low = at(frame.start, -1 if frame.start.side < 0 else size)
        high = at(frame.end, -1 if frame.end.side < 0 else size)
        return low, high

    def _in_range(self, frame: Frame, position: int, other: int) -> bool:
        """Whether `other` lies within the bounds around the current row's sort value."""
        mine, theirs = self.group_of[position], self.group_of[other]
        for bound, is_start in ((frame.start, True), (frame.end, False)):
            if bound.offset is None:
                continue
            if bound.side == 0:
                reached = theirs >= mine if is_start else theirs <= mine
            else:
                reached = self._reached(bound, position, other, is_start=is_start, days=frame.days)
            if not reached:
                return False
        return True

    def _reached(
        self, bound: Bound, position: int, other: int, *, is_start: bool, days: bool
    ) -> bool:
        here, there = self.keys[position], self.keys[other]
        mine, theirs = self.group_of[position], self.group_of[other]
        if here is None or there is None:
            # NULL is no distance from anything: a NULL row sees its peers, others see no NULLs.
            if (here is None) == (there is None):
                return True
            return theirs >= mine if is_start else theirs <= mine
        assert bound.offset is not None
        descending = self.over.order[0].descending
        step = bound.side * bound.offset * (-1 if descending else 1)
        here = comparable(here)
        if days:
            assert isinstance(here, date)
            limit: Value = here + timedelta(days=step)
        else:
            assert isinstance(here, int | float)
            limit = here + step
        sign = compare(there, limit) * (-1 if descending else 1)
        return sign >= 0 if is_start else sign <= 0
