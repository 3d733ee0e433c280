"""Parameters of MIME fields: plain, quoted, continued, encoded, or as mailers write them all the same."""

from __future__ import annotations

import pytest

from filters.content import parse_header
from gateway.preview.parameters import parameter


def name(disposition: bytes) -> str:
    return parameter(
        parse_header(b"Content-Disposition: attachment" + disposition + b"\r\n"), "content-disposition", "filename"
    )


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        (b"", ""),
        (b"; filename=a.pdf", "a.pdf"),
        (b"; FileName = a.pdf ; x=y", "a.pdf"),
        (b'; filename="a \\"b\\"; c.pdf"', 'a "b"; c.pdf'),
        (b'; x="; filename=evil"; filename=a.pdf', "a.pdf"),
        (b';\r\n\tfilename="a\r\n b.pdf"', "a b.pdf"),
        (b"; filename=a.pdf; filename=b.pdf", "a.pdf"),
        (b'; filename="never closed', "never closed"),
        (b"; filename*=utf-8''%E9%A2%86%E4%BA%8B.pdf", "领事.pdf"),
        (b"; filename*=gb2312'zh'%C1%EC%CA%C2.pdf", "领事.pdf"),
        (b"; filename*=iso-8859-1'fr'r%E9sum%E9.pdf", "résumé.pdf"),
        (b"; filename*=x-none''a%20b", "a b"),
        (b"; filename=plain.pdf; filename*=utf-8''encoded.pdf", "encoded.pdf"),
        (b"; filename*0=one; filename*2=three; filename*1=two", "onetwothree"),
        (b"; filename*0*=utf-8''%E9%A2; filename*1*=%86; filename*2=%41", "领%41"),
        (b'; filename="=?utf-8?b?6aKG5LqLLnBkZg==?="', "领事.pdf"),
        (b"; filename==?utf-8?q?a=2Epdf?=", "a.pdf"),
        ("; filename=領事.pdf".encode(), "領事.pdf"),
        (b"; filename*=broken", "broken"),
        (b"; filename*=utf-8''%", "%"),
        (b"; filename*=utf-8''%ff%fe", "\ufffd\ufffd"),
    ],
)
def test_a_parameter_is_read_as_the_sender_means_it(disposition: bytes, expected: str) -> None:
    assert name(disposition) == expected


def test_a_field_that_is_not_there_has_no_parameters() -> None:
    assert parameter(parse_header(b"X: y\r\n"), "content-type", "name") == ""


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "piece", [b";", b"; filename", b'; filename="', b'"', b"\\", b"; filename*0*=", b"; filename*1=x", b" "]
)
def test_work_is_bounded(piece: bytes) -> None:
    name(piece * 300_000)
