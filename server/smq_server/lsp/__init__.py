"""The language server: the only package that knows pygls and lsprotocol.

Promises: every request gets exactly one answer, from one consistent snapshot; `initialize` is
answered before anything of the core is imported. Must not know: how queries compile, what rules
look for, what a command line prints.
"""
