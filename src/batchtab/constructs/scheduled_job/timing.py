"""When a job runs, and which trigger that takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from batchtab.constructs._terraform.expressions import (
    Condition,
    Expression,
    Nullable,
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
from batchtab.constructs._terraform.resources import BatchtabConstruct, local
from batchtab.declarations.job_arguments import JobArguments
from batchtab.schedules import clocks
from batchtab.schedules.timestamps import utc_text


@dataclass(frozen=True, kw_only=True)
class Timing:
    """A job's schedule with all that belongs to it."""

    #: As AWS takes it.
    expression: Any
    timezone: Any
    start: Any
    end: Any
    flexible_window_minutes: Any
    except_: Any
    trigger: Any
    suspend: Any
    is_scheduled: Condition
    #: Whether it counts from a moment instead of naming times.
    is_rate: Condition
    #: Whether it says something that an EventBridge rule can't.
    is_special: Condition
    #: Whether EventBridge Scheduler starts the job, and whether a rule does.
    by_schedule: Condition
    by_rule: Condition

    @classmethod
    def of(cls, scope: BatchtabConstruct, job: JobArguments, expression: Any) -> Timing:
        """The timing of a job; `expression` is its schedule as AWS takes it."""
        special = any_of(
            *(is_set(value) for value in (job.timezone, job.start, job.end, job.flexible_window_minutes)),
            not_empty(job.except_),
            _has_form(job.schedule, "at"),
        )
        asked: Condition = choose(is_set(job.trigger), one_of(job.trigger, ["schedule"]), special)
        is_scheduled = is_set(job.schedule)
        by_schedule = local(scope, "by_schedule", all_of(is_scheduled, asked))
        return cls(
            expression=expression,
            timezone=job.timezone,
            start=job.start,
            end=job.end,
            flexible_window_minutes=job.flexible_window_minutes,
            except_=job.except_,
            trigger=job.trigger,
            suspend=job.suspend,
            is_scheduled=is_scheduled,
            is_rate=_has_form(job.schedule, "rate"),
            is_special=special,
            by_schedule=by_schedule,
            by_rule=all_of(is_scheduled, negate(by_schedule)),
        )

    @property
    def state(self) -> Any:
        """What both kinds of trigger call it."""
        return choose(self.suspend, "DISABLED", "ENABLED")

    @property
    def is_ahead(self) -> Condition:
        """Whether it may run again: Scheduler refuses to make or change a schedule whose time or end has passed."""
        return all_of(later_than_now(last_moment(self.expression, self.timezone)), later_than_now(self.end))

    @property
    def start_date(self) -> Any:
        """`start` while it is in the future: Scheduler refuses one that has passed, in each later change as well."""
        if is_set(self.start) is False:
            return None
        start = hcl(self.start)
        ahead = Expression.of(f"timecmp({start}, plantimestamp()) > 0 ? {start} : null")
        return choose(is_set(self.start), ahead, None)


def later_than_now(moment: Any) -> Condition:
    """Whether a moment is still to come; one that is not given counts as such."""
    if is_set(moment) is False:
        return True
    # A value that is no moment is refused by a rule of its own.
    later = Expression.of(f"try(timecmp({hcl(moment)}, plantimestamp()) > 0, true)")
    return any_of(negate(is_set(moment)), later) if isinstance(moment, Nullable) else later


def last_moment(schedule: Any, timezone: Any) -> Any:
    """The moment of `at(…)`; None for what is due again."""
    once = _has_form(schedule, "at")
    if once is False:
        return None
    if once is True and not is_expression(timezone):
        return utc_text(clocks.to_utc(datetime.fromisoformat(schedule[3:-1]), ZoneInfo(timezone or "UTC")))
    # Terraform knows no time zones: the last in which a wall clock shows this time is twelve hours behind UTC.
    zone = f'coalesce({hcl(timezone)}, "UTC")'
    moment = f'timeadd("${{substr({hcl(schedule)}, 3, 19)}}Z", {zone} == "UTC" ? "0h" : "12h")'
    return Expression.of(f"{hcl(once)} ? {moment} : null") if is_expression(once) else Expression.of(moment)


def _has_form(schedule: Any, form: str) -> Condition:
    if is_expression(schedule):
        return Expression.of(f'startswith(coalesce({hcl(schedule)}, "-"), "{form}(")')
    return schedule is not None and schedule.startswith(f"{form}(")
