"""HTML that a person may safely see: hostile markup in, a fragment out that executes nothing and loads nothing.

Twice. nh3 reads it as a browser does and leaves a tree of harmless elements. That is then written anew: tags from a
table here, attributes that are numbers, text escaped. Of links the target is shown and none can be followed; of images
the alternative text; style is gone, and with it whatever it hid.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from itertools import islice
from types import MappingProxyType

import nh3

from gateway.preview.invisible import Invisible, line_segments, plain, segments

_MOST_ELEMENTS = 10_000
_DEEPEST = 100
_LONGEST_TARGET = 300
_MOST_PIECES = 20
"""Of a link's text: one that says its own target has fewer."""
_LARGEST_SPAN = 50

# In browsers, elements of these kinds that are left open are opened again in each paragraph that follows: a few
# kilobytes become gigabytes. By a name that no browser knows they are ordinary elements.
_FORMATTING = "a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u"
_FORMATTING_TAG = re.compile(rf"<(/?)({_FORMATTING})(?=[\s/>])", re.IGNORECASE)
_RENAMED_TAG = re.compile(rf"<(/?)liaison-({_FORMATTING})(?=[\s/>])", re.IGNORECASE)
_DATA = re.compile(r"\bdata:[^\s\"'<>()]{100,}+", re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")
_START_TAG = re.compile(r"<[A-Za-z]")

_BLOCKS = MappingProxyType(
    {
        name: name
        for name in (
            "div", "p", "ul", "ol", "li", "dl", "dt", "dd", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6",
            "table", "caption", "thead", "tbody", "tfoot", "tr",
        )
    }
    | dict.fromkeys(("address", "article", "aside", "center", "figure", "footer", "header", "main", "section"), "div")
)  # fmt: skip
_INLINE = MappingProxyType(
    {
        "liaison-b": "b", "liaison-strong": "b", "liaison-i": "i", "liaison-em": "i", "liaison-u": "u",
        "liaison-s": "s", "liaison-strike": "s", "liaison-code": "code", "liaison-tt": "code",
        "liaison-small": "small", "sub": "sub", "sup": "sup", "td": "td", "th": "th",
    }
)  # fmt: skip
_WRITTEN = MappingProxyType(_BLOCKS | _INLINE)
"""Element of the tree -> element that is written. Of any other only the content is."""
_VOID = frozenset({"br", "hr"})
_LINK, _IMAGE = "liaison-a", "img"
_CELLS = frozenset({"td", "th"})
_SPANS = frozenset({"colspan", "rowspan"})

_AUTHORITY = re.compile(r"[^/?#\\]*+")
_SPACE = re.compile(r"[ \t\n\f]+")
_BLANKS = " \t\u00a0"
_EMPTY_LINES = re.compile(r"\n{3,}")
_NEW_LINE = "\r"
"""In text that is being made: a line ends here if there is anything on it. Of data no CR is left."""
_CLOSE_TOGETHER = frozenset({"caption", "dd", "div", "dt", "li", "tbody", "tfoot", "thead", "tr"})

_ATTRIBUTES = {_LINK: {"href"}, _IMAGE: {"alt"}, "td": set(_SPANS), "th": set(_SPANS)}
_CLEANER = nh3.Cleaner(
    tags={*_WRITTEN, *_VOID, _LINK, _IMAGE},
    clean_content_tags={"script", "style", "title"},
    attributes=_ATTRIBUTES,
    url_schemes={"http", "https", "ftp", "mailto", "tel", "sms", "sip", "sips", "xmpp", "geo", "webcal", "file"},
    link_rel=None,
)


@dataclass(frozen=True, slots=True)
class SafeHtml:
    """`html` is a fragment for the body of a page of its own; `text` says the same without markup, marks in brackets.

    `whole` is False where the source goes on behind what is looked at. `images` is how many are not shown.
    """

    html: str
    text: str
    images: int
    whole: bool


def safe_html(source: str, most: int) -> SafeHtml:
    """No more than the first `most` characters of the source, pictures inside it not counted, are looked at."""
    without_pictures = _DATA.sub("data:", _SURROGATE.sub("\ufffd", source))
    looked_at = without_pictures[:most]
    beyond = next(islice(_START_TAG.finditer(looked_at), _MOST_ELEMENTS, None), None)
    end = len(looked_at) if beyond is None else beyond.start()
    rendering = _Rendering()
    rendering.feed(_CLEANER.clean(_FORMATTING_TAG.sub(r"<\1liaison-\2", looked_at[:end])))
    rendering.close()
    return rendering.result(whole=end == len(without_pictures))


class _Rendering(HTMLParser):
    """Writes what nh3 left. Its input is well-formed; what isn't would still come out as text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._html: list[str] = []
        self._text: list[str] = []
        self._open: list[tuple[str, bool]] = []
        """Elements of the tree that are open, and whether each was written."""
        self._links: list[tuple[str, int]] = []
        """Targets of the links that are open, and where in the text each begins."""
        self._preformatted = 0
        self._images = 0

    def result(self, *, whole: bool) -> SafeHtml:
        self._close("")
        return SafeHtml("".join(self._html), _tidy("".join(self._text)), self._images, whole)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            self._html.append(f"<{tag}>")
            self._text.append("\n")
        elif tag == _IMAGE:
            self._image(dict(attrs).get("alt"))
        elif tag == _LINK:
            self._links.append((dict(attrs).get("href") or "", len(self._text)))
        elif tag in _WRITTEN:
            self._start(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == _LINK and self._links:
            self._link(*self._links.pop())
        elif tag in _WRITTEN:
            self._close(tag)

    def handle_data(self, data: str) -> None:
        shown = segments(_as_written(data))
        self._html.extend(_written(piece) for piece in shown)
        text = plain(shown)
        self._text.append(text if self._preformatted else _SPACE.sub(" ", text))

    def _start(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        spans = "".join(_span(name, value) for name, value in attrs) if tag in _CELLS else ""
        written = len(self._open) < _DEEPEST
        self._open.append((tag, written))
        self._preformatted += tag == "pre"
        self._html.append(f"<{_WRITTEN[tag]}{spans}>" if written else "")
        self._text.append(_break(tag) + ("- " if tag == "li" else ""))

    def _close(self, tag: str) -> None:
        """That element, and any that is still open in it; every one if it is none."""
        while self._open:
            last, written = self._open.pop()
            self._preformatted -= last == "pre"
            self._html.append(f"</{_WRITTEN[last]}>" if written else "")
            self._text.append("\t" if last in _CELLS else _break(last))
            if last == tag:
                break

    def _line(self, text: str) -> None:
        shown = line_segments(_as_written(text))
        self._html.extend(_written(piece) for piece in shown)
        self._text.append(plain(shown))

    def _image(self, alternative: str | None) -> None:
        """An empty text says that it is decoration. The word is the same in English and in French."""
        self._images += 1
        if alternative != "":
            self._html.append('<span class="image">[Image] ')
            self._text.append("[Image] ")
            self._line(alternative or "")
            self._html.append("</span>")

    def _link(self, target: str, start: int) -> None:
        """Its target, unless it is what the text says."""
        text = "".join(self._text[start : start + _MOST_PIECES]).strip()
        if target and text not in {target, target.removeprefix("mailto:")}:
            self._html.append(' <span class="target">&lt;')
            self._text.append(" <")
            self._line(_shortened(target))
            self._html.append("&gt;</span>")
            self._text.append(">")


def _as_written(text: str) -> str:
    """What looks like a tag in text or in an attribute was renamed with the tags."""
    return _RENAMED_TAG.sub(r"<\1\2", text) if "<" in text else text


def _written(piece: str | Invisible) -> str:
    if isinstance(piece, Invisible):
        return f'<span class="invisible" title="{escape(piece.name)}">{escape(str(piece))}</span>'
    return escape(piece)


def _span(name: str, value: str | None) -> str:
    """How many columns or rows a cell takes, if it is a small number."""
    number = int(value) if value and value.isascii() and value.isdecimal() and len(value) < 4 else 0
    return f' {name}="{number}"' if name in _SPANS and 1 < number <= _LARGEST_SPAN else ""


def _break(tag: str) -> str:
    """What the text has where a block begins and ends."""
    if tag not in _BLOCKS:
        return ""
    return _NEW_LINE if tag in _CLOSE_TOGETHER else f"{_NEW_LINE}\n{_NEW_LINE}"


def _shortened(target: str) -> str:
    """Never within the authority (RFC 3986 §3.2), where a name can be made to stand far behind another."""
    slashes = target.find("//")
    authority = _AUTHORITY.match(target, slashes + 2) if slashes >= 0 else None
    end = max(_LONGEST_TARGET, authority.end() if authority is not None else 0)
    return target if len(target) <= end else f"{target[:end]}…"


def _tidy(text: str) -> str:
    """Lines without space around them, and one empty line at most between two."""
    pieces = (piece.strip(_BLANKS) for piece in text.split(_NEW_LINE))
    lines = (line.strip(_BLANKS) for line in "\n".join(filter(None, pieces)).split("\n"))
    return _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip("\n")
