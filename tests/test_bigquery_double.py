"""The double of BigQuery does what the service's description says, seen by the real client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.api_core.exceptions import (
    BadRequest,
    Conflict,
    Forbidden,
    GoogleAPICallError,
    NotFound,
)
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery as client
from tests.support.bigquery_double import BigqueryDouble, bigquery, column


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[BigqueryDouble]:
    with bigquery(monkeypatch, page=2) as found:
        rows = [(1, "a"), (2, "b"), (3, None)]
        found.table("shop.orders", [column("id", "INTEGER", "REQUIRED"), column("name")], rows)
        for day in ("20240101", "20240102"):
            found.table(f"shop.events_{day}", [column("n", "INTEGER")], [(int(day),)])
        yield found


@pytest.fixture
def real(double: BigqueryDouble) -> client.Client:
    return client.Client(project="proj", credentials=AnonymousCredentials())


def test_listing_follows_pages_and_a_get_has_the_schema(real: client.Client) -> None:
    assert [each.dataset_id for each in real.list_datasets()] == ["shop"]
    names = [each.table_id for each in real.list_tables("proj.shop")]
    assert names == ["events_20240101", "events_20240102", "orders"]
    table = real.get_table("proj.shop.orders")
    assert [(f.name, f.field_type, f.mode) for f in table.schema] == [
        ("id", "INTEGER", "REQUIRED"),
        ("name", "STRING", "NULLABLE"),
    ]
    assert (table.num_rows, table.num_bytes) == (3, 48)
    with pytest.raises(NotFound):
        real.get_table("proj.shop.nowhere")
    with pytest.raises(NotFound):
        list(real.list_tables("proj.nowhere"))


def test_queries_are_answered_page_by_page(real: client.Client) -> None:
    job = real.query("SELECT id, name FROM `proj.shop.orders` ORDER BY id")
    rows = job.result(page_size=2)
    assert [tuple(row.values()) for row in rows] == [(1, "a"), (2, "b"), (3, None)]
    found = real.query("SELECT SUM(n) AS s FROM `proj.shop.events_*`").result()
    assert next(iter(found)).s == 40480203
    suffix = "SELECT n FROM `proj.shop.events_*` WHERE _TABLE_SUFFIX = '20240101'"
    assert [row.n for row in real.query(suffix).result()] == [20240101]


def test_a_dry_run_counts_the_bytes_of_the_columns_that_are_named(real: client.Client) -> None:
    options = client.QueryJobConfig(dry_run=True)
    job = real.query("SELECT id FROM `proj.shop.orders`", job_config=options)
    assert job.total_bytes_processed == 24
    with pytest.raises(BadRequest, match=r"Unrecognized name: nope at \[1:8\]"):
        real.query("SELECT nope FROM `proj.shop.orders`", job_config=options)
    with pytest.raises(NotFound):
        real.query("SELECT 1 FROM `proj.shop.nowhere`", job_config=options)


def test_the_cap_on_bytes_is_enforced(real: client.Client) -> None:
    options = client.QueryJobConfig(maximum_bytes_billed=10)
    with pytest.raises(GoogleAPICallError, match="exceeded limit for bytes billed"):
        real.query("SELECT id FROM `proj.shop.orders`", job_config=options).result()


def test_a_job_can_be_cancelled_and_its_name_is_taken(
    double: BigqueryDouble, real: client.Client
) -> None:
    double.hanging = "forever"
    job = real.query("SELECT 'forever'", job_id="mine", job_retry=None)
    assert job.state == "RUNNING"
    job.cancel()
    with pytest.raises(GoogleAPICallError, match="cancelled"):
        job.result()
    with pytest.raises(Conflict):
        real.query("SELECT 1", job_id="mine", job_retry=None)


def test_faults_are_met_by_the_client_s_retries(
    double: BigqueryDouble, real: client.Client
) -> None:
    double.server.fault("status", "/orders", status=503)
    double.server.fault("status", "/orders", status=403, reason="rateLimitExceeded")
    double.server.fault("drop", "/orders")
    assert real.get_table("proj.shop.orders").num_rows == 3
    double.server.fault("status", "/orders", status=403, reason="accessDenied")
    with pytest.raises(Forbidden):
        real.get_table("proj.shop.orders")
