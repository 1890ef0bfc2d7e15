"""A run's log on the page: what there is now, and what comes, as server-sent events.

Calls to AWS: those of `batchtab logs --tail`, and those of `batchtab logs -f` while a browser follows.
https://developer.mozilla.org/docs/Web/API/Server-sent_events/Using_server-sent_events
"""

from __future__ import annotations

import json
import queue
import re
import threading
from collections.abc import AsyncIterator
from contextvars import copy_context

from starlette.concurrency import run_in_threadpool

from batchtab.aws import answers, runner_lines
from batchtab.aws.batch_jobs import BatchJobs
from batchtab.aws.client import Aws
from batchtab.aws.job_logs import JobLogs, LogEvent
from batchtab.aws.job_parts import JobParts
from batchtab.aws.log_following import LogFollower
from batchtab.aws.log_streams import LogStream, WantedLog
from batchtab.aws.run_lookup import FoundRun
from batchtab.cli.jobs.log_follow import ended
from batchtab.cli.jobs.logs import PrintedLog
from batchtab.errors import UsageError, printable
from batchtab.masking import mask
from batchtab.terraform.session import Session

TAIL = 500
#: A browser has six connections to one address, and the pages need some of them.
FOLLOWERS_MAX = 4
_COLORS = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_QUIET_SECONDS = 1.0
_WAITING_MAX = 10_000  # lines that the browser has not taken


def lines_of(stream: LogStream, event: LogEvent) -> list[str]:
    """An event as lines of text: masked, without colors and what moves a cursor; those of the job runner are short."""
    before = f"[{stream.label}] " if stream.label else ""
    said = runner_lines.read(event.message)
    text = mask(_COLORS.sub("", runner_lines.short(said) if said else event.message.rstrip("\n")))
    return [before + _CONTROLS.sub(" ", line) for line in text.split("\n")]


def log_now(session: Session, aws: Aws, run: FoundRun) -> tuple[list[str], list[str]]:
    """The last lines of a run's log, and what is to be known beside them."""
    lines: list[str] = []
    said: list[str] = []

    def show(stream: LogStream, event: LogEvent) -> None:
        lines.extend(lines_of(stream, event))

    wanted = WantedLog(session.catalog.stage.prefix, tail=TAIL)
    try:
        PrintedLog(session, aws, wanted, show, said.append).print(run.detail, explain=False)
    except UsageError as error:  # its log is not in CloudWatch Logs
        said.append(error.message)
    return lines, said


class _LeftError(Exception):
    """The browser does not listen any more."""


class Following:
    """The logs that browsers follow now."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(FOLLOWERS_MAX)

    async def events(self, session: Session, aws: Aws, job_id: str) -> AsyncIterator[str]:
        """A job's log until the job has ended, or the browser has gone."""
        if not self._places.acquire(blocking=False):
            yield _event("over", f"{FOLLOWERS_MAX} logs are followed already: close one, or reload this page.")
            return
        follower = _Follower(session, aws, job_id)
        try:
            yield _event("begin", "")
            threading.Thread(target=copy_context().run, args=(follower.run,), daemon=True).start()
            while True:
                found = await run_in_threadpool(follower.next)
                yield found
                if found.startswith("event: over"):
                    return
        finally:
            follower.is_left.set()
            self._places.release()


class _Follower:
    """One follower, in a thread of its own."""

    def __init__(self, session: Session, aws: Aws, job_id: str) -> None:
        self.is_left = threading.Event()
        self._session, self._aws, self._job_id = session, aws, job_id
        self._queue: queue.Queue[str] = queue.Queue(_WAITING_MAX)

    def run(self) -> None:
        """Follows until the end."""
        stage = self._session.catalog.stage
        answers.at(stage, self._aws)
        wanted = WantedLog(stage.prefix, tail=TAIL)
        batch, parts, logs = BatchJobs(self._aws), JobParts(self._aws), JobLogs(self._aws)
        follower = LogFollower(batch, parts, logs, wanted, show=self._show, say=self._say, sleep=self._sleep)
        try:
            last = ended(follower.follow(self._job_id))
        except _LeftError:
            return
        except UsageError as error:
            last = str(error)
        except Exception as error:
            known = answers.answer(error)
            last = str(known) if known else f"batchtab: {type(error).__name__}: {printable(str(error))}"
        self._put(_event("over", last))

    def next(self) -> str:
        """The next event; a comment if there is none for a second, which finds out whether a browser listens."""
        try:
            return self._queue.get(timeout=_QUIET_SECONDS)
        except queue.Empty:
            return ": nothing new\n\n"

    def _show(self, stream: LogStream, event: LogEvent) -> None:
        for line in lines_of(stream, event):
            self._put(_event("line", line))

    def _say(self, text: str) -> None:
        self._put(_event("said", printable(text)))

    def _sleep(self, seconds: float) -> None:
        if self.is_left.wait(seconds):
            raise _LeftError

    def _put(self, event: str) -> None:
        while not self.is_left.is_set():
            try:
                self._queue.put(event, timeout=1)
            except queue.Full:
                continue
            return


def _event(kind: str, text: str) -> str:
    return f"event: {kind}\ndata: {json.dumps(text)}\n\n"
