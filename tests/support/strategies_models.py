"""Random models: keys, rows, dimensions and measures, with everything that real ones do wrong.

Everything is drawn from a `random.Random`, so that a seed names a case for ever and hypothesis
can drive the same code with its own source of choices.
"""

from __future__ import annotations

import itertools
from datetime import date, datetime, timedelta
from random import Random

from tests.support.oracle_expressions import (
    Expr,
    Lit,
    Name,
    Op,
    Value,
)
from tests.support.oracle_world import (
    Dimension,
    Entity,
    Measure,
    Model,
    Row,
    Table,
)

MODEL_NAMES = (
    "orders",
    "customers",
    "products",
    "stores",
    "events",
    "items",
    "shipments",
    "주문",
    "고객기본",
    "부점코드",
    "계좌정보",
    "거래",
    "dim__region",
    "fact__sales",
    "a__b",
    "order",
    "Group",
    "visits",
)
DIMENSION_NAMES = (
    "region",
    "status",
    "kind",
    "tier",
    "상태",
    "지역",
    "등급",
    "x__y",
    "group",
    "order",
    "channel",
    "flag",
    "b_c",
    "Segment",
    "level",
)
TIME_NAMES = (
    "ordered_at",
    "open_dt",
    "개설일",
    "created",
    "거래일자",
    "at",
)
TEXTS = ("a", "b", "c", "가", "나")
ODD_TEXTS = ("it's", "a;b--", "back\\slash", '"q"', "%_", "x/*y*/")
COLUMN_NAMES = ("value", "qty", "amount", "order", "금액", "Price Paid", "score", "x_1")


def pick_some(rng: Random, items: list[str] | tuple[str, ...], low: int, high: int) -> list[str]:
    return rng.sample(list(items), min(rng.randint(low, high), len(items)))


def make_models(rng: Random) -> list[Model]:
    """One to five models with keys, rows, dimensions and measures."""
    maker = _Maker(rng)
    for index, name in enumerate(rng.sample(MODEL_NAMES, rng.choice((1, 2, 2, 3, 3, 4, 5)))):
        maker.add_model(name, index)
    maker.fill_rows()
    return maker.models


class _Maker:
    """Models are added one after the other; foreign keys point to earlier models only, except
    for one-to-one models that share a primary entity."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.always_aggregated = rng.random() < 0.4
        self.models: list[Model] = []
        self.measure_numbers = itertools.count(1)
        self.foreign: dict[str, list[tuple[tuple[str, ...], Model, tuple[str, ...]]]] = {}

    def add_model(self, name: str, index: int) -> None:
        rng = self.rng
        table = Table(f"t{index}_{rng.choice(('raw', '원장', 'Hist'))}", [], [])
        model = Model(name, table)
        self.models.append(model)
        self.foreign[name] = []
        self._add_key(model, index)
        others = self.models[:-1]
        for target in rng.sample(others, min(len(others), rng.choice((0, 1, 1, 2, 2)))):
            self._add_foreign(model, target)
        self._add_dimensions(model)
        self._add_measures(model)

    def _column(self, model: Model, name: str, kind: str) -> str:
        taken = {column for column, _ in model.table.columns}
        while name.lower() in {column.lower() for column in taken}:
            name += "_"
        model.table.columns.append((name, kind))
        return name

    def _add_key(self, model: Model, index: int) -> None:
        rng = self.rng
        singles = [m for m in self.models[:-1] if len(m.primary) == 1 and not self._shares_key(m)]
        if singles and rng.random() < 0.07:
            # A one-to-one extension: its primary entity is another model's.
            target = rng.choice(singles)
            entity = target.primary[0]
            column = self._column(model, "id", "text")
            model.entities.append(Entity(entity, "primary", column))
            self.foreign[model.name].append(((column,), target, (entity,)))
            return
        chance = rng.random()
        if chance < 0.08:
            # Facts without a key of their own, or with one that may be NULL.
            if rng.random() < 0.5:
                column = self._column(model, "maybe_no", "text")
                model.entities.append(Entity(f"maybe{index}", "unique", column))
            return
        if chance < 0.27:
            code = self._column(model, f"code{index}", "text")
            base = self._column(model, "base_dt", "date")
            model.entities.append(Entity(f"code{index}", "primary", code))
            model.entities.append(Entity(f"base_dt{index}", "primary", base))
        else:
            column = self._column(model, rng.choice(("id", "no", "번호")), "text")
            name = column if rng.random() < 0.3 else f"{rng.choice(('key', '키'))}_{index}"
            if any(e.name == name for m in self.models for e in m.entities):
                name = f"ent__{index}"
            model.entities.append(Entity(name, "primary", column))
        if rng.random() < 0.15:
            column = self._column(model, "alt_no", "text")
            model.entities.append(Entity(f"alt{index}", "unique", column))

    def _shares_key(self, model: Model) -> bool:
        entity = model.primary[0]
        return sum(any(e.name == entity for e in m.entities if e.is_key) for m in self.models) > 1

    def _add_foreign(self, model: Model, target: Model) -> None:
        rng = self.rng
        if not target.keys:
            return
        key = rng.choice(target.keys)
        if any(model.entity(name) for name in key):
            return
        if len(key) > 1 and rng.random() < 0.25:
            # Only a part of a composite key: not to-one, and never used.
            key = key[:1]
        columns = []
        for name in key:
            entity = target.entity(name)
            assert entity is not None
            kind = dict(target.table.columns)[entity.column]
            column = self._column(model, f"{entity.column}_fk", kind)
            model.entities.append(Entity(name, "foreign", column))
            columns.append(column)
        self.foreign[model.name].append((tuple(columns), target, key))
        if len(target.primary) == 1 and rng.random() < 0.15:
            self._add_role(model, target)

    def _add_role(self, model: Model, target: Model) -> None:
        """A second foreign key to the same model, told apart by a second name of its key."""
        primary = target.entity(target.primary[0])
        assert primary is not None
        role = f"role_{primary.name}"
        if target.entity(role) is None:
            target.entities.append(Entity(role, "unique", primary.column))
        if model.entity(role) is None:
            column = self._column(model, f"other_{primary.column}", "text")
            model.entities.append(Entity(role, "foreign", column))
            self.foreign[model.name].append(((column,), target, (role,)))

    def _add_dimensions(self, model: Model) -> None:
        rng = self.rng
        for name in pick_some(rng, DIMENSION_NAMES, 1, 3):
            kind = rng.choice(("text", "text", "text", "int", "bool"))
            column = self._column(model, name if rng.random() < 0.6 else f"col_{name}", kind)
            expr: Expr = Name(column)
            if kind == "text" and rng.random() < 0.25:
                expr = rng.choice(
                    (
                        Op("upper", (Name(column),)),
                        Op("coalesce", (Name(column), Lit("none"))),
                        Op("||", (Name(column), Lit("!"))),
                        Op(
                            "case",
                            (Op("=", (Name(column), Lit("a"))), Lit("first"), Lit("other")),
                        ),
                    )
                )
            model.dimensions.append(Dimension(name, kind, expr))
        for name in pick_some(rng, TIME_NAMES, 0, 2):
            kind = rng.choice(("date", "date", "timestamp"))
            grain = "day" if kind == "date" else rng.choice(("day", "hour", "second"))
            if rng.random() < 0.1:
                grain = "month"
            column = self._column(model, name, kind)
            model.dimensions.append(Dimension(name, kind, Name(column), grain))
        times = [d.name for d in model.dimensions if d.grain]
        if times and rng.random() < 0.8:
            model.agg_time = rng.choice(times)

    def _add_measures(self, model: Model) -> None:
        rng = self.rng
        for _ in range(rng.randint(1, 3)):
            kind = rng.choice(("int", "int", "float"))
            column = self._column(model, rng.choice(COLUMN_NAMES), kind)
            expr: Expr = Name(column)
            if rng.random() < 0.2:
                expr = rng.choice(
                    (
                        Op("*", (Name(column), Lit(2))),
                        Op("+", (Name(column), Lit(1))),
                        Op("coalesce", (Name(column), Lit(0))),
                    )
                )
            agg = rng.choice(
                (
                    "sum" if self.always_aggregated else None,
                    "sum",
                    "sum",
                    "count",
                    "count_distinct",
                    "average",
                    "min",
                    "max",
                    "median",
                )
            )
            measure = Measure(
                f"m{next(self.measure_numbers)}_{column.lower()[:3]}", kind, expr, agg
            )
            measure.name = measure.name.replace(" ", "_")
            if rng.random() < 0.12:
                measure.agg = "percentile"
                measure.fraction = rng.choice((0.25, 0.5, 0.75, 0.9))
                measure.discrete = rng.random() < 0.5
            model.measures.append(measure)
        flags = [d for d in model.dimensions if d.type == "bool"]
        if flags and rng.random() < 0.5:
            name = f"m{next(self.measure_numbers)}_flags"
            model.measures.append(Measure(name, "bool", flags[0].expr, "sum_boolean"))

    # --- rows ---------------------------------------------------------------------------

    def fill_rows(self) -> None:
        for position, model in enumerate(self.models):
            size = self.rng.choice((0, 1, 2, 3, 4, 5)) if position == 0 else self.rng.randint(1, 12)
            if position and self.rng.random() < 0.06:
                size = 0
            self._fill(model, size)

    def _fill(self, model: Model, size: int) -> None:
        rng = self.rng
        null_rate = rng.choice((0.0, 0.1, 0.3))
        keys = self._key_columns(model)
        taken: set[tuple[Value, ...]] = set()
        references = {c for columns, _, _ in self.foreign[model.name] for c in columns}
        for number in range(size):
            row: Row = {}
            for column, kind in model.table.columns:
                if column not in references:
                    row[column] = None if rng.random() < null_rate else value(rng, kind)
            for columns, target, key in self.foreign[model.name]:
                self._refer(row, columns, target, key)
            primary = self._columns_of(model, model.primary)
            for columns in keys:
                self._make_key(row, columns, columns != primary, number, taken, model)
            model.table.rows.append({column: row[column] for column, _ in model.table.columns})
        if model.table.rows and not _has_unique_keys(model):
            raise AssertionError(f"{model.name} got rows that break its key")

    def _key_columns(self, model: Model) -> list[tuple[str, ...]]:
        return list(dict.fromkeys(self._columns_of(model, key) for key in model.keys))

    @staticmethod
    def _columns_of(model: Model, key: tuple[str, ...]) -> tuple[str, ...]:
        entities = [model.entity(name) for name in key]
        return tuple(e.column for e in entities if e is not None)

    def _make_key(
        self,
        row: Row,
        columns: tuple[str, ...],
        nullable: bool,
        number: int,
        taken: set[tuple[Value, ...]],
        model: Model,
    ) -> None:
        rng = self.rng
        if len(columns) == 1:
            shared = any(columns == c and not nullable for c, _, _ in self.foreign[model.name])
            if shared and row[columns[0]] is not None and (row[columns[0]],) not in taken:
                taken.add((row[columns[0]],))
                return
            if nullable and rng.random() < 0.2:
                row[columns[0]] = None
                return
            prefix = "x" if shared else "z" if nullable else "k"
            row[columns[0]] = f"{prefix}{number}"
            return
        # Snapshots: few codes, few dates, each pair once.
        while True:
            pair: tuple[Value, ...] = (
                f"k{rng.randint(0, 2)}",
                any_date(rng, days=range(0, 60, 30)),
            )
            if pair not in taken:
                break
            pair = (f"k{number}", any_date(rng, days=range(90)))
            if pair not in taken:
                break
        taken.add(pair)
        row.update(zip(columns, pair, strict=True))

    def _refer(
        self, row: Row, columns: tuple[str, ...], target: Model, key: tuple[str, ...]
    ) -> None:
        """A foreign key: mostly a real one, sometimes dangling, sometimes NULL in part."""
        rng = self.rng
        chance = rng.random()
        sources = [e.column for name in key if (e := target.entity(name)) is not None]
        if target.table.rows and chance < 0.8:
            other = rng.choice(target.table.rows)
            values: list[Value] = [other[column] for column in sources]
        else:
            kinds = dict(target.table.columns)
            values = [
                any_date(rng, days=range(90)) if kinds[column] == "date" else "nowhere"
                for column in sources
            ]
        if chance > 0.9:
            values[rng.randrange(len(values))] = None
        row.update(zip(columns, values, strict=True))


def _has_unique_keys(model: Model) -> bool:
    for key in model.keys:
        columns = [e.column for name in key if (e := model.entity(name)) is not None]
        values = [tuple(row[c] for c in columns) for row in model.table.rows]
        present = [v for v in values if None not in v]
        if len(set(present)) < len(present):
            return False
    return True


def value(rng: Random, kind: str) -> Value:
    match kind:
        case "int":
            return rng.randint(-3, 12)
        case "float":
            return rng.randint(-8, 40) / 4
        case "bool":
            return rng.random() < 0.5
        case "date":
            return any_date(rng)
        case "timestamp":
            day = any_date(rng)
            seconds = rng.choice((0, 1, 3599, 3600, 43200, 86399))
            return datetime(day.year, day.month, day.day) + timedelta(seconds=seconds)
    return rng.choice(ODD_TEXTS if rng.random() < 0.04 else TEXTS)


def any_date(rng: Random, days: range | None = None) -> date:
    """Mostly around ends of months, quarters, leap days and ISO weeks of a new year."""
    if days is not None:
        return date(2024, 1, 1) + timedelta(days=rng.choice(days))
    corner = rng.choice(
        (
            date(2023, 12, 31),
            date(2024, 1, 1),
            date(2024, 1, 31),
            date(2024, 2, 29),
            date(2024, 3, 31),
            date(2024, 12, 30),
        )
    )
    return corner + timedelta(days=rng.randint(-2, 2))
