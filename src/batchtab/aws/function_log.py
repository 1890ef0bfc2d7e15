"""The submit function's log: why it failed in a span of time. One call to CloudWatch Logs."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

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
#: Likewise, where AWS did not answer; the URL says who.
_SILENT = re.compile(r'(?:Read timeout on|Connect timeout on|Could not connect to the|.* from) endpoint URL: "(\S+)"')
_BATCH_CALLS = {name.lower(): name for name in ("SubmitJob", "ListJobs", "DescribeJobs", "TerminateJob")}
_FAILED = "ERROR"  # the outcome in the line that the function writes itself, with its run
_USUAL = frozenset({"UnsettledError"})  # a delivery that is to come again, as it should


class FunctionLog:
    """The log group of a stage's submit function."""

    def __init__(self, aws: Aws, prefix: str) -> None:
        self.group = f"/aws/lambda/{prefix}-submit-run"
        self._logs: CloudWatchLogsClient = aws.client("logs")

    def failures(self, since: datetime, until: datetime, run_id: str = "") -> tuple[Failure, ...]:
        """Its errors with a run, each text once, the earliest first; none if there is no log.

        Where it names no run at all, all of them: it is an older one, or could not even begin.
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
        events = sorted(answer["events"], key=lambda each: each["timestamp"])
        messages = [(each["timestamp"], str(each.get("message", ""))) for each in events]
        said = [(at, *own) for at, message in messages if (own := _own_line(message))]
        of_run = [(at, text) for at, run, text in said if run == run_id and text]
        if of_run:
            return _once(of_run, is_own=True)
        if said:  # at other runs alone
            return ()
        return _once([(at, text) for at, message in messages if (text := _failure(message))], is_own=False)


def _once(found: list[tuple[int, str]], *, is_own: bool) -> tuple[Failure, ...]:
    failures: dict[str, Failure] = {}
    for at, text in found:
        failures.setdefault(text, Failure(datetime.fromtimestamp(at / 1000, UTC), text, is_own))
    return tuple(failures.values())


def _own_line(message: str) -> tuple[str, str] | None:
    """The run and the error of a line that the function wrote when it failed; None for any other line."""
    try:
        line: Any = json.loads(message)
    except ValueError:
        return None
    if not isinstance(line, dict) or line.get("outcome") != _FAILED:
        return None
    return str(line.get("run_id") or ""), _failure(str(line.get("reason") or ""))


def _failure(message: str) -> str:
    errors = [each for each in _ERROR.finditer(message) if each[1] not in _USUAL]
    if not errors:
        return ""
    text = printable(errors[-1][2]).strip()
    if refused := _REFUSED.fullmatch(text):
        text = f"{refused[2]}: {refused[3]} ({refused[1]})"
    elif silent := _SILENT.match(text):
        text = _did_not_answer(silent[1]) or text
    return text[:_CUT]


def _did_not_answer(url: str) -> str:
    """Which of the two services that the function asks did not answer; empty if the URL is of neither."""
    parts = urlsplit(url)
    if parts.path.startswith("/v1/"):
        name = parts.path.removeprefix("/v1/")
        return f"{_BATCH_CALLS.get(name, name)}: Batch did not answer"
    return "DynamoDB did not answer" if parts.netloc and parts.path in ("", "/") else ""
