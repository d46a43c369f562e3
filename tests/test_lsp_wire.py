"""A dozen conversations with the real process, through a client library as editors have one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities
from tests.support.cli import BANK, bank

pytestmark = pytest.mark.asyncio

_SERVER = [sys.executable, "-m", "smq_server.main", "lsp"]
_QUERY = '{\n  "metrics": [/* 🙂 매출 */ "revenu"]\n}\n'


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    bank(tmp_path, q=_QUERY)
    return tmp_path


async def initialized(
    client: LanguageClient, capabilities: types.ClientCapabilities, *folders: Path
) -> types.InitializeResult:
    return await client.initialize_session(
        types.InitializeParams(
            capabilities=capabilities,
            workspace_folders=[types.WorkspaceFolder(f.as_uri(), f.name) for f in folders],
        )
    )


@pytest_lsp.fixture(config=ClientServerConfig(server_command=_SERVER))
async def editor(lsp_client: LanguageClient, directory: Path) -> AsyncIterator[None]:
    """Counts in UTF-16 and is told everything without asking."""
    capabilities = types.ClientCapabilities(
        text_document=types.TextDocumentClientCapabilities(
            publish_diagnostics=types.PublishDiagnosticsClientCapabilities(
                related_information=True, data_support=True
            ),
            code_action=types.CodeActionClientCapabilities(
                code_action_literal_support=types.ClientCodeActionLiteralOptions(
                    types.ClientCodeActionKindOptions([types.CodeActionKind.QuickFix])
                )
            ),
        )
    )
    await initialized(lsp_client, capabilities, directory)
    yield
    await lsp_client.shutdown_session()


@pytest_lsp.fixture(config=ClientServerConfig(server_command=_SERVER))
async def bytewise(lsp_client: LanguageClient, directory: Path) -> AsyncIterator[None]:
    """Counts in UTF-8 and asks for diagnostics itself."""
    result = await initialized(lsp_client, client_capabilities("neovim"), directory)
    assert result.capabilities.position_encoding == types.PositionEncodingKind.Utf8
    yield
    await lsp_client.shutdown_session()


def opened(client: LanguageClient, path: Path, text: str | None = None) -> str:
    content = path.read_text(encoding="utf-8") if text is None else text
    document = types.TextDocumentItem(path.as_uri(), "smq", 1, content)
    client.text_document_did_open(types.DidOpenTextDocumentParams(document))
    return path.as_uri()


def typed(client: LanguageClient, uri: str, version: int, at: types.Range, text: str) -> None:
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(version, uri),
            [types.TextDocumentContentChangePartial(at, text)],
        )
    )


class Versions:
    """Diagnostics as they are published, so that none between two waits is missed."""

    def __init__(self, client: LanguageClient) -> None:
        self._found: dict[tuple[str, int | None], list[types.Diagnostic]] = {}
        self._news = asyncio.Event()
        handlers = client.protocol.fm.features
        original = handlers[types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS]

        def noted(params: types.PublishDiagnosticsParams) -> None:
            original(params)
            self._found[params.uri, params.version] = list(params.diagnostics)
            self._news.set()

        handlers[types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS] = noted

    async def of(self, uri: str, version: int | None) -> list[types.Diagnostic]:
        async with asyncio.timeout(30):
            while (uri, version) not in self._found:
                self._news.clear()
                await self._news.wait()
        return self._found[uri, version]


def codes(found: list[types.Diagnostic]) -> list[str]:
    return [str(item.code) for item in found]


async def test_open_edit_diagnose_fix(editor: LanguageClient, directory: Path) -> None:
    versions = Versions(editor)
    uri = opened(editor, directory / "q.smq.json")
    (found,) = await versions.of(uri, 1)
    assert found.code == "NAM101"
    # The emoji is two units long here.
    assert found.range == types.Range(types.Position(1, 27), types.Position(1, 33))
    assert found.data
    actions = await editor.text_document_code_action_async(
        types.CodeActionParams(
            types.TextDocumentIdentifier(uri), found.range, types.CodeActionContext([])
        )
    )
    assert actions
    edit = next(a.edit for a in actions if isinstance(a, types.CodeAction) and a.edit)
    (change,) = next(iter((edit.changes or {}).values()))
    assert change.new_text.strip('"') == "revenue"
    typed(editor, uri, 2, change.range, change.new_text)
    assert await versions.of(uri, 2) == []


async def test_a_utf_8_client_that_pulls(bytewise: LanguageClient, directory: Path) -> None:
    uri = opened(bytewise, directory / "q.smq.json")
    identifier = types.TextDocumentIdentifier(uri)
    report = await bytewise.text_document_diagnostic_async(
        types.DocumentDiagnosticParams(identifier)
    )
    assert isinstance(report, types.RelatedFullDocumentDiagnosticReport)
    (found,) = report.items
    start = len('  "metrics": [/* 🙂 매출 */ "'.encode())
    assert found.range == types.Range(types.Position(1, start), types.Position(1, start + 6))
    again = await bytewise.text_document_diagnostic_async(
        types.DocumentDiagnosticParams(identifier, previous_result_id=report.result_id)
    )
    assert isinstance(again, types.RelatedUnchangedDocumentDiagnosticReport)
    typed(bytewise, uri, 2, found.range, "revenue")
    mended = await bytewise.text_document_diagnostic_async(
        types.DocumentDiagnosticParams(identifier, previous_result_id=report.result_id)
    )
    assert isinstance(mended, types.RelatedFullDocumentDiagnosticReport)
    assert list(mended.items) == []


async def test_pull_the_workspace(bytewise: LanguageClient, directory: Path) -> None:
    report = await bytewise.workspace_diagnostic_async(types.WorkspaceDiagnosticParams([]))
    (item,) = report.items
    assert item.uri == (directory / "q.smq.json").as_uri()
    assert isinstance(item, types.WorkspaceFullDocumentDiagnosticReport)
    known = types.PreviousResultId(item.uri, item.result_id or "")
    again = await bytewise.workspace_diagnostic_async(types.WorkspaceDiagnosticParams([known]))
    assert [each.kind for each in again.items] == [types.DocumentDiagnosticReportKind.Unchanged]


async def test_a_model_edit_reaches_a_query_that_is_not_open(
    editor: LanguageClient, directory: Path
) -> None:
    versions = Versions(editor)
    (directory / "other.smq.json").write_text('{"metrics": ["total_credit"]}')
    editor.workspace_did_change_watched_files(
        types.DidChangeWatchedFilesParams(
            [types.FileEvent((directory / "other.smq.json").as_uri(), types.FileChangeType.Created)]
        )
    )
    uri = opened(editor, directory / "models" / "bank.yml")
    await versions.of(uri, 1)
    line = next(
        n for n, text in enumerate(BANK.read_text().splitlines()) if "name: total_credit" in text
    )
    at = types.Range(types.Position(line, 10), types.Position(line, 15))
    typed(editor, uri, 2, at, "sum_of")
    found = await versions.of((directory / "other.smq.json").as_uri(), None)
    assert codes(found) == ["NAM101"]


async def test_hover_and_completion_answer_while_typing(
    editor: LanguageClient, directory: Path
) -> None:
    versions = Versions(editor)
    uri = opened(editor, directory / "q.smq.json", '{"metrics": [""]}')
    await versions.of(uri, 1)
    identifier = types.TextDocumentIdentifier(uri)
    found = await editor.text_document_completion_async(
        types.CompletionParams(identifier, types.Position(0, 14))
    )
    items = found.items if isinstance(found, types.CompletionList) else found or []
    assert "revenue" in {item.label for item in items}
    at = types.Range(types.Position(0, 14), types.Position(0, 14))
    typed(editor, uri, 2, at, "revenue")
    hover = await editor.text_document_hover_async(
        types.HoverParams(identifier, types.Position(0, 16))
    )
    assert hover is not None
    assert "SUM" in str(hover.contents).upper()


async def test_every_request_is_answered_once_under_fire(
    editor: LanguageClient, directory: Path
) -> None:
    versions = Versions(editor)
    uri = opened(editor, directory / "q.smq.json")
    await versions.of(uri, 1)
    identifier = types.TextDocumentIdentifier(uri)
    waiting = []
    for version in range(2, 120):
        at = types.Range(types.Position(0, 1), types.Position(0, 1 + version % 2))
        typed(editor, uri, version, at, " " * (version % 3))
        future = editor.text_document_hover(
            types.HoverParams(identifier, types.Position(1, version % 30))
        )
        waiting.append(asyncio.wrap_future(future))
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert len(answers) == 118
    assert not [answer for answer in answers if isinstance(answer, BaseException)]
    assert codes(await versions.of(uri, 119)) == ["NAM101"]


async def test_two_folders(lsp_two: LanguageClient, directory: Path, tmp_path: Path) -> None:
    versions = Versions(lsp_two)
    second = tmp_path / "second"
    uri = opened(lsp_two, directory / "q.smq.json", '{"metrics": ["revenue"]}')
    other = opened(lsp_two, second / "q.smq.json", '{"metrics": ["revenue"]}')
    assert await versions.of(uri, 1) == []
    assert codes(await versions.of(other, 1)) == ["NAM101"]
    folder = types.WorkspaceFolder(second.as_uri(), "second")
    lsp_two.workspace_did_change_workspace_folders(
        types.DidChangeWorkspaceFoldersParams(types.WorkspaceFoldersChangeEvent([], [folder]))
    )
    assert await lsp_two.text_document_hover_async(
        types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(0, 16))
    )


@pytest_lsp.fixture(config=ClientServerConfig(server_command=_SERVER))
async def lsp_two(lsp_client: LanguageClient, directory: Path) -> AsyncIterator[None]:
    second = directory / "second"
    second.mkdir()
    (second / "smq.toml").write_text("")
    await initialized(lsp_client, types.ClientCapabilities(), directory, second)
    yield
    await lsp_client.shutdown_session()


@pytest.mark.parametrize("name", ["visual-studio-code", "emacs", "neovim"])
async def test_known_clients_are_understood_whole(
    directory: Path, name: str, client_of: Callable[[], Awaitable[LanguageClient]]
) -> None:
    client = await client_of()
    versions = Versions(client)
    result = await initialized(client, client_capabilities(name), directory)
    offered = result.capabilities
    assert offered.hover_provider
    assert offered.completion_provider
    uri = opened(client, directory / "q.smq.json")
    assert codes(await versions.of(uri, 1)) == ["NAM101"]
    await client.shutdown_session()


@pytest_asyncio.fixture
async def client_of() -> AsyncIterator[Callable[[], Awaitable[LanguageClient]]]:
    """Clients made by the test itself, each with its own server."""
    made: list[LanguageClient] = []

    async def make() -> LanguageClient:
        client = pytest_lsp.make_test_lsp_client()
        await client.start_io(*_SERVER)
        made.append(client)
        return client

    yield make
    for client in made:
        await client.stop()
