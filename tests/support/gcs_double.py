"""Cloud Storage as far as its client needs it here, with generations, preconditions, checksums.

Written from the public description of the JSON API; `tests/test_gcs_double.py` holds it to it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import google_crc32c
import pytest
from tests.support.loopback import Answer, Loopback, Request


@dataclass
class Object:
    name: str
    data: bytes
    generation: int
    metageneration: int = 1
    content_type: str = "application/octet-stream"
    cache_control: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def crc32c(self) -> str:
        value = google_crc32c.value(self.data)
        return base64.b64encode(value.to_bytes(4, "big")).decode()

    @property
    def md5(self) -> str:
        return base64.b64encode(hashlib.md5(self.data).digest()).decode()

    def resource(self, bucket: str) -> dict[str, object]:
        moment = self.updated.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        found: dict[str, object] = {
            "kind": "storage#object",
            "id": f"{bucket}/{self.name}/{self.generation}",
            "name": self.name,
            "bucket": bucket,
            "generation": str(self.generation),
            "metageneration": str(self.metageneration),
            "size": str(len(self.data)),
            "crc32c": self.crc32c,
            "md5Hash": self.md5,
            "etag": f"e{self.generation}",
            "contentType": self.content_type,
            "timeCreated": moment,
            "updated": moment,
        }
        if self.cache_control:
            found["cacheControl"] = self.cache_control
        if self.metadata:
            found["metadata"] = self.metadata
        return found


class GcsDouble:
    """Buckets and objects in memory. `forbidden` are patterns of paths that answer 403."""

    def __init__(self, *buckets: str) -> None:
        self.buckets: dict[str, dict[str, Object]] = {name: {} for name in buckets}
        self.held: tuple[str, ...] = ("storage.objects.get", "storage.objects.create",
                                      "storage.objects.delete", "storage.objects.list")  # fmt: skip
        self._clock = 1_700_000_000_000_000
        self._lock = threading.RLock()
        self._sessions: dict[str, tuple[str, Request, bytearray]] = {}
        self.before_write: Callable[[], None] | None = None
        """Called once, before the next write looks at its precondition: another collector."""
        self.server = Loopback(self._handle)

    def put(self, bucket: str, name: str, data: bytes) -> Object:
        with self._lock:
            self._clock += 1
            found = Object(name, data, self._clock)
            self.buckets[bucket][name] = found
            return found

    def data(self, bucket: str, name: str) -> bytes | None:
        found = self.buckets[bucket].get(name)
        return found.data if found else None

    def _handle(self, request: Request) -> Answer:
        routes: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
            ("POST", r"/upload/storage/v1/b/([^/]+)/o$", self._upload),
            ("PUT", r"/resumable/([0-9]+)$", self._resume),
            ("GET", r"/download/storage/v1/b/([^/]+)/o/(.+)$", self._media),
            ("GET", r"/storage/v1/b/([^/]+)/iam/testPermissions$", self._permissions),
            ("GET", r"/storage/v1/b/([^/]+)/o/(.+)$", self._metadata),
            ("GET", r"/storage/v1/b/([^/]+)/o$", self._list),
            ("DELETE", r"/storage/v1/b/([^/]+)/o/(.+)$", self._delete),
        )
        for method, pattern, answer in routes:
            match = re.fullmatch(pattern, request.path)
            if match and method == request.method:
                if not pattern.startswith("/resumable") and match[1] not in self.buckets:
                    return Answer.error(404, "notFound", "The specified bucket does not exist.")
                return answer(request, *match.groups())
        return Answer.error(404, "notFound", f"no such route: {request.method} {request.path}")

    def _upload(self, request: Request, bucket: str) -> Answer:
        if request.query["uploadType"] == "multipart":
            boundary = re.search(r'boundary="?([^";]+)', request.headers["content-type"])
            assert boundary is not None
            parts = request.body.split(b"--" + boundary[1].strip("'").encode())
            described = json.loads(parts[1].split(b"\r\n\r\n", 1)[1])
            data = parts[2].split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n")
            return self._write(request, bucket, described, data)
        with self._lock:
            number = str(len(self._sessions) + 1)
            self._sessions[number] = bucket, request, bytearray()
        return Answer(200, b"{}", {"Location": f"{self.server.url}/resumable/{number}"})

    def _resume(self, request: Request, number: str) -> Answer:
        bucket, first, received = self._sessions[number]
        match = re.match(r"bytes (\d+)-(\d+)/(\d+|\*)", request.headers["content-range"])
        assert match is not None
        assert int(match[1]) == len(received), "chunks must follow each other"
        received.extend(request.body)
        if match[3] == "*" or len(received) < int(match[3]):
            return Answer(308, b"", {"Range": f"bytes=0-{len(received) - 1}"})
        return self._write(first, bucket, first.json, bytes(received))

    def _write(
        self, request: Request, bucket: str, described: Mapping[str, object], data: bytes
    ) -> Answer:
        name = str(described.get("name") or request.query.get("name"))
        hook, self.before_write = self.before_write, None
        if hook is not None:
            hook()
        with self._lock:
            found = self.buckets[bucket].get(name)
            if not _holds(request.query, found):
                return _condition_not_met()
            self._clock += 1
            made = Object(name, data, self._clock)
            claimed = described.get("crc32c")
            if claimed is not None and claimed != made.crc32c:
                return Answer.error(400, "invalid", "Provided CRC32C does not match.")
            made.content_type = str(described.get("contentType") or made.content_type)
            made.cache_control = str(described.get("cacheControl") or "") or None
            metadata = described.get("metadata")
            made.metadata = dict(metadata) if isinstance(metadata, dict) else {}
            self.buckets[bucket][name] = made
            return Answer.of(made.resource(bucket))

    def _metadata(self, request: Request, bucket: str, name: str) -> Answer:
        found = self.buckets[bucket].get(name)
        if found is None:
            return _missing(bucket, name)
        if request.query.get("ifGenerationNotMatch") == str(found.generation):
            return Answer(304)
        if not _holds(request.query, found):
            return _condition_not_met()
        return Answer.of(found.resource(bucket))

    def _media(self, request: Request, bucket: str, name: str) -> Answer:
        found = self.buckets[bucket].get(name)
        wanted = request.query.get("generation")
        if found is None or wanted not in (None, str(found.generation)):
            return _missing(bucket, name)
        if request.query.get("ifGenerationNotMatch") == str(found.generation):
            return Answer(304)
        if not _holds(request.query, found):
            return _condition_not_met()
        headers = {
            "Content-Type": found.content_type,
            "X-Goog-Hash": f"crc32c={found.crc32c},md5={found.md5}",
            "X-Goog-Generation": str(found.generation),
            "X-Goog-Metageneration": str(found.metageneration),
            "X-Goog-Stored-Content-Length": str(len(found.data)),
            "ETag": f"e{found.generation}",
        }
        match = re.match(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        if match:
            start = int(match[1])
            end = min(int(match[2] or len(found.data) - 1), len(found.data) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(found.data)}"
            return Answer(206, found.data[start : end + 1], headers)
        return Answer(200, found.data, headers)

    def _list(self, request: Request, bucket: str) -> Answer:
        prefix = request.query.get("prefix", "")
        names = sorted(name for name in self.buckets[bucket] if name.startswith(prefix))
        start = int(request.query.get("pageToken", "0"))
        size = int(request.query.get("maxResults", "1000"))
        page = names[start : start + size]
        answer: dict[str, object] = {
            "kind": "storage#objects",
            "items": [self.buckets[bucket][name].resource(bucket) for name in page],
        }
        if start + size < len(names):
            answer["nextPageToken"] = str(start + size)
        return Answer.of(answer)

    def _delete(self, request: Request, bucket: str, name: str) -> Answer:
        with self._lock:
            found = self.buckets[bucket].get(name)
            if found is None:
                return _missing(bucket, name)
            if not _holds(request.query, found):
                return _condition_not_met()
            del self.buckets[bucket][name]
            return Answer(204)

    def _permissions(self, request: Request, bucket: str) -> Answer:
        # The query names a permission several times, of which the parsed one keeps the last.
        return Answer.of({"kind": "storage#testIamPermissionsResponse", "permissions": self.held})


def _holds(query: Mapping[str, str], found: Object | None) -> bool:
    wanted = query.get("ifGenerationMatch")
    if wanted is None:
        return True
    return int(wanted) == (found.generation if found else 0)


def _condition_not_met() -> Answer:
    return Answer.error(
        412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold."
    )


def _missing(bucket: str, name: str) -> Answer:
    return Answer.error(404, "notFound", f"No such object: {bucket}/{name}")


@contextmanager
def gcs(monkeypatch: pytest.MonkeyPatch, *buckets: str) -> Iterator[GcsDouble]:
    """The double, running, with the real client pointed at it by the usual variable."""
    double = GcsDouble(*buckets)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", double.server.url)
    with double.server.running():
        yield double
