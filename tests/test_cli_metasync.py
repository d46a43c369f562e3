"""`smq metasync` as a person uses it, and the same over HTTP."""

from __future__ import annotations

import io
import json
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.support.bigquery_double import BigqueryDouble, bigquery, column
from tests.support.cli import Cli
from tests.support.examples import copy_example
from tests.support.gcs_double import GcsDouble, gcs

from smq_metasync.deploy import DeployError, Deployment, files
from smq_metasync.stores import open_store
from smq_schemas import schema
from smq_server.cli.metasync_serve import make_server
from smq_server.cli.metasync_sync import ProgressLine


def printed(text: str) -> Any:
    value = json.loads(text)
    jsonschema.Draft202012Validator(schema("metasync-output")).validate(value)
    return value


def cache(directory: Path) -> Any:
    return json.loads((directory / ".smq" / "metadata_cache.json").read_text(encoding="utf-8"))


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    copy_example("bank", tmp_path)
    return tmp_path


@pytest.mark.parametrize("example", ["bank", "shop"])
def test_the_examples_are_collected_and_shown(cli: Cli, tmp_path: Path, example: str) -> None:
    copy_example(example, tmp_path)
    outcome = cli("metasync", "sync", "--format", "json")
    assert outcome.status == 0
    told = printed(outcome.out)
    assert (told["updated"], told["warnings"], told["stale_tables_count"]) == (True, [], 0)
    assert "wrote " in outcome.err
    document = cache(tmp_path)
    jsonschema.Draft202012Validator(schema("metadata-cache")).validate(document)
    assert told["tables_count"] == len(document["tables"]) >= 5
    # Every query of the workspace that says what it asks is an example, tried on the engine.
    origins = {each["origin"] for each in document["examples"]}
    assert origins == {"builtin", "workspace"}
    assert {each["validated"] for each in document["examples"]} == {"dry_run"}
    outcome = cli("metasync", "show")
    assert outcome.status == 0
    assert f"{told['tables_count']} tables" in outcome.out
    summary = printed(cli("metasync", "show", "--format", "json").out)
    assert summary["metrics"] == len(document["semantic"]["metrics"])
    again = printed(cli("metasync", "sync", "--format", "json").out)
    assert not again["updated"]


def test_semantic_names_say_what_each_metric_can_be_grouped_by(cli: Cli, bank: Path) -> None:
    cli("metasync", "sync")
    names = cache(bank)["semantic"]
    metrics = {each["name"]: each for each in names["metrics"]}
    groupings = [set(each) for each in names["groupings"]]
    metric = metrics["month_end_balance"]
    listed = cli("list", "dimensions", "--for", "month_end_balance", "--format", "json")
    expected = {each["name"] for each in json.loads(listed.out)["items"]}
    assert groupings[metric["grouping"]] == expected
    assert metric["label"]
    models = {each["name"]: each for each in names["models"]}
    assert models["거래내역"]["table"] == "bank.txn_dtl"
    first = models["거래내역"]["dimensions"][0]
    assert (first["name"], first["type"], first["grain"]) == ("txn_dt", "date", "day")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_told_on_a_terminal_only_and_leaves_nothing_behind() -> None:
    terminal, file = _Terminal(), io.StringIO()
    for stream in (terminal, file):
        line = ProgressLine(stream)
        line.show(1, 2000, "proj.shop.orders")
        line.show(2, 2000, "at once, so not shown")
        line.end()
    assert "1 of 2,000 tables  proj.shop.orders" in terminal.getvalue()
    assert "at once" not in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert file.getvalue() == ""


def test_messages_name_files_from_here(cli: Cli, bank: Path) -> None:
    assert cli("metasync", "sync").err.startswith("wrote .smq/metadata_cache.json: 6 tables")
    assert cli("metasync", "show").out.startswith("cache     .smq/metadata_cache.json\n")


def test_one_table_is_shown_with_its_columns(cli: Cli, bank: Path) -> None:
    cli("metasync", "sync")
    outcome = cli("metasync", "show", "bank.brn_base")
    assert outcome.status == 0
    assert "rgn_nm" in outcome.out
    table = printed(cli("metasync", "show", "brn_base", "--format", "json").out)["table"]
    assert table["id"] == "bank.brn_base"
    outcome = cli("metasync", "show", "brn_bsae")
    assert outcome.status == 2
    assert "did you mean bank.brn_base?" in outcome.err


def test_without_a_cache_the_message_says_how_to_make_one(cli: Cli, bank: Path) -> None:
    outcome = cli("metasync", "show")
    assert outcome.status == 2
    assert "`smq metasync sync` makes one" in outcome.err
    assert cli("metasync").status == 2
    assert cli("metasync", "sync", "--help").status == 0


def test_insights_are_looked_at_when_asked_for(cli: Cli, bank: Path) -> None:
    with (bank / "smq.toml").open("a", encoding="utf-8") as file:
        file.write('\n[metasync]\ninsights = true\ndeny_columns = ["*.cust_nm", "cust_base.*"]\n')
    assert cli("metasync", "sync").status == 0
    insights = cache(bank)["insights"]
    assert "bank.cust_base" not in insights
    status = insights["bank.brn_base"]["brn_stcd"]
    assert status["distinct"] == 2
    assert [each["value"] for each in status["top"]] == ["1", "9"]
    assert "top" not in insights["bank.txn_dtl"]["txn_no"]


def test_curated_examples_in_sql_and_in_smq(cli: Cli, bank: Path) -> None:
    lines = [
        {"question": "몇 곳?", "sql": "SELECT COUNT(*) AS n FROM bank.brn_base"},
        {"question": "잔액?", "smq": {"metrics": ["month_end_balance"]}},
        {"question": "틀림", "smq": {"metrics": ["month_end_balanse"]}},
        {"question": "없음", "sql": "SELECT nope FROM bank.brn_base"},
        {"sql": "SELECT 1"},
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (bank / "more.jsonl").write_text(text, encoding="utf-8")
    with (bank / "smq.toml").open("a", encoding="utf-8") as file:
        file.write('\n[metasync]\nexamples = ["curated"]\ncurated = ["more.jsonl", "gone.json"]\n')
    outcome = cli("metasync", "sync")
    assert outcome.status == 0
    examples = cache(bank)["examples"]
    assert [each["question"] for each in examples] == ["몇 곳?", "잔액?"]
    assert examples[1]["smq"] == {"metrics": ["month_end_balance"]}
    assert "'틀림' of more.jsonl, example 3 was left out" in outcome.err
    assert "bank.brn_base has no column nope" in outcome.err
    assert "more.jsonl, example 5: an example has a `question`" in outcome.err
    assert "gone.json cannot be read" in outcome.err


def test_a_diff_names_what_each_change_breaks(cli: Cli, bank: Path) -> None:
    cli("metasync", "sync")
    outcome = cli("metasync", "diff")
    assert (outcome.status, outcome.out) == (0, "")
    assert "no table or column has changed" in outcome.err
    path = bank / "data" / "bank" / "acct_bal_snap.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("bal_amt", "balance", 1), encoding="utf-8")
    types = json.loads((bank / "data" / "types.json").read_text(encoding="utf-8"))
    for table in types.values():
        table.pop("bal_amt", None)
    (bank / "data" / "types.json").write_text(json.dumps(types), encoding="utf-8")
    (bank / "data" / "bank" / "extra.csv").write_text("x\n1\n", encoding="utf-8")
    outcome = cli("metasync", "diff")
    assert outcome.status == 1
    assert "- bank.acct_bal_snap.bal_amt  BIGINT\n" in outcome.out
    assert "    breaks model 계좌잔액\n" in outcome.out
    assert "month_end_balance" in outcome.out
    assert "+ bank.acct_bal_snap.balance  BIGINT\n" in outcome.out
    assert "+ bank.extra\n" in outcome.out
    found = printed(cli("metasync", "diff", "--format", "json").out)["changes"]
    dropped = next(each for each in found if each["kind"] == "dropped_column")
    assert dropped["breaking"]
    assert any(each["path"].startswith("queries/") for each in dropped["queries"])
    # Of two caches.
    old = bank / "old.json"
    old.write_bytes((bank / ".smq" / "metadata_cache.json").read_bytes())
    cli("metasync", "sync")
    outcome = cli("metasync", "diff", "old.json", ".smq")
    assert "- bank.acct_bal_snap.bal_amt" in outcome.out


def test_the_doctor_finds_what_is_missing(cli: Cli, bank: Path) -> None:
    outcome = cli("metasync", "doctor")
    assert outcome.status == 0
    with (bank / "smq.toml").open("a", encoding="utf-8") as file:
        file.write(
            '\n[metasync]\nsources = ["engine", "dbt"]\ncurated = ["gone.json"]\n'
            'insights = true\ntables = ["nowhere.*"]\n'
        )
    outcome = cli("metasync", "doctor", "--format", "json")
    assert outcome.status == 1
    checks = {each["name"]: each for each in printed(outcome.out)["checks"]}
    assert checks["duckdb"]["state"] == "failed"
    assert "metasync.tables" in checks["duckdb"]["cure"]
    assert "dbt docs generate" in checks["dbt"]["detail"]
    assert checks["examples"]["detail"] == "there is no file gone.json"
    assert checks["insights"]["state"] == "warning"


# In the cloud.


@pytest.fixture
def cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[BigqueryDouble, GcsDouble]]:
    monkeypatch.chdir(tmp_path)
    with bigquery(monkeypatch) as warehouse, gcs(monkeypatch, "nlq-cache") as bucket:
        monkeypatch.setenv("TARGET_TABLE_ID", "proj.ga4.events_20210131")
        monkeypatch.setenv("GCS_BUCKET", "nlq-cache")
        fields = [column("event_date"), column("event_name"), column("n", "INTEGER")]
        for day in ("20210130", "20210131"):
            warehouse.table(f"ga4.events_{day}", fields, [(day, "view", 1)])
        yield warehouse, bucket


def test_the_doctor_names_the_missing_role(
    cli: Cli, cloud: tuple[BigqueryDouble, GcsDouble]
) -> None:
    warehouse, bucket = cloud
    assert cli("metasync", "doctor").status == 0
    warehouse.server.fault("status", "/tables", status=403, reason="accessDenied", times=9)
    bucket.held = ("storage.objects.get",)
    outcome = cli("metasync", "doctor")
    assert outcome.status == 1
    assert "grant roles/bigquery.metadataViewer" in outcome.out
    assert "not allowed on the bucket: storage.objects.create" in outcome.out
    assert "grant roles/storage.objectUser on the bucket" in outcome.out


def function() -> Any:
    """The deployed entry point, behind the real framework."""
    import functions_framework

    text = files(Deployment("proj", "nlq-cache", "asia-northeast3"))["main.py"]
    Path("main.py").write_text(text, encoding="utf-8")
    return functions_framework.create_app("update_metadata_cache", "main.py").test_client()


def test_the_function_answers_as_the_earlier_one_did_and_more(
    cloud: tuple[BigqueryDouble, GcsDouble],
) -> None:
    _, bucket = cloud
    client = function()
    answer = client.post("/", json={})
    assert answer.status_code == 200
    body = answer.get_json()
    assert (body["status"], body["updated"]) == ("success", True)
    assert (body["columns_count"], body["tables_count"]) == (3, 1)
    assert (body["table_id"], body["events_tables_count"]) == ("proj.ga4.events_20210131", 2)
    assert body["examples_count"] >= 1
    assert isinstance(body["execution_time"], float)
    assert {"message", "timestamp", "method", "has_schema_insights", "warnings"} <= set(body)
    stored = bucket.data("nlq-cache", "metadata_cache.json")
    assert stored is not None
    assert json.loads(stored)["schema"]["table_id"] == "proj.ga4.events_20210131"
    names = [name for name in bucket.buckets["nlq-cache"] if name.startswith("snapshots/")]
    assert len(names) == 1
    assert not client.post("/").get_json()["updated"]


def test_a_failure_of_the_function_leaves_the_old_cache(
    cloud: tuple[BigqueryDouble, GcsDouble],
) -> None:
    warehouse, bucket = cloud
    client = function()
    client.post("/")
    before = bucket.data("nlq-cache", "metadata_cache.json")
    warehouse.server.fault("status", "/tables", status=403, reason="accessDenied", times=99)
    answer = client.post("/")
    assert answer.status_code == 500
    body = answer.get_json()
    assert (body["status"], body["updated"]) == ("error", False)
    assert "not allowed" in body["message"]
    assert bucket.data("nlq-cache", "metadata_cache.json") == before


def test_a_wrong_configuration_is_a_500_with_a_sentence(
    cloud: tuple[BigqueryDouble, GcsDouble],
) -> None:
    Path("smq.toml").write_text("[metasync]\nconcurrency = 0\n")
    answer = function().post("/")
    assert answer.status_code == 500
    assert answer.get_json()["message"] == "the configuration is not valid"


# Files for a deployment.


def test_deployment_files_are_shell_and_terraform(
    cli: Cli, cloud: tuple[BigqueryDouble, GcsDouble], tmp_path: Path
) -> None:
    outcome = cli("metasync", "deploy", "-o", "out")
    assert outcome.status == 0, outcome.err
    script = tmp_path / "out" / "deploy.sh"
    done = subprocess.run(["bash", "-n", str(script)], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    text = script.read_text()
    for part in (
        "--no-allow-unauthenticated",
        "--schedule='0 17 * * *' --time-zone=Etc/UTC",
        "--oidc-service-account-email",
        "roles/storage.objectUser",
        "roles/bigquery.metadataViewer",
        "--role=roles/run.invoker",
    ):
        assert part in text
    terraform = (tmp_path / "out" / "main.tf").read_text()
    assert terraform.count("{") == terraform.count("}")
    assert 'schedule         = "0 17 * * *"' in terraform
    assert "oidc_token {" in terraform
    assert "allUsers" not in terraform.replace("no binding for allUsers", "")
    for role in ("owner", "editor", "objectAdmin"):
        assert role not in text + terraform


def test_a_collection_without_queries_needs_fewer_rights() -> None:
    found = files(Deployment("proj", "bucket", "us-east1", runs_queries=False))
    together = found["deploy.sh"] + found["main.tf"]
    assert "jobUser" not in together
    assert "bigquery.dataViewer" not in together


def test_a_model_s_key_is_a_secret_that_only_the_collector_reads(tmp_path: Path) -> None:
    plain = files(Deployment("proj", "bucket", "us-east1"))
    assert "secret" not in plain["deploy.sh"] + plain["main.tf"]
    found = files(Deployment("proj", "bucket", "us-east1", asks_model=True))
    assert found["requirements.txt"] == "smq[metasync,llm]\n"
    assert "--set-secrets=SMQ_LLM_API_KEY=smq-llm-api-key:latest" in found["deploy.sh"]
    assert "roles/secretmanager.secretAccessor" in found["deploy.sh"]
    assert "secret_environment_variables {" in found["main.tf"]
    assert found["main.tf"].count("{") == found["main.tf"].count("}")
    script = tmp_path / "deploy.sh"
    script.write_text(found["deploy.sh"])
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0


def test_nothing_that_is_not_a_name_gets_into_the_files() -> None:
    for wrong in (("proj; rm -rf /", "bucket", "us-east1"), ("proj", 'b"${x}', "us-east1")):
        with pytest.raises(DeployError):
            Deployment(*wrong)
    with pytest.raises(DeployError):
        Deployment("proj", "bucket", "us-east1", schedule="$(date)xxxxxxx")


def test_what_cannot_be_deployed_is_told(cli: Cli, bank: Path) -> None:
    outcome = cli("metasync", "deploy")
    assert (outcome.status, "--print" in outcome.err) == (2, True)
    outcome = cli("metasync", "deploy", "--print")
    assert (outcome.status, "set metasync.cache" in outcome.err) == (2, True)


# Serving.


def test_programs_are_answered_over_http(cli: Cli, bank: Path) -> None:
    store = open_store(".smq", bank)
    server = make_server(store, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    base = f"http://127.0.0.1:{server.server_address[1]}"

    def get(path: str, method: str = "GET", **headers: str) -> tuple[int, Any, dict[str, str]]:
        request = urllib.request.Request(base + path, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read() or b"null"), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null"), dict(error.headers)

    try:
        assert get("/cache")[0] == 404
        assert get("/health")[:1] == (503,)
        cli("metasync", "sync")
        status, document, headers = get("/cache")
        assert (status, document["version"]) == (200, 1)
        assert get("/cache", **{"If-None-Match": headers["ETag"]})[0] == 304
        status, body, _ = get("/api/metasync/cache/status")
        assert (status, body["exists"], body["is_valid"], body["table_count"]) == (
            200,
            True,
            True,
            6,
        )
        assert get("/health")[1]["status"] == "healthy"
        assert "bank.brn_base" in get("/tables")[1]["tables"]
        assert get("/tables/brn_base")[1]["table"]["id"] == "bank.brn_base"
        assert get("/tables/nowhere")[0] == 404
        assert get("/nowhere")[0] == 404
        assert get("/cache", "POST")[0] == 405
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
