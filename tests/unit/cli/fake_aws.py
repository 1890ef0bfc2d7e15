"""A stage's AWS in memory, behind `Aws.client`: Batch's jobs, the table of runs, the submit function, and logs.

Each call is checked against botocore's model of it. What a test does not need answers as if there was nothing.
"""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.session import get_session
from botocore.validate import ParamValidator
from tests.stopped_clock import stopped_clock

from batchtab.aws import run_lookup
from batchtab.aws.client import Aws
from batchtab.cli.machine.daemon import Daemon

NOW = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
PREFIX = "batchtab-local"
ARN = "arn:aws:batch:ap-northeast-2:000000000000"
_ENDED = ("SUCCEEDED", "FAILED")


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


class FakeAws:
    """What is there, and what was called.

    Attributes:
        jobs: Of Batch, by id, as DescribeJobs tells them; children of arrays by `id:3`.
        definitions: Job definitions by ARN.
        called: The name of each call with its arguments, in order.
        asked: What the submit function was asked.
        answer: What it answers.
        streams: The messages of each log stream.
        items: Of the table of runs.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.definitions: dict[str, dict[str, Any]] = {}
        self.called: list[tuple[str, dict[str, Any]]] = []
        self.asked: list[dict[str, Any]] = []
        self.answer: Callable[[dict[str, Any]], dict[str, Any]] = lambda _: {"outcome": "submitted"}
        self.streams: dict[str, list[str]] = {}
        self.items: list[dict[str, Any]] = []
        self.terminated: Callable[[dict[str, Any]], None] = lambda job: job.update(status="FAILED")
        self.rules: dict[str, str] = {}
        monkeypatch.setattr(Aws, "client", lambda _, service, *__: _Client(self, service))
        monkeypatch.setattr(Daemon, "health", lambda *_: None)
        monkeypatch.setattr(run_lookup, "datetime", stopped_clock(NOW + timedelta(hours=1)))

    def names(self) -> list[str]:
        """What was called, in order."""
        return [name for name, _ in self.called]

    def arguments(self, name: str) -> list[dict[str, Any]]:
        """With what something was called."""
        return [arguments for called, arguments in self.called if called == name]

    def job(self, name: str, status: str, **more: Any) -> str:
        """Puts a job into Batch and returns its id."""
        number = len(self.jobs)
        job_id = str(more.pop("jobId", uuid.UUID(int=0xABCDEF << 104 | number)))
        environment = [{"name": key, "value": value} for key, value in more.pop("environment", {}).items()]
        self.jobs[job_id] = {
            "jobId": job_id,
            "jobName": name,
            "jobQueue": f"{ARN}:job-queue/{PREFIX}-default",
            "jobDefinition": f"{ARN}:job-definition/{PREFIX}-{name}:1",
            "status": status,
            "createdAt": ms(NOW) + number * 1000,
            "startedAt": ms(NOW) + number * 1000,
            **({"stoppedAt": ms(NOW) + 60_000} if status in _ENDED else {}),
            "container": {"command": ["run"], "environment": environment},
            **more,
        }
        return job_id

    # --- Batch

    def batch_list_jobs(self, **asked: Any) -> dict[str, Any]:
        by, value = (
            (asked["filters"][0]["name"], asked["filters"][0]["values"][0]) if asked.get("filters") else ("", "")
        )
        found = []
        for job in self.jobs.values():
            queue = str(job["jobQueue"]).rpartition("/")[2]
            is_child = ":" in job["jobId"]
            if parent := asked.get("arrayJobId"):
                is_it = job["jobId"].startswith(f"{parent}:") and job["status"] == asked["jobStatus"]
            elif by == "JOB_NAME":
                is_it = not is_child and job["jobName"].lower() == value.lower() and queue == asked["jobQueue"]
            elif by == "AFTER_CREATED_AT":
                is_it = not is_child and job["createdAt"] > int(value) and queue == asked["jobQueue"]
            else:
                is_it = not is_child and job["status"] == asked.get("jobStatus") and queue == asked["jobQueue"]
            if is_it:
                wanted = ("jobId", "jobName", "status", "createdAt", "stoppedAt", "statusReason")
                found.append({key: job[key] for key in wanted if key in job})
        return {"jobSummaryList": sorted(found, key=lambda each: -each["createdAt"])}

    def batch_describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        assert len(jobs) <= 100
        return {"jobs": [self.jobs[each] for each in jobs if each in self.jobs]}

    def batch_terminate_job(self, jobId: str, reason: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        assert len(reason) <= 1024
        job = self.jobs[jobId]
        if job["status"] not in _ENDED:
            self.terminated(job)
            job["statusReason"] = reason
        return {}

    def batch_submit_job(self, **asked: Any) -> dict[str, Any]:
        environment = {e["name"]: e["value"] for e in asked.get("containerOverrides", {}).get("environment", [])}
        return {"jobId": self.job(asked["jobName"], "SUBMITTED", environment=environment)}

    def batch_describe_job_definitions(self, jobDefinitions: list[str]) -> dict[str, Any]:  # noqa: N803 - AWS's name
        return {"jobDefinitions": [self.definitions[each] for each in jobDefinitions if each in self.definitions]}

    # --- the rest

    def s3_head_bucket(self, **_: Any) -> dict[str, Any]:
        return {}

    def sts_get_caller_identity(self) -> dict[str, Any]:
        return {"Account": "000000000000", "Arn": "arn:aws:sts::000000000000:assumed-role/on-call/jane"}

    def dynamodb_batch_get_item(self, RequestItems: Any) -> dict[str, Any]:  # noqa: N803 - AWS's name
        [(table, wanted)] = RequestItems.items()
        found = [item for item in self.items if {"job": item["job"], "item": item["item"]} in wanted["Keys"]]
        return {"Responses": {table: found}}

    def dynamodb_query(self, **asked: Any) -> dict[str, Any]:
        values = {name: value["S"] for name, value in asked["ExpressionAttributeValues"].items()}
        found = [
            item
            for item in self.items
            if item["job"]["S"] == values[":job"] and values[":since"] <= item["item"]["S"] <= values[":until"]
        ]
        return {"Items": sorted(found, key=lambda item: str(item["item"]["S"]), reverse=True)}

    def lambda_invoke(self, Payload: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803 - AWS's name
        self.asked.append(json.loads(Payload))
        said = self.answer(self.asked[-1])
        error = {"FunctionError": "Unhandled"} if "errorMessage" in said else {}
        return {"Payload": io.BytesIO(json.dumps(said).encode()), **error}

    def logs_get_log_events(self, logStreamName: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - AWS's name
        if logStreamName not in self.streams:
            raise missing("GetLogEvents")
        return {"events": [{"message": line} for line in self.streams[logStreamName]]}

    def events_describe_rule(self, Name: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        if Name not in self.rules:
            raise missing("DescribeRule")
        return {"Name": Name, "State": self.rules[Name]}

    def events_disable_rule(self, Name: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        self.rules[Name] = "DISABLED"
        return {}

    def scheduler_get_schedule(self, **_: Any) -> dict[str, Any]:
        raise missing("GetSchedule")


def missing(operation: str) -> ClientError:
    error: Any = {"Error": {"Code": "ResourceNotFoundException", "Message": "not found"}}
    return ClientError(error, operation)


class _Client:
    def __init__(self, world: FakeAws, service: str) -> None:
        self._world, self._service = world, service
        model = get_session().get_service_model(service)
        self._operations = {xform_name(name): model.operation_model(name) for name in model.operation_names}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = self._operations[name]

        def call(**arguments: Any) -> Any:
            assert operation.input_shape is not None
            report = ParamValidator().validate(arguments, operation.input_shape)
            assert not report.has_errors(), report.generate_report()
            self._world.called.append((name, arguments))
            return getattr(self._world, f"{self._service}_{name}")(**arguments)

        return call

    def get_paginator(self, name: str) -> Any:
        client = self

        class Paginator:
            def paginate(self, PaginationConfig: Any = None, **arguments: Any) -> Iterator[Any]:  # noqa: N803
                assert PaginationConfig["MaxItems"] <= 10_000
                yield getattr(client, name)(**arguments)

        return Paginator()
