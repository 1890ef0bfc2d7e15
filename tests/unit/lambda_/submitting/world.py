"""A small AWS in memory for the submit function: a table, a Batch, a Lambda that retries, a clock, and deaths.

Invocations run in threads of which one goes at a time: each call to AWS is a point at which another may go on, or at
which the invocation dies, before or after the call took effect.
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
from submit_run import jobs as jobs_module
from submit_run import metrics as metrics_module
from submit_run import table as table_module
from submit_run.app import App
from submit_run.settings import Settings

JOB = "reports-nightly"
QUEUE = "arn:aws:batch:eu-west-1:111122223333:job-queue/reports-default"
START = datetime(2026, 11, 24, 9, tzinfo=UTC).timestamp()
RETRY_SECONDS = (60, 120)
TIMEOUT_SECONDS = 30
TRANSACTION_MAX = 100


class Death(BaseException):
    """The machine under an invocation is gone."""


@dataclass
class Invocation:
    """One attempt of Lambda's at an event."""

    event: dict[str, Any]
    attempt: int
    started: float
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    back: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    done: bool = False
    answer: dict[str, Any] | None = None
    error: BaseException | None = None


class World:
    """Everything around the function.

    To be looked at: `table`, `jobs` (by id, in the order of submission), `answers`, `dead_letters` and `calls`.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seed: int = 0, death: float = 0.0) -> None:
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.death = death
        self.now = START
        self.table: dict[tuple[str, str], dict[str, Any]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.calls: Counter[str] = Counter()
        self.answers: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self.dead_letters: list[dict[str, Any]] = []
        self.away: set[str] = set()
        self.refuses = ""
        self.lists_after = 0.0
        self.job_seconds: Callable[[], float] = lambda: 1e9
        self.tells_ends = True
        self.tells_ends_of: Callable[[dict[str, Any]], bool] = lambda _job: True
        self.most_at_once = 0
        self.submitted_at = 0.0
        self._dies: tuple[str, bool] | None = None
        self._numbers = itertools.count(1)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._running: list[Invocation] = []
        self._current: Invocation | None = None
        clock = SimpleNamespace(time=lambda: self.now, sleep=self._sleep)
        modules: list[ModuleType] = [app_module, table_module, jobs_module, metrics_module]
        for module in modules:
            monkeypatch.setattr(module, "time", clock)
        clients = {"dynamodb": self._proxy("dynamodb"), "batch": self._proxy("batch")}
        for module in (table_module, jobs_module):
            monkeypatch.setattr(module, "client", lambda service, **_: clients[service])
        self._app = App(Settings("runs", "reports", 90))

    # --- what tests do

    def at(self, seconds: float, act: Callable[[], None]) -> None:
        """Does something so long after now."""
        heapq.heappush(self._due, (self.now + seconds, next(self._numbers), act))

    def deliver(self, event: dict[str, Any], after: float = 0.0, attempt: int = 0) -> None:
        """Invokes the function asynchronously, as a trigger does."""
        self.at(after, lambda: self._begin(event, attempt))

    def ask(self, event: dict[str, Any]) -> dict[str, Any]:
        """Invokes the function, waits for everything that is due at once, and returns its answer."""
        self.deliver(event)
        self.run(until=self.now)
        return next(answer for asked, answer in reversed(self.answers) if asked is event)

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

    def _begin(self, event: dict[str, Any], attempt: int) -> None:
        invocation = Invocation(event, attempt, self.now)
        self._running.append(invocation)

        def body() -> None:
            invocation.turn.acquire()
            try:
                invocation.answer = self._app.handle(json.loads(json.dumps(event)))
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
        if invocation.error is None:
            self.answers.append((invocation.event, invocation.answer or {}))
            return
        if isinstance(invocation.error, AssertionError):
            raise invocation.error
        if invocation.attempt < len(RETRY_SECONDS):
            self.deliver(invocation.event, RETRY_SECONDS[invocation.attempt], invocation.attempt + 1)
        else:
            self.dead_letters.append(invocation.event)

    def _wait_for_turn(self) -> None:
        invocation = self._current
        assert invocation is not None
        invocation.back.release()
        invocation.turn.acquire()
        if self.now - invocation.started > TIMEOUT_SECONDS:
            raise Death

    def _sleep(self, _seconds: float) -> None:
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
                    world._wait_for_turn()
                    world.calls[name] += 1
                    if service in world.away:
                        raise EndpointConnectionError(endpoint_url=service)
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

    def _list_jobs(self, jobQueue: str, filters: Any, **_: Any) -> Any:  # noqa: N803 - AWS's name
        names = filters[0]["values"]
        assert jobQueue == QUEUE
        seen = [job for job in self.jobs.values() if job["seen_at"] <= self.now and job["jobName"] in names]
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
