"""Rules of the shape of model files: which keys there are, and what their values can be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from smq.problem import Fix, Problem, Severity
from smq.rules.model_edits import insertion, replacements
from smq.rules.model_wording import capital, did_you_mean, listed, thing
from smq.rules.registry import Args, Context, rule
from smq.text import Edit

_WHY = {
    "name": "Without a name nothing can refer to it.",
    "table": "Without a table there are no rows to read.",
    "time_granularity": "It says how fine the time is.",
    "type": "It decides how values are compared and aggregated.",
}


def _rename_to_nearest(problem: Problem, context: Context) -> Iterator[Fix]:
    near: Any = problem.args.get("nearest") or ()
    value = str(problem.args.get("value", problem.args.get("key", problem.args.get("name", ""))))
    for name in near:
        # Only case or spacing differs: nothing else can have been meant.
        same = name.casefold().replace("_", "") == value.casefold().replace("_", "").strip()
        yield from replacements(problem.location, [name], "safe" if same else "unsafe")


def _add_key(problem: Problem, context: Context) -> Iterator[Fix]:
    yield from insertion(problem)


@rule("MOD101", "unknown-model-key", Severity.ERROR, on="yaml", fix=_rename_to_nearest)
def unknown_model_key(args: Args) -> str:
    """A model file uses a key that means nothing there.

    What stands under it is not read, so a slip such as `mesures:` would drop all measures of a
    model without a word. Keys of your own belong under `meta:` or `config: {meta: …}`, and at the
    top of a file under names that start with `x-`.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar, lable: Status}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar, label: Status, meta: {owner: sales}}
    ```

    The fix renames the key to the nearest one that is allowed and not there yet.
    """
    hint = did_you_mean(args) or f" It can have {listed(args['allowed'], 'and')}."
    return f"{capital(thing(args))} has no key `{args['key']}`, so it would not be read.{hint}"


@rule("MOD102", "missing-model-key", Severity.ERROR, on="yaml", fix=_add_key)
def missing_model_key(args: Args) -> str:
    """Something in a model file lacks a key that it cannot do without.

    A semantic model needs a name and a table (`table:`, dbt's `model:`, or `node_relation:`); an
    entity and a dimension need a name and a type; a measure needs a name and either a type or an
    `agg`. What cannot be understood without the key is left out, its neighbours are not.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar}
    ```

    Where one value is the usual one, the fix adds the key with it.
    """
    keys = tuple(args["keys"])
    why = f" {_WHY[keys[0]]}" if keys[0] in _WHY else ""
    return f"{capital(thing(args))} has no {listed(keys)}.{why}"


def _quote(problem: Problem, context: Context) -> Iterator[Fix]:
    uri, span = problem.location
    expected: Any = problem.args["expected"]
    written = span.cut(context.parsed(uri).document.text)
    found = problem.args["found"]
    if "text" in expected and found in ("a whole number", "a number", "true or false"):
        yield Fix("Put it in quotes", (Edit(uri, span, f'"{written}"'),), "safe")
    elif expected == ("a list",) and problem.args["value"] and "\n" not in written:
        yield Fix("Make it a list", (Edit(uri, span, f"[{written}]"),), "unsafe")


@rule("MOD103", "wrong-kind-of-value", Severity.ERROR, on="yaml", fix=_quote)
def wrong_kind_of_value(args: Args) -> str:
    """A key of a model file has a value of the wrong kind.

    YAML reads `2024` as a number and `yes` or `[a, b]` as what they look like, so a label that
    is a number needs quotes, and a list needs brackets or dashes.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: year, type: integer, label: 2024}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: year, type: integer, label: "2024"}
    ```

    The fix puts quotes around a number that should be text, and brackets around a lone item of
    what should be a list.
    """
    expected = " or ".join(args["expected"])
    where = thing(args)
    if not args["key"]:
        return f"Each {args['where']} must be {expected}, but this one is {args['found']}."
    if args["is_item"]:
        within = f"`{args['key']}` of {where}"
        return f"Each item of {within} must be {expected}, but this one is {args['found']}."
    if args["found"] == "nothing":
        return f"`{args['key']}` of {where} has no value; it must be {expected}."
    quotes = " Put it in quotes." if expected == "text" and "number" in args["found"] else ""
    return f"`{args['key']}` of {where} must be {expected}, but it is {args['found']}.{quotes}"


@rule("MOD104", "value-not-allowed", Severity.ERROR, on="yaml", fix=_rename_to_nearest)
def value_not_allowed(args: Args) -> str:
    """A key of a model file has a value that is not one of those it can have.

    Entity types, metric types, aggregations, granularities and frame types are fixed words.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primery}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primary}
    ```

    The fix puts the nearest allowed value in its place.
    """
    if args.get("is_data_type") and args["where"] == "metric":
        return (
            f"`{args['value']}` is a data type, but {thing(args)} has neither `metric_type` nor "
            "`expr`, so `type` must say the metric's type. Add "
            f"`metric_type`: {listed(args['allowed'])}."
        )
    hint = did_you_mean(args)
    return (
        f"`{args['value']}` is not allowed as `{args['key']}` of {thing(args)}.{hint} "
        f"It can be {listed(args['allowed'])}."
    )


@rule("MOD105", "unknown-data-type", Severity.ERROR, on="yaml", fix=_rename_to_nearest)
def unknown_data_type(args: Args) -> str:
    """The type of a dimension, measure or metric is not a data type that is known.

    The type decides whether a value is a time, can be added up, and how it is shown. Write the
    usual names in lower or upper case: `varchar`, `integer`, `number`, `decimal(18, 2)`, `date`,
    `timestamp`, `boolean`, `array`, `map` and their aliases; a dimension may say dbt's
    `categorical` or `time` instead.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchr}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar}
    ```

    The fix puts the nearest data type in its place.
    """
    hint = did_you_mean(args) or f" Known types are {listed(args['allowed'], 'and')}."
    if "(" in args["value"] and ")" not in args["value"]:
        hint = " Between braces a comma ends a value: put the whole type in quotes."
    return f"`{args['value']}`, the `{args['key']}` of {thing(args)}, is no known type.{hint}"


@rule("MOD106", "empty-value", Severity.ERROR, on="yaml")
def empty_value(args: Args) -> str:
    """A key that needs a value has an empty one.

    An empty name, table or alias refers to nothing.

    ```bad
    semantic_models:
      - name: orders
        table: ""
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
    ```

    There is no fix, because only you know the value.
    """
    return f"`{args['key']}` of {thing(args)} is empty. Write its value."


@rule("MOD107", "number-out-of-range", Severity.ERROR, on="yaml")
def number_out_of_range(args: Args) -> str:
    """A number in a model file is too small or too large for what it says.

    A percentile lies between 0 and 1 (0.95, not 95), a limit is not negative.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: p95, agg: percentile, expr: amount, agg_params: {percentile: 95}}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: p95, agg: percentile, expr: amount, agg_params: {percentile: 0.95}}
    ```

    There is no fix, because 95 could mean 0.95 or a slip in another place.
    """
    low, high = args.get("minimum"), args.get("maximum")
    if low is not None and high is not None:
        limits = f"between {low} and {high}"
    else:
        limits = f"at least {low}" if low is not None else f"at most {high}"
    return f"`{args['key']}` of {thing(args)} is {args['value']}; it must be {limits}."


@rule("MOD108", "malformed-value", Severity.ERROR, on="yaml")
def malformed_value(args: Args) -> str:
    """A text in a model file is not written in the form that its key needs.

    Durations are a number and a unit, with a space between: `7 days`, `1 month`.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, agg: sum}
    metrics:
      - name: growth
        type: derived
        type_params:
          expr: now - before
          metrics:
            - {name: amount, alias: now}
            - {name: amount, alias: before, offset_window: 1month}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, agg: sum}
    metrics:
      - {name: total, type: simple, type_params: {measure: amount}}
    ```

    There is no fix, because the text could mean several things.
    """
    expected = f" Write {args['expected']}." if args.get("expected") else ""
    return f"`{args['value']}` cannot be read as `{args['key']}` of {thing(args)}.{expected}"


@rule("MOD109", "template-not-evaluated", Severity.WARNING, on="yaml")
def template_not_evaluated(args: Args) -> str:
    """A label or description holds a template, which is shown as it stands.

    Only the documented calls in filters (`Dimension`, `TimeDimension`, `Entity`, `Metric`) and in
    table names (`ref`, `source`) are understood; no other Jinja is run, here or anywhere. dbt's
    `doc()` in a description is left alone without a warning.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        label: "Orders {{ var('region') }}"
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        label: Orders
    ```

    There is no fix, because only dbt knows the value.
    """
    return (
        f"The template `{args['text']}` is not evaluated: `{args['key']}` will show it as it "
        "stands. Write the text itself."
    )
