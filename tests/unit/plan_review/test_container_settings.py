"""What a container is given beside image, command and size, in the words of a review."""

from __future__ import annotations

from typing import Any

import pytest

from batchtab.plan_review.container_settings import settings

EFS = {
    "fileSystemId": "fs-0123456789abcdef0",
    "transitEncryption": "ENABLED",
    "authorizationConfig": {"accessPointId": "fsap-0123456789abcdef0", "iam": "ENABLED"},
}


def test_what_every_job_has_is_not_repeated() -> None:
    # GIVEN the properties of a job that says nothing special
    properties = {
        "image": "busybox:1",
        "command": ["true"],
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
        "readonlyRootFilesystem": True,
        "volumes": [{"name": "batchtab-tmp"}],
        "mountPoints": [{"sourceVolume": "batchtab-tmp", "containerPath": "/tmp"}],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {"awslogs-group": "g", "awslogs-stream-prefix": "p", "mode": "blocking"},
        },
        "fargatePlatformConfiguration": {"platformVersion": "LATEST"},
        "networkConfiguration": {"assignPublicIp": "DISABLED"},
    }
    # THEN no row is about them
    assert settings(properties) == {}


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"user": "1000:1000"}, {"user": "1000:1000"}),
        ({"privileged": True}, {"privileged": "yes, like root on the instance"}),
        ({"resourceRequirements": [{"type": "GPU", "value": "2"}]}, {"GPUs": "2"}),
        (
            {"runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}},
            {"architecture": "arm64"},
        ),
        (
            {"volumes": [{"name": "data", "efsVolumeConfiguration": EFS}, {"name": "x", "host": {"sourcePath": "/x"}}]},
            {"volumes": "data: EFS fs-0123456789abcdef0 by fsap-0123456789abcdef0; x: /x of the host"},
        ),
        (
            {"mountPoints": [{"sourceVolume": "data", "containerPath": "/data", "readOnly": True}]},
            {"mounts": "data at /data, read-only"},
        ),
        (
            {
                "linuxParameters": {
                    "initProcessEnabled": True,
                    "sharedMemorySize": 128,
                    "tmpfs": [{"containerPath": "/scratch", "size": 64}],
                    "devices": [{"hostPath": "/dev/fuse", "containerPath": "/dev/f", "permissions": ["READ"]}],
                    "swappiness": 60,
                }
            },
            {
                "init process": "yes",
                "shared memory": "128 MiB",
                "tmpfs": "/scratch of 64 MiB",
                "devices": "/dev/fuse as /dev/f (READ)",
                "linuxParameters": '{"swappiness": 60}',
            },
        ),
        (
            {"ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 4096}]},
            {"ulimits": "nofile 1024/4096"},
        ),
        (
            {
                "logConfiguration": {
                    "logDriver": "splunk",
                    "options": {"splunk-url": "https://splunk.example.com", "mode": "non-blocking"},
                    "secretOptions": [{"name": "splunk-token", "valueFrom": "arn"}],
                }
            },
            {
                "log": "splunk: mode=non-blocking, splunk-url=https://splunk.example.com, splunk-token from a secret",
            },
        ),
        ({"enableExecuteCommand": True}, {"exec": "a shell may be opened in it"}),
        ({"networkConfiguration": {"assignPublicIp": "ENABLED"}}, {"public address": "yes"}),
        ({"fargatePlatformConfiguration": {"platformVersion": "1.4.0"}}, {"platform version": "1.4.0"}),
        (
            {"repositoryCredentials": {"credentialsParameter": "arn:aws:secretsmanager:r:1:secret:registry-AbCdEf"}},
            {"registry credentials": "registry-AbCdEf"},
        ),
        ({"instanceType": "m6i.large"}, {"instanceType": '"m6i.large"'}),
    ],
)
def test_each_setting_has_a_row(properties: dict[str, Any], expected: dict[str, str]) -> None:
    assert settings(properties) == expected


def test_what_looks_like_a_secret_is_masked() -> None:
    said = settings({"logConfiguration": {"logDriver": "splunk", "options": {"splunk-token": "hunter2hunter2"}}})

    assert "hunter2" not in said["log"]
