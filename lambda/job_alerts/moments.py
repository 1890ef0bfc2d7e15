"""What is markup on purpose: moments that Slack shows in each reader's own time zone, and calls to people."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_LAST = 4_102_444_800  # 2100; a date beyond is a fault of the event


def moment(at: int) -> str:
    """A moment, in the reader's time zone where Slack can.

    See https://docs.slack.dev/messaging/formatting-message-text#date-formatting
    """
    if not 0 < at < _LAST:
        return "unknown"
    fallback = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{at}^{{date_short_pretty}} {{time_secs}}|{fallback}>"


def mention_markup(mention: str) -> str:
    """`@here`, `@channel`, a user's id or a group's, as Slack wants it; empty for others."""
    name = mention.removeprefix("@")
    if name in ("here", "channel", "everyone"):
        return f"<!{name}>"
    if re.fullmatch(r"[UW][A-Z0-9]{2,20}", name):
        return f"<@{name}>"
    return f"<!subteam^{name}>" if re.fullmatch(r"S[A-Z0-9]{2,20}", name) else ""
