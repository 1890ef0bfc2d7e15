"""Jobs of several containers and on several nodes, by the Python door."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.constructs.a_job import ENVIRONMENTS, FUNCTION, PARAMETER, job
from tests.constructs.template import Template

from batchtab import frameworks
from batchtab.errors import InvalidArgumentError

PROXY: dict[str, Any] = {"vcpus": 1, "memory_mib": 64}
MANAGED = {**ENVIRONMENTS, "submit_function_arn": FUNCTION}


def documents(template: Template) -> dict[str, Any]:
    """The job definition's documents that are not null."""
    definition = template.one("aws_batch_job_definition")
    kinds = ("container_properties", "ecs_properties", "node_properties")
    return {kind: json.loads(definition[kind]) for kind in kinds if kind in definition}


def containers(template: Template) -> dict[str, dict[str, Any]]:
    [task] = documents(template)["ecs_properties"]["taskProperties"]
    return {each["name"]: each for each in task["containers"]}


def event(template: Template) -> dict[str, Any]:
    """What the function is asked, by a rule."""
    text = template.one("aws_cloudwatch_event_target")["input_transformer"]["input_template"]
    read: dict[str, Any] = json.loads(text.replace("<time>", "2026-12-01T00:00:00Z"))
    return read["job"]


def test_a_job_of_one_container_stays_as_it_was() -> None:
    made = job()
    assert documents(made).keys() == {"container_properties"}
    assert made.one("aws_batch_job_definition")["type"] == "container"


def test_a_job_of_several_is_a_task_with_main() -> None:
    # GIVEN a job with a container beside its own, which it waits for
    made = job(**MANAGED, containers={"proxy": {**PROXY, "image": "proxy:1"}}, main_depends_on={"proxy": "START"})
    # THEN Batch is told of a task, whose end is that of `main`
    assert documents(made).keys() == {"ecs_properties"}
    found = containers(made)
    assert (found["main"]["essential"], found["proxy"]["essential"]) == (True, False)
    assert found["main"]["dependsOn"] == [{"containerName": "proxy", "condition": "START"}]
    assert found["main"]["command"] == ["node", "app/jobs/do-something"]
    # AND each has its own /tmp
    tmp = {name: each["mountPoints"][0]["sourceVolume"] for name, each in found.items()}
    assert tmp == {"main": "batchtab-tmp", "proxy": "batchtab-tmp-proxy"}
    # AND the function submits it, which must know whose variables the run's are
    assert event(made)["container"] == "main"
    assert "nodes" not in event(made)


def test_a_container_without_an_image_has_the_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frameworks, "without_stop_timeout", lambda: "")
    found = containers(job(**MANAGED, containers={"migrate": PROXY}, grace_seconds=90))
    assert found["migrate"]["image"] == found["main"]["image"]
    assert "command" not in found["migrate"]
    assert found["main"]["stopTimeout"] == 90
    assert "stopTimeout" not in found["migrate"]


def test_settings_without_a_field_are_the_tasks_or_mains() -> None:
    more = {
        "linuxParameters": {"swappiness": 60},
        "runtimePlatform": {"operatingSystemFamily": "LINUX"},
        "volumes": [{"name": "more", "host": {"sourcePath": "/more"}}],
    }
    made = job(**MANAGED, containers={"proxy": PROXY}, init_process=True, container=more)
    [task] = documents(made)["ecs_properties"]["taskProperties"]
    assert task["runtimePlatform"] == more["runtimePlatform"]
    assert [volume["name"] for volume in task["volumes"]] == ["batchtab-tmp", "batchtab-tmp-proxy", "more"]
    assert containers(made)["main"]["linuxParameters"] == {"initProcessEnabled": True, "swappiness": 60}
    assert "linuxParameters" not in containers(made)["proxy"]


def test_the_roles_may_what_any_container_needs() -> None:
    # GIVEN a container beside with an image, a secret and a mount of its own
    image = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/proxy:1"
    beside = {**PROXY, "image": image, "secrets": {"X": PARAMETER}, "mounts": [{"volume": "data", "path": "/data"}]}
    made = job(
        log_group_name="/g",
        volumes={"data": {"efs_file_system_id": "fs-0123456789abcdef0"}},
        mounts=[{"volume": "data", "path": "/in", "read_only": True}],
        containers={"proxy": beside},
        schedule=None,
    )
    allowed = {
        action: statement["Resource"]
        for role in ("execution", "job")
        for statement in made.statements("aws_iam_role_policy", f"{role}_role_policy")
        for action in statement["Action"]
    }
    assert [arn.rpartition("/")[2] for arn in allowed["ecr:BatchGetImage"]] == ["my-service", "proxy"]
    assert allowed["ssm:GetParameters"] == [PARAMETER]
    assert "elasticfilesystem:ClientWrite" in allowed


def test_nodes_are_alike_and_of_their_own_type() -> None:
    made = job(**MANAGED, nodes=4)
    assert made.one("aws_batch_job_definition")["type"] == "multinode"
    found = documents(made)
    assert found.keys() == {"node_properties"}
    [range_] = found["node_properties"].pop("nodeRangeProperties")
    assert found["node_properties"] == {"mainNode": 0, "numNodes": 4}
    assert range_["targetNodes"] == "0:"
    assert range_["container"] == documents(job(**MANAGED))["container_properties"]
    assert event(made)["nodes"] == 4


def test_nodes_of_several_containers_have_the_task_within() -> None:
    made = job(**MANAGED, nodes=2, containers={"proxy": PROXY})
    [range_] = documents(made)["node_properties"]["nodeRangeProperties"]
    assert range_.keys() == {"targetNodes", "ecsProperties"}
    alone = job(**MANAGED, containers={"proxy": PROXY})
    assert range_["ecsProperties"] == documents(alone)["ecs_properties"]
    assert (event(made)["nodes"], event(made)["container"]) == (2, "main")


@pytest.mark.parametrize("more", [{"containers": {"proxy": PROXY}}, {"nodes": 2}])
def test_what_starts_such_a_job_needs_the_function(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="share, containers, grace_seconds and nodes need submit_function_arn"):
        job(**more)
    # AND a job that nothing starts does not
    assert job(**more, schedule=None).count("aws_iam_role") == 1


def test_what_files_are_refused_for_python_is_too() -> None:
    with pytest.raises(InvalidArgumentError, match=r"containers\.proxy: lacks vcpus, and capacity is EC2"):
        job(**MANAGED, containers={"proxy": {}})
    with pytest.raises(InvalidArgumentError, match="nodes: 2 is only for EC2 without Spot, and capacity is SPOT"):
        job(**MANAGED, nodes=2, capacity="SPOT")
