"""A small AWS in memory for the submit function: a table, a Batch, a Lambda that retries, a clock, and deaths.

Invocations run in threads of which one goes at a time: each call to AWS is a point at which another may go on, or at
which the invocation dies, before or after the call took effect. Who sleeps goes on when the clock has come so far.
"""

from __future__ import annotations

import heapq
import itertools
import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from submit_run import app as app_module
from submit_run import handler as handler_module
from submit_run import jobs as jobs_module
from submit_run import metrics as metrics_module
from submit_run import submission as submission_module
from submit_run import table as table_module
from submit_run import throttling as throttling_module
from submit_run.app import App
from submit_run.settings import Settings

JOB = "reports-nightly"
QUEUE = "arn:aws:batch:eu-west-1:111122223333:job-queue/reports-default"
START = datetime(2026, 11, 24, 9, tzinfo=UTC).timestamp()
RETRY_SECONDS = (60, 120)
EVENT_AGE_SECONDS = 3600
LONGEST_WAIT_SECONDS = 300  # of an event that Lambda has no room for; https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
TIMEOUT_SECONDS = 30
TRANSACTION_MAX = 100


class Death(BaseException):
    """The machine under an invocation is gone."""


@dataclass
class Invocation:
    """One attempt of Lambda's at an event."""

    event: dict[str, Any]
    attempt: int
    since: float
    started: float
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    back: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    done: bool = False
    answer: dict[str, Any] | None = None
    error: BaseException | None = None


class Bucket:
    """A rate as AWS keeps it: a bucket that fills so fast, and overflows at one second's worth or one call."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._most = self._left = max(1.0, per_second)
        self._since = START

    def takes(self, now: float) -> bool:
        """Whether a call may be made now."""
        self._left = min(self._most, self._left + (now - self._since) * self._per_second)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def throttled(name: str) -> ClientError:
    """What Batch answers who asks too often."""
    error: Any = {"Error": {"Code": "TooManyRequestsException", "Message": "Too Many Requests"}}
    return ClientError({**error, "ResponseMetadata": {"HTTPStatusCode": 429}}, name)


class World:
    """Everything around the function.

    To be looked at: `table`, `jobs` (by id, in the order of submission), `answers`, `errors`, `dead_letters`, `calls`
    and `throttled`.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seed: int = 0, death: float = 0.0) -> None:
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.death = death
        self.now = START
        self.table: dict[tuple[str, str], dict[str, Any]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.calls: Counter[str] = Counter()
        self.throttled: Counter[str] = Counter()
        self.answers: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self.errors: list[BaseException] = []
        self.dead_letters: list[dict[str, Any]] = []
        self.away: set[str] = set()
        self.refuses = ""
        self.lists_after = 0.0
        self.job_seconds: Callable[[], float] = lambda: 1e9
        self.tells_ends = True
        self.tells_ends_of: Callable[[dict[str, Any]], bool] = lambda _job: True
        self.most_at_once = 0
        self.submitted_at = 0.0
        self.call_seconds = 0.0
        self.rates: dict[str, Bucket] = {}
        self.concurrency = 1_000_000
        self._alive = 0
        self._dies: tuple[str, bool] | None = None
        self._numbers = itertools.count(1)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._running: list[Invocation] = []
        self._current: Invocation | None = None
        clock = SimpleNamespace(time=lambda: self.now, sleep=self._sleep)
        modules: list[ModuleType] = [app_module, submission_module, jobs_module, table_module]
        modules += [metrics_module, throttling_module]
        for module in modules:
            monkeypatch.setattr(module, "time", clock)
        for module in (table_module, throttling_module):
            monkeypatch.setattr(module, "random", self.random)
        clients = {"dynamodb": self._proxy("dynamodb"), "batch": self._proxy("batch")}
        for module in (table_module, jobs_module):
            monkeypatch.setattr(module, "client", lambda service, **_: clients[service])
        self._settings = Settings("runs", "reports", 90)

    # --- what tests do

    def at(self, seconds: float, act: Callable[[], None]) -> None:
        """Does something so long after now."""
        heapq.heappush(self._due, (self.now + seconds, next(self._numbers), act))

    def deliver(self, event: dict[str, Any], after: float = 0.0) -> None:
        """Invokes the function asynchronously, as a trigger does."""
        since = self.now + after
        self.at(after, lambda: self._begin(event, 0, since))

    def ask(self, event: dict[str, Any]) -> dict[str, Any]:
        """Invokes the function, waits for its answer and for everything that is due at once, and returns the answer."""
        before = len(self.answers)
        self.deliver(event)
        self.run(until=self.now)
        while not any(asked is event for asked, _ in self.answers[before:]):
            self.run(until=self._due[0][0])
        return next(answer for asked, answer in reversed(self.answers) if asked is event)

    def app(self) -> App:
        """What an invocation that begins now does."""
        return App(self._settings, self.now + TIMEOUT_SECONDS - handler_module._LAST_SECONDS)

    def end(self, job_id: str, status: str = "SUCCEEDED", reason: str = "", *, told: bool | None = None) -> None:
        """Ends a job; Batch tells the function if the job's definition asks for it."""
        job = self.jobs[job_id]
        if job["status"] in ("SUCCEEDED", "FAILED"):
            return
        job["status"], job["statusReason"] = status, reason
        if self.tells_ends and self.tells_ends_of(job) if told is None else told:
            for _ in range(self.random.choice((1, 1, 2)) if self.death else 1):
                self.deliver(end_of(job), after=self.random.uniform(0, 5) if self.death else 0)

    def run(self, until: float = float("inf")) -> None:
        """Lets time pass until nothing is left to do, or until a moment."""
        while True:
            while self._due and self._due[0][0] <= self.now:
                heapq.heappop(self._due)[2]()
            if self._running:
                self._step(self.random.choice(self._running))
                if self.death:
                    self.now += self.random.uniform(0, 0.3)
            elif self._due and self._due[0][0] <= until:
                self.now = max(self.now, self._due[0][0])
            else:
                self.now = max(self.now, until) if until < float("inf") else self.now
                return

    def status(self, event: dict[str, Any]) -> str:
        """What is recorded of the run that an event asks for."""
        item = self.record(event)
        return str(item["status"]["S"]) if item else ""

    def record(self, event: dict[str, Any]) -> dict[str, Any]:
        """The run's record."""
        time_ = event["trigger"]["scheduled_time"]
        upstream = event["trigger"].get("upstream_job_id")
        return self.table.get((event["job"]["name"], f"run#{time_}#{upstream}" if upstream else f"run#{time_}"), {})

    def state(self, name: str = JOB) -> dict[str, Any]:
        """A job's state, as it is kept."""
        found: dict[str, Any] = json.loads(self.table[name, "state"]["content"]["S"])
        return found

    def run_ids(self) -> list[str]:
        """The runs that were submitted, in order."""
        return [jobs_module.run_id_of(job) for job in self.jobs.values()]

    def unfinished(self) -> list[str]:
        """Jobs that have not ended."""
        return [id_ for id_, job in self.jobs.items() if job["status"] not in ("SUCCEEDED", "FAILED")]

    # --- Lambda

    def _begin(self, event: dict[str, Any], attempt: int, since: float, refused: int = 0) -> None:
        if self.now - since > EVENT_AGE_SECONDS:
            self.dead_letters.append(event)
            return
        if self._alive >= self.concurrency:
            wait = self.random.uniform(0.5, 1) * min(2**refused, LONGEST_WAIT_SECONDS)
            self.at(wait, lambda: self._begin(event, attempt, since, refused + 1))
            return
        self._alive += 1
        invocation = Invocation(event, attempt, since, self.now)
        self._running.append(invocation)

        def body() -> None:
            invocation.turn.acquire()
            try:
                invocation.answer = self.app().handle(json.loads(json.dumps(event)))
            except BaseException as error:
                invocation.error = error
            invocation.done = True
            invocation.back.release()

        threading.Thread(target=body, daemon=True).start()

    def _step(self, invocation: Invocation) -> None:
        self._current = invocation
        invocation.turn.release()
        invocation.back.acquire()
        if not invocation.done:
            return
        self._running.remove(invocation)
        self._alive -= 1
        if invocation.error is None:
            self.answers.append((invocation.event, invocation.answer or {}))
            return
        self.errors.append(invocation.error)
        if isinstance(invocation.error, AssertionError):
            raise invocation.error
        if invocation.attempt < len(RETRY_SECONDS):
            again = lambda: self._begin(invocation.event, invocation.attempt + 1, invocation.since)  # noqa: E731
            self.at(RETRY_SECONDS[invocation.attempt], again)
        else:
            self.dead_letters.append(invocation.event)

    def _wait_for_turn(self) -> None:
        invocation = self._current
        assert invocation is not None
        invocation.back.release()
        invocation.turn.acquire()
        if self.now - invocation.started > TIMEOUT_SECONDS:
            raise Death

    def _sleep(self, seconds: float) -> None:
        invocation = self._current
        assert invocation is not None
        self._running.remove(invocation)
        self.at(seconds, lambda: self._running.append(invocation))
        self._wait_for_turn()

    # --- AWS

    def die_once(self, call: str, *, after: bool) -> None:
        """Ends the invocation at its next call of a name, before or after it took effect."""
        self._dies = (call, after)

    def _perhaps_die(self, call: str, *, after: bool) -> None:
        if self._dies == (call, after):
            self._dies = None
            raise Death
        if self.random.random() < self.death:
            raise Death

    def _proxy(self, service: str) -> Any:
        world = self

        class Proxy:
            def __getattr__(self, name: str) -> Callable[..., Any]:
                def call(**arguments: Any) -> Any:
                    world._sleep(world.call_seconds)
                    world.calls[name] += 1
                    if service in world.away:
                        raise EndpointConnectionError(endpoint_url=service)
                    if name in world.rates and not world.rates[name].takes(world.now):
                        world.throttled[name] += 1
                        raise throttled(name)
                    world._perhaps_die(name, after=False)
                    answer = getattr(world, f"_{name}")(**arguments)
                    world._perhaps_die(name, after=True)
                    return answer

                return call

        return Proxy()

    def _batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803 - AWS's name
        wanted = RequestItems["runs"]
        assert wanted["ConsistentRead"]
        keys = [(key["job"]["S"], key["item"]["S"]) for key in wanted["Keys"]]
        return {"Responses": {"runs": [self.table[key] for key in keys if key in self.table]}}

    def _transact_write_items(self, TransactItems: Any) -> None:  # noqa: N803 - AWS's name
        puts = [each["Put"] for each in TransactItems]
        keys = [(put["Item"]["job"]["S"], put["Item"]["item"]["S"]) for put in puts]
        assert len(set(keys)) == len(keys), "one item twice in a transaction"
        if len(puts) > TRANSACTION_MAX:
            raise ClientError({"Error": {"Code": "ValidationException"}}, "TransactWriteItems")
        reasons = [{"Code": "None" if self._holds(put) else "ConditionalCheckFailed"} for put in puts]
        if any(reason["Code"] != "None" for reason in reasons):
            answer: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise ClientError(answer, "TransactWriteItems")
        for put in puts:
            self._write(put)

    def _holds(self, put: dict[str, Any]) -> bool:
        item = self.table.get((put["Item"]["job"]["S"], put["Item"]["item"]["S"]))
        condition = put.get("ConditionExpression")
        if condition is None:
            return True
        if condition == "attribute_not_exists(job)":
            return item is None
        assert condition == "#number = :number"
        name = put["ExpressionAttributeNames"]["#number"]
        return item is not None and item.get(name) == put["ExpressionAttributeValues"][":number"]

    def _write(self, put: dict[str, Any]) -> None:
        assert put["TableName"] == "runs"
        self.table[put["Item"]["job"]["S"], put["Item"]["item"]["S"]] = put["Item"]

    def _list_jobs(self, jobQueue: str, filters: Any = None, jobStatus: str = "", **_: Any) -> Any:  # noqa: N803 - AWS's name
        assert jobQueue == QUEUE
        by, value = (filters[0]["name"], filters[0]["values"][0]) if filters else ("", "")
        seen = [job for job in self.jobs.values() if job["seen_at"] <= self.now]
        if by == "JOB_NAME":
            seen = [job for job in seen if job["jobName"] == value]
        elif by == "AFTER_CREATED_AT":
            seen = [job for job in seen if job["createdAt"] > int(value)]
        else:
            seen = [job for job in seen if job["status"] == jobStatus]
        # Batch groups them by the version of their definition, so the newest may be anywhere.
        return {"jobSummaryList": self.random.sample(seen, len(seen))}

    def _describe_jobs(self, jobs: list[str]) -> Any:
        return {"jobs": [self.jobs[id_] for id_ in jobs if id_ in self.jobs and self.jobs[id_]["seen_at"] <= self.now]}

    def _submit_job(self, **asked: Any) -> Any:
        if self.refuses:
            answer: Any = {
                "Error": {"Code": "ClientException", "Message": self.refuses},
                "ResponseMetadata": {"HTTPStatusCode": 400},
            }
            raise ClientError(answer, "SubmitJob")
        id_ = f"job-{len(self.jobs) + 1}"
        self.submitted_at = self.now
        self.jobs[id_] = {
            "jobId": id_,
            "jobName": asked["jobName"],
            "status": "RUNNABLE",
            "container": {"environment": asked.get("containerOverrides", {}).get("environment", [])},
            "arrayProperties": asked.get("arrayProperties", {}),
            "seen_at": self.now + self.lists_after,
            "createdAt": int(self.now * 1000),
        }
        self.most_at_once = max(self.most_at_once, len(self.unfinished()))
        self.at(self.job_seconds(), lambda: self.end(id_, self.random.choice(("SUCCEEDED", "SUCCEEDED", "FAILED"))))
        return {"jobId": id_}

    def _terminate_job(self, jobId: str, reason: str) -> None:  # noqa: N803 - AWS's name
        self.at(self.random.uniform(0, 40) if self.death else 0, lambda: self.end(jobId, "FAILED", reason))


def trigger(
    minute: int = 0, *, name: str = JOB, mode: str = "", upstream_job_id: str = "", **job: Any
) -> dict[str, Any]:
    """The event of a trigger for a minute after the start."""
    moment = datetime.fromtimestamp(START + 60 * minute, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    base = {"name": name, "job_queue": QUEUE, "job_definition": "reports-nightly", "schedule": "cron(* * * * ? *)"}
    event: dict[str, Any] = {"trigger": {"scheduled_time": moment}, "job": {**base, **job}}
    if upstream_job_id:
        event["trigger"]["upstream_job_id"] = upstream_job_id
    return {**event, "mode": mode} if mode else event


def end_of(job: dict[str, Any], policy: str = "") -> dict[str, Any]:
    """Batch's event of a job that has ended."""
    environment = list(job["container"]["environment"])
    if policy and not any(each["name"] == "BATCHTAB_RUN_POLICY" for each in environment):
        environment.append({"name": "BATCHTAB_RUN_POLICY", "value": policy})
    detail = {
        "jobName": job["jobName"],
        "jobId": job["jobId"],
        "status": job["status"],
        "statusReason": job.get("statusReason", ""),
        "container": {"environment": environment},
    }
    return {"source": "aws.batch", "detail-type": "Batch Job State Change", "detail": detail}
