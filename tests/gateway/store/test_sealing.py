from __future__ import annotations

import base64
import random
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigurationError, SealError
from gateway.store.sealing import Seal, SealKey, read_keys

if TYPE_CHECKING:
    from pathlib import Path

OLD = SealKey("2025", bytes(32))
NEW = SealKey("2026", bytes(range(32)))
SEALS = pytest.mark.parametrize("seal", [Seal(), Seal((NEW,))], ids=["compressed", "encrypted"])


@SEALS
@given(content=st.binary())
def test_what_is_sealed_comes_back(seal: Seal, content: bytes) -> None:
    assert seal.unseal(seal.seal(content, "LG-1"), "LG-1") == content


@SEALS
def test_a_long_message_comes_back(seal: Seal) -> None:
    content = random.Random(7).randbytes(20_000_000) + bytes(20_000_000)
    sealed = seal.seal(content, "LG-1")
    assert seal.unseal(sealed, "LG-1") == content
    assert len(sealed.blob) < 21_000_000


def test_a_key_file_hides_the_content() -> None:
    assert b"secret" in Seal().seal(b"a secret", "LG-1").blob
    sealed = Seal((NEW,)).seal(b"a secret", "LG-1")
    assert b"secret" not in zstandard_or_raw(sealed.blob)
    assert sealed.key_id == "2026"


def zstandard_or_raw(blob: bytes) -> bytes:
    try:
        return zstandard.ZstdDecompressor().decompress(blob)
    except zstandard.ZstdError:
        return blob


def test_the_same_content_never_seals_to_the_same_bytes_twice() -> None:
    seal = Seal((NEW,))
    assert seal.seal(b"x", "LG-1").blob != seal.seal(b"x", "LG-1").blob


def test_the_first_key_seals_and_every_key_opens() -> None:
    before, after = Seal((OLD,)), Seal((NEW, OLD))
    assert after.unseal(before.seal(b"x", "LG-1"), "LG-1") == b"x"
    assert after.seal(b"x", "LG-1").key_id == "2026"


def test_what_was_stored_without_a_key_opens_after_one_was_set() -> None:
    assert Seal((NEW,)).unseal(Seal().seal(b"x", "LG-1"), "LG-1") == b"x"


def test_a_missing_key_is_named() -> None:
    with pytest.raises(SealError, match="'2025'"):
        Seal((NEW,)).unseal(Seal((OLD,)).seal(b"x", "LG-1"), "LG-1")


def test_another_key_under_the_same_id_does_not_open() -> None:
    with pytest.raises(SealError):
        Seal((replace(NEW, octets=bytes(32)),)).unseal(Seal((NEW,)).seal(b"x", "LG-1"), "LG-1")


@SEALS
def test_a_blob_cut_anywhere_does_not_open(seal: Seal) -> None:
    sealed = seal.seal(b"some content " * 20, "LG-1")
    for length in range(len(sealed.blob)):
        with pytest.raises(SealError):
            seal.unseal(replace(sealed, blob=sealed.blob[:length]), "LG-1")


@SEALS
def test_a_blob_with_any_octet_changed_never_opens_as_something_else(seal: Seal) -> None:
    content = b"some content " * 20
    sealed = seal.seal(content, "LG-1")
    for position in range(len(sealed.blob)):
        changed = bytearray(sealed.blob)
        changed[position] ^= 0x5A
        try:
            opened = seal.unseal(replace(sealed, blob=bytes(changed)), "LG-1")
        except SealError:
            continue
        assert opened == content  # a bit of the zstd frame that means nothing
        assert not sealed.key_id


@SEALS
@given(blob=st.binary(max_size=200))
def test_hostile_blobs_are_refused(seal: Seal, blob: bytes) -> None:
    sealed = seal.seal(b"some content", "LG-1")
    with pytest.raises(SealError):
        seal.unseal(replace(sealed, blob=blob), "LG-1")


def test_an_encrypted_blob_does_not_open_for_another_subject() -> None:
    seal = Seal((NEW,))
    with pytest.raises(SealError):
        seal.unseal(seal.seal(b"x", "LG-1"), "LG-2")


def test_an_encrypted_blob_is_bound_to_its_digest_and_size() -> None:
    seal = Seal((NEW,))
    sealed = seal.seal(b"x", "LG-1")
    for forged in (replace(sealed, sha256="0" * 64), replace(sealed, size=2)):
        with pytest.raises(SealError):
            seal.unseal(forged, "LG-1")


def test_a_decompression_bomb_is_not_decompressed() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(1 << 26))
    sealed = Seal().seal(b"x" * 10, "LG-1")
    tracemalloc.start()
    with pytest.raises(SealError):
        Seal().unseal(replace(sealed, blob=bomb), "LG-1")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_key_and_a_blob_do_not_show_in_a_repr() -> None:
    assert "octets" not in repr(Seal((NEW,)))
    assert "blob" not in repr(Seal().seal(b"x", "LG-1"))


def encoded(key: SealKey) -> str:
    return f"{key.id} {base64.b64encode(key.octets).decode()}"


def test_a_key_file_may_hold_comments_and_blank_lines(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# the first encrypts\n\n  {encoded(NEW)}  \n{encoded(OLD)}\n")
    assert read_keys(file) == (NEW, OLD)


@pytest.mark.parametrize(
    ("content", "where", "what"),
    [
        ("", "", "no key"),
        ("# only a comment\n", "", "no key"),
        ("\nAAAA\n", ":2:", "1 words"),
        ("id AAAA extra", ":1:", "3 words"),
        ("a/b " + "A" * 43 + "=", ":1:", "id may hold"),
        ("id AAAA", ":1:", "3 octets"),
        ("id !!!!", ":1:", "not base64"),
        ("id é", ":1:", "not base64"),
        (f"{encoded(NEW)}\n{encoded(NEW)}", ":2:", "stands twice"),
    ],
)
def test_a_wrong_key_file_is_answered_with_file_and_line(tmp_path: Path, content: str, where: str, what: str) -> None:
    file = tmp_path / "keys"
    file.write_text(content, "utf-8")
    with pytest.raises(ConfigurationError, match=what) as caught:
        read_keys(file)
    assert f"{file}{where}" in caught.value.problems[0]


def test_every_wrong_line_of_a_key_file_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("a\nb\n")
    with pytest.raises(ConfigurationError) as caught:
        read_keys(file)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_key_file_that_is_missing_or_no_text_is_a_configuration_error(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="can't be read"):
        read_keys(file)


def test_a_key_never_stands_in_an_error(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("id c2VjcmV0LXNlY3JldA==")
    with pytest.raises(ConfigurationError) as caught:
        read_keys(file)
    assert "c2Vj" not in str(caught.value)
