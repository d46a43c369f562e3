"""How long the commands take that people wait for, from the start of the process to its end.

    python bench/start.py

Wall-clock time, the median of several runs. The targets are for a machine with nothing else to
do: `--version` within 0.15 s, checking one file of a small workspace within 0.5 s.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"
RUNS = 7
QUERY = "bank/queries/customers_by_grade.smq.json"
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("--version",),
    ("check", QUERY),
    ("check", "bank", "shop"),
    ("compile", QUERY),
    ("explain", QUERY),
    ("run", QUERY),
    ("demo",),
)


def seconds(words: tuple[str, ...]) -> float:
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "smq_server.main", *words],
        cwd=EXAMPLES,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - started


def main() -> None:
    for words in COMMANDS:
        seconds(words)
        median = statistics.median(seconds(words) for _ in range(RUNS))
        print(f"{median:6.2f} s  smq {' '.join(words)}")


if __name__ == "__main__":
    main()
