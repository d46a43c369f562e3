"""The index of a workspace: worth its time, and never worth more trust than it deserves."""

from __future__ import annotations

import os
import pickle
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.cli import BANK
from tests.support.session import Client

from smq.syntax import Document
from smq.workspace import File, read_file
from smq_server.io import index as indexes
from smq_server.io.index import Index, pack, read_index, unpack, write_index

_STAMP = (1, 2)
_QUERY = '{"metrics": ["revenue", "없음"], "filters": ["주문__amount > 1"]}'


def bank_file() -> File:
    return read_file(Document("file:///bank.yml", BANK.read_text(encoding="utf-8")))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    directory = tmp_path / "cache"
    directory.mkdir(mode=0o700)
    return directory


def one_index(cache: Path, root: Path) -> Path:
    assert write_index(
        root, Index({"file:///bank.yml": pack(bank_file(), _STAMP)}, {"x": b"x"}), cache
    )
    (path,) = cache.iterdir()
    return path


@pytest.mark.parametrize(
    "document",
    [
        Document("file:///bank.yml", BANK.read_text(encoding="utf-8")),
        Document("file:///q.smq.json", _QUERY),
        Document("file:///broken.yml", "semantic_models:\n  - name: [\n\r\n 'x"),
        Document("file:///half.smq.json", '{"metrics": ["\ud83d"]'),
        Document("file:///empty.yml", ""),
    ],
    ids=["models", "query", "broken", "half", "empty"],
)
def test_a_file_comes_back_as_it_was_read(document: Document) -> None:
    file = read_file(document)
    again = unpack(document.uri, pack(file, _STAMP))
    assert again is not None
    assert again.document == document
    assert repr(again.reading) == repr(file.reading)
    assert repr(again.parsed) == repr(file.parsed)


def test_written_and_read(cache: Path, tmp_path: Path) -> None:
    path = one_index(cache, tmp_path)
    found = read_index(tmp_path, cache)
    assert list(found.pieces) == ["file:///bank.yml"]
    assert found.found == {"x": b"x"}
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert read_index(tmp_path / "other", cache) == indexes.NOTHING


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_damage_means_no_index(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    cache = tmp_path_factory.mktemp("c")
    cache.chmod(0o700)
    path = one_index(cache, cache)
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    how = data.draw(st.sampled_from(("cut", "flip", "insert", "zero")))
    path.write_bytes(
        {
            "cut": content[:at],
            "flip": content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :],
            "insert": content[:at] + b"\x00\xff" + content[at:],
            "zero": content[:at] + bytes(len(content) - at),
        }[how]
    )
    assert read_index(cache, cache).pieces in ({}, read_of(content, cache).pieces)


def read_of(content: bytes, cache: Path) -> Index:
    (path,) = cache.iterdir()
    path.write_bytes(content)
    return read_index(cache, cache)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_piece_is_no_file(data: st.DataObject) -> None:
    piece = pack(bank_file(), _STAMP)
    at = data.draw(st.integers(0, len(piece.data) - 1))
    damaged = indexes.Piece(piece.stamp, piece.taken, piece.text, piece.data[:at])
    assert unpack("file:///bank.yml", damaged) is None


def test_an_index_cannot_run_anything() -> None:
    class Harm:
        def __reduce__(self) -> object:
            return os.system, ("exit 1",)

    for evil in (pickle.dumps(Harm()), pickle.dumps(os.getcwd), pickle.dumps(eval)):
        with pytest.raises(pickle.UnpicklingError):
            indexes.load(evil)
        assert unpack("file:///x.yml", indexes.Piece(_STAMP, 0, "", evil)) is None


def test_what_others_may_write_is_not_read(cache: Path, tmp_path: Path) -> None:
    path = one_index(cache, tmp_path)
    path.chmod(0o666)
    assert read_index(tmp_path, cache) == indexes.NOTHING
    path.chmod(0o600)
    assert read_index(tmp_path, cache) != indexes.NOTHING
    cache.chmod(0o777)
    assert read_index(tmp_path, cache) == indexes.NOTHING
    assert not write_index(tmp_path, indexes.NOTHING, cache)


def test_a_new_program_reads_anew(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_index(cache, tmp_path)
    monkeypatch.setattr(indexes, "FORMAT", indexes.FORMAT + 1)
    assert read_index(tmp_path, cache) == indexes.NOTHING


@pytest.mark.parametrize("place", ["/dev/null/cache", "/dev/full", "/proc/cache"])
def test_a_cache_that_cannot_be_written(tmp_path: Path, place: str) -> None:
    assert not write_index(tmp_path, indexes.NOTHING, Path(place))
    assert read_index(tmp_path, Path(place)) == indexes.NOTHING


# The server with it


def workspace(directory: Path, queries: int = 30) -> Path:
    directory.mkdir()
    (directory / "smq.toml").write_text("")
    (directory / "bank.yml").write_bytes(BANK.read_bytes())
    for number in range(queries):
        name = "revenue" if number % 3 else f"unknown_{number}"
        (directory / f"q{number}.smq.json").write_text(f'{{"metrics": ["{name}"]}}')
    for path in directory.iterdir():
        # Long ago: nobody can have written the file again within the clock's tick.
        os.utime(path, ns=(10**18, 10**18))
    return directory


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were read anew, by name."""
    found: list[str] = []
    from smq_server.lsp import roots

    def counted(document: Document) -> File:
        found.append(document.uri.rpartition("/")[2])
        return read_file(document)

    monkeypatch.setattr(roots, "read_file", counted)
    return found


def test_the_second_start_reads_only_what_changed(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, reads: list[str]
) -> None:
    monkeypatch.setenv("SMQ_CACHE_DIR", str(cache))
    directory = workspace(tmp_path / "w")
    first = Client(directory).settle()
    assert len(reads) == 31
    reads.clear()
    assert Client(directory).settle() == first
    assert reads == []
    # A model changes while no server runs: the queries it breaks are found as well.
    text = BANK.read_text(encoding="utf-8").replace("name: revenue", "name: turnover")
    (directory / "bank.yml").write_text(text, encoding="utf-8")
    (directory / "q0.smq.json").unlink()
    (directory / "q31.smq.json").write_text('{"metrics": ["x"]}')
    second = Client(directory).settle()
    assert sorted(reads) == ["bank.yml", "q31.smq.json"]
    monkeypatch.setenv("SMQ_CACHE_DIR", str(tmp_path / "empty"))
    assert second == Client(directory).settle()
    assert len(second) > len(first)


def test_unsaved_text_is_not_taken_for_the_disks(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMQ_CACHE_DIR", str(cache))
    directory = workspace(tmp_path / "w")
    client = Client(directory)
    client.open(directory / "bank.yml", "metrics: []\n")
    client.open(directory / "new.smq.json", '{"metrics": ["y"]}')
    client.settle()
    after = Client(directory).settle()
    monkeypatch.setenv("SMQ_CACHE_DIR", str(tmp_path / "empty"))
    assert after == Client(directory).settle()


def test_other_settings_find_other_things(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMQ_CACHE_DIR", str(cache))
    directory = workspace(tmp_path / "w")
    assert Client(directory).settle()
    (directory / "smq.toml").write_text('[rules]\nignore = ["NAM101"]\n')
    after = Client(directory).settle()
    monkeypatch.setenv("SMQ_CACHE_DIR", str(tmp_path / "empty"))
    assert after == Client(directory).settle()


@pytest.mark.parametrize("content", [b"", b"smq-index\n", b"\x00" * 1000, b"smq-index\n" * 99])
def test_a_server_starts_with_any_index(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setenv("SMQ_CACHE_DIR", str(cache))
    directory = workspace(tmp_path / "w")
    first = Client(directory).settle()
    (path,) = cache.iterdir()
    path.write_bytes(content)
    path.chmod(0o600)
    assert Client(directory).settle() == first


@pytest.mark.parametrize("place", ["/dev/full", "/dev/null/x"])
def test_a_full_disk_costs_a_line_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("SMQ_CACHE_DIR", place)
    client = Client(workspace(tmp_path / "w"))
    assert client.settle()
    assert any("cache" in line for line in client.logged)
