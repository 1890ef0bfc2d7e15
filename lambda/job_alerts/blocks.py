"""The form of today's webhooks: Block Kit.

Sizes are those of https://docs.slack.dev/reference/block-kit/blocks; of all blocks together Slack takes about 12,000
characters (`msg_blocks_too_long`, https://github.com/slackapi/bolt-js/issues/2509).
"""

from __future__ import annotations

from typing import Any

from .message import Field, Message
from .moments import mention_markup, moment
from .settings import Settings
from .text import code, code_block, cut, escape_within

_HEADER_MAX = 150
_SECTION_MAX = 3000
_FIELDS_MAX = 10
_SHORT_MAX = 200
_LONG_MAX = 600
_TEXT_MAX = 1500
_COMMAND_MAX = 1000
_NAME_MAX = 68
_NAMES_PER_SECTION = 40
_ALL_MAX = 12_000
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
        blocks.append({"type": "section", "text": {**_plain(message.sentence, _TEXT_MAX), "emoji": False}})
    blocks += [
        _section(f"*{field.label}*\n{_value(field, _LONG_MAX)}")
        for field in message.fields
        if field.long and field.value not in message.title  # the header says it
    ]
    short = [_mrkdwn(f"*{field.label}*\n{_value(field, _SHORT_MAX)}") for field in message.fields if not field.long]
    blocks += [{"type": "section", "fields": short[i : i + _FIELDS_MAX]} for i in range(0, len(short), _FIELDS_MAX)]
    if message.log:
        blocks.append(_section(f"*The end of {message.log_of}*\n{code_block(list(message.log), _SECTION_MAX - 50)}"))
    elif message.log_note:
        blocks.append({"type": "context", "elements": [_plain(message.log_note, 300)]})
    place = len(blocks)
    blocks += [_section(f"*{label}*\n{code(command, _COMMAND_MAX)}") for label, command in message.commands]
    buttons = [
        {"type": "button", "text": _plain(label, 75), "url": url, "action_id": f"open_{label.lower()}"}
        for label, url in message.buttons
        if len(url) <= _BUTTON_URL_MAX
    ]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    if message.footer:
        blocks.append({"type": "context", "elements": [_plain(message.footer, 300)]})
    blocks[place:place] = _names(message, _ALL_MAX - length(blocks))
    return {
        "channel": message.channel or settings.channel,
        "username": settings.username,
        "icon_emoji": settings.icon_emoji,
        "text": summary,
        "blocks": blocks[:_BLOCKS_MAX],
    }


def length(value: Any) -> int:
    """How many characters of text there are in blocks."""
    if isinstance(value, dict):
        return sum(
            len(each) if key == "text" and isinstance(each, str) else length(each) for key, each in value.items()
        )
    return sum(map(length, value)) if isinstance(value, list) else 0


def _names(message: Message, room: int) -> list[dict[str, Any]]:
    room -= len(message.list_title) + len("**\n")
    names = message.shown_names(room, lambda name: len(code(name, _NAME_MAX)) + len("• \n"))
    chunks = [names[i : i + _NAMES_PER_SECTION] for i in range(0, len(names), _NAMES_PER_SECTION)]
    return [
        _section(
            (f"*{message.list_title}*\n" if index == 0 else "") + "\n".join(f"• {code(n, _NAME_MAX)}" for n in chunk)
        )
        for index, chunk in enumerate(chunks)
    ]


def _value(field: Field, most: int) -> str:
    if field.at:
        return moment(field.at)
    value = field.value
    return code(value, most) if any(mark in value for mark in "*_~`") else escape_within(value, most) or "-"


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": cut(text, most) or "-", "emoji": True}


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {**_mrkdwn(text), "verbatim": True}}
