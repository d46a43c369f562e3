"""What a person does with a query and its models, in the order of a story; no editor's words.

Each step is done, and then looked at until it `shows` all of its texts and `hides` all of the
others. `at` names a place by the text around it, with `^` for the cursor; what the look of an
operation is, its driver says: messages, the text of `files`, a hover, words, or a file and line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

QUERY = "queries/question.smq.json"
METRICS = "metrics/계좌.yml"
MODEL = "models/고객기본.yml"

TEXT = """\
{
  // 등급별 계좌 수는?
  "metrics": ["customer_cuont", "account_count"],
  "groupBy": ["고객기본__cust_grd"],
  "filters": ["고객기본__cust_grd = 'VIP'"]
}
"""
"""The file that the story begins with; a metric's name is misspelt."""

Operation = Literal["diagnostics", "fix", "hover", "completion", "definition", "rename", "type"]


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    do: Operation
    file: str
    at: str = ""
    shows: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    text: str = ""
    """What is typed, the new name, or the title of the fix."""
    files: tuple[str, ...] = ()
    beyond_ascii: bool = False
    """Whether the cursor is behind letters whose bytes are not their columns."""


STEPS = (
    Step("a typo is marked", "diagnostics", QUERY, shows=("customer_cuont", "customer_count")),
    Step(
        "the quick fix mends it",
        "fix",
        QUERY,
        at="customer_^cuont",
        text="customer_count",
        shows=('["customer_count", "account_count"]',),
        files=(QUERY,),
    ),
    Step("the mark goes", "diagnostics", QUERY, hides=("customer_cuont",)),
    Step("hover shows the SQL", "hover", QUERY, at="^{", shows=("SELECT", "LEFT JOIN", "'VIP'")),
    Step("hover tells of a metric", "hover", QUERY, at="account_^count", shows=("계좌 수",)),
    Step(
        "completion offers metrics",
        "completion",
        QUERY,
        at='"account_^count"',
        shows=("account_count",),
    ),
    Step(
        "completion offers what can be grouped by",
        "completion",
        QUERY,
        at='"groupBy": ["고객기본__^',
        shows=("고객기본__cust_grd", "고객기본__age_grp"),
        beyond_ascii=True,
    ),
    Step(
        "the definition of a metric is in its YAML",
        "definition",
        QUERY,
        at="account_^count",
        shows=(f"{METRICS}:2",),
    ),
    Step(
        "the definition of a dimension in SQL is in its model",
        "definition",
        QUERY,
        at='"filters": ["고객기본__cust_^grd = \'VIP\'',
        shows=(f"{MODEL}:20",),
        beyond_ascii=True,
    ),
    Step("hover works in YAML", "hover", METRICS, at="name: account_^count", shows=("SELECT",)),
    Step(
        "a rename changes the query and the YAML",
        "rename",
        QUERY,
        at="account_^count",
        text="accounts",
        shows=('["customer_count", "accounts"]', "name: accounts", "NULLIF(accounts, 0)"),
        hides=("account_count",),
        files=(QUERY, METRICS),
    ),
    Step(
        "what is typed is looked at",
        "type",
        QUERY,
        at='"customer_count^"',
        text="er",
        shows=("customer_counter",),
    ),
)
