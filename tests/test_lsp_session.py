"""The session under a client that does whatever clients do, and a disk that does what disks do."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.support.cli import BANK, bank
from tests.support.session import Client, Shown

from smq.ide import index, symbols
from smq.problem import Problem
from smq.rules import diagnoses as diagnosing
from smq.workspace import Snapshot


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    found = tmp_path / "w"
    found.mkdir()
    bank(found, q='{"metrics": ["revenue"]}', wrong='{"metrics": ["nothing"]}')
    return found


def codes(shown: Shown, path: Path) -> list[str]:
    return [str(item["code"]) for item in shown.get(path.as_uri(), [])]


def test_files_that_are_not_open_are_shown_and_taken_back(directory: Path) -> None:
    client = Client(directory)
    assert codes(client.settle(), directory / "wrong.smq.json") == ["NAM101"]
    (directory / "wrong.smq.json").unlink()
    client.session.files_changed([(directory / "wrong.smq.json").as_uri()])
    assert client.settle() == {}


def test_the_disk_is_looked_at_without_a_watching_client(directory: Path) -> None:
    client = Client(directory)
    client.settle()
    path = directory / "q.smq.json"
    path.write_text('{"metrics": ["nowhere_at_all"]}')
    (directory / "new.smq.json").write_text("{")
    (directory / "wrong.smq.json").unlink()
    client.session.saved((directory / "models" / "bank.yml").as_uri(), None)
    shown = client.settle()
    assert codes(shown, path) == ["NAM101"]
    assert codes(shown, directory / "new.smq.json")
    assert not codes(shown, directory / "wrong.smq.json")


def test_closing_brings_back_what_the_disk_says(directory: Path) -> None:
    client = Client(directory)
    path = directory / "q.smq.json"
    uri = client.open(path, '{"metrics": ["not saved"]}')
    assert codes(client.settle(), path)
    client.close(uri)
    assert codes(client.settle(), path) == []


def test_a_file_that_never_was_on_disk_is_forgotten(directory: Path) -> None:
    client = Client(directory)
    path = directory / "scratch.smq.json"
    uri = client.open(path, "{")
    assert codes(client.settle(), path)
    client.close(uri)
    assert codes(client.settle(), path) == []


def test_nothing_is_sent_twice(directory: Path) -> None:
    client = Client(directory)
    path = directory / "wrong.smq.json"
    uri = client.open(path, path.read_text(), 3)
    client.settle()
    before = len(client.published)
    client.session.files_changed([(directory / "models" / "bank.yml").as_uri()])
    client.settle()
    assert len(client.published) == before
    client.set(uri, 4, path.read_text())
    client.settle()
    assert client.published[before:] == [(uri, 4)]


def test_configuration_is_watched_and_its_own_mistakes_are_shown(directory: Path) -> None:
    client = Client(directory)
    toml = directory / "smq.toml"
    assert codes(client.settle(), directory / "wrong.smq.json") == ["NAM101"]
    toml.write_text('[rules]\nignore = ["NAM"]\n')
    client.session.files_changed([toml.as_uri()])
    assert codes(client.settle(), directory / "wrong.smq.json") == []
    toml.write_text('dialekt = "duckdb"\n')
    client.session.saved(toml.as_uri(), None)
    shown = client.settle()
    assert codes(shown, toml) == ["CFG102"]
    assert codes(shown, directory / "wrong.smq.json") == ["NAM101"]
    # Typed in the editor, before it is saved.
    uri = client.open(toml, 'dialect = "duckdb"\n')
    assert codes(client.settle(), toml) == []
    client.set(uri, 2, "dialect =")
    assert codes(client.settle(), toml) == ["CFG101"]


def test_excluding_files_takes_their_findings_back(directory: Path) -> None:
    client = Client(directory)
    client.settle()
    (directory / "smq.toml").write_text('exclude = ["wrong.smq.json"]\n')
    client.session.files_changed([(directory / "smq.toml").as_uri()])
    assert codes(client.settle(), directory / "wrong.smq.json") == []


def test_comments_silence_as_they_are_typed(directory: Path) -> None:
    client = Client(directory)
    path = directory / "wrong.smq.json"
    uri = client.open(path, '{"metrics": ["nothing"]} // smq: ignore[NAM101]')
    assert codes(client.settle(), path) == []
    client.set(uri, 2, '{"metrics": ["revenue"]} // smq: ignore[NAM101]')
    assert codes(client.settle(), path) == ["SIL101"]


def test_two_workspaces_do_not_mix(directory: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    bank(other)
    text = BANK.read_text(encoding="utf-8").replace("name: revenue", "name: turnover")
    (other / "models" / "bank.yml").write_text(text, encoding="utf-8")
    (other / "q.smq.json").write_text('{"metrics": ["revenue"]}')
    client = Client(directory, other)
    shown = client.settle()
    assert codes(shown, directory / "q.smq.json") == []
    assert codes(shown, other / "q.smq.json") == ["NAM101"]
    client.session.folders_changed([], [other.as_uri()])
    assert codes(client.settle(), other / "q.smq.json") == []
    client.session.folders_changed([other.as_uri()], [])
    assert codes(client.settle(), other / "q.smq.json") == ["NAM101"]


def test_a_file_outside_every_folder_finds_its_own_workspace(
    directory: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    client = Client(empty)
    path = directory / "q.smq.json"
    client.open(path, '{"metrics": ["revenue", "nothing"]}')
    assert codes(client.settle(), path) == ["NAM101"]


def test_what_an_open_query_shows_of_an_open_model_is_told_from_the_start(
    directory: Path,
) -> None:
    model, query = directory / "models" / "bank.yml", directory / "q.smq.json"
    text = model.read_text(encoding="utf-8").replace("table:", "t- ble:")
    client = Client(directory)
    client.open(model, text)
    client.open(query, '{"metrics": ["revenue"]}')
    assert "MOD290" in codes(client.settle(), model)


def test_the_same_path_in_other_spellings(directory: Path) -> None:
    path = directory / "한글 이름.smq.json"
    client = Client(directory)
    spelled = "file://" + str(path)
    client.session.open(spelled, "{", 1)
    shown = client.settle()
    assert shown[spelled]
    assert path.as_uri() not in shown
    client.session.close(path.as_uri())
    assert spelled not in client.settle()


def test_a_scratch_query_is_checked_and_scratch_models_disturb_nobody(directory: Path) -> None:
    client = Client(directory)
    client.settle()
    client.session.open("untitled:Untitled-1.smq.json", '{"metrics": ["nothing"]}', 1)
    client.session.open("git:/bank.yml", BANK.read_text(encoding="utf-8"), 1)
    shown = client.settle()
    assert [item["code"] for item in shown["untitled:Untitled-1.smq.json"]] == ["NAM101"]
    assert not codes(shown, directory / "models" / "bank.yml")
    client.session.close("untitled:Untitled-1.smq.json")
    client.session.close("git:/bank.yml")
    assert "untitled:Untitled-1.smq.json" not in client.settle()


def test_pulled_documents_are_not_pushed_as_well_unless_the_client_stops(directory: Path) -> None:
    client = Client(directory)
    path = directory / "wrong.smq.json"
    uri = client.open(path, path.read_text(), 1)
    client.settle()
    first = client.session.state.pull(uri, None)
    assert first["kind"] == "full"
    assert [item["code"] for item in first["items"]] == ["NAM101"]
    assert client.shown[uri] == []
    again = client.session.state.pull(uri, first["resultId"])
    assert again == {"kind": "unchanged", "resultId": first["resultId"]}
    client.set(uri, 2, '{"metrics": ["other_name"]}')
    assert client.shown[uri] == []
    changed = client.session.state.pull(uri, first["resultId"])
    assert changed["kind"] == "full"
    client.set(uri, 3, '{"metrics": ["third_name"]}')
    # Nobody asks any more.
    assert [item["code"] for item in client.settle()[uri]] == ["NAM101"]


def test_a_defect_in_one_rule_costs_one_file_its_findings(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = diagnosing.file_problems

    def broken(snapshot: Snapshot, uri: str) -> list[Problem]:
        if uri.endswith("/q.smq.json"):
            raise ZeroDivisionError("planted")
        return list(original(snapshot, uri))

    monkeypatch.setattr(diagnosing, "file_problems", broken)
    client = Client(directory)
    client.session.scheduler.drain()
    assert [str(error) for error in client.defects] == ["planted"]
    client.defects.clear()
    assert codes(client.settle(), directory / "wrong.smq.json") == ["NAM101"]


def test_a_deleted_folder(directory: Path) -> None:
    client = Client(directory)
    path = directory / "wrong.smq.json"
    uri = client.open(path, path.read_text(), 1)
    client.settle()
    shutil.rmtree(directory)
    client.session.saved(uri, None)
    shown = client.settle()
    # What is open is still there, only without its models.
    assert codes(shown, path) == ["NAM101"]
    client.set(uri, 2, "{")
    assert codes(client.settle(), path)
    client.close(uri)
    assert client.settle() == {}


def test_a_file_that_turns_into_a_directory(directory: Path) -> None:
    client = Client(directory)
    client.settle()
    path = directory / "q.smq.json"
    path.unlink()
    path.mkdir()
    client.session.files_changed([path.as_uri()])
    assert codes(client.settle(), path) == ["FIL101"]
    path.rmdir()
    path.write_text('{"metrics": ["revenue"]}')
    client.session.files_changed([path.as_uri()])
    assert codes(client.settle(), path) == []


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"\xff\xfe{\x00", "FIL102"), (b"{\x00}", "FIL102"), ("이름".encode("cp949"), "FIL102")],
)
def test_bytes_that_are_no_text(directory: Path, content: bytes, code: str) -> None:
    path = directory / "q.smq.json"
    path.write_bytes(content)
    client = Client(directory)
    assert codes(client.settle(), path) == [code]
    # In the editor it is text.
    uri = client.open(path, '{"metrics": ["revenue"]}')
    assert codes(client.settle(), path) == []
    client.close(uri)
    assert codes(client.settle(), path) == [code]


def test_a_link_that_leads_nowhere_or_to_itself(directory: Path) -> None:
    (directory / "nowhere.smq.json").symlink_to(directory / "missing")
    (directory / "itself.smq.json").symlink_to(directory / "itself.smq.json")
    client = Client(directory)
    shown = client.settle()
    assert codes(shown, directory / "nowhere.smq.json") == ["FIL101"]
    assert codes(shown, directory / "itself.smq.json") == ["FIL101"]


def test_settings_are_checked_and_told_once(directory: Path) -> None:
    client = Client(directory)
    client.settle()
    client.session.apply_settings({"smq": {"trusted": "yes", "dialect": 3, "unknown": 1}})
    assert client.session.settings.trusted is True
    assert sum("smq.trusted" in line for line in client.logged) == 1
    client.session.apply_settings({"diagnostics": {"scope": "open"}})
    assert client.settle() == {}
    client.session.apply_settings({"diagnostics.scope": "workspace", "trusted": False})
    assert codes(client.settle(), directory / "wrong.smq.json") == ["NAM101"]
    assert client.session.settings.trusted is False


def test_codes_lead_to_the_pages_of_the_rules(directory: Path) -> None:
    client = Client(directory, diagnostics={"rulesUrl": "https://example.org/{code}.html"})
    (item,) = client.settle()[(directory / "wrong.smq.json").as_uri()]
    assert item["codeDescription"] == {"href": "https://example.org/NAM101.html"}
    assert item["data"]["rule"] == "unknown-metric"


def test_other_peoples_yaml_is_left_alone(directory: Path) -> None:
    (directory / "docker-compose.yml").write_text("services:\n  - [\n")
    client = Client(directory)
    assert not codes(client.settle(), directory / "docker-compose.yml")
    client.open(directory / "docker-compose.yml", "services:\n  - [\n")
    assert not codes(client.settle(), directory / "docker-compose.yml")


def test_wrong_options_of_initialize_are_told_as_wrong_settings_are(directory: Path) -> None:
    client = Client(directory, codeLens={"enabled": "yes"})
    client.settle()
    assert client.logged == ["Setting smq.codeLens.enabled: 'yes' is not true or false."]
    assert client.session.settings.code_lens


def test_environment_settings_hold_here_as_on_the_command_line(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMQ_DIALECT", "bigquery")
    client = Client(directory)
    client.settle()
    uri = (directory / "q.smq.json").as_uri()
    assert client.session.state.root_for(uri).snapshot.configuration.dialect == "bigquery"
    assert os.environ["SMQ_DIALECT"] == "bigquery"


def test_the_first_search_finds_its_work_done(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(directory)
    client.settle()
    snapshot = client.session.snapshots()[0]
    model = (directory / "models" / "bank.yml").as_uri()

    def read(*_: object) -> None:
        raise AssertionError("a file is read for a search")

    monkeypatch.setattr(symbols, "_Named", read)
    monkeypatch.setattr(index, "_WORD", type("Word", (), {"findall": read}))
    assert symbols.workspace_symbols(snapshot, "revenue")
    assert model in set(index.files_that_may_name(snapshot, "revenue"))


def test_a_related_place_follows_lines_that_move_without_their_offsets(directory: Path) -> None:
    """The second of two metrics points at the first, in a file whose lines are others now."""
    twice = "# # a line\nmetrics:\n  - {name: twice, type: integer, expr: COUNT(*)}\n"
    (directory / "models" / "zz.yml").write_text(twice)
    client = Client(directory)
    uri = client.open(directory / "models" / "aa.yml", twice)
    later = (directory / "models" / "zz.yml").as_uri()

    def line() -> int:
        (item,) = (each for each in client.settle()[later] if each["code"] == "MET203")
        return int(item["relatedInformation"][0]["location"]["range"]["start"]["line"])

    assert line() == 2
    client.type(uri, 2, (1, 2), "\n")
    assert line() == 3


def test_what_was_looked_at_on_the_way_is_looked_at_again_where_the_way_leads_back(
    directory: Path,
) -> None:
    """All at once: a source goes, a file that uses it is opened, and the source is back."""
    path = directory / "models" / "bank.yml"
    user = "semantic_models:\n  - name: users\n    table: bank('brn_base')\n"
    (directory / "models" / "users.yml").write_text(user)
    client = Client(directory)
    text = path.read_text(encoding="utf-8")
    uri = client.open(path, text)
    before = client.settle()
    client.set(uri, 2, text.replace("  - name: bank\n", "  - name: bonk\n", 1))
    client.close(client.open(directory / "models" / "users.yml", user))
    client.set(uri, 3, text)
    assert client.settle() == before
