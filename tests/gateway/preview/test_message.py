"""The preview of whole messages: what is in them, in words and numbers, and nothing that acts."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import os
import quopri
import tracemalloc

import pytest

from gateway.preview.attached import AttachedMessage
from gateway.preview.invisible import Segments, plain
from gateway.preview.message import Preview, PreviewLimits, attached_message, preview
from tests.support.hostile_content import CALL, CONTENT, WORDS

TOP = b"From: a@mission.example\r\nSubject: s\r\nMIME-Version: 1.0\r\n"


def part(kind: str, body: bytes, *fields: str) -> bytes:
    return "".join(f"{field}\r\n" for field in (f"Content-Type: {kind}", *fields)).encode() + b"\r\n" + body


def multipart(*parts: bytes, kind: str = "mixed", boundary: str = "b") -> bytes:
    inner = b"".join(f"--{boundary}\r\n".encode() + one + b"\r\n" for one in parts)
    return part(f'multipart/{kind}; boundary="{boundary}"', inner + f"--{boundary}--\r\n".encode())


PLAIN = part("text/plain; charset=utf-8", b"In words.")
PAGE = part("text/html; charset=utf-8", b"<p>In <b>markup</b>.</p>")


def seen(*parts: bytes, kind: str = "mixed") -> Preview:
    return preview(TOP + multipart(*parts, kind=kind))


def words(shown: Preview) -> list[str]:
    return [plain(text.segments) for text in shown.texts]


def fields(shown: Preview) -> list[tuple[str, str]]:
    return [(field.name, plain(field.value)) for field in shown.fields]


# --- the header -------------------------------------------------------------------------------------------------------


def test_the_fields_that_matter_stand_in_the_order_of_a_letter_and_the_others_behind() -> None:
    shown = preview(
        b"X-Mailer: m\r\nSubject: =?utf-8?q?=C3=A9t=C3=A9?=\r\n =?utf-8?q?_two?=\r\nTo: b@police.example,\r\n\tc@police.example\r\n"
        b"FROM: Consul <a@mission.example>\r\nfrom: second@mission.example\r\nMessage-Id: <1@mission.example>\r\n\r\nx"
    )
    assert fields(shown) == [
        ("From", "Consul <a@mission.example>"),
        ("From", "second@mission.example"),
        ("To", "b@police.example, c@police.example"),
        ("Subject", "été two"),
        ("Message-ID", "<1@mission.example>"),
    ]
    assert [(field.name, plain(field.value)) for field in shown.other_fields] == [("X-Mailer", "m")]


def test_a_field_whose_name_is_spelled_oddly_is_told_apart() -> None:
    shown = preview(b"From : a@mission.example\r\nFrom: b@mission.example\r\n\r\n")
    assert [field.odd for field in shown.fields] == [True, False]


def test_what_is_invisible_in_a_field_is_marked() -> None:
    shown = preview("Subject: a\u202eb\r\nFrom: =?utf-8?q?x=E2=80=8By=0D=0AZ:?= <a@b.example>\r\n\r\n".encode())
    assert fields(shown) == [("From", "x⟦ZWSP⟧y⟦CR⟧⟦LF⟧Z: <a@b.example>"), ("Subject", "a⟦RLO⟧b")]


def test_many_and_long_fields_are_bounded_and_told() -> None:
    shown = preview(b"X: " + b"y" * 10_000 + b"\r\n" + b"Z: z\r\n" * 1000 + b"\r\n")
    assert len(shown.other_fields) == 300
    assert plain(shown.other_fields[0].value).endswith("y […]")
    assert list(shown.notes) == ["The first 300 other header fields are shown."]


# --- bodies -----------------------------------------------------------------------------------------------------------


def test_a_message_without_mime_is_text() -> None:
    shown = preview(b"From: a@b.example\r\n\r\nhello\r\nyou\r\n")
    assert (words(shown), shown.pages, shown.attachments, shown.notes) == (["hello\nyou"], (), (), ())


def test_of_an_alternative_the_text_comes_first_and_the_page_is_there_too() -> None:
    shown = seen(PLAIN, PAGE, kind="alternative")
    assert words(shown) == ["In words."]
    assert [page.html for page in shown.pages] == ["<p>In <b>markup</b>.</p>"]
    assert not shown.texts[0].from_html


@pytest.mark.parametrize("plain_part", [(), (part("text/plain", b" \r\n"),)])
def test_a_message_in_html_alone_has_a_text_made_of_it(plain_part: tuple[bytes, ...]) -> None:
    shown = seen(*plain_part, PAGE)
    assert (words(shown), shown.texts[0].from_html) == (["In markup."], True)


def test_flowed_text_is_shown_as_its_sender_sees_it() -> None:
    assert words(preview(TOP + part("text/plain; format=flowed", b"one \r\ntwo\r\n"))) == ["one two"]
    assert words(preview(TOP + part("text/plain; format=flowed; delsp=yes", b"on \r\ne\r\n"))) == ["one"]


def test_every_text_of_a_message_is_shown_in_order() -> None:
    nested = multipart(part("text/plain", b"two"), kind="related", boundary="c")
    assert words(seen(part("text/plain", b"one"), nested, part("text/x-other", b"three"))) == ["one", "two", "three"]


def test_long_bodies_are_cut_and_told() -> None:
    limits = PreviewLimits(text=10, html=10)
    shown = preview(TOP + multipart(part("text/plain", b"a" * 2000), part("text/html", b"<p>" + b"b" * 2000)), limits)
    assert [len(one) for one in words(shown)] == [1000]
    assert list(shown.texts[0].notes) == ["The first 1000 characters are shown. The raw source has all of them."]
    assert list(shown.pages[0].notes) == ["It is too long to be shown whole. The raw source has all of it."]


def test_bodies_beyond_the_limit_are_listed_like_attachments() -> None:
    shown = preview(TOP + multipart(PLAIN, PLAIN, PLAIN), PreviewLimits(bodies=2))
    assert (len(shown.texts), len(shown.attachments)) == (2, 1)


def test_parts_beyond_the_limit_are_told() -> None:
    shown = preview(TOP + multipart(*[PLAIN] * 10), PreviewLimits(parts=5))
    assert list(shown.notes) == ["The first 5 parts are shown. The raw source has all of them."]
    assert preview(TOP + multipart(*[PLAIN] * 10), PreviewLimits(parts=12)).notes == ()


def test_a_multipart_deeper_than_the_limit_or_without_its_boundary_is_listed() -> None:
    deep = PLAIN
    for level in range(30):
        deep = multipart(deep, boundary=f"b{level}")
    assert [plain(one.media_type) for one in preview(TOP + deep).attachments] == ["multipart/mixed"]
    lost = preview(TOP + part("multipart/mixed; boundary=none", b"hidden words"))
    assert [(plain(one.media_type), one.size) for one in lost.attachments] == [("multipart/mixed", 12)]


# --- attachments ------------------------------------------------------------------------------------------------------

OCTETS = os.urandom(3000)


@pytest.mark.parametrize(
    ("encoding", "body", "octets"),
    [
        ("base64", base64.encodebytes(OCTETS), OCTETS),
        ("quoted-printable", quopri.encodestring(b"caf\xe9 =\r\n" * 50), b"caf\xe9 =\r\n" * 50),
        ("8bit", b"\r\n\r\nlines\r\n\r\n", b"\r\n\r\nlines\r\n\r\n"),
        ("7bit", b"", b""),
    ],
)
def test_the_digest_is_that_of_the_file_which_a_mail_program_saves(encoding: str, body: bytes, octets: bytes) -> None:
    content = TOP + multipart(
        PLAIN, part("application/pdf; name=a.pdf", body, f"Content-Transfer-Encoding: {encoding}"), PLAIN
    )
    [attached] = preview(content).attachments
    assert (plain(attached.name), attached.size) == ("a.pdf", len(octets))
    assert attached.sha256 == hashlib.sha256(octets).hexdigest()
    saved = list(email.message_from_bytes(content, policy=email.policy.compat32).walk())[2].get_payload(decode=True)  # noqa: TID251 - another reader, to compare with
    assert saved == octets


def test_a_named_or_attached_text_is_an_attachment() -> None:
    shown = seen(
        PLAIN, part("text/plain; name=x.txt", b"x"), part("text/html", b"<p>y", "Content-Disposition: ATTACHMENT")
    )
    assert words(shown) == ["In words."]
    assert [(plain(one.name), plain(one.media_type)) for one in shown.attachments] == [
        ("x.txt", "text/plain"),
        ("", "text/html"),
    ]


def test_what_is_invisible_in_a_name_is_marked_and_long_names_are_cut() -> None:
    disposition = "Content-Disposition: attachment; filename*=utf-8''"
    shown = seen(part("x/y", b"", f"{disposition}%E2%80%AEfdp.exe"), part("x/y", b"", f"{disposition}{'a' * 5000}"))
    assert plain(shown.attachments[0].name) == "⟦RLO⟧fdp.exe"
    assert len(plain(shown.attachments[1].name)) == 255


def test_an_attached_message_is_listed_with_what_its_header_says_and_can_be_looked_at() -> None:
    inner = b"From: =?utf-8?q?A=E2=80=AE?= <a@other.example>\r\nDate: Mon, 1 Jun 2026 10:00:00 +0000\r\nSubject: inner\r\n\r\nInner words.\r\n"
    content = TOP + multipart(PLAIN, part("message/rfc822", inner))
    shown = preview(content)
    [attached] = shown.attachments
    assert attached.message == AttachedMessage(
        sender=("A", *preview(inner).fields[0].value[1:]), date=("Mon, 1 Jun 2026 10:00:00 +0000",), subject=("inner",)
    )
    assert words(shown) == ["In words."]
    found = attached_message(content, attached.number)
    assert found == inner
    assert words(preview(found)) == ["Inner words."]
    assert [attached_message(content, number) for number in (-1, 0, 99)] == [None, None, None]


# --- invitations ------------------------------------------------------------------------------------------------------


def invitation(*lines: str) -> Preview:
    calendar = "\r\n".join(
        ("BEGIN:VCALENDAR", "METHOD:REQUEST", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR", "")
    )
    return seen(PLAIN, part("text/calendar; charset=utf-8", calendar.encode()))


def test_an_invitation_is_read_in_words_and_listed() -> None:
    shown = invitation(
        'ORGANIZER;CN="Consul: the one":mailto:consul@mission.example', "SUMMARY:Visit\\, tour\\nand tea", "LOCATION:Station 1",
        "DTSTART;TZID=Asia/Shanghai:20261125T100000", "DTEND:20261125T033000Z", "DESCRIPTION:Come\\nsoon\u202e!",
        "BEGIN:VALARM", "SUMMARY:Alarm", "DESCRIPTION:Ring", "END:VALARM", "RRULE:FREQ=DAILY", "ATTENDEE:mailto:a@police.example", "ATTENDEE:mailto:b@police.example",
        "SUMMARY:Second",
    )  # fmt: skip
    [one] = shown.appointments
    told: dict[str, Segments] = {
        name: getattr(one, name)
        for name in ("method", "summary", "organizer", "starts", "ends", "repeats", "location", "description")
    }
    assert {name: plain(value) for name, value in told.items()} == {
        "method": "REQUEST",
        "summary": "Visit, tour⟦LF⟧and tea",
        "organizer": "Consul: the one <consul@mission.example>",
        "starts": "2026-11-25 10:00 (Asia/Shanghai)",
        "ends": "2026-11-25 03:30 UTC",
        "repeats": "FREQ=DAILY",
        "location": "Station 1",
        "description": "Come\nsoon⟦RLO⟧!",
    }
    assert (one.kind, one.attendees) == ("VEVENT", 2)
    assert [plain(each.media_type) for each in shown.attachments] == ["text/calendar"]


@pytest.mark.parametrize(
    ("line", "starts"),
    [
        ("DTSTART;VALUE=DATE:20261125", "2026-11-25"),
        ("DTSTART:20261125T1000", "2026-11-25 10:00"),
        ("DTSTART:tomorrow", "tomorrow"),
        ("dtstart:20261125T100000", "2026-11-25 10:00"),
        ("DTSTART;TZID=\u202ex:20261125T100000", "2026-11-25 10:00 (⟦RLO⟧x)"),
        ("X-DTSTART:20261125", ""),
    ],
)
def test_a_time_is_told_as_far_as_it_is_one(line: str, starts: str) -> None:
    assert plain(invitation(line).appointments[0].starts) == starts


def test_appointments_are_bounded_and_one_that_never_ends_is_told() -> None:
    assert len(invitation(*["END:VEVENT", "BEGIN:VEVENT"] * 100).appointments) == 20
    assert plain(seen(part("text/calendar", b"BEGIN:VEVENT\r\nSUMMARY:open")).appointments[0].summary) == "open"


# --- hostile, large ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", CONTENT.values(), ids=CONTENT)
def test_hostile_content_is_shown_as_words(content: bytes) -> None:
    """Text is for a template that escapes it; what is markup already has tags of ours alone."""
    shown = preview(content)
    assert any(WORDS in text for text in [*words(shown), *(value for _, value in fields(shown))]) or shown.attachments
    for page in shown.pages:
        assert "<script" not in page.html.lower()
        assert not any(tag.startswith(("<img", "<a", "<form", "<svg", "<i ")) for tag in page.html.split(">"))
    for one in (*shown.fields, *shown.other_fields):
        assert "\n" not in plain(one.value)


def test_scripts_in_text_stay_text() -> None:
    assert CALL in words(preview(CONTENT["plain text"]))[0]


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "content",
    [
        TOP + multipart(*[PLAIN] * 50_000),
        TOP + multipart(*[part("application/x", b"x" * 40)] * 50_000),
        TOP + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(20_000)),
        TOP + part("text/plain", b"\xe2\x80\xaea" * 30_000),
        TOP + part("text/plain; format=flowed", b"> \r\n" * 1_000_000),
        TOP + part("application/pdf", b"A" * 10_000_000, "Content-Transfer-Encoding: base64"),
        TOP + part("text/calendar", b"BEGIN:VEVENT\r\n" * 500_000),
        TOP + part("message/rfc822", b"Content-Type: message/rfc822\r\n\r\n" * 100_000),
        b"\r\n" * 5_000_000,
        b"From: " + b"=?utf-8?q?a?= " * 100_000,
    ],
    ids=["texts", "attachments", "depth", "marks", "flow", "file", "calendar", "messages", "empty lines", "words"],
)
def test_a_large_message_takes_bounded_memory_and_time(content: bytes) -> None:
    tracemalloc.start()
    preview(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000_000
