"""Whatever octets somebody sends, what a person is shown of them is harmless, and nothing raises."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.preview.invisible import Invisible
from gateway.preview.markup import safe_html
from gateway.preview.message import attached_message, preview
from tests.support.hostile_content import CONTENT, MARKUP
from tests.support.shown_markup import TAG

PIECES = sorted({piece for markup in MARKUP.values() for piece in re.split(r"(?=[<>\"'=&\s])", markup)})
MARKUPS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=30).map("".join)
MIXED = st.lists(st.sampled_from(sorted(MARKUP.values())), min_size=2, max_size=4).map("".join)

LINES = sorted({line for content in CONTENT.values() for line in re.split(rb"(?=[\r\n;:])", content)})
FIELDS = [
    b"Content-Type: multipart/mixed; boundary=b\r\n", b"Content-Type: text/html; charset=", b"utf-16", b"hz", b"undefined", b"idna",
    b"utf-8", b"gb18030", b"iso-2022-kr", b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Type: text/calendar\r\n", b"Content-Type: message/rfc822\r\n", b"\r\n--b\r\n", b"\r\n--b--\r\n", b"\r\n\r\n", b"\n",
    b"Content-Disposition: attachment; filename*0*=utf-8''%", b"; filename=", b"BEGIN:VEVENT\r\n", b"END:VEVENT\r\n", b"DTSTART;TZID=",
    b"Content-Type: text/plain; format=flowed; delsp=yes\r\n", b"ORGANIZER;CN=", b"<script>", b"=", b"\xff", b"\0", b"\x81\x30\x84\x36",
]  # fmt: skip
CONTENTS = st.lists(st.one_of(st.sampled_from(FIELDS), st.sampled_from(LINES), st.binary(max_size=8)), max_size=40).map(
    b"".join
)


def harmless(html: str) -> bool:
    return "<" not in re.sub(TAG, "", html)


@example("\ud800")
@given(st.one_of(MARKUPS, MIXED, st.text(max_size=200)))
def test_html_is_harmless_whatever_it_was(markup: str) -> None:
    safe = safe_html(markup, 10_000)
    assert harmless(safe.html)
    assert safe_html(safe.html, 10_000).images == 0


@given(
    st.one_of(
        CONTENTS,
        st.sampled_from(sorted(CONTENT.values())).flatmap(
            lambda content: st.integers(0, len(content)).map(lambda cut: content[:cut])
        ),
    )
)
def test_a_message_is_shown_whatever_it_is(content: bytes) -> None:
    shown = preview(content)
    assert all(harmless(page.html) for page in shown.pages)
    lines = [field.value for field in (*shown.fields, *shown.other_fields)] + [one.name for one in shown.attachments]
    assert not any(
        "\n" in piece or "\u202e" in piece for line in lines for piece in line if not isinstance(piece, Invisible)
    )
    for one in shown.attachments:
        inner = attached_message(content, one.number)
        assert (inner is None) == (one.message is None)
