"""What one job says that its service cannot say for all: what runs, when, and after what."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, Strict, field_validator

from batchtab import limits
from batchtab.declarations import command_line, trigger_fields
from batchtab.declarations.fields import Limit, OneOrList, invalid
from batchtab.declarations.job_fields import JobFields, Line, PlainText
from batchtab.declarations.sidecars import Sidecar
from batchtab.declarations.table import Needs, Source
from batchtab.declarations.trigger_fields import Moment
from batchtab.schedules import timestamps
from batchtab.schedules.expression import Once, ScheduleError, parse
from batchtab.schedules.expression import check as check_schedule
from batchtab.schedules.timing import Timing

_JOB = limits.JOB_DEFAULTS


class OneJob(JobFields):
    """One job, at any door."""

    command: Annotated[
        tuple[PlainText, ...],
        Source("https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html"),
    ] = Field(
        min_length=1,
        description='Command as a list, such as ["python", "-m", "my_job"], in place of the image\'s CMD. Text is'
        " literal: `${HOME}` reaches the program. `Ref::name` takes a parameter.",
    )
    schedule: Annotated[str, Strict(), Source(limits.SCHEDULE_SHAPE.source_url)] | None = Field(
        default=_JOB["schedule"],
        description="When the job runs: crontab's five fields, a word such as @daily, or AWS's cron(…), rate(5 minutes)"
        " or at(2026-12-01T09:00:00). Default: no schedule.",
    )
    start: Annotated[str, Strict(), Moment(), Needs("schedule")] | None = Field(
        default=_JOB["start"], description="The job does not run before this moment."
    )
    end: Annotated[str, Strict(), Moment(), Needs("schedule")] | None = Field(
        default=_JOB["end"], description="The job does not run after this moment; of a day, not after the day."
    )
    after: Annotated[tuple[Line, ...], OneOrList()] = Field(
        default=_JOB["after"],
        max_length=limits.AFTER_MAX,
        description="Jobs at whose end this one starts. The ended job's id reaches it as"
        f" {limits.UPSTREAM_JOB_ID_VARIABLE}.",
    )
    after_all: tuple[Line, ...] = Field(
        default=_JOB["after_all"],
        max_length=limits.AFTER_MAX,
        description="Jobs that all have to end, in any order, before this one starts, and again before each next run."
        f" The id of the one that ended last reaches it as {limits.UPSTREAM_JOB_ID_VARIABLE}.",
    )
    within_seconds: Annotated[int, Strict(), Limit(limits.WITHIN_SECONDS)] | None = Field(
        default=_JOB["within_seconds"],
        description="How far apart the ends of the jobs in `after_all` may be: earlier ones are dropped, with a"
        " record in `batchtab history`. Default: any time.",
    )
    after_status: Annotated[str, Strict(), Limit(limits.AFTER_STATUS)] = Field(
        default=_JOB["after_status"], description="Which end of the jobs in `after` or `after_all` counts."
    )

    @property
    def upstream(self) -> tuple[str, ...]:
        """The jobs that it comes after, any or all of them."""
        return (*self.after, *self.after_all)

    @property
    def origin(self) -> str:
        """Which jobs it comes after, for people; empty if none."""
        if self.after_all:
            return f"after all of {', '.join(self.after_all)}"
        return f"after {', '.join(self.after)}" if self.after else ""

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
            excluded=tuple(self.except_),
            trigger=self.trigger or ("schedule" if self.needs_scheduler else "rule"),
        )

    @property
    def reads_secrets(self) -> bool:
        """Whether something of it is secret, which a role of its own reads before the container starts."""
        containers: list[OneJob | Sidecar] = [self, *self.containers.values()]
        return any(each.secrets or each.registry_credentials or each.log.secret_options for each in containers)

    @property
    def has_task(self) -> bool:
        """Whether Batch must get a task of containers; for most jobs it gets one container."""
        return bool(self.containers) or self.grace_seconds is not None

    @property
    def task_vcpus(self) -> float:
        """The vCPUs of all its containers."""
        return self.vcpus + sum(each.vcpus or 0 for each in self.containers.values())

    @property
    def task_memory_mib(self) -> int:
        """The memory of all its containers."""
        return self.memory_mib + sum(each.memory_mib or 0 for each in self.containers.values())

    @property
    def total_vcpus(self) -> float:
        """The vCPUs of all its containers on all its nodes; of an array those of one child."""
        return self.task_vcpus * (self.nodes or 1)

    @field_validator("after", mode="before")
    @classmethod
    def _validate_after(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("command", mode="before")
    @classmethod
    def _validate_command(cls, value: object) -> object:
        if isinstance(value, str):
            raise invalid("is not a list", f"write {command_line.command(value)}: no shell splits it")
        if value in ([], ()):
            raise invalid("is empty: at least one word")
        if isinstance(value, list | tuple) and value[0] == "":
            raise invalid(command_line.NO_PROGRAM, at=(0,), value="")
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
