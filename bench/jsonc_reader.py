"""How long reading a query takes, beside `json.loads`, which knows no places and stops at a fault.

    python bench/jsonc_reader.py

CPU time, best of several rounds. The 17-line query should stay under 80 µs, so that a keystroke
is read in less time than anything else it causes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from smq.query.read import read_queries
from smq.syntax import Document
from smq.syntax.jsonc import parse

QUERY = """\
{
  "description": "지점별 월별 계좌 수와 객단가",
  "metrics": [
    "customer_count",
    "account_count",
    "revenue / NULLIF(order_count, 0) AS aov"
  ],
  "groupBy": ["부점코드__brn_cd", "주문__order_date__month"],
  "filters": [
    "계좌정보__open_dt >= '2024-01-01'",
    "고객기본__cust_no IS NOT NULL"
  ],
  "orderBy": ["-account_count", "부점코드__brn_cd"],
  "limit": 10,
  "joins": []
}
"""


def microseconds(work: Callable[[], object], rounds: int = 7) -> float:
    repeat = 1
    while True:
        start = time.process_time()
        for _ in range(repeat):
            work()
        if time.process_time() - start > 0.05:
            break
        repeat *= 2
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(repeat):
            work()
        best = min(best, (time.process_time() - start) / repeat)
    return best * 1e6


def main() -> None:
    many = "[" + ",\n".join([QUERY] * 160) + "]"
    samples = {
        "one query, 17 lines": QUERY,
        "the same, a quote lost": QUERY.replace('count",', "count,", 1),
        f"{many.count(chr(10)) + 1:,} lines": many,
    }
    print(f"{'':28}{'parse':>12}{'+ queries':>12}{'json.loads':>12}   µs")
    for name, text in samples.items():
        document = Document("q.smq.json", text)
        parsed = parse(document)
        reading = microseconds(lambda d=document: parse(d))  # type: ignore[misc]
        queries = microseconds(lambda p=parsed: read_queries(p))  # type: ignore[misc]
        floor = ""
        if not parsed.problems:
            floor = f"{microseconds(lambda t=text: json.loads(t)):.1f}"  # type: ignore[misc]
        print(f"{name:28}{reading:12.1f}{queries:12.1f}{floor:>12}")


if __name__ == "__main__":
    main()
