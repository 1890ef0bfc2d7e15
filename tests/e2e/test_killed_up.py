"""An apply that is killed in the middle: the next `up` recovers."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.checkout import Checkout
from tests.e2e.local_helpers import wait_until

from batchtab.terraform.processes import descendants

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A small stage: one service, one queue."""
    environment = {"capacity": "EC2", "queues": {"default": 5}}
    made = Checkout.make(tmp_path_factory.mktemp("killed"), environment=environment, jobs=["my-service"])
    jobs = made.root / "jobs" / "my-service" / "jobs.yaml"
    jobs.write_text(jobs.read_text().replace("queue: continuously", "queue: default"))
    for service in ("examples",):  # its queue is not there
        (made.root / "jobs" / service / "jobs.yaml").unlink()
    yield made
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        os.kill(made.local_pid(), signal.SIGTERM)


def _kill_all(process: subprocess.Popen[bytes], but: int) -> None:
    """As where the machine is switched off: nobody gets to clean up. Local AWS lives on.

    All are stopped first, or Terraform would see its provider die and release the lock.
    """
    family = [process.pid, *(pid for pid, _ in descendants(process.pid) if pid != but)]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
    process.wait()


def _is_there(checkout: Checkout) -> bool:
    try:
        return bool(checkout.ask("health", "GET"))
    except (OSError, ValueError):  # not written down yet, or not listening
        return False


def _is_creating(log: Path) -> bool:
    return log.exists() and b"Creating..." in log.read_bytes()


def test_up_recovers_from_a_kill_in_the_middle_of_the_apply(checkout: Checkout) -> None:
    # GIVEN an `up` that is creating resources
    log = checkout.root / ".batchtab" / "terraform-network.log"
    first = subprocess.Popen(
        checkout.command("up"),
        cwd=checkout.root,
        env=checkout.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: first.poll() is not None or _is_there(checkout), "local AWS", seconds=600)
    checkout.ask("faults", service="ec2", operation="CreateVpc", hold_answer_seconds=600)
    wait_until(lambda: first.poll() is not None or _is_creating(log), "the apply", seconds=600)
    assert first.poll() is None, log.read_text()
    # WHEN it and all that it started are killed
    _kill_all(first, but=checkout.local_pid())
    checkout.ask("faults", "DELETE")
    s3 = checkout.client("s3")
    assert s3.list_objects_v2(Bucket="batchtab-local-state", Prefix="local/network.tfstate.tflock").get("Contents")
    # AND `up` runs again
    second = checkout.run("up")
    # THEN it tells of the lock with the command that clears it, and deploys all
    assert second.returncode == 0, second.stderr + log.read_text(errors="replace")[-3000:]
    assert "Stale lock: the state of network is locked since" in second.stderr
    assert "batchtab unlock network --stage local" in second.stderr
    batch = checkout.client("batch")
    names = {found["jobDefinitionName"] for found in batch.describe_job_definitions()["jobDefinitions"]}
    assert names == {"batchtab-local-my-service-do-something", "batchtab-local-my-service-do-often"}
