"""Terraform's provider compares a definition with what local AWS gives back: a second plan is empty."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.local_helpers import REGION, Batch, LocalAws, sizes
from tests.hcl.terraform import Terraform

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SYSTEM = "fs-0123456789abcdef0"
ONE = {"image": "worker:1", "resourceRequirements": sizes()}


def definitions(role: str) -> dict[str, dict[str, Any]]:
    """Definitions of each kind: with as little as can be, and with all that may be asked for."""
    efs = {
        "fileSystemId": SYSTEM,
        "rootDirectory": "/data",
        "transitEncryption": "ENABLED",
        "authorizationConfig": {"iam": "ENABLED"},
    }
    common = {
        "command": ["echo", "Ref::word"],
        "environment": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
        "secrets": [{"name": "S", "valueFrom": "/s"}],
        "readonlyRootFilesystem": True,
        "user": "1000",
        "mountPoints": [{"sourceVolume": "efs", "containerPath": "/efs", "readOnly": False}],
        "ulimits": [{"name": "nofile", "softLimit": 10, "hardLimit": 20}],
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/g"}},
    }
    linux = {
        "initProcessEnabled": True,
        "sharedMemorySize": 64,
        "maxSwap": 8,
        "swappiness": 10,
        "tmpfs": [{"containerPath": "/tmp", "size": 64}],
        "devices": [{"hostPath": "/dev/fuse"}],
    }
    volumes = [{"name": "efs", "efsVolumeConfiguration": efs}, {"name": "scratch"}]
    fargate = {"executionRoleArn": role, "resourceRequirements": sizes("0.25", "512")}
    whole = {**ONE, **common, "volumes": volumes, "jobRoleArn": role, "executionRoleArn": role}
    sidecar = {
        "name": "sidecar",
        "image": "proxy:1",
        "essential": False,
        "resourceRequirements": sizes(),
        "stopTimeout": 60,
    }
    main = {
        **ONE,
        **common,
        "name": "main",
        "linuxParameters": linux,
        "dependsOn": [{"containerName": "sidecar", "condition": "START"}],
    }
    task = {
        "containers": [main, sidecar],
        "volumes": volumes,
        "taskRoleArn": role,
        "executionRoleArn": role,
    }
    small = {**ONE, "name": "a", "resourceRequirements": sizes("0.25", "512")}
    on_fargate = {"platform_capabilities": ["FARGATE"]}
    nodes = [{"targetNodes": "0:1", "container": {**whole, "linuxParameters": linux}}]
    return {
        "least": {"container_properties": ONE},
        "whole": {
            "container_properties": {**whole, "linuxParameters": linux},
            "parameters": {"word": "x"},
            "scheduling_priority": 3,
            "propagate_tags": True,
            "timeout": {"attempt_duration_seconds": 60},
            "retry_strategy": {"attempts": 2, "evaluate_on_exit": [{"on_exit_code": "1*", "action": "RETRY"}]},
        },
        "fargate": {"container_properties": {**ONE, **fargate}, **on_fargate},
        "whole_fargate": {
            "container_properties": {
                **ONE,
                **fargate,
                "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
                "ephemeralStorage": {"sizeInGiB": 30},
                "networkConfiguration": {"assignPublicIp": "ENABLED"},
                "fargatePlatformConfiguration": {"platformVersion": "1.4.0"},
                "linuxParameters": {"initProcessEnabled": True},
            },
            **on_fargate,
        },
        "task": {"ecs_properties": {"taskProperties": [task]}},
        "task_fargate": {
            "ecs_properties": {"taskProperties": [{"containers": [small], "executionRoleArn": role}]},
            **on_fargate,
        },
        "nodes": {
            "type": "multinode",
            "node_properties": {"numNodes": 2, "mainNode": 0, "nodeRangeProperties": nodes},
        },
    }


def test_a_second_plan_of_definitions_of_every_kind_is_empty(local: LocalAws, batch: Batch, tmp_path: Path) -> None:
    # GIVEN definitions of each kind
    resources = {}
    for name, found in definitions(batch.role).items():
        texts = {member: json.dumps(value) for member, value in found.items() if member.endswith("_properties")}
        resources[name] = {"name": name, "type": "container", **found, **texts}
    content = {"provider": {"aws": {"region": REGION}}, "resource": {"aws_batch_job_definition": resources}}
    (tmp_path / "main.tf.json").write_text(json.dumps(content))
    keys = {"AWS_ENDPOINT_URL": local.endpoint, "AWS_REGION": REGION}
    terraform = Terraform(tmp_path, keys | {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"})
    terraform.init()
    # WHEN they are applied
    terraform.do("apply", "-input=false", "-auto-approve")
    # THEN nothing is left to do
    terraform.plan_is_empty()
