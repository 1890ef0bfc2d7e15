from __future__ import annotations

import copy
import uuid
from typing import Any

from batchtab.local_aws.batch import limits, references
from batchtab.local_aws.batch.errors import ClientError
from batchtab.local_aws.batch.store import Record, Scope, Store
from batchtab.local_aws.batch.tags import check_tags

FARGATE = ("FARGATE", "FARGATE_SPOT")
# Members of computeResources that an EC2 environment has and a Fargate one must not have.
_EC2_ONLY = (
    "allocationStrategy",
    "minvCpus",
    "desiredvCpus",
    "instanceTypes",
    "imageId",
    "ec2KeyPair",
    "instanceRole",
    "tags",
    "placementGroup",
    "bidPercentage",
    "spotIamFleetRole",
    "launchTemplate",
    "ec2Configuration",
)
# What can be changed in place only with the service-linked role and a strategy other than BEST_FIT.
# https://docs.aws.amazon.com/batch/latest/userguide/infrastructure-updates.html
_INFRASTRUCTURE = tuple(member for member in _EC2_ONLY if member not in ("minvCpus", "desiredvCpus"))


def is_fargate(record: Record) -> bool:
    """Whether an environment is of Fargate."""
    return (record.get("computeResources") or {}).get("type") in FARGATE


def create(store: Store, request: Record) -> Record:
    """Serve CreateComputeEnvironment."""
    name = request["computeEnvironmentName"]
    if not limits.NAME.fullmatch(name):
        raise ClientError(f"computeEnvironmentName: {name!r} must be letters, digits, - and _, at most 128")
    scope = Scope.current()
    arn = scope.arn("compute-environment", name)
    if arn in store.environments:
        raise ClientError(f"Object already exists: {name}")
    check_tags(request.get("tags"))
    if "eksConfiguration" in request:
        raise ClientError("eksConfiguration: local AWS runs no EKS environments")
    managed = request["type"] == "MANAGED"
    resources = copy.deepcopy(request.get("computeResources") or {})
    if managed:
        _check_resources(resources)
        _check_images(resources)
    elif resources:
        raise ClientError("computeResources must not be given for an UNMANAGED compute environment")
    if request.get("serviceRole"):
        references.check_role(request["serviceRole"], "serviceRole")
    linked_role = f"arn:aws:iam::{scope.account_id}:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
    unique = str(uuid.uuid4())
    record: Record = {
        "computeEnvironmentName": name,
        "computeEnvironmentArn": arn,
        "ecsClusterArn": f"arn:aws:ecs:{scope.region}:{scope.account_id}:cluster/AWSBatch-{name}-{unique}",
        "tags": dict(request.get("tags") or {}),
        "type": request["type"],
        "state": request.get("state", "ENABLED"),
        "status": "VALID",
        "statusReason": "ComputeEnvironment Healthy",
        "serviceRole": request.get("serviceRole") or linked_role,
        "containerOrchestrationType": "ECS",
        "uuid": unique,
    }
    if managed:
        record["computeResources"] = resources
    elif "unmanagedvCpus" in request:
        record["unmanagedvCpus"] = request["unmanagedvCpus"]
    store.environments[arn] = record
    return _names(record)


def update(store: Store, request: Record) -> Record:
    """Serve UpdateComputeEnvironment."""
    record = store.environment(request["computeEnvironment"])
    change = copy.deepcopy(request.get("computeResources") or {})
    if change:
        if record["type"] != "MANAGED":
            raise ClientError("computeResources must not be given for an UNMANAGED compute environment")
        current = record["computeResources"]
        touched = [m for m in _INFRASTRUCTURE if m in change and change[m] != current.get(m)]
        if touched and current.get("allocationStrategy", "BEST_FIT") == "BEST_FIT" and not is_fargate(record):
            raise ClientError(f"computeResources.{touched[0]} can't be changed with the allocation strategy BEST_FIT")
        if touched and "/aws-service-role/" not in record["serviceRole"]:
            raise ClientError(f"computeResources.{touched[0]} can only be changed with the service-linked role")
        change.pop("updateToLatestImageVersion", None)  # asks for an update, and is no member of the environment
        merged = {**current, **change}
        _check_resources(merged)
        record["computeResources"] = merged
    if request.get("serviceRole"):
        references.check_role(request["serviceRole"], "serviceRole")
    for member in ("state", "serviceRole", "unmanagedvCpus", "updatePolicy"):
        if member in request:
            record[member] = request[member]
    return _names(record)


def delete(store: Store, request: Record) -> Record:
    """Serve DeleteComputeEnvironment: disabled ones that no queue names; a missing one is no error."""
    reference = request["computeEnvironment"]
    try:
        record = store.environment(reference)
    except ClientError:
        return {}
    arn = record["computeEnvironmentArn"]
    if record["state"] != "DISABLED":
        raise ClientError("Cannot delete, compute environment must be DISABLED")
    if any(o["computeEnvironment"] == arn for q in store.queues.values() for o in q["computeEnvironmentOrder"]):
        raise ClientError("Cannot delete, found existing JobQueue relationship")
    del store.environments[arn]
    return {}


def _names(record: Record) -> Record:
    return {member: record[member] for member in ("computeEnvironmentName", "computeEnvironmentArn")}


def _check_resources(resources: dict[str, Any]) -> None:
    kind = resources.get("type")
    if kind is None:
        raise ClientError("computeResources.type is required for a MANAGED compute environment")
    if kind == "ECS_MANAGED_INSTANCES":
        raise ClientError("computeResources.type: local AWS has EC2, SPOT, FARGATE and FARGATE_SPOT")
    if not resources.get("subnets"):
        raise ClientError("computeResources.subnets: at least one subnet is required")
    if int(resources["maxvCpus"]) < 1:
        raise ClientError("computeResources.maxvCpus must be at least 1")
    if kind in FARGATE:
        for member in _EC2_ONLY:
            if member in resources:
                raise ClientError(f"computeResources.{member} is not applicable to {kind}")
        if not resources.get("securityGroupIds"):
            raise ClientError(f"computeResources.securityGroupIds: at least one is required for {kind}")
    else:
        _check_ec2(resources, kind)
    references.check_network(resources)


def _check_images(resources: dict[str, Any]) -> None:
    """Refuse a new environment of Batch's own images of Amazon Linux 2.

    https://docs.aws.amazon.com/batch/latest/userguide/ecs-migration-2023.html
    """
    for each in resources.get("ec2Configuration") or []:
        own = each.get("imageIdOverride") or resources.get("imageId")
        if each["imageType"] in limits.WITHDRAWN_IMAGE_TYPES and not own:
            raise ClientError(
                f"computeResources.ec2Configuration.imageType: {each['imageType']}: since June 30, 2026 no compute"
                " environment is created with Amazon Linux 2"
            )


def _check_ec2(resources: dict[str, Any], kind: str) -> None:
    if not resources.get("instanceTypes"):
        raise ClientError(f"computeResources.instanceTypes is required for {kind}")
    if not resources.get("instanceRole"):
        raise ClientError(f"computeResources.instanceRole is required for {kind}")
    references.check_instance_role(resources["instanceRole"])
    low, high = int(resources.get("minvCpus", 0)), int(resources["maxvCpus"])
    if not 0 <= low <= int(resources.get("desiredvCpus", low)) <= high:
        raise ClientError("computeResources: 0 <= minvCpus <= desiredvCpus <= maxvCpus is required")
    resources.setdefault("minvCpus", 0)
    resources.setdefault("desiredvCpus", low)
    strategy = resources.setdefault("allocationStrategy", "BEST_FIT")
    if strategy.startswith("SPOT_") and kind != "SPOT":
        raise ClientError(f"computeResources.allocationStrategy: {strategy} is for SPOT only")
    if len(resources.get("ec2Configuration") or []) > limits.IMAGES_MAXIMUM:
        raise ClientError(f"computeResources.ec2Configuration: at most {limits.IMAGES_MAXIMUM} are allowed")
    bid = resources.get("bidPercentage")
    if bid is not None and not 0 <= int(bid) <= 100:
        raise ClientError(f"computeResources.bidPercentage: {bid} is not from 0 to 100")
    if kind == "SPOT" and strategy == "BEST_FIT" and not resources.get("spotIamFleetRole"):
        raise ClientError("computeResources.spotIamFleetRole is required for SPOT with BEST_FIT")
    if resources.get("spotIamFleetRole"):
        references.check_role(resources["spotIamFleetRole"], "computeResources.spotIamFleetRole")
    if resources.get("launchTemplate"):
        references.check_launch_template(resources["launchTemplate"])
    elif not resources.get("securityGroupIds"):
        raise ClientError("computeResources.securityGroupIds or a launch template with them is required")
