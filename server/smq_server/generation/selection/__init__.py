"""Which model files a question is about, found by its words and not by a language model.

The same question over the same files gets the same answer, in milliseconds and for nothing, with
the reasons. `select_model_files` ranks files, `search` the metrics and dimensions in them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from smq.workspace import Snapshot
from smq_server.generation.selection.index import Entry, Field, Hit, How, Kind, Reason, index_of

__all__ = [
    "Entry",
    "Field",
    "Found",
    "How",
    "Kind",
    "Reason",
    "SelectedFile",
    "search",
    "select_model_files",
]

_KNOWN_ALREADY = 0.75
"""How much less a word counts in a file when files before it have what the word means."""


@dataclass(frozen=True, slots=True)
class SelectedFile:
    """A model file, how much of the question it answers, and which words found what in it."""

    uri: str
    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A metric, dimension, … that a search found, best first."""

    entry: Entry
    score: float
    reasons: tuple[Reason, ...]


def select_model_files(
    question: str, snapshot: Snapshot, limit: int = 3
) -> tuple[SelectedFile, ...]:
    """The files that declare what a question is about, the most telling first, at most `limit`.

    Together they should know every word of the question, so a file that adds a word comes before
    one that repeats what the files before it have. No file at all when no word is known.
    """
    best: dict[str, dict[str, Reason]] = {}
    for word, hits in index_of(snapshot).found(question):
        for hit in hits:
            of_file = best.setdefault(hit.entry.uri, {})
            if word not in of_file or of_file[word].score < hit.score:
                of_file[word] = _reason(word, hit)
    chosen: list[SelectedFile] = []
    known: dict[str, float] = {}
    while best and len(chosen) < limit:
        scored = {
            uri: sum(
                max(0.0, each.score - _KNOWN_ALREADY * known.get(word, 0.0))
                for word, each in of_file.items()
            )
            for uri, of_file in best.items()
        }
        uri = min(scored, key=lambda each: (-round(scored[each], 9), each))
        of_file = best.pop(uri)
        reasons = sorted(of_file.values(), key=lambda each: (-each.score, each.word))
        chosen.append(SelectedFile(uri, round(scored[uri], 4), tuple(reasons)))
        for word, each in of_file.items():
            known[word] = max(known.get(word, 0.0), each.score)
    return tuple(chosen)


def search(
    text: str,
    snapshot: Snapshot,
    kinds: Collection[Kind] = ("metric", "dimension"),
    limit: int = 10,
) -> tuple[Found, ...]:
    """What is most likely meant by some words, best first; nothing when no word is known."""
    best: dict[Entry, dict[str, Reason]] = {}
    for word, hits in index_of(snapshot).found(text):
        for hit in hits:
            if hit.entry.kind in kinds:
                of_entry = best.setdefault(hit.entry, {})
                if word not in of_entry or of_entry[word].score < hit.score:
                    of_entry[word] = _reason(word, hit)
    found = [
        Found(
            entry,
            round(sum(each.score for each in reasons.values()), 4),
            tuple(sorted(reasons.values(), key=lambda each: (-each.score, each.word))),
        )
        for entry, reasons in best.items()
    ]
    found.sort(key=lambda each: (-each.score, each.entry.kind, each.entry.reference))
    return tuple(found[:limit])


def _reason(word: str, hit: Hit) -> Reason:
    return Reason(
        word, hit.entry.kind, hit.entry.reference, hit.field, hit.how, round(hit.score, 4)
    )
