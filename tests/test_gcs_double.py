"""The double of Cloud Storage does what the service's description says, seen by the real client."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from google.api_core.exceptions import NotFound, NotModified, PreconditionFailed
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption
from tests.support.gcs_double import GcsDouble, gcs


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsDouble]:
    with gcs(monkeypatch, "bucket") as found:
        yield found


@pytest.fixture
def bucket(double: GcsDouble) -> storage.Bucket:
    return storage.Client(project="p").bucket("bucket")


def test_objects_have_generations_and_preconditions(bucket: storage.Bucket) -> None:
    blob = bucket.blob("a/b.json")
    blob.metadata = {"k": "v"}
    blob.upload_from_string(b"one", if_generation_match=0)
    first = blob.generation
    with pytest.raises(PreconditionFailed):
        bucket.blob("a/b.json").upload_from_string(b"two", if_generation_match=0)
    blob.upload_from_string(b"two", if_generation_match=first)
    assert blob.generation > first
    with pytest.raises(PreconditionFailed):
        bucket.blob("a/b.json").upload_from_string(b"three", if_generation_match=first)
    again = bucket.blob("a/b.json")
    again.reload()
    assert (again.metadata, again.size, again.generation) == ({"k": "v"}, 3, blob.generation)
    assert again.download_as_bytes() == b"two"
    with pytest.raises(NotModified):
        bucket.blob("a/b.json").reload(if_generation_not_match=blob.generation)
    with pytest.raises(NotModified):
        bucket.blob("a/b.json").download_as_bytes(if_generation_not_match=blob.generation)


def test_one_of_eight_writers_wins(bucket: storage.Bucket) -> None:
    bucket.blob("x").upload_from_string(b"0")
    blob = bucket.blob("x")
    blob.reload()
    generation, won, lost = blob.generation, [], []

    def write(number: int) -> None:
        try:
            bucket.blob("x").upload_from_string(str(number), if_generation_match=generation)
            won.append(number)
        except PreconditionFailed:
            lost.append(number)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 7)
    assert bucket.blob("x").download_as_bytes() == str(won[0]).encode()


def test_resumable_uploads_ranges_lists_and_deletes(bucket: storage.Bucket) -> None:
    data = bytes(range(256)) * 4096
    blob = bucket.blob("large", chunk_size=256 * 1024)
    blob.upload_from_string(data)
    assert bucket.blob("large").download_as_bytes() == data
    assert bucket.blob("large").download_as_bytes(start=5, end=9) == data[5:10]
    for number in range(5):
        bucket.blob(f"s/{number}").upload_from_string(b"")
    found = bucket.client.list_blobs("bucket", prefix="s/", page_size=2)
    assert [each.name for each in found] == [f"s/{number}" for number in range(5)]
    bucket.blob("s/0").delete()
    with pytest.raises(NotFound):
        bucket.blob("s/0").delete()
    with pytest.raises(NotFound):
        bucket.client.bucket("other").blob("x").download_as_bytes()


def test_a_damaged_answer_is_noticed(double: GcsDouble, bucket: storage.Bucket) -> None:
    bucket.blob("x").upload_from_string(b"content")
    double.server.fault("corrupt", "/download/")
    with pytest.raises(DataCorruption):
        bucket.blob("x").download_as_bytes()
    assert bucket.blob("x").download_as_bytes() == b"content"


def test_faults_are_met_by_the_client_s_retries(double: GcsDouble, bucket: storage.Bucket) -> None:
    bucket.blob("x").upload_from_string(b"1")
    double.server.fault("status", "/download/", status=503)
    double.server.fault("drop", "/download/")
    assert bucket.blob("x").download_as_bytes() == b"1"
    assert len(double.server.requests("GET", "/download/")) == 3
