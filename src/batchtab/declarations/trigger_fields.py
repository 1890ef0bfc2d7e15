"""What starts a job, and how many of its runs may be: the fields, and which of them go together.

What is checked here of several fields at once holds for a whole job, with its service's defaults merged in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler, Strict, field_validator
from pydantic_core import CoreSchema

from batchtab import limits
from batchtab.declarations.fields import Limit, OneOrList, StrictModel, invalid
from batchtab.schedules import exclusions, timestamps, zones
from batchtab.schedules.cron import ScheduleError

_JOB = limits.JOB_DEFAULTS
# What a service's defaults say has no meaning for each of its jobs: for a job without the one, not the other.
NEED_SCHEDULE = ("timezone", "except", "flexible_window_minutes", "trigger")
NOT_FOR_RATES = ("timezone",)
NEED_TRIGGER = ("starting_deadline_seconds", "pause_on_failure")
ONLY_SCHEDULER = ("timezone", "start", "end", "flexible_window_minutes", "except_")
POLICIES_OF_TRIGGERS = ("replace", "queue")
# Context of a validation that leaves out what is checked of several fields at once.
SKIP_CROSS_FIELD_CHECKS: dict[str, bool] = {}


@dataclass(frozen=True)
class _Zone(Limit):
    """A time zone that is known here, by its name in the IANA database."""

    def _check(self, value: Any) -> Any:
        refusal = zones.refusal(value)
        if refusal is not None:
            raise invalid(*refusal)
        return value


@dataclass(frozen=True)
class Moment:
    """Annotation of a moment as people write it."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": timestamps.PATTERN}


class TriggerSettings(StrictModel):
    """What a job, and a service's `defaults`, may say of triggers and of runs that meet."""

    timezone: Annotated[str, Strict(), _Zone(limits.TIMEZONE)] | None = Field(
        default=_JOB["timezone"], description="On whose wall clock schedule, start, end and except are read; else UTC."
    )
    except_: Annotated[tuple[Annotated[str, Strict()], ...], OneOrList(limits.EXCEPT.pattern)] = Field(
        default=_JOB["except_"],
        validation_alias="except",
        serialization_alias="except",
        description="When it does not run: dates, ranges such as 2026-12-24/2027-01-02, or cron(…). One or a list.",
    )
    flexible_window_minutes: Annotated[int, Strict(), Limit(limits.FLEXIBLE_WINDOW_MINUTES)] | None = Field(
        default=_JOB["flexible_window_minutes"], description="Start at any moment within so many minutes of the time."
    )
    trigger: Annotated[str, Strict(), Limit(limits.TRIGGER)] | None = Field(
        default=_JOB["trigger"], description="rule or schedule; left out: a schedule where a rule can't say it."
    )
    concurrency_policy: Annotated[str, Strict(), Limit(limits.CONCURRENCY_POLICY)] = Field(
        default=_JOB["concurrency_policy"],
        description="When a run is due while another waits or runs. forbid: it is skipped; replace: the other is ended"
        " first; queue: it waits for its turn.",
    )
    queue_limit: Annotated[int, Strict(), Limit(limits.QUEUE_LIMIT)] = Field(
        default=_JOB["queue_limit"], description="How many runs may wait with concurrency_policy queue."
    )
    starting_deadline_seconds: Annotated[int, Strict(), Limit(limits.STARTING_DEADLINE_SECONDS)] | None = Field(
        default=_JOB["starting_deadline_seconds"],
        description="A run that could not start so long after its time is not started; left out: it always is.",
    )
    pause_on_failure: Annotated[bool, Strict()] = Field(
        default=_JOB["pause_on_failure"],
        description="After a failed run none is started until `batchtab resume`.",
    )

    @field_validator("except_", mode="before")
    @classmethod
    def _read_except(cls, value: object) -> object:
        if isinstance(value, str | date):
            value = (value,)
        if not isinstance(value, list | tuple):
            return value
        if len(value) > limits.EXCEPT_MAX:
            raise invalid(f"has {len(value)} entries: at most {limits.EXCEPT_MAX}", "a range or cron(…) may say more")
        return [entry.isoformat() if isinstance(entry, date) else entry for entry in value]

    @field_validator("except_")
    @classmethod
    def _validate_except(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for index, entry in enumerate(value):
            try:
                exclusions.read(entry)
            except ScheduleError as error:
                raise invalid(error.reason, error.hint, at=(index,), value=entry) from None
        return value
