"""Publishes messages to an SNS topic, for e-mail, PagerDuty, and Slack or Teams through Amazon Q.

What subscribes by HTTPS gets the form that Amazon Q takes, which takes no other
(https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html); all others get plain text. Sizes are those
of https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

from shared.clients import client, errors

from ..failures import DeliveryFailed
from ..message import Field, Message
from ..settings import Settings
from ..text import cut

_SUBJECT_MAX = 100
_NAMES_ROOM = 12_000
_DESCRIPTION_MAX = 8000
_TITLE_MAX = 250


def send(message: Message, settings: Settings, _remaining_seconds: Callable[[], float]) -> None:
    """Publishes a message.

    Raises:
        DeliveryFailed: the topic did not take it.
    """
    arn, body = settings.topic_arn, text(message, details=settings.details)
    forms = {"default": body, "https": json.dumps(for_chats(message, body), ensure_ascii=False)}
    try:
        sns = client("sns", region=arn.split(":")[3], connect_seconds=3, read_seconds=10, attempts=3)
        sns.publish(
            TopicArn=arn,
            Subject=subject(message),
            Message=json.dumps(forms, ensure_ascii=False),
            MessageStructure="json",
        )
    except errors() as error:
        raise DeliveryFailed(f"{arn} did not take the message: {error}") from error


def subject(message: Message) -> str:
    """The title on one line of at most 100 ASCII characters, as an e-mail has it; it begins with none that is blank."""
    plain = "".join(each if " " <= each <= "~" else "?" for each in " ".join(message.title.split()))
    return plain if len(plain) <= _SUBJECT_MAX else plain[: _SUBJECT_MAX - 3].rstrip() + "..."


def text(message: Message, *, details: bool = True) -> str:
    """A message in the words that Slack gets, without markup."""
    parts = [message.sentence]
    if details:
        parts.append("\n".join(f"{field.label}: {_value(field)}" for field in message.fields))
        if message.log:
            parts.append("\n".join([f"The end of {message.log_of}:", *(f"    {line}" for line in message.log)]))
        parts.append(message.log_note)
    if message.names:
        names = message.shown_names(_NAMES_ROOM, lambda name: len(name) + len("- \n"))
        parts.append("\n".join([f"{message.list_title}:", *(f"- {name}" for name in names)]))
    if details:
        parts += [f"{label}:\n{command}" for label, command in message.commands]
        parts.append("\n".join(f"{label}: {url}" for label, url in message.buttons))
        parts.append(message.footer)
    return "\n\n".join(filter(None, parts)) + "\n"


def for_chats(message: Message, body: str) -> dict[str, object]:
    """The form that Amazon Q takes; in a block of code nothing is markup."""
    shown = cut(body.replace("`", "'"), _DESCRIPTION_MAX - len("```\n\n```"))
    content = {
        "textType": "client-markdown",
        "title": subject(message)[:_TITLE_MAX],
        "description": f"```\n{shown}\n```",
    }
    return {"version": "1.0", "source": "custom", "content": content}


def _value(field: Field) -> str:
    if field.at is None:
        return field.value
    try:
        return datetime.fromtimestamp(field.at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return "unknown"
