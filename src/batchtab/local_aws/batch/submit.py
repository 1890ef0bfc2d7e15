from __future__ import annotations

import copy
import itertools
import re
import uuid
from typing import Any

from batchtab.local_aws import tag_rules
from batchtab.local_aws.batch import container, definitions, environments, limits, sizes, strategy
from batchtab.local_aws.batch.errors import ClientError
from batchtab.local_aws.batch.job import STATUSES, Job
from batchtab.local_aws.batch.store import Record, Scope, Store
from batchtab.local_aws.batch.tags import check_tags
from batchtab.local_aws.clock import Clock

_SEQUENCE = itertools.count()
TOO_MANY_TAGS = "More than 50 tags of the job and its definition are to be propagated"
_PARAMETER = re.compile(r"Ref::([A-Za-z0-9_-]+)")


def submit(store: Store, clock: Clock, request: Record) -> tuple[Record, Job]:
    """Serve SubmitJob: check the request and make the job, or the array with its children; starts nothing.

    Raises:
        ClientError: As Batch refuses.
    """
    if not limits.NAME.fullmatch(request["jobName"]):
        raise ClientError(
            f"Job name should match valid pattern: {request['jobName']!r}; letters, digits, - and _, at most 128"
        )
    sizes.check_payload("Job", request, limits.JOB_KIB)
    queue = store.queue(request["jobQueue"])
    if queue["state"] != "ENABLED":
        raise ClientError(f"{queue['jobQueueArn']} is disabled: jobs can't be submitted to it")
    definition = store.definition(request["jobDefinition"])
    if definition["status"] != "ACTIVE":
        raise ClientError(f"{definition['jobDefinitionArn']} is INACTIVE: it has been deregistered")
    properties = _effective_properties(store, request, queue, definition)
    size = _check_array(request)
    _check_share(request, queue)
    strategy.check_timeout(request.get("timeout"))
    strategy.check_retries(request.get("retryStrategy"))
    definitions.check_scheduling_priority(request.get("schedulingPriorityOverride"))
    check_tags(request.get("tags"))
    dependencies = _dependencies(store, request, size)

    scope = Scope.current()
    record = _record(request, queue, definition, properties)
    record["createdAt"] = clock.now_ms()
    vcpus = sizes.requirement(properties, "VCPU") or 1.0
    weight = int(record.get("schedulingPriority") or 0)

    def make(job_id: str, own: Record, parent: Job | None) -> Job:
        own |= {"jobId": job_id, "jobArn": scope.arn("job", job_id)}
        job = Job(own, scope.account_id, scope.region, next(_SEQUENCE), vcpus, weight, parent=parent)
        job.memory_mib = sizes.requirement(properties, "MEMORY") or 0.0
        store.jobs[job_id] = job
        return job

    job_id = str(uuid.uuid4())
    job = make(job_id, record, None)
    propagated = {**definition["tags"], **record["tags"]} if record["propagateTags"] else {}
    if len(propagated) > tag_rules.TAGS_MAXIMUM:
        job.never_runs = TOO_MANY_TAGS
    elif _overrides_length(request, definition, properties) > limits.OVERRIDES_CHARACTERS:
        job.never_runs = f"Container Overrides length must be at most {limits.OVERRIDES_CHARACTERS}"
    plain = [other for other, kind in dependencies if other is not None and kind == ""]
    job.waits_for = list(plain)
    if size:
        summary = {**dict.fromkeys(STATUSES, 0), "SUBMITTED": size}
        record["arrayProperties"] = {"size": size, "statusSummary": summary}
        for index in range(size):
            child_record = copy.deepcopy(record)
            child_record["arrayProperties"] = {"index": index}
            child = make(f"{job_id}:{index}", child_record, job)
            child.waits_for = list(plain)
            for other, kind in dependencies:
                if other is not None and kind == "N_TO_N":
                    child.waits_for.append(other.children[index])
                elif kind == "SEQUENTIAL" and index:
                    child.waits_for.append(job.children[index - 1])
            job.children.append(child)
    return {"jobArn": record["jobArn"], "jobId": job_id, "jobName": record["jobName"]}, job


def _effective_properties(store: Store, request: Record, queue: Record, definition: Record) -> Record:
    for member in (
        "nodeOverrides",
        "eksPropertiesOverride",
        "ecsPropertiesOverride",
        "consumableResourcePropertiesOverride",
    ):
        if member in request:
            raise ClientError(f"{member} is not applicable to a job definition with containerProperties")
    fargate = definitions.is_fargate(definition)
    environment = store.environment(queue["computeEnvironmentOrder"][0]["computeEnvironment"])
    if environment["type"] == "MANAGED" and environments.is_fargate(environment) != fargate:
        wanted = "FARGATE" if fargate else "EC2"
        raise ClientError(
            f"{definition['jobDefinitionArn']} is for {wanted}, which the queue's compute environments are not"
        )
    overrides = request.get("containerOverrides") or {}
    container.check_environment(overrides.get("environment") or [])
    properties: Record = copy.deepcopy(definition["containerProperties"])
    if overrides.get("command"):
        properties["command"] = list(overrides["command"])
    properties["environment"] = _merged(properties["environment"], overrides.get("environment") or [], "name")
    given = list(overrides.get("resourceRequirements") or [])
    for member, kind in (("vcpus", "VCPU"), ("memory", "MEMORY")):
        if member in overrides:
            given.append({"type": kind, "value": str(overrides[member])})
    if given:
        properties["resourceRequirements"] = _merged(properties["resourceRequirements"], given, "type")
        sizes.check_sizes(properties, fargate=fargate)
    if overrides.get("instanceType"):
        properties["instanceType"] = overrides["instanceType"]
    return properties


def _overrides_length(request: Record, definition: Record, properties: Record) -> int:
    overrides = request.get("containerOverrides") or {}
    changed = properties["command"] != definition["containerProperties"]["command"]
    variables = overrides.get("environment") or []
    return sizes.overrides_length(
        properties["command"] if changed else None, variables, overrides.get("resourceRequirements") or []
    )


def _merged(base: list[Record], over: list[Record], key: str) -> list[Record]:
    return list({entry.get(key): dict(entry) for entry in [*base, *over]}.values())


def _record(request: Record, queue: Record, definition: Record, properties: Record) -> Record:
    parameters = {**definition["parameters"], **(request.get("parameters") or {})}
    properties["command"] = [
        _PARAMETER.sub(lambda match: parameters.get(match[1], match[0]), word) for word in properties["command"]
    ]
    properties.setdefault("networkInterfaces", [])
    record: Record = {
        "jobName": request["jobName"],
        "jobQueue": queue["jobQueueArn"],
        "status": "SUBMITTED",
        "attempts": [],
        "retryStrategy": strategy.normalised(
            request.get("retryStrategy") or definition.get("retryStrategy") or {"attempts": 1, "evaluateOnExit": []}
        ),
        "dependsOn": copy.deepcopy(request.get("dependsOn") or []),
        "jobDefinition": definition["jobDefinitionArn"],
        "parameters": parameters,
        "container": properties,
        "tags": dict(request.get("tags") or {}),
        "propagateTags": bool(request.get("propagateTags", definition.get("propagateTags", False))),
        "platformCapabilities": definition.get("platformCapabilities") or ["EC2"],
        "isCancelled": False,
        "isTerminated": False,
    }
    timeout = request.get("timeout") or definition.get("timeout")
    if timeout:
        record["timeout"] = dict(timeout)
    if request.get("shareIdentifier"):
        record["shareIdentifier"] = request["shareIdentifier"]
    priority: Any = request.get("schedulingPriorityOverride", definition.get("schedulingPriority"))
    if priority is not None:
        record["schedulingPriority"] = priority
    return record


def _check_array(request: Record) -> int:
    size = (request.get("arrayProperties") or {}).get("size")
    if size is None:
        return 0
    low, high = limits.ARRAY_SIZE
    if not low <= size <= high:
        raise ClientError(f"arrayProperties: size {size} is not from {low} to {high}")
    return int(size)


def _check_share(request: Record, queue: Record) -> None:
    share = request.get("shareIdentifier")
    if queue.get("schedulingPolicyArn"):
        if not share:
            raise ClientError("shareIdentifier is required: the job queue has a fair-share scheduling policy")
        if not limits.SHARE_IDENTIFIER.fullmatch(share):
            raise ClientError(f"shareIdentifier: {share!r} is not a share identifier")
    elif share:
        raise ClientError("shareIdentifier can't be given: the job queue has no scheduling policy")


def _dependencies(store: Store, request: Record, size: int) -> list[tuple[Job | None, str]]:
    """Return the jobs that are waited for, each with its type; SEQUENTIAL names none."""
    given = request.get("dependsOn") or []
    if len(given) > limits.DEPENDENCIES_MAXIMUM:
        raise ClientError(f"dependsOn: {len(given)} given, at most {limits.DEPENDENCIES_MAXIMUM} are allowed")
    found: list[tuple[Job | None, str]] = []
    for entry in given:
        kind, reference = entry.get("type") or "", entry.get("jobId")
        if kind and not size:
            raise ClientError(f"dependsOn: type {kind} is for array jobs only")
        if kind == "SEQUENTIAL":
            if reference:
                raise ClientError("dependsOn: SEQUENTIAL takes no jobId")
            found.append((None, kind))
            continue
        if not reference:
            raise ClientError("dependsOn: a jobId is required")
        other = store.job(reference)
        if kind == "N_TO_N" and len(other.children) != size:
            raise ClientError(f"dependsOn: N_TO_N needs an array job of the same size, {size}: {reference} is not")
        found.append((other, kind))
    return found
