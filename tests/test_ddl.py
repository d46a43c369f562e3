"""CREATE TABLE scripts of six dialects as tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smq.catalog.tables import Column, ForeignKey, Table
from smq.expr.ddl import nested_columns, read_ddl

_BIGQUERY = """
CREATE OR REPLACE TABLE `acme.shop.orders` (
  order_id INT64 NOT NULL OPTIONS(description="The key"),
  items ARRAY<STRUCT<sku STRING NOT NULL, qty INT64>>,
  address STRUCT<city STRING OPTIONS(description="도시"), geo STRUCT<lat FLOAT64>>,
  tags ARRAY<STRING>,
  ts TIMESTAMP,
  PRIMARY KEY (order_id) NOT ENFORCED
) PARTITION BY DATE(ts) CLUSTER BY order_id
OPTIONS(description="Orders", labels=[("team","sales")]);
"""

_POSTGRES = """
-- pg_dump
SET statement_timeout = 0;
CREATE TABLE shop.orders (
  id bigint NOT NULL, cust bigint NOT NULL, amount numeric(10,2) DEFAULT 0, tags text[],
  UNIQUE (cust, amount)
);
ALTER TABLE ONLY shop.orders ADD CONSTRAINT p PRIMARY KEY (id);
ALTER TABLE ONLY shop.orders
  ADD CONSTRAINT f FOREIGN KEY (cust) REFERENCES shop.customers(id);
COMMENT ON TABLE shop.orders IS 'Orders; all of them';
COMMENT ON COLUMN shop.orders.amount IS '금액';
CREATE INDEX i ON shop.orders (id);
GRANT SELECT ON shop.orders TO someone;
CREATE FUNCTION f() RETURNS trigger AS $$ BEGIN RETURN NEW; END; $$ LANGUAGE plpgsql;
CREATE VIEW shop.v AS SELECT id, CAST(amount AS bigint) AS amount FROM shop.orders;
"""

_MYSQL = """
CREATE TABLE `orders` (
  `id` int unsigned NOT NULL AUTO_INCREMENT COMMENT 'Key',
  `state` enum('a','b'),
  PRIMARY KEY (`id`), UNIQUE KEY `u` (`state`), KEY k (state),
  CONSTRAINT `f` FOREIGN KEY (`state`) REFERENCES `states` (`code`)
) ENGINE=InnoDB COMMENT='Orders';
INSERT INTO `orders` VALUES (1, 'a; b');
"""

_ORACLE = """
CREATE TABLE shop.orders (id NUMBER(10) NOT NULL, name VARCHAR2(30 CHAR), dt DATE,
  CONSTRAINT pk PRIMARY KEY (id)) TABLESPACE users
/
COMMENT ON COLUMN shop.orders.id IS '주문번호'
/
ALTER TABLE shop.orders ADD CONSTRAINT fk FOREIGN KEY (name) REFERENCES shop.x (y);
"""

_SQLSERVER = """
CREATE TABLE [dbo].[Orders](
  [Id] [int] IDENTITY(1,1) NOT NULL, [Name] [nvarchar](50) NULL,
  CONSTRAINT [PK] PRIMARY KEY CLUSTERED ([Id] ASC)
) ON [PRIMARY]
GO
EXEC sys.sp_addextendedproperty @name=N'MS_Description', @value=N'Who''s who',
  @level0type=N'SCHEMA', @level0name=N'dbo', @level1type=N'TABLE', @level1name=N'Orders',
  @level2type=N'COLUMN', @level2name=N'Name'
GO
ALTER TABLE [dbo].[Orders] WITH CHECK ADD CONSTRAINT [FK] FOREIGN KEY([Name])
REFERENCES [dbo].[X] ([Y])
GO
"""

_SNOWFLAKE = """
create or replace TABLE DB.SHOP.ORDERS (
  ID NUMBER(38,0) NOT NULL COMMENT 'Key', V VARIANT, T TIMESTAMP_NTZ(9),
  primary key (ID), foreign key (V) references DB.SHOP.X(Y)
) CLUSTER BY (T) COMMENT='Orders';
"""


def only(text: str, dialect: str) -> Table:
    found = read_ddl(text, dialect)
    assert found.faults == ()
    return found.tables[0]


def described(table: Table) -> list[tuple[str, str, str, str]]:
    return [(each.name, each.type, each.mode, each.description) for each in table.columns]


def test_bigquery_with_nested_columns_partition_and_descriptions() -> None:
    table = only(_BIGQUERY, "bigquery")
    assert table.parts == ("acme", "shop", "orders")
    assert described(table) == [
        ("order_id", "INT64", "REQUIRED", "The key"),
        ("items", "STRUCT", "REPEATED", ""),
        ("items.sku", "STRING", "REQUIRED", ""),
        ("items.qty", "INT64", "NULLABLE", ""),
        ("address", "STRUCT", "NULLABLE", ""),
        ("address.city", "STRING", "NULLABLE", "도시"),
        ("address.geo", "STRUCT", "NULLABLE", ""),
        ("address.geo.lat", "FLOAT64", "NULLABLE", ""),
        ("tags", "STRING", "REPEATED", ""),
        ("ts", "TIMESTAMP", "NULLABLE", ""),
    ]
    assert (table.partitioning, table.clustering) == (("ts",), ("order_id",))
    assert (table.description, table.primary_key) == ("Orders", ("order_id",))


def test_postgres_keys_and_comments_that_come_later() -> None:
    found = read_ddl(_POSTGRES, "postgres")
    assert found.faults == ()
    orders, view = found.tables
    assert described(orders) == [
        ("id", "BIGINT", "REQUIRED", ""),
        ("cust", "BIGINT", "REQUIRED", ""),
        ("amount", "DECIMAL(10, 2)", "NULLABLE", "금액"),
        ("tags", "TEXT[]", "NULLABLE", ""),
    ]
    assert orders.description == "Orders; all of them"
    assert orders.primary_key == ("id",)
    assert orders.unique_keys == (("cust", "amount"),)
    assert orders.foreign_keys == (ForeignKey(("cust",), ("shop", "customers"), ("id",)),)
    assert (view.kind, view.parts) == ("view", ("shop", "v"))
    assert described(view) == [("id", "", "NULLABLE", ""), ("amount", "BIGINT", "NULLABLE", "")]


def test_mysql() -> None:
    table = only(_MYSQL, "mysql")
    assert described(table) == [
        ("id", "INT UNSIGNED", "REQUIRED", "Key"),
        ("state", "ENUM('a', 'b')", "NULLABLE", ""),
    ]
    assert (table.description, table.primary_key) == ("Orders", ("id",))
    assert table.unique_keys == (("state",),)
    assert table.foreign_keys == (ForeignKey(("state",), ("states",), ("code",)),)


def test_oracle_with_its_batch_ends() -> None:
    table = only(_ORACLE, "oracle")
    assert described(table) == [
        ("id", "NUMBER(10)", "REQUIRED", "주문번호"),
        ("name", "VARCHAR2(30 CHAR)", "NULLABLE", ""),
        ("dt", "DATE", "NULLABLE", ""),
    ]
    assert table.foreign_keys == (ForeignKey(("name",), ("shop", "x"), ("y",)),)


def test_sql_server_with_batches_and_extended_properties() -> None:
    table = only(_SQLSERVER, "sqlserver")
    assert table.parts == ("dbo", "Orders")
    assert [(each.name, each.mode, each.description) for each in table.columns] == [
        ("Id", "REQUIRED", ""),
        ("Name", "NULLABLE", "Who's who"),
    ]
    assert table.primary_key == ("Id",)
    assert table.foreign_keys == (ForeignKey(("Name",), ("dbo", "X"), ("Y",)),)


def test_snowflake() -> None:
    table = only(_SNOWFLAKE, "snowflake")
    assert table.parts == ("DB", "SHOP", "ORDERS")
    assert described(table)[0][2:] == ("REQUIRED", "Key")
    assert (table.clustering, table.primary_key) == (("T",), ("ID",))
    assert table.foreign_keys == (ForeignKey(("V",), ("DB", "SHOP", "X"), ("Y",)),)


def test_a_broken_statement_is_a_fault_at_its_place_and_the_others_are_read() -> None:
    text = "CREATE TABLE a (x INT);\nCREATE TABLE b (x INT y z INT);\nCREATE TABLE c (x INT);"
    found = read_ddl(text, "postgres")
    assert [table.name for table in found.tables] == ["a", "c"]
    (fault,) = found.faults
    assert text.startswith("CREATE TABLE b", text.index("CREATE TABLE b"))
    assert text.index("CREATE TABLE b") <= fault.offset < text.index("CREATE TABLE c")
    assert "\n" not in fault.message


def test_the_later_of_two_tables_of_one_name_counts() -> None:
    found = read_ddl("CREATE TABLE a (x INT); CREATE TABLE A (y INT);", "duckdb")
    assert [[column.name for column in table.columns] for table in found.tables] == [["y"]]


def test_a_table_made_from_a_query_has_its_columns() -> None:
    table = only("CREATE TABLE t AS SELECT a, b AS c FROM u", "duckdb")
    assert [column.name for column in table.columns] == ["a", "c"]
    assert only("CREATE TABLE t AS SELECT * FROM u", "duckdb").columns == ()


@pytest.mark.parametrize(
    ("type_text", "expected"),
    [
        ("INTEGER", [Column("a", "INTEGER")]),
        (
            "STRUCT(x INTEGER, y STRUCT(z VARCHAR)[])[]",
            [
                Column("a", "STRUCT", "REPEATED"),
                Column("a.x", "INT"),
                Column("a.y", "STRUCT", "REPEATED"),
                Column("a.y.z", "TEXT"),
            ],
        ),
        ("DECIMAL(18,3)", [Column("a", "DECIMAL(18,3)")]),
        ("INTEGER[]", [Column("a", "INTEGER[]")]),
        ("STRUCT(", [Column("a", "STRUCT(")]),
    ],
)
def test_fields_inside_a_type(type_text: str, expected: list[Column]) -> None:
    assert list(nested_columns("a", type_text, "duckdb")) == expected


@given(st.text(alphabet="CREATE TABLE(),;'\"`-/*\nax1[]<>.", max_size=60))
def test_no_text_makes_the_reader_raise(text: str) -> None:
    read_ddl("CREATE TABLE " + text, "bigquery")
    read_ddl(text, "sqlserver")
