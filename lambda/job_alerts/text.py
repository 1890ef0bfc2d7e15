"""Text of others, made fit for Slack: without markup, without secrets, within its limits."""

from __future__ import annotations

import re

MASK = "***"
ELLIPSIS = "…"
_LINE_MAX = 240  # characters of a log's line
_INVISIBLE = "\u200b"

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?")
_CALLS = re.compile(r"@(?=channel|here|everyone)", re.IGNORECASE)

_WORDS = r"passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|authorization"
_SECRETS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"https://hooks\.slack\.com/[^\s\"'<>]+"),
    re.compile(r"(?<=://)[^\s/@:]{0,200}:[^\s/@]{1,200}(?=@)"),
    re.compile(r"\bxox[a-z]-[A-Za-z0-9-]{8,}"),
    re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    re.compile(r"\b(?:gh[opsu]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|sk-[\w-]{20,})"),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"),
    re.compile(r"(?<=\bBearer )[\w.~+/=-]{6,}", re.IGNORECASE),
    re.compile(r"(?<=\bBasic )[A-Za-z0-9+/=]{8,}"),
)
# A name that tells of a secret, and what stands after it: NAME=x, "name": "x"; then --name x.
_NAMED = re.compile(
    rf"""(?P<name>["']?[\w.-]{{0,60}}(?:{_WORDS})[\w.-]{{0,40}}["']?\s?[=:]\s?)"""
    r"""(?P<quote>["']?)(?:(?:bearer|basic)\s+)?[^\s"',;&]+""",
    re.IGNORECASE,
)
_OPTION = re.compile(rf"(?P<name>--?[\w.-]{{0,60}}(?:{_WORDS})[\w.-]{{0,40}}\s+)[^\s-]\S*", re.IGNORECASE)
# AWS's secret keys: 40 characters of base64, in which a plain hexadecimal digest is not one.
_AWS_SECRET_KEY = re.compile(
    r"(?<![A-Za-z0-9/+=])(?![0-9a-f]{40}(?![A-Za-z0-9/+=]))[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
)


def mask(text: str) -> str:
    """The text without what looks like a secret. A net, not a wall: a program had better not print secrets."""
    for pattern in _SECRETS:
        text = pattern.sub(MASK, text)
    text = _NAMED.sub(lambda found: f"{found['name']}{found['quote']}{MASK}", text)
    text = _OPTION.sub(lambda found: f"{found['name']}{MASK}", text)
    return _AWS_SECRET_KEY.sub(MASK, text)


def clean(text: str) -> str:
    """The text without colors of a terminal, control characters and marks that turn the direction of writing."""
    return _CONTROLS.sub("", _TERMINAL.sub("", text).replace("\t", "    "))


def line(text: str, most: int) -> str:
    """Text of others as one line of plain text, without secrets."""
    return cut(" ".join(mask(clean(text[: most * 8])).split()), most)


def cut(text: str, most: int) -> str:
    """At most so many characters, with an ellipsis where some are left out."""
    return text if len(text) <= most else text[: most - 1].rstrip() + ELLIPSIS


def escape(text: str) -> str:
    """Text in which nothing is a link, a mention or a call to all.

    See https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _CALLS.sub("@" + _INVISIBLE, text)


def escape_within(text: str, most: int) -> str:
    """Escaped text whose escaped form has at most so many characters; no escape is cut in two."""
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
    return f"`{escape_within(text.replace('`', chr(39)) or ' ', most - 2)}`"


def code_block(lines: list[str], most: int) -> str:
    """The last lines that fit, in a block in which nothing means anything."""
    kept: list[str] = []
    room = most - len("```\n\n```")
    for text in reversed(lines):
        shown = escape_within(text.replace("`", "'"), min(room, _LINE_MAX * 5))
        if len(shown) + 1 > room or room < 2:
            break
        kept.append(shown)
        room -= len(shown) + 1
    return "```\n" + "\n".join(reversed(kept)) + "\n```"


def log_lines(messages: list[str]) -> list[str]:
    """Lines of a log as they may be shown. Masking sees them together: a key may go over several lines."""
    joined = mask(clean("\n".join(message.rstrip("\r\n")[: _LINE_MAX * 8] for message in messages)))
    return [cut(text, _LINE_MAX) for text in joined.split("\n")]
