"""HTML for a person's eyes: nothing of it runs, loads or leads anywhere, and what it says can be read."""

from __future__ import annotations

import re
import time

import nh3
import pytest

from gateway.preview.markup import SafeHtml, safe_html
from tests.support.hostile_content import MARKUP, WORDS, page
from tests.support.shown_markup import TAG

MOST = 300_000


def shown(markup: str) -> SafeHtml:
    return safe_html(markup, MOST)


@pytest.mark.parametrize("markup", MARKUP.values(), ids=MARKUP)
def test_hostile_markup_leaves_only_harmless_tags_and_the_words(markup: str) -> None:
    safe = shown(page(markup))
    assert re.sub(TAG, "", safe.html).count("<") == 0
    assert WORDS in safe.html
    assert WORDS in safe.text


@pytest.mark.parametrize("markup", MARKUP.values(), ids=MARKUP)
def test_what_is_written_means_the_same_when_it_is_read_again(markup: str) -> None:
    """The tree that a browser makes of it is the one that is written: nothing in it mutates."""
    written = shown(page(markup)).html
    cleaner = nh3.Cleaner(
        tags=set(re.findall(r"<([a-z0-9]+)", written)),
        attributes={"span": {"class", "title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}},
        link_rel=None,
    )
    again = cleaner.clean(written)
    assert re.findall(TAG, again) == re.findall(TAG, written)


@pytest.mark.parametrize(
    ("markup", "html"),
    [
        ("<p>a<br>b</p>", "<p>a<br>b</p>"),
        ("<strong>a</strong> <em>b</em> <font color=red>c</font>", "<b>a</b> <i>b</i> c"),
        ("<section><h2>a</h2></section>", "<div><h2>a</h2></div>"),
        ("<table><tr><td colspan=2>a<td>b</table>", '<table><tbody><tr><td colspan="2">a</td><td>b</td></tr></tbody></table>'),
        ("<td colspan=500>", ""),
        ("<table><td colspan=\u0663>a<td colspan=" + "9" * 5000 + ">b<td colspan=1000>c</table>", "<table><tbody><tr><td>a</td><td>b</td><td>c</td></tr></tbody></table>"),
        ("<p style='display:none'>a</p>", "<p>a</p>"),
        ("<p class=invisible id=x lang=en dir=rtl title=t>a</p>", "<p>a</p>"),
        ("<bdo dir=rtl>a</bdo>", "a"),
        ("<b>a<p>b", "<b>a<p>b</p></b>"),
        ("1 < 2 & 3 > 2 &copy; \"'", "1 &lt; 2 &amp; 3 &gt; 2 © &quot;&#x27;"),
        ("a\u202eb", 'a<span class="invisible" title="RIGHT-TO-LEFT OVERRIDE">⟦RLO⟧</span>b'),
        ("a&#8203;b", 'a<span class="invisible" title="ZERO WIDTH SPACE">⟦ZWSP⟧</span>b'),
    ],
)  # fmt: skip
def test_markup_keeps_its_structure_and_loses_its_looks(markup: str, html: str) -> None:
    assert shown(markup).html == html


@pytest.mark.parametrize(
    ("link", "html"),
    [
        ('<a href="https://evil.example/x?a=1&b">bank.example</a>', 'bank.example <span class="target">&lt;https://evil.example/x?a=1&amp;b&gt;</span>'),
        ('<a href="https://a.example/">https://a.example/</a>', "https://a.example/"),
        ('<a href="mailto:a@b.example">a@b.example</a>', "a@b.example"),
        ('<a href="mailto:c@d.example">a@b.example</a>', 'a@b.example <span class="target">&lt;mailto:c@d.example&gt;</span>'),
        ('<a href="javascript:x()">a</a>', "a"),
        ('<a name="x">a</a>', "a"),
        ('<a href="//evil.example">a</a>', 'a <span class="target">&lt;//evil.example&gt;</span>'),
        ('<a href="https://a.example/\u202e">a</a>', 'a <span class="target">&lt;https://a.example/<span class="invisible" title="RIGHT-TO-LEFT OVERRIDE">⟦RLO⟧</span>&gt;</span>'),
        ('<a href="https://a.example"><img alt="go"></a>', '<span class="image">[Image] go</span> <span class="target">&lt;https://a.example&gt;</span>'),
    ],
)  # fmt: skip
def test_a_link_shows_its_target_and_leads_nowhere(link: str, html: str) -> None:
    assert shown(link).html == html


def test_a_long_target_is_never_cut_before_the_name_of_its_host_ends() -> None:
    host = "bank.example:" + "x" * 500 + "@evil.example"
    written = shown(f'<a href="https://{host}/{"y" * 500}">a</a>').html
    assert f"https://{host}…" in written
    assert "y" not in written
    assert f"https://a.example/{'y' * 282}…" in shown(f'<a href="https://a.example/{"y" * 500}">a</a>').html


@pytest.mark.parametrize(
    ("image", "html"),
    [
        ('<img src="https://a.example/x.png" alt="a <b>">', '<span class="image">[Image] a &lt;b&gt;</span>'),
        ('<img src="https://a.example/x.png">', '<span class="image">[Image] </span>'),
        ('<img src="https://a.example/x.png" alt="">', ""),
    ],
)  # fmt: skip
def test_an_image_is_its_alternative_text(image: str, html: str) -> None:
    safe = shown(image)
    assert (safe.html, safe.images) == (html, 1)


def test_the_text_says_what_the_page_says() -> None:
    source = """<style>p{}</style><h1>Invitation</h1>
      <p>Dear   colleagues,<br>please <a href="https://a.example/form">answer</a>.</p>
      <ul><li>one</li><li>two\u200b</li></ul><table><tr><td>a</td><td>b</td></tr></table><pre>x
  y</pre><img alt="seal">"""
    text = """Invitation

Dear colleagues,
please answer <https://a.example/form>.

- one
- two⟦ZWSP⟧

a\tb

x
y

[Image] seal"""
    assert shown(source).text == text


def test_pictures_inside_the_source_do_not_count_for_its_length() -> None:
    source = f'<img alt=a src="data:image/png;base64,{"A" * 1_000_000}"><p>end</p>'
    safe = safe_html(source, 100)
    assert (safe.whole, safe.text) == (True, "[Image] a\n\nend")


def test_what_is_not_looked_at_is_told() -> None:
    assert not safe_html("<p>" + "a" * 100, 50).whole
    assert not safe_html("<i>a" * 10_001, MOST).whole
    assert safe_html("<i>a" * 10_000, MOST).whole


HUGE = {
    "formatting elements left open": "".join(f"<b id={i}>" for i in range(5000)) + "<p>" * 50_000,
    "links left open": "".join(f"<a href={i}><table><td>" for i in range(5000)) + "<p>" * 50_000,
    "blocks inside each other": "<div>" * 60_000,
    "lists inside each other": "<ul><li>" * 40_000,
    "ampersands": "&" * 300_000,
    "less-than signs": "<" * 300_000,
    "links": "<a href=x>y" * 30_000,
    "spaces": "<pre>" + "\u00a0 " * 150_000,
    "attributes": "<div " + " ".join(f"a{i}=1" for i in range(50_000)) + ">",
    "invisible characters": "\u200b" * 300_000,
    "invisible characters apart": "\u200ba" * 150_000,
    "beginnings of data": "data:" * 60_000,
    "ends of paragraphs": "</p>" * 75_000,
    "comments": "<!--" * 75_000,
    "declarations": "<!" * 150_000,
}  # fmt: skip


@pytest.mark.timeout(20)
@pytest.mark.parametrize("markup", HUGE.values(), ids=HUGE)
def test_work_and_result_are_bounded_for_whatever_is_made_to_explode(markup: str) -> None:
    """Each takes a moment where it is bounded, and minutes or all memory where it is not."""
    begun = time.monotonic()
    safe = shown(markup)
    assert len(safe.html) < 6_000_000
    assert time.monotonic() - begun < 15
