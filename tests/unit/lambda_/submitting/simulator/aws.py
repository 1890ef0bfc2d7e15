"""DynamoDB and Batch as far as the function asks them: conditions, transactions, lists that lag and are grouped."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

from .life import JOB, QUEUE

Item = dict[str, Any]
ENDED = ("SUCCEEDED", "FAILED")


class SimulatorError(BaseException):
    """The simulator does not know what it is asked for."""


def client_error(code: str, name: str, status: int = 400, message: str = "", **more: Any) -> ClientError:
    """What AWS answers that refuses."""
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(answer, name)


@dataclass
class BatchJob:
    """A job as Batch has it."""

    id: str
    number: int
    environment: list[dict[str, str]]
    created: float
    seen_from: float
    seconds: float
    lag: float
    status: str = "RUNNING"
    reason: str = ""
    ended: float = float("inf")

    def variable(self, name: str) -> str:
        """A variable of its environment; empty if it has none of the name."""
        return next((each["value"] for each in self.environment if each["name"] == name), "")

    @property
    def run_id(self) -> str:
        """The run that it is for; empty if somebody started it."""
        return self.variable("BATCHTAB_RUN_ID")

    def listed_status(self, now: float) -> str:
        """What a list says that lags behind."""
        return "RUNNING" if now < self.ended + self.lag else self.status

    def is_listed(self, now: float) -> bool:
        """Whether a list has it as one that has not ended."""
        return self.seen_from <= now and self.listed_status(now) not in ENDED

    def told(self) -> dict[str, Any]:
        """As DescribeJobs and the event of its end tell it."""
        detail = {"jobName": JOB, "jobId": self.id, "status": self.status, "statusReason": self.reason}
        return {**detail, "container": {"environment": self.environment}}


@dataclass
class Aws:
    """What the calls change and see.

    Attributes:
        now: The clock.
        page: How many jobs a page of a list has.
        table: The items by their keys.
        jobs: By their ids, in the order of SubmitJob.
        lag: For so long a list knows nothing of a job that is submitted now, or of its end.
        refuses: Whether Batch refuses each SubmitJob now.
        away: Whether nothing answers.
        throttles: Whether this call is one too many.
        submitted: What is done with a job that is new.
        terminated: What is done with a job that is to end.
    """

    now: Callable[[], float]
    page: int
    submitted: Callable[[BatchJob], None]
    terminated: Callable[[BatchJob, str], None]
    table: dict[tuple[str, str], Item] = field(default_factory=dict)
    jobs: dict[str, BatchJob] = field(default_factory=dict)
    lag: float = 0.0
    refuses: bool = False
    away: bool = False
    throttles: Callable[[], bool] = lambda: False

    def call(self, name: str, arguments: dict[str, Any], sent: float) -> Any:
        """The answer to a call; what it raises is returned."""
        if self.away:
            return EndpointConnectionError(endpoint_url=name)
        if name in ("submit_job", "list_jobs", "describe_jobs", "terminate_job") and self.throttles():
            return client_error("TooManyRequestsException", name, 429)
        if name == "submit_job":
            return self._submit(arguments, sent)
        known: dict[str, Callable[..., Any]] = {
            "batch_get_item": self._get,
            "transact_write_items": self._write,
            "list_jobs": self._list,
            "describe_jobs": self._describe,
            "terminate_job": self._terminate,
        }
        if name not in known:
            raise SimulatorError(name)
        return known[name](**arguments)

    def state(self) -> dict[str, Any]:
        """The job's state, as it is kept."""
        item = self.table.get((JOB, "state"))
        found: dict[str, Any] = json.loads(item["content"]["S"]) if item else {}
        return found

    # --- DynamoDB

    def _get(self, RequestItems: Any) -> Any:  # noqa: N803 - AWS's name
        wanted = RequestItems["runs"]
        if not wanted.get("ConsistentRead"):
            raise SimulatorError("a read that is not consistent")
        keys = [(key["job"]["S"], key["item"]["S"]) for key in wanted["Keys"]]
        return {"Responses": {"runs": [self.table[key] for key in keys if key in self.table]}}

    def _write(self, TransactItems: Any) -> Any:  # noqa: N803 - AWS's name
        puts = [each["Put"] for each in TransactItems]
        keys = [(put["Item"]["job"]["S"], put["Item"]["item"]["S"]) for put in puts]
        if len(set(keys)) < len(keys) or not 0 < len(keys) <= 100:
            return client_error("ValidationException", "TransactWriteItems")
        reasons = [{"Code": "None" if self._holds(put) else "ConditionalCheckFailed"} for put in puts]
        if any(reason["Code"] != "None" for reason in reasons):
            code = "TransactionCanceledException"
            return client_error(code, "TransactWriteItems", CancellationReasons=reasons)
        self.table.update(zip(keys, (put["Item"] for put in puts), strict=True))
        return {}

    def _holds(self, put: Item) -> bool:
        item = self.table.get((put["Item"]["job"]["S"], put["Item"]["item"]["S"]))
        condition = put.get("ConditionExpression")
        if condition is None:
            return True
        if condition == "attribute_not_exists(job)":
            return item is None
        if condition != "#number = :number":
            raise SimulatorError(condition)
        name = put["ExpressionAttributeNames"]["#number"]
        return item is not None and item.get(name) == put["ExpressionAttributeValues"][":number"]

    def forget_all(self) -> None:
        """What DynamoDB deletes after the time that an item says, and Batch a week after a job's end."""
        for job in self.jobs.values():
            job.seen_from = float("inf")
        self.table = {
            key: item
            for key, item in self.table.items()
            if "expires_at" not in item or float(item["expires_at"]["N"]) > self.now()
        }

    # --- Batch

    def _submit(self, asked: dict[str, Any], sent: float) -> Any:
        if self.refuses:
            return client_error("ClientException", "SubmitJob", message="Job queue is DISABLED")
        return {"jobId": self.start(asked.get("containerOverrides", {}).get("environment", []), sent, 0.0).id}

    def start(self, environment: list[dict[str, str]], sent: float, seconds: float) -> BatchJob:
        """A job that is new."""
        number = len(self.jobs) + 1
        job = BatchJob(f"job-{number}", number, environment, self.now(), sent + self.lag, seconds, self.lag)
        self.jobs[job.id] = job
        self.submitted(job)
        return job

    def _list(self, **asked: Any) -> Any:
        filters, status = asked.get("filters"), asked.get("jobStatus", "RUNNING")
        if asked["jobQueue"] != QUEUE or (filters and "jobStatus" in asked):
            raise SimulatorError("ListJobs")
        found = [job for job in self.jobs.values() if job.seen_from <= self.now()]
        by, value = (filters[0]["name"], filters[0]["values"][0]) if filters else ("", "")
        if by == "AFTER_CREATED_AT":
            found = [job for job in reversed(found) if job.created * 1000 > int(value)]
        elif by == "JOB_NAME":  # one version after the other: here the oldest first, which is the worst
            found = found if value == JOB else []
        else:
            found = [job for job in found if job.listed_status(self.now()) == status]
        start, size = int(asked.get("nextToken", 0)), min(self.page, asked.get("maxResults", 1000))
        more = {"nextToken": str(start + size)} if start + size < len(found) else {}
        return {"jobSummaryList": [self._summary(job) for job in found[start : start + size]], **more}

    def _summary(self, job: BatchJob) -> Item:
        created = int(job.created * 1000)
        return {"jobId": job.id, "jobName": JOB, "status": job.listed_status(self.now()), "createdAt": created}

    def _describe(self, jobs: list[str]) -> Any:
        seen = [self.jobs[id_] for id_ in jobs if id_ in self.jobs and self.jobs[id_].seen_from <= self.now()]
        return {"jobs": [job.told() for job in seen]}

    def _terminate(self, jobId: str, reason: str) -> Any:  # noqa: N803 - AWS's name
        self.terminated(self.jobs[jobId], reason)
        return {}
