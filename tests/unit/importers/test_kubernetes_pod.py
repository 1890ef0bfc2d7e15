"""Imports of CronJobs: command, variables, sizes, volumes, rights and places of their containers."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.importers.kubernetes_sources import container, cron_job, fate, finding, imported, named, only, todos

from batchtab.importers.findings import Fate
from batchtab.importers.kinds.kubernetes.resources import quantity

CARRIED, CHANGED, NOT_CARRIED = Fate.CARRIED, Fate.CHANGED, Fate.NOT_CARRIED
ROLE = "arn:aws:iam::123456789012:role/reporter"


@pytest.mark.parametrize(
    ("image", "fields", "command", "asks"),
    [
        ("busybox:1", {"command": ["date"], "args": ["-u"]}, ["date", "-u"], set()),
        ("example.com/app:1", {"command": ["app"], "args": None}, ["app"], {"command"}),
        ("example.com/app:1", {"args": ["--all"]}, ["--all"], set()),
        ("example.com/app:1", {"args": None}, ["FILL IN"], {"command"}),
    ],
)
def test_a_command_replaces_cmd_alone(image: str, fields: dict[str, Any], command: list[str], asks: set[str]) -> None:
    result = imported(cron_job(image=image, **fields))
    assert only(result)["command"] == command
    assert todos(result) == asks


def test_variables_in_a_command_are_replaced_as_kubernetes_does() -> None:
    env = [{"name": "A", "value": "x"}, {"name": "B", "value": "$(A)-$(LATER)"}, {"name": "LATER", "value": "$$(A)"}]
    result = imported(cron_job(env=env, args=["run", "$(B)", "$$(A)", "$(NONE)", "$$"]))
    assert only(result)["environment"] == {"A": "x", "B": "x-$(LATER)", "LATER": "$(A)"}
    assert only(result)["command"] == ["run", "x-$(LATER)", "$(A)", "$(NONE)", "$"]
    assert fate(result, "args") == (CHANGED, False)


def test_a_secret_in_a_command_needs_a_shell() -> None:
    env = [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "api", "key": "token"}}}]
    result = imported(cron_job(env=env, args=["sh", "-c", "call --token $(TOKEN)"]))
    assert only(result)["command"] == ["sh", "-c", "call --token ${TOKEN}"]
    result = imported(cron_job(env=env, args=["call", "--token=$(TOKEN)"]))
    assert only(result)["command"] == ["call", "--token=$(TOKEN)"]
    assert fate(result, "args") == (NOT_CARRIED, True)


def test_a_working_folder_needs_a_shell_too() -> None:
    result = imported(cron_job(workingDir="/srv/my app", args=["sh", "-c", "./run"]))
    assert only(result)["command"] == ["sh", "-c", "cd '/srv/my app' || exit\n./run"]
    assert not result.needs_person
    result = imported(cron_job(workingDir="/srv", args=["./run"]))
    assert fate(result, "workingDir") == (NOT_CARRIED, True)


def test_secrets_get_the_name_of_a_parameter_and_never_a_value() -> None:
    secret = named("Secret", "db", data={"password": "bm90LXRoaXMtb25l"}, stringData={"user": "never-this-one"})
    env = [
        {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
        {"name": "AWS_KEY", "valueFrom": {"secretKeyRef": {"name": "aws-keys", "key": "id", "optional": True}}},
        {"name": "API_TOKEN", "value": "ghp_0123456789abcdefghijklmnopqrstuvwxyz"},
    ]
    source = [{"secretRef": {"name": "db"}, "prefix": "IN_"}, {"secretRef": {"name": "gone"}}]
    result = imported(cron_job(env=env, envFrom=source), secret)
    assert only(result)["secrets"] == {
        "IN_password": "/db/password",
        "IN_user": "/db/user",
        "DB_PASSWORD": "/db/password",
        "AWS_KEY": "/kubernetes/aws-keys/id",
    }
    assert "environment" not in only(result)
    texts = result.jobs_text + result.report_text + result.proof_text
    for value in ("bm90LXRoaXMtb25l", "never-this-one", "ghp_0123"):
        assert value not in texts
    assert finding(result, "envFrom[1].secretRef.name").todo.startswith("import its YAML too")
    assert finding(result, "env[0].valueFrom.secretKeyRef.name").todo == (
        "store the value in the SSM parameter /db/password"
    )


def test_config_maps_among_the_files_are_looked_up() -> None:
    config = named("ConfigMap", "config", data={"LEVEL": "info", "SIZE": 3})
    env = [
        {"name": "LOG", "valueFrom": {"configMapKeyRef": {"name": "config", "key": "LEVEL"}}},
        {"name": "GONE", "valueFrom": {"configMapKeyRef": {"name": "config", "key": "NONE"}}},
        {"name": "MAYBE", "valueFrom": {"configMapKeyRef": {"name": "other", "key": "K", "optional": True}}},
    ]
    source = [{"configMapRef": {"name": "config"}}, {"configMapRef": {"name": "other"}}]
    result = imported(cron_job(env=env, envFrom=source), config)
    assert only(result)["environment"] == {"LEVEL": "info", "SIZE": "3", "LOG": "info"}
    asked = {each.field.partition("containers[0].")[2] for each in result.imported.findings.decisions()}
    assert asked == {"env[1].valueFrom.configMapKeyRef.name", "envFrom[1].configMapRef.name"}


def test_a_config_map_of_another_namespace_is_another_one() -> None:
    config = named("ConfigMap", "config", data={"A": "1"})
    config["metadata"]["namespace"] = "b"
    document = cron_job(envFrom=[{"configMapRef": {"name": "config"}}])
    document["metadata"]["namespace"] = "a"
    result = imported(document, config)
    assert "environment" not in only(result)
    assert finding(result, "ConfigMap.metadata.name").note == "is neither a CronJob nor a Job, and no job refers to it"


def test_fields_of_the_pod_that_are_known_are_written() -> None:
    def field(path: str) -> dict[str, Any]:
        return {"fieldRef": {"fieldPath": path}}

    env = [
        {"name": "NAMESPACE", "valueFrom": field("metadata.namespace")},
        {"name": "TEAM", "valueFrom": field("metadata.labels['team']")},
        {"name": "POD", "valueFrom": field("metadata.name")},
        {"name": "NODE", "valueFrom": field("spec.nodeName")},
        {"name": "MEMORY", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        {"name": "CPUS", "valueFrom": {"resourceFieldRef": {"resource": "requests.cpu"}}},
    ]
    resources = {"limits": {"memory": "1500M"}, "requests": {"cpu": "1500m"}}
    document = cron_job(env=env, resources=resources)
    document["metadata"]["namespace"] = "reports"
    document["spec"]["jobTemplate"]["spec"]["template"]["metadata"] = {"labels": {"team": "data"}}
    result = imported(document)
    assert only(result)["environment"] == {"NAMESPACE": "reports", "TEAM": "data", "MEMORY": "1431", "CPUS": "2"}
    assert only(result)["tags"] == {"team": "data"}
    assert {each.field.partition("env")[2] for each in result.imported.findings.decisions()} == {
        "[2].valueFrom.fieldRef.fieldPath",
        "[3].valueFrom.fieldRef.fieldPath",
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("100m", 0.1), (0.5, 0.5), ("1Ki", 1024), ("1.5Gi", 1.5 * 2**30), ("128974848000m", 128974848),
        ("129e6", 129e6), ("129M", 129e6), ("1E", 1e18), ("1E3", 1000), (".5", 0.5), ("2Ti", 2 * 2**40),
        ("500u", 0.0005), ("+1k", 1000), ("", None), ("1 Gi", None), ("1KB", None), ("-1", None),
        (True, None), ("1e999", None), ("9" * 40, None), (float("inf"), None), (None, None),
    ],
)  # fmt: skip
def test_quantities(text: object, value: float | None) -> None:
    found = quantity(text)
    assert (None if found is None else float(found)) == value


@pytest.mark.parametrize(
    ("resources", "size"),
    [
        ({"limits": {"cpu": "250m", "memory": "256Mi"}}, (0.25, 512)),
        ({"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}, (1, 2048)),
        ({"requests": {"cpu": "1500m", "memory": "3G"}}, (2, 4096)),
        ({"limits": {"memory": "4Gi"}}, (1, 4096)),
        ({"limits": {"cpu": "4"}}, (4, 8192)),
        ({}, None),
    ],
)
def test_sizes_fit_fargate(resources: dict[str, Any], size: tuple[float, int] | None) -> None:
    found = only(imported(cron_job(resources=resources)))
    assert (found.get("vcpus"), found.get("memory_mib")) == (size or (None, None))


def test_sizes_on_ec2_are_whole_vcpus_and_any_memory() -> None:
    limits = {"cpu": "1500m", "memory": "700Mi", "nvidia.com/gpu": 1, "ephemeral-storage": "90Gi"}
    result = imported(cron_job(resources={"limits": limits}), is_fargate=False)
    found = only(result)
    assert (found["vcpus"], found["memory_mib"], found["gpus"]) == (2, 700, 1)
    assert fate(result, "ephemeral-storage") == (NOT_CARRIED, False)


def test_what_fargate_has_not_is_asked_for() -> None:
    limits = {"cpu": "64", "memory": "1Gi", "nvidia.com/gpu": "2", "ephemeral-storage": "900Gi", "hugepages-2Mi": "1Gi"}
    result = imported(cron_job(resources={"limits": limits, "claims": [{"name": "x"}]}))
    assert todos(result) >= {"resources", "com/gpu", "ephemeral-storage", "hugepages-2Mi", "name"}


def test_a_disk_for_files() -> None:
    found = only(imported(cron_job(resources={"requests": {"ephemeral-storage": "40Gi"}})))
    assert found["ephemeral_storage_gib"] == 40
    assert "ephemeral_storage_gib" not in only(imported(cron_job(resources={"limits": {"ephemeral-storage": "5Gi"}})))


def test_containers_before_and_beside_the_first() -> None:
    beside = [
        container(resources={"limits": {"cpu": "500m", "memory": "1Gi"}}),
        container(name="proxy", args=["serve"]),
    ]
    before = [
        container(name="one", args=["get"], resources={"limits": {"cpu": "2", "memory": "1Gi"}}),
        container(name="logs", args=["tail"], restartPolicy="Always"),
        container(name="two", args=["unpack"]),
    ]
    result = imported(cron_job(pod={"containers": beside, "initContainers": before}))
    found = only(result)
    assert (found["vcpus"], found["memory_mib"]) == (2, 4096)
    assert {name: each.get("depends_on") for name, each in found["containers"].items()} == {
        "one": None,
        "logs": {"one": "SUCCESS"},
        "two": {"one": "SUCCESS", "logs": "START"},
        "proxy": {"logs": "START", "two": "SUCCESS"},
    }
    assert found["main_depends_on"] == {"logs": "START", "two": "SUCCESS"}
    assert fate(result, "containers[1].name") == (CHANGED, True)
    assert todos(result) == {"name"}


def test_containers_of_ec2_have_sizes_of_their_own() -> None:
    before = [container(name="main", args=["get"], resources={"limits": {"memory": "300Mi"}})]
    found = only(imported(cron_job(pod={"initContainers": before}), is_fargate=False))
    assert found["containers"]["main-2"] == {
        "vcpus": 1,
        "memory_mib": 300,
        "image": {"repository": "docker.io/library/busybox", "tag": "1.36"},
        "command": ["get"],
        "read_only_root_filesystem": False,
    }


def test_an_image_in_the_stages_own_account_is_its_name() -> None:
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1"
    found = only(imported(cron_job(image=image), account="123456789012", region="eu-west-1"))
    assert found["image"] == {"repository": "app", "tag": "1"}
    assert only(imported(cron_job(image=image)))["image"]["repository"].startswith("123456789012.dkr")


def test_a_container_without_an_image_asks_for_one() -> None:
    assert todos(imported(cron_job(image=None))) == {"image"}
    result = imported(cron_job(image=None), image="python:3.13")
    assert only(result)["image"] == {"repository": "docker.io/library/python", "tag": "3.13"}


@pytest.mark.parametrize(
    ("account", "role", "asks"),
    [
        (named("ServiceAccount", "reporter"), None, True),
        (None, None, True),
        ({"metadata": {"annotations": {"eks.amazonaws.com/role-arn": ROLE}, "name": "reporter"}}, ROLE, True),
    ],
)
def test_the_role_of_a_service_account(account: dict[str, Any] | None, role: str | None, asks: bool) -> None:
    others = [{"apiVersion": "v1", "kind": "ServiceAccount"} | account] if account else []
    result = imported(cron_job(pod={"serviceAccountName": "reporter"}), *others)
    assert only(result).get("job_role_arn") == role
    assert fate(result, "serviceAccountName") == (CHANGED if role else NOT_CARRIED, asks)


def test_the_default_account_has_nothing_to_carry() -> None:
    assert not imported(cron_job(pod={"serviceAccountName": "default"})).needs_person


def test_labels_are_tags_where_aws_takes_them() -> None:
    document = cron_job()
    document["metadata"]["labels"] = {"team": "data", "Team": "x", "helm.sh/chart": "a-1", "aws:x": "y", "bad": "a,b"}
    document["metadata"]["annotations"] = {"description": "Nightly report", "iam.amazonaws.com/role": ROLE, "x/y": "z"}
    result = imported(document)
    found = only(result)
    assert found["tags"] == {"team": "data"}
    assert found["description"] == "Nightly report"
    assert found["job_role_arn"] == ROLE
    for field in ("labels.Team", "labels.helm.sh/chart", "labels.aws:x", "labels.bad", "annotations.x/y"):
        assert fate(result, field) == (NOT_CARRIED, False)


def test_secrets_that_vault_injects_are_asked_for() -> None:
    template = {"metadata": {"annotations": {"vault.hashicorp.com/agent-inject": "true"}}}
    document = cron_job()
    document["spec"]["jobTemplate"]["spec"]["template"] |= template
    assert fate(imported(document), "agent-inject") == (NOT_CARRIED, True)
