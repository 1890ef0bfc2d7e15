"""Which event it is, and what it says: a trigger's, the end of a job, or that a job goes on after a pause."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import exclusions
from .failures import MalformedEvent
from .job import ALLOW, FORBID, QUEUE, REPLACE, Job, Run, run_item
from .moments import iso, moment

_POLICIES = (ALLOW, FORBID, REPLACE, QUEUE)
_TEXT_MAX = 512
_ENDED = ("FAILED", "SUCCEEDED")


class End(NamedTuple):
    """A job that ended; one that was started by hand has no `run_id`."""

    job_name: str
    job_id: str
    failed: bool
    reason: str
    run_id: str
    item: str
    policy: str


class Resume(NamedTuple):
    """Somebody has resumed a job."""

    job_name: str


def read(event: Any) -> Run | End | Resume | None:
    """What an event says; None for the end of something that is no run, such as an array's child.

    Raises:
        MalformedEvent: it says something else.
    """
    event = _object(event, "the event")
    if "trigger" in event:
        return read_run(event)
    if "resume" in event:
        return Resume(_text(_object(event["resume"], "resume"), "job", "resume."))
    if event.get("source") == "aws.batch" and event.get("detail-type") == "Batch Job State Change":
        return _end(_object(event.get("detail"), "detail"))
    raise MalformedEvent("the event has no trigger, no resume, and is no Batch Job State Change")


def read_run(event: dict[str, Any]) -> Run:
    """The run of a trigger's event, and of one that was kept.

    Raises:
        MalformedEvent: it lacks something, or says what is not allowed.
    """
    trigger, content = _object(event.get("trigger"), "trigger"), _object(event.get("job"), "job")
    given = _text(trigger, "scheduled_time", "trigger.")
    at = moment(given)
    if at is None:
        raise MalformedEvent(f"trigger.scheduled_time: {given!r} is not a moment such as 2026-11-24T00:00:00Z")
    schedule = _text(content, "schedule", "job.", optional=True)
    if not schedule.startswith("rate"):  # a rule and a schedule name the same minute by other seconds
        at = at.replace(second=0)
    mode = event.get("mode")
    if mode not in (None, "backfill"):
        raise MalformedEvent(f"mode: {mode!r} is not backfill")
    return Run(
        job=_job(content),
        scheduled_at=at,
        scheduled_time=iso(at),
        upstream_job_id=_text(trigger, "upstream_job_id", "trigger.", optional=True),
        is_backfill=mode == "backfill",
    )


def _job(content: dict[str, Any]) -> Job:
    policy = _text(content, "concurrency_policy", "job.", optional=True) or ALLOW
    if policy not in _POLICIES:
        raise MalformedEvent(f"job.concurrency_policy: {policy!r} is not one of {', '.join(_POLICIES)}")
    pause = content.get("pause_on_failure") or False
    if not isinstance(pause, bool):
        raise MalformedEvent(f"job.pause_on_failure: {pause!r} is not true or false")
    entries = content.get("except") or []
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise MalformedEvent(f"job.except: {entries!r} is not a list of dates and cron expressions")
    timezone = _text(content, "timezone", "job.", optional=True)
    try:
        exclusions.check(entries, timezone)
    except ValueError as error:
        raise MalformedEvent(f"job.except: {error}") from error
    return Job(
        name=_text(content, "name", "job."),
        queue=_text(content, "job_queue", "job."),
        definition=_text(content, "job_definition", "job."),
        policy=policy,
        queue_limit=_number(content, "queue_limit") or Job._field_defaults["queue_limit"],
        starting_deadline_seconds=_number(content, "starting_deadline_seconds"),
        pause_on_failure=pause,
        array_size=_number(content, "array_size"),
        except_=tuple(entries),
        timezone=timezone,
    )


def _end(detail: dict[str, Any]) -> End | None:
    status, array = detail.get("status"), detail.get("arrayProperties")
    if status not in _ENDED or (isinstance(array, dict) and array.get("index") is not None):
        return None
    container = detail.get("container")
    listed = container.get("environment") if isinstance(container, dict) else None
    variables = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    told = {str(one.get("name")): str(one.get("value")) for one in variables}
    scheduled_time, run_id = told.get("BATCHTAB_SCHEDULED_TIME", ""), told.get("BATCHTAB_RUN_ID", "")
    name = _text(detail, "jobName", "detail.")
    if not run_id.startswith(f"{name}@") or moment(scheduled_time) is None:
        run_id = scheduled_time = ""
    return End(
        job_name=name,
        job_id=_text(detail, "jobId", "detail."),
        failed=status == "FAILED",
        reason=str(detail.get("statusReason") or "")[:_TEXT_MAX],
        run_id=run_id,
        item=run_item(scheduled_time, told.get("BATCHTAB_UPSTREAM_JOB_ID", "")) if run_id else "",
        policy=told.get("BATCHTAB_RUN_POLICY", ""),
    )


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedEvent(f"{where}: {value!r:.100} is not an object")
    return value


def _text(content: dict[str, Any], name: str, where: str, *, optional: bool = False) -> str:
    value = content.get(name)
    if value is None and optional:
        return ""
    if not isinstance(value, str) or not (value or optional) or len(value) > _TEXT_MAX:
        raise MalformedEvent(f"{where}{name}: {value!r:.100} is not a text of 1 to {_TEXT_MAX} characters")
    return value


def _number(content: dict[str, Any], name: str) -> int | None:
    value = content.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise MalformedEvent(f"job.{name}: {value!r:.100} is not a whole number of 1 or more")
    return value
