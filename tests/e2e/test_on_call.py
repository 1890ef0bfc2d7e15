"""A night on call, on local AWS: an array fails in two children; from the alert to the cause, the fix and the retry.

Each command is one that the message before it shows, or of docs/operate.md.
"""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.e2e.checkout import Checkout
from tests.e2e.deployed import Deployed

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

JOB = "examples-pictures"
YAML = """
  pictures:
    command: [python, -m, jobs.examples.pictures]
    schedule: 0 3 * * *
    timezone: Asia/Seoul
    array_size: 8
"""
PROGRAM = """
import os

index = int(os.environ["AWS_BATCH_JOB_ARRAY_INDEX"])
print(f"picture {index} of {os.environ['AWS_BATCH_JOB_ARRAY_SIZE']} for {os.environ['BATCHTAB_SCHEDULED_TIME']}")
if index in {BROKEN}:
    raise SystemExit(f"picture {index} has no file")
"""
PATIENCE_SECONDS = 120.0


def until(found: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := found()):
        assert time.monotonic() < deadline, what
        time.sleep(0.5)
    return value


@pytest.fixture(scope="module")
def night(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """The stage, with a job that runs at three in Seoul; it was three last night a moment ago."""
    with deployed.restored(tmp_path_factory.mktemp("night")) as checkout:
        jobs = checkout.root / "jobs" / "examples"
        (jobs / "jobs.yaml").write_text((jobs / "jobs.yaml").read_text() + YAML)
        (jobs / "pictures.py").write_text(PROGRAM.replace("BROKEN", "3, 5"))
        done = checkout.run("up")
        assert done.returncode == 0, done.stderr + done.stdout
        yield checkout


def slack(checkout: Checkout, word: str) -> list[str]:
    entries = checkout.ask("slack", "GET")
    return [text for entry in entries if JOB in (text := json.dumps(entry, ensure_ascii=False)) and word in text]


def test_from_the_alert_to_the_recovery(night: Checkout) -> None:
    # GIVEN a night in which two children of an array fail
    three = datetime.now(UTC).replace(hour=18, minute=0, second=0, microsecond=0)
    three -= timedelta(days=three > datetime.now(UTC) - timedelta(minutes=5))
    night.ask("clock", time=f"{three - timedelta(seconds=20):%Y-%m-%dT%H:%M:%SZ}")
    night.ask("clock", advance_seconds=60)
    (alert, *_) = until(lambda: slack(night, "children failed"), "an alert")
    night.ask("clock", time=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    # THEN the alert names both, and has a command
    assert "2 of 8 children failed" in alert
    command = re.search(r"batchtab (retry ([0-9a-f-]{36}) --stage local)", alert)
    assert command is not None, alert
    retry, run = shlex.split(command[1]), command[2]

    # WHEN somebody asks why THEN the story has the trigger, the children and their exit code
    why = night.run("why", run, "--stage", "local")
    assert why.returncode == 0, why.stderr
    for part in ("0 3 * * *", "3, 5", "exit code 1", "cause:", "batchtab logs"):
        assert part in why.stdout, (part, why.stdout)

    # WHEN the log of what failed is asked for THEN it is of those two, by index
    logs = night.run("logs", run, "--failed", "--stage", "local")
    assert logs.returncode == 0, logs.stderr
    assert re.findall(r"^\[(\d)\] picture \d has no file$", logs.stdout, re.MULTILINE) == ["3", "5"]
    assert "[4]" not in logs.stdout

    # WHEN it is fixed, and the alert's command is pasted
    program = night.root / "jobs" / "examples" / "pictures.py"
    program.write_text(PROGRAM.replace("BROKEN", "99"))
    done = night.run(*retry)
    assert done.returncode == 0, done.stderr
    assert "children 3,5" in done.stdout

    # THEN those two run again, for the same time and as children of eight, and the log ends with their success
    follows = night.run("logs", "pictures", "-f", "--stage", "local")
    assert follows.returncode == 0, follows.stderr + follows.stdout
    again = re.findall(r"picture (\d) of 8 for (\S+)", follows.stdout)
    assert sorted(again) == [(index, f"{three:%Y-%m-%dT%H:%M:%SZ}") for index in ("3", "5")]
    # AND Slack hears that it recovered
    until(lambda: slack(night, "recovered"), "the recovery")
    # AND the same command once more runs nothing
    twice = night.run(*retry)
    assert twice.returncode == 4, twice.stderr
    assert "retried already" in twice.stdout + twice.stderr
    # AND the night is a success in all that lists it
    history = json.loads(night.run("history", "pictures", "--json").stdout.splitlines()[0])
    assert (history["status"], history["scheduled_time"]) == ("SUCCEEDED", f"{three:%Y-%m-%dT%H:%M:%SZ}")
    (status,) = json.loads(night.run("status", "pictures", "-o", "json").stdout)["jobs"]
    assert status["job"] == JOB
    assert "SUCCEEDED" in json.dumps(status)


def test_a_run_that_somebody_starts_is_followed_to_its_end_and_what_does_not_run_says_why(night: Checkout) -> None:
    # WHEN a job is run and followed THEN its status is the command's
    assert night.run("run", "hello", "--follow").returncode == 0
    failed = night.run("run", "fail", "--follow")
    assert failed.returncode == 1
    # AND a job with a policy gives way to the run before it
    long = ("--timeout", "600", "--", "python", "-m", "jobs.examples.step", "nightly", "300")
    assert night.run("run", "nightly", "--detach", *long).returncode == 0
    second = night.run("run", "nightly", "--detach")
    assert second.returncode == 4, second.stdout + second.stderr
    # AND ps shows the one that runs, and stop ends it
    running = json.loads(night.run("ps", "-o", "json").stdout)
    (job_id,) = {each["job_id"] for each in running if each["job"] == "examples-nightly"}
    stopped = night.run("stop", job_id, "--yes", "--wait", "--reason", "wrong night")
    assert stopped.returncode == 0, stopped.stderr
    why = night.run("why", job_id)
    assert "wrong night" in why.stdout
    # AND what there is not is not found
    assert night.run("logs", "ffffffff").returncode == 3
    assert night.run("why", "pictures@2026-11-01T04:00").returncode in (0, 3)
