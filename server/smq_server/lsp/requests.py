"""Our own requests: typed parameters in, typed answers out, errors in the protocol's words."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from smq_server.lsp import protocol
from smq_server.lsp.wire_values import Malformed, from_wire, to_wire

if TYPE_CHECKING:
    from smq_server.lsp.app import SmqServer


class RequestFailed(JsonRpcException):
    """The request was right and could not be done; the message is for the person."""

    CODE = -32803
    MESSAGE = "Request failed"


def answers(
    server: SmqServer, method: str
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Register a handler, plain or async, from the method's parameters to its answer."""
    kind, _ = protocol.REQUESTS[method]

    def parameters(raw: object) -> Any:
        try:
            return from_wire(kind, raw if raw is not None else {})
        except Malformed as problem:
            raise JsonRpcInvalidParams(f"{method}: {problem}.") from problem

    def register(handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
        # pygls hands the server itself to a parameter that may be annotated with it.
        if inspect.iscoroutinefunction(handler):

            async def later(raw: dict[str, Any]) -> Any:
                return to_wire(await handler(parameters(raw)))

            server.feature(method)(later)
        else:

            def now(raw: dict[str, Any]) -> Any:
                return to_wire(handler(parameters(raw)))

            server.feature(method)(now)
        return handler

    return register


def of_command(
    kind: type[Any], arguments: Sequence[Any], names: Sequence[str] = ("uri", "query")
) -> Any:
    """The parameters that a command takes: one object, or values for `names`, as the client likes.

    Raises JsonRpcInvalidParams when they are neither.
    """
    values = list(arguments[0]) if arguments and isinstance(arguments[0], list) else list(arguments)
    if len(values) == 1 and isinstance(values[0], dict):
        given: object = values[0]
    else:
        given = dict(zip(names, values, strict=False))
    try:
        return from_wire(kind, given, "arguments")
    except Malformed as problem:
        raise JsonRpcInvalidParams(f"{problem}.") from problem
