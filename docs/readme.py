"""Run the commands that the README shows, and write down what they really print.

A ```console block holds commands after `$ ` and under each what it prints, as a shell in the
repository would; `cd` lasts to the end of the document. Times in outputs do not count.

python docs/readme.py           write
python docs/readme.py --check   exit 1 when an output differs
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("README.md",)

_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.M | re.S)
_SECONDS = re.compile(r"\d+\.\d+ s$", re.M)


def refreshed(text: str) -> str:
    """The document with what its commands print now; times that are there are kept."""
    with tempfile.TemporaryDirectory() as scratch:
        shell = _Shell(Path(scratch))
        return _BLOCK.sub(lambda match: shell.block(match[0]), text)


class _Shell:
    """Runs one command after the other in a copy of the examples, so that nothing is changed."""

    def __init__(self, scratch: Path) -> None:
        import shutil

        shutil.copytree(ROOT / "examples", scratch / "examples")
        self._directory = scratch
        bin_directory = Path(sys.executable).parent
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("SMQ_")},
            "PATH": f"{bin_directory}{os.pathsep}{os.environ.get('PATH', '')}",
            "COLUMNS": "100",
        }

    def block(self, text: str) -> str:
        parts = re.split(r"^(\$ .*\n)", text, flags=re.M)
        found = parts[0]
        for command, shown in zip(parts[1::2], parts[2::2], strict=True):
            found += command + self._output(command[2:].strip(), shown)
        return found

    def _output(self, command: str, shown: str) -> str:
        if command.startswith("cd "):
            self._directory = (self._directory / command[3:]).resolve()
            return ""
        done = subprocess.run(
            command,
            shell=True,
            cwd=self._directory,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        if _SECONDS.sub("", done.stdout).strip() == _SECONDS.sub("", shown).strip():
            return shown
        return done.stdout.rstrip() + "\n" if done.stdout.strip() else ""


def main() -> int:
    status = 0
    for name in DOCUMENTS:
        path = ROOT / name
        before = path.read_text(encoding="utf-8")
        after = refreshed(before)
        if before == after:
            continue
        if "--check" in sys.argv[1:]:
            lines = difflib.unified_diff(
                before.splitlines(), after.splitlines(), name, "as printed now", lineterm=""
            )
            print("\n".join(lines), file=sys.stderr)
            status = 1
        else:
            path.write_text(after, encoding="utf-8", newline="\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
