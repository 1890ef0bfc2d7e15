"""What starts a job, and how many of its runs may be: the fields, and which of them go together.

What is checked here of several fields at once applies to a whole job, with its service's defaults merged in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler, Strict, field_validator
from pydantic_core import CoreSchema

from batchtab import limits
from batchtab.declarations.fields import Limit, OneOrList, StrictModel, invalid
from batchtab.declarations.table import Needs
from batchtab.limits import Unlike
from batchtab.schedules import exclusions, timestamps, zones
from batchtab.schedules.cron import ScheduleError

_JOB = limits.JOB_DEFAULTS
NOT_FOR_RATES = ("timezone",)
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


#: In the words of `zones.refusal`, which files and Python ask first.
_ABBREVIATION = Unlike(
    f"(?i)^({'|'.join(zones.ABBREVIATIONS)})$",
    zones.IS_ABBREVIATION,
    "",
    limits.TIMEZONE.source_url,
)
Zone = Annotated[str, Strict(), _Zone(limits.TIMEZONE), Limit(_ABBREVIATION)]
FlexibleWindowMinutes = Annotated[int, Strict(), Limit(limits.FLEXIBLE_WINDOW_MINUTES)]


class TriggerFields(StrictModel):
    """What a job, and a service's `defaults`, may say of triggers and of overlapping runs."""

    timezone: Annotated[Zone, Needs("schedule")] | None = Field(
        default=_JOB["timezone"],
        description="The time zone of schedule, start, end and except, such as Asia/Seoul. Default: UTC.",
    )
    except_: Annotated[tuple[Annotated[str, Strict()], ...], OneOrList(limits.EXCEPT.pattern), Needs("schedule")] = (
        Field(
            default=_JOB["except_"],
            validation_alias="except",
            serialization_alias="except",
            description="When the job does not run: dates, ranges such as 2026-12-24/2027-01-02, or cron(…),"
            " in its time zone.",
        )
    )
    flexible_window_minutes: Annotated[FlexibleWindowMinutes, Needs("schedule")] | None = Field(
        default=_JOB["flexible_window_minutes"],
        description="Start each run at any moment within this many minutes of its time.",
    )
    trigger: Annotated[str, Strict(), Limit(limits.TRIGGER), Needs("schedule")] | None = Field(
        default=_JOB["trigger"],
        description="What starts the job: an EventBridge rule, or a schedule of EventBridge Scheduler. Default: a"
        " schedule where a rule cannot express the timing.",
    )
    concurrency_policy: Annotated[str, Strict(), Limit(limits.CONCURRENCY_POLICY)] = Field(
        default=_JOB["concurrency_policy"],
        description="What happens to a run that is due while another waits or runs: `allow` starts both, `forbid`"
        " skips it, `replace` ends the other first, `queue` lets it wait for its turn.",
    )
    queue_limit: Annotated[int, Strict(), Limit(limits.QUEUE_LIMIT)] = Field(
        default=_JOB["queue_limit"],
        description="How many runs may wait with concurrency_policy queue; further ones are dropped.",
    )
    starting_deadline_seconds: (
        Annotated[int, Strict(), Limit(limits.STARTING_DEADLINE_SECONDS), Needs("trigger")] | None
    ) = Field(
        default=_JOB["starting_deadline_seconds"],
        description="A run that could not start within this time is not started. Default: it always is.",
    )
    pause_on_failure: Annotated[bool, Strict(), Needs("trigger")] = Field(
        default=_JOB["pause_on_failure"],
        description="Whether a failed run pauses the job until `batchtab resume`.",
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
