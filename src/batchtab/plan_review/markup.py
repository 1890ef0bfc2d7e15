"""Text that others wrote, in Markdown: none of it is markup, and it mentions no user."""

from __future__ import annotations

import re


def code(text: str) -> str:
    """A value as code, in tables too; empty for an empty one."""
    line = " ".join(text.split())
    if not line:
        return ""
    ticks = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (ticks + 1)
    pad = " " if ticks else ""
    return f"{fence}{pad}{line.replace('|', chr(92) + '|')}{pad}{fence}"


def plain(text: str) -> str:
    """Words outside code: nothing in them is markup, and `@name` mentions no user."""
    escaped = re.sub(r"([\\`*_{}\[\]<>#|~!])", r"\\\1", " ".join(text.split()))
    return escaped.replace("@", "@\u200b")


def is_link(text: str) -> bool:
    """Whether a text is an address, and nothing but one."""
    return re.fullmatch(r"https://[A-Za-z0-9./_?=&%#-]+", text) is not None
