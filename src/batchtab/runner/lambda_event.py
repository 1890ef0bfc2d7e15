"""The event that a scheduled Lambda function gets, made from what Batch gives a container.

https://docs.aws.amazon.com/lambda/latest/dg/with-eventbridge-scheduler.html
"""

from __future__ import annotations

import json
import time
import uuid

from . import container_metadata

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SCHEDULE = "schedule/"
_SCHEDULED_TIME = "BATCHTAB_SCHEDULED_TIME"


class Place:
    """Where the container runs; texts are empty where nothing says so.

    Attributes:
        partition: Of ARNs: `aws` unless the container's says another.
        region: Such as `ap-northeast-2`.
        account: The account's id.
        log_group: Where the container's output goes.
        log_stream: Likewise.
    """

    __slots__ = ("account", "log_group", "log_stream", "partition", "region")

    def __init__(self, environment: Mapping[str, str]) -> None:
        said = container_metadata.read(environment)
        arn = [*str(said.get("ContainerARN") or "").split(":"), *[""] * 5]
        options = said.get("LogOptions") or {}
        self.partition = arn[1] or "aws"
        self.region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or arn[3]
        self.account = arn[4]
        self.log_group = str(options.get("awslogs-group") or "/aws/batch/job")
        self.log_stream = str(options.get("awslogs-stream") or "")


def made(text: str | None, trigger: str, place: Place, environment: Mapping[str, str]) -> Any:
    """The event: a JSON text that the source gave, or what EventBridge sends without one.

    Args:
        text: JSON; keywords of EventBridge Scheduler in it, such as `<aws.scheduler.scheduled-time>`, are replaced.
        trigger: `rule/NAME`, or `schedule/GROUP/NAME`, whose event differs.
        place: Where the container runs.
        environment: The container's variables.

    Raises:
        ValueError: The text is not JSON.
    """
    is_schedule = trigger.startswith(SCHEDULE)
    service = "scheduler" if is_schedule else "events"
    arn = f"arn:{place.partition}:{service}:{place.region}:{place.account}:{trigger}"
    at = environment.get(_SCHEDULED_TIME) or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    # The same at each attempt, so that a handler can recognise a repeated event, as on Lambda.
    event_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{arn} {at}"))
    if text is not None:
        attempt = environment.get("AWS_BATCH_JOB_ATTEMPT") or "1"
        known = {"schedule-arn": arn, "scheduled-time": at, "execution-id": event_id, "attempt-number": attempt}
        for name, value in known.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
        return json.loads(text)
    return {
        "version": "0",
        "id": event_id,
        "detail-type": "Scheduled Event",
        "source": f"aws.{service}",
        "account": place.account,
        "time": at,
        "region": place.region,
        "resources": [arn],
        "detail": "{}" if is_schedule else {},  # Scheduler really sends a text
    }
