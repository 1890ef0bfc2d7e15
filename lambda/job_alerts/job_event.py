"""A job as Batch's events describe it.

See https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from batchtab.main_container import Part, failed_container, is_node, main_container, task_of

from .values import as_dict, as_int, as_list, as_moment, as_text

_INDICES = re.compile(r"[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*")
FINAL = ("FAILED", "SUCCEEDED")
_REPLACED = "Replaced by the run of "  # how the submit function ends a run for the sake of the next one


class UnreadableEvent(ValueError):  # noqa: N818 - it is what the event is
    """An event that this function was not made for, or that lacks what it must have."""


class JobEvent(NamedTuple):
    """A job that ended, or that blocks its queue; what is not known is empty or None.

    `container_name` is that of the container that failed, of a job that has several; `main_name` that of the
    main one, of a job whose containers have names. `child` is the index that the program saw: in a retry of some
    children it is that of the first array, where `array_index` is Batch's own.
    """

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
    scheduled_at: int | None
    blocks_queue: bool
    container_name: str
    main_name: str
    has_nodes: bool
    share_identifier: str
    child: int | None

    @property
    def queue(self) -> str:
        """The queue's own name."""
        return self.queue_arn.rpartition("/")[2]

    @property
    def is_node(self) -> bool:
        """Whether it is one node of a multi-node job, whose own event says how the job has ended."""
        return is_node(self.job_id)

    @property
    def gave_way(self) -> bool:
        """Whether the runner ended it because another run of it was there, with a code of its own for that."""
        return bool(self.skip_exit_code) and self.exit_code == self.skip_exit_code

    @property
    def was_replaced(self) -> bool:
        """Whether it was ended for the sake of a later run of the same job, as its policy wants."""
        return self.status_reason.startswith(_REPLACED)

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
        if not isinstance(kept, dict) or not as_text(kept.get("name")):
            raise UnreadableEvent("what was kept is not a job")
        depends_on = tuple(text for text in map(as_text, as_list(kept.pop("depends_on", None))) if text)
        known = {key: kept[key] for key in cls._fields if key in kept and _fits(kept[key], _BLANK[key])}
        known = {key: as_text(value) if isinstance(value, str) else value for key, value in known.items()}
        return cls(**{**_BLANK, **known, "depends_on": depends_on})


def _fits(value: Any, blank: Any) -> bool:
    if isinstance(blank, bool):
        return isinstance(value, bool)
    if isinstance(blank, str):
        return isinstance(value, str)
    return value is None or as_int(value) is not None


#: A job of which nothing is known: texts are empty, numbers None (but for the attempts), answers no.
_BLANK: dict[str, Any] = {
    **dict.fromkeys(JobEvent._fields, ""),
    **dict.fromkeys(("attempt", "attempts"), 1),
    **dict.fromkeys(("is_cancelled", "is_terminated", "blocks_queue", "has_nodes"), False),
    **dict.fromkeys(
        (
            *("exit_code", "timeout_seconds", "created_ms", "started_ms", "stopped_ms"),
            *("array_index", "array_size", "array_failed", "skip_exit_code", "scheduled_at", "child"),
        )
    ),
}


def read_job(event: dict[str, Any], detail: dict[str, Any], *, blocks_queue: bool) -> JobEvent:
    """The job of an event.

    Raises:
        UnreadableEvent: it has no name.
    """
    name = as_text(detail.get("jobName"))
    if not name:
        raise UnreadableEvent("detail.jobName is missing")
    attempts = [attempt for attempt in as_list(detail.get("attempts")) if isinstance(attempt, dict)]
    last = attempts[-1] if attempts else {}
    main, (container, last_container) = main_container(detail), failed_container(detail)
    array = as_dict(detail.get("arrayProperties"))
    exit_code = as_int(last_container.get("exitCode"))
    options = as_dict(as_dict((container or main).get("logConfiguration")).get("options"))
    has_several = len(as_list(task_of(detail).get("containers"))) > 1
    reason = last_container.get("reason") or container.get("reason")
    return JobEvent(
        event_id=as_text(event.get("id")),
        account=as_text(event.get("account")),
        region=as_text(event.get("region")),
        job_id=as_text(detail.get("jobId")),
        name=name,
        status=as_text(detail.get("status")),
        status_reason=as_text(detail.get("statusReason")) or as_text(last.get("statusReason")),
        queue_arn=as_text(detail.get("jobQueue")),
        definition=as_text(detail.get("jobDefinition")).rpartition("/")[2],
        image=as_text(container.get("image")),
        exit_code=exit_code if exit_code is not None else as_int(container.get("exitCode")),
        container_reason=as_text(reason),
        attempt=max(1, len(attempts)),
        attempts=max(1, as_int(as_dict(detail.get("retryStrategy")).get("attempts")) or 1),
        timeout_seconds=as_int(as_dict(detail.get("timeout")).get("attemptDurationSeconds")),
        memory_mib=_requirement(container, "MEMORY") or as_text(container.get("memory")),
        created_ms=as_int(detail.get("createdAt")),
        started_ms=as_int(last.get("startedAt")) or as_int(detail.get("startedAt")),
        stopped_ms=as_int(last.get("stoppedAt")) or as_int(detail.get("stoppedAt")),
        log_group=as_text(options.get("awslogs-group")) or "/aws/batch/job",
        log_stream=as_text(last_container.get("logStreamName")) or as_text(container.get("logStreamName")),
        depends_on=tuple(
            as_text(as_dict(parent).get("jobId"))
            for parent in as_list(detail.get("dependsOn"))
            if as_dict(parent).get("jobId")
        ),
        is_cancelled=detail.get("isCancelled") is True,
        is_terminated=detail.get("isTerminated") is True,
        array_index=as_int(array.get("index")),
        array_size=as_int(array.get("size")),
        array_failed=as_int(as_dict(array.get("statusSummary")).get("FAILED")),
        skip_exit_code=_skip_exit_code(main),
        scheduled_at=as_moment(_variable(main, "BATCHTAB_SCHEDULED_TIME")),
        blocks_queue=blocks_queue,
        container_name=as_text(last_container.get("name") or container.get("name")) if has_several else "",
        main_name=as_text(main.get("name")),
        has_nodes=bool(as_dict(detail.get("nodeProperties"))),
        share_identifier=as_text(detail.get("shareIdentifier")),
        child=_child(array, _variable(main, "BATCHTAB_ARRAY_INDICES", 8192)),
    )


def _child(array: dict[str, Any], indices: str) -> int | None:
    """The index that the program saw; `indices` are those of the children that a retry runs, such as `3,17-20`."""
    index = as_int(array.get("index"))
    is_parent = index is None and "size" in array
    if is_parent or not _INDICES.fullmatch(indices):
        return index
    left = index or 0
    for part in indices.split(","):
        first, _, last = part.partition("-")
        count = int(last or first) - int(first) + 1
        if left < count:
            return int(first) + left
        left -= count
    return index


def _requirement(container: Part, kind: str) -> str:
    for requirement in map(as_dict, as_list(container.get("resourceRequirements"))):
        if requirement.get("type") == kind:
            return as_text(requirement.get("value"))
    return ""


def _variable(container: Part, name: str, most: int = 2048) -> str:
    """At most `most` characters of a container's variable; empty where it has none of this name."""
    found = (one for one in map(as_dict, as_list(container.get("environment"))) if one.get("name") == name)
    return as_text(next(found, {}).get("value"), most)


def _skip_exit_code(container: Part) -> int | None:
    """The exit code by which the job runner reports that it gave way, where the job's definition sets one."""
    value = _variable(container, "BATCHTAB_SKIP_EXIT_CODE")
    return int(value[:4]) if value.isascii() and value.isdigit() else None
