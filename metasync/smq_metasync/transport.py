"""The way to Google's BigQuery: one place that makes its client and words its errors.

Every call gets a time limit and a deadline for its retries; the client's own defaults would wait
for ten minutes on a connection that is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.api_core.retry import Retry
    from google.cloud.bigquery import Client

CALL_SECONDS = 30.0
RETRY_SECONDS = 60.0
LABELS = {"tool": "smq"}

_REASON = re.compile(r"^\s*(?:\d{3}\s+)?(?:[A-Z]+\s+https?://\S+?:\s+)?")
_PLACE = re.compile(r" at \[(\d+):(\d+)\]")
_TAIL = re.compile(r"\s*(?:Location|Job ID|reason|message):.*", re.DOTALL)


class Unavailable(Exception):
    """The client cannot be made; `str(error)` is one line for the person."""


def bigquery_client(
    project: str | None, location: str | None, environ: Mapping[str, str]
) -> Client:
    """A client for a project, with the credentials that Google's own chain finds.

    Without a project `GOOGLE_CLOUD_PROJECT` or the credentials say it. Raises Unavailable.
    """
    try:
        from google.auth.credentials import AnonymousCredentials
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import bigquery
    except ImportError as error:
        raise Unavailable(
            "the BigQuery client is not installed; `pip install smq[bigquery]` adds it"
        ) from error
    project = project or environ.get("GOOGLE_CLOUD_PROJECT") or None
    emulator = environ.get("BIGQUERY_EMULATOR_HOST")
    try:
        if emulator:
            found: Client = bigquery.Client(
                project=project or "local",
                location=location,
                credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
                client_options={"api_endpoint": emulator},
            )
        else:
            found = bigquery.Client(project=project, location=location)
    except (GoogleAuthError, OSError) as error:
        raise Unavailable(
            f"no usable Google credentials ({one_line(error)}); "
            "`gcloud auth application-default login` makes some"
        ) from error
    return found


def retry(seconds: float | None = None) -> Retry:
    """The client's own idea of what may be tried again, for at most so many seconds."""
    seconds = RETRY_SECONDS if seconds is None else seconds
    from google.cloud.bigquery import DEFAULT_RETRY

    found: Retry = DEFAULT_RETRY.with_timeout(max(0.1, seconds))
    return found


def words(error: BaseException) -> str:
    """What went wrong, in BigQuery's words, without codes, addresses and job names."""
    cause: Any = getattr(error, "cause", None) or error
    message = getattr(cause, "message", None) or str(cause)
    text = _TAIL.sub("", _REASON.sub("", " ".join(str(message).split())))
    return text[:500] or type(cause).__name__


def place(message: str) -> tuple[int, int] | None:
    """The line and column, counted from 1, that an error message names."""
    match = _PLACE.search(message)
    return (int(match[1]), int(match[2])) if match else None


def one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
