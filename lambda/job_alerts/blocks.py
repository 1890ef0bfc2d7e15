"""The form of today's webhooks: Block Kit.

Sizes are those of https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

from typing import Any

from .message import Message
from .moments import mention_markup, moment
from .settings import Settings
from .text import code, code_block, cut, escape_within

_HEADER_MAX = 150
_SECTION_MAX = 3000
_FIELDS_MAX = 10
_FIELD_MAX = 600
_TEXT_MAX = 3000
_NAMES_PER_SECTION = 40
_BLOCKS_MAX = 50
_BUTTON_URL_MAX = 3000


def render(message: Message, settings: Settings) -> dict[str, Any]:
    """A message."""
    mention = mention_markup(message.mention)
    summary = escape_within(message.sentence, _TEXT_MAX)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(f"{message.emoji} {message.title}", _HEADER_MAX)},
    ]
    if mention:
        blocks.append(_section(mention))
    if message.sentence != message.title:
        blocks.append(_section(summary))
    blocks += [
        _section(f"*{field.label}*\n{_value(field.value, field.at)}")
        for field in message.fields
        if field.long and field.value not in message.title  # the header says it
    ]
    short = [_mrkdwn(f"*{field.label}*\n{_value(field.value, field.at)}") for field in message.fields if not field.long]
    blocks += [{"type": "section", "fields": short[i : i + _FIELDS_MAX]} for i in range(0, len(short), _FIELDS_MAX)]
    if message.log:
        blocks.append(_section(f"*Its log ends with*\n{code_block(list(message.log), _SECTION_MAX - 30)}"))
    elif message.log_note:
        blocks.append({"type": "context", "elements": [_plain(message.log_note, 300)]})
    chunks = [message.names[i : i + _NAMES_PER_SECTION] for i in range(0, len(message.names), _NAMES_PER_SECTION)]
    for index, chunk in enumerate(chunks):
        title = f"*{message.list_title}*\n" if index == 0 else ""
        blocks.append(_section(title + "\n".join(f"• {code(name, 68)}" for name in chunk)))
    if message.command:
        blocks.append(_section(f"*{message.command_label}*\n{code(message.command, 1000)}"))
    buttons = [
        {"type": "button", "text": _plain(label, 75), "url": url, "action_id": f"open_{label.lower()}"}
        for label, url in message.buttons
        if len(url) <= _BUTTON_URL_MAX
    ]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    if message.footer:
        blocks.append({"type": "context", "elements": [_plain(message.footer, 300)]})
    return {
        "channel": message.channel or settings.channel,
        "username": settings.username,
        "icon_emoji": settings.icon_emoji,
        "text": summary,
        "blocks": blocks[:_BLOCKS_MAX],
    }


def _value(value: str, at: int | None) -> str:
    if at:
        return moment(at)
    return code(value, _FIELD_MAX) if any(mark in value for mark in "*_~`") else escape_within(value, _FIELD_MAX) or "-"


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": cut(text, most) or "-", "emoji": True}


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {**_mrkdwn(text), "verbatim": True}}
