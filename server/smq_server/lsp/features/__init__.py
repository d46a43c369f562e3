"""One module for each family of requests: take the view, convert, ask the core, convert.

Each has `register(server)`, which is called before `initialize` is answered: a module imports
lsprotocol and the session at its top, and what it needs of the core inside its handlers.
"""

FEATURES = (
    "synchronise",
    "configuration",
    "cancelling",
    "diagnostic",
    "hovering",
    "completing",
    "navigation",
    "hierarchies",
    "outlining",
    "acting",
    "previewing",
    "exploring",
    "running",
    "comparing",
    "commanding",
    "generating",
)
"""The modules of this package, in the order in which they register."""
