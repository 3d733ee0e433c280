"""Sealing: the at-rest form of raw messages and of frozen mail, compressed and, with a key file, encrypted.

Never writes anything anywhere. zstd (RFC 8878), then AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits;
the associated data bind a blob to what it belongs to, so that two blobs can't change places.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway import tokens
from gateway.errors import ConfigurationError, SealError

if TYPE_CHECKING:
    from pathlib import Path

_KEY_OCTETS = 32
_NONCE_OCTETS = 12
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CONTEXT = b"liaison-gateway sealed 1"


SMALL = 64 * 1024
"""Octets that are sealed, or unsealed, in less than a millisecond."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is stored: `sha256` (hex) and `size` (octets) of the content; `key_id` "" when it is not encrypted."""

    sha256: str
    size: int
    key_id: str
    blob: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SealKey:
    """One line of the key file: `id` and 32 octets."""

    id: str
    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seal:
    """Seals with the first key and opens with all of them; without keys it only compresses."""

    keys: tuple[SealKey, ...] = ()

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The first encrypts."""
        return tuple(key.id for key in self.keys)

    def seal(self, content: bytes, subject: str) -> Sealed:
        """Close `content` as belonging to `subject` (a case reference or an item id)."""
        digest = hashlib.sha256(content).hexdigest()
        from gateway.store.compression import compress

        if not self.keys:
            return Sealed(digest, len(content), "", compress(content))
        from gateway.store.cipher import encrypt  # 7 MB, for those who have a key

        key, nonce = self.keys[0], tokens.nonce()
        bound = _associated_data(subject, digest, len(content))
        encrypted = encrypt(key.octets, nonce, compress(content), bound)  # no name holds the copy in between
        return Sealed(digest, len(content), key.id, nonce + encrypted)

    def unseal(self, sealed: Sealed, subject: str) -> bytes:
        """The content, whole and unchanged; raises SealError with the reason otherwise."""
        from gateway.store.compression import decompress

        content = decompress(self._decrypt(sealed, subject), sealed.size)
        if content is None:
            raise SealError(f"The stored message of {subject} can't be opened: it is damaged.")
        if len(content) != sealed.size or hashlib.sha256(content).hexdigest() != sealed.sha256:
            raise SealError(f"The stored message of {subject} is not what was sealed: its digest is another.")
        return content

    def _decrypt(self, sealed: Sealed, subject: str) -> bytes:
        if not sealed.key_id:
            return sealed.blob
        key = next((key for key in self.keys if key.id == sealed.key_id), None)
        if key is None:
            raise SealError(
                f"The stored message of {subject} needs the key {sealed.key_id!r}, which the key file lacks."
            )
        from gateway.store.cipher import decrypt  # 7 MB, for those who have a key

        nonce, ciphertext = sealed.blob[:_NONCE_OCTETS], sealed.blob[_NONCE_OCTETS:]
        packed = decrypt(key.octets, nonce, ciphertext, _associated_data(subject, sealed.sha256, sealed.size))
        if packed is None:
            raise SealError(
                f"The stored message of {subject} can't be opened: it was changed, or the key {key.id!r} was."
            )
        return packed


async def seal_aside(seal: Seal, content: bytes, subject: str) -> Sealed:
    """`seal()`, in a thread unless the content is small: compressing a large one would hold up the event loop."""
    if len(content) <= SMALL:
        return seal.seal(content, subject)
    return await asyncio.to_thread(seal.seal, content, subject)


async def unseal_aside(seal: Seal, sealed: Sealed, subject: str) -> bytes:
    """`unseal()`, in a thread unless the content is small."""
    if sealed.size <= SMALL and len(sealed.blob) <= SMALL:
        return seal.unseal(sealed, subject)
    return await asyncio.to_thread(seal.unseal, sealed, subject)


async def reseal(seal: Seal, sealed: Sealed, subject: str) -> Sealed:
    """The same content under the first key."""
    return await seal_aside(seal, await unseal_aside(seal, sealed, subject), subject)


def columns_of(sealed: Sealed) -> dict[str, object]:
    """The row's part that holds it."""
    return {"sha256": sealed.sha256, "size": sealed.size, "key_id": sealed.key_id, "blob": sealed.blob}


def new_key_line(name: str) -> bytes:
    """A line of a key file, with a key that nobody had before."""
    return f"{name} {base64.b64encode(tokens.secret_key()).decode('ascii')}\n".encode()


def read_keys(path: Path) -> tuple[SealKey, ...]:
    """The keys of a key file: "id base64" a line, comments (#) and blank lines allowed. Raises ConfigurationError."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"{path}: the key file can't be read: {error}"]) from error
    keys: list[SealKey] = []
    problems: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            keys.append(_parse_key(line, {key.id for key in keys}))
        except ValueError as error:
            problems.append(f"{path}:{number}: {error}")
    if not keys and not problems:
        problems.append(f'{path}: no key in the file; one line "id base64" with 32 octets is needed')
    if problems:
        raise ConfigurationError(problems)
    return tuple(keys)


def _parse_key(line: str, taken: set[str]) -> SealKey:
    """One line; a ValueError says what is wrong and never repeats the key."""
    words = line.split()
    if len(words) != 2:
        raise ValueError(f'{len(words)} words; a line is "id base64"')
    name, encoded = words
    if not _KEY_ID.fullmatch(name):
        raise ValueError("the id may hold 1 to 64 letters, digits, full stops, hyphens and underscores")
    if name in taken:
        raise ValueError(f"the id {name!r} stands twice; every key needs its own")
    try:
        octets = base64.b64decode(encoded, validate=True)
    except ValueError as error:  # binascii.Error, or plain for what is not ASCII
        raise ValueError("the key is not base64") from error
    if len(octets) != _KEY_OCTETS:
        raise ValueError(f"the key has {len(octets)} octets; AES-256 needs {_KEY_OCTETS}")
    return SealKey(name, octets)


def _associated_data(subject: str, digest: str, size: int) -> bytes:
    return b"\x00".join((_CONTEXT, subject.encode("utf-8", "backslashreplace"), digest.encode(), str(size).encode()))
