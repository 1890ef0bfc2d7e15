"""Who sends messages on: a function that exists, a webhook, an SNS topic.

Each is one file with `send(message, settings, remaining_seconds)`, which gives the message its form, sends it, and
raises DeliveryFailed if it did not arrive. A further one is a file here and a line below.
"""

from __future__ import annotations

from collections.abc import Callable

from ..message import Message
from ..settings import Settings


def send(message: Message, settings: Settings, remaining_seconds: Callable[[], float]) -> None:
    """Sends a message by what the settings name.

    Raises:
        DeliveryFailed: it did not arrive.
    """
    # Each is imported when it is used: HTTP takes a third of a cold start.
    if settings.topic_arn:
        from . import topic as notifier  # noqa: PLC0415
    elif settings.webhook_secret_arn:
        from . import webhook as notifier  # type: ignore[no-redef] # noqa: PLC0415
    else:
        from . import function as notifier  # type: ignore[no-redef] # noqa: PLC0415
    notifier.send(message, settings, remaining_seconds)
