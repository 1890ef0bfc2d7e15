"""The function's entry: an event of Batch becomes a message in Slack."""

from __future__ import annotations

import json
from typing import Any

from . import function, message
from .events import FailedJob
from .redaction import redact
from .settings import Settings

_REMEMBERED = 1000

# EventBridge delivers at least once. What this process has sent is not sent again; another process does not know.
_sent: dict[str, None] = {}


def lambda_handler(event: Any, context: Any) -> dict[str, str]:  # noqa: ARG001 - Lambda's signature
    """Tells one failed job.

    Raises:
        UnreadableEvent: the event is none of a failed job.
        DeliveryFailed: the message did not arrive.
    """
    print(json.dumps({"event": redact(event)}, ensure_ascii=False, default=str))
    job = FailedJob.parse(event)
    settings = Settings.read()
    if job.event_id in _sent:
        print(json.dumps({"told_already": job.event_id}))
        return {"outcome": "told already"}
    function.send(message.render(job, settings), function_name=settings.function_name, region=settings.function_region)
    if job.event_id:
        _sent[job.event_id] = None
        if len(_sent) > _REMEMBERED:
            del _sent[next(iter(_sent))]
    return {"outcome": "told"}
