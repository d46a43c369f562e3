"""How long compiling takes, next to another compiler of semantic models in the same process.

    python bench/compile.py            # ours, and sidemantic where it is installed

Each figure is the median CPU time of many runs, which other work on the machine disturbs little.
*Fresh* texts differ from run to run, so nothing of the
query is remembered; the models are. Ratios are against the peer's time for the same question.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator

from smq.graph.graph import SemanticGraph
from smq.graph.loaders import load
from smq.query.read import read_queries
from smq.sql.compile import CompileOptions, compile_query
from smq.syntax import Document
from smq.syntax.jsonc import parse as parse_json
from smq.syntax.yaml import parse as parse_yaml

SHOP = """\
semantic_models:
  - name: orders
    table: shop.orders
    entities:
      - {name: order, type: primary, expr: order_id}
      - {name: customer, type: foreign, expr: customer_id}
    dimensions:
      - {name: status, type: varchar}
      - {name: ordered_at, type: date, type_params: {time_granularity: day}}
    measures:
      - {name: amount, type: integer, agg: sum}
      - {name: orders_made, type: integer, agg: count, expr: order_id}
  - name: customers
    table: shop.customers
    entities: [{name: customer, type: primary, expr: customer_id}]
    dimensions: [{name: region, type: varchar}]
    measures: [{name: known, type: integer, agg: count_distinct, expr: customer_id}]
metrics:
  - {name: revenue, metric_type: simple, type: integer, expr: SUM(orders__amount)}
  - {name: order_count, metric_type: simple, type: integer, expr: COUNT(orders__orders_made)}
  - {name: customer_count, metric_type: simple, expr: COUNT(DISTINCT customers__known)}
"""

Question = dict[str, object]
QUESTIONS: dict[str, Callable[[int], Question]] = {
    "one model": lambda n: {
        "metrics": ["revenue", "order_count"],
        "groupBy": ["orders__status"],
        "filters": [f"orders__status <> 'x{n}'"],
        "limit": 10,
    },
    "one join": lambda n: {
        "metrics": ["revenue", "order_count"],
        "groupBy": ["customers__region", "orders__ordered_at__month"],
        "filters": [f"orders__status = 'paid{n}'"],
        "orderBy": ["-revenue"],
        "limit": 10,
    },
    "two facts": lambda n: {
        "metrics": ["revenue", "customer_count"],
        "groupBy": ["customers__region"],
        "filters": [f"customers__region <> 'x{n}'"],
        "orderBy": ["-revenue"],
    },
}


def unchanged(graph: SemanticGraph, question: Question) -> Callable[[int], object]:
    """Compiling a query again that nobody has changed."""
    queries, _ = read_queries(parse_json(Document("q.smq.json", json.dumps(question))))
    return lambda _: compile_query(queries[0], graph, CompileOptions())


def ours(graph: SemanticGraph, question: Question) -> str:
    text = json.dumps(question)
    queries, _ = read_queries(parse_json(Document("q.smq.json", text)))
    compiled = compile_query(queries[0], graph, CompileOptions())
    assert compiled.queries, compiled.problems
    return compiled.queries[0].sql


def peer() -> Callable[[Question], str] | None:
    """The same questions for sidemantic; None where it is not installed."""
    try:
        from sidemantic import Dimension, Metric, Model, Relationship, SemanticLayer
    except ImportError:
        return None
    layer = SemanticLayer()
    layer.add_model(
        Model(
            name="orders",
            table="shop.orders",
            primary_key="order_id",
            dimensions=[
                Dimension(name="status", type="categorical", sql="status"),
                Dimension(name="ordered_at", type="time", granularity="day", sql="ordered_at"),
            ],
            metrics=[
                Metric(name="revenue", agg="sum", sql="amount"),
                Metric(name="order_count", agg="count", sql="order_id"),
            ],
            relationships=[
                Relationship(name="customers", type="many_to_one", foreign_key="customer_id")
            ],
        )
    )
    layer.add_model(
        Model(
            name="customers",
            table="shop.customers",
            primary_key="customer_id",
            dimensions=[Dimension(name="region", type="categorical", sql="region")],
            metrics=[Metric(name="customer_count", agg="count_distinct", sql="customer_id")],
        )
    )
    homes = {"customer_count": "customers"}

    def ask(question: Question) -> str:
        def dotted(name: str) -> str:
            if "__" in name:
                model, rest = name.split("__", 1)
                return f"{model}.{rest}"
            return f"{homes.get(name, 'orders')}.{name}"

        def strings(key: str) -> list[str]:
            return [str(item) for item in question.get(key, [])]  # type: ignore[attr-defined]

        limit = question.get("limit")
        return str(
            layer.compile(
                metrics=[dotted(name) for name in strings("metrics")],
                dimensions=[dotted(name) for name in strings("groupBy")],
                filters=[text.replace("__", ".", 1) for text in strings("filters")],
                order_by=[f"{dotted(key[1:])} DESC" for key in strings("orderBy")],
                limit=int(str(limit)) if limit is not None else None,
            )
        )

    return ask


def median_ms(run: Callable[[int], object], numbers: Iterator[int], times: int = 200) -> float:
    for _ in range(5):
        run(next(numbers))
    taken = []
    for _ in range(times):
        number = next(numbers)
        start = time.process_time()
        run(number)
        taken.append(time.process_time() - start)
    taken.sort()
    return taken[len(taken) // 2] * 1_000


def wide() -> tuple[SemanticGraph, Question]:
    """70 metrics by 100 dimensions of one model."""
    dimensions = "".join(f"      - {{name: d{n}, type: varchar}}\n" for n in range(100))
    measures = "".join(f"      - {{name: m{n}, type: integer, agg: sum}}\n" for n in range(70))
    metrics = "".join(
        f"  - {{name: metric_{n}, metric_type: simple, expr: SUM(wide__m{n})}}\n" for n in range(70)
    )
    text = (
        "semantic_models:\n  - name: wide\n    table: t.wide\n"
        "    entities: [{name: id, type: primary}]\n"
        f"    dimensions:\n{dimensions}    measures:\n{measures}metrics:\n{metrics}"
    )
    graph = graph_of(text)
    return graph, {
        "metrics": [f"metric_{n}" for n in range(70)],
        "groupBy": [f"wide__d{n}" for n in range(100)],
    }


def graph_of(text: str) -> SemanticGraph:
    declarations, problems = load(parse_yaml(Document("models.yml", text)))
    assert not problems, problems
    return SemanticGraph.build([declarations])


def workspace(models: int, metrics: int) -> list[Document]:
    """Generated model files, one model and its metrics in each."""
    documents = []
    each = metrics // models
    for n in range(models):
        dimensions = "".join(
            f"      - {{name: dim_{d}, type: varchar, label: Label {d}}}\n" for d in range(20)
        )
        lines = "".join(
            f"  - {{name: metric_{n}_{m}, metric_type: simple, type: integer, "
            f"expr: SUM(model_{n}__amount) + {m}}}\n"
            for m in range(each)
        )
        documents.append(
            Document(
                f"model_{n}.yml",
                f"semantic_models:\n  - name: model_{n}\n    table: t.model_{n}\n"
                f"    entities:\n      - {{name: e_{n}, type: primary, expr: id}}\n"
                f"      - {{name: e_{(n + 1) % models}, type: foreign, expr: next_id}}\n"
                f"    dimensions:\n{dimensions}"
                f"    measures:\n      - {{name: amount, type: integer, agg: sum}}\n"
                f"metrics:\n{lines}",
            )
        )
    return documents


def main() -> None:
    graph = graph_of(SHOP)
    ask = peer()
    print(f"{'question':<12} {'fresh ms':>9} {'same ms':>9} {'peer ms':>9} {'ratio':>7}")
    for title, question in QUESTIONS.items():
        fresh = median_ms(lambda n, q=question: ours(graph, q(n)), itertools.count())
        same = median_ms(unchanged(graph, question(0)), itertools.count())
        theirs = median_ms(lambda n, q=question: ask(q(n)), itertools.count()) if ask else None
        ratio = f"{fresh / theirs:.2f}" if theirs else "–"
        shown = f"{theirs:.2f}" if theirs else "–"
        print(f"{title:<12} {fresh:>9.2f} {same:>9.4f} {shown:>9} {ratio:>7}")
    wide_graph, wide_question = wide()
    big = median_ms(lambda n: ours(wide_graph, wide_question), itertools.count(), times=20)
    print(f"70 metrics by 100 dimensions: {big:.1f} ms")
    documents = workspace(200, 800)
    start = time.process_time()
    declared = [load(parse_yaml(document))[0] for document in documents]
    linked = SemanticGraph.build(declared)
    for name in linked.models:
        linked.edges(name)
    print(f"load and link of 200 models with 800 metrics: {time.process_time() - start:.2f} s")


if __name__ == "__main__":
    main()
