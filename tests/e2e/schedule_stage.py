"""A deployed stage whose clock a test drives, and what a test asks of its jobs and of the records of their runs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from tests.e2e.checkout import Checkout

PREFIX = "batchtab-local"
SERVICE = "schedules"
GROUP = f"{PREFIX}-{SERVICE}"
FUNCTION = f"{PREFIX}-submit-run"
TABLE = f"{PREFIX}-job-runs"
QUEUE = f"{PREFIX}-default"


@dataclass
class Stage:
    """A stage of one service, deployed by Terraform."""

    checkout: Checkout
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = self.checkout.client(service)
        return self.clients[service]

    def jump(self, moment: str) -> None:
        """Sets the clock; what lies between is not run."""
        self.checkout.ask("clock", time=moment)

    def walk(self, moment: str, *, or_is_past: bool = False) -> None:
        """Lets the clock go on to a moment, unless it may be past it: a clock that goes is."""
        try:
            self.checkout.ask("clock", advance_to=moment)
        except urllib.error.HTTPError as error:
            if not or_is_past or "past" not in error.read().decode():
                raise

    def only_our_schedules(self) -> None:
        """Freezes the clock, and ends the triggers of the services that were deployed before."""
        self.checkout.ask("clock", speed=0)
        events = self.client("events")
        for rule in events.list_rules()["Rules"]:
            if rule.get("ScheduleExpression") and not rule["Name"].startswith(f"{PREFIX}-{SERVICE}-"):
                events.disable_rule(Name=rule["Name"])
        scheduler = self.client("scheduler")
        for schedule in scheduler.list_schedules()["Schedules"]:
            if schedule["GroupName"] != GROUP:
                scheduler.delete_schedule(Name=schedule["Name"], GroupName=schedule["GroupName"])

    def jobs(self, name: str) -> list[dict[str, Any]]:
        """All jobs of a name, in the order of their submission."""
        batch = self.client("batch")
        filters = [{"name": "JOB_NAME", "values": [f"{SERVICE}-{name}"]}]
        pages = batch.get_paginator("list_jobs").paginate(jobQueue=QUEUE, filters=filters)
        ids = [job["jobId"] for page in pages for job in page["jobSummaryList"]]
        found = [
            job
            for start in range(0, len(ids), 100)
            for job in batch.describe_jobs(jobs=ids[start : start + 100])["jobs"]
        ]
        return found[::-1]

    def ended(self, name: str, count: int) -> bool:
        """Whether there are so many jobs of a name, and all have ended."""
        jobs = self.jobs(name)
        return len(jobs) == count and all(job["status"] in ("SUCCEEDED", "FAILED") for job in jobs)

    def records(self, name: str) -> dict[str, dict[str, Any]]:
        """What the table says of a job's runs, by time of the day."""
        pages = (
            self.client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=TABLE,
                KeyConditionExpression="job = :job AND begins_with(#item, :run)",
                ExpressionAttributeNames={"#item": "item"},
                ExpressionAttributeValues={":job": {"S": f"{SERVICE}-{name}"}, ":run": {"S": "run#"}},
                ConsistentRead=True,
            )
        )
        items = [{key: next(iter(value.values())) for key, value in i.items()} for page in pages for i in page["Items"]]
        return {item["item"].split("T")[1][:5]: item for item in items}

    def is_paused(self, name: str) -> bool:
        """Whether a job has paused itself."""
        key = {"job": {"S": f"{SERVICE}-{name}"}, "item": {"S": "state"}}
        found = self.client("dynamodb").get_item(TableName=TABLE, Key=key, ConsistentRead=True)
        return "paused" in str(found.get("Item"))

    def function_log(self) -> list[str]:
        """The lines of the submit function's log."""
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{FUNCTION}")
        return [each["message"] for page in pages for each in page["events"]]

    def answers(self, name: str) -> int:
        """How often the submit function has answered for a run of a job."""
        run = f'"run_id": "{SERVICE}-{name}@'
        return sum(run in line and '"outcome"' in line for line in self.function_log())

    def function_process(self) -> int:
        """The process that runs the submit function, of which there has to be one."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_text()
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if f"/ministack-lambda-{FUNCTION}-" in command and int(parent) == self.checkout.local_pid():
                found.append(int(folder.name))
        [pid] = found
        return pid

    def deploy_jobs(self) -> str:
        """Deploys the service's stack as its file says now; returns what Terraform did."""
        printed = self.checkout.run("env").stdout
        script = f"{printed}\nexec cdktf deploy --skip-provider-lock --auto-approve jobs-{SERVICE}"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.checkout.root,
            env=self.checkout.environment,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self) -> None:
        os.kill(self.checkout.local_pid(), signal.SIGTERM)


@dataclass
class Watch:
    """Waits in the background for something that may take minutes; `seconds` is how long it took, if it came."""

    condition: Callable[[], bool]
    patience_seconds: float
    seconds: float | None = None

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while time.monotonic() - self._began < self.patience_seconds:
            # The stage may be away, or gone when a test has failed.
            with contextlib.suppress(BotoCoreError, ClientError):
                if self.condition():
                    self.seconds = time.monotonic() - self._began
                    return
            time.sleep(1)

    def wait(self) -> None:
        """Waits until it has come, or patience is over."""
        self._thread.join()


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Waits for something.

    Raises:
        AssertionError: it did not come.
    """
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.25)
    return found


def variables(job: dict[str, Any]) -> dict[str, str]:
    """A job's environment."""
    return {each["name"]: each["value"] for each in job["container"]["environment"]}


def scheduled_times(jobs: list[dict[str, Any]]) -> list[str]:
    """Of each job, the time for which it runs."""
    return [variables(job)["BATCHTAB_SCHEDULED_TIME"] for job in jobs]
