"""JobSpec: a job as its owner declares it.

`jobs.yaml`, the constructs' arguments and the modules' variables use the same names; defaults and limits are those of
`batchtab.limits`. Nothing here knows a stage: what depends on one is checked in `batchtab.declarations.catalog`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from pydantic import Field, Strict, ValidationInfo, field_validator, model_validator

from batchtab import limits
from batchtab.declarations import trigger_fields
from batchtab.declarations.alerting import Alerting
from batchtab.declarations.fields import Limit, OneOrList, invalid
from batchtab.declarations.job_settings import JobSettings, Line, PlainText
from batchtab.declarations.trigger_fields import Moment
from batchtab.schedules import timestamps
from batchtab.schedules.expression import Once, ScheduleError, parse
from batchtab.schedules.expression import check as check_schedule
from batchtab.schedules.timing import Timing

_JOB = limits.JOB_DEFAULTS
_NO_SCHEDULE = "has no effect: the job has no schedule"
_NO_TRIGGER = "has no effect: the job has no schedule and comes after no other"
_OUT = "leave it out"
_RATE = "EventBridge Scheduler runs a rate at once when it is deployed, and counts anew"

Fault = tuple[str, object, str, str]  # field, value, message, hint


class JobSpec(JobSettings):
    """One job: an image that exists, a command, and when."""

    command: tuple[PlainText, ...] = Field(
        min_length=1,
        description="What to run, as a list such as [python, -m, my_job]; in place of the image's CMD.",
    )
    schedule: Line | None = Field(
        default=_JOB["schedule"],
        description="Five fields of crontab, a word such as @daily, AWS's cron(…), rate(5 minutes) or"
        " at(2026-12-01T09:00:00); left out: by hand.",
    )
    start: Annotated[str, Strict(), Moment()] | None = Field(
        default=_JOB["start"], description=f"It does not run before: {timestamps.FORMS}."
    )
    end: Annotated[str, Strict(), Moment()] | None = Field(
        default=_JOB["end"], description="It does not run after; of a day, not after the day."
    )
    usual_duration_seconds: Annotated[int, Strict(), Limit(limits.USUAL_DURATION_SECONDS)] | None = Field(
        default=None, description="How long a run mostly takes; only the calendar wants to know."
    )

    after: Annotated[tuple[Line, ...], OneOrList()] = Field(
        default=_JOB["after"],
        max_length=limits.AFTER_MAX,
        description="Start when these jobs end: names of this service's, or service/job. One or a list.",
    )
    after_status: Annotated[str, Strict(), Limit(limits.AFTER_STATUS)] = Field(
        default=_JOB["after_status"], description="Which end of the jobs in `after` counts."
    )

    alerts: Alerting = Field(default=Alerting(), description="Where its alerts go; what is left out is the service's.")

    @property
    def needs_scheduler(self) -> bool:
        """Whether it says something that an EventBridge rule can't."""
        said = any(getattr(self, name) for name in trigger_fields.ONLY_SCHEDULER)
        return said or (self.schedule is not None and isinstance(parse(self.schedule), Once))

    @property
    def timing(self) -> Timing | None:
        """When it runs; None for a job without a schedule."""
        if self.schedule is None:
            return None
        return Timing.of(
            self.schedule,
            timezone=self.timezone,
            start=self.start,
            end=self.end,
            excluded=self.except_,
            trigger=self.trigger or ("schedule" if self.needs_scheduler else "rule"),
        )

    @property
    def is_managed(self) -> bool:
        """Whether the submit function decides about each run; else the trigger submits to Batch directly."""
        return self.concurrency_policy != "allow" or bool(self.except_) or self.pause_on_failure

    @property
    def ends_matter(self) -> bool:
        """Whether the submit function must hear of each run's end."""
        return self.concurrency_policy in {"replace", "queue"} or self.pause_on_failure

    @field_validator("after", mode="before")
    @classmethod
    def _validate_after(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("command", mode="before")
    @classmethod
    def _validate_command(cls, value: object) -> object:
        if isinstance(value, str):
            words = ", ".join(value.split())
            raise invalid("is not a list", f"write [{words}]: no shell splits it")
        if value in ([], ()):
            raise invalid("is empty: at least one word")
        return value

    @field_validator("schedule")
    @classmethod
    def _validate_schedule(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                check_schedule(value)
            except ScheduleError as error:
                raise invalid(error.reason, error.hint) from None
        return value

    @field_validator("start", "end", mode="before")
    @classmethod
    def _read_moment(cls, value: object) -> object:
        return value.isoformat() if isinstance(value, date) else value

    @field_validator("start", "end")
    @classmethod
    def _validate_moment(cls, value: str | None) -> str | None:
        if value is not None and (reason := timestamps.refusal(value)):
            raise invalid(reason)
        return value

    @model_validator(mode="after")
    def _validate_triggering(self, info: ValidationInfo) -> JobSpec:
        if info.context is not trigger_fields.SKIP_CROSS_FIELD_CHECKS:
            for name, value, message, hint in self.trigger_faults():
                raise invalid(message, hint, at=(name,), value=value)
        return self

    def trigger_faults(self) -> Iterator[Fault]:
        """What does not go together in a whole job."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        if self.schedule is None:
            for name in ("start", "end", *trigger_fields.NEED_SCHEDULE):
                if value := given.get("except_" if name == "except" else name):
                    yield name, value, _NO_SCHEDULE, _OUT
        if self.schedule is None and not self.after:
            for name in trigger_fields.NEED_TRIGGER:
                if value := given.get(name):
                    yield name, value, _NO_TRIGGER, _OUT
            if self.concurrency_policy in trigger_fields.POLICIES_OF_TRIGGERS:
                yield "concurrency_policy", self.concurrency_policy, _NO_TRIGGER, "forbid, or leave it out"
        if "queue_limit" in given and self.concurrency_policy != "queue":
            yield "queue_limit", self.queue_limit, "has no effect without concurrency_policy: queue", _OUT
        window, deadline = self.flexible_window_minutes, self.starting_deadline_seconds
        if window and deadline and deadline < window * 60:
            message = (
                f"is shorter than flexible_window_minutes, and each run of the last {window} minutes would be late"
            )
            yield "starting_deadline_seconds", deadline, message, f"at least {window * 60}"
        if self.usual_duration_seconds and self.usual_duration_seconds > self.timeout_seconds * self.attempts:
            message = f"is longer than timeout_seconds lets it run: {self.timeout_seconds * self.attempts}"
            yield "usual_duration_seconds", self.usual_duration_seconds, message, ""
        timing = self.timing
        if timing is not None:
            yield from self._schedule_faults(timing)

    def _schedule_faults(self, timing: Timing) -> Iterator[Fault]:
        said = [name.rstrip("_") for name in trigger_fields.ONLY_SCHEDULER if getattr(self, name)]
        if timing.is_rate and timing.trigger == "schedule":
            said += [f"trigger: {self.trigger}"] if self.trigger == "schedule" else []
            same = timing.clock_form
            hint = f"write '{same}'" if same else f"leave {', '.join(said)} out"
            yield "schedule", self.schedule, f"does not go with {', '.join(said)}: {_RATE}", hint
            return
        if self.trigger == "rule" and self.needs_scheduler:
            if timing.is_once:
                said.append("at(…)")
            yield "trigger", "rule", f"can't say {', '.join(said)}: only a schedule can", "leave trigger out"
        start, end = timing.start_utc, timing.end_utc
        if start is not None and end is not None and start >= end:
            yield "end", self.end, f"is not after start, {self.start}", ""
            return
        window = self.flexible_window_minutes
        period = timing.shortest_period() if window else None
        if period is not None and window and window * 60 > period.total_seconds():
            most = int(period.total_seconds() // 60)
            yield "flexible_window_minutes", window, f"is longer than the time between two runs: {most} (minutes)", ""
        if why := timing.why_never():
            yield "schedule", self.schedule, why, ""
