"""A Batch, its logs, a table of runs and a submit function in memory, with a clock that moves when somebody waits."""

from __future__ import annotations

import heapq
import io
import itertools
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.session import get_session
from botocore.validate import ParamValidator

from batchtab.cli.jobs import log_follow, logs, run

QUEUE = "arn:aws:batch:ap-northeast-2:000000000000:job-queue/batchtab-local-default"
GROUP = "/aws/batch/batchtab-local"
NOW_MS = 1_796_000_000_000
_PAGE = 3  # events, so that a log has several pages


def refused(code: str, operation: str, message: str = "m", status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


@cache
def _model(service: str) -> Any:
    return get_session().get_service_model(service)


class Memory:
    """AWS, as `Aws` gives clients of it.

    Attributes:
        jobs: By id, as DescribeJobs tells them.
        streams: By group and name.
        records: Items of the table of runs.
        answer: What the submit function answers, or raises.
        asked: What was asked to start something: the function's events, SubmitJob's arguments.
        calls: The names of all calls.
        throttles: Of each operation, how many calls are throttled first.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.streams: dict[tuple[str, str], list[tuple[int, str]]] = {}
        self.records: list[dict[str, Any]] = []
        self.answer: Any = {"outcome": "submitted", "job_id": "00000000-0000-0000-0000-000000000001"}
        self.asked: list[Any] = []
        self.calls: list[str] = []
        self.throttles: dict[str, int] = {}
        self.regions: list[str | None] = []
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    # --- what tests do

    def job(self, number: int = 1, *, part: str = "", **others: Any) -> dict[str, Any]:
        """Adds a job."""
        job_id = f"00000000-0000-0000-0000-{number:012}{part}"
        self.jobs[job_id] = {
            "jobId": job_id,
            "jobName": "examples-sync",
            "jobQueue": QUEUE,
            "status": "SUCCEEDED",
            "createdAt": NOW_MS + number,
            "startedAt": NOW_MS + number,
            "container": {"logStreamName": f"s{number}{part}", "environment": []},
            "attempts": [{"container": {"logStreamName": f"s{number}{part}"}}],
            **others,
        }
        return self.jobs[job_id]

    def write(self, stream: str, *lines: str, group: str = GROUP, since_ms: int = NOW_MS) -> None:
        """Appends lines to a stream, each a second after the one before."""
        events = self.streams.setdefault((group, stream), [])
        begin = events[-1][0] + 1000 if events else since_ms
        events += [(begin + 1000 * index, line) for index, line in enumerate(lines)]

    def at(self, seconds: float, act: Callable[[], Any]) -> None:
        """Does something so long after the beginning."""
        heapq.heappush(self._due, (seconds, next(self._numbers), act))

    def sleep(self, seconds: float) -> None:
        """Lets time pass."""
        self.now += seconds
        assert self.now < 3600, "nobody waits so long"
        while self._due and self._due[0][0] <= self.now:
            heapq.heappop(self._due)[2]()

    # --- as `Aws`

    def client(self, service: str, config: Any = None) -> Any:
        """A client; each call is checked against AWS's own model."""
        self.regions.append(config.region_name if config is not None and service == "logs" else None)
        model = _model(service)
        memory = self

        class Client:
            def __getattr__(self, name: str) -> Any:
                operation = next(each for each in model.operation_names if each.lower() == name.replace("_", ""))

                def call(**arguments: Any) -> Any:
                    memory.calls.append(operation)
                    shape = model.operation_model(operation).input_shape
                    assert shape is not None
                    assert not (found := ParamValidator().validate(arguments, shape)).has_errors(), found
                    if memory.throttles.get(operation, 0) > 0:
                        memory.throttles[operation] -= 1
                        raise refused("ThrottlingException", operation, "Rate exceeded")
                    return getattr(memory, f"_{name}")(**arguments)

                return call

            def get_paginator(self, name: str) -> Any:
                call = getattr(self, name)

                class Pages:
                    @staticmethod
                    def paginate(PaginationConfig: Any = None, **asked: Any) -> Iterator[Any]:  # noqa: N803, ARG004
                        yield call(**asked)

                return Pages()

        return Client()

    # --- Batch

    def _describe_jobs(self, jobs: list[str]) -> Any:
        return {"jobs": [self.jobs[job_id] for job_id in jobs if job_id in self.jobs]}

    def _list_jobs(self, **asked: Any) -> Any:
        parents = [job for job in self.jobs.values() if not set(":#") & set(job["jobId"])]
        found = [job for job in parents if job["jobQueue"].endswith(asked.get("jobQueue", "nowhere"))]
        if parent := asked.get("arrayJobId"):
            found = [job for job in self.jobs.values() if job["jobId"].startswith(f"{parent}:")]
            found = [job for job in found if job["status"] == asked.get("jobStatus", "RUNNING")]
        for each in asked.get("filters", ()):
            if each["name"] == "JOB_NAME":
                found = [job for job in found if job["jobName"] == each["values"][0]]
        return {"jobSummaryList": found[::-1][: asked.get("maxResults", 100)]}

    def _submit_job(self, **asked: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        self.asked.append(asked)
        return {"jobId": self.answer["job_id"]}

    # --- CloudWatch Logs: pages may be empty before the end, and only the same token again is the end

    def _get_log_events(
        self,
        logGroupName: str,  # noqa: N803
        logStreamName: str,  # noqa: N803
        startFromHead: bool = False,  # noqa: N803
        startTime: int = 0,  # noqa: N803
        limit: int = 10_000,
        nextToken: str = "",  # noqa: N803
    ) -> Any:
        if (logGroupName, logStreamName) not in self.streams:
            raise refused("ResourceNotFoundException", "GetLogEvents", "The specified log stream does not exist.")
        events = self.streams[logGroupName, logStreamName]
        low = sum(at < startTime for at, _ in events)
        size = min(limit, _PAGE)
        direction, _, position = nextToken.partition("/")
        forward = direction == "f" if nextToken else startFromHead
        if forward:
            if nextToken and position.endswith("e"):  # the page after an empty one
                begin = int(position[:-1])
            else:
                begin = int(position) if nextToken else low
                if nextToken and begin == _PAGE < len(events):
                    empty = f"f/{begin}e"
                    return {"events": [], "nextForwardToken": empty, "nextBackwardToken": f"b/{begin}"}
            end = min(begin + size, len(events))
        else:
            end = int(position) if nextToken else len(events)
            begin = max(low, end - size)
        shown = [{"timestamp": at, "message": text, "ingestionTime": at} for at, text in events[begin:end]]
        same = nextToken if forward and nextToken and begin == end else f"f/{end}"
        return {"events": shown, "nextForwardToken": same, "nextBackwardToken": f"b/{begin}"}

    # --- the table, and the function

    def _query(self, **asked: Any) -> Any:
        values = asked["ExpressionAttributeValues"]
        low, high = values[":since"]["S"], values[":until"]["S"]
        found = [item for item in self.records if item["job"] == values[":job"] and low <= item["item"]["S"] <= high]
        return {"Items": found}

    def _invoke(self, Payload: bytes, **_: Any) -> Any:  # noqa: N803
        event = json.loads(Payload)
        self.asked.append(event)
        answer = self.answer(event) if callable(self.answer) else self.answer
        if isinstance(answer, ClientError):
            raise answer
        failed = {"FunctionError": "Unhandled"} if "errorMessage" in answer else {}
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **failed}

    def record(self, status: str, time: str, **others: str) -> dict[str, Any]:
        """Adds a record of a run of `examples-sync`; it may be changed later."""
        said = {"job": "examples-sync", "item": f"run#{time}", "scheduled_time": time, "status": status}
        said["run_id"] = f"examples-sync@{time}"
        item: dict[str, Any] = {name: {"S": value} for name, value in {**said, **others}.items()}
        self.records.append(item)
        return item


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """What commands reach."""
    made = Memory()
    for module in (logs, run):
        monkeypatch.setattr(module, "connect", lambda _: made)
    clock = type("Clock", (), {"sleep": staticmethod(made.sleep)})
    for module in (log_follow, run):
        monkeypatch.setattr(module, "time", clock)
    return made
