"""The tags that a preview may write: anything else in its markup is a hole."""

from __future__ import annotations

import re

TAG = re.compile(
    r"</?(?:div|p|ul|ol|li|dl|dt|dd|blockquote|pre|h[1-6]|table|caption|thead|tbody|tfoot|tr|td|th|b|i|u|s|code|small"
    r"|sub|sup|br|hr)>"
    r'|<t[dh](?: (?:col|row)span="\d{1,2}"){1,2}>'
    r'|<span class="(?:image|target)">|</span>|<span class="invisible" title="[A-Z0-9 -]*">'
)
