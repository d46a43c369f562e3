"""Every value of a model file and a query file, replaced by values that people and programs write.

Whatever a value is, looking for what is wrong ends in findings, compiling in SQL or in findings
of its own, and fixes can be worked out. Damage to characters is for the tests of the readers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.support.bank import BANK_YML
from tests.support.shop import SHOP

from smq.rules.check import check
from smq.syntax import Document, Mapping, Node, Pair, Scalar, Sequence, jsonc
from smq.syntax import yaml as yaml_reader
from smq.workspace import Change, Configuration, Snapshot, build

EXAMPLES = Path(__file__).parent.parent / "examples"
VALUES = (
    *("", "null", "~", "0", "-1", "1.5", "95", "true", "2024-01-01", "[]", "{}", "[1, a]"),
    *("{a: 1}", '""', "' '", "a__b", "__", "summ", "SUM(1)", "SUM(SUM(1))", "1 / 0", "x y", "*"),
    *('"sum\\u200d"', '"\\0"', "'\\u0000'", "SELECT 1", '"; DROP TABLE x"', "(", "'a''b'", "부점"),
    *("order", "metric_time", "time", "categorical", "simple", "ratio", "derived", "cumulative"),
    *("conversion", "percentile", "primary", "foreign", "week", "nanosecond", "7 days", "9" * 400),
    *("1e999", "ref('x')", "source('a', 'b')", "{{ Metric('x') }}", "&a [*a]", "{<<: {a: b}}"),
)
"""As YAML; those that are JSON too are tried in queries."""
QUERY_VALUES = (
    *("null", "0", "-1", "1.5", "1e999", "true", "[]", "{}", '""', '" "', '"a__b"', '"__"', '"*"'),
    *('"SUM(revenue)"', '"SUM(SUM(1))"', '"1 / 0"', '"("', '"SELECT 1"', '"; DROP TABLE x"'),
    *('"metric_time"', "\"{{ Metric('revenue') }}\"", '"x AS x AS x"', '"-"', '"\\u0000"', "[[]]"),
    *(
        '["revenue", "revenue"]',
        '"SUM(revenue) OVER ()"',
        '"revenue AS \\"\\""',
        '{"a": 1}',
        "1" * 400,
    ),
)


@cache
def workspaces() -> dict[str, dict[str, str]]:
    """Texts by file name; each workspace has models in its own words and queries."""
    query = '{"metrics": ["revenue"], "groupBy": ["customers__tier"], "limit": 3}'
    found = {"traps": {"m.yml": SHOP, "q.smq.json": query}}
    query = '{"metrics": ["revenue"], "groupBy": ["고객기본__cust_no"], "orderBy": ["-revenue"]}'
    found["words"] = {"m.yml": BANK_YML, "q.smq.json": query}
    for name in ("bank", "shop"):
        root = EXAMPLES / name
        paths = (*sorted(root.rglob("*.yml")), *sorted(root.rglob("*.smq.json")))
        found[name] = {
            path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths
        }
    return found


@cache
def snapshot_of(name: str) -> Snapshot:
    documents = [Document(file, text) for file, text in workspaces()[name].items()]
    return build(documents, Configuration())


def spots(document: Document) -> Iterator[tuple[int, int]]:
    """Where values stand: those of keys and items, scalars and whole lists and mappings."""
    reader = jsonc if document.uri.endswith(".json") else yaml_reader
    pending: list[Node | None] = list(reader.parse(document).roots)
    while pending:
        node = pending.pop()
        if isinstance(node, Mapping):
            inner = [pair.value for pair in node.pairs if isinstance(pair, Pair)]
        elif isinstance(node, Sequence):
            inner = list(node.items)
        else:
            continue
        pending.extend(inner)
        for value in inner:
            # A block cannot be replaced within its line.
            is_inline = isinstance(value, Scalar) or getattr(value, "flow", False)
            if value is not None and (is_inline or document.uri.endswith(".json")):
                yield value.span


@cache
def all_spots(name: str) -> tuple[tuple[str, int, int], ...]:
    return tuple(
        (file, *span)
        for file, text in workspaces()[name].items()
        for span in spots(Document(file, text))
    )


def look(name: str, file: str, start: int, end: int, value: str) -> None:
    """Raises what the product raises, with the damaged line in front."""
    text = workspaces()[name][file]
    damaged = text[:start] + value + text[end:]
    snapshot = snapshot_of(name).apply([Change(file, damaged)])
    try:
        for finding in check(snapshot):
            assert finding.message.strip()
            assert finding.location.span.end <= len(snapshot.document(finding.location.uri).text)
            for fix in finding.fixes:
                assert fix.edits
    except Exception as error:
        line = damaged[damaged.rfind("\n", 0, start) + 1 :].partition("\n")[0]
        raise AssertionError(f"{name}, {file}, {value!r} in {line!r}: {error!r}") from error


def try_some(name: str, seed: int, count: int) -> None:
    rng = random.Random(seed)
    for _ in range(count):
        file, start, end = rng.choice(all_spots(name))
        values = QUERY_VALUES if file.endswith(".json") else VALUES
        look(name, file, start, end, rng.choice(values))


@pytest.mark.parametrize("name", ["traps", "words", "bank", "shop"])
def test_a_wrong_value_is_a_finding_and_never_a_crash(name: str) -> None:
    try_some(name, 1, 60 if name in ("traps", "words") else 12)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 22))
@pytest.mark.parametrize("name", ["traps", "words", "bank", "shop"])
def test_many_wrong_values_are_findings(name: str, seed: int) -> None:
    try_some(name, seed, 300 if name in ("traps", "words") else 60)
