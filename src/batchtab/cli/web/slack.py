"""Messages for Slack as Slack shows them: attachments and blocks, with its marks for bold, code, links and dates.

https://docs.slack.dev/messaging/formatting-message-text and https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

_EMOJI = {
    ":red_circle:": "🔴",
    ":large_green_circle:": "🟢",
    ":large_orange_circle:": "🟠",
    ":large_yellow_circle:": "🟡",
    ":white_check_mark:": "✅",
    ":warning:": "⚠️",
    ":cloud:": "☁️",
}
_EMOJI_NAME = re.compile(r":[a-z0-9_+-]{2,40}:")
_COLORS = {"danger": "bad", "warning": "late", "good": "good"}
_ANGLE = re.compile(r"<([^<>]*)>")
# Within a line, as Slack: the mark is at a word's beginning and end.
_INLINE = re.compile(r"(?<![\w*_~`])([*_~])(?!\s)([^\n]+?)(?<!\s)\1(?![\w*_~`])")
_CODE = re.compile(r"```\n?(.*?)```|`([^`\n]+)`", re.DOTALL)
_TAGS = {"*": "b", "_": "i", "~": "s"}
_DATE = re.compile(r"!date\^(-?\d{1,15})\^[^|]*\|(.*)")


@dataclass(frozen=True)
class Part:
    """A piece of a message.

    Attributes:
        kind: heading, title, text, fields, buttons, small or line.
        texts: What it has; of buttons their labels.
        urls: Of buttons, where each leads; empty where nowhere.
        are_wide: Of fields, whether each takes the whole width.
    """

    kind: str
    texts: tuple[Markup, ...] = ()
    urls: tuple[str, ...] = ()
    are_wide: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Message:
    """A message.

    Attributes:
        came: When local AWS got it.
        groups: A color's name (empty for none) with the parts beside that bar.
    """

    came: str
    sender: str
    icon: str
    channel: str
    groups: tuple[tuple[str, tuple[Part, ...]], ...] = field(default=())


def read(entry: Mapping[str, Any]) -> Message:
    """A message as local AWS keeps it."""
    message = entry.get("message")
    message = message if isinstance(message, dict) else {"text": str(message)}
    groups = [("", tuple(_parts(message)))]
    groups += [
        (_COLORS.get(str(each.get("color")), ""), tuple(_parts(each))) for each in _dicts(message, "attachments")
    ]
    return Message(
        came=str(entry.get("received_at", "")),
        sender=str(message.get("username") or "Message"),
        icon=emoji(str(message.get("icon_emoji") or "")),
        channel=str(message.get("channel") or ""),
        groups=tuple((color, parts) for color, parts in groups if parts),
    )


def _parts(part: Mapping[str, Any]) -> Iterator[Part]:
    blocks = list(_dicts(part, "blocks"))
    marked = part.get("mrkdwn_in", ("text", "pretext", "fields"))
    mark: Callable[[str, Any], Markup] = lambda name, text: (mrkdwn if name in marked else plain)(str(text))  # noqa: E731
    if part.get("pretext"):
        yield Part("text", (mark("pretext", part["pretext"]),))
    if part.get("title"):
        yield Part("title", (plain(str(part["title"])),))
    if part.get("text") and not blocks:  # beside blocks it is for notifications only
        yield Part("text", (mark("text", part["text"]),))
    if fields := list(_dicts(part, "fields")):
        are_wide = tuple(not each.get("short") for each in fields)
        yield Part("fields", tuple(_field(each, mark) for each in fields), are_wide=are_wide)
    for block in blocks:
        yield from _block(block)
    if actions := list(_dicts(part, "actions")):
        yield _buttons(actions)
    if part.get("footer"):
        yield Part("small", (plain(str(part["footer"])),))


def _field(each: Mapping[str, Any], mark: Callable[[str, Any], Markup]) -> Markup:
    title = plain(str(each.get("title") or ""))
    return Markup("<b>{}</b><br>{}").format(title, mark("fields", each.get("value") or ""))


def _block(block: Mapping[str, Any]) -> Iterator[Part]:
    kind = block.get("type")
    if kind == "header":
        yield Part("heading", (_text(block.get("text")),))
    elif kind == "divider":
        yield Part("line")
    elif kind == "actions":
        yield _buttons(list(_dicts(block, "elements")))
    elif kind == "context":
        yield Part("small", tuple(_text(each) for each in _dicts(block, "elements")))
    else:
        if block.get("text"):
            yield Part("text", (_text(block["text"]),))
        if fields := list(_dicts(block, "fields")):
            yield Part("fields", tuple(map(_text, fields)), are_wide=(False,) * len(fields))


def _buttons(elements: list[dict[str, Any]]) -> Part:
    urls = [str(each.get("url") or "") for each in elements]
    return Part("buttons", tuple(_text(each.get("text")) for each in elements), tuple(map(_safe, urls)))


def _text(given: Any) -> Markup:
    if isinstance(given, dict):
        text = str(given.get("text") or "")
        return mrkdwn(text) if given.get("type") == "mrkdwn" else plain(text)
    return plain(str(given or ""))


def _dicts(part: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    found = part.get(name)
    yield from (each for each in (found if isinstance(found, list) else []) if isinstance(each, dict))


# --- text


def emoji(text: str) -> str:
    """The text with Slack's names of some emoji as what they are."""
    return _EMOJI_NAME.sub(lambda found: _EMOJI.get(found[0], found[0]), text)


def plain(text: str) -> Markup:
    """Text without marks; Slack has three characters written as entities."""
    return escape(emoji(_unescaped(text)))


def mrkdwn(text: str) -> Markup:
    """Text with Slack's marks as HTML, all else escaped."""
    made, end = Markup(), 0
    for found in _CODE.finditer(text):
        made += _linked(text[end : found.start()])
        is_block = found[1] is not None
        tag = "pre" if is_block else "code"
        made += Markup(f"<{tag}>{{}}</{tag}>").format(_unescaped(found[1] if is_block else found[2]))  # noqa: S704
        end = found.end()
    return made + _linked(text[end:])


def _linked(text: str) -> Markup:
    made, end = Markup(), 0
    for found in _ANGLE.finditer(text):
        made += _styled(text[end : found.start()]) + _angle(found[1])
        end = found.end()
    return made + _styled(text[end:])


def _angle(inner: str) -> Markup:
    """What is between `<` and `>`: a link, a date, a mention."""
    if date := _DATE.fullmatch(inner):
        return _date(int(date[1]), date[2])
    where, _, label = inner.partition("|")
    if where[:1] in "!@#":
        return Markup('<span class="mention">{}</span>').format(_unescaped(label or where.replace("!", "@")))
    url = _safe(_unescaped(where))
    if not url:
        return escape(_unescaped(f"<{inner}>"))
    return Markup('<a href="{}" rel="noreferrer">{}</a>').format(url, _unescaped(label or where))


def _date(seconds: int, fallback: str) -> Markup:
    try:
        at = datetime.fromtimestamp(seconds, UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return escape(_unescaped(fallback))
    return Markup('<time datetime="{}">{}</time>').format(at, _unescaped(fallback))


def _styled(text: str) -> Markup:
    made, end = Markup(), 0
    for found in _INLINE.finditer(text):
        made += plain(text[end : found.start()])
        tag = _TAGS[found[1]]
        made += Markup(f"<{tag}>{{}}</{tag}>").format(_styled(found[2]))  # noqa: S704
        end = found.end()
    return made + plain(text[end:])


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _safe(url: str) -> str:
    """An address of the web; empty for any other, as `javascript:`."""
    return url if re.match(r"https?://", url) else ""
