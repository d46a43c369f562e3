"""Models and queries held to what the warehouse has, and silence where that is not known.

The earlier linter's SEM000 (no schema to compare with) is one notice of the faces, SEM006 (a column
that is not there) is CAT102, SEM600 (a column that no model uses) is CAT104.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tests.support import cache as caches
from tests.support.cli import Cli
from tests.support.session import Client

from smq.catalog import CatalogSnapshot, Unknown, known_tables
from smq.expr.ddl import read_ddl
from smq.graph.data_types import column_kind
from smq.rules.check import Finding, check
from smq.syntax import Document
from smq.text import apply_edits
from smq.workspace import Configuration, MetasyncSettings, build
from smq_schemas import schema
from smq_server.lsp.features.exploring import metasync_of

ORDERS = "CREATE TABLE shop.orders (order_id BIGINT, amount DECIMAL(10,2), 주문일 DATE);"
MODEL = """\
semantic_models:
  - name: orders
    table: shop.orders
    entities:
      - {name: order, type: primary, expr: order_id}
    dimensions:
      - {name: 주문일, type: date}
    measures:
      - {name: amount, type: number, expr: amount}
"""


def findings(
    model: str,
    catalog: CatalogSnapshot | str,
    dialect: str = "duckdb",
    metasync: MetasyncSettings | None = None,
) -> list[Finding]:
    if isinstance(catalog, str):
        catalog = known_tables(read_ddl(catalog, dialect).tables)
    configuration = Configuration(dialect=dialect, metasync=metasync or MetasyncSettings())
    snapshot = build([Document("m.yml", model)], configuration, catalog=catalog)
    return [finding for finding in check(snapshot) if finding.code.startswith("CAT")]


def marked(model: str, found: Sequence[Finding]) -> list[tuple[str, str]]:
    return [(finding.code, finding.location.span.cut(model)) for finding in found]


def test_a_model_that_agrees_is_clean() -> None:
    assert findings(MODEL, ORDERS) == []


@pytest.mark.parametrize("reason", ["absent", "unreadable", "unreachable", "not-configured"])
def test_an_unknown_catalogue_says_nothing(reason: str) -> None:
    wrong = MODEL.replace("shop.orders", "shop.nowhere")
    assert findings(wrong, Unknown(reason, "")) == []  # type: ignore[arg-type]


def test_a_missing_column_is_marked_inside_its_expression_and_can_be_replaced() -> None:
    model = MODEL.replace("expr: amount", "expr: 'ROUND(amuont * 1.1, 2)'")
    hint, finding = sorted(findings(model, ORDERS), key=lambda each: -each.location.span.start)[
        ::-1
    ]
    assert hint.code == "CAT104"
    assert marked(model, [finding]) == [("CAT102", "amuont")]
    assert finding.message == ("Table 'shop.orders' has no column 'amuont'. Did you mean 'amount'?")
    assert "ROUND(amount * 1.1, 2)" in apply_edits(model, finding.fixes[0].edits)


def test_a_member_without_expression_reads_the_column_of_its_name() -> None:
    model = MODEL.replace("주문일, type", "주문월, type")
    (found,) = [each for each in findings(model, ORDERS) if each.code == "CAT102"]
    assert marked(model, [found]) == [("CAT102", "주문월")]
    assert "no `expr`" in found.message
    assert "{name: 주문월, expr: 주문일, type: date}" in apply_edits(model, found.fixes[0].edits)
    block = model.replace("- {name: 주문월, type: date}", "- name: 주문월\n        type: date")
    (found,) = [each for each in findings(block, ORDERS) if each.code == "CAT102"]
    fixed = apply_edits(block, found.fixes[0].edits)
    assert "- name: 주문월\n        expr: 주문일\n        type: date" in fixed
    assert findings(fixed, ORDERS) == []


@pytest.mark.parametrize(
    "expr",
    [
        "AMOUNT",
        "orders.amount",
        "amount + order_id",
        "list_transform([amount], x -> x + nothing)",
        "(SELECT MAX(other) FROM elsewhere)",
        "rowid",
        "orders__amount",
    ],
)
def test_what_is_no_column_of_the_table_or_may_be_none_is_not_reported(expr: str) -> None:
    model = MODEL.replace("expr: amount", f"expr: '{expr}'")
    assert "CAT102" not in [finding.code for finding in findings(model, ORDERS)]


def test_fields_of_records_are_columns_by_their_path() -> None:
    ddl = "CREATE TABLE p.events (user STRUCT<id INT64, geo STRUCT<city STRING>>, day DATE)"
    model = """\
semantic_models:
  - name: events
    table: p.events
    dimensions:
      - {name: city, type: varchar, expr: user.geo.city}
      - {name: day, type: date}
"""
    assert findings(model, ddl, "bigquery") == []
    wrong = model.replace("user.geo.city", "usr.geo.city")
    found = [each for each in findings(wrong, ddl, "bigquery") if each.code == "CAT102"]
    assert marked(wrong, found) == [("CAT102", "usr.geo.city")]


def test_a_missing_table_offers_the_nearest() -> None:
    model = MODEL.replace("shop.orders", "shop.order")
    (finding,) = findings(model, ORDERS)
    assert marked(model, [finding]) == [("CAT101", "shop.order")]
    assert finding.message == (
        "Table 'shop.order' of semantic model 'orders' is not in the warehouse. "
        "Did you mean 'shop.orders'? If it is new, run `smq metasync sync`."
    )
    assert apply_edits(model, finding.fixes[0].edits) == MODEL


def test_tables_that_nobody_collected_are_not_missing() -> None:
    assert findings(MODEL.replace("shop.orders", "other.orders_x"), ORDERS) == []
    wrong = MODEL.replace("shop.orders", "shop.orders_x")
    assert findings(wrong, ORDERS, metasync=MetasyncSettings(tables=("shop.orders",))) == []
    assert findings(wrong, ORDERS, metasync=MetasyncSettings(exclude=("shop.*_x",))) == []
    refused = caches.known(
        caches.table("shop.orders", {"order_id": "BIGINT"}),
        warnings=[{"message": "403", "table": "shop.orders_x"}],
    )
    assert findings(wrong, refused) == []
    assert findings(wrong, caches.read(caches.V4)) == []


def test_the_letter_case_of_tables_counts_where_the_engine_keeps_it() -> None:
    model = MODEL.replace("shop.orders", "shop.Orders")
    assert findings(model, ORDERS) == []
    (finding,) = findings(model, ORDERS.replace("BIGINT", "INT64"), "bigquery")
    assert finding.code == "CAT101" and "keep their letter case" in finding.message


@pytest.mark.parametrize(
    ("dialect", "column", "declared", "is_wrong"),
    [
        ("postgres", "character varying(20)", "varchar", False),
        ("postgres", "timestamp(6) without time zone", "timestamp", False),
        ("oracle", "NUMBER(10,0)", "integer", False),
        ("oracle", "VARCHAR2(10)", "number", True),
        ("mysql", "bigint unsigned", "integer", False),
        ("mysql", "tinyint(1)", "boolean", False),
        ("sqlserver", "NVARCHAR(MAX)", "varchar", False),
        ("sqlserver", "DATETIME2(7)", "date", True),
        ("snowflake", "TIMESTAMP_NTZ(9)", "timestamp", False),
        ("bigquery", "INT64", "varchar", True),
        ("bigquery", "ARRAY<STRING>", "varchar", False),
        ("clickhouse", "Nullable(DateTime64(3))", "timestamp", False),
        ("clickhouse", "LowCardinality(String)", "varchar", False),
        ("duckdb", "SOMETHING_NEW", "varchar", False),
    ],
)
def test_types_are_compared_by_what_values_they_hold(
    dialect: str, column: str, declared: str, is_wrong: bool
) -> None:
    known = caches.known(caches.table("s.t", {"a": column}))
    model = (
        "semantic_models:\n  - name: m\n    table: s.t\n    dimensions:\n"
        f"      - {{name: a, type: {declared}}}\n"
    )
    found = findings(model, known, dialect)
    assert [each.code for each in found] == (["CAT103"] if is_wrong else [])
    if is_wrong:
        assert marked(model, found) == [("CAT103", declared)]
        kind = column_kind(column)
        fixed = apply_edits(model, found[0].fixes[0].edits)
        assert kind is not None and findings(fixed, known, dialect) == []


def test_a_time_dimension_over_text_has_no_grains() -> None:
    model = """\
semantic_models:
  - name: orders
    model: ref('orders')
    dimensions:
      - name: ordered_at
        type: time
        type_params: {time_granularity: day}
"""
    known = caches.known(caches.table("orders", {"ordered_at": "VARCHAR"}))
    (finding,) = findings(model, known)
    assert finding.code == "CAT103" and "Cast it in `expr`" in finding.message


def test_an_expired_catalogue_is_dated() -> None:
    known = caches.known(caches.table("shop.orders", {"order_id": "BIGINT"}))
    old = known.aged("expired", datetime(2026, 12, 24, tzinfo=UTC))
    (finding,) = [f for f in findings(MODEL, old) if f.location.span.cut(MODEL) == "amount"][:1]
    assert "(as of 2026-11-27)" in finding.message


SEMANTIC = {
    "hash": "1",
    "models": [
        {
            "name": "지점",
            "label": "지점",
            "dimensions": [
                {"name": "지점명", "type": "varchar", "label": "지점 이름"},
                {"name": "개점일", "type": "date", "grain": "day"},
            ],
            "measures": [{"name": "금액"}],
            "entities": [{"name": "brn", "type": "primary"}],
        },
        {"name": "직원", "dimensions": [{"name": "직급", "type": "varchar"}]},
    ],
    "groupings": [["지점__지점명", "지점__개점일"]],
    "metrics": [{"name": "총매출", "label": "총 매출", "grouping": 0}, {"name": "건수"}],
}


def queries(tmp_path: Path, **texts: object) -> Path:
    """A directory with query files and a cache, and no models."""
    path = tmp_path / ".smq" / "metadata_cache.json"
    path.parent.mkdir()
    path.write_bytes(caches.written(caches.cache(semantic=SEMANTIC)))
    for name, text in texts.items():
        (tmp_path / f"{name}.smq.json").write_text(
            json.dumps(text, ensure_ascii=False), encoding="utf-8"
        )
    return tmp_path


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    return Cli(capsys, monkeypatch)


def test_queries_alone_are_held_to_the_names_of_the_cache(cli: Cli, tmp_path: Path) -> None:
    good = {
        "metrics": ["총매출", "총매출 / 건수 AS 단가", "SUM(지점__금액) AS 합"],
        "groupBy": ["지점__개점일__month", "brn__지점명", "metric_time", "직원__brn__지점명"],
        "filters": ["총매출 > 3", "지점__지점명 = 'x'"],
        "orderBy": ["-단가", "총매출"],
    }
    directory = queries(tmp_path, good=good)
    done = cli("check", directory)
    assert (done.status, done.out) == (0, ""), done.out + done.err
    (directory / "bad.smq.json").write_text(
        '{"metrics": ["총매츨"], "groupBy": ["지점__지점멍"], "orderBy": ["-총매출"]}',
        encoding="utf-8",
    )
    done = cli("check", directory)
    assert done.status == 1
    assert "The metadata cache knows no metric '총매츨'. Did you mean '총매출'?" in done.out
    assert "no dimension '지점__지점멍'. Did you mean '지점__지점명'" in done.out
    (directory / "bad.smq.json").write_text(
        '{"metrics": ["총매출", "건수"], "groupBy": ["직원__직급"]}', encoding="utf-8"
    )
    done = cli("check", directory)
    assert "'총매출' cannot be grouped by '직원__직급': no join leads there" in done.out
    assert "no semantic models found" not in done.err


def test_a_cache_that_cannot_be_read_makes_no_name_wrong(cli: Cli, tmp_path: Path) -> None:
    directory = queries(tmp_path, q={"metrics": ["총매출", "whatever"]})
    (directory / ".smq" / "metadata_cache.json").write_text("{half a ca")
    done = cli("check", directory)
    assert (done.status, done.out) == (0, "")
    assert "not compared with the warehouse" in done.err and "not JSON" in done.err
    client = Client(directory)
    assert client.settle() == {}
    # Without any cache a workspace without models has nothing that could be right.
    (directory / ".smq" / "metadata_cache.json").unlink()
    assert cli("check", directory).status == 1


def test_names_of_the_cache_are_listed_where_no_models_are(cli: Cli, tmp_path: Path) -> None:
    directory = queries(tmp_path)
    done = cli("list", "metrics", "매출", "--workspace", directory)
    assert done.status == 0 and "총매출" in done.out and "건수" not in done.out
    assert "names of the metadata cache" in done.err
    done = cli("list", "dimensions", "--for", "총매출", "--workspace", directory)
    assert "지점__개점일" in done.out and "직원__직급" not in done.out
    assert (
        "did you mean" in cli("list", "dimensions", "--for", "총매즐", "--workspace", tmp_path).err
    )
    for kind in ("metrics", "models", "dimensions"):
        done = cli("list", kind, "--format", "json", "--workspace", directory)
        value = json.loads(done.out)
        Draft202012Validator(schema("list-output")).validate(value)
        assert value["items"] and value["items"][0]["defined"] is None


def test_the_editor_shows_the_same_and_nothing_while_the_cache_is_read(tmp_path: Path) -> None:
    directory = queries(tmp_path, q={"metrics": ["총매츨"], "groupBy": ["지점__지점명"]})
    client = Client(directory)
    uri = (directory / "q.smq.json").as_uri()
    assert [item["code"] for item in client.settle()[uri]] == ["CAT201"]
    # Nothing was ever shown that the cache then took back.
    assert {item["code"] for item in client.shown[uri]} == {"CAT201"}


def test_the_editor_hears_of_a_new_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cache.json"
    path.write_bytes(caches.written(caches.cache(caches.table("shop.orders", {"order_id": "INT"}))))
    (tmp_path / "smq.toml").write_text('metasync.cache = "cache.json"\n')
    model = tmp_path / "m.yml"
    model.write_text(MODEL, encoding="utf-8")
    client = Client(tmp_path)
    codes = [item["code"] for item in client.settle().get(model.as_uri(), [])]
    assert codes == ["CAT102", "CAT102"]
    whole = {"order_id": "INT", "amount": "DECIMAL(10,2)", "주문일": "DATE"}
    path.write_bytes(caches.written(caches.cache(caches.table("shop.orders", whole))))
    assert client.session.state.warehouses.refresh() == 1
    assert client.settle() == {}


def test_one_notice_says_that_names_are_not_compared(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "smq.toml").write_text('metasync.cache = "cache.json"\n')
    (tmp_path / "m.yml").write_text(MODEL, encoding="utf-8")
    done = cli("check", tmp_path)
    assert done.status == 0
    assert done.err.count("not compared with the warehouse") == 1
    client = Client(tmp_path)
    client.settle()
    assert len([line for line in client.logged if "not compared" in line]) == 1


def test_the_editor_says_how_the_cache_stands(tmp_path: Path) -> None:
    client = Client(tmp_path)
    client.settle()
    assert metasync_of(client.session).state == "not configured"
    (tmp_path / "smq.toml").write_text('metasync.cache = "cache.json"\n')
    (tmp_path / "m.yml").write_text(MODEL, encoding="utf-8")
    client = Client(tmp_path)
    client.settle()
    absent = metasync_of(client.session)
    assert absent.state == "failed" and "absent" in (absent.reason or "")
    value = caches.cache(caches.table("shop.orders", {"order_id": "INT"}))
    (tmp_path / "cache.json").write_bytes(caches.written(value))
    client.session.state.warehouses.refresh()
    client.settle()
    there = metasync_of(client.session)
    assert there.state in ("fresh", "stale") and there.tables == 1 and there.age is not None
    assert there.source == str(tmp_path / "cache.json")
