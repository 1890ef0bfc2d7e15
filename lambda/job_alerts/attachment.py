"""The original's form, which `SendToSlack` takes: channel, username, icon and attachments.

See https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
"""

from __future__ import annotations

from typing import Any

from .moments import mention_markup, moment
from .settings import Settings
from .story import Story
from .text import code, code_block, escape_within

_TEXT_MAX = 3000
_FIELD_MAX = 500
_FIELDS_MAX = 15
_NAMES_PER_ATTACHMENT = 40
_LOG_MAX = 2800
_BUTTON_URL_MAX = 3000


def render(story: Story, settings: Settings) -> dict[str, Any]:
    """A message. Without `details` it is the original's, to the letter."""
    attachment: dict[str, Any] = {"color": story.color, "text": escape_within(story.sentence, _TEXT_MAX)}
    message: dict[str, Any] = {
        "channel": story.channel or settings.channel,
        "username": settings.username,
        "icon_emoji": settings.icon_emoji,
        "attachments": [attachment],
    }
    mention = mention_markup(story.mention)
    if mention:
        message["text"] = mention  # only a message's own text calls people
    if settings.details:
        attachment |= {
            "fallback": attachment["text"],
            "mrkdwn_in": ["fields"],
            "fields": _fields(story),
            "actions": [
                {"type": "button", "text": label, "url": url}
                for label, url in story.buttons
                if len(url) <= _BUTTON_URL_MAX
            ],
            "footer": escape_within(story.footer, 300),
        }
        if story.at:
            attachment["ts"] = story.at
        for key in ("fields", "actions", "footer"):
            if not attachment[key]:
                del attachment[key]
        message["attachments"] += _log(story)
    message["attachments"] += _names(story)
    return message


def _fields(story: Story) -> list[dict[str, Any]]:
    fields = [
        {"title": fact.label, "value": moment(fact.at) if fact.at else _plain(fact.value), "short": not fact.long}
        for fact in story.facts
    ]
    if story.command:
        fields.append({"title": story.command_label, "value": code(story.command, _FIELD_MAX * 2), "short": False})
    return fields[:_FIELDS_MAX]


def _plain(text: str) -> str:
    """A value that markup could change goes between backquotes."""
    return code(text, _FIELD_MAX) if any(mark in text for mark in "*_~`") else escape_within(text, _FIELD_MAX)


def _log(story: Story) -> list[dict[str, Any]]:
    if not story.log:
        note = escape_within(story.log_note, 300)
        return [{"color": story.color, "text": note, "fallback": note}] if note else []
    return [
        {
            "color": story.color,
            "title": f"Last {len(story.log)} lines of its log" if len(story.log) > 1 else "Last line of its log",
            "text": code_block(list(story.log), _LOG_MAX),
            "fallback": "The end of its log",
            "mrkdwn_in": ["text"],
        }
    ]


def _names(story: Story) -> list[dict[str, Any]]:
    chunks = [story.names[i : i + _NAMES_PER_ATTACHMENT] for i in range(0, len(story.names), _NAMES_PER_ATTACHMENT)]
    return [
        {
            "color": story.color,
            "title": story.list_title if index == 0 else f"{story.list_title}, continued",
            "text": "\n".join(f"• {escape_within(name, 70)}" for name in chunk),
            "fallback": story.list_title,
            "mrkdwn_in": [],
        }
        for index, chunk in enumerate(chunks)
    ]
