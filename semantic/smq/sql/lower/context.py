"""What the passes share: the dialect, what was refused, and the few questions all of them ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

from sqlglot import exp

from smq.dialects import Dialect

Node = TypeVar("Node", bound=exp.Expr)
Reason = Literal["not yet", "the engine cannot", "never"]


class Refusal(NamedTuple):
    """A construct that the dialect's SQL cannot say."""

    feature: str
    reason: Reason
    origin: str | None
    """The item of the query that asked for it, when its node carries one: `metrics[0]`."""
    words: str = ""
    """By what the place in the item is found: a function's name, or `frame`."""


@dataclass(frozen=True, slots=True, eq=False)
class Lowered:
    """A tree in the dialect's own constructs; not to be rendered if anything was refused."""

    tree: exp.Expr
    refused: tuple[Refusal, ...]
    kinds: frozenset[type[exp.Expr]]
    """The classes of all its nodes."""


class Context:
    """Lives for one call of `lower`."""

    def __init__(self, dialect: Dialect, written: Dialect) -> None:
        self.dialect = dialect
        self.written = written
        """The dialect of users' expressions, which the tree still shows in places."""
        self.is_foreign = written != dialect
        self.refused: list[Refusal] = []
        self._nodes: list[exp.Expr] | None = None

    def find(self, tree: exp.Expr, *types: type[Node]) -> list[Node]:
        """The nodes of these types, each before those inside it.

        All passes share one walk over the tree until one of them changes it.
        """
        return [node for node in self.nodes(tree) if isinstance(node, types)]

    def nodes(self, tree: exp.Expr) -> list[exp.Expr]:
        if self._nodes is None:
            self._nodes = _walk(tree)
        return self._nodes

    def touch(self) -> None:
        """Says that nodes were put into the tree, taken out of it, or moved."""
        self._nodes = None

    def replace(self, old: exp.Expr, new: exp.Expr, root: exp.Expr) -> exp.Expr:
        """Puts `new` where `old` is, with its origin; gives the root, which may be `new`."""
        self.touch()
        for key, value in old.meta.items():
            new.meta.setdefault(key, value)
        if old is root:
            return new
        old.replace(new)
        return root

    def refuse(self, feature: str, reason: Reason, node: exp.Expr) -> None:
        refusal = Refusal(feature, reason, origin(node), _words(node))
        if refusal not in self.refused:
            self.refused.append(refusal)


def _walk(tree: exp.Expr) -> list[exp.Expr]:
    found: list[exp.Expr] = []
    ahead = [tree]
    while ahead:
        node = ahead.pop()
        found.append(node)
        inside: list[exp.Expr] = []
        for value in node.args.values():
            if isinstance(value, exp.Expr):
                inside.append(value)
            elif isinstance(value, list):
                inside += [item for item in value if isinstance(item, exp.Expr)]
        inside.reverse()
        ahead += inside
    return found


def origin(node: exp.Expr | None) -> str | None:
    """The origin of the node or of the nearest node around it."""
    while node is not None:
        found = node.meta.get("origin")
        if isinstance(found, str):
            return found
        node = node.parent
    return None


def _words(node: exp.Expr) -> str:
    if isinstance(node, exp.WindowSpec):
        return "frame"
    if isinstance(node, exp.WithinGroup):
        node = node.this
    return node.sql_name() if isinstance(node, exp.Func) else ""


def ours(name: str) -> exp.Identifier:
    """A name that only the SQL around it sees, so that the engine may fold it as it likes."""
    return exp.Identifier(this=name, quoted=False)


def subquery(query: exp.Expr, name: str) -> exp.Subquery:
    """The query as a source, under a name of ours."""
    return exp.Subquery(this=query, alias=exp.TableAlias(this=ours(name)))


def names_of_tables(tree: exp.Expr) -> set[str]:
    """Every name, in lower case, that a table or CTE has somewhere in the tree."""
    found = {node.alias_or_name.lower() for node in tree.find_all(exp.Table, exp.CTE)}
    return found | {node.alias.lower() for node in tree.find_all(exp.Subquery)}


def free_name(wanted: str, taken: set[str]) -> str:
    """`wanted`, or `wanted_2` and so on when that is taken in any letter case; then it is taken."""
    name, count = wanted, 1
    while name.lower() in taken:
        count += 1
        name = f"{wanted}_{count}"
    taken.add(name.lower())
    return name
