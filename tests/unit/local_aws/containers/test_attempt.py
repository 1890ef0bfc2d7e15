"""One attempt whose start fails or is interrupted, in the Python that has local AWS's own packages."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest
from tests.e2e.local_helpers import PYTHON, ROOT

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="not installed: local AWS's packages (make setup)")

# An attempt of which a test says what its run does at each step; prints what became of it.
SCRIPT = """
import json, threading
from types import SimpleNamespace as Of
from batchtab.local_aws.batch import attempt as module
from batchtab.local_aws.batch.member import Member
from batchtab.local_aws.batch.task import Container
from batchtab.local_aws.clock import Clock

calls = []

class Run:
    exit_code, reason = None, ""
    def start(self):
        calls.append("start")
        at("start")
    def follow(self, write):
        calls.append("follow")
        at("follow")
    def stop(self):
        calls.append("stop")
    def kill(self):
        calls.append("kill")
    def close(self):
        calls.append("close")
        at("close")
        self.exit_code = 0

log = Of(open=lambda roles: None, write=lambda lines: None, close=lambda: None, name="l")

class Launcher:
    def close(self, task):
        calls.append("credentials closed")
    def prepare(self, *arguments):
        at("prepare")
        return [Member(Container("default", {}), Run(), log)]

def roles(*arguments):
    at("roles")
    return Of(check_trust=lambda: None, check=lambda *_: None)

module.of_task = roles
record = {
    "jobDefinition": "arn:aws:batch:eu-west-1:123456789012:job-definition/d:1", "container": {},
    "platformCapabilities": ["EC2"], "jobName": "j",
}
job = Of(record=record, account_id="123456789012", region="eu-west-1", id="1")
attempt = module.Attempt(job, 1, {"computeEnvironmentName": "ce"}, Launcher(), Clock(None, 0), None)

def at(step):
    if step == WHERE:
        WHAT(attempt)

def fail(attempt):
    raise RuntimeError("out of luck")

def kill(attempt):
    attempt.kill()

WHERE, WHAT = @
attempt.run(lambda attempt: calls.append("running"))
print(json.dumps([calls, attempt.status_reason, attempt.reason, attempt.exit_code]))
"""


def attempt(where: str, what: str) -> Any:
    done = subprocess.run(
        [PYTHON, "-c", SCRIPT.replace("@", f"{where!r}, {what}")],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "AUTH": "false"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("where", "calls", "status"),
    [
        ("roles", [], "Task failed to start"),
        ("prepare", [], "Task failed to start"),
        ("start", ["start", "close"], "Task failed to start"),
        ("follow", ["start", "running", "follow", "close"], "Local AWS could not follow the job to its end"),
        ("close", ["start", "running", "follow", "close"], "Local AWS could not follow the job to its end"),
    ],
)
def test_whatever_fails_both_are_closed_and_the_job_fails_in_words(where: str, calls: list[str], status: str) -> None:
    # GIVEN a fault of a kind that nobody has thought of WHEN an attempt meets it
    made = attempt(where, "fail")
    # THEN its run is closed and its credentials are, and it says what it was
    assert made == [[*calls, "credentials closed"], status, "RuntimeError: out of luck", None]


@pytest.mark.parametrize(
    ("where", "calls"),
    [("prepare", ["close"]), ("start", ["start", "kill", "close"])],
)
def test_what_is_killed_before_it_has_started_does_not_run(where: str, calls: list[str]) -> None:
    # GIVEN an attempt WHEN it is killed while it is prepared or started
    made = attempt(where, "kill")
    # THEN it is closed at once, and never said to run
    reason = "CannotStartContainerError: the job was ended while it was being started"
    assert made == [[*calls, "credentials closed"], "Task failed to start", reason, None]
