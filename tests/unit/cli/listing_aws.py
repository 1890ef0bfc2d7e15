"""An AWS in memory behind `Aws.client`: botocore's own requests, paginators and checks, and answers of a test's.

Each operation that a test needs is a method `<service>_<Operation>`; what none is for is a failure.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from botocore.awsrequest import AWSResponse
from botocore.config import Config
from tests.stopped_clock import stopped_clock

from batchtab.aws.client import Aws

ACCOUNT = "000000000000"
ARN = f"arn:aws:batch:ap-northeast-2:{ACCOUNT}"
NOW = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)  # noon in Seoul
Clock = stopped_clock(NOW)
NOW_MS = int(NOW.timestamp() * 1000)
_PAGE = 100


def job_id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012d}"


class Refusal(Exception):  # noqa: N818 - an answer
    """What an operation raises to refuse."""

    def __init__(self, code: str, message: str = "no", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


class FakeAws(Aws):
    """Queues, jobs, triggers, notes of the submit function, to be changed; and what was called.

    Attributes:
        jobs: As DescribeJobs tells them, by id, the oldest first.
        fronts: Ids of RUNNABLE jobs by queue, in their order.
        states: What the submit function noted of jobs as a whole.
        records: What it noted of runs, items of the table.
        refusals: By `<service>.<Operation>`, what that raises.
        called: How often each operation was.
    """

    def __init__(self, queues: tuple[str, ...] = ("default", "continuously"), prefix: str = "batchtab-local") -> None:
        super().__init__("ap-northeast-2", "http://127.0.0.1:9")
        self.prefix = prefix
        self.queues = {
            f"{prefix}-{name}": {"state": "ENABLED", "status": "VALID", "statusReason": "JobQueue Healthy"}
            for name in queues
        }
        self.environment = {"state": "ENABLED", "status": "VALID", "statusReason": "ok"}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.children: dict[str, list[dict[str, Any]]] = {}
        self.fronts: dict[str, list[str]] = {}
        self.states: dict[str, Any] = {}
        self.records: list[dict[str, Any]] = []
        self.rules: dict[str, str] = {}
        self.definitions: list[dict[str, Any]] = []
        self.policies: dict[str, list[str]] = {}
        self.terraform: dict[str, int] = {}
        self.refusals: dict[str, Refusal] = {}
        self.called: Counter[str] = Counter()

    # --- what a test says

    def add(self, number: int, name: str, status: str = "RUNNING", queue: str = "default", **others: Any) -> str:
        """A job in Batch; times in milliseconds."""
        made = job_id(number)
        environment = others.pop("environment", {})
        asks = others.pop("asks", (1, 2048))
        self.jobs[made] = {
            "jobId": made,
            "jobArn": f"{ARN}:job/{made}",
            "jobName": name,
            "jobQueue": f"{ARN}:job-queue/{self.prefix}-{queue}",
            "jobDefinition": f"{ARN}:job-definition/{self.prefix}-{name}:1",
            "status": status,
            "createdAt": 1_000 * number,
            "startedAt": 0,
            "retryStrategy": {"attempts": 1},
            "attempts": [],
            "dependsOn": [],
            "container": {
                "environment": [{"name": key, "value": value} for key, value in environment.items()],
                "resourceRequirements": [
                    {"type": "VCPU", "value": str(asks[0])},
                    {"type": "MEMORY", "value": str(asks[1])},
                ],
            },
            **others,
        }
        return made

    # --- the way to it

    def client(self, service: str, config: Config | None = None) -> Any:
        made = super().client(service, config) if config else super().client(service)
        made.meta.events.register_first(f"before-call.{service}", self._answer)
        return made

    def _answer(self, model: Any, params: dict[str, Any], **_: Any) -> Any:
        service, operation = model.service_model.service_name, model.name
        self.called[f"{service}.{operation}"] += 1
        response = AWSResponse("", 200, {}, None)
        try:
            if refusal := self.refusals.get(f"{service}.{operation}"):
                raise refusal
            body = getattr(self, f"{service}_{operation}")(_request(params))
        except Refusal as refusal:
            response.status_code = refusal.status
            said = {"Code": refusal.code, "Message": refusal.message}
            return response, {"Error": said, "ResponseMetadata": {"HTTPStatusCode": refusal.status}}
        return response, {**body, "ResponseMetadata": {"HTTPStatusCode": 200}}

    # --- Batch

    def batch_ListJobs(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        if parent := request.get("arrayJobId"):
            found = [each for each in self.children.get(parent, []) if each["status"] == request["jobStatus"]]
            return {"jobSummaryList": found}
        queue = f"{ARN}:job-queue/{request['jobQueue']}"
        if request["jobQueue"] not in self.queues:
            raise Refusal("ClientException", f"{request['jobQueue']} does not exist")
        mine = [job for job in reversed(self.jobs.values()) if job["jobQueue"] == queue]
        if filters := request.get("filters"):
            (name, (value,)) = filters[0]["name"], filters[0]["values"]
            if name == "JOB_NAME":
                mine = [job for job in mine if job["jobName"].lower() == value.lower()]
            else:
                mine = [job for job in mine if job["createdAt"] > int(value)]
        else:
            mine = [job for job in mine if job["status"] == request["jobStatus"]]
        begin = int(request.get("nextToken") or 0)
        end = begin + min(_PAGE, request.get("maxResults") or _PAGE)
        token = {"nextToken": str(end)} if end < len(mine) else {}
        summary = ("jobId", "jobName", "status", "createdAt", "startedAt", "stoppedAt", "statusReason")
        return {"jobSummaryList": [{k: job[k] for k in summary if k in job} for job in mine[begin:end]], **token}

    def batch_DescribeJobs(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert len(request["jobs"]) <= _PAGE
        return {"jobs": [self.jobs[each] for each in request["jobs"] if each in self.jobs]}

    def batch_GetJobQueueSnapshot(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        front = self.fronts.get(request["jobQueue"].rpartition("/")[2].removeprefix(f"{self.prefix}-"), [])
        jobs = [{"jobArn": f"{ARN}:job/{each}", "earliestTimeAtPosition": 1} for each in front]
        return {"frontOfQueue": {"jobs": jobs, "lastUpdatedAt": 2}}

    def batch_DescribeJobQueues(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        order = [{"order": 1, "computeEnvironment": f"{ARN}:compute-environment/ce"}]
        return {
            "jobQueues": [
                {"jobQueueName": name, **self.queues[name], "computeEnvironmentOrder": order}
                for name in request["jobQueues"]
                if name in self.queues
            ]
        }

    def batch_DescribeComputeEnvironments(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        arn = f"{ARN}:compute-environment/ce"
        found = {"computeEnvironmentName": "ce", "computeEnvironmentArn": arn, "computeResources": {"maxvCpus": 16}}
        return {"computeEnvironments": [{**found, **self.environment}]}

    def batch_DescribeJobDefinitions(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = request.get("jobDefinitionName")
        return {"jobDefinitions": [each for each in self.definitions if name in (None, each["jobDefinitionName"])]}

    # --- the submit function's table

    def dynamodb_BatchGetItem(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        ((table, wanted),) = request["RequestItems"].items()
        keys = {(key["job"]["S"], key["item"]["S"]) for key in wanted["Keys"]}
        assert len(keys) == len(wanted["Keys"]) <= _PAGE
        states = [{"job": name, "item": "state", "content": json.dumps(its)} for name, its in self.states.items()]
        items = [each for each in (*states, *self.records) if (each["job"], each["item"]) in keys]
        return {"Responses": {table: [{key: {"S": text} for key, text in each.items()} for each in items]}}

    def dynamodb_Query(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        values = request["ExpressionAttributeValues"]
        first, last = values[":since"]["S"], values[":until"]["S"]
        mine = [each for each in self.records if each["job"] == values[":job"]["S"]]
        found = [{key: {"S": text} for key, text in each.items()} for each in mine if first <= each["item"] <= last]
        return {"Items": sorted(found, key=lambda each: each["item"]["S"], reverse=True)}

    # --- logs

    def logs_GetLogEvents(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"events": []}

    # --- triggers

    def events_ListRules(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"Rules": [{"Name": name, "State": state} for name, state in self.rules.items()]}

    def events_DescribeRule(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        if request["Name"] not in self.rules:
            raise Refusal("ResourceNotFoundException")
        return {"Name": request["Name"], "State": self.rules[request["Name"]]}

    def scheduler_ListSchedules(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        raise Refusal("ResourceNotFoundException", status=404)

    def scheduler_GetSchedule(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        raise Refusal("ResourceNotFoundException", status=404)

    # --- roles

    def iam_ListRolePolicies(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        if request["RoleName"] not in self.policies:
            raise Refusal("NoSuchEntity", status=404)
        return {"PolicyNames": ["own"]}

    def iam_GetRolePolicy(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        statement = {"Effect": "Allow", "Action": self.policies[request["RoleName"]], "Resource": "*"}
        return {"PolicyDocument": json.dumps({"Statement": [statement]})}

    def iam_ListAttachedRolePolicies(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"AttachedPolicies": []}


def _request(params: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, of whatever protocol."""
    body = params.get("body") or b""
    if isinstance(body, dict):
        return body
    text = body.decode() if isinstance(body, bytes) else str(body)
    if text.startswith("{"):
        found: dict[str, Any] = json.loads(text)
        return found
    return dict(parse_qsl(text) or parse_qsl(urlsplit(params.get("url_path", "")).query))
