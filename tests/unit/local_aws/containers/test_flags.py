"""What of a job's definition reaches its container."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchtab.local_aws.containers import flags
from batchtab.local_aws.containers.engine import LIMITS

SIZES = [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "1024"}]
MEMORY = ["--memory", "1024m", "--memory-swap", "1024m"]


def of(*, fargate: bool = False, swappiness: bool = True, **properties: Any) -> list[str]:
    asked = {"resourceRequirements": SIZES, **properties}
    return flags.of(asked, {}, LIMITS, fargate=fargate, swappiness=swappiness)


def test_vcpus_are_a_share_on_ec2_and_a_limit_on_fargate() -> None:
    assert of() == ["--cpu-shares", "2048", *MEMORY]
    half = [{"type": "VCPU", "value": "0.5"}, SIZES[1]]
    assert of(fargate=True, resourceRequirements=half) == ["--cpus", "0.5", *MEMORY]


def test_what_the_engine_cannot_limit_is_not_asked_for() -> None:
    properties = {"resourceRequirements": SIZES}
    assert flags.of(properties, {}, frozenset({"memory"}), fargate=False, swappiness=True) == MEMORY
    assert flags.of(properties, {}, frozenset(), fargate=True, swappiness=True) == []


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"user": "1000:1000"}, ["--user", "1000:1000"]),
        ({"readonlyRootFilesystem": True}, ["--read-only"]),
        ({"readonlyRootFilesystem": False, "privileged": False}, []),
        ({"privileged": True}, ["--privileged"]),
        ({"linuxParameters": {"initProcessEnabled": True}}, ["--init"]),
        ({"linuxParameters": {"sharedMemorySize": 256}}, ["--shm-size", "256m"]),
        (
            {"linuxParameters": {"tmpfs": [{"containerPath": "/tmp", "size": 64}]}},
            ["--tmpfs", "/tmp:size=64m,noexec,nosuid,nodev"],
        ),
        (
            {"linuxParameters": {"tmpfs": [{"containerPath": "/t", "size": 8, "mountOptions": ["exec", "mode=1777"]}]}},
            ["--tmpfs", "/t:size=8m,exec,mode=1777,nosuid,nodev"],
        ),
        ({"linuxParameters": {"devices": [{"hostPath": "/dev/fuse"}]}}, ["--device", "/dev/fuse:/dev/fuse:rwm"]),
        (
            {
                "linuxParameters": {
                    "devices": [{"hostPath": "/dev/a", "containerPath": "/dev/b", "permissions": ["READ"]}]
                }
            },
            ["--device", "/dev/a:/dev/b:r"],
        ),
        (
            {"ulimits": [{"name": "nofile", "softLimit": 100, "hardLimit": 200}]},
            ["--ulimit", "nofile=100:200"],
        ),
        ({"linuxParameters": {"swappiness": 10}}, []),
    ],
)
def test_each_property_becomes_its_flag(properties: dict[str, Any], expected: list[str]) -> None:
    assert of(**properties) == ["--cpu-shares", "2048", *MEMORY, *expected]


def test_swap_is_given_only_where_it_is_asked_for() -> None:
    # GIVEN a job with 512 MiB of swap
    linux = {"maxSwap": 512, "swappiness": 10}
    # THEN the limit is that of both, and swappiness counts where the machine has it
    swap = ["--cpu-shares", "2048", "--memory", "1024m", "--memory-swap", "1536m"]
    assert of(linuxParameters=linux) == [*swap, "--memory-swappiness", "10"]
    assert of(linuxParameters=linux, swappiness=False) == swap
    assert of(linuxParameters={"maxSwap": 512}) == [*swap, "--memory-swappiness", "60"]


def test_volumes_with_a_folder_are_mounted_and_made_and_others_are_empty(tmp_path: Path) -> None:
    # GIVEN a volume with a folder that does not exist yet, and one without
    there = tmp_path / "data"
    mounts = [
        {"sourceVolume": "data", "containerPath": "/data", "readOnly": True},
        {"sourceVolume": "scratch", "containerPath": "/scratch", "readOnly": True},
    ]
    # WHEN they are mounted
    asked = {"resourceRequirements": SIZES, "mountPoints": mounts}
    found = flags.of(asked, {"data": str(there), "scratch": None}, LIMITS, fargate=False, swappiness=True)
    # THEN the first is the machine's folder, which is there now, as on AWS
    assert found[-4:] == ["--volume", f"{there}:/data:ro", "--volume", "/scratch"]
    assert there.is_dir()
