"""Start a workspace: a small model, its data, a query and a configuration that run at once.

Nothing that exists is overwritten.
"""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path

from smq.rules.wording import joined
from smq_server.cli.streams import Streams
from smq_server.io.failure import Failure
from smq_server.io.files import write_text
from smq_server.io.uris import absolute, display

EXAMPLES = """\
  smq init             in this directory
  smq init analytics   in a directory of that name
"""

_FILES = {
    "smq.toml": """\
# The dialect of the SQL in models and queries. Every key: docs/configuration.md
dialect = "duckdb"
models = ["models"]
queries = ["queries"]

[engine]
type = "duckdb"

[engine.duckdb]
data = "data"  # <schema>/<table>.csv
""",
    "models/shop.yml": """\
semantic_models:
  - name: orders
    label: 주문
    description: One row for each order.
    table: shop.orders
    entities:
      - {name: order, type: primary, expr: order_id}
      - {name: customer, type: foreign, expr: customer_id}
    dimensions:
      - {name: ordered_at, type: date, label: 주문일, type_params: {time_granularity: day}}
      - {name: channel, type: varchar, label: 채널}
    measures:
      - {name: amount, type: decimal, agg: sum, label: 금액}

  - name: customers
    label: 고객
    description: One row for each customer.
    table: shop.customers
    entities:
      - {name: customer, type: primary, expr: customer_id}
    dimensions:
      - {name: city, type: varchar, label: 도시}

metrics:
  - name: revenue
    label: 매출
    description: What customers paid.
    type: decimal
    expr: SUM(orders__amount)

  - name: order_count
    label: 주문 수
    description: How many orders there were.
    type: integer
    expr: COUNT(DISTINCT orders__order)

  - name: average_order
    label: 객단가
    description: What one order brings.
    metric_type: derived
    type: decimal
    expr: revenue / NULLIF(order_count, 0)
""",
    "queries/revenue_by_city.smq.json": """\
// 도시별 매출은? What does each city bring?
{
  "metrics": ["revenue", "order_count", "average_order"],
  "groupBy": ["customers__city"],
  "orderBy": ["-revenue"]
}
""",
    "data/shop/orders.csv": """\
order_id,customer_id,ordered_at,channel,amount
1,1,2024-01-05,web,120.00
2,1,2024-01-20,store,80.00
3,2,2024-02-02,web,45.50
4,3,2024-02-14,web,210.00
5,3,2024-03-01,store,15.00
6,,2024-03-09,store,60.00
""",
    "data/shop/customers.csv": """\
customer_id,city
1,서울
2,부산
3,Jeju
""",
}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", nargs="?", default=".", help="default: .")


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    directory = absolute(Path(arguments.directory))
    if directory.exists() and not directory.is_dir():
        raise Failure(f"{display(directory)} is a file")
    existing = [name for name in _FILES if (directory / name).exists()]
    if existing:
        verb = "exists" if len(existing) == 1 else "exist"
        raise Failure(f"nothing written, because {joined(existing)} {verb} already")
    made: list[Path] = []
    try:
        for name, text in _FILES.items():
            path = directory / name
            _make(path.parent, made)
            write_text(path, text)
            made.append(path)
    except Failure:
        # Half a workspace would keep the next try from beginning.
        for each in reversed(made):
            with suppress(OSError):
                each.rmdir() if each.is_dir() else each.unlink()
        raise
    for name in _FILES:
        streams.message(f"wrote {display(directory / name)}")
    query = display(directory / "queries" / "revenue_by_city.smq.json")
    streams.message(f"\nTry:  smq run {query}\n      smq check {arguments.directory}")
    return 0


def _make(directory: Path, made: list[Path]) -> None:
    """Make a directory and those above it that are not there, and note which."""
    missing = [each for each in (directory, *directory.parents) if not each.exists()]
    for each in reversed(missing):
        try:
            each.mkdir(exist_ok=True)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise Failure(f"cannot create {display(each)}: {reason}") from error
        made.append(each)
