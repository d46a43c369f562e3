"""What a question's own words demand of a query, so that code can check it and not a prompt.

Two demands are plain enough in words: a number of rows is said as a number, and "…별" or "by …"
asks for groups.
"""

from __future__ import annotations

import re

from smq.workspace import Snapshot
from smq_server.generation.selection import search

_DIGITS = re.compile(r"\d[\d,]*")
_ENGLISH = {
    word: number
    for number, word in enumerate(
        (
            *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
            *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"),
            *("seventeen", "eighteen", "nineteen", "twenty"),
        )
    )
}
_ENGLISH |= {"thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "dozen": 12}
_NATIVE = {
    "하나": 1,
    "한": 1,
    "둘": 2,
    "두": 2,
    "셋": 3,
    "세": 3,
    "넷": 4,
    "네": 4,
    "다섯": 5,
    "여섯": 6,
    "일곱": 7,
    "여덟": 8,
    "아홉": 9,
    "열": 10,
    "스물": 20,
    "스무": 20,
    "서른": 30,
    "쉰": 50,
    "백": 100,
    "천": 1000,
}
_COUNTERS = "개|명|곳|건|가지|군데|점|위|줄|행|사람|종"
_KOREAN = re.compile(rf"(?<![가-힣])({'|'.join(_NATIVE)})\s*(?:{_COUNTERS})")
_LONELY = re.compile(r"(?<![가-힣])(하나|둘|셋|넷|다섯|여섯|일곱|여덟|아홉|열)(?![가-힣]{2})")

_BY_KOREAN = re.compile(r"([가-힣A-Za-z0-9_]+)별(?:로|의|으로|은|는|에)?(?![가-힣])")
_NO_GROUPS = frozenset(
    {
        *("특별", "개별", "차별", "구별", "식별", "성별", "이별", "작별", "결별", "송별", "판별"),
        *("선별", "감별", "분별", "유별", "각별", "별별", "변별", "고별", "사별", "무차별"),
    }
)
"""Words that end in 별 and mean no groups; 성별 is a dimension's name of its own."""
_BY_ENGLISH = re.compile(
    r"\b(?:by|per|for each|for every|across|broken down by|split by)\s+((?:the\s+|each\s+)?[\w-]+"
    r"(?:\s+[\w-]+)?)",
    re.IGNORECASE,
)
_GRAINS = frozenset({"day", "week", "month", "quarter", "year", "hour"})


def numbers_in(question: str) -> frozenset[int]:
    """The whole numbers that a question says, in digits or in words of either language."""
    found = {int(match[0].replace(",", "")) for match in _DIGITS.finditer(question)}
    found |= {_ENGLISH[w] for w in re.findall(r"[a-z]+", question.lower()) if w in _ENGLISH}
    found |= {_NATIVE[match[1]] for match in _KOREAN.finditer(question)}
    found |= {_NATIVE[match[1]] for match in _LONELY.finditer(question)}
    return frozenset(found)


def groups_wanted(question: str, snapshot: Snapshot) -> str | None:
    """The words that ask for groups, such as "지점별" or "by store"; None when none do.

    In Korean the ending says it. An English "by" may mean anything, so only one before a name of
    the models or a grain counts.
    """
    for match in _BY_KOREAN.finditer(question):
        if f"{match[1]}별" not in _NO_GROUPS and not match[1].endswith(("특", "개", "차")):
            return f"{match[1]}별"
    for match in _BY_ENGLISH.finditer(question):
        words = re.sub(r"^(?:the|each)\s+", "", match[1], flags=re.IGNORECASE)
        if words.split()[0].lower() in _GRAINS or _names_a_dimension(words, snapshot):
            return match[0]
    return None


def _names_a_dimension(words: str, snapshot: Snapshot) -> bool:
    for text in (words, words.split()[0]):
        for found in search(text, snapshot, kinds=("dimension", "model", "entity"), limit=3):
            if any(r.how != "part" and r.field != "description" for r in found.reasons):
                return True
    return False
