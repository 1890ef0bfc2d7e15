"""Text of others, made fit for Slack: without markup, without secrets, within its limits."""

from __future__ import annotations

import re

from batchtab.masking import mask

ELLIPSIS = "…"
_LINE_MAX = 240  # characters of a log's line
_READ_MAX = 2 * _LINE_MAX  # of which this many are looked at: what is masked gets shorter
_INVISIBLE = "\u200b"

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?")
_CALLS = re.compile(r"@(?=channel|here|everyone)", re.IGNORECASE)


def clean(text: str) -> str:
    """The text without colors of a terminal, control characters and marks that turn the direction of writing."""
    return _CONTROLS.sub("", _TERMINAL.sub("", text).replace("\t", "    "))


def line(text: str, most: int) -> str:
    """Text of others as one line of plain text, without secrets."""
    return cut(" ".join(mask(clean(text[: most * 8])).split()), most)


def cut(text: str, most: int) -> str:
    """At most `most` characters, with an ellipsis where some are left out."""
    return text if len(text) <= most else text[: most - 1].rstrip() + ELLIPSIS


def escape(text: str) -> str:
    """Text in which nothing is a link, a mention, a call to all or the beginning of code.

    See https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    text = text.replace("`", "'").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _CALLS.sub("@" + _INVISIBLE, text)


def escape_within(text: str, most: int) -> str:
    """Escaped text of at most `most` characters; no escape is cut in two."""
    whole = escape(text)
    if len(whole) <= most:
        return whole
    low, high = 0, min(len(text), most)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(escape(text[:middle])) < most else (low, middle - 1)
    return escape(text[:low].rstrip()) + ELLIPSIS


def code(text: str, most: int) -> str:
    """Escaped text between backquotes, where no `*` or `_` means anything; its own backquotes become plain quotes."""
    return f"`{escape_within(text or ' ', most - 2)}`"


def code_block(lines: list[str], most: int) -> str:
    """The last lines that fit, in a block in which nothing means anything."""
    kept: list[str] = []
    room = most - len("```\n\n```")
    for text in reversed(lines):
        shown = escape_within(text, min(room, _LINE_MAX * 5))
        if len(shown) + 1 > room or room < 2:
            break
        kept.append(shown)
        room -= len(shown) + 1
    return "```\n" + "\n".join(reversed(kept)) + "\n```"


def log_lines(messages: list[str]) -> list[str]:
    """Lines of a log as they may be shown. Masking sees them together: a key may go over several lines."""
    joined = mask(clean("\n".join(_lines_within(message) for message in messages)))
    return [cut(text, _LINE_MAX) for text in joined.split("\n")]


def _lines_within(message: str) -> str:
    """A message of a log; it may have lines of its own."""
    whole = message.rstrip("\r\n")[: _LINE_MAX * 8]
    return "\n".join(each[:_READ_MAX] for each in whole.split("\n"))
