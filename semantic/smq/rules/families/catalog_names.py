"""Rules for queries where no models are: names are held to those that the metadata cache carries.

Such a workspace has query files only. They cannot be compiled here, but a name that the team's
models do not define is as wrong here as there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from smq.catalog import CatalogSnapshot, Known
from smq.graph.symbols import GRAINS
from smq.problem import Fix, Problem, Severity
from smq.query.written import Item, WrittenQuery
from smq.rules.model_edits import replacements
from smq.rules.registry import Args, Context, rule
from smq.rules.wording import did_you_mean, listed
from smq.text.name_index import NameIndex

if TYPE_CHECKING:
    from smq.catalog.semantic import SemanticNames

_METRIC_TIME = "metric_time"


def _queries(context: Context, uri: str) -> Iterator[tuple[WrittenQuery, SemanticNames]]:
    catalog = context.catalog
    if isinstance(catalog, Known) and context.knows_names_only:
        for query in context.file(uri).queries:
            yield query, catalog.semantic


def _names(item: Item, dialect: str) -> Iterator[tuple[str, int, int]]:
    # Imported here, because it brings the SQL library, which listing rules can do without.
    from smq.expr import parse_expression

    text = item.text
    if item.key in ("groupBy", "orderBy"):
        name = text.removeprefix("-").strip()
        start = text.find(name)
        yield name, start, start + len(name)
        return
    for use in parse_expression(text, dialect).uses:
        if use.call is None and use.scope == 0 and len(use.parts) == 1:
            yield use.name, use.start, use.end


def _aliases(query: WrittenQuery, dialect: str) -> frozenset[str]:
    from smq.expr import parse_expression

    found = (parse_expression(item.text, dialect).alias for item in query.metrics)
    return frozenset(alias for alias in found if alias is not None)


def bare(names: SemanticNames, name: str) -> str:
    """A dimension's path without the grain at its end, if that is one."""
    if names.dimension(name) is not None:
        return name
    rest, _, grain = name.rpartition("__")
    return rest if rest and grain in GRAINS else name


def _is_known(names: SemanticNames, name: str) -> bool:
    if names.metric(name) is not None:
        return True
    path = bare(names, name)
    if path == _METRIC_TIME or names.dimension(path) is not None:
        return True
    heads = {model.name for model in names.models}
    heads |= {entity.name for model in names.models for entity in model.entities}
    for model in names.models:
        ends = (model.name, *(entity.name for entity in model.entities))
        # By the entities that lead to the model; measures and keys stand inside aggregates.
        for member in (*model.dimensions, *model.measures, *model.entities):
            prefix = path.removesuffix(f"__{member.name}")
            if prefix != path and any(_leads(prefix, end, heads) for end in ends):
                return True
    return False


def _leads(prefix: str, end: str, heads: set[str]) -> bool:
    """Whether a prefix is a chain of known names, `cust__brn`, that ends so."""
    if prefix == end:
        return True
    rest = prefix.removesuffix(f"__{end}")
    return rest != prefix and any(_leads(rest, head, heads) for head in heads)


def _unknown(context: Context, uri: str) -> Iterator[Problem]:
    dialect = context.configuration.dialect
    for query, names in _queries(context, uri):
        aliases = _aliases(query, dialect)
        for item in (*query.metrics, *query.group_by, *query.filters, *query.order_by):
            for name, start, end in _names(item, dialect):
                if name in aliases or not name or _is_known(names, name):
                    continue
                is_dimension = "__" in name or item.key == "groupBy"
                kind = "dimension" if is_dimension else "metric"
                near = _names_like(context.catalog, kind, bare(names, name))
                facts = {"name": name, "kind": kind, "nearest": near}
                yield Problem("CAT201", item.part(start, end), facts)


def _names_like(catalog: CatalogSnapshot, kind: str, wanted: str) -> tuple[str, ...]:
    """The nearest names of a kind, among tens of thousands."""
    if not isinstance(catalog, Known):
        return ()
    index = catalog.memo.get(("names", kind))
    if index is None:
        names = catalog.semantic
        if kind == "metric":
            index = NameIndex(metric.name for metric in names.metrics)
        else:
            index = NameIndex(each.path for model in names.models for each in model.dimensions)
        catalog.memo["names", kind] = index
    found: tuple[str, ...] = index.nearest(wanted)
    return found


def _use_nearest(problem: Problem, context: Context) -> Iterator[Fix]:
    near: tuple[str, ...] = tuple(problem.args.get("nearest") or ())  # type: ignore[arg-type]
    yield from replacements(problem.location, near)


@rule("CAT201", "name-not-in-cache", Severity.ERROR, on="smq", fix=_use_nearest, check=_unknown)
def name_not_in_cache(args: Args) -> str:
    """A query asks for a name that the metadata cache does not carry.

    This workspace has no model files, so queries are held to the names that MetaSync collected
    from the models elsewhere. With models in the workspace other rules say the same, and more.

    ```bad
    -- .smq/metadata_cache.json --
    {"version": 1, "schema": {}, "examples": [], "semantic": {"hash": "1", "models": [],
     "groupings": [], "metrics": [{"name": "total_sales"}, {"name": "orders"}]}}
    -- q.smq.json --
    {"metrics": ["total_sale"]}
    ```

    ```good
    -- .smq/metadata_cache.json --
    {"version": 1, "schema": {}, "examples": [], "semantic": {"hash": "1", "models": [],
     "groupings": [], "metrics": [{"name": "total_sales"}, {"name": "orders"}]}}
    -- q.smq.json --
    {"metrics": ["total_sales"]}
    ```

    The fix puts the nearest name in its place. A name that is new there comes with the next
    `smq metasync sync`.
    """
    return (
        f"The metadata cache knows no {args['kind']} '{args['name']}'."
        f"{did_you_mean(tuple(args.get('nearest') or ()), str(args['name']))}"
    )


def _ungroupable(context: Context, uri: str) -> Iterator[Problem]:
    dialect = context.configuration.dialect
    for query, names in _queries(context, uri):
        metrics = {
            name: names.groupable(name)
            for item in query.metrics
            for name, _, _ in _names(item, dialect)
        }
        for item in query.group_by:
            for name, start, end in _names(item, dialect):
                path = bare(names, name)
                if names.dimension(path) is None:
                    continue
                apart = tuple(
                    metric
                    for metric, allowed in metrics.items()
                    if allowed is not None and path not in allowed
                )
                if apart:
                    facts = {"name": name, "metrics": apart}
                    yield Problem("CAT202", item.part(start, end), facts)


@rule("CAT202", "grouping-not-in-cache", Severity.ERROR, on="smq", check=_ungroupable)
def grouping_not_in_cache(args: Args) -> str:
    """A query groups a metric by a dimension that the metric does not reach.

    The metadata cache says for each metric by which dimensions it can be grouped: those that joins
    reach without counting a row twice.

    ```bad
    -- .smq/metadata_cache.json --
    {"version": 1, "schema": {}, "examples": [], "semantic": {"hash": "1",
     "models": [{"name": "shops", "dimensions": [{"name": "city"}]},
                {"name": "staff", "dimensions": [{"name": "role"}]}],
     "groupings": [["shops__city"]], "metrics": [{"name": "sales", "grouping": 0}]}}
    -- q.smq.json --
    {"metrics": ["sales"], "groupBy": ["staff__role"]}
    ```

    ```good
    -- .smq/metadata_cache.json --
    {"version": 1, "schema": {}, "examples": [], "semantic": {"hash": "1",
     "models": [{"name": "shops", "dimensions": [{"name": "city"}]},
                {"name": "staff", "dimensions": [{"name": "role"}]}],
     "groupings": [["shops__city"]], "metrics": [{"name": "sales", "grouping": 0}]}}
    -- q.smq.json --
    {"metrics": ["sales"], "groupBy": ["shops__city"]}
    ```

    There is no fix: another metric, another dimension and a join in the models are all possible.
    """
    return (
        f"{listed(args['metrics'])} cannot be grouped by '{args['name']}': no join leads there "
        "without counting rows twice, as far as the metadata cache says."
    )
