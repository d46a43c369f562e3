"""What people mistype on the command line is answered with what they probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.cli import Cli
from tests.support.examples import copy_example


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return copy_example("shop", tmp_path).parent


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("run", "x", "--foramt", "csv"), ": --foramt csv; did you mean --format?"),
        (("run", "x", "--format", "cvs"), "did you mean csv?"),
        (("list", "dimension"), "did you mean dimensions?"),
        (("metasync", "shw"), "did you mean show?"),
        (("check", "--fixx"), "did you mean --fix?"),
        (("compile", "--dialect", "bigqery"), "did you mean 'bigquery'?"),
    ],
)
def test_options_and_choices(cli: Cli, words: tuple[str, ...], meant: str) -> None:
    done = cli(*words)
    assert done.status == 2 and done.out == ""
    first, second = done.err.splitlines()
    assert first.startswith(f"smq {words[0]}: error: ") and first.endswith(meant)
    assert second == f"`smq {words[0]} --help` shows what there is"


def test_options_like_no_other_get_no_hint(cli: Cli) -> None:
    assert "did you mean" not in cli("check", "--zzzzzz").err


@pytest.mark.parametrize(
    ("command", "written"),
    [
        ("run", "queries/sale_by_store.smq.json"),
        ("compile", "sales_by_store"),
        ("check", "sales_by_stroe.smq.json"),
        ("fmt", "querys/sales_by_store.smq.json"),
        ("explain", "queries/sales_by_store"),
    ],
)
def test_files(cli: Cli, shop: Path, command: str, written: str) -> None:
    done = cli(command, written)
    assert done.status == 2
    assert f"no such file or directory: {written}" in done.err
    if not written.startswith("querys"):
        assert done.err.rstrip().endswith("; did you mean queries/sales_by_store.smq.json?")


def test_a_link_to_itself_is_not_said_to_be_meant(cli: Cli, shop: Path) -> None:
    (shop / "loop.smq.json").symlink_to("loop.smq.json")
    done = cli("fmt", "loop.smq.json")
    assert (done.status, done.err) == (
        2,
        "smq: error: loop.smq.json is a link that leads to no file\n",
    )


def test_a_directory_is_meant_by_a_name_like_its_own(cli: Cli, shop: Path) -> None:
    assert "did you mean queries?" in cli("check", "querys").err


def test_words_that_no_name_has_are_looked_for_by_their_meaning(cli: Cli, shop: Path) -> None:
    done = cli("list", "metrics", "매출")
    assert done.status == 0 and done.out == ""
    assert done.err.startswith("no metrics with '매출'; near in meaning: revenue")
    assert cli("list", "metrics", "zzz").err == "no metrics with 'zzz'\n"
    assert cli("list", "queries", "zzz").err == "no queries with 'zzz'\n"


def test_dimensions_of_several_metrics_are_those_that_all_have(cli: Cli, shop: Path) -> None:
    def names(*words: str) -> list[str]:
        return [line.split()[0] for line in cli("list", "dimensions", *words).out.splitlines()]

    units, stores = names("--for", "units_sold"), names("--for", "store_count")
    both = names("--for", "units_sold", "--for", "store_count")
    assert both == [name for name in units if name in stores] and both
    assert names("--for", "units_sold,store_count") == both
    assert "did you mean store_count" in cli("list", "dimensions", "--for", "store_coutn").err
