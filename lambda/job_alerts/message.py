"""The message of a failed job, as the function `SendToSlack` takes it."""

from __future__ import annotations

from typing import Any

from .events import FailedJob
from .settings import Settings


def escape(text: str) -> str:
    """Text in which nothing is a link or a mention to Slack.

    See https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def render(job: FailedJob, settings: Settings) -> dict[str, Any]:
    """One attachment with one sentence."""
    text = f"{escape(job.job_name)} failed by {escape(job.status_reason)}"
    return {
        "channel": settings.channel,
        "username": settings.username,
        "icon_emoji": settings.icon_emoji,
        "attachments": [{"color": settings.color, "text": text}],
    }
