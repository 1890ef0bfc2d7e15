"""The original's form, which `SendToSlack` takes: channel, username, icon and attachments.

See https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
"""

from __future__ import annotations

from typing import Any

from .message import Message
from .moments import mention_markup, moment
from .settings import Settings
from .text import code, code_block, escape_within

_TEXT_MAX = 3000
_FIELD_MAX = 500
_FIELDS_MAX = 15
_NAMES_PER_ATTACHMENT = 40
_NAME_MAX = 70
_NAMES_ROOM = 9000  # characters; Slack cuts a message at 40,000
_LOG_MAX = 2800
_BUTTON_URL_MAX = 3000


def render(message: Message, settings: Settings) -> dict[str, Any]:
    """A message. Without `details` it is the original's, to the letter."""
    attachment: dict[str, Any] = {"color": message.color, "text": escape_within(message.sentence, _TEXT_MAX)}
    payload: dict[str, Any] = {
        "channel": message.channel or settings.channel,
        "username": settings.username,
        "icon_emoji": settings.icon_emoji,
        "attachments": [attachment],
    }
    mention = mention_markup(message.mention)
    if mention:
        payload["text"] = mention  # only a message's own text calls people
    if settings.details:
        attachment |= {
            "fallback": attachment["text"],
            "mrkdwn_in": ["fields"],
            "fields": _fields(message),
            "actions": [
                {"type": "button", "text": label, "url": url}
                for label, url in message.buttons
                if len(url) <= _BUTTON_URL_MAX
            ],
            "footer": escape_within(message.footer, 300),
        }
        if message.at:
            attachment["ts"] = message.at
        for key in ("fields", "actions", "footer"):
            if not attachment[key]:
                del attachment[key]
        payload["attachments"] += _log(message)
    payload["attachments"] += _names(message)
    return payload


def _fields(message: Message) -> list[dict[str, Any]]:
    fields = [
        {"title": field.label, "value": moment(field.at) if field.at else _plain(field.value), "short": not field.long}
        for field in message.fields
    ]
    fields += [
        {"title": label, "value": code(command, _FIELD_MAX * 2), "short": False} for label, command in message.commands
    ]
    return fields[:_FIELDS_MAX]


def _plain(text: str) -> str:
    """A value that markup could change goes between backquotes."""
    return code(text, _FIELD_MAX) if any(mark in text for mark in "*_~`") else escape_within(text, _FIELD_MAX)


def _log(message: Message) -> list[dict[str, Any]]:
    if not message.log:
        note = escape_within(message.log_note, 300)
        return [{"color": message.color, "text": note, "fallback": note}] if note else []
    return [
        {
            "color": message.color,
            "title": f"Last {len(message.log)} lines of {message.log_of}"
            if len(message.log) > 1
            else f"Last line of {message.log_of}",
            "text": code_block(list(message.log), _LOG_MAX),
            "fallback": f"The end of {message.log_of}",
            "mrkdwn_in": ["text"],
        }
    ]


def _names(message: Message) -> list[dict[str, Any]]:
    names = message.shown_names(_NAMES_ROOM, lambda name: len(escape_within(name, _NAME_MAX)) + len("• \n"))
    chunks = [names[i : i + _NAMES_PER_ATTACHMENT] for i in range(0, len(names), _NAMES_PER_ATTACHMENT)]
    return [
        {
            "color": message.color,
            "title": message.list_title if index == 0 else f"{message.list_title}, continued",
            "text": "\n".join(f"• {escape_within(name, _NAME_MAX)}" for name in chunk),
            "fallback": message.list_title,
            "mrkdwn_in": [],
        }
        for index, chunk in enumerate(chunks)
    ]
