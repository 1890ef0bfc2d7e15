from __future__ import annotations

import copy
from typing import Any

from batchtab.local_aws.batch import container, ecs_tasks, limits, nodes, sizes, strategy
from batchtab.local_aws.batch.errors import ClientError
from batchtab.local_aws.batch.paging import page
from batchtab.local_aws.batch.store import Record, Scope, Store, name_of
from batchtab.local_aws.batch.tags import check_tags


def is_fargate(record: Record) -> bool:
    """Whether a definition is for Fargate."""
    return "FARGATE" in (record.get("platformCapabilities") or [])


def register(store: Store, request: Record) -> Record:
    """Serve RegisterJobDefinition: each call makes the next revision."""
    name = request["jobDefinitionName"]
    if not limits.NAME.fullmatch(name):
        raise ClientError(f"jobDefinitionName: {name!r} must be letters, digits, - and _, at most 128")
    capabilities = request.get("platformCapabilities") or ["EC2"]
    if len(capabilities) != 1:
        raise ClientError("Exactly 1 capability must be provided.")
    if capabilities[0] not in ("EC2", "FARGATE"):
        raise ClientError(f"platformCapabilities: local AWS has EC2 and FARGATE, not {capabilities[0]}")
    properties = _properties(request, fargate=capabilities == ["FARGATE"])
    strategy.check_timeout(request.get("timeout"))
    strategy.check_retries(request.get("retryStrategy"))
    check_scheduling_priority(request.get("schedulingPriority"))
    check_tags(request.get("tags"))
    sizes.check_payload("Job Definition", request, limits.DEFINITION_KIB)
    base = Scope.current().arn("job-definition", name)
    revisions = store.definitions.setdefault(base, [])
    record: Record = copy.deepcopy(request)
    record |= properties
    revision = len(revisions) + 1
    record |= {
        "jobDefinitionArn": f"{base}:{revision}",
        "revision": revision,
        "status": "ACTIVE",
        "tags": dict(request.get("tags") or {}),
        "parameters": dict(request.get("parameters") or {}),
        "containerOrchestrationType": "ECS",
    }
    revisions.append(record)
    return {"jobDefinitionName": name, "jobDefinitionArn": record["jobDefinitionArn"], "revision": revision}


def _properties(request: Record, *, fargate: bool) -> Record:
    """Check what runs, and return it as Batch gives it back, by the one member that it is in."""
    if unknown := [member for member in ("eksProperties", "consumableResourceProperties") if member in request]:
        raise ClientError(f"{unknown[0]}: local AWS has no EKS jobs and no consumable resources")
    given = [member for member in ("containerProperties", "ecsProperties", "nodeProperties") if member in request]
    if len(given) > 1:
        raise ClientError(f"Cannot use both ECS {given[0]} and {given[1]}")
    if request["type"] == "multinode":
        if given != ["nodeProperties"]:
            raise ClientError("Node properties of multinode job is required.")
        if fargate:
            raise ClientError("Multi-node jobs are not supported on FARGATE: type multinode needs EC2")
        nodes.check(request["nodeProperties"])
        return {"nodeProperties": nodes.normalised(request["nodeProperties"])}
    if given == ["containerProperties"]:
        container.check(request["containerProperties"], fargate=fargate)
        return {"containerProperties": container.normalised(request["containerProperties"], fargate=fargate)}
    if given == ["ecsProperties"]:
        ecs_tasks.check(request["ecsProperties"], fargate=fargate)
        return {"ecsProperties": ecs_tasks.normalised(request["ecsProperties"], fargate=fargate)}
    if given:
        raise ClientError("nodeProperties is for jobs of type multinode")
    raise ClientError("ECS Container Image must be provided.")


def deregister(store: Store, request: Record) -> Record:
    """Serve DeregisterJobDefinition: a revision, which stays to be seen as INACTIVE; a missing one is no error."""
    reference = request["jobDefinition"]
    if ":" not in name_of(reference):
        raise ClientError(f"jobDefinition: {reference} must name a revision, as in name:1")
    try:
        store.definition(reference)["status"] = "INACTIVE"
    except ClientError:
        return {}
    return {}


def describe(store: Store, request: Record) -> Record:
    """Serve DescribeJobDefinitions: newest revision first within a name."""
    prefix = Scope.current().prefix
    records = [
        record
        for base, revisions in sorted(store.definitions.items())
        if base.startswith(prefix)
        for record in reversed(revisions)
    ]
    wanted = {
        reference if reference.startswith("arn:") else name_of(reference)
        for reference in request.get("jobDefinitions") or []
    }
    if wanted:
        records = [record for record in records if wanted & set(_references(record))]
    if request.get("jobDefinitionName"):
        name = name_of(request["jobDefinitionName"]).partition(":")[0]
        records = [record for record in records if record["jobDefinitionName"] == name]
    if request.get("status"):
        records = [record for record in records if record["status"] == request["status"]]
    shown, token = page(records, request)
    return {"jobDefinitions": shown, **token}


def check_scheduling_priority(value: Any) -> None:
    """Refuse a priority within a share that is out of range."""
    low, high = limits.SCHEDULING_PRIORITY
    if value is not None and not low <= value <= high:
        raise ClientError(f"Scheduling priority must be between {low} and {high}.")


def _references(record: Record) -> tuple[str, str, str, str]:
    arn, name = record["jobDefinitionArn"], record["jobDefinitionName"]
    return arn, arn.rpartition(":")[0], f"{name}:{record['revision']}", name
