"""The reader of the metadata cache: always an answer at once, kept fresh beside the caller's work.

`current` and `status` never wait. `poll` starts a refresh in the background when one is due;
`load` waits for one, with a limit, for callers that have nothing else to do. What was once read
well is never replaced by nothing: memory, then the store, then the last good copy on the disk,
then `Unknown` with the reason.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from smq.catalog import CatalogSnapshot, Known, Unknown
from smq.catalog.read import Unreadable, read_cache
from smq.catalog.snapshot import Reason
from smq.catalog.snapshot import State as Freshness
from smq_metasync.copies import confirm_copy, confirmed_at, read_copy, write_copy
from smq_metasync.fetching import AbsentError, CacheStore, Fetched, FetchError

logger = logging.getLogger(__name__)

REFRESH_AFTER = 3600.0
"""Seconds after which the store is asked again."""
EXPIRES_AFTER = 24 * 3600.0
"""Seconds after which what a cache says is old news."""
LOOKS_AFTER = 10.0
"""The same for a file, which costs nothing to look at: who has just run a sync is waiting."""
_GROWN_OLDER = 300.0
"""Seconds before an unchanged cache is handed out anew only because it has become older."""
_FIRST_RETRY = 30.0

State = Literal["fresh", "stale-usable", "expired", "absent", "unreadable", "loading"]
Origin = Literal["store", "disk"]


@dataclass(frozen=True, slots=True)
class Status:
    """How things stand. `fresh`: the store has confirmed it within the hour; `stale-usable`: not,
    but it is younger than a day; `expired`: it is older, and still there to be used by those who
    say so. `reason` is a sentence about what went wrong last, empty when nothing did."""

    state: State
    url: str
    age: float | None = None
    """Seconds since the cache was made; None when there is none."""
    generation: str = ""
    origin: Origin | None = None
    reason: str = ""
    taken_at: datetime | None = None
    failures: int = 0
    """How many refreshes have failed since the last good one."""


@dataclass(frozen=True, slots=True)
class _Good:
    """The last cache that was read well."""

    known: Known
    generation: str
    made: datetime
    origin: Origin


def _utc_now() -> datetime:
    return datetime.now(UTC)


def in_background(work: Callable[[], None]) -> None:
    """Work in a thread of its own."""
    # Daemon, so that a store that never answers cannot keep a program from ending.
    threading.Thread(target=work, name="smq-metasync-reader", daemon=True).start()


class Reader:
    """Reads one cache for one program. All methods may be called from any thread.

    `copy` is the file for the last good copy of a remote cache. `changed` is called, from the
    thread that refreshed, whenever `current` has become another value. The clock, the randomness
    and the way to work in the background are given in so that tests need not wait.
    """

    def __init__(
        self,
        store: CacheStore,
        copy: Path | None = None,
        *,
        offline: bool = False,
        changed: Callable[[], object] = lambda: None,
        now: Callable[[], datetime] = _utc_now,
        jitter: Callable[[], float] = random.random,
        background: Callable[[Callable[[], None]], object] = in_background,
    ) -> None:
        self._store = store
        self._copy = copy if store.is_remote else None
        self._offline = offline and store.is_remote
        self._changed = changed
        self._now = now
        self._jitter = jitter
        self._background = background
        self._lock = threading.Lock()
        self._busy: threading.Event | None = None
        self._good: _Good | None = None
        self._current: CatalogSnapshot = Unknown("loading", "The metadata cache is being read.")
        self._reason = ""
        self._why: Reason = "loading"
        self._confirmed: datetime | None = None
        self._due: datetime | None = None
        self._failures = 0
        self._logged = ""
        self._has_looked_at_copy = False

    @property
    def url(self) -> str:
        return self._store.url

    @property
    def is_remote(self) -> bool:
        """Whether a refresh goes over a network."""
        return self._store.is_remote

    @property
    def current(self) -> CatalogSnapshot:
        """What is known now, as old as it was when somebody last looked."""
        return self._current

    @property
    def status(self) -> Status:
        """How things stand at this moment."""
        with self._lock:
            good, reason, failures = self._good, self._reason, self._failures
            if good is None:
                states: dict[Reason, State] = {"absent": "absent", "loading": "loading"}
                state = states.get(self._why, "unreadable")
                return Status(state, self.url, reason=reason, failures=failures)
            now = self._now()
            return Status(
                self._freshness(good, now),
                self.url,
                max(0.0, (now - good.made).total_seconds()),
                good.generation,
                good.origin,
                reason,
                good.made,
                failures,
            )

    def poll(self) -> bool:
        """Start a refresh in the background if one is due and none runs; whether it was started.

        Cheap enough to be called at every keystroke.
        """
        if self._due is not None and self._now() < self._due:
            return False
        return self._start() is not None

    def refresh(self) -> None:
        """Ask the store now, in the background, due or not."""
        self._start(forced=True)

    def load(self, timeout: float | None = None) -> CatalogSnapshot:
        """What is known once a refresh has ended, or after so many seconds without it.

        A cache in a file is read here and now; a refresh that another thread runs is waited for.
        """
        if not self._store.is_remote and timeout is None:
            done = threading.Event()
            if self._take_turn(done):
                self._run(done)
                return self._current
        busy = self._start() or self._busy
        if busy is not None:
            busy.wait(timeout)
        return self._current

    # One refresh

    def _take_turn(self, done: threading.Event) -> bool:
        with self._lock:
            if self._busy is not None:
                return False
            self._busy = done
            return True

    def _start(self, forced: bool = False) -> threading.Event | None:
        done = threading.Event()
        if not self._take_turn(done):
            return None
        self._background(lambda: self._run(done, forced))
        return done

    def _run(self, done: threading.Event, forced: bool = False) -> None:
        before = self._current
        try:
            self._from_copy()
            if self._current is not before:
                # Whoever waits for names need not wait for the network as well.
                self._changed()
            if self._is_confirmed_lately and not forced:
                return
            if self._offline:
                self._failed("untrusted", "The workspace is not trusted, so no network is used.")
            else:
                self._from_store()
        finally:
            with self._lock:
                self._busy = None
            done.set()
        if self._current is not before:
            self._changed()

    @property
    def _is_confirmed_lately(self) -> bool:
        """Whether another program on this computer has just asked, so that a start need not."""
        return self._good is not None and self._due is not None and self._now() < self._due

    def _from_copy(self) -> None:
        """Begin with what is on the disk, once."""
        if self._has_looked_at_copy or self._copy is None:
            return
        self._has_looked_at_copy = True
        fetched = read_copy(self._copy)
        if fetched is None or self._good is not None:
            return
        found = read_cache(fetched.data)
        if isinstance(found, Known):
            with self._lock:
                self._good = _Good(found, fetched.generation, _made(found, fetched), "disk")
                kept = confirmed_at(self._copy)
                if kept is not None and kept <= self._now():
                    self._confirmed = kept
                    self._due = _after(kept, REFRESH_AFTER * (0.9 + 0.2 * self._jitter()))
                self._settle()

    def _from_store(self) -> None:
        good = self._good
        try:
            fetched = self._store.fetch(good.generation if good else None)
        except AbsentError as error:
            self._failed("absent", f"The metadata cache is absent: {error}.")
            return
        except FetchError as error:
            self._failed("unreachable", f"The metadata cache could not be fetched: {error}.")
            return
        if fetched is None:
            self._confirm(None)
            if self._copy is not None:
                confirm_copy(self._copy)
            return
        found = read_cache(fetched.data)
        if isinstance(found, Unreadable):
            self._failed("unreadable", found.detail)
            return
        self._confirm(_Good(found, fetched.generation, _made(found, fetched), "store"))
        if self._copy is not None and not write_copy(self._copy, fetched):
            logger.info("The metadata cache cannot be kept at %s", self._copy)

    def _confirm(self, good: _Good | None) -> None:
        with self._lock:
            now = self._now()
            if good is not None:
                self._good = good
            elif self._good is not None:
                self._good = _Good(
                    self._good.known, self._good.generation, self._good.made, "store"
                )
            self._confirmed = now
            self._failures = 0
            self._reason = ""
            interval = REFRESH_AFTER if self._store.is_remote else LOOKS_AFTER
            # A little early or late, so that a team's editors do not all ask at once.
            self._due = _after(now, interval * (0.9 + 0.2 * self._jitter()))
            self._settle()
            if self._logged:
                logger.info("The metadata cache at %s is readable again", self.url)
                self._logged = ""

    def _failed(self, why: Reason, reason: str) -> None:
        with self._lock:
            self._failures += 1
            self._why, self._reason = why, reason
            wait = min(REFRESH_AFTER, _FIRST_RETRY * 2 ** min(self._failures - 1, 10))
            if not self._store.is_remote:
                wait = LOOKS_AFTER
            self._due = _after(self._now(), wait * (0.5 + self._jitter()))
            self._settle()
            if self._logged != reason:
                self._logged = reason
                logger.warning("%s (%s)", reason, self.url)

    def _settle(self) -> None:
        """Make `current` say what is known and how old it is. The caller holds the lock."""
        good = self._good
        if good is not None:
            now = self._now()
            known = good.known.aged(self._freshness(good, now), now, good.made)
            if not _differs_little(self._current, known):
                self._current = known
        else:
            now_unknown = Unknown(self._why, self._reason)
            if self._current != now_unknown:
                self._current = now_unknown

    def _freshness(self, good: _Good, now: datetime) -> Freshness:
        if (now - good.made).total_seconds() > EXPIRES_AFTER:
            return "expired"
        confirmed = self._confirmed
        # A refresh that is due is not late yet.
        if confirmed is None or (now - confirmed).total_seconds() > 1.5 * REFRESH_AFTER:
            return "stale-usable"
        return "fresh"


def _differs_little(before: CatalogSnapshot, after: Known) -> bool:
    """Whether nothing has happened but that a little time has passed."""
    if not isinstance(before, Known) or before.digest != after.digest:
        return False
    if before.state != after.state or before.taken_at != after.taken_at:
        return False
    return (after.age or 0.0) - (before.age or 0.0) < _GROWN_OLDER


def _made(known: Known, fetched: Fetched) -> datetime:
    """When the cache was made; a local time without its zone is no use, but the store knows."""
    return known.taken_at or fetched.updated


def _after(moment: datetime, seconds: float) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() + seconds, UTC)
