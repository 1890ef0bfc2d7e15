"""The submit function's log: why it failed in a span of time. One call to CloudWatch Logs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from batchtab.aws.client import Aws
from batchtab.errors import printable
from batchtab.run_story.facts import Failure

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

_MOST = 1000
_AFTER = timedelta(seconds=5)
_CUT = 300
# Lambda writes `[ERROR] ClientError: …` or, from its runtime's traceback, `botocore.exceptions.ClientError: …`.
_ERROR = re.compile(r"^(?:\[ERROR\]\s+(?:\S+Z?\s+\S+\s+)?)?(?:[\w.]+\.)?(\w*(?:Error|Exception|Timeout)): (.+)", re.M)
#: As botocore has it: code, operation, message.
_REFUSED = re.compile(r"An error occurred \((\w+)\) when calling the (\w+) operation(?: \([^)]*\))?: (.*)")
_USUAL = frozenset({"UnsettledError"})  # a delivery that is to come again, as it should


class FunctionLog:
    """The log group of a stage's submit function."""

    def __init__(self, aws: Aws, prefix: str) -> None:
        self.group = f"/aws/lambda/{prefix}-submit-run"
        self._logs: CloudWatchLogsClient = aws.client("logs")

    def failures(self, since: datetime, until: datetime) -> tuple[Failure, ...]:
        """Its errors, each text once, the earliest first; none if there is no log.

        Of a busy function only the first thousand lines that name an error are looked at.
        """
        try:
            answer = self._logs.filter_log_events(
                logGroupName=self.group,
                startTime=int(since.timestamp() * 1000),
                endTime=int((until + _AFTER).timestamp() * 1000),
                filterPattern="ERROR",
                limit=_MOST,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return ()
            raise
        found: dict[str, Failure] = {}
        for event in sorted(answer["events"], key=lambda each: each["timestamp"]):
            if text := _failure(str(event.get("message", ""))):
                found.setdefault(text, Failure(datetime.fromtimestamp(event["timestamp"] / 1000, UTC), text))
        return tuple(found.values())


def _failure(message: str) -> str:
    errors = [each for each in _ERROR.finditer(message) if each[1] not in _USUAL]
    if not errors:
        return ""
    text = printable(errors[-1][2]).strip()
    refused = _REFUSED.fullmatch(text)
    return (f"{refused[2]}: {refused[3]} ({refused[1]})" if refused else text)[:_CUT]
