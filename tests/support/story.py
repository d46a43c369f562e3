"""One editor's long session with the real server: steps, the client's own texts, and the judge.

Every step is a value that can be done again, on other texts as well, so that a story that fails
can be told with fewer steps.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty
from typing import Any
from urllib.parse import quote

from tests.support.answers import SLOW, Asked, Message, changed, check, edit_of, places, tokens
from tests.support.places import Ruler, Texts, Wrong
from tests.support.wire import Wire

_AT_ONCE = 24
"""Requests that may be unanswered while the client types on."""


@dataclass(frozen=True)
class Step:
    """What the client does; offsets past the end mean the end, on whatever text there is."""

    kind: str
    name: str = ""
    edits: tuple[tuple[int, int, str], ...] = ()
    text: str | None = None
    method: str = ""
    at: tuple[int, int] = (0, 0)

    @property
    def is_edit(self) -> bool:
        return self.kind in {"edit", "whole", "undo"}


@dataclass(frozen=True)
class Editor:
    """What a client says that it can do."""

    encoding: str
    capabilities: Message
    pulls: bool


@dataclass
class World:
    """All that a fresh server would have to be told to be where this one is."""

    disk: dict[str, str] = field(default_factory=dict)
    opened: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By name: what is open, with its version."""
    settings: Message = field(default_factory=dict)

    def copy(self) -> World:
        return World(dict(self.disk), dict(self.opened), dict(self.settings))


class Conversation(Wire):
    """A wire for so many messages that they cannot all be kept."""

    patience = 120.0

    def next(self) -> Message:
        """The next message; other work on the machine may keep the server waiting for long."""
        try:
            message = super().next()
        except Empty:
            raise Wrong("the server does not answer") from None
        self.seen.clear()
        return message


class Story:
    """One process and one client. Raises Wrong as soon as an answer is."""

    def __init__(
        self, directory: Path, world: World, editor: Editor, *, is_there: bool = False
    ) -> None:
        self.directory = directory
        self.world = World(dict(world.disk), {}, dict(world.settings))
        self.editor = editor
        if not is_there:
            shutil.rmtree(directory, ignore_errors=True)
            for name, text in world.disk.items():
                self._write(name, text)
        self.wire = Conversation(cwd=directory)
        self.wire.answer = self._answer
        self.shown: dict[str, list[Message]] = {}
        self._uris: dict[str, str] = {}
        self._pending: dict[int, Asked] = {}
        self._is_read = False
        """Whether the workspace is known to have been read, so that no request waits for that."""
        self._undo: dict[str, list[tuple[int, int, str]]] = {}
        self._told: dict[str, dict[int, str]] = {}
        self._tokens: dict[str, tuple[str, list[int]]] = {}
        self._cancelled: set[int] = set()
        self._legend: list[str] = []
        self.answered = 0
        self.patience = 20.0
        """Seconds for what is published to become what it must be."""
        self._start(world)

    def _start(self, world: World) -> None:
        folders = [self.directory, self.directory / "둘째 폴더"]
        number = self.wire.post(
            "initialize",
            {
                "processId": None,
                "rootUri": None,
                "workspaceFolders": [{"uri": f.as_uri(), "name": f.name} for f in folders],
                "capabilities": self.editor.capabilities,
                "initializationOptions": self.world.settings,
            },
        )
        result = self.wire.response(number)["result"]["capabilities"]
        assert result["positionEncoding"] == self.editor.encoding
        self._legend = result["semanticTokensProvider"]["legend"]["tokenTypes"]
        self.wire.notify("initialized", {})
        for name, (text, version) in world.opened.items():
            self._open(name, text, version)

    def close(self) -> None:
        self.wire.__exit__(None, None, None)

    def end(self) -> None:
        self.drain()
        assert self.wire.shutdown() == 0
        self.close()

    # Names and texts

    def uri(self, name: str) -> str:
        if name not in self._uris:
            is_file = not name.startswith("untitled:")
            self._uris[name] = (self.directory / name).as_uri() if is_file else name
        return self._uris[name]

    def text(self, name: str) -> str:
        return self.world.opened[name][0]

    def texts(self) -> dict[str, str]:
        found = {self.uri(name): text for name, text in self.world.disk.items()}
        found |= {self.uri(name): text for name, (text, _) in self.world.opened.items()}
        return found

    def _write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())

    # Steps

    def do(self, step: Step) -> None:
        if step.name.endswith(".toml"):
            # Other settings may mean that everything is read again.
            self._is_read = False
        getattr(self, f"_do_{step.kind}")(step)
        changed = step.is_edit or step.kind in {"open", "close", "accept"}
        for asked in self._pending.values() if changed else ():
            if asked.method in SLOW or not (self._is_read or self.uri(step.name) == asked.uri):
                asked.later.append(self._texts())

    def _do_open(self, step: Step) -> None:
        if step.name not in self.world.opened:
            text = self.world.disk.get(step.name, "") if step.text is None else step.text
            # Numbers go on, or what is still on its way from the time before would be taken for
            # the text of now.
            before = max(self._told.get(self.uri(step.name), {}), default=0)
            self._open(step.name, text, before + 1)

    def _open(self, name: str, text: str, version: int) -> None:
        self.world.opened[name] = text, version
        self._told[self.uri(name)] = {version: text}
        self._undo[name] = []
        self.wire.open(self.uri(name), text, version)

    def _do_edit(self, step: Step) -> None:
        if step.name not in self.world.opened:
            return
        text = self.text(step.name)
        changes = []
        for start, end, new in step.edits:
            start, end = _between(text, start), _between(text, max(start, end))
            ruler = Ruler(text, self.editor.encoding)
            changes.append({"range": ruler.range(start, end), "text": new})
            self._undo[step.name].append((start, start + len(new), text[start:end]))
            text = text[:start] + new + text[end:]
        del self._undo[step.name][:-40]
        self._change(step.name, text, changes)

    def _do_undo(self, step: Step) -> None:
        undo = self._undo.get(step.name)
        if not undo or step.name not in self.world.opened:
            return
        start, end, old = undo.pop()
        text = self.text(step.name)
        if _between(text, start) == start and _between(text, end) == end:
            kept = list(undo)
            self._do_edit(replace(step, edits=((start, end, old),)))
            self._undo[step.name] = kept
        else:
            # What was written has become one line end with what stood there.
            undo.clear()

    def _do_whole(self, step: Step) -> None:
        if step.name in self.world.opened:
            self._undo[step.name] = []
            self._change(step.name, step.text or "", [{"text": step.text or ""}])

    def _change(self, name: str, text: str, changes: list[Message]) -> None:
        version = self.world.opened[name][1] + 1
        self.world.opened[name] = text, version
        history = self._told[self.uri(name)]
        history[version] = text
        if len(history) > 300:
            del history[next(iter(history))]
        self.wire.change(self.uri(name), version, *changes)

    def _do_close(self, step: Step) -> None:
        if self.world.opened.pop(step.name, None) is not None:
            self._tokens.pop(step.name, None)
            self.wire.notify(
                "textDocument/didClose", {"textDocument": {"uri": self.uri(step.name)}}
            )

    def _do_save(self, step: Step) -> None:
        if step.name in self.world.opened and not step.name.startswith("untitled:"):
            self.settle()
            text = self.text(step.name)
            is_new = step.name not in self.world.disk
            self._write(step.name, text)
            self.world.disk[step.name] = text
            self.wire.notify("textDocument/didSave", {"textDocument": {"uri": self.uri(step.name)}})
            self._watched((step.name, 1 if is_new else 2))

    def _do_disk(self, step: Step) -> None:
        """Another program writes or removes a file."""
        self.settle()
        known = step.name in self.world.disk
        if step.text is not None:
            self._write(step.name, step.text)
            self.world.disk[step.name] = step.text
            self._watched((step.name, 2 if known else 1))
        elif known:
            (self.directory / step.name).unlink()
            del self.world.disk[step.name]
            self._watched((step.name, 3))

    def _do_move(self, step: Step) -> None:
        """A file gets another name, and its document with it."""
        new = step.text or ""
        if step.name not in self.world.disk or new in self.world.disk or new in self.world.opened:
            return
        self.settle()
        opened = self.world.opened.get(step.name)
        (self.directory / step.name).rename(self.directory / new)
        self.world.disk[new] = self.world.disk.pop(step.name)
        self._do_close(step)
        self._watched((step.name, 3), (new, 1))
        if opened is not None:
            self._open(new, *opened)

    def _watched(self, *files: tuple[str, int]) -> None:
        changes = [{"uri": self.uri(name), "type": kind} for name, kind in files]
        self.wire.notify("workspace/didChangeWatchedFiles", {"changes": changes})

    def _do_settings(self, step: Step) -> None:
        name, _, value = (step.text or "").partition("=")
        self.world.settings[name] = {"on": True, "off": False}.get(value, value)
        self.wire.notify(
            "workspace/didChangeConfiguration", {"settings": {"smq": self.world.settings}}
        )

    # Questions

    def _do_ask(self, step: Step) -> None:
        if not step.name or step.name in self.world.opened:
            self._ask(step)
            while len(self._pending) > _AT_ONCE:
                self._take()

    def _ask(self, step: Step) -> Asked:
        params = self._params(step)
        asked = Asked(step.method, params, self._texts(), self._versions(), self._legend)
        self._pending[self.wire.post(step.method, params)] = asked
        return asked

    def _texts(self) -> Texts:
        return Texts(self.texts(), self.editor.encoding)

    def _versions(self) -> dict[str, int]:
        return {self.uri(name): version for name, (_, version) in self.world.opened.items()}

    def _params(self, step: Step) -> Message:
        if step.method == "workspace/symbol":
            return {"query": step.text or ""}
        if step.method == "workspace/diagnostic":
            return {"previousResultIds": []}
        if step.method in {"smq/tree", "smq/status"}:
            return {}
        uri = self.uri(step.name)
        text = self.text(step.name)
        start, end = (_between(text, offset) for offset in sorted(step.at))
        ruler = Ruler(text, self.editor.encoding)
        document: Message = {"textDocument": {"uri": uri}}
        position = {"position": ruler.position(start)}
        stretch = {"range": ruler.range(start, end)}
        layout = {"options": {"tabSize": 2, "insertSpaces": True}}
        match step.method.removeprefix("textDocument/"):
            case "smq/compile" | "smq/explain" | "smq/diff":
                return {"uri": uri}
            case "smq/lineage":
                return {"uri": uri, **position}
            case "smq/virtualDocument":
                return {"uri": f"smq-sql:/q.sql?uri={quote(uri, safe='')}&query=0"}
            case "references":
                return {**document, **position, "context": {"includeDeclaration": True}}
            case "rename":
                return {**document, **position, "newName": step.text or "새이름"}
            case "selectionRange":
                return {**document, "positions": [ruler.position(start), ruler.position(end)]}
            case "codeAction":
                only = {"only": [step.text]} if step.text else {}
                return {**document, **stretch, "context": {"diagnostics": [], **only}}
            case "inlayHint" | "semanticTokens/range":
                return {**document, **stretch}
            case "formatting":
                return {**document, **layout}
            case "rangeFormatting":
                return {**document, **stretch, **layout}
            case "onTypeFormatting":
                return {**document, **position, **layout, "ch": step.text or "\n"}
            case "semanticTokens/full/delta":
                return {**document, "previousResultId": self._tokens.get(step.name, ("", []))[0]}
            case _:
                return {**document, **position}

    def _do_cancel(self, step: Step) -> None:
        for number in list(self._pending)[-2:]:
            self._cancelled.add(number)
            self.wire.notify("$/cancelRequest", {"id": number})

    def _do_tokens(self, step: Step) -> None:
        """Ask for what has changed since the last time, and put it together."""
        if step.name not in self.world.opened:
            return
        self.drain()
        asked = self._ask(replace(step, method="textDocument/semanticTokens/full/delta"))
        result = self._result()
        data = list(result.get("data", self._tokens.get(step.name, ("", []))[1]))
        for edit in sorted(result.get("edits", ()), key=lambda e: -e["start"]):
            if edit["start"] + edit["deleteCount"] > len(data):
                raise Wrong(f"an edit of tokens behind their end: {edit}")
            data[edit["start"] : edit["start"] + edit["deleteCount"]] = edit.get("data", [])
        tokens(asked, data)
        self._tokens[step.name] = result["resultId"], data
        self._ask(replace(step, method="textDocument/semanticTokens/full"))
        full = self._result()
        if full["data"] != data:
            raise Wrong("what has changed does not add up to all tokens")
        self._tokens[step.name] = full["resultId"], full["data"]

    def _do_accept(self, step: Step) -> None:
        """Ask for edits, and make them."""
        if step.name not in self.world.opened:
            return
        self.drain()
        asked = self._ask(step)
        (answer,) = self._results()
        result = None if isinstance(answer, dict) and "code" in answer else answer
        match step.method.removeprefix("textDocument/"):
            case "completion":
                items = result["items"] if result else []
                if not items:
                    return
                edit = items[step.at[1] % len(items)]["textEdit"]
                span = asked.texts.span(asked.uri, edit.get("range") or edit["replace"])
                self._do_edit(replace(step, edits=((*span, edit["newText"]),)))
            case "codeAction":
                edits = [edit for action in result or () if (edit := edit_of(action)) is not None]
                if edits:
                    self._apply(changed(asked, edits[step.at[1] % len(edits)]))
            case "rename":
                if result:
                    self._apply(changed(asked, result))
            case _:
                if result:
                    self._apply({asked.uri: asked.texts.edited(asked.uri, result)})

    def _apply(self, after: dict[str, str]) -> None:
        names = {self.uri(n): n for n in (*self.world.disk, *self.world.opened)}
        for uri, text in after.items():
            name = names[uri]
            if name in self.world.opened:
                self._do_whole(Step("whole", name, text=text))
            else:
                self._do_disk(Step("disk", name, text=text))

    def _result(self) -> Any:
        """The answer to the one question that is open."""
        (result,) = self._results()
        return result

    def _results(self) -> list[Any]:
        """The answers to all open questions, in their order."""
        numbers = list(self._pending)
        found: dict[int, Any] = {}
        while self._pending:
            self._take(lambda m: found.update({m["id"]: m.get("result", m.get("error"))}))
        return [found[number] for number in numbers]

    # Messages

    def drain(self) -> None:
        while self._pending:
            self._take()

    def settle(self) -> None:
        """Until the server has read the workspace, and has handled everything."""
        self.drain()
        number = self.wire.post("workspace/symbol", {"query": "nothing of that name"})
        answers: list[Message] = []
        while not any(each["id"] == number for each in answers):
            self._take(answers.append)
        self._is_read = True

    def _take(self, answered: Callable[[Message], object] = lambda message: None) -> None:
        message = self.wire.next()
        if "method" in message:
            self._told_of(message)
            return
        asked = self._pending.pop(message["id"], None)
        if asked is not None:
            self.answered += 1
            self._check(asked, message)
        answered(message)

    def _check(self, asked: Asked, message: Message) -> None:
        if message.get("error", {}).get("code") == -32800:
            assert message["id"] in self._cancelled
        try:
            for text in asked.later:
                # What has waited while the workspace was read may speak of others as they are now.
                try:
                    check(replace(asked, texts=text), message)
                except Wrong:
                    continue
                return
            check(asked, message)
        except Wrong as wrong:
            raise Wrong(f"{asked.method} {_short(asked.params)}: {wrong}") from wrong

    def _told_of(self, message: Message) -> None:
        params = message.get("params") or {}
        match message["method"]:
            case "textDocument/publishDiagnostics":
                self.shown[params["uri"]] = params["diagnostics"]
                self._check_shown(params)
            case "window/logMessage" if params["type"] == 1:
                raise Wrong(f"the server has a defect: {params['message']}")

    def _check_shown(self, params: Message) -> None:
        uri, version = params["uri"], params.get("version")
        if version is None:
            # When it was sent is not known, and a file has no versions.
            return
        text = self._told.get(uri, {}).get(version)
        if text is None:
            return
        for item in params["diagnostics"]:
            try:
                Texts({uri: text}, self.editor.encoding).span(uri, item["range"])
            except Wrong as wrong:
                raise Wrong(f"published {item['code']} of {uri} {version}: {wrong}") from wrong

    def _answer(self, request: Message) -> Message:
        if request["method"] == "workspace/configuration":
            return {"result": [self.world.settings for _ in request["params"]["items"]]}
        return {"result": None}

    # The judge

    def compare(self) -> None:
        """Raises Wrong unless a fresh server, told the same, says the same in all its answers."""
        self.settle()
        fresh = Story(self.directory, self.world, self.editor, is_there=True)
        try:
            expected = fresh.findings()
            found = self.findings() if self.editor.pulls else self.pushed(expected)
            _same(found, expected, "diagnostics")
            for name in self.world.opened:
                for part in range(4):
                    here, there = (each.everything(name, part) for each in (self, fresh))
                    _same(here, there, f"{name}, part {part} of 3")
            _same(self.overall(), fresh.overall(), "the workspace")
        finally:
            fresh.close()

    def findings(self) -> dict[str, Any]:
        self.drain()
        asked = self._ask(Step("ask", method="workspace/diagnostic"))
        result = self._result()
        places(asked, result, "")
        return {item["uri"]: item["items"] for item in result["items"] if item["items"]}

    def pushed(self, expected: dict[str, Any]) -> dict[str, Any]:
        """What has been published when it is what is expected, or when nothing more comes."""
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            found = {uri: items for uri, items in self.shown.items() if items}
            if found == expected:
                break
            self.settle()
        return found

    def everything(self, name: str, part: int) -> dict[str, Any]:
        """All that is said of one place."""
        text = self.text(name)
        at = _between(text, len(text) * part // 3)
        steps = [
            Step("ask", name, method=method, at=(at, at), text=_WORDS.get(method))
            for method in (*(f"textDocument/{each}" for each in READS), *OWN_READS)
            if self.editor.pulls or method != "textDocument/diagnostic"
        ]
        self.drain()
        for step in steps:
            self._ask(step)
        found = dict(zip((step.method for step in steps), self._results(), strict=True))
        # Each server counts these for itself.
        found["textDocument/semanticTokens/full"].pop("resultId", None)
        for action in found["textDocument/codeAction"] or ():
            if action.get("command") == "smq.applyEdit":
                action["arguments"][0].pop("texts")
        return found

    def overall(self) -> list[Any]:
        self.drain()
        self._ask(Step("ask", method="smq/tree"))
        self._ask(Step("ask", method="workspace/symbol", text="c"))
        return self._results()


READS = (
    *("hover", "completion", "signatureHelp", "declaration", "definition", "typeDefinition"),
    *("implementation", "documentHighlight", "prepareRename", "prepareCallHierarchy"),
    *("prepareTypeHierarchy", "references", "rename", "selectionRange", "codeAction", "inlayHint"),
    *("semanticTokens/range", "rangeFormatting", "onTypeFormatting"),
    *("documentSymbol", "codeLens", "documentLink", "foldingRange", "diagnostic"),
    *("semanticTokens/full", "formatting"),
)
"""What editors ask about a place or a document."""
OWN_READS = ("smq/compile", "smq/explain", "smq/lineage", "smq/diff", "smq/virtualDocument")
_WORDS = {"textDocument/rename": "new_name"}


def _same(found: Any, expected: Any, what: str) -> None:
    if found == expected:
        return
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in sorted({*found, *expected}):
            if found.get(key) != expected.get(key):
                _same(found.get(key), expected.get(key), f"{what}, {key}")
    if isinstance(found, list) and isinstance(expected, list):
        for number, (one, two) in enumerate(zip(found, expected, strict=False)):
            _same(one, two, f"{what}, {number}")
        extra = min(len(found), len(expected))
        found, expected = found[extra:], expected[extra:]
    raise Wrong(f"{what}:\n  after edits {_short(found)}\n  fresh       {_short(expected)}")


def _short(value: Any) -> str:
    words = repr(value)
    return words if len(words) < 1500 else words[:1500] + "…"


def _between(text: str, offset: int) -> int:
    """The offset within the text, and not within a line's end."""
    offset = max(0, min(offset, len(text)))
    return offset - 1 if text[max(0, offset - 1) : offset + 1] == "\r\n" else offset


# Telling it shorter


def shrink(
    steps: Sequence[Step], fails: Callable[[Sequence[Step]], bool], seconds: float
) -> list[Step]:
    """Fewer steps that still fail: pieces are left out as long as that is so and there is time."""
    until = time.monotonic() + seconds
    left = list(steps)
    size = max(1, len(left) // 2)
    while size and time.monotonic() < until:
        at = len(left)
        while at > 0 and time.monotonic() < until:
            shorter = left[: max(0, at - size)] + left[at:]
            if fails(shorter):
                left = shorter
            at -= size
        size //= 2
    return left


def told(steps: Iterable[Step]) -> str:
    return "\n".join(f"    {step!r}," for step in steps)
