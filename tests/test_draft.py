"""Drafts of models from tables: what columns are taken for, and that the result is right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support import cache as caches
from tests.support.cli import Cli
from tests.support.ide import actions_at, check_action

from smq.catalog import known_tables
from smq.catalog.tables import Column, Table
from smq.expr.ddl import read_ddl
from smq.format import format_document
from smq.graph.drafts import Form, labelled, model_tables, write_models
from smq.graph.drafts.judging import role_of
from smq.problem import Severity
from smq.rules.check import check
from smq.syntax import Document
from smq.workspace import Configuration, Snapshot, build

POSTGRES = """\
CREATE TABLE IF NOT EXISTS "bank"."고객" (
  고객번호 varchar(10) PRIMARY KEY, 고객명 varchar(50), 가입일자 date, 나이 integer,
  is_active boolean DEFAULT true);
CREATE TABLE bank.계좌 (
  계좌번호 varchar(20), 기준일자 date, 고객번호 varchar(10) REFERENCES bank.고객(고객번호),
  잔액 numeric(18,2) DEFAULT 0, 금리 numeric(5,3), year integer, "order" integer,
  PRIMARY KEY (계좌번호, 기준일자));
COMMENT ON COLUMN bank.계좌.잔액 IS '잔액 : 기준일자 현재의 잔액, "원" 단위';
COMMENT ON TABLE bank.고객 IS '고객 : 고객 마스터';
CREATE TABLE bank.거래 (거래번호 bigint PRIMARY KEY, 계좌번호 varchar(20), 기준일자 date,
  거래일시 timestamp, 거래금액 numeric(18,2), 수수료 int, 지점코드 int);
"""
SCRIPTS = {
    "postgres": POSTGRES,
    "bigquery": """\
CREATE TABLE `my-proj.shop.orders` (order_id INT64 NOT NULL,
  user STRUCT<id INT64, geo STRUCT<city STRING>>, items ARRAY<STRUCT<sku STRING, qty INT64>>,
  tags ARRAY<STRING>, amount NUMERIC(10,2) OPTIONS(description="Amount: paid, with tax"),
  discount_rate FLOAT64, ordered_at TIMESTAMP, day DATE, payload JSON) PARTITION BY day;
""",
    "mysql": """\
CREATE TABLE shop.order_items (id INT AUTO_INCREMENT PRIMARY KEY, order_id INT, product_id INT,
  qty INT DEFAULT 1 COMMENT '수량', unit_price DECIMAL(10,2), created_at DATETIME,
  KEY idx (order_id), FOREIGN KEY (order_id) REFERENCES orders(id));
CREATE TABLE shop.orders (id INT PRIMARY KEY, customer_id INT, total DECIMAL(10,2),
  status VARCHAR(10), `group` INT, zip INT);
""",
    "oracle": """\
CREATE TABLE HR.EMPLOYEES (EMPLOYEE_ID NUMBER(6) CONSTRAINT emp_pk PRIMARY KEY,
  LAST_NAME VARCHAR2(25), HIRE_DATE DATE NOT NULL, SALARY NUMBER(8,2), COMMISSION_PCT NUMBER(2,2),
  DEPARTMENT_ID NUMBER(4));
CREATE TABLE HR.DEPARTMENTS (DEPARTMENT_ID NUMBER(4) PRIMARY KEY, DEPARTMENT_NAME VARCHAR2(30));
""",
    "sqlserver": """\
CREATE TABLE [dbo].[Sales Orders] ([SalesOrderID] INT IDENTITY PRIMARY KEY,
  [Order Date] DATETIME2, [SubTotal] MONEY, [Customer ID] INT, [LineCount] INT);
GO
""",
    "snowflake": """\
CREATE OR REPLACE TABLE DB.MART.FCT_SALES (SALE_ID NUMBER(38,0) PRIMARY KEY,
  SOLD_AT TIMESTAMP_NTZ(9), AMOUNT NUMBER(18,2), STORE_ID NUMBER(10), V VARIANT, TAX_RATE FLOAT);
CREATE TABLE DB.MART.DIM_STORES (STORE_ID NUMBER(10) PRIMARY KEY, CITY VARCHAR);
""",
    # One line, keys without names, a phantom `PRIMARY`, DECIMAL with its comma, and a default.
    "duckdb": "CREATE TABLE t (a_id INT, price DECIMAL(10,2) DEFAULT 0.5, PRIMARY KEY (a_id))",
}


def drafted(ddl: str, dialect: str, form: Form = "smq") -> tuple[str, Snapshot]:
    """The draft of a script, loaded beside the warehouse that the script makes."""
    found = read_ddl(ddl, dialect)
    assert not found.faults
    text = write_models(model_tables(found.tables, dialect), dialect, form, exact=False)
    configuration = Configuration(dialect=dialect)
    known = known_tables(found.tables)
    return text, build([Document("m.yml", text)], configuration, catalog=known)


@pytest.mark.parametrize("form", ["smq", "dbt"])
@pytest.mark.parametrize("dialect", SCRIPTS)
def test_a_draft_loads_without_a_finding_and_is_formatted(dialect: str, form: Form) -> None:
    text, snapshot = drafted(SCRIPTS[dialect], dialect, form)
    assert [f"{f.code} {f.message}" for f in check(snapshot)] == [], text
    assert list(format_document(snapshot.parsed("m.yml"))) == []


def test_a_bank_is_drafted_as_its_engineers_would() -> None:
    text, _ = drafted(POSTGRES, "postgres")
    models = text.partition("\nmetrics:")[0]
    assert (
        models.partition("  - name: 계좌\n")[2].partition("\n\n")[0]
        == """\
    table: bank.계좌
    entities:
      - {name: 계좌번호, type: primary}
      - {name: 기준일자_key, type: primary, expr: 기준일자}
      - {name: 고객번호, type: foreign}
    dimensions:
      - {name: 기준일자, type: date, type_params: {time_granularity: day}}
      - {name: year_value, type: integer, expr: year}
    measures:
      # A balance: add it up over places, not over time.
      - name: 잔액
        type: decimal
        agg: sum
        label: 잔액
        description: '기준일자 현재의 잔액, "원" 단위'
      - {name: 금리, type: decimal, agg: average}
      - {name: order_value, type: integer, agg: sum, expr: '"order"'}"""
    )
    assert "label: 고객\n    description: 고객 마스터" in text
    # Facts refer to both columns of the key of a snapshot.
    assert (
        "      - {name: 계좌번호, type: foreign}\n"
        "      - {name: 기준일자_key, type: foreign, expr: 기준일자}\n" in text
    )
    assert "expr: COUNT(DISTINCT 고객__고객_rows)" in text
    assert (
        "{name: 수수료_합계, metric_type: simple, type: integer, expr: SUM(거래__수수료)}" in text
    )
    assert "나이_합계" not in text and "지점코드_합계" not in text and "year_합계" not in text


def test_models_that_refer_to_each_other_join() -> None:
    _, snapshot = drafted(SCRIPTS["snowflake"], "snowflake")
    edges = snapshot.graph.edges("fct_sales")
    assert [edge.right for edge in edges] == ["dim_stores"]
    _, snapshot = drafted(SCRIPTS["mysql"], "mysql")
    assert [edge.right for edge in snapshot.graph.edges("order_items")] == ["orders"]


def test_what_cannot_be_grouped_is_named_in_a_comment() -> None:
    text, _ = drafted(SCRIPTS["bigquery"], "bigquery")
    assert "# Not drafted: items (STRUCT), tags (STRING), payload (JSON)." in text
    assert "{name: user_geo_city, type: varchar, expr: user.geo.city}" in text


@pytest.mark.parametrize(
    ("name", "kind", "role"),
    [
        ("amount", "NUMERIC", "amount"),
        ("customer_id", "INT64", "category"),
        ("customerId", "INT64", "category"),
        ("zip", "INT64", "category"),
        ("order_year", "INT64", "category"),
        ("fiscal_quarter", "INT64", "category"),
        ("num_items", "INT64", "amount"),
        ("item_count", "INT64", "amount"),
        ("order_num", "INT64", "category"),
        ("phone_number", "INT64", "category"),
        ("unit_price", "NUMERIC", "average"),
        ("conversion_rate", "FLOAT64", "average"),
        ("discount_pct", "FLOAT64", "average"),
        ("latitude", "FLOAT64", "category"),
        ("status_code", "INT64", "category"),
        ("is_new", "INT64", "category"),
        ("ordered_at", "TIMESTAMP", "time"),
        ("active", "BOOL", "category"),
        ("payload", "JSON", "none"),
        ("blob", "BYTES", "none"),
        ("금액", "NUMERIC", "amount"),
        ("거래건수", "INT64", "amount"),
        ("고객번호", "INT64", "category"),
        ("기준년월", "INT64", "category"),
        ("대출금리", "NUMERIC", "average"),
        ("단가", "NUMERIC", "average"),
        ("연체율", "NUMERIC", "average"),
        ("신용등급", "INT64", "category"),
    ],
)
def test_a_column_is_judged_by_its_name_and_type(name: str, kind: str, role: str) -> None:
    assert role_of(Column(name, kind)) == role


def test_a_korean_label_judges_an_abbreviated_name() -> None:
    assert role_of(Column("x1", "INT64"), "부점코드") == "category"
    assert role_of(Column("x1", "INT64"), "거래금액") == "amount"
    assert role_of(Column("intr", "NUMERIC"), "적용금리") == "average"


@pytest.mark.parametrize(
    ("comment", "label", "description"),
    [
        ("부점코드 : 부점을 나타내는 코드", "부점코드", "부점을 나타내는 코드"),
        ("Amount: what was paid", "Amount", "what was paid"),
        ("부점코드", "부점코드", ""),
        ("The moment of the checkout.", "", "The moment of the checkout."),
        ("see https://example.org/x", "see https://example.org/x", ""),
        ("", "", ""),
        ("a long sentence that goes on and on and on: late", "", "a long sentence that goes on and on and on: late"),  # noqa: E501
    ],
)  # fmt: skip
def test_comments_are_labels_and_descriptions(comment: str, label: str, description: str) -> None:
    assert labelled(comment) == (label, description)


_NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12
) | st.sampled_from(
    ["order", "day", "metric_time", "name", "a__b", "x y", '"', "1st", "yes", "합계"]
)
_TYPES = st.sampled_from(["INTEGER", "VARCHAR", "DECIMAL(10,2)", "DATE", "TIMESTAMP", "BOOLEAN"])


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(_NAMES, _TYPES, st.text(max_size=30)), min_size=1, max_size=6),
    _NAMES,
    st.sampled_from(["smq", "dbt"]),
)
def test_any_table_gives_a_file_that_loads(
    columns: list[tuple[str, str, str]], name: str, form: Form
) -> None:
    listed = tuple(Column(n, kind, description=text) for n, kind, text in columns if "." not in n)
    table = Table(("s", name.replace(".", "_")), listed)
    text = write_models(model_tables([table], "duckdb"), "duckdb", form)
    snapshot = build([Document("m.yml", text)])
    found = [f for f in check(snapshot) if f.severity >= Severity.WARNING]
    assert [f"{f.code} {f.message}" for f in found] == [], text


# The command


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "smq.toml").write_text('dialect = "duckdb"\nmetasync.cache = "c.json"\n')
    users = caches.table("shop.users", {"user_id": "BIGINT", "city": "VARCHAR"})
    orders = caches.table(
        "shop.orders",
        {"order_id": "BIGINT", "user_id": "BIGINT", "amount": "DECIMAL(10,2)", "day": "DATE"},
        primary_key=["order_id"],
    )
    (tmp_path / "c.json").write_bytes(caches.written(caches.cache(users, orders)))
    return Cli(capsys, monkeypatch)


def test_tables_of_the_cache_become_a_file_that_checks(cli: Cli, tmp_path: Path) -> None:
    done = cli("draft", "shop.*", "-o", "m.yml")
    assert done.status == 0 and "Drafted 2 models into m.yml" in done.err
    assert "{name: user_id, type: foreign}" in (tmp_path / "m.yml").read_text()
    done = cli("check")
    assert (done.status, done.out) == (0, "")
    assert cli("fmt", "--check").status == 0
    # What exists is neither replaced nor drafted again.
    assert "never replaces" in cli("draft", "orders", "-o", "m.yml").err
    assert "has a model already" in cli("draft", "--from-cache").err


def test_a_new_model_joins_those_that_are_there(cli: Cli, tmp_path: Path) -> None:
    assert cli("draft", "users", "-o", "users.yml").status == 0
    done = cli("draft", "--from-cache")
    assert done.status == 0
    assert "table: shop.orders" in done.out and "shop.users" not in done.out
    assert "{name: user_id, type: foreign}" in done.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "nothing to draft"),
        (["ordres"], "there is no table 'ordres'; did you mean 'orders'?"),
        (["--ddl", "none.sql"], "none.sql"),
        (["--ddl", "x.sql", "--from-cache"], "choose one"),
        (["orders", "--dialect", "postgrs"], "did you mean 'postgres'"),
    ],
)
def test_mistakes_are_told(cli: Cli, words: list[str], says: str) -> None:
    done = cli("draft", *words)
    assert done.status == 2 and says in done.err and done.out == ""


def test_without_a_cache_the_way_to_one_is_told(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "c.json").unlink()
    done = cli("draft", "orders")
    assert done.status == 2 and "smq metasync sync" in done.err and "--ddl" in done.err


def test_a_script_names_its_dialect_and_its_faults_have_places(cli: Cli) -> None:
    script = b"-- mssql\nCREATE TABLE [a b] ([id] int primary key, amount money);\n"
    done = cli("draft", "--ddl", "-", stdin=script)
    assert done.status == 0 and "table: '\"a b\"'" in done.out
    broken = b"CREATE TABLE a (id int primary key);\nCREATE TABLE b (id int;\n"
    done = cli("draft", "--ddl", "-", stdin=broken)
    assert done.status == 1 and "name: a\n" in done.out
    assert "standard input:2:" in done.err


# In the editor

WAREHOUSE = """\
-- warehouse.sql --
CREATE TABLE shop.orders (order_id BIGINT PRIMARY KEY, amount DECIMAL(10, 2), day DATE);
CREATE TABLE shop.users (user_id BIGINT PRIMARY KEY, city VARCHAR);
"""


def test_an_empty_file_can_be_drafted_into() -> None:
    texts = check_action(
        WAREHOUSE + "-- orders.yml --\n‹cursor›",
        "Draft a semantic model from table 'shop.orders'",
        "semantic_models:\n  - name: orders\n    table: shop.orders\n",
        "metrics:\n",
    )
    snapshot = build([Document("orders.yml", *texts.values())])
    assert check(snapshot) == []
    # The table that the file is called after comes first.
    _, found = actions_at(WAREHOUSE + "-- users.yml --\n‹cursor›")
    assert next(a.title for a in found if "Draft" in a.title).endswith("'shop.users'")


def test_a_model_is_drafted_behind_others_in_their_layout() -> None:
    text = """\
-- m.yml --
semantic_models:‹cursor›
    - name: orders
      table: shop.orders
      entities:
          - {name: order_id, type: primary}
      measures:
          - {name: amount, type: decimal, agg: sum}
      dimensions: [{name: day, type: date}]
metrics:
    - {name: revenue, metric_type: simple, expr: SUM(orders__amount)}
"""
    texts = check_action(WAREHOUSE + text, "Draft a semantic model from table 'shop.users'")
    snapshot = build([Document("m.yml", *texts.values())])
    assert set(snapshot.graph.models) == {"orders", "users"}
    assert {"revenue", "users_count"} <= set(snapshot.graph.metrics)
    assert [f.code for f in check(snapshot) if f.severity >= Severity.WARNING] == []
    _, found = actions_at(WAREHOUSE + text)
    assert not any("shop.orders" in action.title for action in found)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_model_that_says_only_its_table_is_filled(newline: str) -> None:
    text = "-- m.yml --\nsemantic_models:\n  - name: sales‹cursor›\n    table: shop.orders\n"
    texts = check_action(
        WAREHOUSE + text,
        "Draft the members of 'sales' from table 'shop.orders'",
        "    table: shop.orders\n    entities:\n      - {name: order_id, type: primary}\n",
        "{name: sales_rows,",
    )
    snapshot = build([Document("m.yml", texts["m.yml"])])
    assert [f.code for f in check(snapshot)] == []


def test_columns_that_no_model_reads_can_be_added() -> None:
    text = """\
-- m.yml --
semantic_models:
  - name: ord‹cursor›ers
    table: shop.orders
    entities:
      - {name: order_id, type: primary}
    dimensions:
      - {name: day, type: date}
"""
    texts = check_action(
        WAREHOUSE + text,
        "Add measure 'amount'",
        "measures:\n      - {name: amount, type: decimal, agg: sum}",
    )
    assert [f.code for f in check(build([Document("m.yml", texts["m.yml"])]))] == []
    without = text.replace("    dimensions:\n      - {name: day, type: date}\n", "")
    texts = check_action(WAREHOUSE + without, "Add all 2 columns", "name: day", "name: amount")
    assert [f.code for f in check(build([Document("m.yml", texts["m.yml"])]))] == []


def test_without_a_catalogue_nothing_is_offered() -> None:
    _, found = actions_at("-- m.yml --\n‹cursor›semantic_models:\n")
    assert [action.title for action in found if "Draft" in action.title] == []


def test_the_draft_is_described_for_programs(cli: Cli) -> None:
    # The file is YAML that any reader takes, not only ours.
    import yaml

    value = yaml.safe_load(cli("draft", "orders").out)
    assert json.loads(json.dumps(value))["semantic_models"][0]["name"] == "orders"
