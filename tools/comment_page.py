"""A comment's Markdown as a page that looks like GitHub's.

https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github
"""

from __future__ import annotations

import re
from pathlib import Path

from markdown_it import MarkdownIt

_STYLE = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
# The first line of a quotation makes it an alert: `> [!CAUTION]`.
_ALERT = re.compile(r"<blockquote>\n<p>\[!(NOTE|WARNING|CAUTION)\](?:\n|(?=</p>))")
_ICON = """<svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
<path d="M5 0h6l5 5v6l-5 5H5l-5-5V5zM7 4v5h2V4zm0 6v2h2v-2z" fill-rule="evenodd"/></svg>"""
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Comment</title><style>{style}</style>
<article class="comment"><div class="by"><b>github-actions</b> <span>bot</span> commented</div>
<div class="text">{text}</div></article></html>
"""


def render(markdown: str) -> str:
    """The page."""
    text = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    return _PAGE.format(style=_STYLE, text=_ALERT.sub(_alert, text))


def _alert(found: re.Match[str]) -> str:
    kind = found[1].capitalize()
    return f'<blockquote class="{kind.lower()}">\n<p class="kind">{_ICON}{kind}</p>\n<p>'
