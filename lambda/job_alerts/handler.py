"""The function's entry: an event becomes a message."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from shared.clients import client

from . import logs, notifiers
from .app import NOTHING, App
from .dependencies import Dependencies
from .journal import say
from .lateness import last_start
from .message import Message
from .redaction import redact
from .runs import Runs
from .settings import Settings
from .table import Table

_NO_CONTEXT_SECONDS = 60.0


def lambda_handler(event: Any, context: Any) -> dict[str, str]:
    """Sends one event.

    Raises:
        UnreadableEvent: it is none that this function knows.
        DeliveryFailed: the message did not arrive.
    """
    is_sweep = isinstance(event, dict) and event.get("batchtab") == "sweep"
    if not is_sweep:  # it comes each minute, and mostly for nothing
        say(event=redact(event))
    settings = Settings.read()

    def remaining_seconds() -> float:
        known = getattr(context, "get_remaining_time_in_millis", None)
        return known() / 1000 if known else _NO_CONTEXT_SECONDS

    def deliver(message: Message) -> None:
        notifiers.send(message, settings, remaining_seconds)

    def keep(body: str) -> None:
        sqs = client("sqs", connect_seconds=2, read_seconds=5, attempts=3)
        sqs.send_message(QueueUrl=settings.dead_letter_queue_url, MessageBody=body)

    dependencies = Dependencies(
        deliver=deliver,
        tail=logs.tail,
        gave_way=logs.gave_way,
        keep=keep,
        now=lambda: int(time.time()),
        sleep=time.sleep,
        remaining_seconds=remaining_seconds,
        last_start=partial(last_start, remaining_seconds=remaining_seconds),
        table=Table(settings.table_name) if settings.table_name else None,
        runs=Runs(settings.runs_table_arn) if settings.runs_table_arn else None,
    )
    outcome = App(settings, dependencies).handle(event)
    if not (is_sweep and outcome == NOTHING):
        say(outcome=outcome)
    return {"outcome": outcome}
