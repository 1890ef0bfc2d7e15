"""Rules for nodeProperties: a job on several instances at once.

https://docs.aws.amazon.com/batch/latest/userguide/multi-node-parallel-jobs.html
"""

from __future__ import annotations

import copy
import re
from typing import Any

from batchtab.local_aws.batch import container, ecs_tasks, limits
from batchtab.local_aws.batch.errors import ClientError

Properties = dict[str, Any]
_RANGE = re.compile(r"(?P<first>\d*)(?P<colon>:)?(?P<last>\d*)")


def normalised(properties: Properties) -> Properties:
    """Return nodeProperties as Batch gives them back."""
    made = copy.deepcopy(properties)
    for each in made["nodeRangeProperties"]:
        if "container" in each:
            each["container"] = container.normalised(each["container"], fargate=False)
        if "ecsProperties" in each:
            each["ecsProperties"] = ecs_tasks.normalised(each["ecsProperties"], fargate=False)
    return made


def check(properties: Properties) -> None:
    """Refuse nodeProperties that Batch refuses.

    Raises:
        ClientError: What is wrong.
    """
    number, main, ranges = properties["numNodes"], properties["mainNode"], properties["nodeRangeProperties"]
    low, high = limits.NODES
    if not low <= number <= high:
        raise ClientError(f"Number of nodes must be between {low} and {high}.")
    if not 0 <= main < number:
        raise ClientError("Main node index is out of range, must be less than numNodes.")
    if not ranges:
        raise ClientError("nodeRangeProperties must not be empty")
    if len(ranges) > limits.NODE_RANGES_MAXIMUM:
        raise ClientError(f"Maximum allowed size of node range properties is {limits.NODE_RANGES_MAXIMUM}")
    for each in ranges:
        _check_range(each)
    covered = {index for each in ranges for index in indices(each["targetNodes"], number)}
    if missing := sorted(set(range(number)) - covered):
        raise ClientError(f"nodeRangeProperties: no range has node {missing[0]} of {number}")
    types = {(each.get("container") or {}).get("instanceType") for each in ranges if "container" in each}
    if len(types) > 1:
        raise ClientError("All node groups in a multi-node parallel job must use the same instance type")


def indices(target: str, number: int) -> range:
    """Return the nodes that `targetNodes` names: `0:3`, `:3`, `2:` or `1`.

    Raises:
        ClientError: It is no range of the job's nodes.
    """
    found = _RANGE.fullmatch(target)
    if found is None or not target:
        raise ClientError("targetNodes should contain only digits.")
    first = int(found["first"] or 0)
    last = int(found["last"] or number - 1) if found["colon"] else first
    if first > last or last >= number:
        raise ClientError(f"targetNodes {target} is not within the job's nodes, 0 to {number - 1}")
    return range(first, last + 1)


def of_node(properties: Properties, index: int) -> Properties:
    """Return the properties of a node: of the narrowest range that has it."""
    number = properties["numNodes"]
    having = [
        (len(nodes), each)
        for each in properties["nodeRangeProperties"]
        if index in (nodes := indices(each["targetNodes"], number))
    ]
    found: Properties = min(having, key=lambda pair: pair[0])[1]
    return found


def with_number(properties: Properties, number: int | None) -> Properties:
    """Return nodeProperties with SubmitJob's number of nodes, which needs a range that is open at its end.

    Raises:
        ClientError: The definition can't have that number.
    """
    made = copy.deepcopy(properties)
    if number is None:
        return made
    low, high = limits.NODES
    if not low <= number <= high:
        raise ClientError(f"Number of nodes must be between {low} and {high}.")
    if not any(each["targetNodes"].endswith(":") for each in made["nodeRangeProperties"]):
        raise ClientError("nodeOverrides.numNodes needs a node range in the job definition that is open at its end")
    if made["mainNode"] >= number:
        raise ClientError("Main node index is out of range, must be less than numNodes.")
    made["numNodes"] = number
    for each in made["nodeRangeProperties"]:
        indices(each["targetNodes"], number)
    return made


def _check_range(each: Properties) -> None:
    target = each["targetNodes"]
    if each.get("eksProperties") or each.get("consumableResourceProperties"):
        raise ClientError("nodeRangeProperties: local AWS has container and ecsProperties only")
    if "container" in each and "ecsProperties" in each:
        raise ClientError("NodeRangeProperties can not use both ecsProperties and container fields")
    if each.get("instanceTypes") and "ecsProperties" not in each:
        raise ClientError("Using instanceTypes with nodeRangeProperty is only allowed for ecsProperties jobs.")
    if len(each.get("instanceTypes") or []) > 1:
        raise ClientError("nodeRangeProperties: instanceTypes may have one type")
    if "container" in each:
        container.check(each["container"], fargate=False, node=True)
    elif "ecsProperties" in each:
        ecs_tasks.check(each["ecsProperties"], fargate=False)
    else:
        raise ClientError(f"Must specify container for node range {target}")
