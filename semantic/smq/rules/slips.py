"""Names that a slip of the pen tells apart, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from smq.text import nfc


def likeliest(written: str, near: Iterable[str]) -> tuple[str, ...]:
    """The only name that is a slip away if there is one, else all of the nearest."""
    names = tuple(near)
    slips = tuple(name for name in names if is_slip(written, name))
    return slips if len(slips) == 1 else names


def is_slip(written: str, name: str) -> bool:
    """Whether only case, separators or one letter too many or too few tell the names apart.

    A letter that was exchanged is no slip: `revenue_kr` and `revenue_jp` are two metrics, and so
    are `revenue_2023` and `revenue_2024`.
    """
    wrong, right = _bare(written), _bare(name)
    if wrong == right:
        return True
    if len(wrong) == len(right):
        return _swapped(wrong, right)
    longer, shorter = (wrong, right) if len(wrong) > len(right) else (right, wrong)
    if len(longer) - len(shorter) != 1 or len(shorter) < 4:
        return False
    at = next((i for i, char in enumerate(shorter) if longer[i] != char), len(shorter))
    return longer[at].isalpha() and longer[:at] + longer[at + 1 :] == shorter


def _bare(name: str) -> str:
    return "".join(char for char in nfc(name).casefold() if char not in "_- ")


def _swapped(wrong: str, right: str) -> bool:
    """Two neighbouring letters in the wrong order."""
    places = [at for at, pair in enumerate(zip(wrong, right, strict=True)) if pair[0] != pair[1]]
    if len(places) != 2 or places[1] != places[0] + 1:
        return False
    at = places[0]
    return wrong[at : at + 2] == right[at : at + 2][::-1] and wrong[at : at + 2].isalpha()
