"""What starts a job, as a plan has it: a rule, a schedule, a rule on the ends of others; and what is sent for runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from batchtab.limits import JOB_DEFAULTS
from batchtab.plan_review.plan import Plan
from batchtab.plan_review.resource import Resource
from batchtab.schedules.exclusions import Exclusions
from batchtab.schedules.timing import ScheduleError, Timing

RULE, SCHEDULE = "aws_cloudwatch_event_rule", "aws_scheduler_schedule"
TARGET = "aws_cloudwatch_event_target"
UNKNOWN = "(known after apply)"
#: How a trigger's state was changed outside Terraform.
PAUSED, RESUMED = "paused", "resumed"
_OFF = "DISABLED"


@dataclass(frozen=True)
class Policy:
    """What the submit function gets for a job; nothing for one that is submitted directly."""

    concurrency_policy: str = JOB_DEFAULTS["concurrency_policy"]
    queue_limit: int | None = None
    starting_deadline_seconds: int | None = None
    excluded: tuple[str, ...] = ()
    pause_on_failure: bool = False


@dataclass(frozen=True)
class Trigger:
    """What starts a job at its times.

    Attributes:
        kind: The resource's type.
        expression: In AWS's form.
        timing: None where it can't be read.
        own_zone: The zone that it names; empty where it is read in UTC.
        suspended: Whether it is disabled.
        window_minutes: Of its flexible window.
    """

    kind: str
    expression: str
    timing: Timing | None
    own_zone: str = ""
    suspended: bool = False
    window_minutes: int | None = None


@dataclass(frozen=True)
class Delivery:
    """Where runs are sent.

    Attributes:
        queue: The queue's name in the stage.
        event_age_seconds: For how long it is tried.
        by_function: Whether the submit function decides about each run.
        waits_for_all: Whether a run starts when all jobs before it have ended; else at the end of each.
        within_seconds: How far apart those ends may be.
    """

    queue: str
    job_name: str
    event_age_seconds: int | None
    array_size: int | None
    by_function: bool
    policy: Policy
    waits_for_all: bool = False
    within_seconds: int | None = None


def trigger(resource: Resource, *, after: bool, policy: Policy) -> Trigger:
    """A rule or a schedule on one side of the plan."""
    expression = str(resource.value("schedule_expression", after=after) or "")
    zone = str(resource.value("schedule_expression_timezone", after=after) or "")
    window = resource.block("flexible_time_window", after=after)
    kind = "schedule" if resource.type == SCHEDULE else "rule"
    start, end = (_moment(resource.value(name, after=after)) for name in ("start_date", "end_date"))
    return Trigger(
        kind=resource.type,
        expression=expression,
        timing=_timing(expression, zone, kind, start, end, policy.excluded),
        own_zone="" if zone == "UTC" else zone,
        suspended=resource.value("state", after=after) == _OFF,
        window_minutes=window.get("maximum_window_in_minutes") or None,
    )


def delivery(resource: Resource, plan: Plan, *, after: bool) -> Delivery:
    """Where a rule's target, or a schedule, hands its runs to."""
    target = resource.block("target", after=after) if resource.type == SCHEDULE else None
    retry: Any
    if target is not None:
        request, arn, retry = resource.read_document(target.get("input")), target.get("arn"), target.get("retry_policy")
    else:
        transformer = resource.block("input_transformer", after=after)
        request, arn = resource.read_document(transformer.get("input_template")), resource.value("arn", after=after)
        retry = [resource.block("retry_policy", after=after)]
    batch = resource.block("batch_target", after=after)
    job = request.get("job")
    size = batch.get("array_size") or (request.get("ArrayProperties") or {}).get("Size")
    queue = request.get("JobQueue") or arn
    all_of: dict[str, Any] = {}
    if isinstance(job, dict):
        queue, size = job.get("job_queue"), job.get("array_size")
        all_of = {"waits_for_all": bool(job.get("after_all")), "within_seconds": job.get("within_seconds")}
    return Delivery(
        queue=_queue(queue, plan),
        job_name=str(batch.get("job_name") or request.get("JobName") or (job or {}).get("name") or ""),
        event_age_seconds=(retry[0] if retry else {}).get("maximum_event_age_in_seconds"),
        array_size=int(size) if size else None,
        by_function=isinstance(job, dict),
        policy=_policy(job) if isinstance(job, dict) else Policy(),
        **all_of,
    )


def upstream(resource: Resource, *, after: bool) -> tuple[str, ...]:
    """After which jobs a rule starts its own, as job definitions are called, and on which ends."""
    pattern = resource.read_document(resource.value("event_pattern", after=after))
    detail = pattern.get("detail") or {}
    definitions = [str(each.get("prefix", "")) for each in detail.get("jobDefinition") or () if isinstance(each, dict)]
    ends = " or ".join(str(each).lower() for each in detail.get("status") or ())
    return (*(each.rpartition("/")[2].removesuffix(":") for each in definitions), ends)


def manual_switch(resource: Resource | None, plan: Plan) -> str:
    """Whether a trigger was paused or resumed manually, and the plan undoes it; empty if not."""
    if resource is None or resource.after is None or resource.address not in plan.found_states:
        return ""
    found, wanted = plan.found_states[resource.address], resource.after.get("state")
    if found == wanted:
        return ""
    return PAUSED if found == _OFF else RESUMED


def _policy(job: dict[str, Any]) -> Policy:
    policy = str(job.get("concurrency_policy") or Policy.concurrency_policy)
    return Policy(
        concurrency_policy=policy,
        queue_limit=job.get("queue_limit"),
        starting_deadline_seconds=job.get("starting_deadline_seconds"),
        excluded=tuple(map(str, job.get("except") or ())),
        pause_on_failure=bool(job.get("pause_on_failure")),
    )


def _timing(
    expression: str, zone: str, kind: str, start: datetime | None, end: datetime | None, excluded: tuple[str, ...]
) -> Timing | None:
    try:
        timing = Timing(expression, ZoneInfo(zone or "UTC"), kind, start, end, Exclusions.parse(excluded))
        _ = timing.is_rate  # reads the expression
    except (ScheduleError, ValueError, OSError, KeyError):
        return None
    return timing


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) and value else None
    except ValueError:  # known only after the apply
        return None


def _queue(arn: Any, plan: Plan) -> str:
    if not isinstance(arn, str) or not arn:
        return UNKNOWN
    if match := re.search(r"job_queue_arn_([A-Za-z0-9_-]+)", arn):  # another stack's output, not yet known
        return match[1]
    return plan.short(arn.rpartition("/")[2].rstrip("}"))
