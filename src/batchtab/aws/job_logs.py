"""The CLI's calls to CloudWatch Logs: what jobs wrote, page by page.

GetLogEvents may be called 10 times a second in some regions, so a look at many streams goes through a few at a time.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from batchtab.aws.client import Aws
from batchtab.aws.log_streams import LogStream
from batchtab.aws.runner_lines import is_runners

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

_MISSING = "ResourceNotFoundException"
CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4})
_PAGE = 10_000  # events, and at most 1 MB
#: Of one stream, in one go: 500 MB.
MOST_PAGES = 500
_THROTTLED = {"ThrottlingException", "Throttling", "TooManyRequestsException", "LimitExceededException"}


@dataclass(frozen=True)
class LogEvent:
    """What was written at once, mostly a line.

    Attributes:
        at_ms: When, in milliseconds of the epoch.
    """

    at_ms: int
    message: str


class JobLogs:
    """CloudWatch Logs as a command reads it."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._clients: dict[str, CloudWatchLogsClient] = {}

    def cursor(self, stream: LogStream, *, since_ms: int | None = None, tail: int | None = None) -> LogCursor:
        """A reader of one stream, from its beginning, a moment, or its last lines on."""
        return LogCursor(self._client(stream.region), stream, since_ms, tail)

    def _client(self, region: str) -> CloudWatchLogsClient:
        if region not in self._clients:
            elsewhere = (CONFIG.merge(Config(region_name=region)),) if region else ()
            self._clients[region] = self._aws.client("logs", *elsewhere)
        return self._clients[region]


class LogCursor:
    """What of a stream has been read.

    Attributes:
        stream: The stream.
        is_there: Whether CloudWatch knows the stream; False before the first look.
        is_cut: Whether more was there than is read in one go.
    """

    def __init__(self, client: CloudWatchLogsClient, stream: LogStream, since_ms: int | None, tail: int | None) -> None:
        self.stream = stream
        self.is_there = self.is_cut = False
        self._client = client
        self._since: dict[str, Any] = {} if since_ms is None else {"startTime": since_ms}
        self._tail = tail
        self._token = ""

    def new(self, most_pages: int = MOST_PAGES) -> Iterator[LogEvent]:
        """What was written since the last look; nothing while the stream is not there."""
        if self._tail is not None and not self._token:
            yield from self._last(self._tail)
            return
        self.is_cut = False
        for _ in range(most_pages):
            page = self._page(startFromHead=True)
            if page is None:
                return
            yield from _read(page)
            before, self._token = self._token, page["nextForwardToken"]
            if before == self._token:  # only then is it the end: a page may be empty without being the last
                return
        self.is_cut = True

    def arguments(self) -> dict[str, Any]:
        """What the first look asks for."""
        where = {"logGroupName": self.stream.group, "logStreamName": self.stream.name, **self._since}
        return {**where, **({"startFromHead": True} if self._tail is None else self._from_tail(self._tail))}

    def _last(self, count: int) -> list[LogEvent]:
        """The last events that are not the runner's, with the runner's among them; goes on behind them later."""
        pages: list[list[LogEvent]] = []
        back = ""
        while not pages or ((left := count - sum(map(_of_program, pages))) > 0 and len(pages) < MOST_PAGES):
            page = self._page(token=back, **self._from_tail(left if pages else count))
            if page is None:
                return []
            self._token = self._token or page["nextForwardToken"]
            pages.insert(0, list(_read(page)))
            before, back = back, page["nextBackwardToken"]
            if before == back:
                break
        events = [event for page in pages for event in page]
        own = [number for number, event in enumerate(events) if not is_runners(event.message)]
        return events[own[-count] if len(own) >= count else 0 :] if count else []

    @staticmethod
    def _from_tail(count: int) -> dict[str, Any]:
        return {"startFromHead": False, "limit": max(1, min(count, _PAGE))}

    def _page(self, *, token: str | None = None, **asked: Any) -> Any:
        given = self._token if token is None else token
        where: dict[str, Any] = {"logGroupName": self.stream.group, "logStreamName": self.stream.name}
        if given:
            where["nextToken"] = given
        try:
            page = self._client.get_log_events(**where, **self._since, **asked)
        except ClientError as error:
            if error.response["Error"]["Code"] == _MISSING:
                return None
            raise
        self.is_there = True
        return page


def is_throttled(error: ClientError) -> bool:
    """Whether AWS asks to be called less often."""
    return error.response["Error"]["Code"] in _THROTTLED


def _of_program(events: Sequence[LogEvent]) -> int:
    return sum(not is_runners(event.message) for event in events)


def _read(page: Any) -> Iterator[LogEvent]:
    for event in page["events"]:
        yield LogEvent(event["timestamp"], event["message"])
