"""The cache as an object in Cloud Storage, through Google's own client.

Every write has a generation precondition, every read is checked by the client's checksum. A
write that was retried may be refused because its own first attempt had succeeded; each write
carries a mark by which it knows itself again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypeVar
from uuid import uuid4

from smq_metasync.location import FILE_NAME
from smq_metasync.stores import (
    LARGEST,
    SNAPSHOTS,
    UNCHANGED,
    Conflict,
    Stored,
    StoreError,
    Unchanged,
)

if TYPE_CHECKING:
    from google.api_core.retry import Retry
    from google.cloud.storage import Blob, Bucket, Client

T = TypeVar("T")

_MARK = "smq-write"
_TRIES = 4


class GcsStore:
    """`gs://bucket/path/name.json`, or the object of the usual name below `gs://bucket/path`."""

    def __init__(self, location: str, timeout: float = 60.0) -> None:
        bucket, _, name = location.removeprefix("gs://").partition("/")
        if not bucket:
            raise StoreError(f"{location} names no bucket")
        if not name.endswith(".json"):
            name = f"{name.rstrip('/')}/{FILE_NAME}".lstrip("/")
        try:
            from google.cloud import storage
        except ImportError as error:
            raise StoreError(
                "the client of Cloud Storage is not installed; `pip install smq[gcs]` adds it"
            ) from error
        self._storage = storage
        self._bucket_name = bucket
        self._name = name
        self._folder = name.rpartition("/")[0]
        self._timeout = timeout
        self._bucket_found: Bucket | None = None
        self._lock = threading.Lock()
        self.location = f"gs://{bucket}/{name}"

    def read(self, unless: str | None = None) -> Stored | Literal[Unchanged.UNCHANGED] | None:
        return self._guarded("read", lambda: self._read(unless))

    def write(self, data: bytes, expected: str | None) -> str:
        blob = self._bucket().blob(self._name)
        if not self._guarded("write", lambda: self._upload(blob, data, expected)):
            raise Conflict(f"somebody else wrote {self.location} in the meantime")
        return str(blob.generation)

    def keep_snapshot(self, name: str, data: bytes) -> None:
        # That there is one of the name already is fine: a state is kept once.
        blob = self._bucket().blob(self._snapshot(name))
        self._guarded("write", lambda: self._upload(blob, data, None))

    def snapshots(self) -> tuple[str, ...]:
        def listed() -> tuple[str, ...]:
            prefix = self._snapshot("")
            blobs = self._bucket().client.list_blobs(
                self._bucket_name, prefix=prefix, timeout=self._timeout, retry=self._retry()
            )
            names = (blob.name.removeprefix(prefix) for blob in blobs)
            return tuple(sorted((n for n in names if n.endswith(".json")), reverse=True))

        return self._guarded("list", listed)

    def read_snapshot(self, name: str) -> bytes:
        from google.api_core.exceptions import NotFound

        def download() -> bytes | None:
            blob = self._bucket().blob(self._snapshot(name))
            try:
                data: bytes = blob.download_as_bytes(timeout=self._timeout, retry=self._retry())
            except NotFound:
                return None
            return data

        found = self._guarded("read", download)
        if found is None:
            raise StoreError(f"there is no snapshot {name}")
        return found

    def drop_snapshot(self, name: str) -> None:
        from google.api_core.exceptions import NotFound

        def delete() -> None:
            blob = self._bucket().blob(self._snapshot(name))
            try:
                blob.delete(timeout=self._timeout, retry=self._retry())
            except NotFound:
                return

        self._guarded("remove", delete)

    def missing_permissions(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """Which of these permissions on the bucket these credentials do not have."""

        def ask() -> tuple[str, ...]:
            held = self._bucket().test_iam_permissions(
                list(wanted), timeout=self._timeout, retry=self._retry()
            )
            return tuple(each for each in wanted if each not in held)

        return self._guarded("read", ask)

    def _read(self, unless: str | None) -> Stored | Literal[Unchanged.UNCHANGED] | None:
        from google.api_core.exceptions import NotFound, NotModified
        from google.cloud.storage.exceptions import DataCorruption

        known = int(unless) if unless and unless.isdigit() else None
        corrupt: DataCorruption | None = None
        for _ in range(_TRIES):
            blob = self._bucket().blob(self._name)
            try:
                blob.reload(
                    if_generation_not_match=known, timeout=self._timeout, retry=self._retry()
                )
            except NotModified:
                return UNCHANGED
            except NotFound:
                return None
            if (blob.size or 0) > LARGEST:
                raise StoreError(f"{self.location} is too large for a cache")
            try:
                data = blob.download_as_bytes(
                    if_generation_match=blob.generation,
                    timeout=self._timeout,
                    retry=self._retry(),
                )
            except (NotFound, self._precondition()):
                # Replaced between the two requests; look again.
                continue
            except DataCorruption as error:
                corrupt = error
                continue
            return Stored(data, str(blob.generation), blob.updated or datetime.now(UTC))
        if corrupt is not None:
            raise StoreError(
                f"{self.location} arrived damaged {_TRIES} times: its checksum is wrong",
                transient=True,
            ) from corrupt
        raise StoreError(f"{self.location} is replaced again and again", transient=True)

    def _upload(self, blob: Blob, data: bytes, expected: str | None) -> bool:
        """Whether the object is now ours; False when somebody else's is in its place."""
        mark = uuid4().hex
        blob.metadata = {_MARK: mark}
        blob.cache_control = "no-cache"
        try:
            blob.upload_from_string(
                data,
                content_type="application/json",
                if_generation_match=int(expected or 0),
                timeout=self._timeout,
                retry=self._retry(),
            )
        except self._precondition():
            return self._is_ours(mark, blob)
        return True

    def _is_ours(self, mark: str, blob: Blob) -> bool:
        from google.api_core.exceptions import NotFound

        try:
            blob.reload(timeout=self._timeout, retry=self._retry())
        except NotFound:
            return False
        return (blob.metadata or {}).get(_MARK) == mark

    def _bucket(self) -> Bucket:
        with self._lock:
            if self._bucket_found is None:
                # Asking for the bucket itself would need a right that readers do not have.
                self._bucket_found = self._guarded("reach", self._client).bucket(self._bucket_name)
            return self._bucket_found

    def _client(self) -> Client:
        # For its traces the client would ask for the bucket in a thread of its own beside every
        # transfer, traced or not. Readers may not, and a refusal stands in the audit log.
        os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
        project = os.environ.get("GOOGLE_CLOUD_PROJECT")
        return self._storage.Client(project=project) if project else self._storage.Client()

    def _snapshot(self, name: str) -> str:
        return "/".join(part for part in (self._folder, SNAPSHOTS, name) if part) + (
            "" if name else "/"
        )

    def _retry(self) -> Retry:
        from google.cloud.storage.retry import DEFAULT_RETRY

        retry: Retry = DEFAULT_RETRY.with_timeout(self._timeout)
        return retry

    @staticmethod
    def _precondition() -> type[Exception]:
        from google.api_core.exceptions import PreconditionFailed

        return PreconditionFailed

    def _guarded(self, what: str, call: Callable[[], T]) -> T:
        """The call's result; what the client raises becomes one sentence."""
        from google.api_core import exceptions
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        try:
            return call()
        except exceptions.Forbidden as error:
            raise StoreError(
                f"not allowed to {what} {self.location}; readers need "
                "roles/storage.objectViewer on the bucket, collectors roles/storage.objectUser"
            ) from error
        except exceptions.NotFound as error:
            raise StoreError(f"cannot {what} {self.location}: there is no such bucket") from error
        except exceptions.RetryError as error:
            reason = _one_line(error.cause or error)
            raise StoreError(f"cannot {what} {self.location}: {reason}", transient=True) from error
        except exceptions.GoogleAPICallError as error:
            transient = isinstance(error, exceptions.ServerError | exceptions.TooManyRequests)
            raise StoreError(
                f"cannot {what} {self.location}: {_one_line(error)}", transient=transient
            ) from error
        except GoogleAuthError as error:
            raise StoreError(
                f"cannot {what} {self.location}: no usable Google credentials "
                f"({_one_line(error)}); `gcloud auth application-default login` makes some"
            ) from error
        except (RequestException, OSError) as error:
            raise StoreError(
                f"cannot {what} {self.location}: {_one_line(error)}", transient=True
            ) from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
