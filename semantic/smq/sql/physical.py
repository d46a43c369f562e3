"""Row values as SQL: columns of a relation under an alias, with grains and typed literals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp
from sqlglot.errors import SqlglotError

from smq.dialects.grammar import grammar
from smq.expr import Template, copied, fill, parse_expression
from smq.graph.graph import SemanticGraph
from smq.graph.leaves import ConditionRef, InnerRef, Leaf, MetricValue, RowCondition
from smq.graph.references import RowRef
from smq.graph.symbols import (
    GRAINS,
    Dimension,
    Entity,
    Measure,
    Model,
    SelectRelation,
    Sql,
    TableName,
)
from smq.problem import Problem
from smq.query.bound import PostExpression
from smq.sql.moments import DATE_TYPES, Kind, agreed, declared, kind_of

PRESENT = "smq_present"
NUMBER = "smq_row"
_STRICT = (
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
    exp.Mod,
    exp.Neg,
    exp.Paren,
    exp.Cast,
    exp.TryCast,
    exp.EQ,
    exp.NEQ,
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.Upper,
    exp.Lower,
    exp.Trim,
    exp.Length,
    exp.Abs,
    exp.Floor,
    exp.Ceil,
    exp.Extract,
    exp.Year,
    exp.Month,
    exp.Day,
    exp.DateTrunc,
    exp.TimestampTrunc,
    exp.Dot,
)


def is_strict(tree: exp.Expr) -> bool:
    """Whether the expression is surely NULL when its columns are: a column, or operators on it."""
    if isinstance(tree, exp.Column):
        return True
    # One strict operand is enough, because every operator in the list gives NULL for a NULL.
    return isinstance(tree, _STRICT) and any(is_strict(node) for node in tree.iter_expressions())


_KINDS: dict[type, str] = {Dimension: "dimension", Entity: "entity", Measure: "measure"}


class PhysicalFault(Exception):
    """A model whose SQL cannot be used; holds the problem, at its place in the model's file."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def name(text: str, exact: bool = True) -> exp.Identifier:
    """An identifier; an exact one is ours and keeps its letter case on every engine."""
    return exp.Identifier(this=text, quoted=exact)


def column(alias: str, text: str, exact: bool = True) -> exp.Column:
    return exp.Column(this=name(text, exact), table=name(alias))


def base_type(data_type: str | None) -> str:
    """`decimal(10, 2)` → `decimal`; empty when nothing is declared."""
    return (data_type or "").lower().split("(")[0].strip()


def value_kind(dimension: Dimension) -> str:
    """`date` when the column surely is one, else `timestamp`, as truncation needs to know."""
    return "date" if base_type(dimension.data_type) in DATE_TYPES else "timestamp"


class Physical:
    """Writes row values and relations; remembers every physical column it has named."""

    def __init__(
        self,
        graph: SemanticGraph,
        dialect: str,
        time_grain: str | None = None,
        trace: bool = False,
    ) -> None:
        self.graph = graph
        self.trace = trace
        self.dialect = dialect
        self.time_grain = time_grain
        self.time_is_mixed = False
        """Whether `metric_time` is a date for some leaves and a timestamp for others."""
        self.time_kind: Kind = ""
        """What `metric_time` surely is for all leaves."""
        self.columns: dict[str, None] = {}
        self.tables: dict[str, None] = {}
        self.keys: dict[str, tuple[str, Entity | None]] = {}
        """For each alias that an outer join may leave empty: its model, and an entity that surely
        has a value in each of its rows."""
        self.marked: set[str] = set()
        """Aliases whose relation needs a column that tells a row from no row."""
        self.numbered: dict[str, tuple[Entity, ...]] = {}
        """Aliases whose relation needs a number for each row, and what to number them by."""
        self.inner: list[str] = []
        """The metrics that filters have asked for so far, in the whole statement."""

    # Rows that are not there.

    def present(self, alias: str) -> exp.Expr:
        """Whether the alias has a row: its key is not NULL, or a column added for the purpose."""
        model, entity = self.keys[alias]
        if entity is not None:
            value = self._plain_member(entity, self.graph.models[model], alias)
            if is_strict(value):
                return exp.Not(this=exp.Is(this=value, expression=exp.Null()))
        if alias in self.numbered:
            return exp.Not(this=exp.Is(this=column(alias, NUMBER), expression=exp.Null()))
        self.marked.add(alias)
        marker = column(alias, PRESENT)
        return exp.Not(this=exp.Is(this=marker, expression=exp.Null()))

    def table(self, model: str, alias: str) -> exp.Expr:
        """The relation for FROM or JOIN, with the marker and the number that it needs."""
        relation = self.relation(model, alias)
        added: list[exp.Expr] = []
        if alias in self.numbered:
            by = [
                self._plain_member(entity, self.graph.models[model], alias)
                for entity in self.numbered[alias]
            ]
            order = exp.Order(expressions=[exp.Ordered(this=v, nulls_first=False) for v in by])
            number = exp.Window(this=exp.RowNumber(), order=order, over="OVER")
            added.append(exp.Alias(this=number, alias=name(NUMBER)))
        if alias in self.marked:
            added.append(exp.Alias(this=exp.Literal.number(1), alias=name(PRESENT)))
        if not added:
            return relation
        star = exp.Column(this=exp.Star(), table=name(alias))
        inner = exp.Select(expressions=[star, *added], from_=exp.From(this=relation))
        return exp.Subquery(this=inner, alias=exp.TableAlias(this=name(alias)))

    # Relations.

    def relation(self, model: str, alias: str) -> exp.Expr:
        """The model's table or query under an alias. Raises PhysicalFault."""
        symbol = self.graph.models[model]
        relation = self.graph.relation(symbol)
        as_alias = exp.TableAlias(this=name(alias))
        if isinstance(relation, TableName) and relation.parts:
            parts = [name(part, exact=False) for part in relation.parts]
            self.tables[".".join(relation.parts)] = None
            table = exp.Table(this=parts[-1], alias=as_alias)
            for key, part in zip(("db", "catalog"), reversed(parts[:-1]), strict=False):
                table.set(key, part)
            table.meta["origin"] = f"model:{model}"
            if self.trace:
                table.meta["of"] = ("model", model)
            return table
        if isinstance(relation, SelectRelation):
            query = self._query(symbol, relation)
            self.tables[f"({symbol.name})"] = None
            inner = exp.Subquery(this=query, alias=as_alias)
            if self.trace:
                inner.meta["of"] = ("model", model)
            return inner
        place = symbol.relation_at or symbol.name_at
        raise PhysicalFault(Problem("MOD290", place, {"model": model}))

    def table_text(self, model: str) -> str:
        relation = self.graph.relation(self.graph.models[model])
        return ".".join(relation.parts) if isinstance(relation, TableName) else model

    def _query(self, model: Model, relation: SelectRelation) -> exp.Expr:
        key = ("select relation", model.name, self.dialect)
        parsed: exp.Expr | PhysicalFault | None = self.graph.memo.get(key)
        if parsed is None:
            parsed = _parsed_query(relation.sql, self.dialect)
            self.graph.memo[key] = parsed
        if isinstance(parsed, PhysicalFault):
            raise parsed
        return parsed.copy()

    # Row values.

    def value(self, ref: RowRef, alias: str) -> exp.Expr:
        """A row value read under an alias, truncated to its grain. Raises PhysicalFault."""
        if ref.kind == "column":
            self._note(ref.model, ref.name)
            return column(alias, ref.name, exact=False)
        index = self.graph.index(ref.model)
        if ref.kind == "dimension":
            dimension = index.dimensions[ref.name]
            inner = self._member(dimension, index.model, alias)
            return self._truncated(inner, dimension, ref.grain)
        symbol: Entity | Measure = (
            index.measures[ref.name] if ref.kind == "measure" else index.entities[ref.name]
        )
        return self._member(symbol, index.model, alias)

    def entity(self, model: str, entity: Entity, alias: str) -> exp.Expr:
        return self._member(entity, self.graph.models[model], alias)

    def time(self, ref: RowRef, alias: str, grain: str | None, own: bool = False) -> exp.Expr:
        """`metric_time` on one leaf: its time dimension at the asked or the coarsest grain.

        With `own`, as filters read it, what has no grain asked for keeps that of the dimension.
        """
        dimension = self.graph.index(ref.model).dimensions[ref.name]
        wanted = grain or (dimension.grain if own else self.time_grain)
        inner = self._member(dimension, self.graph.models[ref.model], alias)
        if self.time_is_mixed and value_kind(dimension) == "date":
            # Dates and timestamps of one axis must be equal values to fall into one group.
            to = exp.DataType(this=exp.DType.TIMESTAMP, nested=False)
            inner = exp.Cast(this=inner, to=to)
            return self._truncated(inner, dimension, wanted, "timestamp")
        return self._truncated(inner, dimension, wanted)

    def condition(self, condition: RowCondition, value_of: dict[RowRef, exp.Expr]) -> exp.Expr:
        """A row condition with the values of its references in place."""
        refs = condition.refs
        template = self.agreed(condition.template, refs)
        values: list[exp.Expr] = []
        for ref in refs:
            if isinstance(ref, MetricValue):
                values.append(column(ref.alias, ref.metric))
            elif isinstance(ref, InnerRef):
                inner = RowRef(ref.kind, ref.model, ref.name, ref.grain)
                values.append(self.value(inner, ref.alias))
            else:
                values.append(copied(value_of[ref]))
        tree = fill(template, lambda slot: values[slot])
        if condition.tables:
            holder = exp.Paren(this=tree)
            by_name = {
                f"smq_table_{slot}": (model, alias) for slot, model, alias in condition.tables
            }
            for table in list(holder.find_all(exp.Table)):
                known = by_name.get(table.name)
                if known is not None:
                    table.replace(self.relation(*known))
            tree = holder.this.pop()
        if condition.origin:
            tree.meta["origin"] = condition.origin
        if self.trace and condition.at is not None:
            uri, span = condition.at
            tree.meta["of"] = ("place", uri, span.start, span.end)
        return tree

    def _member(self, symbol: Dimension | Entity | Measure, model: Model, alias: str) -> exp.Expr:
        """The member's expression; NULL where the alias has no row, whatever it computes."""
        value = self._plain_member(symbol, model, alias)
        if alias in self.keys and not is_strict(value):
            value = exp.Case(ifs=[exp.If(this=self.present(alias), true=value)])
        if self.trace:
            value.meta["of"] = (_KINDS[type(symbol)], model.name, symbol.name)
        return value

    def _plain_member(
        self, symbol: Dimension | Entity | Measure, model: Model, alias: str
    ) -> exp.Expr:
        sql = symbol.expr
        if sql is None:
            self._note(model.name, symbol.name)
            return column(alias, symbol.name, exact=False)
        template = self._template(sql)
        values = [self._column(use, model, alias) for use in template.uses]
        return fill(template, lambda slot: values[slot])

    def _template(self, sql: Sql) -> Template:
        template = parse_expression(sql.text, self.dialect)
        detail = ""
        if template.fault is not None:
            detail = template.fault.detail
        elif template.tables:
            detail = "a subquery is not allowed here"
        elif template.has_aggregate or template.has_window:
            detail = "an aggregate or window is not allowed here"
        if detail:
            args = {"text": sql.text, "detail": detail}
            raise PhysicalFault(Problem("MET105", sql.location, args))
        return template

    def _column(self, use, model: Model, alias: str) -> exp.Expr:  # type: ignore[no-untyped-def]
        parts: list[str] = list(use.parts)
        quoted: list[bool] = list(use.quoted) or [False] * len(parts)
        if len(parts) > 1 and parts[0] in (model.name, self._last_part(model)):
            parts, quoted = parts[1:], quoted[1:]
        self._note(model.name, ".".join(parts))
        tree: exp.Expr = exp.Column(this=name(parts[0], quoted[0]), table=name(alias))
        for part, exact in zip(parts[1:], quoted[1:], strict=True):
            tree = exp.Dot(this=tree, expression=name(part, exact))
        return tree

    def _last_part(self, model: Model) -> str:
        relation = self.graph.relation(model)
        return relation.parts[-1] if isinstance(relation, TableName) and relation.parts else ""

    def _note(self, model: str, physical: str) -> None:
        self.columns[f"{self.table_text(model)}.{physical}"] = None

    def _truncated(
        self, inner: exp.Expr, dimension: Dimension, grain: str | None, kind: str | None = None
    ) -> exp.Expr:
        if not dimension.is_time:
            return inner
        kind = kind or value_kind(dimension)
        wanted = grain or dimension.grain
        if wanted is None or wanted not in GRAINS:
            return inner
        if kind == "date" and GRAINS.index(wanted) <= GRAINS.index("day"):
            return inner
        if grain is None and GRAINS.index(wanted) < GRAINS.index("second"):
            return inner
        return exp.Anonymous(
            this="SMQ_TRUNC",
            expressions=[inner, exp.Literal.string(wanted), exp.Literal.string(kind)],
        )

    # Kinds of values.

    def agreed(self, template: Template, refs: Sequence[ConditionRef]) -> Template:
        """The template with dates, timestamps and texts of one kind where they meet."""
        assert template.tree is not None
        tree = agreed(template.tree, lambda slot: self.kind(refs[slot]), len(refs))
        return template if tree is template.tree else replace(template, tree=tree)

    def leaf_tree(self, leaf: Leaf) -> exp.Expr:
        """A leaf's aggregate call, as `agreed` makes it."""
        return agreed(leaf.tree, lambda slot: self.kind(leaf.refs[slot]), len(leaf.refs))

    def post_tree(self, expression: PostExpression) -> exp.Expr:
        """An expression over aggregated rows, as `agreed` makes it."""
        slots = expression.slots

        def kind(number: int) -> Kind:
            slot = slots[number]
            return self.leaf_kind(slot) if isinstance(slot, Leaf) else self.kind(slot)

        return agreed(expression.tree, kind, len(slots))

    def leaf_kind(self, leaf: Leaf) -> Kind:
        return kind_of(leaf.tree, lambda slot: self.kind(leaf.refs[slot]))

    def kind(self, ref: ConditionRef) -> Kind:
        """Whether a row value is a date or a timestamp, as far as its model says."""
        if isinstance(ref, MetricValue):
            return ""
        if ref.kind == "metric_time":
            return self.time_kind
        if ref.kind == "measure":
            return declared(self.graph.index(ref.model).measures[ref.name].data_type)
        if ref.kind != "dimension":
            return ""
        return time_kind(self.graph.index(ref.model).dimensions[ref.name], ref.grain)


def time_kind(dimension: Dimension, grain: str | None) -> Kind:
    """The kind of a dimension's values; `time` for one that is cut to a grain and not declared."""
    found = declared(dimension.data_type)
    if found or not dimension.is_time:
        return found
    wanted = grain or dimension.grain
    if wanted not in GRAINS or (grain is None and GRAINS.index(wanted) < GRAINS.index("second")):
        return ""
    return "time"


def _parsed_query(sql: Sql, dialect: str) -> exp.Expr | PhysicalFault:
    from smq.dialects import dialect as facts

    def fault(detail: str) -> PhysicalFault:
        return PhysicalFault(Problem("MET105", sql.location, {"text": sql.text, "detail": detail}))

    text = sql.text.strip().rstrip(";")
    try:
        statements = grammar(facts(dialect).sqlglot).parse(text)
    except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError) as error:
        return fault(str(error).splitlines()[0].split(" Line ")[0])
    query = statements[0] if len(statements) == 1 else None
    if isinstance(query, exp.Subquery) and query.this is not None:
        query = query.this
    if not isinstance(query, (exp.Select, exp.SetOperation)):
        return fault("a relation must be one SELECT")
    for node in query.walk():
        node.comments = None
        bad = isinstance(node, (exp.DML, exp.DDL, exp.Command)) and not isinstance(node, exp.Query)
        if bad or (isinstance(node, exp.Select) and node.args.get("into")):
            return fault("a relation may only read")
        if node._meta:
            node.meta.clear()
        if isinstance(node, (exp.Placeholder, exp.Parameter)):
            return fault("a relation takes no parameters")
    return query
