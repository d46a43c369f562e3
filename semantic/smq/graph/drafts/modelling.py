"""From tables to drafts of models: keys, joins, dimensions, measures and first metrics."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from smq.catalog.tables import Column, Table
from smq.dialects import dialect as dialect_named
from smq.dialects.facts import words as word_set
from smq.graph.consistency import RESERVED, SQL_WORDS
from smq.graph.data_types import column_kind
from smq.graph.drafts.judging import Role, data_type, is_balance, role_of, words
from smq.graph.graph import SemanticGraph
from smq.graph.symbols import GRAINS, TableName
from smq.text import fold, nfc

_LONGEST_LABEL = 40
_TIMES = ("order", "event", "transaction", "txn", "sale", "paid", "created", "occurred", "거래")


@dataclass(frozen=True, slots=True)
class DraftMember:
    """An entity, dimension or measure. `kind` is the entity's kind or the column's role; `type`
    a data type of model files."""

    name: str
    column: str
    kind: str
    type: str = ""
    label: str = ""
    description: str = ""
    note: str = ""
    """A comment for who edits the draft."""


@dataclass(frozen=True, slots=True)
class DraftMetric:
    name: str
    measure: str
    call: str
    """`SUM({})`, to be filled with the measure."""
    type: str
    label: str = ""


@dataclass(slots=True)
class DraftModel:
    name: str
    table: Table
    label: str = ""
    description: str = ""
    entities: list[DraftMember] = field(default_factory=list)
    dimensions: list[DraftMember] = field(default_factory=list)
    measures: list[DraftMember] = field(default_factory=list)
    metrics: list[DraftMetric] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """Columns that no query could use as they are."""

    @property
    def time(self) -> DraftMember | None:
        """The dimension by which the model's numbers are best put in time."""
        times = [each for each in self.dimensions if each.kind == "time"]
        partitions = [each for each in times if each.column in self.table.partitioning]
        telling = [e for e in times if any(word.startswith(_TIMES) for word in words(e.name))]
        return next(iter((*partitions, *telling, *times)), None)


@dataclass(frozen=True, slots=True)
class _Key:
    """A key that other tables may refer to: its entity, its column, and whose it is."""

    entity: str
    column: str
    table: tuple[str, ...]
    type: str


def model_tables(
    tables: Sequence[Table],
    dialect: str,
    graph: SemanticGraph | None = None,
    names: Sequence[str] = (),
) -> list[DraftModel]:
    """Drafts of all tables together, so that those that refer to each other join.

    Models and metrics of `graph` keep their names, and its keys are joined to. `names` are those
    of the models, where somebody has chosen them.
    """
    reserved = dialect_named(dialect).reserved
    taken_models = set(graph.models) if graph else set()
    models: list[DraftModel] = []
    for number, table in enumerate(tables):
        own = table.name.removesuffix("*").rstrip("_") if table.shards else table.name
        name = _free(legal_name(own, reserved), taken_models)
        if number < len(names):
            name = names[number]
        taken_models.add(name)
        label, description = labelled(table.description)
        models.append(DraftModel(name, table, label, description))
    keys = [*_keys_of(graph), *(key for m in models for key in _own_keys(m.table, reserved))]
    taken_metrics = set(graph.metrics) if graph else set()
    for model in models:
        _fill(model, keys, reserved)
        # A metric of the name of a member would hide one of the two.
        taken_metrics |= {m.name for m in (*model.dimensions, *model.measures, *model.entities)}
    taken_metrics |= taken_models
    for model in models:
        _measure(model, taken_metrics)
    return models


def legal_name(written: str, reserved: Iterable[str] = ()) -> str:
    """A name that queries can use, as near to a column's or table's as can be."""
    name = nfc(written)
    if name.isascii() and name.isupper():
        # Engines that fold to upper case show names that nobody wrote so.
        name = name.lower()
    name = re.sub(r"\W+", "_", name)
    name = re.sub(r"_{2,}", "_", name).strip("_") or "column"
    if name[0].isdigit():
        name = f"n_{name}"
    if name.lower() in reserved or name.lower() in SQL_WORDS | RESERVED:
        name = f"{name}_value"
    # Behind a model's name these would be read as grains.
    return f"{name}_value" if name.lower() in GRAINS else name


def labelled(description: str) -> tuple[str, str]:
    """(label, description) of a comment: `label : description`, a label alone, or a sentence."""
    # Some invisible characters are not even allowed in YAML, and none says anything.
    text = " ".join("".join(c if c.isprintable() else " " for c in description).split())
    match = re.match(rf"([^:：]{{1,{_LONGEST_LABEL}}}?)\s*[:：]\s*(\S.*)\Z", text)
    if match and not match[2].startswith("//"):
        return match[1].strip(), match[2].strip()
    if 0 < len(text) <= _LONGEST_LABEL and not text.endswith((".", "다", "!", "?")):
        return text, ""
    return "", text


# Keys


def _own_keys(table: Table, reserved: Iterable[str]) -> list[_Key]:
    names = table.primary_key or _guessed_key(table)
    found = []
    for name in names:
        column = table.column(name)
        if column is not None:
            entity = _entity_name(table, column.name, len(names) == 1, reserved)
            if column_kind(column.type) in ("date", "timestamp"):
                # The dimension by which people group has the column's own name.
                entity = f"{entity}_key"
            found.append(_Key(entity, column.name, table.parts, column.type))
    return found


def _guessed_key(table: Table) -> tuple[str, ...]:
    """The key of a table that declares none: `id`, or the id of what the table is called after.

    Tables of snapshots and histories have several rows for each of those, so nothing is guessed.
    """
    if table.shards is not None or _MANY & set(words(table.name)):
        return ()
    own = _stem(table.name)
    for column in table.columns:
        if column.mode == "REPEATED" or column_kind(column.type) not in ("integer", "text"):
            continue
        if words(column.name) == ["id"] or own == _thing(column.name) != "":
            return (column.name,)
    return ()


_MANY = word_set("snap snapshot hist history log logs daily monthly")
_PREFIXES = word_set("tb tbl dim fct fact stg mart t")
_SUFFIXES = word_set("base master mst mstr info dtl detail details data table list raw")
_KOREAN_SUFFIXES = ("기본", "정보", "내역", "원장", "마스터", "상세", "목록")
_KOREAN_IDS = ("번호", "코드", "아이디", "식별자")


def _stem(table: str) -> str:
    """What a table is called after: `customer` for `dim_customers`, `고객` for `고객기본`."""
    found = "_".join(_singular(words(table)))
    for suffix in _KOREAN_SUFFIXES:
        if found.endswith(suffix) and len(found) > len(suffix):
            return found[: -len(suffix)]
    return found


def _thing(column: str) -> str:
    """What an id identifies: `customer` for `customer_id`, `고객` for `고객번호`; else empty."""
    parts = words(column)
    if len(parts) > 1 and parts[-1] in _ID_WORDS:
        return "_".join(parts[:-1])
    for suffix in _KOREAN_IDS:
        if column.endswith(suffix) and len(column) > len(suffix):
            return column[: -len(suffix)]
    return ""


_ID_WORDS = ("id", "no", "nr", "key", "cd", "code", "number")


def _entity_name(table: Table, column: str, is_alone: bool, reserved: Iterable[str]) -> str:
    """The column's own name; that of a bare `id` tells whose it is."""
    if is_alone and fold(column) in _ID_WORDS:
        own = _stem(table.name) or table.name
        return legal_name(f"{own}_{fold(column)}", reserved)
    return legal_name(column, reserved)


def _singular(parts: list[str]) -> list[str]:
    """`orders` → `order`, `categories` → `category`; prefixes of warehouses are left out."""
    kept = list(parts)
    while len(kept) > 1 and kept[0] in _PREFIXES:
        kept.pop(0)
    while len(kept) > 1 and kept[-1] in _SUFFIXES:
        kept.pop()
    last = kept[-1] if kept else ""
    if not last:
        return kept
    if last.endswith("ies") and len(last) > 4:
        last = f"{last[:-3]}y"
    elif last.endswith(("ses", "xes", "ches", "shes")):
        last = last[:-2]
    elif last.endswith("s") and not last.endswith(("ss", "us")):
        last = last[:-1]
    return [*kept[:-1], last]


def _keys_of(graph: SemanticGraph | None) -> list[_Key]:
    """The keys of models that exist, where they are single columns."""
    found = []
    for model in graph.models.values() if graph else ():
        relation = graph.relation(model) if graph else None
        if not isinstance(relation, TableName):
            continue
        for entity in model.entities:
            column = entity.expr.text.strip() if entity.expr else entity.name
            if entity.kind == "primary" and re.fullmatch(r"\w+", column):
                found.append(_Key(entity.name, column, relation.parts, ""))
    return found


# Members


def _fill(model: DraftModel, keys: list[_Key], reserved: Iterable[str]) -> None:
    table = model.table
    own = {key.column: key for key in _own_keys(table, reserved)}
    taken: set[str] = set()
    foreign = _foreign(table, own, keys)
    repeated = {f"{c.name}." for c in table.columns if c.mode == "REPEATED"}
    for column in table.columns:
        label, description = labelled(column.description)
        key = own.get(column.name)
        target = foreign.get(column.name)
        if key is not None or target is not None:
            used = key or target
            assert used is not None
            name = _free(used.entity, taken)
            taken.add(name)
            kind = "primary" if key is not None else "foreign"
            model.entities.append(DraftMember(name, column.name, kind, "", label, description))
            if column_kind(column.type) not in ("date", "timestamp"):
                continue
        inside = any(column.name.startswith(prefix) for prefix in repeated)
        role: Role = "none" if inside else role_of(column, label)
        if role == "none":
            is_parent = any(c.name.startswith(f"{column.name}.") for c in table.columns)
            if not inside and (not is_parent or column.mode == "REPEATED"):
                model.left_out.append(f"{column.name} ({column.type})")
            continue
        name = _free(legal_name(column.name, reserved), taken)
        taken.add(name)
        note = ""
        if role == "amount" and is_balance(column.name, label):
            note = "A balance: add it up over places, not over time."
        member = DraftMember(
            name, column.name, role, data_type(column_kind(column.type)), label, description, note
        )
        (model.measures if role in ("amount", "average") else model.dimensions).append(member)


def _foreign(table: Table, own: Mapping[str, _Key], keys: list[_Key]) -> dict[str, _Key]:
    """The columns that refer to another table's whole key, by constraints or else by names."""
    by_table: dict[tuple[str, ...], list[_Key]] = {}
    for key in keys:
        by_table.setdefault(key.table, []).append(key)
    found: dict[str, _Key] = {}
    for constraint in table.foreign_keys:
        for parts, targets in by_table.items():
            if parts == table.parts or not _same_table(parts, constraint.table):
                continue
            columns = [c for name in constraint.columns if (c := table.column(name)) is not None]
            referenced = constraint.referenced or tuple(t.column for t in targets)
            pairs = dict(zip((fold(r) for r in referenced), columns, strict=False))
            matched = {pairs[fold(t.column)].name: t for t in targets if fold(t.column) in pairs}
            entities = {target.entity for target in found.values()}
            if (
                len(matched) == len(targets) == len(constraint.columns)
                # Two columns cannot carry one entity, and the first refers in the usual way.
                and not entities & {target.entity for target in matched.values()}
            ):
                found.update({c: t for c, t in matched.items() if c not in own})
    for parts, targets in by_table.items():
        if parts == table.parts or any(
            t.entity in {f.entity for f in found.values()} for t in targets
        ):
            continue
        columns = [c for t in targets if (c := _named_like(table, t)) is not None]
        free = [c for c in columns if c.name not in found]
        is_own_key = {c.name for c in columns} <= set(own)
        if len(free) == len(targets) and len(set(free)) == len(free) and not is_own_key:
            found.update(
                {c.name: t for c, t in zip(columns, targets, strict=True) if c.name not in own}
            )
    return found


def _named_like(table: Table, key: _Key) -> Column | None:
    """The column of a table that is called after another table's key."""
    for name in (key.column, key.entity):
        if fold(name) in _ID_WORDS:
            continue
        column = table.column(name)
        if column is not None and column.mode != "REPEATED" and _may_equal(column.type, key.type):
            return column
    return None


def _may_equal(one: str, other: str) -> bool:
    """Whether values of two types can be equal without a cast."""
    kinds = column_kind(one), column_kind(other)
    numbers = ("integer", "number")
    return not other or kinds[0] == kinds[1] or (kinds[0] in numbers and kinds[1] in numbers)


def _same_table(one: Sequence[str], other: Sequence[str]) -> bool:
    both = min(len(one), len(other))
    return both > 0 and [fold(p) for p in one[-both:]] == [fold(p) for p in other[-both:]]


# Measures and metrics


def _measure(model: DraftModel, taken: set[str]) -> None:
    is_korean = re.search("[가-힣]", model.name + model.label) is not None
    primary = [each for each in model.entities if each.kind == "primary"]
    if len(primary) == 1:
        members = {m.name for m in (*model.dimensions, *model.measures, *model.entities)}
        name = _free(f"{model.name}_rows", members)
        label = f"{model.label or model.name} 건수" if is_korean else ""
        column = model.table.column(primary[0].column)
        kind = data_type(column_kind(column.type)) if column is not None else "varchar"
        counted = DraftMember(name, primary[0].column, "count", kind, label)
        metric = f"{model.name}_건수" if is_korean else f"{model.name}_count"
        metric = _free(metric, taken | {name})
        taken |= {metric, name}
        model.measures.insert(0, counted)
        model.metrics.append(DraftMetric(metric, name, "COUNT(DISTINCT {})", "integer", label))
    for measure in model.measures:
        if measure.kind == "count":
            continue
        average = measure.kind == "average"
        hangul = re.search("[가-힣]", measure.name) is not None
        word = ("average", "평균") if average else ("total", "합계")
        wanted = f"{measure.name}_{word[1]}" if hangul else f"{word[0]}_{measure.name}"
        says_so = words(measure.name)[:1] in (["total"], ["sum"], ["average"], ["avg"])
        if wanted in taken or says_so:
            wanted = measure.name if says_so else wanted
            wanted = f"{model.name}_{wanted}"
        metric = _free(wanted, taken)
        taken.add(metric)
        label = measure.label
        if label and average:
            label = f"{label} 평균" if re.search("[가-힣]", label) else f"Average {label}"
        kind = "decimal" if average else measure.type
        model.metrics.append(
            DraftMetric(metric, measure.name, "AVG({})" if average else "SUM({})", kind, label)
        )


def _free(name: str, taken: Iterable[str]) -> str:
    used = taken if isinstance(taken, set) else set(taken)
    free, number = name, 2
    while free in used:
        free = f"{name}_{number}"
        number += 1
    return free
