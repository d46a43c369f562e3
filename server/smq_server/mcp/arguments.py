"""A server that says what is wrong with a call in words a language model can act on.

The SDK passes over arguments that a tool does not have, so that a search with a slip in its name
would list everything, and its words on wrong values are those of a library.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, InputRequiredResult, Tool
from pydantic import ValidationError

from smq.text import nearest


class StrictServer(MCPServer):
    """The SDK's server; a call with an unknown tool or argument is refused with what there is."""

    async def list_tools(self) -> list[Tool]:
        """The tools, whose schemas say that nothing else is taken."""
        tools = await super().list_tools()
        for tool in tools:
            tool.input_schema = {**tool.input_schema, "additionalProperties": False}
        return tools

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        tools = {tool.name: tool for tool in await self.list_tools()}
        if name not in tools:
            hint = _hint(name, tools)
            raise ToolError(f"there is no tool '{name}'{hint}; there are {', '.join(tools)}")
        known: Mapping[str, Any] = tools[name].input_schema.get("properties", {})
        unknown = [each for each in arguments if each not in known]
        if unknown:
            wrong = "; ".join(f"there is no argument `{each}`{_hint(each, known)}"
                              for each in unknown)  # fmt: skip
            raise ToolError(f"{name}: {wrong}; it takes {', '.join(f'`{each}`' for each in known)}")
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(f"{name}: {_words(error.__cause__)}") from None
            raise


def _hint(name: str, known: Mapping[str, Any]) -> str:
    close = nearest(name, known)
    return f", did you mean {' or '.join(f'`{each}`' for each in close[:2])}?" if close else ""


def _words(error: ValidationError) -> str:
    return "; ".join(dict.fromkeys(_one(each) for each in error.errors(include_url=False)))


def _one(found: Any) -> str:
    name, *rest = found["loc"] or ("",)
    place = f"`{name}{''.join(f'[{part}]' for part in rest if isinstance(part, int))}`"
    if found["type"] == "missing":
        return f"{place} is missing"
    words = found["msg"].removeprefix("Value error, ").removeprefix("Input ")
    given = repr(found["input"])
    shown = given if len(given) <= 60 else given[:59] + "…"
    return f"{place} {words}, and not {shown}"
