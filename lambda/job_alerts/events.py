"""Reads the events that the function gets; nothing in them is believed to be there.

See https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

_TEXT_MAX = 2048
_LIST_MAX = 100
_KEPT_MAX = 200_000
FINAL = ("FAILED", "SUCCEEDED")


class UnreadableEvent(ValueError):  # noqa: N818 - it is what the event is
    """An event that this function was not made for, or that lacks what it must have."""


class JobEvent(NamedTuple):
    """A job that ended, or that blocks its queue; what is not known is empty or None."""

    event_id: str
    account: str
    region: str
    job_id: str
    name: str
    status: str
    status_reason: str
    queue_arn: str
    definition: str
    image: str
    exit_code: int | None
    container_reason: str
    attempt: int
    attempts: int
    timeout_seconds: int | None
    memory_mib: str
    created_ms: int | None
    started_ms: int | None
    stopped_ms: int | None
    log_group: str
    log_stream: str
    depends_on: tuple[str, ...]
    is_cancelled: bool
    is_terminated: bool
    array_index: int | None
    array_size: int | None
    array_failed: int | None
    skip_exit_code: int | None
    blocks_queue: bool

    @property
    def queue(self) -> str:
        """The queue's own name."""
        return self.queue_arn.rpartition("/")[2]

    @property
    def gave_way(self) -> bool:
        """Whether the runner ended it because another run of it was there, with a code of its own for that."""
        return bool(self.skip_exit_code) and self.exit_code == self.skip_exit_code

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn` or `aws-us-gov`."""
        parts = self.queue_arn.split(":")
        return parts[1] if len(parts) > 1 and parts[1].startswith("aws") else "aws"

    def to_json(self) -> str:
        """All of it as text, to be kept."""
        return json.dumps(self._asdict(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> JobEvent:
        """What `to_json` wrote, also by another version of this function.

        Raises:
            UnreadableEvent: it is something else.
        """
        try:
            kept = json.loads(text)
        except ValueError as error:
            raise UnreadableEvent("what was kept is not JSON") from error
        if not isinstance(kept, dict) or not _text(kept.get("name")):
            raise UnreadableEvent("what was kept is no job")
        depends_on = tuple(text for text in map(_text, _list(kept.pop("depends_on", None))) if text)
        known = {key: kept[key] for key in cls._fields if key in kept and _fits(kept[key], _BLANK[key])}
        known = {key: _text(value) if isinstance(value, str) else value for key, value in known.items()}
        return cls(**{**_BLANK, **known, "depends_on": depends_on})


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


def _fits(value: Any, blank: Any) -> bool:
    if isinstance(blank, bool):
        return isinstance(value, bool)
    if isinstance(blank, str):
        return isinstance(value, str)
    return value is None or _int(value) is not None


#: A job of which nothing is known: texts are empty, numbers None (but for the attempts), answers no.
_BLANK: dict[str, Any] = {
    **dict.fromkeys(JobEvent._fields, ""),
    **dict.fromkeys(("attempt", "attempts"), 1),
    **dict.fromkeys(("is_cancelled", "is_terminated", "blocks_queue"), False),
    **dict.fromkeys(
        (
            *("exit_code", "timeout_seconds", "created_ms", "started_ms", "stopped_ms"),
            *("array_index", "array_size", "array_failed", "skip_exit_code"),
        )
    ),
}


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
        return JobEvent.from_json(_text(event.get("job"), _KEPT_MAX))
    records = event.get("Records")
    if isinstance(records, list) and records:
        return [_trigger(record) for record in records[:_LIST_MAX]]
    if event.get("source") != "aws.batch":
        raise UnreadableEvent("not an event of aws.batch")
    kind = event.get("detail-type")
    if kind not in ("Batch Job State Change", "Batch Job Queue Blocked"):
        raise UnreadableEvent(f"detail-type is {_text(kind)[:100]!r}")
    detail = event.get("detail")
    if not isinstance(detail, dict):
        raise UnreadableEvent("detail is missing")
    return _job(event, detail, blocks_queue=kind == "Batch Job Queue Blocked")


def _job(event: dict[str, Any], detail: dict[str, Any], *, blocks_queue: bool) -> JobEvent:
    name = _text(detail.get("jobName"))
    if not name:
        raise UnreadableEvent("detail.jobName is missing")
    attempts = [attempt for attempt in _list(detail.get("attempts")) if isinstance(attempt, dict)]
    last = attempts[-1] if attempts else {}
    container = _first_container(detail)
    last_container = _dict(last.get("container")) or _first(_list(last.get("containers")))
    array = _dict(detail.get("arrayProperties"))
    exit_code = _int(last_container.get("exitCode"))
    options = _dict(_dict(container.get("logConfiguration")).get("options"))
    reason = last_container.get("reason") or container.get("reason")
    return JobEvent(
        event_id=_text(event.get("id")),
        account=_text(event.get("account")),
        region=_text(event.get("region")),
        job_id=_text(detail.get("jobId")),
        name=name,
        status=_text(detail.get("status")),
        status_reason=_text(detail.get("statusReason")) or _text(last.get("statusReason")),
        queue_arn=_text(detail.get("jobQueue")),
        definition=_text(detail.get("jobDefinition")).rpartition("/")[2],
        image=_text(container.get("image")),
        exit_code=exit_code if exit_code is not None else _int(container.get("exitCode")),
        container_reason=_text(reason),
        attempt=max(1, len(attempts)),
        attempts=max(1, _int(_dict(detail.get("retryStrategy")).get("attempts")) or 1),
        timeout_seconds=_int(_dict(detail.get("timeout")).get("attemptDurationSeconds")),
        memory_mib=_requirement(container, "MEMORY") or _text(container.get("memory")),
        created_ms=_int(detail.get("createdAt")),
        started_ms=_int(last.get("startedAt")) or _int(detail.get("startedAt")),
        stopped_ms=_int(last.get("stoppedAt")) or _int(detail.get("stoppedAt")),
        log_group=_text(options.get("awslogs-group")) or "/aws/batch/job",
        log_stream=_text(last_container.get("logStreamName")) or _text(container.get("logStreamName")),
        depends_on=tuple(
            _text(_dict(parent).get("jobId")) for parent in _list(detail.get("dependsOn")) if _dict(parent).get("jobId")
        ),
        is_cancelled=detail.get("isCancelled") is True,
        is_terminated=detail.get("isTerminated") is True,
        array_index=_int(array.get("index")),
        array_size=_int(array.get("size")),
        array_failed=_int(_dict(array.get("statusSummary")).get("FAILED")),
        skip_exit_code=_skip_exit_code(container),
        blocks_queue=blocks_queue,
    )


def _first_container(detail: dict[str, Any]) -> dict[str, Any]:
    """The container; of a job with several, the first."""
    found = _dict(detail.get("container"))
    if found:
        return found
    task = _first(_list(_dict(detail.get("ecsProperties")).get("taskProperties")))
    return _first(_list(task.get("containers")))


def _trigger(record: Any) -> FailedTrigger:
    """A message of the dead-letter queue; its attributes say what went wrong.

    See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """
    record = _dict(record)
    attributes = _dict(record.get("messageAttributes"))

    def attribute(name: str) -> str:
        return _text(_dict(attributes.get(name)).get("stringValue"))

    try:
        body = _dict(json.loads(_text(record.get("body"), 300_000)))
    except ValueError:
        body = {}
    rules = _list(body.get("resources"))
    queue_arn = _text(record.get("eventSourceARN")).split(":")
    return FailedTrigger(
        message_id=_text(record.get("messageId")),
        rule_arn=attribute("RULE_ARN") or attribute("SCHEDULE_ARN") or (_text(rules[0]) if rules else ""),
        target_arn=attribute("TARGET_ARN"),
        error_code=attribute("ERROR_CODE"),
        error_message=attribute("ERROR_MESSAGE"),
        attempts=attribute("RETRY_ATTEMPTS"),
        region=_text(body.get("region")) or (queue_arn[3] if len(queue_arn) > 3 else ""),
        account=_text(body.get("account")) or (queue_arn[4] if len(queue_arn) > 4 else ""),
        time=_text(body.get("time")),
    )


def _text(value: Any, most: int = _TEXT_MAX) -> str:
    """A text without halves of characters, which nothing else takes; empty for anything else."""
    return value[:most].encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _int(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53 else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value[:_LIST_MAX] if isinstance(value, list) else []


def _first(values: list[Any]) -> dict[str, Any]:
    return _dict(values[0]) if values else {}


def _requirement(container: dict[str, Any], kind: str) -> str:
    for requirement in map(_dict, _list(container.get("resourceRequirements"))):
        if requirement.get("type") == kind:
            return _text(requirement.get("value"))
    return ""


def _skip_exit_code(container: dict[str, Any]) -> int | None:
    """The exit code by which the job runner tells that it gave way, where the job's definition sets one."""
    for variable in map(_dict, _list(container.get("environment"))):
        value = _text(variable.get("value"))
        if variable.get("name") == "BATCHTAB_SKIP_EXIT_CODE" and value.isascii() and value.isdigit():
            return int(value[:4])
    return None
