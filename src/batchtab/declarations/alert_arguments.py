"""AlertArguments: the alerts as the construct and the Terraform module take them, with routes and watched schedules."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, Strict, ValidationInfo, field_validator

from batchtab import limits
from batchtab.declarations import alert_fields
from batchtab.declarations.alert_fields import AlertFields
from batchtab.declarations.alerting import LateAfterSeconds, Route
from batchtab.declarations.fields import Limit, invalid
from batchtab.declarations.function_arguments import Arguments, FunctionArguments, KeyArn, QueueArn
from batchtab.declarations.job_fields import Line
from batchtab.declarations.table import Fault
from batchtab.declarations.trigger_fields import FlexibleWindowMinutes, Zone
from batchtab.schedules.expression import ScheduleError
from batchtab.schedules.expression import check as check_schedule

_DEFAULTS = limits.ALERT_DEFAULTS
JobName = Annotated[str, Limit(limits.JOB_NAME)]
Moment = Annotated[str, Strict(), Limit(limits.MOMENT)]

NOT_WITH_RATE = "does not go with a rate: its times are not known"
ONLY_QUIET = "are kept in a table, which only quiet alerts have"
#: What is kept in the table.
KEPT = ("routes", "schedules")
#: What else only quiet alerts read.
OF_QUIET = ("gather_seconds", "give_up_seconds")
#: What a rate does not go with.
OF_CLOCK = ("timezone", "start", "end", "flexible_window_minutes")


class JobRoute(Route, Arguments):
    """Where alerts of one service or job go. An empty one says that there is a service of this name."""

    service: Annotated[str, Strict(), Limit(limits.JOB_NAME)] = Field(
        default="", description="A job's service: its route then takes nothing from routes with shorter names."
    )


class WatchedSchedule(Arguments):
    """When a job runs, and how late a run may be before it is reported."""

    schedule: Annotated[str, Strict(), Limit(limits.AWS_SCHEDULE_SHAPE)] = Field(
        description="The schedule in AWS's form."
    )
    job_queue_arn: QueueArn = Field(description="The job's queue.")
    late_after_seconds: LateAfterSeconds = Field(
        description="A run that starts more than this many seconds after its time is reported."
    )
    timezone: Zone = Field(default="", description="The schedule's time zone. Default: UTC.")
    start: Moment = Field(default="", description="The job does not run before this moment.")
    end: Moment = Field(default="", description="The job does not run after this moment.")
    flexible_window_minutes: FlexibleWindowMinutes = Field(
        default=0, description="The schedule's flexible window, within which no run is late."
    )

    @field_validator("schedule")
    @classmethod
    def _validate_schedule(cls, value: str) -> str:
        try:
            check_schedule(value)
        except ScheduleError as error:
            raise invalid(error.reason, error.hint) from None
        return value

    # Of each field, so that it is checked where another one is an expression.
    @field_validator(*OF_CLOCK)
    @classmethod
    def _validate_clock(cls, value: Any, info: ValidationInfo) -> Any:
        if str(info.data.get("schedule", "")).startswith("rate("):
            raise invalid(NOT_WITH_RATE, "leave it out")
        return value


class AlertArguments(AlertFields, FunctionArguments):
    """The arguments of `JobAlerts` and the variables of the module `job_alerts`."""

    job_queue_arns: tuple[QueueArn, ...] = Field(
        min_length=1,
        description="ARNs of the queues whose failed jobs are reported.",
    )
    username: Annotated[str, Strict(), Limit(limits.SLACK_USERNAME)] = Field(
        default=_DEFAULTS["username"], description="Name that the messages come from."
    )
    icon_emoji: Annotated[str, Strict(), Limit(limits.SLACK_EMOJI)] = Field(
        default=_DEFAULTS["icon_emoji"], description="Emoji beside the name."
    )
    color: Annotated[str, Strict(), Limit(limits.SLACK_COLOR)] = Field(
        default=_DEFAULTS["color"], description="Color of the bar beside the text."
    )
    details: Annotated[bool, Strict()] = Field(
        default=_DEFAULTS["details"],
        description="Whether a message says more than one sentence: what happened, when, the end of the log, links.",
    )
    further_namespaces: tuple[Annotated[str, Strict(), Limit(limits.NAMESPACE_ANY)], ...] = Field(
        default=(),
        description="Namespaces of further environments whose queues are in `job_queue_arns`: the function reads their"
        " jobs' logs, and leaves them out of the jobs' names.",
    )
    log_group_names: tuple[Annotated[str, Strict(), Limit(limits.LOG_GROUP_NAME)], ...] = Field(
        default=(),
        description="Log groups of jobs beside those of the namespaces, `/aws/batch/<namespace>` and what is below it;"
        " an alert shows the end of a log only if the function may read it.",
    )
    stage: Line = Field(
        default="",
        description="Stage that messages show, and that the `batchtab` commands in them name. Without it a message"
        " has the AWS CLI's command to run a job again.",
    )
    rerun_command: Line = Field(
        default="",
        description="Command in a message to run the job again; `{job}`, `{queue}`, `{definition}` and `{region}` are"
        " filled in. Default: `batchtab retry`, or without `stage` the AWS CLI's command.",
    )
    log_lines: Annotated[int, Strict(), Limit(limits.LOG_LINES)] = Field(
        default=_DEFAULTS["log_lines"],
        description="How many of the job's last lines are shown, with what looks like a secret masked.",
    )
    gather_seconds: Annotated[int, Strict(), Limit(limits.GATHER_SECONDS)] = Field(
        default=_DEFAULTS["gather_seconds"],
        description="How long a failure waits for related ones, if quiet; longer in a storm.",
    )
    give_up_seconds: Annotated[int, Strict(), Limit(limits.GIVE_UP_SECONDS)] = Field(
        default=_DEFAULTS["give_up_seconds"],
        description="Seconds before an undelivered alert goes into the dead-letter queue, if quiet.",
    )
    routes: dict[JobName, JobRoute] = Field(
        default={},
        description="Where alerts go, by a service's or a job's name, if quiet. An empty route means a"
        " service of this name. A job's route takes the rest from its service's, unless it names its service.",
    )
    schedules: dict[JobName, WatchedSchedule] = Field(
        default={},
        description="Jobs by their full names: a run that starts later than `late_after_seconds` after its time is"
        " reported, if quiet. The schedule is in AWS's form and in `timezone`; `start` and `end` are in UTC.",
    )
    runs_table_arn: Annotated[str, Strict(), Limit(limits.TABLE_ARN)] | None = Field(
        default=None,
        description="Table of `job_runs`: a run in `schedules` that its function delayed or skipped is not reported as"
        " one that did not start. If a key encrypts that table, it must be `kms_key_arn`.",
    )
    trigger_dead_letter_queue_arn: Annotated[str, Strict(), Limit(limits.STANDARD_QUEUE_ARN)] | None = Field(
        default=None,
        description="An environment's queue of what its triggers could not submit; each message is reported as a run"
        " that did not start.",
    )
    further_trigger_dead_letter_queue_arns: tuple[Annotated[str, Strict(), Limit(limits.STANDARD_QUEUE_ARN)], ...] = (
        Field(
            default=(),
            description="Such queues of further environments.",
        )
    )
    reserved_concurrent_executions: Annotated[int, Strict(), Limit(limits.ALERTS_AT_ONCE)] | None = Field(
        default=None,
        description="How many instances of the function may run at once; other events wait in Lambda. It counts against"
        " the account's own limit, which is small for new accounts. Default: no limit.",
    )
    kms_key_arn: KeyArn | None = Field(
        default=None,
        description="Key for the log group, the dead-letter queue, the table and the function's environment. Its policy"
        " must let events.amazonaws.com, sqs and logs use it. Default: AWS's own keys.",
    )


def faults(
    alerts: AlertArguments, unknown: Collection[str], given: Mapping[str, Any], is_unknown: Any
) -> Iterator[Fault]:
    """What does not go together.

    Args:
        alerts: The arguments, as far as they are known.
        unknown: Those that are not.
        given: The arguments as they were given.
        is_unknown: Whether only Terraform knows a value.
    """
    yield from alert_fields.faults(alerts, unknown=unknown)
    if "quiet" not in unknown and not alerts.quiet:
        for name in OF_QUIET:
            if name in alerts.model_fields_set and name not in unknown:
                yield name, getattr(alerts, name), alert_fields.WITHOUT_QUIET, "set quiet to true"
        for name in KEPT:
            if given.get(name) and not is_unknown(given[name]):
                yield name, None, ONLY_QUIET, "set quiet to true"
