"""Settings of the client, and what is registered with it once it listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lsprotocol import types

if TYPE_CHECKING:
    from smq_server.lsp.app import SmqServer

_WATCHED = ("**/*.smq.json", "**/*.yml", "**/*.yaml", "**/smq.toml", "**/pyproject.toml")


def register(server: SmqServer) -> None:
    session = server.session

    @server.feature(types.INITIALIZED)
    def initialized(params: types.InitializedParams) -> None:
        session.start()
        workspace = session.client.workspace
        if workspace and workspace.configuration:
            ask()
        if workspace and _is_dynamic(workspace.did_change_configuration):
            _register_later(types.WORKSPACE_DID_CHANGE_CONFIGURATION, {"section": "smq"})
        if workspace and _is_dynamic(workspace.did_change_watched_files):
            watchers = [{"globPattern": pattern} for pattern in _WATCHED]
            _register_later(
                types.WORKSPACE_DID_CHANGE_WATCHED_FILES, {"watchers": watchers}, watched
            )

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def changed(params: types.DidChangeConfigurationParams) -> None:
        workspace = session.client.workspace
        if workspace and workspace.configuration:
            # The notification's own values are then often only those that were changed.
            ask()
        else:
            session.apply_settings(params.settings)

    def ask() -> None:
        items = types.ConfigurationParams([types.ConfigurationItem(section="smq")])

        def answered(values: Any) -> None:
            session.apply_settings(values[0] if isinstance(values, list) and values else None)

        server.ask(types.WORKSPACE_CONFIGURATION, items, answered)

    def watched(_: Any) -> None:
        session.watches_disk = True

    def _register_later(
        method: str, options: dict[str, Any], then: Callable[[Any], object] | None = None
    ) -> None:
        registration = types.Registration(f"smq-{method}", method, options)
        params = types.RegistrationParams([registration])
        server.ask(types.CLIENT_REGISTER_CAPABILITY, params, then)


def _is_dynamic(capability: Any) -> bool:
    return bool(capability and capability.dynamic_registration)
