"""Local AWS under load: what a client asked for is done once, and it hears of it.

`CREATION_ROUNDS=50 pytest tests/e2e/test_local_load.py` goes on for longer.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import uuid
from collections import Counter
from pathlib import Path
from urllib.parse import urlencode

import pytest
from tests.e2e.local_helpers import (
    PYTHON,
    REGION,
    TRUST,
    LocalAws,
    make_role,
    received,
    running,
    sqs_queue,
    wait_until,
)
from tests.examples import rounds

pytestmark = pytest.mark.e2e

CONNECTIONS = 200
ROUNDS = rounds("CREATION_ROUNDS", 2, in_ci=50)
# Hypercorn's timers at 150 times their speed: 75 seconds, after which it ended idle connections, are half a second.
IDLE_SECONDS = 75 / 150
FAST_TIMERS = """\
import asyncio
from hypercorn.asyncio import tcp_server
class Fast:
    def __getattr__(self, name): return getattr(asyncio, name)
    def wait_for(self, awaited, timeout): return asyncio.wait_for(awaited, timeout and timeout / 150)
tcp_server.asyncio = Fast()
"""


class Connection:
    """A connection that is kept for one request after the other, as SDKs keep theirs."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(
        self,
        service: str,
        method: str,
        path: str,
        kind: str,
        body: bytes,
        *,
        call: str = "",
        attempt: int = 1,
        hasty: bool = False,
    ) -> int:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self._port}",
            f"Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, Signature=-",
            f"Content-Type: {kind}",
            f"Content-Length: {len(body)}",
            f"Amz-Sdk-Invocation-Id: {call or uuid.uuid4()}",
            f"Amz-Sdk-Request: attempt={attempt}; max=5",
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().splitlines()
        if hasty:
            return 0
        length = next((line.partition(":")[2] for line in head if line.startswith("content-length:")), "0")
        await reader.readexactly(int(length))
        return int(head[0].split()[1])

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


async def create(connection: Connection, kind: str, name: str, target: dict[str, str]) -> str:
    """Create something as an SDK does, which tries again where no answer comes; returns the status."""
    await asyncio.sleep(random.uniform(0.9, 1.1) * IDLE_SECONDS)  # noqa: S311 - no secret
    form = "application/x-www-form-urlencoded"
    if kind == "role":
        content = {"Action": "CreateRole", "RoleName": name, "AssumeRolePolicyDocument": TRUST}
        request = ("iam", "POST", "/", form, urlencode(content).encode())
    elif kind == "template":
        content = {"Action": "CreateLaunchTemplate", "LaunchTemplateName": name}
        data = {"LaunchTemplateData.InstanceType": "m5.large"}
        request = ("ec2", "POST", "/", form, urlencode(content | data).encode())
    else:
        expression = "cron(0 3 1 1 ? *)" if kind == "cron" else "rate(1 day)"
        schedule = {"ScheduleExpression": expression, "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target}
        request = ("scheduler", "POST", f"/schedules/{name}", "application/json", json.dumps(schedule).encode())
    status = await answered(connection, request, call=name)
    if kind in ("cron", "rate"):
        await answered(
            connection, ("scheduler", "DELETE", f"/schedules/{name}", "application/json", b""), call=f"-{name}"
        )
    return status


async def answered(connection: Connection, request: tuple[str, str, str, str, bytes], *, call: str) -> str:
    """Send a request until it is answered, four times at most; returns the status."""
    for attempt in range(1, 5):
        try:
            return str(await connection.send(*request, call=call, attempt=attempt))
        except (OSError, asyncio.IncompleteReadError):
            connection.close()
    return "no answer"


async def storm(local: LocalAws, target: dict[str, str]) -> Counter[str]:
    connections = [Connection(local.port) for _ in range(CONNECTIONS)]
    outcomes = Counter[str]()
    for round_number in range(ROUNDS):
        kinds = ("role", "template", "cron", "rate")
        outcomes.update(
            await asyncio.gather(
                *(
                    create(connection, kinds[number % 4], f"n{round_number}-{number}", target)
                    for number, connection in enumerate(connections)
                )
            )
        )
    for connection in connections:
        connection.close()
    return outcomes


def test_many_creations_at_once_are_each_made_once_and_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(FAST_TIMERS)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]]))
    with running(tmp_path) as local:
        role = make_role(local)
        url, arn = sqs_queue(local)
        # GIVEN 200 connections that have been idle for as long as Hypercorn would bear, a little more or less
        # WHEN each creates something, round after round, and an SDK behind it would repeat what has no answer
        outcomes = asyncio.run(storm(local, {"Arn": arn, "RoleArn": role, "Input": "rate"}))
        # THEN every creation succeeds, though Hypercorn ends connections on which a request has just come in
        assert outcomes == {"200": CONNECTIONS * ROUNDS}
        # AND the clock goes on: a rate fires at once, each of those above has
        received(local, url)
        local.client("scheduler").create_schedule(
            Name="last",
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": arn, "RoleArn": role, "Input": "last"},
        )
        wait_until(lambda: "last" in [each["Body"] for each in received(local, url)], "the last rate to fire")
        assert "Traceback" not in (tmp_path / "local.log").read_text()


def test_who_missed_an_answer_gets_it_again_and_nothing_is_made_twice(tmp_path: Path) -> None:
    async def story(port: int) -> list[int]:
        role = {"Action": "CreateRole", "RoleName": "role", "AssumeRolePolicyDocument": TRUST}
        request = ("iam", "POST", "/", "application/x-www-form-urlencoded", urlencode(role).encode())
        # GIVEN a client that closes its connection as soon as an answer begins, as Go's does where that comes early
        hasty, patient = Connection(port), Connection(port)
        await hasty.send(*request, call="one", attempt=1, hasty=True)
        hasty.close()
        # WHEN it sends the same again
        again = await patient.send(*request, call="one", attempt=2)
        # AND another call does, and one whose first attempt never came
        other = await patient.send(*request, call="two", attempt=1)
        late = await patient.send(*request, call="three", attempt=2)
        patient.close()
        return [again, other, late]

    with running(tmp_path) as local:
        # THEN it gets the answer that it missed; the others are refused, since there is such a role
        assert asyncio.run(story(local.port)) == [200, 409, 409]
        # AND what is refused is looked at anew each time
        local.client("iam").delete_role(RoleName="role")


LOOKS = """\
import sys, threading
from ministack.services import scheduler
from batchtab.local_aws.clock import Clock
from batchtab.local_aws.schedules import Schedules

sys.setswitchinterval(1e-6)
schedules, faults = Schedules(Clock()), []

def work(number):
    try:
        for each in range(150):
            key = ("123456789012", "eu-west-1", f"default/{number}-{each}")
            scheduler._schedules._data[key] = {
                "ScheduleExpression": "rate(1 day)", "State": "ENABLED", "CreationDate": 0, "Target": {}
            }
            schedules.next_moment()
    except Exception as error:
        faults.append(repr(error))

threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(faults, len(schedules.begun))
"""


def test_requests_and_the_clock_may_look_at_schedules_at_once() -> None:
    # WHEN four threads make schedules and look at them, as the clock and requests do
    done = subprocess.run([str(PYTHON), "-c", LOOKS], capture_output=True, text=True, timeout=300, check=True)
    # THEN none meets a fault, and no schedule is lost
    assert done.stdout.strip() == "[] 600"
