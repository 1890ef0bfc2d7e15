"""A run that could not be submitted, as a message in the triggers' dead-letter queue.

Three put it there: an EventBridge rule, an EventBridge Scheduler schedule, and Lambda for the submit function. See
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from .message import Field, Message, Route, footer
from .settings import Settings
from .text import line
from .values import as_dict, as_list, as_moment, as_text, iso

_NAME_MAX = 128
_REASON_MAX = 600
_BODY_MAX = 300_000
_SCHEDULED_TIME = "BATCHTAB_SCHEDULED_TIME"
# A rule's name is the job's with the namespace in front, shortened to 64 characters that end with a hash.
_SHORTENED = re.compile(r".{55}-[0-9a-f]{8}")
_RUN_ENDED = re.compile(r".*-run-ended-[0-9]+")
_AFTER = ".after"
_REFUSED = "Batch refuses it: "  # as lambda/submit_run/jobs.py says it, which looked for its job before
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


class FailedTrigger(NamedTuple):
    """What a message says; what it does not say is empty or None.

    `sender` is `rule`, `schedule` or `function`; `upstream` the job whose end was to start this one; `ended` the job
    whose end itself could not be noted, with its status.
    """

    message_id: str
    sender: str
    sender_name: str
    job_name: str
    schedule: str
    scheduled_at: int | None
    upstream: str
    ended: str
    status: str
    error_code: str
    error_message: str
    attempts: str
    region: str
    account: str

    def job(self, settings: Settings) -> str:
        """The job that was to run, or had run; empty where nothing says it."""
        name = self.ended or self.job_name
        if name or self.sender == "function" or not settings.namespace_of(self.sender_name):
            return name
        return settings.without_namespace(self.sender_name).removesuffix(_AFTER)

    @property
    def is_unknown(self) -> bool:
        """Whether the run may have started: a function that does not answer may have submitted it before."""
        return self.sender == "function" and not self.ended and not self.error_message.startswith(_REFUSED)

    @property
    def is_certain(self) -> bool:
        """Whether the job's name is whole."""
        return bool(self.ended or self.job_name) or not _SHORTENED.fullmatch(self.sender_name)


def read(record: Any) -> FailedTrigger:
    """A message of the queue; its attributes say what went wrong, its body is what the target would have got."""
    record = as_dict(record)
    attributes = as_dict(record.get("messageAttributes"))

    def attribute(name: str) -> str:
        return as_text(as_dict(attributes.get(name)).get("stringValue"))

    try:
        body = as_dict(json.loads(as_text(record.get("body"), _BODY_MAX)))
    except (ValueError, RecursionError):
        body = {}
    rules = as_list(body.get("resources"))
    event = body if body.get("source") == "aws.batch" else {}
    rule_arn = attribute("RULE_ARN") or (as_text(rules[0]) if rules and not event else "")
    sender_arn = rule_arn or attribute("SCHEDULE_ARN")
    sender_name = sender_arn.rpartition("/")[2]
    is_end = bool(event) and (not rule_arn or bool(_RUN_ENDED.fullmatch(sender_name)))
    event_job = as_text(as_dict(event.get("detail")).get("jobName")) or ("a job" if event else "")
    trigger, job = as_dict(body.get("trigger")), as_dict(body.get("job"))
    moments = [attribute("SCHEDULED_TIME"), trigger.get("scheduled_time"), _submitted_time(body)]
    if body.get("source") == "aws.events":
        moments.append(body.get("time"))
    queue_arn = as_text(record.get("eventSourceARN")).split(":")
    return FailedTrigger(
        message_id=as_text(record.get("messageId")),
        sender="rule" if rule_arn else "schedule" if sender_arn else "function",
        sender_name=sender_name,
        job_name=as_text(job.get("name")) or as_text(body.get("JobName")),
        schedule=as_text(job.get("schedule")),
        scheduled_at=next((at for at in map(as_moment, moments) if at is not None), None),
        upstream=as_text(trigger.get("upstream_job_id")) or ("" if is_end else event_job),
        ended=event_job if is_end else "",
        status=as_text(as_dict(event.get("detail")).get("status")) if is_end else "",
        error_code=attribute("ERROR_CODE") or attribute("ErrorCode"),
        error_message=attribute("ERROR_MESSAGE") or attribute("ErrorMessage"),
        attempts=attribute("RETRY_ATTEMPTS"),
        region=as_text(body.get("region")) or (queue_arn[3] if len(queue_arn) > 3 else ""),
        account=as_text(body.get("account")) or (queue_arn[4] if len(queue_arn) > 4 else ""),
    )


def _submitted_time(body: dict[str, Any]) -> str:
    """The scheduled time among the variables of SubmitJob's input."""
    variables = as_list(as_dict(body.get("ContainerOverrides")).get("Environment"))
    return next((as_text(v.get("Value")) for v in map(as_dict, variables) if v.get("Name") == _SCHEDULED_TIME), "")


def message(trigger: FailedTrigger, settings: Settings, route: Route | None = None) -> Message:
    """A run that never was, and how it is made up; or a run's end that nobody took note of."""
    job = line(trigger.job(settings), _NAME_MAX) or line(trigger.sender_name, _NAME_MAX) or "a job"
    # Lambda says 200 of a function that failed: its own part went well.
    code = "" if trigger.error_code == "200" else trigger.error_code
    error = line(": ".join(filter(None, (code, trigger.error_message))), _REASON_MAX) or "an unknown error"
    sender = {"rule": "Rule", "schedule": "Schedule"}.get(trigger.sender, "")
    who = f"its {trigger.sender}" if sender else "the submit function"
    if trigger.ended:
        title, sentence = f"{job}: the end of a run was not noted", f"{job}: the end of a run was not noted: {error}"
        happened = "this run has ended, but one that waits for it may wait until the next is due"
        if trigger.status == "FAILED":
            happened += "; a job that pauses on failure was not paused"
    elif trigger.is_unknown:
        title, sentence = f"{job}: {who} failed", f"{job} may not have started: {error}"
        happened = "whether this run started is not known; it is not tried again"
    else:
        title, sentence = f"{job}: {who} could not submit it", f"{job} not submitted by {error}"
        happened = "this run did not start and is not tried again"
    return Message(
        title=title,
        sentence=sentence,
        color="warning" if trigger.ended else settings.color,
        emoji=":large_orange_circle:" if trigger.ended else ":red_circle:",
        fields=(
            Field("What happened", happened, long=True),
            *([Field("Scheduled for", "", at=trigger.scheduled_at)] if trigger.scheduled_at else []),
            *([Field("After", line(trigger.upstream, _NAME_MAX))] if trigger.upstream else []),
            *([Field(sender, line(trigger.sender_name, _NAME_MAX))] if sender else []),
            *([Field("Tried", line(trigger.attempts, 10))] if trigger.attempts else []),
            *([Field("Stage", line(settings.stage, 40))] if settings.stage else []),
        ),
        command=_command(trigger, settings),
        command_label="Let the next go on" if trigger.ended else "Make it up",
        footer=footer(trigger.account, trigger.region),
        channel=route.channel if route else "",
        mention=route.mention if route else "",
    )


def _command(trigger: FailedTrigger, settings: Settings) -> str:
    """The command that submits just this run, or what waits for its end; empty where job or time is not certain."""
    job = trigger.job(settings)
    if not _NAME.fullmatch(job) or not trigger.is_certain:
        return ""
    stage = f" --stage {settings.stage}" if _NAME.fullmatch(settings.stage) else ""
    if trigger.ended:
        return f"batchtab resume {job}{stage}"
    if trigger.upstream:  # it has no schedule whose times `backfill` could look at
        return f"batchtab run {job}{stage}" if stage else ""
    if trigger.scheduled_at is None:
        return ""
    is_by_minute = trigger.schedule.startswith(("cron(", "at("))  # the submit function knows such runs by the minute
    time = iso(trigger.scheduled_at // 60 * 60 if is_by_minute else trigger.scheduled_at)
    return f"batchtab backfill {job} --from {time} --to {time}{stage}"
