"""The stores of the cache: atomic, conditional, and honest about what goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.gcs_double import GcsDouble, gcs

from smq_metasync.stores import (
    UNCHANGED,
    Conflict,
    Store,
    Stored,
    StoreError,
    open_store,
    snapshot_name,
)
from smq_metasync.stores.local import LocalStore


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsDouble]:
    with gcs(monkeypatch, "bucket") as found:
        yield found


@pytest.fixture(params=["local", "gcs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "local":
        return open_store("cache/metadata_cache.json", tmp_path)
    request.getfixturevalue("double")
    return open_store("gs://bucket/team/metadata_cache.json", tmp_path)


def stored(store: Store) -> Stored:
    found = store.read()
    assert isinstance(found, Stored)
    return found


def test_what_is_written_is_read(store: Store) -> None:
    assert store.read() is None
    first = store.write('{"가": 1}'.encode(), None)
    found = stored(store)
    assert (found.data.decode(), found.generation) == ('{"가": 1}', first)
    assert abs(datetime.now(UTC) - found.updated) < timedelta(minutes=5)
    assert store.read(unless=first) is UNCHANGED
    second = store.write(b"2", first)
    assert second != first
    assert stored(store).data == b"2"
    changed = store.read(unless=first)
    assert isinstance(changed, Stored)


def test_a_write_that_was_made_from_an_old_state_is_refused(store: Store) -> None:
    first = store.write(b"1", None)
    with pytest.raises(Conflict):
        store.write(b"x", None)
    store.write(b"2", first)
    with pytest.raises(Conflict):
        store.write(b"x", first)
    assert stored(store).data == b"2"


def test_one_of_many_writers_wins(store: Store) -> None:
    first = store.write(b"0", None)
    won: list[bytes] = []

    def write(data: bytes) -> None:
        try:
            store.write(data, first)
        except Conflict:
            return
        won.append(data)

    threads = [threading.Thread(target=write, args=(b"%d" % n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [stored(store).data]


def test_snapshots_are_listed_newest_first_and_never_replaced(store: Store) -> None:
    assert store.snapshots() == ()
    moments = [datetime(2024, 1, day, tzinfo=UTC) for day in (2, 10, 1)]
    names = [snapshot_name(moment, "0123456789") for moment in moments]
    for name in names:
        store.keep_snapshot(name, name.encode())
    store.keep_snapshot(names[0], b"other")
    assert store.snapshots() == (names[1], names[0], names[2])
    assert store.read_snapshot(names[0]) == names[0].encode()
    store.drop_snapshot(names[1])
    store.drop_snapshot(names[1])
    assert store.snapshots() == (names[0], names[2])
    with pytest.raises(StoreError, match="no snapshot"):
        store.read_snapshot(names[1])
    assert store.read() is None


def test_places_that_cannot_be_meant(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="s3://"):
        open_store("s3://bucket/x", tmp_path)
    with pytest.raises(StoreError, match="no bucket"):
        open_store("gs://", tmp_path)
    assert open_store("gs://bucket", tmp_path).location == "gs://bucket/metadata_cache.json"
    assert open_store("gs://b/a/", tmp_path).location == "gs://b/a/metadata_cache.json"


# Files.


def test_a_directory_holds_the_file_of_the_usual_name(tmp_path: Path) -> None:
    store = open_store(".smq", tmp_path)
    store.write(b"{}", None)
    assert (tmp_path / ".smq" / "metadata_cache.json").read_bytes() == b"{}"
    assert (tmp_path / ".smq" / ".gitignore").read_text() == "*\n"


_KILLED = """
import os, signal, sys
from pathlib import Path
from smq_metasync.stores.local import LocalStore
store = LocalStore(Path(sys.argv[1]))
real = os.fsync
def die(descriptor):
    print("writing", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
os.fsync = die
store.write(b"half" * 1000, store.read().generation)
"""


def test_a_collector_that_is_killed_while_writing_leaves_the_old_cache(tmp_path: Path) -> None:
    path = tmp_path / "metadata_cache.json"
    store = LocalStore(path, timeout=5)
    store.write(b"old", None)
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(path)], capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"writing\n")
    assert stored(store).data == b"old"
    (left,) = tmp_path.glob(".*.part")
    # The lock died with the process, and what it left goes when it is old.
    long_ago = time.time() - 7200
    os.utime(left, (long_ago, long_ago))
    store.write(b"new", stored(store).generation)
    assert stored(store).data == b"new"
    assert list(tmp_path.glob(".*.part")) == []


def test_files_that_cannot_be_written_or_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write"):
        open_store("file/cache.json", tmp_path).write(b"", None)
    (tmp_path / "dir.json").mkdir()
    (tmp_path / "dir.json" / "metadata_cache.json").mkdir()
    with pytest.raises(StoreError, match="cannot read"):
        open_store("dir.json", tmp_path).read()


# Buckets.


def test_its_own_first_attempt_is_no_conflict(double: GcsDouble, tmp_path: Path) -> None:
    store = open_store("gs://bucket/c.json", tmp_path)
    first = store.write(b"1", None)
    double.server.fault("done_then_drop", "/upload/", method="POST")
    second = store.write(b"2", first)
    assert len(double.server.requests("POST", "/upload/")) == 3
    found = stored(store)
    assert (found.data, found.generation) == (b"2", second)


def test_transient_faults_are_retried_and_others_told(double: GcsDouble, tmp_path: Path) -> None:
    store = open_store("gs://bucket/c.json", tmp_path, timeout=30)
    double.put("bucket", "c.json", b"1")
    for fault in (429, 500, 503):
        double.server.fault("status", "/c.json", status=fault)
    assert stored(store).data == b"1"
    double.server.fault("status", "/c.json", status=403, reason="forbidden")
    with pytest.raises(StoreError, match=r"not allowed to read gs://bucket/c.json.*objectViewer"):
        store.read()
    with pytest.raises(StoreError, match="no such bucket"):
        open_store("gs://other/c.json", tmp_path).write(b"1", None)


def test_a_store_that_does_not_answer_ends_in_time(double: GcsDouble, tmp_path: Path) -> None:
    double.put("bucket", "c.json", b"1")
    double.server.fault("slow", "/c.json", times=100)
    store = open_store("gs://bucket/c.json", tmp_path, timeout=0.2)
    with pytest.raises(StoreError) as caught:
        store.read()
    assert caught.value.transient


def test_damage_on_the_way_is_noticed_and_asked_for_again(
    double: GcsDouble, tmp_path: Path
) -> None:
    store = open_store("gs://bucket/c.json", tmp_path)
    double.put("bucket", "c.json", b"content")
    double.server.fault("corrupt", "/download/")
    assert stored(store).data == b"content"
    double.server.fault("corrupt", "/download/", times=10)
    with pytest.raises(StoreError, match="checksum"):
        store.read()


def test_an_unchanged_object_costs_one_small_request(double: GcsDouble, tmp_path: Path) -> None:
    store = open_store("gs://bucket/c.json", tmp_path)
    generation = store.write(b"1", None)
    before = len(double.server.log)
    assert store.read(unless=generation) is UNCHANGED
    (asked,) = double.server.log[before:]
    assert asked.query["ifGenerationNotMatch"] == generation
    assert "/download/" not in asked.path


def test_the_bucket_itself_is_never_asked_for(double: GcsDouble, tmp_path: Path) -> None:
    """Readers have no right to, and the client would do it in a thread beside each transfer."""
    store = open_store("gs://bucket/c.json", tmp_path)
    store.write(b"1", None)
    assert stored(store).data == b"1"
    for thread in threading.enumerate():
        if "_fetch_background" in thread.name:
            thread.join()
    assert not [each.path for each in double.server.log if each.path.endswith("/b/bucket")]


def test_an_object_that_is_replaced_while_it_is_read_is_read_whole(
    double: GcsDouble, tmp_path: Path
) -> None:
    store = open_store("gs://bucket/c.json", tmp_path)
    store.write(b"old", None)
    handle = double._media

    def replaced_first(*arguments: object) -> object:
        double._media = handle  # type: ignore[method-assign]
        double.put("bucket", "c.json", b"new")
        return handle(*arguments)  # type: ignore[arg-type]

    double._media = replaced_first  # type: ignore[method-assign,assignment]
    assert stored(store).data == b"new"


def test_without_the_client_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.storage", None)
    monkeypatch.setitem(sys.modules, "google.cloud", None)
    with pytest.raises(StoreError, match=r"pip install smq\[gcs\]"):
        open_store("gs://bucket/c.json", tmp_path)
