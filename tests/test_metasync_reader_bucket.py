"""The reader of the metadata cache on a bucket, with Google's own client over loopback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support import cache as caches
from tests.support.gcs_double import GcsDouble, gcs

from smq.catalog import CatalogSnapshot, Known, Unknown
from smq_metasync.client import Reader
from smq_metasync.fetching import PublishedCache

NAME = "team/metadata_cache.json"
ORDERS = caches.written(caches.cache(caches.table("shop.orders", {"id": "BIGINT"})))
USERS = caches.written(caches.cache(caches.table("shop.users", {"id": "BIGINT"})))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsDouble]:
    with gcs(monkeypatch, "bucket") as found:
        yield found


class Hours:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, hours: float) -> None:
        self.now += timedelta(hours=hours)


def reader(directory: Path, clock: Hours) -> Reader:
    return Reader(
        PublishedCache(f"gs://bucket/{NAME}", directory, timeout=5),
        directory / "copy",
        now=clock,
        jitter=lambda: 0.5,
        background=lambda work: work(),
    )


def tables(catalog: CatalogSnapshot) -> list[str]:
    assert isinstance(catalog, Known), catalog
    return [table.path for table in catalog.tables]


def test_it_loads_once_and_asks_in_small_after_an_hour(bucket: GcsDouble, tmp_path: Path) -> None:
    bucket.put("bucket", NAME, ORDERS)
    clock = Hours()
    found = reader(tmp_path, clock)
    assert tables(found.load()) == ["shop.orders"]
    downloads = len(bucket.server.requests("GET", r"/download/"))
    before = len(bucket.server.requests("GET", r".*"))
    assert not found.poll()
    assert len(bucket.server.requests("GET", r".*")) == before
    clock.pass_(2)
    assert found.poll()
    # Unchanged costs one request, and no byte of the cache.
    assert len(bucket.server.requests("GET", r".*")) == before + 1
    assert len(bucket.server.requests("GET", r"/download/")) == downloads
    bucket.put("bucket", NAME, USERS)
    clock.pass_(2)
    assert found.poll()
    assert tables(found.current) == ["shop.users"]


def test_what_is_known_outlives_the_bucket_and_the_process(
    bucket: GcsDouble, tmp_path: Path
) -> None:
    bucket.put("bucket", NAME, ORDERS)
    clock = Hours()
    first = reader(tmp_path, clock)
    assert tables(first.load()) == ["shop.orders"]
    bucket.server.fault("status", ".*", times=1000, status=403, reason="forbidden")
    clock.pass_(2)
    first.poll()
    assert tables(first.current) == ["shop.orders"] and "objectViewer" in first.status.reason
    again = reader(tmp_path, clock)
    assert tables(again.load()) == ["shop.orders"]
    assert again.status.origin == "disk"


def test_nothing_is_not_an_empty_warehouse(bucket: GcsDouble, tmp_path: Path) -> None:
    found = reader(tmp_path, Hours())
    catalog = found.load()
    assert isinstance(catalog, Unknown)
    assert found.status.state == "absent" and f"gs://bucket/{NAME}" in found.status.reason
