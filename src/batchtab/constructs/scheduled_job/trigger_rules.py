"""What a job's trigger can't do, reported before anything is planned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.expressions import (
    Condition,
    Expression,
    all_of,
    any_of,
    choose,
    hcl,
    is_expression,
    is_set,
    negate,
    not_empty,
    one_of,
)
from batchtab.constructs._terraform.resources import ResourceRef, require
from batchtab.constructs.scheduled_job.timing import Timing
from batchtab.declarations import job_rules
from batchtab.declarations.job_arguments import JobArguments
from batchtab.schedules.expression import Rate, parse


def add_preconditions(
    job_definition: ResourceRef,
    job: JobArguments,
    timing: Timing,
    of_the_schedule: Sequence[tuple[Condition, str]],
    *,
    follows: Condition,
    decides: Condition,
    needs_function: Condition,
    is_managed: Condition,
) -> None:
    """The rules across arguments; what is known already was refused before, but for the function's ARN.

    Raises:
        ValueError: known values do not go together.
    """
    rules: list[tuple[Condition, str]] = [
        *of_the_schedule,
        (
            negate(all_of(timing.is_rate, timing.by_schedule)),
            "schedule: a rate does not go with timezone, start, end, flexible_window_minutes, except and trigger"
            " schedule: EventBridge Scheduler runs a rate at once when it is deployed, and counts again from then:"
            f" {_instead_of_a_rate(timing.expression)}.",
        ),
        (
            negate(all_of(choose(is_set(timing.trigger), one_of(timing.trigger, ["rule"]), False), timing.is_special)),
            "trigger: a rule cannot express timezone, start, end, flexible_window_minutes, except or at(…): leave"
            " trigger out.",
        ),
        (
            any_of(timing.is_scheduled, negate(any_of(timing.is_special, is_set(timing.trigger)))),
            "timezone, start, end, flexible_window_minutes, except and trigger have no effect: the job has no"
            " schedule.",
        ),
        (
            any_of(timing.is_scheduled, follows, negate(any_of(decides, is_set(job.starting_deadline_seconds)))),
            "starting_deadline_seconds, pause_on_failure and concurrency_policy replace and queue have no effect: the"
            " job has no schedule and comes after no other.",
        ),
        (
            _long_enough(job.starting_deadline_seconds, timing.flexible_window_minutes),
            "starting_deadline_seconds is shorter than flexible_window_minutes: its last runs would all be late.",
        ),
        (
            any_of(negate(needs_function), is_set(job.submit_function_arn)),
            "concurrency_policy replace and queue, after_all, except, pause_on_failure, share, containers,"
            " grace_seconds and nodes need submit_function_arn.",
        ),
        (
            any_of(negate(is_managed), is_set(job.namespace)),
            "submit_function_arn needs a namespace: the function is for names that begin with it.",
        ),
        (
            any_of(one_of(job.concurrency_policy, ["queue"]), _equals(job.queue_limit, limits.QUEUE_LIMIT.default)),
            "queue_limit has no effect without concurrency_policy queue.",
        ),
        (_in_order(timing), "end must be later than start."),
        (
            any_of(negate(not_empty(job.after_all)), negate(any_of(timing.is_scheduled, not_empty(job.after)))),
            f"after_all does not go with schedule or after: {job_rules.ONE_START}.",
        ),
        (
            any_of(not_empty(job.after_all), negate(is_set(job.within_seconds))),
            f"within_seconds {job_rules.ONLY_WITH_AFTER_ALL}.",
        ),
        (
            any_of(follows, one_of(job.after_status, [limits.JOB_DEFAULTS["after_status"]])),
            f"after_status {job_rules.AFTER_NOTHING}.",
        ),
        (
            any_of(
                timing.is_scheduled,
                follows,
                _equals(job.maximum_event_age_seconds, limits.DELIVERY_RETRY_AGE_SECONDS.minimum),
            ),
            f"maximum_event_age_seconds {job_rules.NO_TRIGGER}.",
        ),
        (
            _of_one_place(job.job_queue_arn, job.dead_letter_queue_arn),
            "dead_letter_queue_arn belongs to another account or region than job_queue_arn: give that of the queue's"
            " environment.",
        ),
        (
            _of_one_place(job.job_queue_arn, job.submit_function_arn),
            f"submit_function_arn, {_shown(job.submit_function_arn)}, is not in the account and region of"
            " job_queue_arn: give"
            " that of the queue's environment.",
        ),
    ]
    for condition, message in rules:
        require(job_definition, condition, f"{job.name}: {message}")


def _instead_of_a_rate(expression: Any) -> str:
    if is_expression(expression) or not expression:
        return "write 0 */2 * * * for rate(2 hours), say, or leave them out"
    parsed = parse(expression)
    same = parsed.on_the_clock if isinstance(parsed, Rate) else ""
    return f"write '{same}', or leave them out" if same else "leave them out"


def _equals(value: Any, known: Any) -> Condition:
    return Expression.of(f"{hcl(value)} == {known}") if is_expression(value) else value == known


def _shown(value: Any) -> Any:
    return Expression.of(f'coalesce({hcl(value)}, "-")') if is_expression(value) else value


def _of_one_place(queue: Any, other: Any) -> Condition:
    """Whether two ARNs are of one region and account."""
    if is_expression(queue) or is_expression(other):
        here, there = (f'slice(split(":", {hcl(arn)}), 3, 5)' for arn in (queue, other))
        return any_of(negate(is_set(other)), Expression.of(f"try({there} == {here}, true)"))
    return other is None or other.split(":")[3:5] == queue.split(":")[3:5]


def _in_order(timing: Timing) -> Condition:
    start, end = timing.start, timing.end
    if is_expression(start) or is_expression(end):
        later = Expression.of(f"try(timecmp({hcl(end)}, {hcl(start)}) > 0, true)")  # nothing is later than null
        return any_of(negate(is_set(start)), negate(is_set(end)), later)
    return start is None or end is None or start < end


def _long_enough(deadline: Any, window: Any) -> Condition:
    if is_expression(deadline) or is_expression(window):
        longer = Expression.of(f"try({hcl(deadline)} >= {hcl(window)} * 60, true)")  # no arithmetic with null
        return any_of(negate(is_set(deadline)), negate(is_set(window)), longer)
    return deadline is None or window is None or deadline >= window * 60
