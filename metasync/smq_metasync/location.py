"""Where somebody says that the metadata cache is; the stores know how to get there."""

from __future__ import annotations

from collections.abc import Mapping

FILE_NAME = "metadata_cache.json"
DEFAULT_LOCATION = f".smq/{FILE_NAME}"


def configured_location(cache: str | None, environ: Mapping[str, str]) -> str:
    """Where somebody said that the cache is, as people write it; empty when nobody did.

    `cache` is what the configuration says; where it is silent, the environment names a bucket.
    """
    if cache:
        return cache
    for name in ("METASYNC_CACHE_BUCKET", "GCS_BUCKET"):
        bucket = environ.get(name, "").removeprefix("gs://").strip("/")
        if bucket:
            return f"gs://{bucket}/{FILE_NAME}"
    return ""
