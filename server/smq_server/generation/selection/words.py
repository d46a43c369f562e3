"""The words of names, labels and questions, in Korean and English, in the forms they share.

A word is a tuple of forms, the written one first: 지점별로 is also 지점별 and 지점, "customers" is
also "custom", its stem. Two words are the same where any of their forms are. Words that a question
needs for its grammar alone (얼마, "show", "which") are not words here.
"""

from __future__ import annotations

import json
import re
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
    return str(_stemmer().stemWord(word))


def pairs(word: str) -> frozenset[str]:
    """Neighbouring syllables of a Korean word, by which the parts of compounds are found."""
    return frozenset(word[at : at + 2] for at in range(len(word) - 1))
