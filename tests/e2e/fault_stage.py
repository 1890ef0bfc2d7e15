"""A stage with a job of each concurrency policy for each fault that takes minutes, and how they are made due in one.

A run is due a minute ago, so that what is tried again comes visibly late: the clock is set back, and then to now again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.checkout import Checkout
from tests.e2e.schedule_stage import until, variables

PREFIX = "batchtab-local"
SERVICE = "faults"
QUEUE = f"{PREFIX}-default"
FUNCTION_LOG = f"/aws/lambda/{PREFIX}-submit-run"
ALERTS_LOG = f"/aws/lambda/{PREFIX}-job-alerts"
ENDED = ("SUCCEEDED", "FAILED")
_MINUTE = timedelta(minutes=1)
_GATE = ("dynamodb", "hold_seconds", None, 60)

#: `allow` is submitted by its rule; `counted` is `allow` by the submit function, which pauses it when it fails.
POLICIES = ("allow", "counted", "forbid", "queue", "replace")
MANAGED = POLICIES[1:]
#: Jobs of their own where a run keeps its job's place until it is tried again; "" is for all other faults.
SLOTS = ("", "-kept", "-refused", "-hung", "-held", "-answered")


def _job(name: str, policy: str, more: str = "") -> str:
    own = "pause_on_failure: true" if policy == "counted" else f"concurrency_policy: {policy}"
    return f'  {name}: {{command: ["true"], schedule: "* * * * *", {own}{more}}}'


JOBS = "\n".join(
    [
        f"service: {SERVICE}",
        "image: {repository: plain, tag: local}",
        "defaults: {vcpus: 1, memory_mib: 256, timeout_seconds: 300}",
        "jobs:",
        *(_job(policy, policy) for policy in POLICIES),
        *(_job(f"{policy}{slot}", policy) for policy in POLICIES[2:] for slot in SLOTS[1:]),
        *(_job(f"{policy}-zoned", policy, ", timezone: Asia/Seoul") for policy in POLICIES),
        "",
    ]
)


def job_of(policy: str, slot: str = "") -> str:
    """The job of a policy for a slot; those without a place have one for all."""
    return policy if policy in POLICIES[:2] and slot != "-zoned" else f"{policy}{slot}"


@dataclass(frozen=True)
class Due:
    """Jobs that were due together: of each its name, and the time in UTC."""

    at: datetime
    jobs: tuple[str, ...]

    @property
    def time(self) -> str:
        """As records and variables have it."""
        return f"{self.at:%Y-%m-%dT%H:%M:%SZ}"

    def run_id(self, job: str) -> str:
        """What a run of it is called."""
        return f"{SERVICE}-{job}@{self.time}"


def _minute() -> datetime:
    """The minute that it really is."""
    return datetime.now(UTC).replace(second=0, microsecond=0)


@dataclass
class FaultStage:
    """The deployed stage. Its triggers are disabled but in the moment in which they are due."""

    checkout: Checkout
    began: datetime = field(default_factory=_minute)
    prompt: datetime = field(default_factory=_minute)
    fired: int = 0
    schedules: dict[str, dict[str, Any]] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        return self.checkout.client(service)

    def begin(self) -> None:
        """Disables all that is due at times: the jobs, and what the stage does each minute."""
        self.ask_clock(speed=0)
        events, scheduler = self.client("events"), self.client("scheduler")
        for rule in events.list_rules()["Rules"]:
            if rule.get("ScheduleExpression"):
                events.disable_rule(Name=rule["Name"])
        for policy in POLICIES:
            name = {"GroupName": f"{PREFIX}-{SERVICE}", "Name": f"{PREFIX}-{SERVICE}-{policy}-zoned"}
            found = scheduler.get_schedule(**name)
            kept = ("ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target")
            self.schedules[f"{policy}-zoned"] = {**name, **{key: found[key] for key in kept}}
            self.switch([f"{policy}-zoned"], is_on=False)
        self.ask_clock(speed=1)

    def end(self) -> None:
        """Has the clock keep the time, so that nothing is due, and enables what is due at times."""
        self.ask_clock(speed=0)
        self.switch([f"{policy}{slot}" for policy in POLICIES for slot in (*SLOTS, "-zoned")], is_on=True)

    def switch(self, jobs: Iterable[str], *, is_on: bool) -> None:
        """Enables or disables the triggers of jobs."""
        events, scheduler = self.client("events"), self.client("scheduler")
        for job in jobs:
            if job in self.schedules:
                scheduler.update_schedule(**self.schedules[job], State="ENABLED" if is_on else "DISABLED")
            elif job.partition("-")[0] not in POLICIES[:2] or "-" not in job:
                (events.enable_rule if is_on else events.disable_rule)(Name=f"{PREFIX}-{SERVICE}-{job}")

    def ask_clock(self, **content: Any) -> None:
        self.checkout.ask("clock", **content)

    def now(self, speed: float = 1) -> None:
        """Sets the clock to what it really is."""
        self.ask_clock(time=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}", speed=speed)

    def fault(self, service: str, kind: str, operation: str | None = None, value: Any = True) -> None:
        """Asks for a fault."""
        self.checkout.ask("faults", **_content(service, kind, operation, value))

    def clear(self) -> None:
        """Ends all faults."""
        self.checkout.ask("faults", "DELETE")

    def met(self, service: str) -> int:
        """How many requests and events have met a fault of a service."""
        return sum(each["met"] for each in self.checkout.ask("faults", "GET") if each["service"] == service)

    def fire(self, jobs: Iterable[str], *, is_prompt: bool = False) -> Due:
        """Has jobs be due: a minute ago or more, each time at another, or in the minute to come."""
        if is_prompt:
            at = self.prompt = max(self.prompt, _minute()) + _MINUTE
        else:
            at = self._past()
        due = Due(at, tuple(jobs))
        self._fire(due, speed=1)
        self.switch(due.jobs, is_on=False)
        return due

    def _past(self) -> datetime:
        """A minute ago or more, each time another."""
        self.fired += 1
        return self.began - self.fired * _MINUTE

    def _fire(self, due: Due, speed: float) -> None:
        """Enables triggers, has them fired, and has the clock go on a second later at a speed."""
        self.ask_clock(time=f"{due.at - timedelta(seconds=0.2):%Y-%m-%dT%H:%M:%S.%fZ}", speed=0)
        self.switch(due.jobs, is_on=True)
        self.ask_clock(speed=1)
        time.sleep(1)
        # Setting the clock fires all that is due by then: a trigger that is disabled is not.
        self.ask_clock(time=f"{due.at + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}", speed=speed)

    def fire_past(
        self,
        jobs: Iterable[str],
        service: str,
        kind: str,
        operation: str | None = None,
        value: Any = True,
        *,
        awaits: Iterable[str] = (),
        until_met: int = 0,
    ) -> Due:
        """Has jobs be due some minutes ago at a fault, and sets the clock to now before the submit function goes on.

        So nothing that is tried again from before is submitted while the clock is set back: DynamoDB is asked first.

        Args:
            jobs: Which.
            service: Of the fault, as the rest; whoever calls ends it.
            kind: Its kind.
            operation: Its operation.
            value: Its value.
            awaits: Those that Batch gets at once, from their own rules.
            until_met: How many have to meet the fault, which is over before the clock is set: a trigger that is
                refused once more then gives up.
        """
        self.fault(*_GATE)
        self.ask_clock(advance_seconds=1)  # who has claimed a run already submits it
        self.fault(service, kind, operation, value)
        due = Due(self._past(), tuple(jobs))
        self._fire(due, speed=0)  # a delivery that is tried again before the clock is set would be on time
        until(lambda: all(self.job_of(each, due) for each in awaits), 120, f"jobs of {due}")
        if until_met:
            until(lambda: self.met(service) >= until_met, 120, f"{until_met} of {due} to be refused")
            self.checkout.ask("faults", "DELETE", **_content(service, kind, operation, value))
        self.now(speed=0)
        self.checkout.ask("faults", "DELETE", **_content(*_GATE))  # the function waits for some seconds only
        self.switch(due.jobs, is_on=False)
        self.now()
        return due

    # --- what came of it

    def job_of(self, job: str, due: Due) -> list[dict[str, Any]]:
        """The jobs in Batch of a run."""
        batch = self.client("batch")
        filters = [{"name": "JOB_NAME", "values": [f"{SERVICE}-{job}"]}]
        ids = [each["jobId"] for each in batch.list_jobs(jobQueue=QUEUE, filters=filters)["jobSummaryList"]]
        found = batch.describe_jobs(jobs=ids)["jobs"] if ids else []
        return [each for each in found if variables(each).get("BATCHTAB_SCHEDULED_TIME") == due.time]

    def have_ended(self, ids: list[str]) -> bool:
        """Whether jobs are over."""
        found = self.client("batch").describe_jobs(jobs=ids)["jobs"]
        return len(found) == len(ids) and all(each["status"] in ENDED for each in found)

    def has_ended(self, due: Due, count: int = 1) -> bool:
        """Whether all jobs of a time are there, and over."""
        found = [each for job in due.jobs for each in self.job_of(job, due)]
        return len(found) >= count * len(due.jobs) and all(each["status"] in ENDED for each in found)

    def lines(self, group: str) -> list[str]:
        """The lines of a function's log."""
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        return [each["message"] for page in pages for each in page["events"]]

    def settle(self) -> None:
        """Waits until the submit function has done what it was asked for, so that a fault meets only what comes."""
        self.ask_clock(advance_seconds=1)
        seen = -1

        def is_quiet() -> bool:
            nonlocal seen
            before, lines = seen, self.lines(FUNCTION_LOG)
            seen = sum(line.startswith("START RequestId:") for line in lines)
            done = sum(line.startswith("REPORT RequestId:") for line in lines)
            time.sleep(0.5)
            return before == seen == done

        until(is_quiet, 240, "the submit function to be done")

    def failed_runs(self) -> set[str]:
        """The runs at which the submit function has failed."""
        said = [json.loads(line) for line in self.lines(FUNCTION_LOG) if line.startswith('{"outcome": "ERROR"')]
        return {each["run_id"] for each in said if not each["reason"].startswith("UnsettledError")}

    def wait_for_failures(self, due: Due, jobs: Iterable[str]) -> None:
        """Waits until the submit function has failed at runs."""
        wanted = {due.run_id(job) for job in jobs}
        until(lambda: wanted <= self.failed_runs(), 240, f"errors at {sorted(wanted)}")

    def wait_for_ends(self, *dues: Due) -> None:
        """Waits until the jobs of times are over."""
        for due in dues:
            until(lambda due=due: self.has_ended(due), 240, f"the jobs of {due}")

    def wait_for_letters(self, due: Due) -> None:
        """Waits until the alerts have taken the runs of a time out of the dead-letter queue."""

        def have_arrived() -> bool:
            lines = [line for line in self.lines(ALERTS_LOG) if "trigger-dead-letter" in line and due.time in line]
            return all(any(f"{SERVICE}-{job}" in line for line in lines) for job in due.jobs)

        until(have_arrived, 240, f"the letters of {due}")


def _content(service: str, kind: str, operation: str | None = None, value: Any = True) -> dict[str, Any]:
    """A fault, as local AWS is asked for it."""
    return {"service": service, kind: value, **({} if operation is None else {"operation": operation})}
