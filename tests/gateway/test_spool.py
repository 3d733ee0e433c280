"""What goes into a spool comes out of it, from memory as from a file."""

from __future__ import annotations

import os
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.spool import CHUNK, MEMORY_LIMIT, SMALL, Memory, Spool

ORDINARY = b"From: a@town.example\r\n\r\nGood day.\r\n"
LARGE = bytes(range(256)) * (MEMORY_LIMIT // 256 + 1000)


def files_in(directory: Path) -> list[Path]:
    """What this process has open there, with a name or without one."""
    return [number for number in Path("/proc/self/fd").iterdir() if _stands_in(directory, number)]


@pytest.mark.parametrize("content", [b"", b"x", ORDINARY, LARGE, b"x" * MEMORY_LIMIT, b"x" * (MEMORY_LIMIT + 1)])
def test_the_same_octets_come_out_as_often_as_needed(content: bytes) -> None:
    spool = Spool.of(content)
    assert spool.size == len(content)
    for _ in range(2):
        assert spool.read() == content
        assert b"".join(spool.chunks()) == content
        assert b"".join(spool.chunks(5)) == content[5:]
        assert spool.head(10) == content[:10]
    spool.close()


def test_a_message_that_trickles_in_takes_no_more_memory_than_it_holds() -> None:
    spool = Spool()
    tracemalloc.start()
    for _ in range(100_000):
        spool.write(b"x")
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2 * 100_000
    assert spool.read() == b"x" * 100_000
    spool.close()


@given(st.lists(st.integers(0, 400_000), max_size=8), st.integers(0, 3_000_000))
def test_it_does_not_matter_in_which_pieces_they_went_in(sizes: list[int], start: int) -> None:
    spool = Spool()
    pieces = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    for piece in pieces:
        spool.write(piece)
    assert b"".join(spool.chunks(start)) == b"".join(pieces)[start:]
    spool.close()


def test_writing_goes_on_after_a_look_at_the_head() -> None:
    spool = Spool.of(LARGE)
    assert spool.head(100) == LARGE[:100]
    spool.write(b"more")
    assert spool.read() == LARGE + b"more"
    spool.close()


def test_large_content_comes_in_chunks() -> None:
    spool = Spool.of(LARGE)
    assert max(map(len, spool.chunks())) <= CHUNK
    spool.close()


def test_two_readers_do_not_disturb_each_other() -> None:
    spool = Spool.of(LARGE)
    one, two = spool.chunks(), spool.chunks(3)
    first = next(one)
    assert next(two) == LARGE[3 : 3 + CHUNK]
    assert first + b"".join(one) == LARGE
    spool.close()


def test_a_large_message_leaves_no_name_and_no_descriptor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    spool = Spool.of(LARGE)
    assert list(tmp_path.iterdir()) == []
    assert len(files_in(tmp_path)) == 1
    spool.close()
    assert files_in(tmp_path) == []


def test_when_the_shared_memory_is_spent_files_take_over_earlier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    memory = Memory(budget=500_000)
    spools = [Spool(memory) for _ in range(30)]
    for spool in spools:
        for _ in range(10):
            spool.write(b"x" * 10_000)
    assert memory.held <= memory.budget + len(spools) * SMALL
    assert len(files_in(tmp_path)) >= 20
    assert all(spool.read() == b"x" * 100_000 for spool in spools)
    for spool in spools:
        spool.close()
    assert (memory.held, files_in(tmp_path)) == (0, [])


def test_memory_is_given_back_once() -> None:
    memory = Memory()
    spool = Spool(memory)
    spool.write(SMALL * b"x")
    spool.close()
    spool.close()
    assert memory.held == 0


def test_a_temporary_directory_that_is_missing_is_an_os_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(OSError, match="missing"):
        Spool.of(LARGE)


def test_a_file_that_lost_octets_is_an_os_error_and_not_a_short_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    spool = Spool.of(LARGE)
    spool.head(1)
    (number,) = files_in(tmp_path)
    os.ftruncate(int(number.name), 1000)
    with pytest.raises(OSError, match="shorter"):
        spool.read()
    spool.close()


def _stands_in(directory: Path, descriptor: Path) -> bool:
    try:
        return descriptor.readlink().is_relative_to(directory)
    except OSError:  # the descriptor of the listing itself
        return False
