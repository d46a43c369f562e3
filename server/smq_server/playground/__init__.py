"""The playground: an editor in a web page of this machine, with the real language server.

`workspaces` says which files a visitor sees, `page` holds what the browser loads, and `host`
serves both and gives every visitor a language server process of their own. The page itself is
made from `editors/playground`; nothing here knows the protocol that goes through it.
"""
