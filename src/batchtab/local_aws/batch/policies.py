from __future__ import annotations

import copy

from batchtab.local_aws.batch import limits
from batchtab.local_aws.batch.errors import ClientError
from batchtab.local_aws.batch.store import Record, Scope, Store
from batchtab.local_aws.batch.tags import check_tags


def create(store: Store, request: Record) -> Record:
    """Serve CreateSchedulingPolicy."""
    name = request["name"]
    if not limits.NAME.fullmatch(name):
        raise ClientError(f"name: {name!r} must be letters, digits, - and _, at most 128")
    arn = Scope.current().arn("scheduling-policy", name)
    if arn in store.policies:
        raise ClientError(f"Object already exists: {name}")
    check_tags(request.get("tags"))
    store.policies[arn] = {
        "name": name,
        "arn": arn,
        "fairsharePolicy": _fair_share(request),
        "tags": dict(request.get("tags") or {}),
    }
    return {"name": name, "arn": arn}


def update(store: Store, request: Record) -> Record:
    """Serve UpdateSchedulingPolicy."""
    record = store.policy(request["arn"])
    record["fairsharePolicy"] = _fair_share(request)
    return {}


def delete(store: Store, request: Record) -> Record:
    """Serve DeleteSchedulingPolicy; one that a queue uses stays."""
    arn = request["arn"]
    if any(queue.get("schedulingPolicyArn") == arn for queue in store.queues.values()):
        raise ClientError(f"Cannot delete, scheduling policy {arn} is in use by a job queue")
    store.policies.pop(arn, None)
    return {}


def weight_factor(policy: Record | None, share: str) -> float:
    """Return a share's weight: a smaller one gets more; the longest matching prefix (`name*`) counts."""
    best, weight = -1, 1.0
    for entry in ((policy or {}).get("fairsharePolicy") or {}).get("shareDistribution") or []:
        identifier = entry["shareIdentifier"]
        prefix = identifier.rstrip("*")
        matches = share.startswith(prefix) if identifier.endswith("*") else share == identifier
        if matches and len(prefix) > best:
            best, weight = len(prefix), float(entry.get("weightFactor") or 1.0)
    return weight


def _fair_share(request: Record) -> Record:
    policy: Record = copy.deepcopy(request.get("fairsharePolicy") or {})
    for entry in policy.get("shareDistribution") or []:
        if not limits.SHARE_IDENTIFIER.fullmatch(entry["shareIdentifier"].removesuffix("*")):
            raise ClientError(f"shareDistribution: {entry['shareIdentifier']!r} is not a share identifier")
        if not 0.0001 <= float(entry.get("weightFactor", 1.0)) <= 999.9999:
            raise ClientError("shareDistribution: weightFactor must be from 0.0001 to 999.9999")
    names = [entry["shareIdentifier"] for entry in policy.get("shareDistribution") or []]
    for number, name in enumerate(names):
        for other in names[:number] + names[number + 1 :]:
            if name == other or (name.endswith("*") and other.startswith(name[:-1])):
                raise ClientError(f"shareDistribution: {other} and {name} overlap")
    low, high = limits.SHARE_DECAY_SECONDS
    if not low <= int(policy.get("shareDecaySeconds", 0)) <= high:
        raise ClientError(f"shareDecaySeconds must be from {low} to {high}")
    if not 0 <= int(policy.get("computeReservation", 0)) <= 99:
        raise ClientError("computeReservation must be from 0 to 99")
    return policy
