"""The conversation with one client: which messages are taken, in which state, and what is answered.

pygls knows the messages' types and builds the capabilities. This class decides what its own loop
leaves open: states of the protocol, malformed messages, cancelling what waits, one guard around
every handler, and JSON that any text survives.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import traceback
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from lsprotocol import types
from pygls.exceptions import (
    JsonRpcContentModified,
    JsonRpcException,
    JsonRpcInternalError,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcParseError,
    JsonRpcRequestCancelled,
    JsonRpcServerNotInitialized,
)
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter, lsp_method

from smq_server.lsp import protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from smq_server.lsp.session import Session

logger = logging.getLogger(__name__)

MessageId = int | str
T = TypeVar("T")

_NOTEBOOKS = "notebookDocument/"
_DURING_INDEXING = frozenset(
    {
        types.INITIALIZE,
        types.SHUTDOWN,
        types.TEXT_DOCUMENT_FOLDING_RANGE,
        types.TEXT_DOCUMENT_SELECTION_RANGE,
        types.TEXT_DOCUMENT_DOCUMENT_SYMBOL,
        types.TEXT_DOCUMENT_FORMATTING,
        types.TEXT_DOCUMENT_RANGE_FORMATTING,
        types.TEXT_DOCUMENT_ON_TYPE_FORMATTING,
        protocol.STATUS,
    }
)
"""Requests that one file's text answers; all others wait until the workspace has been read."""


class _NotRead(JsonRpcException):
    """ServerCancelled: clients take it quietly, however often they ask."""

    CODE = -32802

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.data = {"retriggerRequest": False}


class SessionServer(LanguageServer):
    """pygls' server with the session that its conversation is about."""

    session: Session


class SmqProtocol(LanguageServerProtocol):
    """One client's conversation. `receive` takes bodies, everything runs on the event loop."""

    _server: SessionServer

    def __init__(self, server: SessionServer, converter: Any) -> None:
        # Before the base class, which looks at every attribute for handlers.
        self._waiting: deque[dict[str, Any]] = deque()
        self._parked: list[tuple[dict[str, Any], str | None, int]] = []
        self._open: dict[MessageId, tuple[str, float]] = {}
        self._pumping = False
        self._is_initialized = False
        self.exit_code: int | None = None
        self.on_exit: Callable[[], object] = lambda: None
        self.on_initialize: Callable[[int], object] = lambda parent: None
        super().__init__(server, converter)

    @property
    def has_messages(self) -> bool:
        return bool(self._waiting)

    # What comes in

    def receive(self, body: bytes | str) -> None:
        """Take one message. Cancellations overtake what waits; all else keeps its order."""
        message = self._decode(body)
        if message is None:
            return
        if message.get("method") == types.CANCEL_REQUEST:
            self._cancel(message.get("params"))
            return
        self._waiting.append(message)
        self._pump_soon()

    def _pump_soon(self) -> None:
        if not self._pumping:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        # One message for each turn of the loop, so that cancellations can arrive in between.
        self._pumping = False
        if self._waiting:
            message = self._waiting.popleft()
            if self._waiting:
                self._pump_soon()
            self.take(message)

    def _decode(self, body: bytes | str) -> dict[str, Any] | None:
        try:
            message = json.loads(body)
        except (ValueError, RecursionError) as error:
            logger.warning("A message is not JSON: %s", error)
            self._refuse(None, JsonRpcParseError("The message is not JSON in UTF-8."))
            return None
        if not isinstance(message, dict):
            self._refuse(None, JsonRpcInvalidRequest("A message is an object."))
            return None
        message_id = message.get("id")
        if "id" in message and not _is_id(message_id) and "method" in message:
            self._refuse(None, JsonRpcInvalidRequest("An id is a number or a string."))
            return None
        if message.get("jsonrpc") != self.VERSION:
            if "method" in message and "id" in message:
                self._refuse(message_id, JsonRpcInvalidRequest('"jsonrpc" must be "2.0".'))
            return None
        if "method" in message and not isinstance(message["method"], str):
            if "id" in message:
                self._refuse(message_id, JsonRpcInvalidRequest("A method is a string."))
            return None
        return message

    def take(self, message: dict[str, Any]) -> None:
        """Handle one message now."""
        self._server.session.tick()
        if "method" not in message:
            self._take_response(message)
        elif "id" in message:
            self._take_request(message)
        else:
            self._take_notification(message)

    def _take_request(self, message: dict[str, Any]) -> None:
        message_id, method = message["id"], message["method"]
        if self._shutdown:
            self._refuse(message_id, JsonRpcInvalidRequest("The server is shutting down."))
        elif method == types.INITIALIZE and self._is_initialized:
            self._refuse(message_id, JsonRpcInvalidRequest("The server is initialized already."))
        elif method != types.INITIALIZE and not self._is_initialized:
            self._refuse(message_id, JsonRpcServerNotInitialized("Send initialize first."))
        elif not self._knows(method):
            self._refuse(message_id, JsonRpcMethodNotFound.of(method))
        elif message_id in self._open:
            self._refuse(message_id, JsonRpcInvalidRequest("The id is in use."))
        elif _needs_all(message) and self._server.session.is_indexing:
            uri = _uri_of(message)
            version = self._server.session.generation(uri)
            self._parked.append((message, uri, version))
        else:
            self._start_request(message)

    def _start_request(self, message: dict[str, Any]) -> None:
        message_id, method = message["id"], message["method"]
        reason = self._server.session.stopped(_uri_of(message)) if _needs_all(message) else None
        if reason is not None:
            self._refuse(message_id, _NotRead(reason))
            return
        try:
            structured = self._structured(message)
        except JsonRpcException as error:
            self._refuse(message_id, error)
            return
        self._open[message_id] = (method, time.perf_counter())
        self._handle_request(message_id, method, structured)

    def release(self) -> None:
        """Answer what has waited for the workspace to be read."""
        parked, self._parked = self._parked, []
        for message, uri, version in parked:
            if self._server.session.generation(uri) != version:
                reason = JsonRpcContentModified("The document has changed since.")
                self._refuse(message["id"], reason)
            else:
                self._start_request(message)

    def _take_notification(self, message: dict[str, Any]) -> None:
        method = message["method"]
        if method == types.EXIT:
            self.lsp_exit()
            return
        # What is not for this state, or not known, is ignored: nobody waits for an answer.
        if self._shutdown or not self._is_initialized or not self._knows(method):
            logger.debug("Ignored notification %s", method)
            return
        try:
            structured = self._structured(message)
        except JsonRpcException as error:
            logger.warning("Ignored malformed %s: %s", method, error.message)
            return
        self._handle_notification(method, structured)

    def _take_response(self, message: dict[str, Any]) -> None:
        message_id: Any = message.get("id")
        future = self._request_futures.pop(message_id, None) if _is_id(message_id) else None
        result_type = self._result_types.pop(message_id, None) if _is_id(message_id) else None
        if future is None or future.done():
            return
        error = message.get("error")
        if error is not None:
            words = str(error.get("message", error)) if isinstance(error, dict) else str(error)
            future.set_exception(JsonRpcInternalError(words))
            return
        try:
            result = message.get("result")
            if result_type is not None:
                message.setdefault("result", None)
                result = self._converter.structure(message, result_type).result
            future.set_result(result)
        except Exception as problem:  # noqa: BLE001 - whatever the client has sent is its answer
            future.set_exception(JsonRpcInvalidParams(f"The answer is malformed: {problem}"))

    def _structured(self, message: dict[str, Any]) -> Any:
        """The typed parameters. Raises JsonRpcInvalidParams when they are not what is defined."""
        method = message["method"]
        message_type = self.get_message_type(method)
        if message_type is None:
            return message.get("params")
        if method == types.SHUTDOWN:
            return None
        try:
            return self._converter.structure(message, message_type).params
        except Exception as error:
            if method == types.INITIALIZE and (lenient := self._lenient(message)) is not None:
                return lenient
            logger.warning("Malformed parameters of %s: %s", method, error)
            raise JsonRpcInvalidParams(f"The parameters of {method} are malformed.") from error

    def _lenient(self, message: dict[str, Any]) -> types.InitializeParams | None:
        """Parameters of `initialize` without those capabilities that we cannot read.

        A client newer than we are must not be turned away for what it can do.
        """
        params = message.get("params")
        capabilities = params.get("capabilities") if isinstance(params, dict) else None
        if not isinstance(params, dict) or not isinstance(capabilities, dict):
            return None
        kept: dict[str, Any] = {}
        for group, value in capabilities.items():
            parts = value.items() if isinstance(value, dict) else ()
            readable = {name: part for name, part in parts if self._reads({group: {name: part}})}
            if readable or self._reads({group: value}):
                kept[group] = readable if isinstance(value, dict) else value
        try:
            return self._converter.structure(
                {**params, "capabilities": kept}, types.InitializeParams
            )
        except Exception:  # noqa: BLE001 - then it is not the capabilities
            return None

    def _reads(self, capabilities: dict[str, Any]) -> bool:
        try:
            self._converter.structure(capabilities, types.ClientCapabilities)
        except Exception:  # noqa: BLE001 - converters raise what they like
            return False
        return True

    def read(self, value: object, kind: type[T]) -> T:
        """A value of the protocol that the client has handed back. Raises ValueError."""
        try:
            found: T = self._converter.structure(value, kind)
        except Exception as error:
            raise ValueError(f"It is no {kind.__name__}.") from error
        return found

    def _knows(self, method: str) -> bool:
        return method in self.fm.builtin_features or method in self.fm.features

    def _cancel(self, params: Any) -> None:
        message_id = params.get("id") if isinstance(params, dict) else None
        if not _is_id(message_id):
            return
        for message in self._waiting:
            if message.get("id") == message_id and "method" in message:
                self._waiting.remove(message)
                self._refuse(message_id, JsonRpcRequestCancelled("Cancelled."))
                return
        for parked in self._parked:
            if parked[0]["id"] == message_id:
                self._parked.remove(parked)
                self._refuse(message_id, JsonRpcRequestCancelled("Cancelled."))
                return
        if message_id in self._open:
            future = self._request_futures.get(message_id)
            if future is not None:
                future.cancel()

    def cancelling(self) -> Callable[[], object]:
        """What cancels the request that is being answered, as if its client had asked for it."""
        params = {"id": self.msg_id}
        return lambda: self._cancel(params)

    # The guard: what a handler does, good or bad, becomes one answer

    def _send_handler_result(self, future: Future[Any], *, msg_id: MessageId) -> None:
        self._request_futures.pop(msg_id, None)
        method, started = self._open.pop(msg_id, ("?", time.perf_counter()))
        session = self._server.session
        milliseconds = (time.perf_counter() - started) * 1000
        if future.cancelled():
            self._refuse(msg_id, JsonRpcRequestCancelled("Cancelled."))
        elif (error := future.exception()) is None:
            self._send_response(msg_id, result=future.result())
            self._say(f"{method} {milliseconds:.1f} ms snapshot {session.snapshot_id}")
        elif isinstance(error, JsonRpcException):
            self._refuse(msg_id, error)
        else:
            self.log_defect(error, f"request {method}, snapshot {session.snapshot_id}")
            self._refuse(msg_id, JsonRpcInternalError(f"{type(error).__name__}: {error}"))

    def _say(self, line: str) -> None:
        """What each request cost: to stderr, and to a client that has asked for it."""
        logger.debug(line)
        if self._server.session.settings.log_level == "debug":
            kind = types.MessageType.Log.value
            self.notify(types.WINDOW_LOG_MESSAGE, {"type": kind, "message": line})

    def _check_handler_result(self, future: Future[Any]) -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            self.log_defect(error, f"notification, snapshot {self._server.session.snapshot_id}")

    def log_defect(self, error: BaseException, where: str) -> None:
        """Write down an exception of ours; the server lives on."""
        text = "".join(traceback.format_exception(error))
        logger.error("Failure in %s\n%s", where, text)
        if self._is_initialized:
            self.notify(
                types.WINDOW_LOG_MESSAGE,
                {"type": types.MessageType.Error.value, "message": f"{where}\n{text}"},
            )

    # What goes out

    def _refuse(self, message_id: MessageId | None, error: JsonRpcException) -> None:
        answer = {"code": error.code, "message": error.message}
        if error.data is not None:
            answer["data"] = error.data
        self._send_data({"jsonrpc": self.VERSION, "id": message_id, "error": answer})

    def _send_response(self, msg_id: Any, result: Any = None, error: Any = None) -> None:
        if error is not None:
            self._send_data({"jsonrpc": self.VERSION, "id": msg_id, "error": error})
        else:
            self._send_data({"jsonrpc": self.VERSION, "id": msg_id, "result": result})

    def notify(self, method: str, params: Any = None) -> None:
        self._send_data({"jsonrpc": self.VERSION, "method": method, "params": params})

    def _send_data(self, data: Any) -> None:
        if self.writer is None:
            return
        try:
            body = self._encode(data)
        except Exception as error:
            logger.exception("A message cannot be encoded")
            message_id = data.get("id") if isinstance(data, dict) else None
            if message_id is None or "result" not in data:
                return
            broken = {"code": JsonRpcInternalError.CODE, "message": f"The answer: {error}"}
            body = self._encode({"jsonrpc": self.VERSION, "id": message_id, "error": broken})
        try:
            self.writer.write(body)
        except (OSError, ValueError):
            # The client has gone; the reader notices it too.
            self.stop(0 if self._shutdown else 1)

    def _encode(self, data: Any) -> bytes:
        text = json.dumps(
            data, default=self._serialize_message, ensure_ascii=False, separators=(",", ":")
        )
        try:
            return text.encode()
        except UnicodeEncodeError:
            # Half of a surrogate pair, which has no UTF-8 but an escape.
            text = json.dumps(data, default=self._serialize_message, separators=(",", ":"))
            return text.encode()

    # The life of the conversation

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, Any]:
        self._server.session.initialize(params)
        result = yield from super().lsp_initialize(params)
        self._is_initialized = True
        _withhold(result.capabilities, params.capabilities)
        result.capabilities.experimental = protocol.announced()
        if params.process_id is not None:
            self.on_initialize(params.process_id)
        # Runs when the answer has gone out.
        self._prepare(self._server.session.prepare())
        return result

    def _prepare(self, steps: Iterator[None]) -> None:
        def step() -> None:
            if not self._shutdown and next(steps, steps) is not steps:
                self._prepare(steps)

        asyncio.get_running_loop().call_soon(step)

    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *args: Any) -> Generator[Any, Any, None]:
        for message, _, _ in self._parked:
            self._refuse(message["id"], JsonRpcRequestCancelled("The server is shutting down."))
        self._parked.clear()
        yield from super().lsp_shutdown(*args)

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: Any) -> None:  # type: ignore[override]
        self.stop(0 if self._shutdown else 1)

    def stop(self, code: int) -> None:
        """End the conversation; the first reason decides the exit status."""
        if self.exit_code is None:
            self.exit_code = code
            self.on_exit()

    def ended(self) -> None:
        """The client closed its end."""
        self.stop(0 if self._shutdown else 1)

    # Text is kept by the session: pygls would read other line ends than the protocol has.

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: Any) -> Generator[Any, Any, None]:
        yield from self._only_ours(types.TEXT_DOCUMENT_DID_OPEN, params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: Any) -> Generator[Any, Any, None]:
        yield from self._only_ours(types.TEXT_DOCUMENT_DID_CHANGE, params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: Any) -> Generator[Any, Any, None]:
        yield from self._only_ours(types.TEXT_DOCUMENT_DID_CLOSE, params)

    @lsp_method(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def lsp_workspace__did_change_workspace_folders(self, params: Any) -> Generator[Any, Any, None]:
        yield from self._only_ours(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, params)

    def _only_ours(self, method: str, params: Any) -> Generator[Any, Any, None]:
        handler = self.fm.features.get(method)
        if handler is not None:
            yield handler, (params,), None

    def _register_builtin_features(self) -> None:
        super()._register_builtin_features()  # type: ignore[no-untyped-call]
        for method in [m for m in self.fm.builtin_features if m.startswith(_NOTEBOOKS)]:
            del self.fm.builtin_features[method]


def strict_converter() -> Any:
    """pygls' converter, which takes a number for a number and makes no text of it."""
    converter = default_converter()  # type: ignore[no-untyped-call]

    def text(value: Any, kind: Any) -> Any:
        if not isinstance(value, str):
            raise TypeError(f"{value!r} is not a string")
        return value if kind is str else kind(value)

    def number(value: Any, kind: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise TypeError(f"{value!r} is not a whole number")
        # Enumerations are classes of numbers too.
        return int(value) if kind is int else kind(int(value))

    def truth(value: Any, _: Any) -> bool:
        if not isinstance(value, bool):
            raise TypeError(f"{value!r} is neither true nor false")
        return value

    converter.register_structure_hook(bool, truth)
    converter.register_structure_hook(str, text)
    converter.register_structure_hook(int, number)
    return converter


def _is_id(value: object) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _needs_all(message: dict[str, Any]) -> bool:
    """Whether a request is about more than one file's text: it waits for the workspace."""
    method, params = message["method"], message.get("params")
    if method == types.WORKSPACE_EXECUTE_COMMAND and isinstance(params, dict):
        return params.get("command") != protocol.RESTART_INDEX
    return method not in _DURING_INDEXING


def _uri_of(message: dict[str, Any]) -> str | None:
    """The document that a request is about: named in one of three ways, or not at all."""
    params = message.get("params")
    if not isinstance(params, dict):
        return None
    for holder in (params.get("textDocument"), params.get("item"), params):
        uri = holder.get("uri") if isinstance(holder, dict) else None
        if isinstance(uri, str):
            return uri
    return None


def _withhold(offered: types.ServerCapabilities, client: types.ClientCapabilities) -> None:
    """Offer nothing that this client has not said it understands."""
    text = client.text_document
    if not (text and text.diagnostic):
        offered.diagnostic_provider = None
    if not (client.general and client.general.position_encodings):
        offered.position_encoding = None
    if not (text and text.code_action and text.code_action.code_action_literal_support):
        # Only those who know actions as such may be told which kinds of them there are.
        offered.code_action_provider = True
    if offered.workspace is not None:
        if client.workspace and client.workspace.text_document_content:
            # pygls does not know this part of the protocol yet.
            schemes = [protocol.SCHEME]
            offered.workspace.text_document_content = types.TextDocumentContentOptions(schemes)
        if not (client.workspace and client.workspace.file_operations):
            offered.workspace.file_operations = None
        if not (client.workspace and client.workspace.workspace_folders):
            offered.workspace.workspace_folders = None
