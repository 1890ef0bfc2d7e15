from __future__ import annotations

import copy
from typing import Any

from batchtab.local_aws.batch import environments, limits
from batchtab.local_aws.batch.errors import ClientError
from batchtab.local_aws.batch.job import Job
from batchtab.local_aws.batch.store import Record, Scope, Store
from batchtab.local_aws.batch.tags import check_tags


def create(store: Store, request: Record) -> Record:
    """Serve CreateJobQueue."""
    name = request["jobQueueName"]
    if not limits.NAME.fullmatch(name):
        raise ClientError(f"jobQueueName: {name!r} must be letters, digits, - and _, at most 128")
    arn = Scope.current().arn("job-queue", name)
    if arn in store.queues:
        raise ClientError(f"Object already exists: {name}")
    check_tags(request.get("tags"))
    if "serviceEnvironmentOrder" in request:
        raise ClientError("serviceEnvironmentOrder: local AWS runs no service jobs")
    record: Record = {
        "jobQueueName": name,
        "jobQueueArn": arn,
        "state": request.get("state", "ENABLED"),
        "status": "VALID",
        "statusReason": "JobQueue Healthy",
        "priority": _check_priority(request["priority"]),
        "computeEnvironmentOrder": _order(store, request.get("computeEnvironmentOrder") or []),
        "jobQueueType": "ECS",
        "tags": dict(request.get("tags") or {}),
        "jobStateTimeLimitActions": _check_actions(request.get("jobStateTimeLimitActions") or []),
    }
    first = store.environment(record["computeEnvironmentOrder"][0]["computeEnvironment"])
    if environments.is_fargate(first):
        record["jobQueueType"] = "ECS_FARGATE"
    if request.get("schedulingPolicyArn"):
        record["schedulingPolicyArn"] = store.policy(request["schedulingPolicyArn"])["arn"]
    store.queues[arn] = record
    return _names(record)


def update(store: Store, request: Record) -> Record:
    """Serve UpdateJobQueue."""
    record = store.queue(request["jobQueue"])
    change: dict[str, Any] = {}
    if "priority" in request:
        change["priority"] = _check_priority(request["priority"])
    if request.get("computeEnvironmentOrder"):
        change["computeEnvironmentOrder"] = _order(store, request["computeEnvironmentOrder"])
    if "jobStateTimeLimitActions" in request:
        change["jobStateTimeLimitActions"] = _check_actions(request["jobStateTimeLimitActions"])
    if request.get("schedulingPolicyArn"):
        if "schedulingPolicyArn" not in record:
            raise ClientError("schedulingPolicyArn: a queue that was made without a scheduling policy can't get one")
        change["schedulingPolicyArn"] = store.policy(request["schedulingPolicyArn"])["arn"]
    if "state" in request:
        change["state"] = request["state"]
    record.update(change)
    return _names(record)


def delete(store: Store, request: Record) -> tuple[Record, list[Job]]:
    """Serve DeleteJobQueue: a missing one is no error; returns as well the jobs that end with it."""
    try:
        record = store.queue(request["jobQueue"])
    except ClientError:
        return {}, []
    if record["state"] != "DISABLED":
        raise ClientError("Cannot delete, job queue must be DISABLED")
    arn = record["jobQueueArn"]
    del store.queues[arn]
    return {}, [job for job in store.jobs.values() if job.record["jobQueue"] == arn and not job.ended]


def _names(record: Record) -> Record:
    return {member: record[member] for member in ("jobQueueName", "jobQueueArn")}


def _check_priority(priority: int) -> int:
    low, high = limits.PRIORITY
    if not low <= priority <= high:
        raise ClientError(f"priority: {priority} is not from {low} to {high}")
    return priority


def _order(store: Store, given: list[Record]) -> list[Record]:
    if not 1 <= len(given) <= limits.ENVIRONMENTS_PER_QUEUE_MAXIMUM:
        raise ClientError(
            f"computeEnvironmentOrder: {len(given)} given, 1 to {limits.ENVIRONMENTS_PER_QUEUE_MAXIMUM} are allowed"
        )
    if len({entry["order"] for entry in given}) != len(given):
        raise ClientError("computeEnvironmentOrder: the same order is given twice")
    found = [(entry["order"], store.environment(entry["computeEnvironment"])) for entry in given]
    if len({environments.is_fargate(record) for _, record in found}) > 1:
        raise ClientError("computeEnvironmentOrder: compute environments of EC2 and of Fargate can't be mixed")
    for _, record in found:
        if record["status"] != "VALID":
            raise ClientError(f"{record['computeEnvironmentArn']} is not VALID")
    ordered = sorted(found, key=lambda pair: pair[0])
    return [{"order": order, "computeEnvironment": record["computeEnvironmentArn"]} for order, record in ordered]


def _check_actions(actions: list[Record]) -> list[Record]:
    low, high = limits.STATE_TIME_LIMIT_SECONDS
    for action in actions:
        if not low <= action["maxTimeSeconds"] <= high:
            raise ClientError(
                f"jobStateTimeLimitActions: maxTimeSeconds {action['maxTimeSeconds']} is not from {low} to {high}"
            )
        if action["reason"] not in limits.STATE_TIME_LIMIT_REASONS:
            allowed = ", ".join(limits.STATE_TIME_LIMIT_REASONS)
            raise ClientError(f"jobStateTimeLimitActions: reason {action['reason']!r} is not one of {allowed}")
    return copy.deepcopy(actions)
