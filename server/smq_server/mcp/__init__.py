"""The Model Context Protocol: the workspace as tools for agents.

`server` speaks the protocol and is the only module that knows its SDK; `tools` does the work.
"""
