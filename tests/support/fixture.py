"""One string that stands for a directory: a header for each file, then its text.

    -- models/a.yml --
    semantic_models: []
    -- q.smq.json --
    {"metrics": []}

A header may say how the bytes differ from plain UTF-8: `(encoding cp949)`, `(size 40 MiB)`,
`(unreadable)`. Without any header the text is the content of one file, whose name the caller
chooses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HEADER = re.compile(
    r"^-- (?P<path>\S+?)(?: \((?P<how>encoding|size|unreadable)(?: (?P<value>[^)]*))?\))? --\n?",
    re.MULTILINE,
)


@dataclass(frozen=True)
class FixtureFile:
    path: str
    text: str
    how: str | None = None
    value: str = ""

    def write(self, directory: Path) -> Path:
        """Put the file on the disk; an unreadable one becomes a link to nothing."""
        path = directory / self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.how == "unreadable":
            path.symlink_to(directory / "nowhere")
        elif self.how == "size":
            with path.open("wb") as file:
                file.write(b"semantic_models: []\n")
                file.truncate(int(self.value.split()[0]) * 1024 * 1024)
        else:
            path.write_bytes(self.text.encode(self.value or "utf-8"))
        return path


def split(text: str, alone: str = "models.yml") -> list[FixtureFile]:
    """The files of a fixture; `alone` names the one of a text without headers."""
    headers = list(_HEADER.finditer(text))
    if not headers:
        return [FixtureFile(alone, text)]
    ends = [*(header.start() for header in headers[1:]), len(text)]
    return [
        FixtureFile(header["path"], text[header.end() : end], header["how"], header["value"] or "")
        for header, end in zip(headers, ends, strict=True)
    ]


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """The fenced examples of a rule's page: (`bad` or `good`, text)."""
    for match in re.finditer(r"^```(bad|good)[^\n]*\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        yield match[1], match[2]
