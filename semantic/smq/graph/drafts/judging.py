"""What a column is for, judged by its type and by the words in its name.

A number is not an amount because it is a number: ids, codes and years name things, and rates and
prices cannot be added up. The words are English and Korean; a label from the column's description
helps where the name is an abbreviation.
"""

from __future__ import annotations

import re
from typing import Literal

from smq.catalog.tables import Column
from smq.dialects.facts import words as word_set
from smq.graph.data_types import ValueKind, column_kind

Role = Literal["time", "category", "amount", "average", "none"]
"""A time or other dimension, a measure to add up, one to average, or nothing to query."""

_THINGS = word_set(
    """
    id ids no nr num number code cd cds key pk fk sk uuid guid oid zip zipcode postal postcode
    phone tel mobile fax ssn rrn isbn ean sku seq sequence sno version ver rev revision ordinal
    position pos rank ranking type typ tp kind status stat stcd state flag yn fg class category
    cat group grp gb gbn gubun level lvl grade tier hash checksum year yr yyyy yy yyyymm
    yyyymmdd ymd ym month mon mm week wk quarter qtr qtr day dow weekday hour hr minute date dt
    time ts timestamp epoch lat latitude lon lng longitude age port ip bin account acct branch
    brn
    """
)
"""As the last word, these name or place something."""
_AVERAGES = word_set(
    """
    rate rates ratio pct percent percentage share price prices avg average mean median score
    rating index temperature humidity speed factor probability prob std stddev variance
    percentile fx margin_pct discount_rate utilization occupancy
    """
)
"""As any word, these say that a sum means nothing."""
_THING_ENDS = (
    "번호", "코드", "아이디", "식별자", "년도", "연도", "년월", "년", "월", "일자", "일시", "분기",
    "주차", "요일", "순번", "차수", "등급", "순위", "나이", "연령", "위도", "경도", "구분", "유형",
    "종류", "상태", "여부", "키", "회차", "버전",
)  # fmt: skip
_AVERAGE_ENDS = (
    "율",
    "률",
    "비중",
    "단가",
    "가격",
    "평균",
    "점수",
    "지수",
    "금리",
    "온도",
    "속도",
    "확률",
)
_BALANCES = word_set(
    """
    balance bal stock inventory onhand headcount
    """
)
_BALANCE_ENDS = ("잔액", "재고", "잔고", "재고량")
_SPLIT = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def role_of(column: Column, label: str = "") -> Role:
    """What a column is for. Lists, records and what cannot be grouped are for nothing."""
    kind = column_kind(column.type)
    if column.mode == "REPEATED" or kind in ("nested", "other", "time"):
        return "none"
    if kind in ("date", "timestamp"):
        return "time"
    if kind not in ("integer", "number"):
        return "category"
    return _number(column.name, label)


def is_balance(name: str, label: str = "") -> bool:
    """Whether an amount is a state at a moment, so that sums over time count it again."""
    return bool(_BALANCES & set(words(name))) or (label or name).endswith(_BALANCE_ENDS)


def words(name: str) -> list[str]:
    """The words of a name in lower case: of `customerId`, `customer_id` and `CUSTOMER-ID`."""
    return [word.lower() for part in _SPLIT.findall(name) for word in _CAMEL.split(part) if word]


def data_type(kind: ValueKind | None) -> str:
    """The word of model files for a kind of value."""
    known: dict[ValueKind | None, str] = {
        "integer": "integer",
        "number": "decimal",
        "boolean": "boolean",
        "date": "date",
        "timestamp": "timestamp",
    }
    return known.get(kind, "varchar")


def _number(name: str, label: str) -> Role:
    parts = words(name.rpartition(".")[2])
    spoken = next((text for text in (name, label) if re.search("[가-힣]", text)), "").strip()
    if spoken.endswith(_AVERAGE_ENDS) or _AVERAGES & set(parts):
        return "average"
    if spoken.endswith(_THING_ENDS):
        return "category"
    if not parts:
        return "amount"
    if parts[0] in ("is", "has", "was"):
        return "category"
    if parts[0] in ("num", "no", "number", "count", "cnt") and len(parts) > 1:
        # `num_items` counts items; `order_num` numbers an order.
        return "amount"
    last = re.sub(r"\d+$", "", parts[-1]) or parts[-1]
    return "category" if last in _THINGS else "amount"
