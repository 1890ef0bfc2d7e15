"""Lives a life: invocations that are cut at each call to AWS, a Lambda that retries, and Batch's events.

Each invocation is a coroutine (a greenlet) that stops at each call that it makes until the call has its answer. So
there is one thread, any invocation may go on next, and a life is the same each time.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ReadTimeoutError
from greenlet import greenlet

from .aws import ENDED, Aws, BatchJob
from .code import Code
from .judge import Judge
from .life import JOB, QUEUE, START, Event, Life

RETRY_SECONDS = (60.0, 120.0)
TIMEOUT_SECONDS = 30.0
LAST_SECONDS = 8.0  # as handler.py keeps them
HISTORY_DAYS = 90
PROBES = 2
_MOST_STEPS = 20_000
_BACKFILL = "backfill"
_CALLS = ("batch_get_item", "transact_write_items", "submit_job", "list_jobs", "describe_jobs", "terminate_job")
_TOLD: dict[str, tuple[float, ...]] = {"": (0.0,), "lost": (), "twice": (0.0, 2.0), "late": (100.0,)}


@dataclass(frozen=True)
class Call:
    """A call at which an invocation waits for the answer."""

    name: str
    arguments: dict[str, Any]


@dataclass
class Invocation:
    """One attempt of Lambda's at an event."""

    event: dict[str, Any]
    attempt: int
    started: float
    state_before: Mapping[str, Any]
    body: greenlet

    @property
    def is_trigger(self) -> bool:
        """Whether a trigger asks, which comes again."""
        return "trigger" in self.event and self.event.get("mode") != _BACKFILL


class World:
    """All that happened; to be looked at: `aws`, `asked`, `dead`, `answered`, `wrong`, `fired`, `trace`."""

    def __init__(self, code: Code, life: Life) -> None:
        self.code, self.life = code, life
        self.now = START
        self.aws = Aws(lambda: self.now, life.page, self._submitted, self._terminated)
        self.asked: list[dict[str, Any]] = []
        self.dead: list[tuple[dict[str, Any], str]] = []
        self.refused_callers: list[dict[str, Any]] = []
        self.probes: list[dict[str, Any]] = []
        self.wrong: list[str] = []
        self.judge = Judge(self)
        self.fired: Counter[str] = Counter()
        self.trace: list[str] = []
        self.calls = self.calls_of_life = 0
        self.claim_seen = 0.0
        self.is_quiet = False
        self._random = random.Random(life.seed)  # noqa: S311 - no secret
        self._due: list[tuple[float, int, int, Callable[[], None]]] = []
        self._numbers = 0
        self._throttling = 0.0
        self._current: Invocation | None = None
        self._settings = code.settings.Settings("runs", "reports", HISTORY_DAYS)
        self._in_flight: list[Invocation] = []
        client = SimpleNamespace(**{name: partial(_call, name) for name in _CALLS})
        code.bind(
            clock=SimpleNamespace(time=lambda: self.now, sleep=lambda s: _call("sleep", s=s)),
            chance=self._random,
            client=lambda *_, **__: client,
            at_once=life.at_once,
        )

    def run(self) -> World:
        """Lives the life, then lets all that is left come to its end, and asks for two more runs."""
        for event in self.life.events:
            self.at(event.at, lambda event=event: self._happen(event))  # type: ignore[misc]
        self._run()
        self.is_quiet = True
        self.aws.refuses = self.aws.away = False
        self.aws.lag = self._throttling = 0.0
        for job in list(self.aws.jobs.values()):
            self._end(job, "SUCCEEDED")
        self._run()
        self.judge.quiet()
        self.now += 400  # beyond each lease, and the minute in which Batch may not know a job
        if self.life.is_long:
            self.now += 86_400 * (HISTORY_DAYS + 1)
            self.aws.forget_all()
        self.calls_of_life = self.calls
        if self.aws.state().get("paused"):
            self._deliver({"resume": {"job": JOB}})
            self._run()
        for number in range(PROBES):
            self.now += 600
            minute = int(self.now - START) // 60 + 1
            self.now = START + 60 * minute
            self.probes.append(event_of(minute, self.life.last))
            self._ask(self.probes[number])
            self._run()
        self.judge.over()
        return self

    def at(self, seconds: float, act: Callable[[], None], rank: int = 1) -> None:
        """Does something so long after now; of what is due at once what has the lower rank."""
        self._numbers += 1
        heapq.heappush(self._due, (self.now + seconds, rank, self._numbers, act))

    def others_than(self, inv: Invocation) -> bool:
        """Whether other invocations are on their way."""
        return any(other is not inv for other in self._in_flight)

    def record(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is recorded of the run that an event asks for."""
        return self.aws.table.get((JOB, f"run#{event['trigger']['scheduled_time']}"), {})

    def _run(self) -> None:
        for _ in range(_MOST_STEPS):
            if not self._due:
                return
            moment, _, _, act = heapq.heappop(self._due)
            self.now = max(self.now, moment)
            act()
        self.wrong.append("never ends")

    # --- what happens

    def _happen(self, event: Event) -> None:
        data = event.data
        if event.kind == "trigger":
            self._ask(event_of(data["minute"], data["said"]))
        elif event.kind == _BACKFILL:
            self._ask(event_of(data["minute"], data["said"], _BACKFILL))
        elif event.kind == "manual":
            self.fired["job that somebody started"] += 1
            self.aws.start([], self.now, data["seconds"])
        elif event.kind == "resume":
            self._deliver({"resume": {"job": JOB}})
        else:
            self._condition(event.kind, data, begins=True)
            self.at(data["seconds"], lambda: self._condition(event.kind, data, begins=False))

    def _condition(self, kind: str, data: Mapping[str, Any], *, begins: bool) -> None:
        begins = begins and not self.is_quiet
        self.fired[kind] += begins
        if kind == "refused":
            self.aws.refuses = begins
        elif kind == "away":
            self.aws.away = begins
        elif kind == "lagging":
            self.aws.lag = data["lag"] if begins else 0.0
        else:
            self._throttling = 0.7 if begins else 0.0
            self.aws.throttles = self._is_throttled

    def _is_throttled(self) -> bool:
        throttled = self._throttling > 0 and self._random.random() < self._throttling
        self.fired["throttled call"] += throttled
        return throttled

    def _ask(self, event: dict[str, Any]) -> None:
        self.asked.append(event)
        self._deliver(event)

    def _submitted(self, job: BatchJob) -> None:
        seconds = job.seconds
        if job.run_id and self._current is not None:
            seconds = 1.0 if self.is_quiet else self.life.seconds[job.number % len(self.life.seconds)]
            self.judge.submitted(job, self._current)
        fails = job.number in self.life.failing and not self.is_quiet
        self.at(seconds, lambda: self._end(job, "FAILED" if fails else "SUCCEEDED"))

    def _end(self, job: BatchJob, status: str, reason: str = "") -> None:
        if job.status in ENDED:
            return
        job.status, job.reason, job.ended = status, reason, self.now
        self.trace.append(f"{self._moment()} {job.id} {status} {reason}")
        matters = bool(job.variable("BATCHTAB_RUN_POLICY")) or (not job.run_id and _ends_matter(self.life.last))
        if not matters:
            return
        how = "" if self.is_quiet else self.life.ends.get(job.number, "")
        self.fired[f"end told {how}" if how else "end told"] += bool(how)
        event = {"source": "aws.batch", "detail": job.told()}
        for delay in _TOLD[how]:
            self.at(delay, lambda: self._deliver(event), rank=2)

    def _terminated(self, job: BatchJob, reason: str) -> None:
        delay = self._random.uniform(0, 35) if self.life.seed else 0.0
        self.at(delay, lambda: self._end(job, "FAILED", reason))

    # --- Lambda

    def _deliver(self, event: dict[str, Any], attempt: int = 0) -> None:
        app = self.code.app.App(self._settings, self.now + TIMEOUT_SECONDS - LAST_SECONDS)
        inv = Invocation(event, attempt, self.now, self.aws.state(), greenlet(app.handle))
        if self._is_claimed():
            self.claim_seen = self.now
        self._in_flight.append(inv)
        self._go_on(inv, event)

    def _go_on(self, inv: Invocation, answer: Any) -> None:
        """To its next call, or its end; it begins with its event."""
        self._current = inv
        try:
            said = inv.body.throw(answer) if isinstance(answer, Exception) else inv.body.switch(answer)
        except Exception as error:
            self._failed(inv, f"{error}")
            return
        if isinstance(said, Call):
            self._wait(inv, said)
            return
        self._in_flight.remove(inv)
        self.trace.append(f"{self._moment()} {_name(inv)} answers {said['outcome']} {said['reason']}")
        self.judge.answered(inv, said)

    def _wait(self, inv: Invocation, call: Call) -> None:
        if call.name == "sleep":
            latency = call.arguments["s"]
        elif not self.life.seed:
            latency = 0.0
        else:
            latency = self._random.choice((0.02, 0.05, 0.3, 0.3, 2.0)) if not self.is_quiet else 0.02
            if not self.is_quiet and self._random.random() < 0.01:
                latency = self._random.uniform(5, 29)
        sent = self.now
        rank = 3 if self.calls + 1 in self.life.switches else 0
        dies = inv.started + TIMEOUT_SECONDS
        if sent + latency > dies:
            self.at(dies - sent, lambda: self._resume(inv, call, sent, dies=True), rank)
        else:
            self.at(latency, lambda: self._resume(inv, call, sent), rank)

    def _resume(self, inv: Invocation, call: Call, sent: float, *, dies: bool = False) -> None:
        if call.name == "sleep" and not dies:
            self._go_on(inv, None)
            return
        self.calls += 1
        fault = "" if self.is_quiet else self.life.faults.get(self.calls, "")
        if dies:
            fault = self._random.choice(("crash before", "crash after"))
        self.fired[fault] += bool(fault)
        if fault != "crash before" and call.name != "sleep":
            self._current = inv
            outcome = self.aws.call(call.name, call.arguments, sent)
            if self._is_claimed():
                self.claim_seen = self.now
            self.trace.append(f"{self._moment()} {_name(inv)} #{self.calls} {_told(call)} {fault}{_error(outcome)}")
        if fault.startswith("crash"):
            self._failed(inv, "Task timed out after 30.00 seconds")
            return
        self._go_on(inv, ReadTimeoutError(endpoint_url=call.name) if fault else outcome)

    def _failed(self, inv: Invocation, error: str) -> None:
        self._in_flight.remove(inv)
        self.trace.append(f"{self._moment()} {_name(inv)} fails: {error}")
        if inv.event.get("mode") == _BACKFILL:
            self.refused_callers.append(inv.event)
        elif inv.attempt < len(RETRY_SECONDS):
            self.at(RETRY_SECONDS[inv.attempt], lambda: self._deliver(inv.event, inv.attempt + 1))
        else:
            self.dead.append((inv.event, error))
            self.judge.dead(inv.event, error)

    # --- words

    def _is_claimed(self) -> bool:
        active = self.aws.state().get("active")
        return active is not None and "job_id" not in active

    def _moment(self) -> str:
        return f"{self.now - START:8.2f}"


def event_of(minute: int, said: Mapping[str, Any], mode: str = "") -> dict[str, Any]:
    """What a trigger sends for a minute after the start."""
    moment = datetime.fromtimestamp(START + 60 * minute, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    base = {"name": JOB, "job_queue": QUEUE, "job_definition": JOB, "schedule": "cron(* * * * ? *)"}
    event: dict[str, Any] = {"trigger": {"scheduled_time": moment}, "job": {**base, **said}}
    return {**event, "mode": mode} if mode else event


def _ends_matter(said: Mapping[str, Any]) -> bool:
    return bool(said.get("pause_on_failure")) or said["concurrency_policy"] in ("queue", "replace")


def _call(name: str, **arguments: Any) -> Any:
    """Waits for the answer of a call."""
    world = greenlet.getcurrent().parent
    assert world is not None
    return world.switch(Call(name, arguments))


def _name(inv: Invocation) -> str:
    event = inv.event
    what = "resume" if "resume" in event else event["detail"]["jobId"] if "detail" in event else ""
    return f"[{what or event['trigger']['scheduled_time'][11:16] + event.get('mode', '')} try {inv.attempt + 1}]"


def _told(call: Call) -> str:
    if call.name != "transact_write_items":
        return call.name
    items = [each["Put"]["Item"] for each in call.arguments["TransactItems"]]
    return "writes " + ", ".join(
        f"{item['item']['S'][-9:]} {item['status']['S']}" if "status" in item else f"state {item['content']['S'][:90]}"
        for item in items
    )


def _error(outcome: Any) -> str:
    return f" -> {outcome}" if isinstance(outcome, Exception) else ""
