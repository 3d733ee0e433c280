"""Encoded-words (RFC 2047), read as leniently as the most lenient mail reader does.

Never decodes UTF-7, in which an address can be hidden from everybody who doesn't, nor any codec that is no charset.
"""

from __future__ import annotations

import re
from email import base64mime, quoprimime
from itertools import groupby
from types import MappingProxyType

# The encoded text may hold spaces, and a word may stand inside quotes or against another one (RFC 2047 §5 forbids it).
_WORD = re.compile(r"=\?([!->@-~]{1,64})\?([BbQq])\?([^?]*)\?=")
_RUN = re.compile(r"=\?[!->@-~]{1,64}\?[BbQq]\?[^?]*\?=(?:[ \t\r\n]*+=\?[!->@-~]{1,64}\?[BbQq]\?[^?]*\?=)*+")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")

_ISO_8859_1 = "iso8859-1"
# Labels promise less than mailers send: each legacy charset is read as the superset that its users' software writes.
_SUPERSETS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "windows-936": "gb18030",
    "hz-gb-2312": "hz",
    "big5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "cn-big5": "big5hkscs",
    "x-big5": "big5hkscs",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "euc-jp": "euc-jp",
    "iso-2022-jp": "iso2022_jp_2",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "windows-949": "cp949",
    "iso-2022-kr": "iso2022_kr",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "macintosh": "mac-roman",
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "utf-32": "utf-32",
}
_CODECS = MappingProxyType(
    _SUPERSETS
    | {f"iso-8859-{part}": f"iso8859-{part}" for part in range(1, 17) if part != 12}
    | {f"{vendor}{page}": f"cp{page}" for vendor in ("windows-", "cp", "cp-") for page in range(1250, 1259)}
)
"""Charset label, lower case -> Python codec. A closed list: Python would also look up rot13, punycode or a module."""


def decode_words(text: str) -> str:
    """The text with every encoded-word decoded and the white space between adjacent ones gone; never raises.

    The octets of adjacent words in one charset are joined first, because mailers split characters between them.
    What the octets decode to is not filtered: it may hold line ends, NUL or an @.
    """
    return _RUN.sub(_decoded_run, text) if "=?" in text else text


def _decoded_run(run: re.Match[str]) -> str:
    words = _WORD.findall(run[0])
    return "".join(
        b"".join(_octets(encoding, encoded) for _, encoding, encoded in same).decode(codec, "replace")
        for codec, same in groupby(words, key=lambda word: _codec(word[0]))
    )


def codec_of(charset: str) -> str | None:
    """Python's codec for a charset label; None for a label that is not in the table."""
    return _CODECS.get(charset.lower())


def _codec(charset: str) -> str:
    """An unknown charset is read as ISO-8859-1, and an RFC 2231 §5 language suffix is dropped."""
    return codec_of(charset.partition("*")[0]) or _ISO_8859_1


def _octets(encoding: str, encoded: str) -> bytes:
    if encoding in "Qq":
        return quoprimime.header_decode(encoded).encode("latin-1", "replace")
    significant = _NOT_BASE64.sub("", encoded)
    if len(significant) % 4 == 1:  # six bits are no octet
        significant = significant[:-1]
    return base64mime.decode(significant + "=" * (-len(significant) % 4))
