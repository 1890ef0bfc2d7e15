"""What a job definition may ask of its container: what is refused, what is given back, what its roles need."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.e2e.local_helpers import ACCOUNT, REGION, Batch, LocalAws, make_role, refusal, sizes, unique

pytestmark = pytest.mark.e2e

SYSTEM = "fs-0123456789abcdef0"
POINT = "fsap-0123456789abcdef0"


def properties(batch: Batch, **more: Any) -> dict[str, Any]:
    made = {
        "image": "worker",
        "command": ["true"],
        "resourceRequirements": sizes("1", "2048"),
        "executionRoleArn": batch.role,
        "jobRoleArn": batch.role,
        **more,
    }
    return {member: value for member, value in made.items() if value is not None}


def register(batch: Batch, *, fargate: bool = False, **more: Any) -> dict[str, Any]:
    """Register a definition; returns its containerProperties as they are described."""
    name = unique("definition")
    batch.api.register_job_definition(
        jobDefinitionName=name,
        type="container",
        platformCapabilities=["FARGATE" if fargate else "EC2"],
        containerProperties=properties(batch, **more),
    )
    found = batch.api.describe_job_definitions(jobDefinitionName=name)["jobDefinitions"][0]["containerProperties"]
    return dict(found)


def linux(**parameters: Any) -> dict[str, Any]:
    return {"linuxParameters": parameters}


def efs(**configuration: Any) -> dict[str, Any]:
    return {"volumes": [{"name": "v", "efsVolumeConfiguration": {"fileSystemId": SYSTEM, **configuration}}]}


def log(driver: str = "awslogs", **options: str) -> dict[str, Any]:
    return {"logConfiguration": {"logDriver": driver, "options": options}}


def runtime(architecture: str | None, system: str | None = None) -> dict[str, Any]:
    given = {"cpuArchitecture": architecture, "operatingSystemFamily": system}
    return {"runtimePlatform": {member: value for member, value in given.items() if value}}


SECRET = [{"name": "A", "valueFrom": "/a"}]
BY_IAM = {"transitEncryption": "ENABLED", "authorizationConfig": {"iam": "ENABLED"}}
S3_FILES = {"fileSystemArn": f"arn:aws:s3files:{REGION}:{ACCOUNT}:file-system/{SYSTEM}"}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("EC2", runtime("ARM64"), "runtimePlatform is not applicable for EC2."),
    ("FARGATE", runtime("MIPS"), "X86_64, ARM64"),
    ("FARGATE", runtime("X86_64", "PLAN9"), "RuntimePlatform supports only one from"),
    ("FARGATE", runtime("ARM64", "WINDOWS_SERVER_2022_CORE"), "Windows supported only by X86_64"),
    ("FARGATE", {**runtime(None, "WINDOWS_SERVER_2022_CORE"), "user": "me"}, "user is not applicable to Windows"),
    ("EC2", {"networkConfiguration": {"assignPublicIp": "ENABLED"}}, "networkConfiguration not applicable for EC2."),
    ("EC2", {"fargatePlatformConfiguration": {"platformVersion": "LATEST"}}, "not applicable for EC2."),
    ("EC2", {"ephemeralStorage": {"sizeInGiB": 30}}, "ephemeralStorage not applicable for EC2."),
    ("FARGATE", {"ephemeralStorage": {"sizeInGiB": 20}}, "between range 21 GiB to 200 GiB"),
    ("FARGATE", {"fargatePlatformConfiguration": {"platformVersion": "newest"}}, "newest"),
    (
        "FARGATE",
        {"resourceRequirements": [*sizes("1", "2048"), {"type": "GPU", "value": "1"}]},
        "GPU is not applicable",
    ),
    ("EC2", {"resourceRequirements": [*sizes(), {"type": "GPU", "value": "0.5"}]}, "GPU 0.5"),
    ("EC2", {"resourceRequirements": [*sizes(), *sizes()]}, "duplicates in resourceRequirements"),
    ("FARGATE", {"privileged": True}, "'privileged' setting be 'false'"),
    ("FARGATE", {"ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 2}]}, "ulimits is not applicable"),
    ("EC2", {"ulimits": [{"name": "files", "softLimit": 1, "hardLimit": 2}]}, "nofile"),
    ("EC2", {"ulimits": [{"name": "nofile", "softLimit": 3, "hardLimit": 2}]}, "above its hardLimit"),
    (
        "FARGATE",
        linux(tmpfs=[{"containerPath": "/tmp", "size": 8}]),
        "linuxParameter.tmpfs is not allowed for Fargate.",
    ),
    ("FARGATE", linux(sharedMemorySize=64), "linuxParameter.sharedMemorySize is not allowed"),
    ("FARGATE", linux(maxSwap=0, swappiness=1), "linuxParameter.maxSwap is not allowed"),
    ("EC2", linux(maxSwap=-1, swappiness=1), "Invalid swap memory size: -1"),
    ("EC2", linux(maxSwap=1, swappiness=101), "Invalid swappiness: 101"),
    ("EC2", linux(maxSwap=1), "swappiness value is required"),
    ("EC2", linux(tmpfs=[{"containerPath": "/tmp", "size": 0}]), "must be a positive integer"),
    ("EC2", linux(tmpfs=[{"containerPath": "/tmp", "size": 8, "mountOptions": ["quick"]}]), "quick"),
    ("EC2", linux(devices=[{"hostPath": "fuse"}]), "not an absolute path"),
    ("EC2", {"volumes": [{"name": "a.b"}]}, "a.b"),
    ("EC2", {"volumes": [{"name": "a"}, {"name": "a"}]}, "given twice"),
    ("EC2", {"mountPoints": [{"sourceVolume": "a", "containerPath": "/a"}]}, "no volume of the job"),
    (
        "EC2",
        {"volumes": [{"name": "a"}], "mountPoints": [{"sourceVolume": "a", "containerPath": "/a"}] * 2},
        "mounted twice",
    ),
    ("FARGATE", {"volumes": [{"name": "a", "host": {"sourcePath": "/a"}}]}, "host.sourcePath should not be set"),
    ("EC2", efs(fileSystemId="data"), "EFS configuration fileSystemId is not valid: data."),
    ("EC2", efs(transitEncryptionPort=70_000), "TransitEncryptionPort must be a valid port number."),
    ("EC2", efs(authorizationConfig={"iam": "ENABLED"}), "requires TransitEncryption to be enabled"),
    ("EC2", efs(authorizationConfig={"accessPointId": POINT}), "requires TransitEncryption to be enabled"),
    (
        "EC2",
        efs(transitEncryption="ENABLED", rootDirectory="/x", authorizationConfig={"accessPointId": POINT}),
        "root directory must either be set",
    ),
    ("EC2", {**efs(**BY_IAM), "jobRoleArn": None}, "jobRoleArn"),
    ("FARGATE", {**efs(), "fargatePlatformConfiguration": {"platformVersion": "1.3.0"}}, "1.4.0 or later"),
    (
        "EC2",
        {"volumes": [{"name": "a", "host": {"sourcePath": "/a"}, "s3filesVolumeConfiguration": S3_FILES}]},
        "only one volume configuration type",
    ),
    (
        "EC2",
        {"volumes": [{"name": "a", "s3filesVolumeConfiguration": S3_FILES}], "jobRoleArn": None},
        "required when using s3filesVolumeConfiguration",
    ),
    ("FARGATE", log("journald"), "Log driver for Fargate is not valid: journald"),
    ("EC2", log(**{"awslogs-endpoint": "x"}), "Log driver awslogs disallows options: awslogs-endpoint"),
    ("EC2", log(mode="lossy"), "blocking"),
    ("EC2", log(mode="blocking", **{"max-buffer-size": "4m"}), "only for mode non-blocking"),
    ("EC2", log("awsfirelens"), "firelensConfiguration"),
    (
        "EC2",
        {"logConfiguration": {"logDriver": "splunk", "secretOptions": SECRET}, "executionRoleArn": None},
        "executionRoleArn cannot be empty when using secrets or secretOptions",
    ),
    ("EC2", {"repositoryCredentials": {"credentialsParameter": "/a"}}, "ARN of a secret"),
    ("EC2", {"instanceType": "m5.large"}, "multi-node"),
    ("EC2", {"image": "x" * 256}, "255"),
]


@pytest.mark.parametrize(("capability", "change", "words"), REFUSED)
def test_settings_that_batch_refuses(batch: Batch, capability: str, change: dict[str, Any], words: str) -> None:
    request = {
        "jobDefinitionName": unique("definition"),
        "type": "container",
        "platformCapabilities": [capability],
        "containerProperties": properties(batch, **change),
    }
    assert words in refusal(batch.api.register_job_definition, **request)


def test_what_is_asked_for_on_ec2_is_given_back_with_batchs_empty_lists(batch: Batch) -> None:
    # GIVEN all that a job on EC2 may ask for
    asked = {
        "resourceRequirements": [*sizes(), {"type": "GPU", "value": "1"}],
        "volumes": [
            {"name": "host", "host": {"sourcePath": "/data"}},
            {**efs(**BY_IAM)["volumes"][0], "name": "efs"},
            {"name": "empty"},
            {"name": "s3", "s3filesVolumeConfiguration": S3_FILES},
        ],
        "mountPoints": [{"sourceVolume": "efs", "containerPath": "/efs", "readOnly": True}],
        "ulimits": [{"name": "nofile", "softLimit": 100, "hardLimit": 200}],
        "user": "1000:1000",
        "privileged": False,
        "readonlyRootFilesystem": True,
        "enableExecuteCommand": True,
        "linuxParameters": {"initProcessEnabled": True, "sharedMemorySize": 64, "maxSwap": 1, "swappiness": 0},
        "logConfiguration": {"logDriver": "awslogs", "options": {"mode": "blocking"}},
        "repositoryCredentials": {"credentialsParameter": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:a"},
    }
    # WHEN it is described THEN it is as it was, with what Batch adds
    added = {"linuxParameters": {"devices": [], "tmpfs": []}, "logConfiguration": {"secretOptions": []}}
    found = register(batch, **asked)
    for member, value in asked.items():
        assert found[member] == ({**value, **added[member]} if member in added else value), member
    assert (found["environment"], found["secrets"]) == ([], [])
    assert "fargatePlatformConfiguration" not in found


def test_what_is_asked_for_on_fargate_is_given_back_with_the_latest_platform(batch: Batch) -> None:
    asked = {
        **runtime("ARM64", "LINUX"),
        "networkConfiguration": {"assignPublicIp": "ENABLED"},
        "ephemeralStorage": {"sizeInGiB": 200},
        **efs(**BY_IAM),
        **linux(initProcessEnabled=True),
    }
    found = register(batch, fargate=True, **asked)
    assert found["fargatePlatformConfiguration"] == {"platformVersion": "LATEST"}
    assert found["linuxParameters"] == {"initProcessEnabled": True, "devices": [], "tmpfs": []}
    for member in ("runtimePlatform", "networkConfiguration", "ephemeralStorage", "volumes"):
        assert found[member] == asked[member]


def run(batch: Batch, **more: Any) -> dict[str, Any]:
    asked = properties(batch, command=["python", "-c", "print('ran')"], resourceRequirements=sizes(), **more)
    name = unique("definition")
    batch.api.register_job_definition(jobDefinitionName=name, type="container", containerProperties=asked)
    return batch.wait(batch.submit(name))


def test_settings_that_a_process_cannot_have_are_told_of_the_job_all_the_same(batch: Batch) -> None:
    # GIVEN a job as a process that asks for a GPU, a file system and a log driver
    gpu = [*sizes(), {"type": "GPU", "value": "2"}]
    name = unique("definition")
    asked = properties(batch, command=["python", "-c", "print('ran')"], **efs(), user="1000")
    asked["resourceRequirements"] = gpu
    batch.api.register_job_definition(jobDefinitionName=name, type="container", containerProperties=asked)
    # WHEN it runs
    job = batch.wait(batch.submit(name))
    # THEN its description has them, and its log says once that there is no GPU
    assert job["status"] == "SUCCEEDED"
    assert job["container"]["resourceRequirements"] == gpu
    assert job["container"]["volumes"] == efs()["volumes"]
    assert batch.output(job) == ["(local AWS: the container asks for 2 GPU, and gets none on this machine)", "ran"]


def test_a_pattern_makes_one_event_of_several_lines(batch: Batch) -> None:
    code = "print('START one\\n  more\\nSTART two\\n  rest')"
    options = {"awslogs-multiline-pattern": "^START"}
    job = batch.wait(batch.run(code, properties=log(**options)))
    assert batch.output(job) == ["START one\n  more", "START two\n  rest"]


def test_credentials_of_a_registry_are_read_as_the_execution_role(local: LocalAws, batch: Batch) -> None:
    # GIVEN credentials, and roles that may and may not read them
    create = local.client("secretsmanager").create_secret
    good = create(Name=unique("registry"), SecretString=json.dumps({"username": "u", "password": "p"}))["ARN"]
    bad = create(Name=unique("registry"), SecretString="p4ss")["ARN"]
    nobody = make_role(local, ("logs:*",))
    # WHEN jobs name them THEN the one runs, and the others fail in words, without a value
    assert run(batch, repositoryCredentials={"credentialsParameter": good})["status"] == "SUCCEEDED"
    for secret, role, words in (
        (good, nobody, "is not authorized to perform: secretsmanager:GetSecretValue"),
        (bad, batch.role, "no JSON with username and password"),
    ):
        job = run(batch, repositoryCredentials={"credentialsParameter": secret}, executionRoleArn=role)
        start = "ResourceInitializationError: unable to pull secrets or registry auth: unable to get registry auth"
        assert job["container"]["reason"].startswith(start)
        assert words in job["container"]["reason"]
        assert "p4ss" not in job["container"]["reason"]


def test_secret_options_of_a_log_are_read_as_the_execution_role(local: LocalAws, batch: Batch) -> None:
    local.client("ssm").put_parameter(Name="/splunk", Value="t0ken", Type="SecureString")
    options = [{"name": "splunk-token", "valueFrom": "/splunk"}]
    configuration = {"logConfiguration": {"logDriver": "splunk", "secretOptions": options}}
    assert run(batch, **configuration)["status"] == "SUCCEEDED"
    job = run(batch, **configuration, executionRoleArn=make_role(local, ("logs:*",)))
    assert "is not authorized to perform: ssm:GetParameters" in job["container"]["reason"]


def test_a_file_system_under_iam_needs_the_job_roles_permission(local: LocalAws, batch: Batch) -> None:
    # GIVEN roles of which one may mount the file system through its access point alone
    point = f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:access-point/{POINT}"
    condition = {"StringEquals": {"elasticfilesystem:AccessPointArn": point}}
    mounter = make_role(local, ("elasticfilesystem:ClientMount",), Condition=condition)
    through = {**BY_IAM, "authorizationConfig": {"iam": "ENABLED", "accessPointId": POINT}}
    # WHEN jobs mount it THEN only that way is open
    assert run(batch, **efs(**through), jobRoleArn=mounter)["status"] == "SUCCEEDED"
    assert run(batch, **efs(), jobRoleArn=None)["status"] == "SUCCEEDED"
    for configuration, role in ((BY_IAM, mounter), (through, batch.role)):
        job = run(batch, **efs(**configuration), jobRoleArn=role)
        assert job["status"] == "FAILED"
        reason = job["container"]["reason"]
        assert reason.startswith("ResourceInitializationError: failed to invoke EFS utils commands")
        assert "elasticfilesystem:ClientMount" in reason
