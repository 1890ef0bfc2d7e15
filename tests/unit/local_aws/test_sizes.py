"""What of a job is too big: for Batch, for Fargate, for any instance."""

from __future__ import annotations

from typing import Any

import pytest

from batchtab.local_aws.batch import instances, sizes
from batchtab.local_aws.batch.errors import ClientError


def wanted(vcpus: str, memory: int) -> dict[str, Any]:
    return {
        "resourceRequirements": [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": str(memory)}],
    }


@pytest.mark.parametrize(("vcpus", "memory"), [("0.25", 512), ("16", 122_880), ("32", 61_440), ("32", 249_856)])
def test_sizes_that_fargate_offers(vcpus: str, memory: int) -> None:
    sizes.check_sizes(wanted(vcpus, memory), fargate=True)


@pytest.mark.parametrize(("vcpus", "memory"), [("3", 8192), ("64", 249_856), ("32", 65_536), ("0.25", 4096)])
def test_sizes_that_fargate_does_not_offer(vcpus: str, memory: int) -> None:
    with pytest.raises(ClientError, match="Fargate resource requirements"):
        sizes.check_sizes(wanted(vcpus, memory), fargate=True)


def test_content_is_counted_in_bytes() -> None:
    # GIVEN content of exactly a KiB, and one byte more by a letter of two bytes
    empty = len('{"a":""}')
    sizes.check_payload("Job", {"a": "x" * (1024 - empty)}, 1)
    # WHEN it is looked at, THEN the longer one is refused as Batch does
    with pytest.raises(ClientError, match="Job size must be less than 1 KiB, got 2 KiB"):
        sizes.check_payload("Job", {"a": "x" * (1023 - empty) + "é"}, 1)


def test_overrides_have_no_more_than_what_is_other_than_in_the_definition() -> None:
    nothing = sizes.overrides_length(None, [], [])
    assert sizes.overrides_length(["x" * 100], [], []) == nothing + len(',"command":[""]') + 100


@pytest.mark.parametrize(
    ("types", "vcpus", "memory_mib", "fits"),
    [
        (["optimal"], 64, 400 * 1024, True),
        (["optimal"], 192, 300 * 1024, True),
        (["optimal"], 192, 400 * 1024, False),
        (["optimal"], 193, 1024, False),
        (["optimal"], 1, 1024 * 1024, False),
        (["default_x86_64"], 128, 1000 * 1024, True),
        (["default_arm64"], 64, 500 * 1024, True),
        (["default_arm64"], 65, 1024, False),
        (["default_arm64", "m6i.24xlarge"], 65, 1024, True),
        (["m5.large"], 2, 8191, True),
        (["m5.large"], 2, 8192, False),
        (["m5.large"], 4, 1024, False),
        (["c6i.xlarge"], 4, 8192, False),
        (["r7g.4xlarge"], 16, 128 * 1024 - 1, True),
        (["c5n.large"], 2, 5000, True),
        (["m5.large", "m5.2xlarge"], 8, 30_000, True),
        (["m6i"], 128, 500_000, True),
        (["m6i"], 1, 768 * 1024, False),
        (["x1e.32xlarge"], 500, 10**9, True),
        (["m5.metal"], 500, 10**9, True),
        ([], 500, 10**9, True),
    ],
)
def test_instance_that_is_big_enough(types: list[str], vcpus: float, memory_mib: float, fits: bool) -> None:
    assert instances.can_run({"computeResources": {"instanceTypes": types}}, vcpus, memory_mib) is fits


def test_environment_whose_instances_are_not_batchs_runs_all() -> None:
    assert instances.can_run({}, 10**6, 10**9)
