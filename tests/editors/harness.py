"""Starts a real editor on a copy of the example workspace and reads what it reports.

The configuration is the one that the editor's page in `docs/editors` tells people to write. An
editor that is not installed is left out of `available`; `SMQ_REQUIRE_EDITORS=neovim,emacs,vim`
makes a missing one a failure of `test_the_required_editors_are_here`. `SMQ_NEOVIM`, `SMQ_EMACS`,
`SMQ_HELIX`, `SMQ_KATE` and `SMQ_VIM` name another program than the one on the PATH.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from tests.editors.scenario import QUERY, STEPS, TEXT, Step

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
PATIENCE = 30
"""Seconds that a step may take on a busy machine; one that works ends at once."""
ALE = Path("/usr/share/vim/vimfiles/pack/dist-bundle/opt/ale")


@dataclass(frozen=True, slots=True)
class Outcome:
    ok: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Editor:
    name: str
    command: Callable[[str, Path], Sequence[str]]
    """The program and a file with the configuration, as a command."""
    block: Callable[[str], str]
    """The configuration for a program, out of the page."""
    suffix: str
    counts_bytes: bool = False
    """Whether it sends wrong columns behind letters outside ASCII."""
    only: tuple[str, ...] = ()
    """The operations that can be seen from outside; empty for all."""

    @property
    def program(self) -> str | None:
        wanted = os.environ.get(f"SMQ_{self.name.upper()}")
        return wanted or shutil.which(_PROGRAMS.get(self.name, self.name))

    @property
    def missing(self) -> str:
        """What is missing to run it; empty if nothing is."""
        program = self.program
        if program is None:
            return f"{self.name} is not installed"
        if self.name == "vim":
            if not ALE.is_dir():
                return "ALE is not installed"
            said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
            if "+channel" not in said:
                return "this Vim has no channels; install vim-nox"
        if self.name == "helix" and shutil.which("tmux") is None:
            return "tmux, which types for Helix, is not installed"
        if self.name == "kate":
            for program in ("xvfb-run", "xdotool", "dbus-run-session"):
                if shutil.which(program) is None:
                    return f"{program}, which a window without a screen needs, is not installed"
        if self.name == "emacs":
            asked = [program, "--batch", *_PACKAGES, "-l", "eglot", "-l", "yaml-mode"]
            if subprocess.run(asked, capture_output=True).returncode:
                return "eglot or yaml-mode is not installed"
        return ""

    @property
    def steps(self) -> list[Step]:
        """What the editor can be asked to do."""
        return [
            step
            for step in STEPS
            if not (step.beyond_ascii and self.counts_bytes)
            and (not self.only or (step.do in self.only and step.shows))
        ]


_PROGRAMS = {"neovim": "nvim", "helix": "hx"}

_PACKAGES = (
    "-Q",
    "--eval",
    """(progn (require 'package)
              (add-to-list 'package-directory-list "/usr/share/emacs/site-lisp/elpa")
              (package-initialize))""",
)
"""Nobody's own configuration, but the packages of the system."""


def _neovim(program: str, configuration: Path) -> list[str]:
    driver = HERE / "neovim.lua"
    return [
        *(program, "--headless", "-n", "-i", "NONE", "-u", str(configuration)),
        *("-c", f"luafile {driver}"),
    ]


def _emacs(program: str, configuration: Path) -> list[str]:
    driver = HERE / "emacs.el"
    return [program, "--batch", *_PACKAGES, "-l", str(configuration), "-l", str(driver)]


def _vim(program: str, configuration: Path) -> list[str]:
    driver = HERE / "vim.vim"
    return [
        *(program, "-N", "-n", "-i", "NONE", "-T", "dumb", "--not-a-term"),
        *("-u", str(configuration), "-S", str(driver)),
    ]


def _helix(program: str, configuration: Path) -> list[str]:
    return [sys.executable, str(HERE / "helix.py"), program, str(configuration)]


def _kate(program: str, configuration: Path) -> list[str]:
    return [sys.executable, str(HERE / "kate.py"), program, str(configuration)]


def _neovim_block(program: str) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    version = re.search(r"NVIM v(\d+)\.(\d+)", said)
    assert version is not None, said
    is_new = (int(version[1]), int(version[2])) >= (0, 11)
    return block("neovim", "lua", "0.11 and newer" if is_new else "0.7 to 0.10")


_SEEN_IN_TRAFFIC = ("diagnostics", "completion")

EDITORS = (
    Editor("neovim", _neovim, _neovim_block, ".lua"),
    Editor("emacs", _emacs, lambda _: block("emacs", "elisp"), ".el"),
    Editor("helix", _helix, lambda _: block("helix", "toml"), ".toml"),
    Editor("kate", _kate, lambda _: block("kate", "json"), ".json", only=_SEEN_IN_TRAFFIC),
    Editor("vim", _vim, lambda _: block("vim", "vim"), ".vim", counts_bytes=True),
)


def block(page: str, language: str, heading: str = "") -> str:
    """The first block in this language, below a heading that ends like this."""
    text = (REPOSITORY / "docs" / "editors" / f"{page}.md").read_text(encoding="utf-8")
    if heading:
        text = text[text.index(f"{heading}\n") :]
    found = re.search(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert found is not None, f"{page}.md has no block in {language}"
    return found[1]


@cache
def available() -> tuple[Editor, ...]:
    return tuple(editor for editor in EDITORS if not editor.missing)


def required() -> list[str]:
    return [name for name in os.environ.get("SMQ_REQUIRE_EDITORS", "").split(",") if name]


def play(editor: Editor) -> dict[str, Outcome]:
    """The outcome of each step by its name."""
    program = editor.program
    assert program is not None
    with tempfile.TemporaryDirectory(prefix="smq-editor-") as name:
        scratch = Path(name).resolve()
        folder = scratch / "bank"
        shutil.copytree(REPOSITORY / "examples" / "bank", folder)
        (folder / QUERY).write_text(TEXT, encoding="utf-8")
        configuration = scratch / f"configuration{editor.suffix}"
        configuration.write_text(editor.block(program), encoding="utf-8")
        steps = scratch / "steps.json"
        steps.write_text(
            json.dumps([asdict(step) for step in editor.steps], ensure_ascii=False),
            encoding="utf-8",
        )
        report = scratch / "report"
        said = _run(editor.command(program, configuration), folder, steps, report)
        if not report.exists():
            raise AssertionError(f"{editor.name} reported nothing:\n{said}")
        rows = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    return {row["name"]: Outcome(row["ok"], row["seen"]) for row in rows}


def _run(command: Sequence[str], folder: Path, steps: Path, report: Path) -> str:
    """Run the editor to its end; what it wrote to the terminal."""
    home = folder.parent
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
        "HOME": str(home),
        **{f"XDG_{kind}_HOME": str(home) for kind in ("CONFIG", "DATA", "STATE", "CACHE")},
        "SMQ_FOLDER": str(folder),
        "SMQ_STEPS": str(steps),
        "SMQ_REPORT": str(report),
        "SMQ_PATIENCE": str(PATIENCE),
    }
    # An editor ends at the end of its input, so it gets a pipe that stays open.
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        try:
            process.wait(PATIENCE * (len(STEPS) + 2))
        except subprocess.TimeoutExpired:
            process.kill()
        return process.stdout.read().decode(errors="replace")
