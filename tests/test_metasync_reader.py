"""The reader of the metadata cache: what it answers while the store changes, fails and recovers."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support import cache as caches

from smq.catalog import Known, Unknown
from smq_metasync.client import Reader
from smq_metasync.copies import copy_path, read_copy
from smq_metasync.fetching import AbsentError, Fetched, FetchError, PublishedCache

START = datetime(2026, 11, 27, 9, tzinfo=UTC)
"""An hour after the caches of these tests were made."""


@dataclass
class Store:
    """A store that answers what a test says, as a remote one would."""

    answer: bytes | FetchError = b""
    generation: int = 1
    asked: list[str | None] = field(default_factory=list)
    url: str = "gs://bucket/metadata_cache.json"
    is_remote: bool = True

    def fetch(self, known: str | None) -> Fetched | None:
        self.asked.append(known)
        if isinstance(self.answer, FetchError):
            raise self.answer
        if known == str(self.generation):
            return None
        return Fetched(self.answer, str(self.generation), START - timedelta(hours=1))

    def publish(self, value: object) -> None:
        self.answer, self.generation = caches.written(value), self.generation + 1


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class World:
    """A reader of a store, with time that passes when the test says so and no threads."""

    store: Store = field(default_factory=Store)
    clock: Clock = field(default_factory=Clock)
    copy: Path | None = None
    offline: bool = False
    changes: int = 0

    def reader(self) -> Reader:
        def changed() -> None:
            self.changes += 1

        return Reader(
            self.store,
            self.copy,
            offline=self.offline,
            changed=changed,
            now=self.clock,
            jitter=lambda: 0.5,
            background=lambda work: work(),
        )


ORDERS = caches.cache(caches.table("shop.orders", {"id": "BIGINT"}))
MORE = caches.cache(
    caches.table("shop.orders", {"id": "BIGINT"}), caches.table("shop.users", {"id": "BIGINT"})
)


def test_before_anything_was_read_nothing_is_known() -> None:
    reader = World().reader()
    assert reader.current == Unknown("loading", "The metadata cache is being read.")
    assert reader.status.state == "loading"


def test_a_cache_is_read_once_an_hour_and_not_at_every_question() -> None:
    world = World(Store(caches.written(ORDERS)))
    reader = world.reader()
    assert reader.poll()
    assert reader.status.state == "fresh" and reader.status.age == 3600
    world.clock.advance(minutes=59)
    assert not reader.poll() and len(world.store.asked) == 1
    world.clock.advance(minutes=2)
    assert reader.poll()
    # The second request says what is known, so that the answer is small.
    assert world.store.asked == [None, "1"]
    known = reader.current
    assert isinstance(known, Known) and known.age == 2 * 3600 + 60


def test_a_new_cache_takes_the_place_of_the_old_one() -> None:
    world = World(Store(caches.written(ORDERS)))
    reader = world.reader()
    reader.load()
    world.store.publish(MORE)
    world.clock.advance(hours=1.2)
    reader.poll()
    known = reader.current
    assert isinstance(known, Known) and len(known) == 2
    assert world.changes == 2


@pytest.mark.parametrize(
    "failure",
    [FetchError("503 from the store"), AbsentError("no such object"), b"{half a ca", b"[]"],
)
def test_what_was_good_stays_when_the_store_fails(failure: bytes | FetchError) -> None:
    world = World(Store(caches.written(ORDERS)))
    reader = world.reader()
    reader.load()
    world.store.answer, world.store.generation = failure, 2
    world.clock.advance(hours=2)
    reader.poll()
    known = reader.current
    assert isinstance(known, Known) and known.table(("shop", "orders")) is not None
    status = reader.status
    assert status.state == "stale-usable" and status.failures == 1 and status.reason
    world.clock.advance(hours=22)
    reader.poll()
    assert reader.status.state == "expired"
    assert isinstance(reader.current, Known) and reader.current.state == "expired"


def test_failures_are_retried_later_and_later_and_logged_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tools that other tests run in this process disable all loggers that exist by then.
    monkeypatch.setattr(logging.getLogger("smq_metasync.client"), "disabled", False)
    world = World(Store(FetchError("no route to host")))
    reader = world.reader()
    waits = []
    with caplog.at_level(logging.INFO):
        assert reader.poll()
        for _ in range(9):
            started = world.clock.now
            while not reader.poll():
                world.clock.advance(seconds=5)
            waits.append((world.clock.now - started).total_seconds())
    assert waits == sorted(waits) and waits[0] == 30 and waits[-1] == 3600
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "no route to host" in caplog.text
    world.store.answer = caches.written(ORDERS)
    with caplog.at_level(logging.INFO):
        reader.load()
    assert "readable again" in caplog.text
    assert reader.status.failures == 0


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (FetchError("403 Forbidden"), "unreadable", "unreachable"),
        (AbsentError("no such object"), "absent", "absent"),
        (b"\xff\xfe", "unreadable", "unreadable"),
    ],
)
def test_nothing_at_all_is_unknown_with_the_reason(
    answer: bytes | FetchError, state: str, reason: str
) -> None:
    reader = World(Store(answer)).reader()
    found = reader.load()
    assert isinstance(found, Unknown) and found.reason == reason and found.detail.endswith(".")
    assert reader.status.state == state


def test_the_last_good_copy_serves_a_start_without_a_network(tmp_path: Path) -> None:
    copy = copy_path(tmp_path, "gs://bucket/metadata_cache.json")
    World(Store(caches.written(ORDERS)), copy=copy).reader().load()
    world = World(Store(FetchError("offline")), copy=copy)
    world.clock.advance(hours=30)
    reader = world.reader()
    known = reader.load()
    assert isinstance(known, Known) and known.table(("orders",)) is not None
    assert (reader.status.state, reader.status.origin) == ("expired", "disk")
    # What the copy says is asked about, not fetched again.
    assert world.store.asked == ["1"]
    assert world.changes == 2


def test_a_start_within_the_hour_asks_no_network(tmp_path: Path) -> None:
    copy = copy_path(tmp_path, "gs://bucket/metadata_cache.json")
    World(Store(caches.written(ORDERS)), copy=copy).reader().load()
    world = World(Store(caches.written(MORE), generation=2), copy=copy)
    os.utime(copy, times=(START.timestamp() - 600, START.timestamp() - 600))
    reader = world.reader()
    assert isinstance(reader.load(), Known)
    assert (world.store.asked, reader.status.state, reader.status.origin) == ([], "fresh", "disk")
    assert not reader.poll()
    # Who asks for a refresh gets one, and when the hour is over it comes by itself.
    world.clock.advance(minutes=51)
    assert reader.poll() and world.store.asked == ["1"]
    reader.refresh()
    assert world.store.asked == ["1", "2"]
    known = reader.current
    assert isinstance(known, Known) and len(known) == 2


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_copy_is_no_copy(tmp_path: Path, damage: str) -> None:
    copy = copy_path(tmp_path, "gs://bucket/metadata_cache.json")
    World(Store(caches.written(ORDERS)), copy=copy).reader().load()
    whole = copy.read_bytes()
    broken = {
        "cut": whole[:-10],
        "flipped": whole.replace(b"orders", b"ordurs"),
        "empty": b"",
        "other": b"[1]\n{}",
    }
    copy.write_bytes(broken[damage])
    assert read_copy(copy) is None
    found = World(Store(FetchError("offline")), copy=copy).reader().load()
    assert isinstance(found, Unknown)


def test_a_copy_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "metasync").write_text("a file where the directory should be")
    copy = copy_path(tmp_path, "gs://x")
    assert isinstance(World(Store(caches.written(ORDERS)), copy=copy).reader().load(), Known)


def test_an_untrusted_workspace_reads_the_copy_and_no_network(tmp_path: Path) -> None:
    copy = copy_path(tmp_path, "gs://bucket/metadata_cache.json")
    World(Store(caches.written(ORDERS)), copy=copy).reader().load()
    world = World(Store(caches.written(ORDERS)), copy=copy, offline=True)
    assert isinstance(world.reader().load(), Known)
    without = World(Store(caches.written(ORDERS)), offline=True)
    found = without.reader().load()
    assert isinstance(found, Unknown) and found.reason == "untrusted"
    assert world.store.asked == without.store.asked == []


def test_a_naive_time_is_not_used_for_the_age() -> None:
    world = World(Store(caches.written(caches.V1)))
    reader = world.reader()
    reader.load()
    # The store's own time is an hour ago; the cache's text says 2025 in some time zone.
    assert reader.status.age == 3600


def test_refreshes_do_not_pile_up_and_nobody_waits_for_them() -> None:
    entered, leave = threading.Event(), threading.Event()
    started: list[Callable[[], None]] = []

    class Slow(Store):
        def fetch(self, known: str | None) -> Fetched | None:
            entered.set()
            assert leave.wait(30)
            return super().fetch(known)

    def background(work: Callable[[], None]) -> None:
        started.append(work)
        threading.Thread(target=work, daemon=True).start()

    store = Slow(caches.written(ORDERS))
    reader = Reader(store, now=Clock(), background=background)
    for _ in range(100):
        reader.poll()
        reader.refresh()
    assert entered.wait(30)
    assert len(started) == 1
    # A limit that passes gives what is known until then.
    assert isinstance(reader.load(timeout=0.01), Unknown)
    leave.set()
    assert isinstance(reader.load(timeout=30), Known)


def test_a_local_cache_is_found_in_a_file_or_directory(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "metadata_cache.json"
    assert isinstance(Reader(PublishedCache("cache", tmp_path)).load(), Unknown)
    path.parent.mkdir()
    path.write_bytes(caches.written(ORDERS))
    for given in ("cache/metadata_cache.json", "cache", str(path)):
        reader = Reader(PublishedCache(given, tmp_path))
        assert isinstance(reader.load(), Known)
        assert not reader.is_remote


def test_a_local_cache_is_looked_at_again_soon(tmp_path: Path) -> None:
    path = tmp_path / "metadata_cache.json"
    path.write_bytes(caches.written(ORDERS))
    clock = Clock()
    reader = Reader(
        PublishedCache(str(path), tmp_path),
        now=clock,
        jitter=lambda: 0.5,
        background=lambda work: work(),
    )
    first = reader.load()
    clock.advance(seconds=11)
    # Nothing has happened, so nobody is made to look again.
    assert reader.poll() and reader.current is first
    path.write_bytes(caches.written(MORE))
    clock.advance(seconds=11)
    assert reader.poll()
    assert isinstance(reader.current, Known) and len(reader.current) == 2
    path.unlink()
    clock.advance(seconds=11)
    assert reader.poll() and isinstance(reader.current, Known)
    assert "absent" in reader.status.reason


def test_a_place_that_cannot_be_meant_is_unknown_with_the_reason(tmp_path: Path) -> None:
    found = Reader(PublishedCache("s3://bucket/x", tmp_path)).load(timeout=30)
    assert isinstance(found, Unknown) and "s3://" in found.detail


def test_an_editor_starts_without_the_client_of_any_cloud(tmp_path: Path) -> None:
    """Also beside a cache in a bucket: the client comes with the first request, in its thread."""
    (tmp_path / "smq.toml").write_text('metasync.cache = "gs://bucket/cache.json"\n')
    (tmp_path / "q.smq.json").write_text('{"metrics": ["x"]}')
    code = (
        "import sys; from pathlib import Path; from lsprotocol import types\n"
        "from smq_server.lsp.session import Session\n"
        "session = Session(lambda *_: None)\n"
        "waiting = []\n"
        "session.beside = waiting.append\n"
        "folder = types.WorkspaceFolder(Path(sys.argv[1]).as_uri(), 'w')\n"
        "session.initialize(types.InitializeParams(types.ClientCapabilities(),"
        " workspace_folders=[folder]))\n"
        "session.start(); session.scheduler.drain()\n"
        # Installing them may leave the empty package `google.cloud` in every process.
        "print(len(waiting), [n for n in sys.modules if n.startswith('google.cloud.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip() == "1 []", done.stderr
