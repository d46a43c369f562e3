"""The `metrics` list: metric names, expressions over metrics, and windows over them."""

from __future__ import annotations

import re
from collections.abc import Callable

from smq.expr import NameUse, Template, parse_expression
from smq.graph.leaves import Formula
from smq.graph.members import metrics_about
from smq.graph.references import (
    PrefixedMetric,
    RowRef,
    keyed_by,
    metric_time,
    readings,
    splits,
)
from smq.graph.symbols import TableName
from smq.problem import Problem, Related
from smq.query.aggregates import misplaced
from smq.query.bound import Output
from smq.query.expressions import Expressions, Meaning
from smq.query.names import Failure, each
from smq.query.written import Item
from smq.text import nfc

_SQL_WORD = re.compile(
    r"(?i)and|as|between|case|distinct|else|end|from|in|is|like|not|null|or|over|select|then|when"
    r"|where|insert|update|delete|drop|create|alter"
)


class MetricItems:
    """Binds the items of `metrics`, each on its own."""

    def __init__(self, expressions: Expressions, problems: list[Problem]) -> None:
        self.expressions = expressions
        self.graph = expressions.graph
        self.names = expressions.names
        self.problems = problems

    def bind(self, items: tuple[Item, ...]) -> list[Output]:
        outputs: list[Output] = []
        groups = (group.name for group in self.expressions.groups)
        taken = {*(nfc(item.text.strip()) for item in items), *groups}
        for item in items:
            try:
                output = self._item(item, outputs, taken)
            except Failure as failure:
                self.problems.extend(failure.problems)
                self.expressions.lost_outputs |= _names_of(item)
                continue
            if all(known.item.text != item.text for known in outputs):
                outputs.append(output)
            self.expressions.outputs = outputs
        return outputs

    def _item(self, item: Item, outputs: list[Output], taken: set[str]) -> Output:
        text = nfc(item.text.strip())
        if text in self.graph.metrics:
            at = item.text.find(item.text.strip())
            expression = self.expressions.metric(text, item, (at, at + len(item.text.strip())))
            return Output(text, expression, "metric", item, self.graph.metrics[text])
        template = parse_expression(item.text, self.expressions.dialect)
        if text in self.graph.models or self._is_misspelt(text):
            raise Failure(self._no_metric(item, text))
        if template.fault is not None and self._is_name(text):
            raise Failure(self._no_metric(item, text))
        template = self.expressions.parse(item)
        if template.is_bare_name and template.alias is None:
            raise Failure(self._no_metric(item, text))
        return self._expression(item, template, outputs, taken)

    def _expression(
        self, item: Item, template: Template, outputs: list[Output], taken: set[str]
    ) -> Output:
        if template.tables:
            table = template.tables[0]
            model = table.name if table.name in self.graph.models else ""
            args: dict[str, object] = {"table": table.name, "model": model, "nearest": ()}
            raise Failure(Problem("EXP106", item.part(table.start, table.end), args))
        calls = misplaced(template)
        problems = [self.expressions.aggregate_problem(item, template, call) for call in calls]
        # What an aggregate that may not be there takes is no further mistake.
        inside = {u.slot for u in template.uses for c in calls if c.start <= u.start < c.end}
        uses = [use for use in template.uses if use.slot not in inside]
        try:
            found = each(uses, lambda use: self._meaning(item, use, template))
        except Failure as failure:
            raise Failure(*problems, *failure.problems) from failure
        if problems:
            raise Failure(*problems)
        meanings = {use.slot: meaning for use, meaning in zip(uses, found, strict=True)}
        expression = self.expressions.post(item, template, meanings)
        alias = template.alias
        if alias is None:
            names = taken | {output.name for output in outputs}
            alias = generated_name(item.text, lambda n: n in names or n in self.graph.metrics)
            body = item.text[: template.body_end]
            args = {"expression": body.strip(), "alias": alias}
            self.problems.append(Problem("QRY113", item.location, args))
        elif alias in self.graph.metrics and template.text.strip() != alias:
            related = (Related(self.graph.metrics[alias].name_at, "the metric"),)
            args = {"name": alias}
            raise Failure(Problem("NAM126", item.part(*template.alias_at), args, related))
        return Output(alias, expression, "expression", item)

    def _meaning(self, item: Item, use: NameUse, template: Template) -> Meaning:
        try:
            return self.expressions.meaning(item, use, template)
        except Failure as failure:
            if use.in_window:
                raise
            # In an expression over metrics an unknown bare name is an unknown metric.
            problems = []
            for problem in failure.problems:
                if problem.code == "NAM120":
                    near = self.names.near_metrics(use.name)
                    args = {"name": use.name, "nearest": near}
                    problem = Problem("NAM101", problem.location, args)
                problems.append(problem)
            raise Failure(*problems) from failure

    # A name that is no metric.

    def _is_misspelt(self, text: str) -> bool:
        """`total-brn-cnt` is no subtraction when there is a `total_brn_cnt`."""
        return text not in self.graph.metrics and bool(self._same_but_for_separators(text))

    def _same_but_for_separators(self, text: str) -> tuple[str, ...]:
        if not re.fullmatch(r"\w+([ -]\w+)+", text):
            return ()
        wanted = re.sub(r"[ -]", "_", text).casefold()
        return tuple(sorted(name for name in self.graph.metrics if name.casefold() == wanted))

    def _is_name(self, text: str) -> bool:
        """Whether what is no SQL was meant as a name: one word, or words that are not SQL's."""
        if not re.fullmatch(r"[\w.:-]+( [\w.:-]+)*", text):
            return False
        words = text.split()
        return len(words) == 1 or not any(
            _SQL_WORD.fullmatch(word) or word in self.graph.metrics or "__" in word
            for word in words
        )

    def _no_metric(self, item: Item, text: str) -> Problem:
        graph = self.graph
        place = item.location
        if text in graph.models:
            return self._model(item, text, "model")
        same = self._same_but_for_separators(text)
        if same:
            return Problem("NAM101", place, {"name": text, "nearest": same})
        # `model.member` is looked up as what it was meant to be.
        written = "__".join(text.split(".")) if text.count(".") == 1 else text
        time = metric_time(text, self.names.grains)
        if time is not None:
            return self._member(item, text, time)
        for reading in readings(graph, written, self.names.grains):
            if isinstance(reading, PrefixedMetric):
                args = {"name": text, "metric": reading.metric, "model": reading.model}
                return Problem("NAM106", place, args)
            return self._member(item, text, reading)
        for left, right in splits(written):
            if right in graph.metrics:
                args = {"name": text, "metric": right, "model": left}
                return Problem("NAM106", place, args)
            for model in keyed_by(graph, left):
                if right in graph.index(model).measures:
                    return self._member(item, text, RowRef("measure", model, right))
        found = self.names.elsewhere(text) or self.names.bare_times(text)
        for kind in ("measure", "dimension", "entity"):
            for ref in found:
                if ref.kind == kind:
                    return self._member(item, text, ref)
        for model_ in graph.models.values():
            for entity in model_.entities:
                if entity.expr is not None and entity.expr.text == text:
                    return self._member(item, text, RowRef("entity", model_.name, entity.name))
        for name in self.names.near_models(text):
            relation = graph.relation(graph.models[name])
            if isinstance(relation, TableName) and relation.parts[-1:] == (text,):
                return self._model(item, name, "table")
        tails = [right for _, right in splits(written)]
        near = [name for each in (text, *tails) for name in self.names.near_metrics(each)]
        return Problem("NAM101", place, {"name": text, "nearest": tuple(dict.fromkeys(near))[:3]})

    def _model(self, item: Item, model: str, kind: str) -> Problem:
        related = (Related(self.graph.models[model].name_at, "the semantic model"),)
        name = nfc(item.text.strip())
        args = {"name": name, "kind": kind, "model": model, "metrics": self.metrics_of(model)}
        return Problem("NAM102", item.location, args, related)

    def _member(self, item: Item, text: str, ref: RowRef) -> Problem:
        definition = self.names.definition(ref)
        related = (Related(definition, f"the {ref.kind}"),) if definition else ()
        if ref.kind == "measure":
            metrics = self.expressions.metrics_on(ref)
            args: dict[str, object] = {
                "name": text,
                "reference": f"{ref.model}__{ref.name}",
                "metrics": metrics,
            }
            return Problem("NAM104", item.location, args, related)
        if ref.kind == "entity":
            args = {"name": text, "model": ref.model, "metrics": self.metrics_of(ref.model)}
            return Problem("NAM103", item.location, args, related)
        return Problem("NAM105", item.location, {"name": text, "reference": ref.written}, related)

    def metrics_of(self, model: str) -> tuple[str, ...]:
        """The metrics with a leaf on a model, in the order of their definition."""
        from smq.graph.formula import expand

        found = []
        for name in metrics_about(self.graph, model):
            formula = expand(self.graph, name, self.expressions.dialect)
            if isinstance(formula, Formula) and any(leaf.base == model for leaf in formula.leaves):
                found.append(name)
        return tuple(found[:8])


def _names_of(item: Item) -> set[str]:
    """The names under which the rest of a query may speak of an item."""
    alias = re.search(r"(?i)\bas\s+[\"`\[]?([^\"`\]]+?)[\"`\]]?\s*\Z", item.text)
    return {nfc(alias[1])} if alias else set()


def generated_name(expression: str, is_taken: Callable[[str], bool]) -> str:
    """A stable column name for an expression without an alias: its words, in lower case."""
    words = re.sub(r"\W+", "_", nfc(expression).strip().lower()).strip("_") or "expression"
    if words[0].isdigit():
        words = f"expression_{words}"
    name = words[:60].strip("_")
    number = 2
    while is_taken(name):
        name = f"{words[:57].strip('_')}_{number}"
        number += 1
    return name
