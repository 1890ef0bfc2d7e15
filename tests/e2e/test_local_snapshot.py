"""A snapshot of local AWS: what is started from it is the AWS that it was taken of."""

from __future__ import annotations

import hashlib
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.e2e import local_sight, local_stage
from tests.e2e.local_helpers import (
    LocalAws,
    lambda_function,
    make_batch,
    received,
    running,
    sqs_queue,
    wait_until,
    write_config,
)
from tests.e2e.test_local_process import fails

pytestmark = pytest.mark.e2e

# An hour before the rule and the schedule of the stage are due.
CLOCK = ("--time", "2026-01-01T02:00:00+00:00", "--speed", "0")
_IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}")


@dataclass
class Sight:
    """What was seen of one local AWS: what it had, and a story that went on from there."""

    port: int
    had: dict[str, Any]
    story: dict[str, Any]


@pytest.fixture(scope="module")
def sights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sight, Sight]:
    """The local AWS in which everything was made, and another one that was started from its snapshot."""
    folder = tmp_path_factory.mktemp("snapshot")
    with running(folder, *CLOCK) as local:
        local_stage.make(local)
        session = local.client("sts").assume_role(RoleArn=local_stage.ROLE, RoleSessionName="stage")["Credentials"]
        wait_until(lambda: len(local_sight.ended_jobs(local)) == 2, "the jobs to end")
        file = local.snapshot(folder / "snapshot.json")
        first = look(local, session)
    with running(folder, *CLOCK, snapshot=file) as local:
        second = look(local, session)
        assert "Traceback" not in (folder / "local.log").read_text()
    return first, second


def look(local: LocalAws, session: dict[str, Any]) -> Sight:
    had = local_sight.seen(local)
    had["session"] = caller(local, session)
    return Sight(local.port, had, play_story(local))


def caller(local: LocalAws, session: dict[str, Any]) -> str:
    client = boto3.session.Session().client(
        "sts",
        endpoint_url=local.endpoint,
        region_name="us-east-1",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    return str(client.get_caller_identity()["Arn"])


def play_story(local: LocalAws) -> dict[str, Any]:
    """A message arrives, a job runs, a rule and a schedule fire, a function is invoked in three ways."""
    batch, url = local.client("batch"), local_stage.queue_url(local)
    [waited] = received(local, url)
    assert waited["MD5OfBody"] == md5(waited["Body"].encode())
    local.client("events").enable_rule(Name="stage")
    job_id = batch.submit_job(jobName="story", jobQueue="stage", jobDefinition="stage")["jobId"]
    wait_until(lambda: batch.describe_jobs(jobs=[job_id])["jobs"][0]["status"] == "SUCCEEDED", "the job to end")
    local.post("clock", advance_to="2026-01-01T03:00:30+00:00")
    local.client("sqs").send_message(QueueUrl=local_stage.queue_url(local, "source"), MessageBody="mapped")
    direct = local.client("lambda").invoke(FunctionName="stage", Payload=b'{"detail-type": "direct"}')
    answer = json.loads(direct["Payload"].read())
    messages: list[str] = []

    def arrived() -> bool:
        messages.extend(message["Body"] for message in received(local, url))
        return len(messages) >= 5

    wait_until(arrived, "the messages of the job, the rule, the schedule and two invocations")
    story = {
        "waited": waited["Body"],
        "answer": answer,
        "messages": sorted(messages),
        "job": batch.describe_jobs(jobs=[job_id])["jobs"],
        "jobs": [job["jobName"] for job in batch.list_jobs(jobQueue="stage", jobStatus="SUCCEEDED")["jobSummaryList"]],
    }
    return json.loads(_IDS.sub("<id>", json.dumps(local_sight.plain(story, local.port))))


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def test_every_list_and_description_is_the_same(sights: tuple[Sight, Sight]) -> None:
    # GIVEN something of every service, on one port and, from a snapshot, on another
    first, second = sights
    assert first.port != second.port
    # THEN all lists and descriptions are the same
    assert len(first.had) > 80
    differing = [name for name, answer in first.had.items() if second.had[name] != answer]
    assert differing == []
    assert list(first.had) == list(second.had)


def test_a_story_goes_the_same_way(sights: tuple[Sight, Sight]) -> None:
    first, second = sights
    assert first.story == second.story


def test_urls_are_those_of_the_new_port(sights: tuple[Sight, Sight]) -> None:
    # GIVEN an object, a function's variable and a queue that have the URL of local AWS
    _, second = sights
    body = next(answer["Body"] for name, answer in second.had.items() if "'state', 'ChecksumMode'" in name)
    # THEN none of them has another port than the new one
    assert b":PORT/" in body
    assert second.story["answer"]["seen"].startswith("http://127.0.0.1:PORT/")
    assert not re.search(rf"127\.0\.0\.1:(?!PORT|{second.port})", json.dumps(second.had, default=str))


def test_rewritten_object_has_the_sums_of_its_new_body(tmp_path: Path) -> None:
    # GIVEN a snapshot with an object that has the URL of local AWS
    with running(tmp_path) as local:
        s3 = local.client("s3")
        s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
        s3.put_object(Bucket="bucket", Key="key", Body=f"at {local.endpoint}", ChecksumAlgorithm="SHA256")
        file = local.snapshot(tmp_path / "snapshot.json")
    # WHEN it is read from another port, by a client that checks its SHA-256
    with running(tmp_path, snapshot=file) as local:
        answer = local.client("s3").get_object(Bucket="bucket", Key="key", ChecksumMode="ENABLED")
        body = answer["Body"].read()
        # THEN body, length and ETag are of one piece
        assert body == f"at {local.endpoint}".encode()
        assert answer["ContentLength"] == len(body)
        assert answer["ETag"] == f'"{md5(body)}"'
        assert answer["ChecksumSHA256"]


def test_what_was_due_meanwhile_does_not_run(tmp_path: Path) -> None:
    # GIVEN a rule of every minute, a schedule of every minute and one of a past time
    with running(tmp_path, *CLOCK) as local:
        batch = make_batch(local)
        url, arn = sqs_queue(local)
        local.client("events").put_rule(Name="rule", ScheduleExpression="rate(1 minute)")
        local.client("events").put_targets(Rule="rule", Targets=[{"Id": "queue", "Arn": arn, "Input": '"rule"'}])
        for name, expression in (("rate", "rate(1 minute)"), ("once", "at(2026-01-01T02:00:30)")):
            local.client("scheduler").create_schedule(
                Name=name,
                ScheduleExpression=expression,
                FlexibleTimeWindow={"Mode": "OFF"},
                Target={"Arn": arn, "RoleArn": batch.role, "Input": name},
            )
        wait_until(lambda: [each["Body"] for each in received(local, url)] == ["rate"], "the first of the rate")
        file = local.snapshot(tmp_path / "snapshot.json")
    # WHEN local AWS starts from it ten minutes later
    with running(tmp_path, "--time", "2026-01-01T02:10:15+00:00", "--speed", "0", snapshot=file) as local:
        url = local.client("sqs").list_queues()["QueueUrls"][0]
        local.post("clock", advance_seconds=1)
        missed = received(local, url)
        local.post("clock", advance_seconds=60)
        # THEN nothing of the ten minutes is made up for, and then both go on
        assert missed == []
        assert sorted(each["Body"] for each in received(local, url)) == ['"rule"', "rate"]


def test_no_snapshot_is_taken_while_something_is_under_way(tmp_path: Path) -> None:
    with running(tmp_path) as local:
        batch = make_batch(local)
        # GIVEN a job that runs
        job = batch.submit(batch.define_gated("gate"))
        batch.wait(job, "RUNNING")
        # WHEN a snapshot is asked for THEN it is refused, and says which job it is
        status, message = local.refused("GET", "snapshot")
        assert (status, job in message) == (409, True), message
        batch.open("gate")
        batch.wait(job)


def test_snapshot_waits_for_an_invocation_that_ends_in_a_moment(tmp_path: Path) -> None:
    with running(tmp_path) as local:
        # GIVEN a function that runs for a second
        batch = make_batch(local)
        function = lambda_function(batch, "import time\ndef handler(event, context): time.sleep(event)\n")
        local.client("lambda").invoke(FunctionName=function, Payload=b"0")
        began = time.monotonic()
        local.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=b"1")
        # WHEN a snapshot is asked for THEN it comes when the function has ended
        local.snapshot(tmp_path / "snapshot.json")
        assert time.monotonic() - began >= 1
        # AND an invocation that waits to be tried again is under way
        local.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=b'"bad"')
        time.sleep(1)
        assert "function" in local.refused("GET", "snapshot")[1]


def test_snapshot_of_something_else_is_refused_in_one_line(tmp_path: Path) -> None:
    # GIVEN a file that is no snapshot
    file = tmp_path / "snapshot.json"
    file.write_text("{}")
    # WHEN local AWS is to start from it THEN it says so in one line
    line = fails("--config", str(write_config(tmp_path)), "--port", "0", "--snapshot", str(file))
    assert line.startswith(f"local: {file}: is no snapshot")
