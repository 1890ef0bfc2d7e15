"""What the tests of the alert function share: events as files, a table in memory, an app that sends nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from job_alerts import batching as gathering_module
from job_alerts.app import App
from job_alerts.dependencies import Dependencies
from job_alerts.dynamo_table import Unavailable
from job_alerts.events import read
from job_alerts.failures import DeliveryFailed
from job_alerts.job_event import JobEvent
from job_alerts.message import Message, Route
from job_alerts.runs import Run, Runs
from job_alerts.settings import Settings
from job_alerts.table import JobState, Pending, Table
from job_alerts.watches import Watched, Watches, WatchState

EVENTS = Path(__file__).parents[2] / "events"
START = 1_772_410_900
SETTINGS = Settings(
    channel="#cron-error",
    username="AWS Batch Job Failed Alert",
    icon_emoji=":cloud:",
    color="danger",
    function_name="SendToSlack",
    function_region="ap-northeast-2",
    namespace="batchtab-prod",
    stage="prod",
)


def event(name: str, **detail: Any) -> dict[str, Any]:
    """An event from its file, with some of its detail replaced; `id_` replaces the event's own id."""
    found: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    if "id_" in detail:
        found["id"] = detail.pop("id_")
    found.get("detail", {}).update(detail)
    return found


def job(name: str, **detail: Any) -> JobEvent:
    """The job of an event."""
    found = read(event(name, **detail))
    assert isinstance(found, JobEvent)
    return found


class FakeWatches(Watches):
    """Watched schedules in memory; they are down with their table."""

    def __init__(self, table: FakeTable) -> None:
        super().__init__("table")
        self.table = table
        self.schedules: list[Watched] = []
        self.seen: dict[str, WatchState] = {}

    def watched(self) -> list[Watched]:
        self.table._up()
        return self.schedules

    def watching(self) -> dict[str, WatchState]:
        self.table._up()
        return dict(self.seen)

    def drop_watching(self, names: Sequence[str]) -> None:
        for name in names:
            del self.seen[name]

    def put_watching(self, name: str, seen: WatchState) -> None:
        self.table._up()
        self.seen[name] = seen


class FakeRuns(Runs):
    """What the submit function noted, in memory."""

    def __init__(self) -> None:
        super().__init__("arn:aws:dynamodb:ap-northeast-2:123456789012:table/batchtab-prod-job-runs")
        self.down = False
        self.known: dict[str, list[Run]] = {}
        self.paused: dict[str, str] = {}
        self.asked = 0

    def last(self, job_name: str, since: int, until: int) -> Run | None:
        self.asked += 1
        if self.down:
            raise Unavailable("query: it is down")
        found = [run for run in self.known.get(job_name, []) if since <= run.due <= until]
        return max(found, key=lambda run: run.due, default=None)

    def paused_by(self, job_name: str) -> str:
        if self.down:
            raise Unavailable("query: it is down")
        return self.paused.get(job_name, "")


class FakeTable(Table):
    """The table's meaning, in memory; `down` makes it refuse."""

    def __init__(self) -> None:
        super().__init__("table")
        self.down = False
        self.waiting: dict[str, Pending] = {}
        self.done: set[str] = set()
        self.claims: dict[str, tuple[str, int]] = {}
        self.failing: dict[str, JobState] = {}
        self.known_routes: dict[str, Route] = {}
        self.minutes: dict[int, int] = {}
        self.watches: FakeWatches = FakeWatches(self)

    def _up(self) -> None:
        if self.down:
            raise Unavailable("query: it is down")

    def put_pending(self, job_id: str, content: str, now: int) -> None:
        self._up()
        self.waiting.setdefault(job_id, Pending(job_id, content, now))

    def pending(self) -> list[Pending]:
        self._up()
        return sorted(self.waiting.values(), key=lambda one: (one.since, one.job_id))

    def sent(self, job_ids: Iterable[str]) -> set[str]:
        self._up()
        return self.done & set(job_ids)

    def mark_sent(self, job_ids: Sequence[str], now: int) -> None:  # noqa: ARG002
        self._up()
        self.done |= set(job_ids)
        self.drop_pending(job_ids)

    def drop_pending(self, job_ids: Sequence[str]) -> None:
        self._up()
        for job_id in job_ids:
            self.waiting.pop(job_id, None)

    def claim(self, what: str, owner: str, now: int, seconds: int) -> bool:
        self._up()
        holder, until = self.claims.get(what, (owner, 0))
        if holder != owner and until >= now:
            return False
        self.claims[what] = (owner, now + seconds)
        return True

    def release(self, what: str, owner: str) -> None:
        self._up()
        if self.claims.get(what, ("", 0))[0] == owner:
            del self.claims[what]

    def states(self, names: Iterable[str]) -> dict[str, JobState]:
        self._up()
        return {name: self.failing[name] for name in names if name in self.failing}

    def put_state(self, name: str, state: JobState, now: int) -> None:  # noqa: ARG002
        self._up()
        self.failing[name] = state

    def clear_state(self, name: str) -> None:
        self._up()
        self.failing.pop(name, None)

    def routes(self, names: Iterable[str]) -> dict[str, Route]:
        self._up()
        return {name: self.known_routes[name] for name in names if name in self.known_routes}

    def count_message(self, now: int) -> int:
        self._up()
        self.minutes[now // 60] = self.minutes.get(now // 60, 0) + 1
        return self.messages(now // 60) + self.messages(now // 60 - 1)

    def messages(self, minute: int) -> int:
        self._up()
        return self.minutes.get(minute, 0)


class World:
    """An app with a clock, an inbox and a table; each `app()` is a new process, which remembers nothing."""

    def __init__(self, settings: Settings = SETTINGS, *, table: bool = True) -> None:
        self.settings = settings
        self.table = FakeTable() if table else None
        self.runs: FakeRuns | None = None
        self.inbox: list[Message] = []
        self.kept: list[str] = []
        self.clock = START
        self.slept: list[float] = []
        self.slack_is_up = True
        self.tails: list[str] = []
        self.log = ["one line"]
        self.skipped = False
        self.while_asleep: list[dict[str, Any]] = []
        self.starts: dict[str, list[int]] = {}
        self.asked: list[str] = []
        self.children: list[JobEvent] = []

    def deliver(self, message: Message) -> None:
        if not self.slack_is_up:
            raise DeliveryFailed("Slack is down")
        self.inbox.append(message)

    def tail(self, found: JobEvent, _lines: int) -> tuple[list[str], str]:
        self.tails.append(found.name)
        return self.log, ""

    def last_start(self, _queue_arn: str, name: str, since: int) -> int | None:
        self.asked.append(name)
        return max((moment for moment in self.starts.get(name, []) if since <= moment <= self.clock), default=None)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock += int(seconds)
        arriving, self.while_asleep = self.while_asleep, []
        for one in arriving:
            self.app().handle(one)

    def app(self) -> App:
        dependencies = Dependencies(
            deliver=self.deliver,
            tail=self.tail,
            gave_way=lambda _: self.skipped,
            keep=self.kept.append,
            now=lambda: self.clock,
            sleep=self.sleep,
            remaining_seconds=lambda: 110.0,
            table=self.table,
            runs=self.runs,
            last_start=self.last_start,
            children=lambda _: self.children,
        )
        return App(self.settings, dependencies)

    def handle(self, found: Any) -> str:
        """In a new process."""
        gathering_module._sent.clear()
        return self.app().handle(found)
