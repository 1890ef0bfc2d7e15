"""What is deployed of the stage of `benchmarks/operate.py`, made by AWS's own calls, without Terraform."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.e2e.local_helpers import REGION, LocalAws, ec2_resources, make_role

from batchtab import names
from batchtab.declarations.named_jobs import NamedJob

PREFIX = "batchtab-local"
QUEUES = {"default": 5, "continuously": 3}
TABLE = f"{PREFIX}-job-runs"
CHILDREN = 10
_VCPUS = 16
_AT_ONCE = 4
_ITEMS = 25  # of BatchWriteItem
_SECONDS = 120.0
_ASKS = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]


def deploy(local: LocalAws, bucket: str, jobs: Sequence[NamedJob]) -> None:
    """Makes all that `batchtab up` would make and these commands look at, and has a job and an array run to the end."""
    role = make_role(local)
    _make_queues(local)
    local.client("logs").create_log_group(logGroupName=f"/aws/batch/{PREFIX}")
    local.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    _make_table(local)
    scheduler = local.client("scheduler")
    for service in dict.fromkeys(job.service for job in jobs):
        scheduler.create_schedule_group(Name=names.schedule_group(PREFIX, service))
        _put_state(local, bucket, service, [job for job in jobs if job.service == service])
    _each(jobs, lambda job: _make_job(local, job, role))
    _run(local, jobs[0])


def snapshot(local: LocalAws) -> Any:
    """All that local AWS has, once nothing is under way."""
    deadline = time.monotonic() + _SECONDS
    while True:
        status, body = local.request("GET", "/_local/snapshot")
        if status == 200:
            return json.loads(body)
        assert time.monotonic() < deadline, body
        time.sleep(0.2)


def write_records(local: LocalAws, items: Sequence[Any]) -> None:
    """Writes items of the table of runs."""
    dynamodb = local.client("dynamodb")
    portions = [items[begin : begin + _ITEMS] for begin in range(0, len(items), _ITEMS)]
    _each(
        portions,
        lambda each: dynamodb.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": item}} for item in each]}),
    )


def wait_in_front(local: LocalAws, job: str, count: int) -> None:
    """Submits jobs, the first of which no environment can take, so that all wait behind it."""
    batch = local.client("batch")
    for number in range(count):
        asks = [{"type": "VCPU", "value": "64"}] if number == 0 else []
        batch.submit_job(
            jobName=job,
            jobQueue=f"{PREFIX}-default",
            jobDefinition=f"{PREFIX}-{job}",
            containerOverrides={"resourceRequirements": asks},
        )


# --- what is deployed


def _make_queues(local: LocalAws) -> None:
    batch = local.client("batch")
    resources = ec2_resources(local, _VCPUS)
    batch.create_compute_environment(computeEnvironmentName=PREFIX, type="MANAGED", computeResources=resources)
    order = [{"order": 1, "computeEnvironment": PREFIX}]
    for name, priority in QUEUES.items():
        batch.create_job_queue(jobQueueName=f"{PREFIX}-{name}", priority=priority, computeEnvironmentOrder=order)


def _make_table(local: LocalAws) -> None:
    local.client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "job", "KeyType": "HASH"}, {"AttributeName": "item", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("job", "item")],
    )


def _put_state(local: LocalAws, bucket: str, service: str, jobs: Iterable[NamedJob]) -> None:
    """Terraform's state of a service, as far as commands read it."""
    resources = [
        {
            "mode": "managed",
            "type": "aws_batch_job_definition",
            "instances": [{"attributes": {"name": f"{PREFIX}-{job.full}", "revision": 1}}],
        }
        for job in jobs
    ]
    body = json.dumps({"version": 4, "resources": resources}).encode()
    local.client("s3").put_object(Bucket=bucket, Key=f"local/jobs-{service}.tfstate", Body=body)


def _make_job(local: LocalAws, job: NamedJob, role: str) -> None:
    """A job's definition and its trigger, which starts nothing: the clock of the stage is frozen."""
    full = f"{PREFIX}-{job.full}"
    local.client("batch").register_job_definition(
        jobDefinitionName=full,
        type="container",
        containerProperties={
            "image": "bench:v1",
            "command": list(job.spec.command),
            "resourceRequirements": _ASKS,
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {"awslogs-group": f"/aws/batch/{PREFIX}", "awslogs-stream-prefix": job.full},
            },
        },
    )
    timing = job.spec.timing
    assert timing is not None
    if timing.trigger == "rule":
        local.client("events").put_rule(Name=names.rule(full), ScheduleExpression=timing.expression)
        return
    local.client("scheduler").create_schedule(
        Name=names.schedule(full),
        GroupName=names.schedule_group(PREFIX, job.service),
        ScheduleExpression=timing.expression,
        ScheduleExpressionTimezone=timing.zone.key,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob", "RoleArn": role, "Input": "{}"},
    )


def _run(local: LocalAws, job: NamedJob) -> None:
    batch = local.client("batch")
    ids = [
        batch.submit_job(
            jobName=job.full,
            jobQueue=f"{PREFIX}-default",
            jobDefinition=f"{PREFIX}-{job.full}",
            containerOverrides={"command": ["echo", "done"]},
            **more,
        )["jobId"]
        for more in ({}, {"arrayProperties": {"size": CHILDREN}})
    ]
    deadline = time.monotonic() + _SECONDS
    while any(each["status"] != "SUCCEEDED" for each in batch.describe_jobs(jobs=ids)["jobs"]):
        assert time.monotonic() < deadline, batch.describe_jobs(jobs=ids)
        time.sleep(0.2)


def _each(items: Iterable[Any], make: Callable[[Any], object]) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(make, items))
