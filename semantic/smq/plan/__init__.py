"""From a bound query to scans: which rows each leaf reads, along which to-one joins.

`smq.plan.build.build` gives a `Plan` or the problems that say why there is none.
"""

from smq.plan.nodes import Join, Plan, Scan

__all__ = ["Join", "Plan", "Scan"]
