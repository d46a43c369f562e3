"""Configuration: what is read, what overrides it, and how mistakes in it are shown."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from smq import dialects
from smq.problem import Severity
from smq.syntax import Document
from smq.workspace import BigquerySettings, Configuration, MetasyncSettings, PathRules
from smq_schemas import schema
from smq_server.io.configuration import Loaded, environment_name, has_section, parse, settings
from smq_server.io.discovery import find_root
from smq_server.io.toml_positions import locate

_URI = "file:///w/smq.toml"


def load(text: str, uri: str = _URI, **environ: str) -> Loaded:
    return parse(Document(uri, text), "file:///w", environ)


def marked(loaded: Loaded) -> list[tuple[str, str]]:
    """Each problem's code with the text it is about."""
    text = loaded.document.text if loaded.document else ""
    return [(p.code, p.location.span.cut(text)) for p in loaded.problems]


def test_every_key_reaches_the_configuration() -> None:
    loaded = load(
        """
        dialect = "bigquery"
        target_dialects = ["snowflake", "postgres"]
        default_schema = "분석"
        models = ["models", "shared/a.yml"]
        queries = ["queries"]
        exclude = ["drafts/**"]

        [rules]
        select = ["ALL"]
        ignore = ["CFG"]

        [rules.severity]
        unused-silence = "hint"

        [rules.per_path."legacy/**"]
        ignore = ["SIL101"]
        severity = {SIL = "info"}

        [engine]
        type = "postgres"

        [engine.duckdb]
        database = "w.duckdb"
        data = "data"

        [engine.postgres]
        dsn_env = "WAREHOUSE_DSN"

        [engine.bigquery]
        project = "acme"
        location = "EU"
        maximum_bytes_billed = 20000000

        [metasync]
        cache = "gs://bucket/cache.json"
        sources = ["bigquery", "dbt"]
        tables = ["a.*"]
        exclude = ["a.tmp_*"]
        main_table = "acme.a.t"
        ddl = ["schema.sql"]
        ddl_dialect = "oracle"
        dbt_catalog = "catalog.json"
        examples = ["llm"]
        curated = ["examples.json"]
        dry_run = false
        insights = true
        deny_columns = ["*.email"]
        maximum_bytes_billed = 30000000
        concurrency = 4
        deadline_seconds = 60
        snapshot_days = 0
        """
    )
    assert loaded.problems == ()
    found = loaded.configuration
    assert (found.dialect, found.target_dialects) == ("bigquery", ("snowflake", "postgres"))
    assert found.default_schema == "분석"
    assert (found.models, found.queries) == (("models", "shared/a.yml"), ("queries",))
    assert found.exclude == ("drafts/**",)
    assert (found.select, found.ignore) == (("ALL",), ("CFG",))
    assert found.severities == (("unused-silence", Severity.HINT),)
    assert found.per_path == (PathRules("legacy/**", (("SIL", Severity.INFO),), ("SIL101",)),)
    assert found.engine.type == "postgres"
    assert (found.engine.duckdb.database, found.engine.duckdb.data) == ("w.duckdb", "data")
    assert found.engine.postgres.dsn_env == "WAREHOUSE_DSN"
    assert found.engine.bigquery == BigquerySettings("acme", "EU", 20_000_000)
    assert found.metasync == MetasyncSettings(
        cache="gs://bucket/cache.json",
        sources=("bigquery", "dbt"),
        tables=("a.*",),
        exclude=("a.tmp_*",),
        main_table="acme.a.t",
        ddl=("schema.sql",),
        ddl_dialect="oracle",
        dbt_catalog="catalog.json",
        examples=("llm",),
        curated=("examples.json",),
        dry_run=False,
        insights=True,
        deny_columns=("*.email",),
        maximum_bytes_billed=30_000_000,
        concurrency=4,
        deadline_seconds=60,
        snapshot_days=0,
    )


def test_defaults_of_the_code_are_those_of_the_schema() -> None:
    found = Configuration()
    values = {
        ("dialect",): found.dialect,
        ("target_dialects",): list(found.target_dialects),
        ("models",): list(found.models),
        ("queries",): list(found.queries),
        ("exclude",): list(found.exclude),
        ("rules", "ignore"): list(found.ignore),
        ("engine", "type"): found.engine.type,
        ("engine", "duckdb", "database"): found.engine.duckdb.database,
        ("engine", "bigquery", "maximum_bytes_billed"): found.engine.bigquery.maximum_bytes_billed,
    }
    for table, part in (("metasync", found.metasync), ("llm", found.llm)):
        for key, value in asdict(part).items():
            if value is not None:
                values[table, key] = list(value) if isinstance(value, tuple) else value
    assert {path: part["default"] for path, part in settings() if "default" in part} == values


def test_dialects_of_the_schema_are_those_that_exist() -> None:
    for name in schema("config")["$defs"]["dialect"]["enum"]:
        assert dialects.dialect(name)
    assert set(dialects.names()) <= set(schema("config")["$defs"]["dialect"]["enum"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('dialekt = "duckdb"', [("CFG102", "dialekt")]),
        ('[engines]\ntype = "duckdb"', [("CFG102", "engines")]),
        ("[engine.duckdb]\ndatabse = 'x'", [("CFG102", "databse")]),
        ("engine.duckdb.databse = 'x'", [("CFG102", "databse")]),
        ("engine = {duckdb = {databse = 'x'}}", [("CFG102", "databse")]),
        ('models = "a"', [("CFG103", '"a"')]),
        ('models = ["a", 7]', [("CFG103", "7")]),
        ("dialect = true", [("CFG103", "true")]),
        ("rules = 1", [("CFG103", "1")]),
        ('# 한글 주석\ndialect = "mongo" # x', [("CFG104", '"mongo"')]),
        ('[rules.severity]\nCFG101 = "loud"', [("CFG104", '"loud"')]),
        ('[rules]\nignore = [\n  "CFG101", # ok\n  "CFG998",\n]', [("CFG106", '"CFG998"')]),
        ('[rules.per_path."a/**".severity]\nXYZ = "off"', [("CFG106", "XYZ")]),
        ("[engine.postgres]\npassword = 'p'", [("CFG105", "password")]),
        ("[llm]\napi_key = 'k'", [("CFG105", "api_key")]),
        ("[llm]\nbase_url = 'https://me:pass@models.example/v1'", [("CFG105", "base_url")]),
        ("[llm]\nbase_url = 'models.example'", [("CFG104", "'models.example'")]),
        ("[llm]\ntemperature = 3", [("CFG104", "3")]),
        ("[llm]\ntemperature = nan", [("CFG104", "nan")]),
        ("[llm]\nrepairs = 1.5", [("CFG103", "1.5")]),
        ("[engine.postgres]\ndsn = 'postgres://u:p@h/d'", [("CFG105", "dsn")]),
        ("[snowflake]\naccount = 'a'\ntoken = 'b'", [("CFG105", "token")]),
        ("default_schema = 'postgres://me:secret@host/db'", [("CFG105", "default_schema")]),
        ("[metasync]\nconcurrency = 0", [("CFG104", "0")]),
        ("[metasync]\nconcurrency = 65", [("CFG104", "65")]),
        ("[metasync]\nconcurrency = true", [("CFG103", "true")]),
        ("[metasync]\nsources = ['bigqery']", [("CFG104", "'bigqery'")]),
        ("models = []\nmodels = []", [("CFG101", "")]),
    ],
)
def test_mistakes_are_found_at_their_place(text: str, expected: list[tuple[str, str]]) -> None:
    assert marked(load(text)) == expected


def test_places_count_a_byte_order_mark_and_crlf() -> None:
    loaded = load('\ufeffdialect = "duckdb"\r\nmodls = ["a"]\r\n')
    assert marked(loaded) == [("CFG102", "modls")]


def test_broken_toml_is_shown_where_the_reader_stopped() -> None:
    loaded = load('dialect = "duckdb"\nmodels = [\n')
    (problem,) = loaded.problems
    assert problem.code == "CFG101"
    loaded = load('dialect = "duckdb"\n한글 = 1\n')
    (problem,) = loaded.problems
    assert problem.location.span.start == len('dialect = "duckdb"\n')


def test_a_wrong_setting_keeps_its_default_and_the_others_their_values() -> None:
    loaded = load('dialect = "mongo"\ndefault_schema = "s"')
    assert loaded.configuration.dialect == "duckdb"
    assert loaded.configuration.default_schema == "s"


def test_the_secret_itself_is_in_no_problem() -> None:
    loaded = load("[engine.postgres]\npassword = 'hunter2'\ndsn_env = 'pg://u:hunter2@h'")
    assert [problem.code for problem in loaded.problems] == ["CFG105", "CFG105"]
    assert "hunter2" not in repr([problem.args for problem in loaded.problems])


def test_pyproject_section_is_read_and_the_rest_ignored() -> None:
    text = '[project]\nname = "x"\n[tool.smq]\ndialect = "trino"\nmodls = []\n'
    loaded = load(text, "file:///w/pyproject.toml")
    assert loaded.configuration.dialect == "trino"
    assert marked(loaded) == [("CFG102", "modls")]
    assert has_section(text)
    assert not has_section('[tool.ruff]\nselect = ["smq"]')
    assert not has_section("tool = smq")


def test_the_environment_wins_over_the_file() -> None:
    loaded = load(
        'dialect = "trino"\n[engine.duckdb]\ndata = "d"',
        SMQ_DIALECT="oracle",
        SMQ_TARGET_DIALECTS="mysql, sqlite",
        SMQ_ENGINE_DUCKDB_DATABASE="x.duckdb",
        SMQ_DEFAULT_SCHEMA="",
    )
    assert loaded.problems == ()
    found = loaded.configuration
    assert (found.dialect, found.target_dialects) == ("oracle", ("mysql", "sqlite"))
    assert (found.engine.duckdb.database, found.engine.duckdb.data) == ("x.duckdb", "d")
    assert found.default_schema is None


def test_numbers_and_yes_or_no_come_from_the_environment_too() -> None:
    loaded = load("", SMQ_METASYNC_CONCURRENCY="3", SMQ_METASYNC_INSIGHTS="true")
    assert loaded.problems == ()
    assert loaded.configuration.metasync.concurrency == 3
    assert loaded.configuration.metasync.insights
    assert not load("", SMQ_METASYNC_DRY_RUN="0").configuration.metasync.dry_run
    (problem,) = load("", SMQ_METASYNC_CONCURRENCY="many").problems
    assert (problem.code, problem.location.uri) == ("CFG103", "env:SMQ_METASYNC_CONCURRENCY")


def test_a_wrong_variable_is_named() -> None:
    (problem,) = load("", SMQ_DIALECT="mongo").problems
    assert (problem.code, problem.location.uri) == ("CFG104", "env:SMQ_DIALECT")
    (problem,) = load("[rules]\nignore = ['CFG']", SMQ_RULES_IGNORE="CFG9999").problems
    assert (problem.code, problem.location.uri) == ("CFG104", "env:SMQ_RULES_IGNORE")
    (problem,) = load("[rules]\nignore = ['CFG']", SMQ_RULES_IGNORE="CFG999").problems
    assert (problem.code, problem.location.uri) == ("CFG106", "env:SMQ_RULES_IGNORE")


def test_names_of_variables_follow_the_path() -> None:
    assert environment_name(("engine", "duckdb", "data")) == "SMQ_ENGINE_DUCKDB_DATA"


_VALUES = st.recursive(
    st.text(max_size=8) | st.integers() | st.booleans() | st.sampled_from(["duckdb", "off", "CFG"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["dialect", "models", "rules", "severity", "ignore", "CFG101", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@examples(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(["dialect", "models", "rules", "engine", "metasync", "x"]), _VALUES
    )
)
def test_accepts_exactly_what_the_published_schema_accepts(values: dict[str, object]) -> None:
    text = "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())
    valid = jsonschema.Draft202012Validator(schema("config")).is_valid(tomllib.loads(text))
    shape = [p for p in load(text).problems if p.code != "CFG106"]
    assert valid == (shape == [])


_NAMES = st.text("ab-_한 .\"'#", max_size=4)


@examples(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.recursive(st.integers(), lambda inner: st.dictionaries(_NAMES, inner), max_leaves=6))
def test_every_key_of_valid_toml_is_located(value: int | dict[str, object]) -> None:
    text = f"# c\ntop = {_toml(value)}\n"
    places = locate(text)

    def walk(path: tuple[str | int, ...], inner: object) -> None:
        place = places[path]
        key = place.key.cut(text)
        assert tomllib.loads(f"{key} = 1") == {path[-1]: 1}
        assert tomllib.loads(f"x = {place.value.cut(text)}")["x"] == inner
        if isinstance(inner, dict):
            for name, deeper in inner.items():
                walk((*path, name), deeper)

    walk(("top",), value)


def test_tables_and_arrays_of_tables_are_located() -> None:
    text = (
        '[a.b]\nc = """x\n= y"""\nd.e = [1, [2, \'3\'], {f = 4}]\n'
        '[[t]]\nk = 1\n[t.u]\nv = 1979-05-27 07:32:00\n[[t]]\nk = "\\"]"\n'
    )
    places = {path: place.value.cut(text) for path, place in locate(text).items()}
    assert places["a", "b"] == "[a.b]"
    assert places["a", "b", "c"] == '"""x\n= y"""'
    assert places["a", "b", "d", "e", 1, 1] == "'3'"
    assert places["a", "b", "d", "e", 2, "f"] == "4"
    assert places["t", 0, "k"] == "1"
    assert places["t", 0, "u", "v"] == "1979-05-27 07:32:00"
    assert places["t", 1, "k"] == '"\\"]"'


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, str):
        escaped = "".join(
            char if char.isprintable() and char not in '"\\' else f"\\U{ord(char):08x}"
            for char in value
        )
        return f'"{escaped}"'
    return json.dumps(value)


# --- severities -------------------------------------------------------------------------------


def severity(configuration: Configuration, code: str, path: str = "a.yml", **more: object) -> str:
    default = Severity.ERROR if "default" not in more else Severity(int(str(more["default"])))
    uri = f"file:///w/{path}"
    return configuration.severity(code, f"name-of-{code.lower()}", default, uri).name


def test_the_narrowest_selector_decides() -> None:
    found = Configuration(
        severities=(("NAM101", Severity.HINT), ("NAM", Severity.INFO), ("ALL", Severity.WARNING))
    )
    assert severity(found, "NAM101") == "HINT"
    assert severity(found, "NAM102") == "INFO"
    assert severity(found, "MET101") == "WARNING"


def test_select_and_ignore() -> None:
    found = Configuration(select=("NAM", "MET101"), ignore=("NAM1", "MET"))
    assert severity(found, "NAM201") == "ERROR"
    assert severity(found, "NAM101") == "OFF"
    assert severity(found, "MET101") == "ERROR"
    assert severity(found, "MET102") == "OFF"
    assert severity(found, "QRY101") == "OFF"
    assert severity(Configuration(select=("NAM",), ignore=("NAM",)), "NAM101") == "OFF"


def test_a_rule_that_is_off_is_turned_on_by_its_own_name_only() -> None:
    assert severity(Configuration(), "QRY111", default=0) == "OFF"
    assert severity(Configuration(select=("ALL",)), "QRY111", default=0) == "OFF"
    assert severity(Configuration(select=("QRY",)), "QRY111", default=0) == "OFF"
    assert severity(Configuration(select=("QRY111",)), "QRY111", default=0) == "WARNING"
    named = Configuration(severities=(("name-of-qry111", Severity.ERROR),))
    assert severity(named, "QRY111", default=0) == "ERROR"


def test_paths_have_the_last_word() -> None:
    found = Configuration(
        root="file:///w",
        ignore=("MOD",),
        per_path=(
            PathRules("legacy/**", (("NAM", Severity.HINT),), ("MET",)),
            PathRules("legacy/new.yml", (("MET101", Severity.WARNING), ("MOD", Severity.INFO))),
        ),
    )
    assert severity(found, "NAM101", "legacy/a.yml") == "HINT"
    assert severity(found, "NAM101", "other/a.yml") == "ERROR"
    assert severity(found, "MET101", "legacy/a.yml") == "OFF"
    assert severity(found, "MET101", "legacy/new.yml") == "WARNING"
    assert severity(found, "MOD101", "legacy/new.yml") == "INFO"
    assert severity(found, "MOD101", "legacy/a.yml") == "OFF"


def test_paths_are_matched_decoded_and_normalised() -> None:
    import unicodedata

    decomposed = unicodedata.normalize("NFD", "부점")
    found = Configuration(root="file:///w", per_path=(PathRules(f"{decomposed}/*", (), ("NAM",)),))
    assert severity(found, "NAM101", "%EB%B6%80%EC%A0%90/a.yml") == "OFF"


def test_paths_of_people() -> None:
    found = Configuration(root="file:///w")
    assert found.relative_path("file:///w/%EB%B6%80%EC%A0%90%20a/b.yml") == "부점 a/b.yml"
    assert found.relative_path("file:///elsewhere/b%25.yml") == "/elsewhere/b%.yml"
    assert found.relative_path("models.yml") == "models.yml"


# --- discovery --------------------------------------------------------------------------------


def test_the_nearest_smq_toml_wins_over_pyproject_and_repository(tmp_path: Path) -> None:
    inner = tmp_path / "repo" / "project" / "queries"
    inner.mkdir(parents=True)
    (tmp_path / "repo" / ".git").mkdir()
    query = inner / "q.smq.json"
    query.write_text("{}")
    assert find_root(query) == (tmp_path / "repo", None)
    project = tmp_path / "repo" / "project" / "pyproject.toml"
    project.write_text("[tool.other]\n")
    assert find_root(query) == (tmp_path / "repo", None)
    project.write_text("[tool.smq]\n")
    assert find_root(query) == (project.parent, project)
    above = tmp_path / "repo" / "smq.toml"
    above.write_text("")
    assert find_root(query) == (above.parent, above)


def test_a_lone_query_finds_the_models_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    inner = tmp_path / "work" / "queries" / "2024"
    inner.mkdir(parents=True)
    models = tmp_path / "work" / "models"
    models.mkdir()
    (models / "a.yml").write_text("semantic_models: []\n")
    (inner / "other.yml").write_text("services: {}\n")
    monkeypatch.chdir(inner)
    assert find_root(inner / "q.smq.json")[0] == tmp_path / "work"


def test_a_home_directory_is_no_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "stray.yml").write_text("semantic_models: []\n")
    inner = tmp_path / "somewhere"
    inner.mkdir()
    monkeypatch.chdir(inner)
    assert find_root(inner)[0] == inner
    # Also for a program that happens to run there.
    monkeypatch.chdir(tmp_path)
    assert find_root(inner)[0] == inner
    assert find_root(inner / "q.smq.json")[0] == inner
