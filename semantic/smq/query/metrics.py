"""The `metrics` list: metric names, expressions over metrics, and windows over them."""

from __future__ import annotations

import re

from smq.expr import NameUse, Template, parse_expression
from smq.graph.formula import Formula
from smq.graph.references import PrefixedMetric, RowRef, readings
from smq.problem import Problem, Related
from smq.query.bound import Output
from smq.query.expressions import Expressions
from smq.query.names import Failure
from smq.query.written import Item
from smq.text import nearest, nfc


class MetricItems:
    """Binds the items of `metrics`, each on its own."""

    def __init__(self, expressions: Expressions, problems: list[Problem]) -> None:
        self.expressions = expressions
        self.graph = expressions.graph
        self.names = expressions.names
        self.problems = problems

    def bind(self, items: tuple[Item, ...]) -> list[Output]:
        outputs: list[Output] = []
        taken = {nfc(item.text.strip()) for item in items}
        for item in items:
            try:
                output = self._item(item, outputs, taken)
            except Failure as failure:
                self.problems.append(failure.problem)
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
        if template.fault is not None and (text in self.graph.models or _is_wordy(text)):
            raise Failure(self._no_metric(item, text))
        template = self.expressions.parse(item)
        if template.is_bare_name and template.alias is None:
            raise Failure(self._no_metric(item, text))
        return self._expression(item, template, outputs, taken)

    def _expression(
        self, item: Item, template: Template, outputs: list[Output], taken: set[str]
    ) -> Output:
        if template.tables:
            args: dict[str, object] = {"table": template.tables[0].name, "nearest": ()}
            raise Failure(Problem("EXP106", item.location, args))
        self._no_aggregates(item, template)
        meanings = {use.slot: self._meaning(item, use, template) for use in template.uses}
        expression = self.expressions.post(item, template, meanings)
        alias = template.alias
        if alias is None:
            alias = generated_name(item.text, taken | {output.name for output in outputs})
            body = item.text[: template.body_end]
            args = {"expression": body.strip(), "alias": alias}
            self.problems.append(Problem("QRY113", item.location, args))
        elif alias in self.graph.metrics and template.text.strip() != alias:
            related = (Related(self.graph.metrics[alias].name_at, "the metric"),)
            args = {"name": alias}
            raise Failure(Problem("NAM126", item.part(*template.alias_at), args, related))
        return Output(alias, expression, "expression", item)

    def _no_aggregates(self, item: Item, template: Template) -> None:
        if not template.has_aggregate:
            nested = [f for f in template.functions if f.in_window and not f.windowed]
            if nested:
                inside = [use for use in template.uses if use.in_aggregate]
                args = {"function": nested[0].name, "names": tuple(u.name for u in inside)}
                place = item.part(nested[0].start, nested[0].end)
                metrics = [u.name for u in inside if u.name in self.graph.metrics]
                if metrics:
                    args = {"function": nested[0].name, "metric": metrics[0]}
                    raise Failure(Problem("NAM107", place, args))
                raise Failure(Problem("EXP103", place, {**args, "metrics": ()}))
            return
        function = next(f for f in template.functions if not f.windowed and not f.in_window)
        inside = [use for use in template.uses if use.in_aggregate]
        raise Failure(self.expressions.aggregate_problem(item, template, function.name, inside))

    def _meaning(self, item: Item, use: NameUse, template: Template) -> RowRef | Formula | Output:
        try:
            meaning = self.expressions.meaning(item, use, template)
        except Failure as failure:
            # In an expression over metrics an unknown bare name is an unknown metric.
            if failure.problem.code == "NAM120" and not use.in_window:
                near = nearest(use.name, self.graph.metrics)
                args = {"name": use.name, "nearest": near}
                raise Failure(Problem("NAM101", failure.problem.location, args)) from failure
            raise
        assert isinstance(meaning, (RowRef, Formula, Output))
        return meaning

    # A name that is no metric.

    def _no_metric(self, item: Item, text: str) -> Problem:
        graph = self.graph
        place = item.location
        if text in graph.models:
            model = graph.models[text]
            related = (Related(model.name_at, "the model"),)
            args: dict[str, object] = {"name": text, "metrics": self.metrics_of(text)}
            return Problem("NAM102", place, args, related)
        for reading in readings(graph, text, self.names.grains):
            if isinstance(reading, PrefixedMetric):
                args = {"name": text, "metric": reading.metric, "model": reading.model}
                return Problem("NAM106", place, args)
            return self._member(item, text, reading)
        if "__" in text:
            left, _, right = text.rpartition("__")
            if right in graph.metrics:
                args = {"name": text, "metric": right, "model": left}
                return Problem("NAM106", place, args)
        for model in graph.models_with(text):
            index = graph.index(model)
            if text in index.measures:
                return self._member(item, text, RowRef("measure", model, text))
            if text in index.dimensions:
                return self._member(item, text, RowRef("dimension", model, text))
            return self._member(item, text, RowRef("entity", model, text))
        for model in graph.models.values():
            for entity in model.entities:
                if entity.expr is not None and entity.expr.text == text:
                    return self._member(item, text, RowRef("entity", model.name, entity.name))
            table = graph.relation(model)
            parts = getattr(table, "parts", ())
            if parts and parts[-1] == text:
                args = {"name": text, "metrics": self.metrics_of(model.name)}
                return Problem("NAM102", place, args)
        return Problem("NAM101", place, {"name": text, "nearest": nearest(text, graph.metrics)})

    def _member(self, item: Item, text: str, ref: RowRef) -> Problem:
        definition = self.names.definition(ref)
        related = (Related(definition, f"the {ref.kind}"),) if definition else ()
        if ref.kind == "measure":
            metrics = self.expressions.metrics_on(ref)
            args: dict[str, object] = {"name": text, "reference": ref.written, "metrics": metrics}
            return Problem("NAM104", item.location, args, related)
        if ref.kind == "entity":
            args = {"name": text, "model": ref.model, "metrics": self.metrics_of(ref.model)}
            return Problem("NAM103", item.location, args, related)
        return Problem("NAM105", item.location, {"name": text, "reference": ref.written}, related)

    def metrics_of(self, model: str) -> tuple[str, ...]:
        """The metrics with a leaf on a model, in the order of their definition."""
        from smq.graph.formula import expand

        found = []
        for name in self.graph.metrics:
            formula = expand(self.graph, name, self.expressions.dialect)
            if isinstance(formula, Formula) and any(leaf.base == model for leaf in formula.leaves):
                found.append(name)
        return tuple(found[:8])


def generated_name(expression: str, taken: set[str]) -> str:
    """A stable column name for an expression without an alias: its words, in lower case."""
    words = re.sub(r"\W+", "_", nfc(expression).strip().lower()).strip("_") or "expression"
    name = words[:60].strip("_")
    number = 2
    while name in taken:
        name = f"{words[:57].strip('_')}_{number}"
        number += 1
    return name


def _is_wordy(text: str) -> bool:
    return re.fullmatch(r"[\w .:-]+", text) is not None
