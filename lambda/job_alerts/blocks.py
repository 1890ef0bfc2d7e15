"""The form of today's webhooks: Block Kit.

Sizes are those of https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

from typing import Any

from .moments import mention_markup, moment
from .settings import Settings
from .story import Story
from .text import code, code_block, cut, escape_within

_HEADER_MAX = 150
_SECTION_MAX = 3000
_FIELDS_MAX = 10
_FIELD_MAX = 600
_TEXT_MAX = 3000
_NAMES_PER_SECTION = 40
_BLOCKS_MAX = 50
_BUTTON_URL_MAX = 3000


def render(story: Story, settings: Settings) -> dict[str, Any]:
    """A message."""
    mention = mention_markup(story.mention)
    summary = escape_within(story.sentence, _TEXT_MAX)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(f"{story.emoji} {story.title}", _HEADER_MAX)},
    ]
    if mention:
        blocks.append(_section(mention))
    if story.sentence != story.title:
        blocks.append(_section(summary))
    blocks += [
        _section(f"*{fact.label}*\n{_value(fact.value, fact.at)}")
        for fact in story.facts
        if fact.long and fact.value not in story.title  # the header says it
    ]
    short = [_mrkdwn(f"*{fact.label}*\n{_value(fact.value, fact.at)}") for fact in story.facts if not fact.long]
    blocks += [{"type": "section", "fields": short[i : i + _FIELDS_MAX]} for i in range(0, len(short), _FIELDS_MAX)]
    if story.log:
        blocks.append(_section(f"*Its log ends with*\n{code_block(list(story.log), _SECTION_MAX - 30)}"))
    elif story.log_note:
        blocks.append({"type": "context", "elements": [_plain(story.log_note, 300)]})
    chunks = [story.names[i : i + _NAMES_PER_SECTION] for i in range(0, len(story.names), _NAMES_PER_SECTION)]
    for index, chunk in enumerate(chunks):
        title = f"*{story.list_title}*\n" if index == 0 else ""
        blocks.append(_section(title + "\n".join(f"• {code(name, 68)}" for name in chunk)))
    if story.command:
        blocks.append(_section(f"*{story.command_label}*\n{code(story.command, 1000)}"))
    buttons = [
        {"type": "button", "text": _plain(label, 75), "url": url, "action_id": f"open_{label.lower()}"}
        for label, url in story.buttons
        if len(url) <= _BUTTON_URL_MAX
    ]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    if story.footer:
        blocks.append({"type": "context", "elements": [_plain(story.footer, 300)]})
    return {
        "channel": story.channel or settings.channel,
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
