"""Reads the events that the function gets."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from .job_event import JobEvent, UnreadableEvent, read_job
from .values import dict_, list_, text_

_KEPT_MAX = 200_000
_RECORDS_MAX = 100

__all__ = ["FailedTrigger", "JobEvent", "Sweep", "UnreadableEvent", "read"]


class FailedTrigger(NamedTuple):
    """A rule or schedule that could not submit its job, as it lies in the triggers' dead-letter queue."""

    message_id: str
    rule_arn: str
    target_arn: str
    error_code: str
    error_message: str
    attempts: str
    region: str
    account: str
    time: str


class Sweep(NamedTuple):
    """A call to look for what was left behind."""


def read(event: Any) -> JobEvent | list[FailedTrigger] | Sweep:
    """What an event is.

    Raises:
        UnreadableEvent: none that is known.
    """
    if not isinstance(event, dict):
        raise UnreadableEvent("not an object")
    payload = event.get("requestPayload")
    if isinstance(payload, dict) and "requestContext" in event:
        event = payload  # as a destination on failure keeps it, and so a redrive may bring it
    if event.get("batchtab") == "sweep":
        return Sweep()
    if event.get("batchtab") == "kept":
        return JobEvent.from_json(text_(event.get("job"), _KEPT_MAX))
    records = event.get("Records")
    if isinstance(records, list) and records:
        return [_trigger(record) for record in records[:_RECORDS_MAX]]
    if event.get("source") != "aws.batch":
        raise UnreadableEvent("not an event of aws.batch")
    kind = event.get("detail-type")
    if kind not in ("Batch Job State Change", "Batch Job Queue Blocked"):
        raise UnreadableEvent(f"detail-type is {text_(kind)[:100]!r}")
    detail = event.get("detail")
    if not isinstance(detail, dict):
        raise UnreadableEvent("detail is missing")
    return read_job(event, detail, blocks_queue=kind == "Batch Job Queue Blocked")


def _trigger(record: Any) -> FailedTrigger:
    """A message of the dead-letter queue; its attributes say what went wrong.

    See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """
    record = dict_(record)
    attributes = dict_(record.get("messageAttributes"))

    def attribute(name: str) -> str:
        return text_(dict_(attributes.get(name)).get("stringValue"))

    try:
        body = dict_(json.loads(text_(record.get("body"), 300_000)))
    except ValueError:
        body = {}
    rules = list_(body.get("resources"))
    queue_arn = text_(record.get("eventSourceARN")).split(":")
    return FailedTrigger(
        message_id=text_(record.get("messageId")),
        rule_arn=attribute("RULE_ARN") or attribute("SCHEDULE_ARN") or (text_(rules[0]) if rules else ""),
        target_arn=attribute("TARGET_ARN"),
        error_code=attribute("ERROR_CODE"),
        error_message=attribute("ERROR_MESSAGE"),
        attempts=attribute("RETRY_ATTEMPTS"),
        region=text_(body.get("region")) or (queue_arn[3] if len(queue_arn) > 3 else ""),
        account=text_(body.get("account")) or (queue_arn[4] if len(queue_arn) > 4 else ""),
        time=text_(body.get("time")),
    )
