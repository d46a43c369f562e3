"""What a workspace is configured to be: plain values, whoever read them from wherever."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from smq.problem import Severity
from smq.workspace.patterns import matches

Severities = tuple[tuple[str, Severity], ...]

# A name or a whole code says exactly one rule; no prefix can be more specific.
_EXACT = 100

_QUOTED = re.compile("(?:%[0-9A-Fa-f]{2})+")


@dataclass(frozen=True, slots=True)
class PathRules:
    """Other severities for the files that a pattern matches."""

    pattern: str
    severities: Severities = ()
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DuckdbSettings:
    """The embedded engine: a database file or memory, and a directory of CSV or Parquet."""

    database: str = ":memory:"
    data: str | None = None


@dataclass(frozen=True, slots=True)
class PostgresSettings:
    """`dsn_env` names the environment variable that holds the connection; None leaves it to
    PostgreSQL's own variables and files."""

    dsn_env: str | None = None


@dataclass(frozen=True, slots=True)
class BigquerySettings:
    """`project` pays for queries, None leaves it to the environment; the cap is in bytes."""

    project: str | None = None
    location: str | None = None
    maximum_bytes_billed: int = 10 * 1024**3


@dataclass(frozen=True, slots=True)
class EngineSettings:
    type: str = "duckdb"
    duckdb: DuckdbSettings = DuckdbSettings()
    postgres: PostgresSettings = PostgresSettings()
    bigquery: BigquerySettings = BigquerySettings()


@dataclass(frozen=True, slots=True)
class MetasyncSettings:
    """What is collected about the warehouse, and where the cache of it is.

    `cache` and `main_table` are None when the file does not say; the environment may then.
    Patterns of tables and columns have `*` for any characters.
    """

    cache: str | None = None
    sources: tuple[str, ...] = ("engine",)
    tables: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    main_table: str | None = None
    ddl: tuple[str, ...] = ()
    ddl_dialect: str | None = None
    dbt_catalog: str = "target/catalog.json"
    examples: tuple[str, ...] = ("builtin", "workspace", "curated")
    curated: tuple[str, ...] = ()
    dry_run: bool = True
    insights: bool = False
    deny_columns: tuple[str, ...] = ()
    maximum_bytes_billed: int = 1024**3
    concurrency: int = 8
    deadline_seconds: int = 480
    snapshot_days: int = 30


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """Which language model writes queries, and how much it may cost to ask it.

    Times are in seconds. There is no key here: it is in the environment.
    """

    base_url: str | None = None
    model: str | None = None
    api: str = "auto"
    strategy: str = "direct"
    temperature: float = 0.0
    timeout: float = 60.0
    deadline: float = 180.0
    max_calls: int = 30
    max_tokens: int = 100_000
    answer_tokens: int = 4000
    prompt_tokens: int = 8000
    repairs: int = 2
    retries: int = 2
    examples: bool = False


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that `smq.toml` can say, defaults filled in.

    Selectors in `severities`, `select` and `ignore` are a rule's code or name, the beginning of
    a code (`NAM`, `NAM1`), or `ALL`. Paths are relative to `root`, which is the URI of the
    workspace's directory without a slash at the end.
    """

    root: str = ""
    dialect: str = "duckdb"
    target_dialects: tuple[str, ...] = ()
    default_schema: str | None = None
    models: tuple[str, ...] = (".",)
    queries: tuple[str, ...] = (".",)
    exclude: tuple[str, ...] = ()
    severities: Severities = ()
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    per_path: tuple[PathRules, ...] = ()
    engine: EngineSettings = EngineSettings()
    metasync: MetasyncSettings = MetasyncSettings()
    llm: LlmSettings = LlmSettings()

    def severity(self, code: str, name: str, default: Severity, uri: str) -> Severity:
        """How much a finding of a rule in that file matters here; OFF when it is not wanted."""
        path = self.relative_path(uri) if self.per_path else ""
        return _severity(self, code, name, default, path)

    def relative_path(self, uri: str) -> str:
        """The file's path below the root, for patterns and for people; else its whole path."""
        if self.root and uri.startswith(self.root + "/"):
            return _unquoted(uri[len(self.root) + 1 :])
        _, has_scheme, rest = uri.partition("://")
        return _unquoted(rest[rest.find("/") :]) if has_scheme else uri


def _unquoted(path: str) -> str:
    """A URI's path as people write it, with its percent signs decoded."""
    return _QUOTED.sub(
        lambda match: bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace"), path
    )


def specificity(selector: str, code: str, name: str) -> int | None:
    """How narrowly a selector names a rule; None when it does not."""
    if selector.upper() == "ALL":
        return 0
    if selector == name or selector.upper() == code:
        return _EXACT
    upper = selector.upper()
    if upper and code.startswith(upper) and upper[0].isalpha():
        return len(upper)
    return None


@lru_cache(maxsize=65536)
def _severity(
    configuration: Configuration, code: str, name: str, default: Severity, path: str
) -> Severity:
    level = _chosen(configuration.severities, code, name)
    selected = (
        0 if configuration.select is None else _most_specific(configuration.select, code, name)
    )
    if selected is None:
        return Severity.OFF
    if level is None:
        # Asking for one rule by its name turns on what is off by default.
        level = Severity.WARNING if default is Severity.OFF and selected == _EXACT else default
    ignored = _most_specific(configuration.ignore, code, name)
    if ignored is not None and ignored >= selected:
        level = Severity.OFF
    for entry in configuration.per_path:
        if matches(entry.pattern, path):
            here = _chosen(entry.severities, code, name)
            if here is not None:
                level = here
            elif _most_specific(entry.ignore, code, name) is not None:
                level = Severity.OFF
    return level


def _chosen(severities: Severities, code: str, name: str) -> Severity | None:
    best: tuple[int, Severity] | None = None
    for selector, severity in severities:
        narrow = specificity(selector, code, name)
        if narrow is not None and (best is None or narrow >= best[0]):
            best = narrow, severity
    return best[1] if best else None


def _most_specific(selectors: tuple[str, ...], code: str, name: str) -> int | None:
    found = [specificity(selector, code, name) for selector in selectors]
    return max((narrow for narrow in found if narrow is not None), default=None)
