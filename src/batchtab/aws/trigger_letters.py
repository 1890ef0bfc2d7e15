"""A look into the triggers' dead-letter queue: which runs of a job could not be submitted. Nothing is removed.

The alert function receives the messages within a minute and sends alerts: what it received is in its log.

Three put a run there: an EventBridge rule, an EventBridge Scheduler schedule, and Lambda for the submit function.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from batchtab import names
from batchtab.aws.client import Aws
from batchtab.limits import RUN_VARIABLES

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient

_BATCH = 10  # SQS's most
_ROUNDS = 3
_HIDDEN_SECONDS = 10  # so that the rounds differ; they are released after the last
_TRIED = timedelta(hours=3)  # an hour by its trigger, an hour by Lambda, and until the alerts took it
_MOST = 1000


@dataclass(frozen=True)
class TriggerLetter:
    """A run that was not submitted.

    Attributes:
        job: As `<service>-<job>`; of no known job, what the message says of it.
        sender: rule, schedule or function.
        scheduled: When it was due; None if the message does not say.
        sent: When it came into the queue.
        is_sent: Whether the alerts have taken it out and sent it.
    """

    job: str
    sender: str
    scheduled: datetime | None
    error: str
    attempts: str
    sent: datetime | None
    is_sent: bool = False


class TriggerLetters:
    """The triggers' dead-letter queue of a stage: GetQueueUrl, up to three ReceiveMessage, as many releases.

    And one FilterLogEvents for what the alerts took out of it.
    """

    def __init__(self, aws: Aws, prefix: str) -> None:
        self.queue_name = f"{prefix}-trigger-dead-letter"
        self._prefix = prefix
        self._sqs: SQSClient = aws.client("sqs")
        self._logs: CloudWatchLogsClient = aws.client("logs")

    def of_job(self, full: str) -> list[TriggerLetter]:
        """Those of a job among the first 30 messages; none if there is no queue.

        Args:
            full: As `<service>-<job>`.
        """
        return [letter for letter in self.of_jobs([full]) if letter.job == full]

    def of_jobs(self, names: Iterable[str]) -> list[TriggerLetter]:
        """The first 30 messages, whosever they are; none if there is no queue.

        Args:
            names: The known jobs.
        """
        jobs = self._jobs(names)
        try:
            url = self._sqs.get_queue_url(QueueName=self.queue_name)["QueueUrl"]
        except ClientError as error:
            if error.response["Error"]["Code"].endswith(("NonExistentQueue", "QueueDoesNotExist")):
                return []
            raise
        return [self._letter(message, jobs) for message in self._peeked(url)]

    def sent(self, full: str, at: datetime) -> list[TriggerLetter]:
        """Those of a job that was due then which the alerts took out of the queue; none without alerts.

        Values of variables are masked in the log.
        """
        try:
            answer = self._logs.filter_log_events(
                logGroupName=f"/aws/lambda/{self._prefix}-job-alerts",
                startTime=int(at.timestamp() * 1000),
                endTime=int((at + _TRIED).timestamp() * 1000),
                filterPattern=f'"{self.queue_name}"',
                limit=_MOST,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return []
            raise
        said = (_mapping(_object(each.get("message")).get("event")) for each in answer["events"])
        records = (record for event in said for record in event.get("Records") or () if isinstance(record, dict))
        letters = (self._letter(_as_received(record), self._jobs([full])) for record in records)
        return [replace(letter, is_sent=True) for letter in letters if letter.job == full]

    def _peeked(self, url: str) -> list[Any]:
        found: dict[str, Any] = {}
        try:
            for _ in range(_ROUNDS):
                page = self._sqs.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=_BATCH,
                    WaitTimeSeconds=1,
                    VisibilityTimeout=_HIDDEN_SECONDS,
                    MessageAttributeNames=["All"],
                    MessageSystemAttributeNames=["SentTimestamp"],
                ).get("Messages", [])
                found |= {message["MessageId"]: message for message in page}
                if len(page) < _BATCH:
                    break
        finally:
            self._release(url, [message["ReceiptHandle"] for message in found.values()])
        return list(found.values())

    def _release(self, url: str, receipts: list[str]) -> None:
        for begin in range(0, len(receipts), _BATCH):
            entries: Any = [
                {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                for number, receipt in enumerate(receipts[begin : begin + _BATCH])
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)

    def _letter(self, message: Mapping[str, Any], jobs: Mapping[str, str]) -> TriggerLetter:
        body = _object(message.get("Body"))
        said = {
            name: str(each.get("StringValue", "")) for name, each in (message.get("MessageAttributes") or {}).items()
        }
        rules = body.get("resources") if body.get("source") == "aws.events" else None
        rule = said.get("RULE_ARN") or (str(rules[0]) if isinstance(rules, list) and rules else "")
        sender = (rule or said.get("SCHEDULE_ARN", "")).rpartition("/")[2]
        trigger, job = _mapping(body.get("trigger")), _mapping(body.get("job"))
        name = str(job.get("name") or body.get("JobName") or "")
        code = said.get("ERROR_CODE") or said.get("ErrorCode") or ""
        text = said.get("ERROR_MESSAGE") or said.get("ErrorMessage") or ""
        moments = (said.get("SCHEDULED_TIME"), trigger.get("scheduled_time"), _variable(body), body.get("time"))
        sent = (message.get("Attributes") or {}).get("SentTimestamp")
        return TriggerLetter(
            job=name or jobs.get(sender, sender),
            sender="rule" if rule else "schedule" if sender else "function",
            scheduled=next((at for at in map(_moment, moments) if at is not None), None),
            error=": ".join(filter(None, ("" if code == "200" else code, text))),  # Lambda says 200 of its own part
            attempts=said.get("RETRY_ATTEMPTS", ""),
            sent=datetime.fromtimestamp(int(sent) / 1000, UTC) if sent else None,
        )

    def _jobs(self, names: Iterable[str]) -> Mapping[str, str]:
        return {sender: full for full in names for sender in self._senders(full)}

    def _senders(self, full: str) -> Collection[str]:
        whole = f"{self._prefix}-{full}"
        return {names.rule(whole), names.after_rule(whole), names.schedule(whole)}


def _as_received(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message as SQS gives it, of one as Lambda gives it."""
    attributes = _mapping(record.get("messageAttributes"))
    return {
        "Body": record.get("body"),
        "Attributes": record.get("attributes"),
        "MessageAttributes": {
            name: {"StringValue": _mapping(each).get("stringValue", "")} for name, each in attributes.items()
        },
    }


def _variable(body: Mapping[str, Any]) -> Any:
    """The scheduled time among the variables of SubmitJob's input."""
    variables = _mapping(body.get("ContainerOverrides")).get("Environment")
    found: Iterator[Any] = (
        (each for each in variables if isinstance(each, dict)) if isinstance(variables, list) else iter(())
    )
    return next((each.get("Value") for each in found if each.get("Name") == RUN_VARIABLES["scheduled_time"]), None)


def _moment(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return None if found is None else found if found.tzinfo else found.replace(tzinfo=UTC)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _object(text: object) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(str(text)))
    except ValueError:
        return {}
