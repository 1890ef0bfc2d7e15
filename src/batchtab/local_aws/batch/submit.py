from __future__ import annotations

import copy
import itertools
import uuid
from collections.abc import Callable
from typing import Any

from batchtab.local_aws import tag_rules
from batchtab.local_aws.batch import definitions, environments, limits, nodes, overrides, sizes, strategy
from batchtab.local_aws.batch.errors import ClientError
from batchtab.local_aws.batch.job import STATUSES, Job
from batchtab.local_aws.batch.store import Record, Scope, Store
from batchtab.local_aws.batch.tags import check_tags
from batchtab.local_aws.clock import Clock

Make = Callable[[str, Record, Job | None], Job]
_SEQUENCE = itertools.count()
TOO_MANY_TAGS = "More than 50 tags of the job and its definition are to be propagated"


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
    fargate = _check_platform(store, queue, definition)
    parameters = {**definition["parameters"], **(request.get("parameters") or {})}
    runs = overrides.applied(definition, request, parameters, fargate=fargate)
    size = _check_array(request, definition)
    _check_share(request, queue)
    strategy.check_timeout(request.get("timeout"))
    strategy.check_retries(request.get("retryStrategy"))
    definitions.check_scheduling_priority(request.get("schedulingPriorityOverride"))
    check_tags(request.get("tags"))
    dependencies = _dependencies(store, request, size)

    scope = Scope.current()
    record = _record(request, queue, definition, parameters, runs)
    record["createdAt"] = clock.now_ms()
    weight = int(record.get("schedulingPriority") or 0)

    def make(job_id: str, own: Record, parent: Job | None) -> Job:
        own |= {"jobId": job_id, "jobArn": scope.arn("job", job_id)}
        if "nodeProperties" not in own:
            for each in overrides.containers(own):
                each.setdefault("networkInterfaces", [])
        job = Job(own, scope.account_id, scope.region, next(_SEQUENCE), weight=weight, parent=parent)
        job.vcpus, job.memory_mib = _sizes(own)
        store.jobs[job_id] = job
        return job

    job_id = str(uuid.uuid4())
    job = make(job_id, record, None)
    _make_nodes(job, make)
    propagated = {**definition["tags"], **record["tags"]} if record["propagateTags"] else {}
    if len(propagated) > tag_rules.TAGS_MAXIMUM:
        job.never_runs = TOO_MANY_TAGS
    elif overrides.length(definition, runs) > limits.OVERRIDES_CHARACTERS:
        job.never_runs = f"Container Overrides length must be at most {limits.OVERRIDES_CHARACTERS}"
    elif len(job.nodes) > limits.MAXIMUM_PROCESSES:
        job.never_runs = f"Local AWS runs at most {limits.MAXIMUM_PROCESSES} nodes, and the job has {len(job.nodes)}"
    job.waits_for = [other for other, kind in dependencies if other is not None and kind == ""]
    if size:
        _make_children(job, size, dependencies, make)
    return {"jobArn": record["jobArn"], "jobId": job_id, "jobName": record["jobName"]}, job


def _check_platform(store: Store, queue: Record, definition: Record) -> bool:
    """Refuse a queue on which a definition can't run; returns whether it is for Fargate."""
    fargate = definitions.is_fargate(definition)
    environment = store.environment(queue["computeEnvironmentOrder"][0]["computeEnvironment"])
    if environment["type"] == "MANAGED" and environments.is_fargate(environment) != fargate:
        wanted = "FARGATE" if fargate else "EC2"
        raise ClientError(
            f"{definition['jobDefinitionArn']} is for {wanted}, which the queue's compute environments are not"
        )
    return fargate


def _make_children(job: Job, size: int, dependencies: list[tuple[Job | None, str]], make: Make) -> None:
    """Make an array's children."""
    summary = {**dict.fromkeys(STATUSES, 0), "SUBMITTED": size}
    job.record["arrayProperties"] = {"size": size, "statusSummary": summary}
    for index in range(size):
        child_record = copy.deepcopy(job.record)
        child_record["arrayProperties"] = {"index": index}
        child = make(f"{job.id}:{index}", child_record, job)
        child.waits_for = list(job.waits_for)
        for other, kind in dependencies:
            if other is not None and kind == "N_TO_N":
                child.waits_for.append(other.children[index])
            elif kind == "SEQUENTIAL" and index:
                child.waits_for.append(job.children[index - 1])
        job.children.append(child)


def _make_nodes(job: Job, make: Make) -> None:
    """Make a multi-node job's nodes."""
    properties = job.record.get("nodeProperties")
    if properties is None:
        return
    for index in range(properties["numNodes"]):
        own = copy.deepcopy({member: value for member, value in job.record.items() if member != "nodeProperties"})
        own |= copy.deepcopy(
            {
                member: value
                for member, value in nodes.of_node(properties, index).items()
                if member in ("container", "ecsProperties")
            }
        )
        own["nodeDetails"] = {"nodeIndex": index, "isMainNode": index == properties["mainNode"]}
        node = make(f"{job.id}#{index}", own, None)
        node.node_of = job
        job.nodes.append(node)
    # Its own sizes are those of all nodes, which run at once or not at all.
    job.vcpus = sum(node.vcpus for node in job.nodes)
    job.memory_mib = max(node.memory_mib for node in job.nodes)


def _sizes(record: Record) -> tuple[float, float]:
    """Return how many vCPUs and how much memory a job takes of an instance."""
    if "nodeProperties" in record:
        return 0.0, 0.0
    asked = {"resourceRequirements": sizes.total(list(overrides.containers(record)))}
    return sizes.requirement(asked, "VCPU") or 1.0, sizes.requirement(asked, "MEMORY") or 0.0


def _record(request: Record, queue: Record, definition: Record, parameters: dict[str, str], runs: Record) -> Record:
    record: Record = {
        "jobName": request["jobName"],
        "jobQueue": queue["jobQueueArn"],
        "status": "SUBMITTED",
        "attempts": [],
        "retryStrategy": copy.deepcopy(
            request.get("retryStrategy") or definition.get("retryStrategy") or {"attempts": 1, "evaluateOnExit": []}
        ),
        "dependsOn": copy.deepcopy(request.get("dependsOn") or []),
        "jobDefinition": definition["jobDefinitionArn"],
        "parameters": parameters,
        **runs,
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


def _check_array(request: Record, definition: Record) -> int:
    size = (request.get("arrayProperties") or {}).get("size")
    if size is None:
        return 0
    if "nodeProperties" in definition:
        raise ClientError("arrayProperties: a multi-node job can't be an array job")
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
