"""Prints the SQL of every example query in every dialect; run in processes that must agree."""

from __future__ import annotations

import sys
from pathlib import Path

from smq.dialects import names
from smq.sql.compile import CompileOptions, compile_query
from smq.syntax import Document
from smq.workspace import Configuration, build

EXAMPLES = Path(__file__).parents[2] / "examples"


def main() -> None:
    for root in (EXAMPLES / "bank", EXAMPLES / "shop"):
        paths = sorted([*root.rglob("*.yml"), *root.rglob("*.smq.json")])
        documents = [Document(str(path), path.read_text(encoding="utf-8")) for path in paths]
        snapshot = build(documents, Configuration(default_schema="shop"))
        for uri in snapshot.uris:
            for query in snapshot.queries(uri):
                for dialect in names():
                    options = CompileOptions(dialect, "duckdb")
                    compiled = compile_query(query, snapshot.graph, options)
                    for one in compiled.queries:
                        print(f"-- {Path(uri).name} {dialect}\n{one.sql}")
                    for problem in compiled.problems:
                        print(f"-- {problem.code} {sorted(problem.args.items())}")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    main()
