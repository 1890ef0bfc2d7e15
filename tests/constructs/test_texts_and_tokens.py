"""What people write is text, and what another resource knows is an expression, wherever it is in a job."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.constructs.a_job import ORIGINAL, container, job
from tests.constructs.template import Template, in_python

from batchtab import Mount, Permission, Volume
from batchtab.constructs._terraform.framework import TerraformStack, TerraformVariable, Token
from batchtab.constructs.scheduled_job import ScheduledJob

TEXT = "${HOME} %{http_code} $${x}"
ESCAPED = "$${HOME} %%{http_code} $$${x}"
Given = Callable[[TerraformVariable], Any]


def job_of(**given: Given) -> Template:
    """A job with arguments that are made of a Terraform variable, `var.known_later`."""

    def build(stack: TerraformStack) -> None:
        variable = TerraformVariable(stack, "known_later", type="any")
        ScheduledJob(stack, "Default", **(ORIGINAL | {name: make(variable) for name, make in given.items()}))

    return in_python(build)


def test_every_text_of_a_job_is_literal() -> None:
    # GIVEN a job with Terraform's signs in all that people write
    template = job(
        description=TEXT,
        parameters={"format": TEXT},
        tags={"formula": TEXT},
        permissions=[Permission(actions=["s3:GetObject"], resources=["arn:aws:s3:::b/${aws:PrincipalTag/team}/*"])],
        command=[TEXT],
        environment={"A": TEXT},
        tmpfs={f"/a{TEXT}": 8},
        volumes={"data": Volume(host_path=f"/b{TEXT}")},
        mounts=[Mount(volume="data", path=f"/c{TEXT}")],
        log={"driver": "syslog", "options": {"tag": TEXT}},
        container={"volumes": [{"name": "own", "host": {"sourcePath": TEXT}}]},
    )
    # THEN Terraform leaves all of it as it is
    definition, made = template.one("aws_batch_job_definition"), container(template)
    assert definition["parameters"] == {"format": ESCAPED}
    assert definition["tags"] == {"formula": ESCAPED}
    assert template.one("aws_cloudwatch_event_rule")["description"] == ESCAPED
    (statement,) = template.statements("aws_iam_role_policy", "job_role_policy")
    assert statement["Resource"] == ["arn:aws:s3:::b/$${aws:PrincipalTag/team}/*"]
    assert made["command"] == [ESCAPED]
    assert made["environment"] == [{"name": "A", "value": ESCAPED}]
    assert made["linuxParameters"]["tmpfs"] == [{"containerPath": f"/a{ESCAPED}", "size": 8}]
    assert made["logConfiguration"]["options"]["tag"] == ESCAPED
    assert [each.get("host", {}).get("sourcePath") for each in made["volumes"]] == [f"/b{ESCAPED}", None, ESCAPED]
    assert [each["containerPath"] for each in made["mountPoints"]] == [f"/c{ESCAPED}", "/tmp"]


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"command": lambda later: later.list_value}, id="a list"),
        pytest.param({"gpus": lambda later: later.number_value}, id="a number"),
        pytest.param({"privileged": lambda later: later.boolean_value}, id="yes or no"),
        pytest.param({"exec": lambda later: later.boolean_value}, id="yes or no that is granted"),
        pytest.param({"environment": lambda later: Token.as_string_map(later.fqn)}, id="a map of texts"),
        pytest.param({"tmpfs": lambda later: Token.as_number_map(later.fqn)}, id="a map of numbers"),
        pytest.param({"ulimits": lambda later: Token.as_any_map(later.fqn)}, id="a map of objects"),
        pytest.param(
            {"volumes": lambda _: {"a": {}}, "mounts": lambda later: [{"volume": "a", "path": later.string_value}]},
            id="a text in an object",
        ),
    ],
)
def test_a_value_of_another_resource_is_an_expression(given: dict[str, Given]) -> None:
    # GIVEN a job with a value that cdktf knows later
    definition = job_of(**given).one("aws_batch_job_definition")
    properties = definition["container_properties"]
    # THEN Terraform evaluates it, and does not take its name for text
    assert "var.known_later" in properties
    assert re.findall(r"(?<!\$\{)var\.known_later", properties) == []
    # AND Terraform takes each rule, which has to be about something
    rules = definition.get("lifecycle", {}).get("precondition", [])
    assert [rule["condition"] for rule in rules if "var.known_later" not in rule["condition"]] == []


def test_parts_that_are_not_known_leave_the_rest_checked() -> None:
    # GIVEN a path that only Terraform knows, and a log driver that Fargate lacks
    def given(later: TerraformVariable) -> Any:
        return [{"volume": "a", "path": later.string_value}]

    with pytest.raises(ValueError, match=r"log\.driver: 'syslog' is only for EC2"):
        job_of(
            volumes=lambda _: {"a": {}},
            mounts=given,
            capacity=lambda _: "FARGATE",
            memory_mib=lambda _: 2048,
            log=lambda _: {"driver": "syslog"},
        )


def test_secrets_of_other_resources_may_be_read() -> None:
    # GIVEN a secret whose ARN only Terraform knows
    template = job_of(secrets=lambda later: {"TOKEN": later.string_value})
    # THEN the execution role's policy is made of it
    policy = template.address("aws_iam_role_policy", "execution_role_policy")["policy"]
    assert re.search(
        r'"secretsmanager:GetSecretValue"\], Effect = "Allow", Resource = distinct.*var\.known_later', policy
    )


def test_classes_take_values_of_other_resources() -> None:
    template = job_of(
        volumes=lambda later: {"data": Volume(efs_file_system_id=later.string_value)},
        mounts=lambda _: [Mount(volume="data", path="/data")],
    )
    assert container(template)["volumes"][0]["efsVolumeConfiguration"]["fileSystemId"] == "${var.known_later}"
    assert "file-system/${var.known_later}" in json.dumps(template.statements("aws_iam_role_policy", "job_role_policy"))


@pytest.mark.parametrize(
    "own",
    [
        {"linuxParameters": {"tmpfs": [{"containerPath": "/tmp", "size": 64, "mountOptions": ["noexec"]}]}},
        {"volumes": [{"name": "own"}], "mountPoints": [{"sourceVolume": "own", "containerPath": "/tmp"}]},
    ],
)
def test_who_mounts_tmp_by_the_way_out_has_no_second_one(own: dict[str, Any]) -> None:
    made = container(job(container=own))
    assert "batchtab-tmp" not in json.dumps(made)
