"""Reads the events that the function gets."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import failed_trigger
from .failed_trigger import FailedTrigger
from .job_event import JobEvent, UnreadableEvent, read_job
from .values import as_text

_KEPT_MAX = 200_000
_RECORDS_MAX = 100


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
        return JobEvent.from_json(as_text(event.get("job"), _KEPT_MAX))
    records = event.get("Records")
    if isinstance(records, list) and records:
        return [failed_trigger.read(record) for record in records[:_RECORDS_MAX]]
    if event.get("source") != "aws.batch":
        raise UnreadableEvent("not an event of aws.batch")
    kind = event.get("detail-type")
    if kind not in ("Batch Job State Change", "Batch Job Queue Blocked"):
        raise UnreadableEvent(f"detail-type is {as_text(kind)[:100]!r}")
    detail = event.get("detail")
    if not isinstance(detail, dict):
        raise UnreadableEvent("detail is missing")
    return read_job(event, detail, blocks_queue=kind == "Batch Job Queue Blocked")
