"""The VS Code extension: what it says of the server is true, and it works in a window."""

from __future__ import annotations

import json
import os
import re
import warnings
import zipfile
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from tests.editors import workbench

from smq_schemas import schema
from smq_server.lsp.settings import _KEYS, Settings, read

EXTENSION = Path(__file__).parents[1] / "editors" / "vscode"


def _manifest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    return found


def test_the_schema_of_client_settings_has_what_the_server_reads_with_its_defaults() -> None:
    described = schema("client-settings")["properties"]
    assert set(described) == set(_KEYS)
    defaults = {field.name: field.default for field in fields(Settings)}
    assert MISSING not in defaults.values()
    assert {key: one["default"] for key, one in described.items()} == {
        key: defaults[name] for key, name in _KEYS.items()
    }


def test_the_server_takes_every_value_that_the_schema_allows() -> None:
    for key, one in schema("client-settings")["properties"].items():
        for value in one.get("enum", [one["default"]]):
            assert read({key: value}, Settings())[1] == (), key


def test_people_see_the_settings_that_the_schema_describes() -> None:
    shown: dict[str, Any] = {}
    for group in _manifest()["contributes"]["configuration"]:
        shown |= group["properties"]
    for key, one in schema("client-settings")["properties"].items():
        if key == "trusted":
            assert "smq.trusted" not in shown
            continue
        setting = shown[f"smq.{key}"]
        assert setting["default"] == one["default"]
        assert setting["markdownDescription"] == one["description"]
        if key != "dialect":
            assert setting.get("enum") == one.get("enum")
    for key, setting in shown.items():
        words = setting.get("description") or setting.get("markdownDescription")
        assert words and words.endswith("."), key


def test_every_command_that_is_offered_somewhere_exists() -> None:
    contributes = _manifest()["contributes"]
    commands = {command["command"] for command in contributes["commands"]}
    source = "".join(path.read_text(encoding="utf-8") for path in (EXTENSION / "src").rglob("*.ts"))
    for command in commands:
        assert f"command('{command}'" in source, command
    offered = {item["command"] for items in contributes["menus"].values() for item in items}
    offered |= {binding["command"] for binding in contributes["keybindings"]}
    text = json.dumps(contributes["walkthroughs"]) + json.dumps(contributes["viewsWelcome"])
    offered |= set(re.findall(r"command:([\w.]+)", text))
    assert offered <= commands


def _source() -> str:
    """The extension's own TypeScript, all files in one."""
    paths = sorted((EXTENSION / "src").rglob("*.ts"))
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def test_no_command_is_registered_that_the_manifest_hides_by_mistake() -> None:
    listed = {command["command"] for command in _manifest()["contributes"]["commands"]}
    registered = set(re.findall(r"command\('(smq\.\w+)'", _source()))
    # These are called with arguments: by lenses and actions of the server, messages and rows.
    inner = {
        "smq.compile",
        "smq.diff",
        "smq.moreOfTree",
        "smq.openServerSetting",
        "smq.showPrompt",
        "smq.showReferences",
    }
    assert registered - listed == inner


def test_every_setting_is_read() -> None:
    read_by_server = {f"smq.{key}" for key in schema("client-settings")["properties"]}
    source = _source()
    for group in _manifest()["contributes"]["configuration"]:
        for key in group["properties"]:
            # The trace is read by the library, under the name of the client.
            if key in read_by_server or key == "smq.trace.server":
                continue
            assert re.search(rf"get<[^>]+>\('{re.escape(key.removeprefix('smq.'))}'", source), key
    told = re.search(r"const keys = \[(.*)\];", source)
    assert told
    sent = {f"smq.{key}" for key in re.findall(r"'([\w.]+)'", told[1])}
    assert sent == read_by_server - {"smq.trusted"}


def test_every_context_of_a_condition_is_set_and_every_one_that_is_set_is_used() -> None:
    text = json.dumps(_manifest()["contributes"])
    conditions = re.findall(r'"(?:when|onContext)[":]+\s*"?([^"]+)"', text)
    asked = {key for one in conditions for key in re.findall(r"smq\.\w+(?=\W|$)", one)}
    views = {view["id"] for group in _manifest()["contributes"]["views"].values() for view in group}
    assert asked - views == set(re.findall(r"'setContext', '(smq\.\w+)'", _source()))


def test_every_view_and_every_colour_is_there() -> None:
    contributes, source = _manifest()["contributes"], _source()
    for group, views in contributes["views"].items():
        assert group in {
            one["id"] for bar in contributes["viewsContainers"].values() for one in bar
        }
        for view in views:
            shown = rf"(?:createTreeView|registerWebviewViewProvider)\((?:'{view['id']}'|(\w+)\.id)"
            named = f"static readonly id = '{view['id']}'"
            assert re.search(shown, source) and (
                f"View('{view['id']}'" in source or named in source
            )
    for colour in contributes["colors"]:
        assert f"ThemeColor('{colour['id']}')" in source, colour["id"]


def test_menus_speak_of_schemes_items_and_languages_that_exist() -> None:
    contributes, source = _manifest()["contributes"], _source()
    languages = {language["id"] for language in contributes["languages"]} | {"yaml"}
    text = json.dumps([contributes["menus"], contributes["keybindings"]])
    assert set(re.findall(r"editorLangId == ([\w-]+)", text)) <= languages
    for scheme in set(re.findall(r"resourceScheme == ([\w-]+)", text)):
        assert f"'{scheme}'" in source, scheme


def test_the_lock_file_names_no_registry() -> None:
    locked = json.loads((EXTENSION / "package-lock.json").read_text(encoding="utf-8"))
    assert [name for name, one in locked["packages"].items() if "resolved" in one] == []


def test_the_page_and_the_walkthrough_have_the_files_that_they_name() -> None:
    contributes = _manifest()["contributes"]
    named = [step["media"]["markdown"] for step in contributes["walkthroughs"][0]["steps"]]
    named += [grammar["path"] for grammar in contributes["grammars"]]
    named += [snippet["path"] for snippet in contributes["snippets"]]
    for language in contributes["languages"]:
        named += [language["configuration"], *language["icon"].values()]
    assert [name for name in named if not (EXTENSION / name).is_file()] == []


def test_the_oldest_version_that_is_claimed_is_the_one_that_is_tested() -> None:
    script = (EXTENSION / "workbench" / "set-up.sh").read_text(encoding="utf-8")
    tested = re.search(r"^oldest_code_server=4\.(\d+)\.", script, re.MULTILINE)
    assert tested
    assert _manifest()["engines"]["vscode"] == f"^1.{tested[1]}.0"
    assert _manifest()["devDependencies"]["@types/vscode"] == f"1.{tested[1]}"


def test_a_window_is_here_where_one_is_required() -> None:
    missing = workbench.missing()
    if missing:
        warnings.warn(f"not tested in Visual Studio Code: {missing}", stacklevel=1)
    if os.environ.get("SMQ_REQUIRE_VSCODE"):
        assert missing == ""
    if os.environ.get("SMQ_REQUIRE_VSCODE") == "oldest":
        assert workbench.missing(oldest=True) == ""


@pytest.fixture(scope="session")
def vsix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension, built as `make vscode` builds it."""
    own = tmp_path_factory.getbasetemp()
    return workbench.packaged(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)


@pytest.mark.long
@pytest.mark.skipif(bool(workbench.missing()), reason="the extension is not built here")
def test_the_package_holds_what_is_used_and_nothing_of_this_machine(vsix: Path) -> None:
    here = [str(workbench.REPOSITORY), f"{Path.home()}/"]
    with zipfile.ZipFile(vsix) as package:
        names = [name for name in package.namelist() if name.startswith("extension/")]
        for name in names:
            text = package.read(name).decode("utf-8", errors="replace")
            assert [one for one in here if one in text] == [], name
        page = package.read("extension/readme.md").decode()
    folders = {name.split("/")[1] for name in names if name.count("/") > 1}
    used = {"bundled", "dist", "icons", "languages", "schemas", "snippets", "syntaxes"}
    assert folders == used | {"walkthrough"}
    assert [name for name in names if name.endswith((".map", ".ts", ".mjs"))] == []
    # 1.4 MB; the server brings the page of its playground, where that has been built.
    assert vsix.stat().st_size < 3_500_000
    assert "](data:image/png;base64," in page and "](.." not in page


@pytest.mark.long
@pytest.mark.parametrize("chapter", workbench.chapters())
def test_people_see_what_they_should(chapter: str, vsix: Path) -> None:
    steps = workbench.play(chapter, vsix)
    assert {step.name: step.seen for step in steps if not step.ok} == {}
    assert steps


@pytest.mark.long
@pytest.mark.parametrize("chapter", [] if workbench.missing(oldest=True) else ["inside"])
def test_it_works_in_the_oldest_version_that_it_claims(chapter: str, vsix: Path) -> None:
    steps = workbench.play(chapter, vsix, oldest=True)
    assert {step.name: step.seen for step in steps if not step.ok} == {}
    assert steps
