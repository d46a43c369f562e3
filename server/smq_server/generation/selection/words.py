"""The words of names, labels and questions, in Korean and English, in the forms they share.

A word is a tuple of forms, the written one first: 지점별로 is also 지점별 and 지점, "customers" is
also "custom", its stem. Two words are the same where any of their forms are. Words that a question
needs for its grammar alone (얼마, "show", "which") are not words here.
"""

from __future__ import annotations

import json
import re
import threading
from functools import lru_cache
from importlib.resources import files
from typing import Any

from smq.text import nfc

_CHUNKS = re.compile(r"\w+")
_RUNS = re.compile(r"[가-힣]+|[^\W\d_가-힣]+|\d+")
_WRITTEN_NAME = re.compile(r"[a-zA-Z_]")
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

# Particles and endings that follow a noun, the longest first; each takes the rest of the word
# with it, so 지점에서는 needs no entry of its own.
_ENDINGS = tuple(
    sorted(
        (
            *("은", "는", "이", "가", "을", "를", "의", "에", "로", "와", "과", "도", "만", "별"),
            *(
                "으로",
                "에서",
                "에게",
                "부터",
                "까지",
                "마다",
                "보다",
                "처럼",
                "이나",
                "이며",
                "하고",
            ),
            *("라도", "조차", "밖에", "이랑", "에는", "에도", "로는", "별로", "들", "인", "당"),
            *("인가", "인가요", "입니까", "이야", "이고", "인지", "이었나", "였나", "이었는가"),
            *("였는가", "인데", "됐나", "된", "되는", "되었나", "됐는가", "한", "하는", "했던"),
            *("하며", "하면", "했나", "했는가", "했을까", "할까", "하나", "중인", "적인", "씩"),
        ),
        key=lambda ending: (-len(ending), ending),
    )
)


def words(text: str) -> tuple[tuple[str, ...], ...]:
    """The words of a text in order, each with its forms; repeated words are kept."""
    found: list[tuple[str, ...]] = []
    for chunk in _CHUNKS.findall(nfc(text)):
        # The number of q1_2024 is part of a name, that of 10개 and of "top 5" is not.
        is_name = _WRITTEN_NAME.search(chunk) is not None
        for run in _RUNS.findall(chunk):
            if run.isdecimal():
                if is_name:
                    found.append((run,))
                continue
            for part in _HUMPS.split(run) if run.isascii() else [run]:
                forms = _forms(part.casefold())
                if forms:
                    found.append(forms)
    return tuple(found)


def asked_words(question: str) -> tuple[tuple[str, ...], ...]:
    """The words of a question that models can know: without those about time and order alone.

    "How many customers" and 고객은 몇 명 ask for a count, so they have that word, too.
    """
    text = _TIME.sub(" ", nfc(question))
    found = list(words(text))
    if _COUNTED.search(text):
        found.append(("count", "cnt", "수"))
    return tuple(found)


def grouping_words(question: str) -> tuple[frozenset[str], frozenset[str]]:
    """The words that a question groups by, in their written forms: 지점별, "by store".

    The second ones are groups if the first are none: "stores by revenue".
    """
    text = nfc(question)
    found: set[str] = set()
    otherwise: set[str] = set()
    for match in _GROUPED_AFTER.finditer(text):
        found.update(forms[0] for forms in words(match[1]))
    for match in _GROUPED_BEFORE.finditer(text):
        found.update(forms[0] for forms in words(match[0]))
    for match in _RANKED.finditer(text):
        otherwise.update(forms[0] for forms in words(match[1]))
    return frozenset(found), frozenset(otherwise)


def time_word(question: str) -> str | None:
    """The first word by which a question is about time, if any."""
    match = _TIME.search(nfc(question))
    return match[0].strip() if match else None


_GROUPED_AFTER = re.compile(r"(?i)\b(?:by|per|each|every|across)\s+(?:the\s+)?([^\W\d]+)")
_GROUPED_BEFORE = re.compile(r"[가-힣]+(?:별로는|별로|별|마다)(?![가-힣])")
_RANKED = re.compile(r"(?i)\b([^\W\d]+)\s+(?:ranked\s+)?(?:by|with)\b")
_COUNTED = re.compile(r"(?i)\bhow many\b|\bnumber of\b|몇\s*(?:명|개|곳|건|군데|가지|분)|인원|세어")
_TIME = re.compile(
    r"(?i)\b(?:19|20)\d\d\b|(?:19|20)\d\d년"
    r"|\b(?:daily|(?:week|month|quarter|year)ly)\b"
    r"|\b(?:day|week|month|quarter|year)s?\b(?!-| end)"
    r"|\b(?:today|yesterday|january|february|april|june|july|august|september|october|november"
    r"|december)\b|\bin (?:march|may)\b"
    r"|(?<![가-힣])(?:월|주|일|분기|연도|년도|연|일자|날짜)(?:별로|별)|(?<![가-힣])(?:달|날|해)마다"
    r"|매월|매주|매일|매년|매달|전월|전년|전분기|지난달|지난주|작년|올해|어제|오늘|\d분기"
    r"|상반기|하반기|\d+월|\d+일"
)


@lru_cache(maxsize=65536)
def _forms(word: str) -> tuple[str, ...]:
    """The word and its shorter forms; nothing for a word of grammar alone."""
    if word in _grammar_words():
        return ()
    if "가" <= word[0] <= "힣":
        return _without_endings(word)
    if len(word) < 2:
        return ()
    stem = _stem(word)
    return (word,) if stem == word else (word, stem)


def _without_endings(word: str) -> tuple[str, ...]:
    forms = [word]
    rest = word
    while len(rest) > 1:
        ending = next((each for each in _ENDINGS if rest.endswith(each) and each != rest), None)
        if ending is None:
            break
        rest = rest[: -len(ending)]
        if rest in _grammar_words():
            # 몇개의 is no more than 몇, but 월별잔액 would not have come here.
            return ()
        forms.append(rest)
    return tuple(forms)


@lru_cache(maxsize=1)
def vocabulary() -> dict[str, Any]:
    """The data beside this file: words of grammar, and groups of words that mean the same."""
    path = files("smq_server.generation.selection") / "vocabulary.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@lru_cache(maxsize=1)
def _grammar_words() -> frozenset[str]:
    return frozenset(" ".join(vocabulary()["grammar"]).split())


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    # Here, because the library imports the stemmers of thirty languages.
    from snowballstemmer import EnglishStemmer

    return EnglishStemmer()


def _stem(word: str) -> str:
    if not word.isascii():
        return word
    # It keeps the word it is at in itself, and questions are answered in threads.
    with _stemming:
        return str(_stemmer().stemWord(word))


_stemming = threading.Lock()


def pairs(word: str) -> frozenset[str]:
    """Neighbouring syllables of a Korean word, by which the parts of compounds are found."""
    return frozenset(word[at : at + 2] for at in range(len(word) - 1))
