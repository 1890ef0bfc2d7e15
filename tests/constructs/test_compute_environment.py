"""compute_environment, by both doors."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from tests.constructs.template import SECURITY_GROUPS, SUBNETS, Template, in_python, module

from batchtab.constructs._terraform.expressions import Expression
from batchtab.constructs.compute_environment import ComputeEnvironment

PROFILE = "arn:aws:iam::123456789012:instance-profile/mine"
SCRIPT = 'MIME-Version: 1.0\nContent-Type: text/x-shellscript\n\n#!/bin/bash\necho "${HOME}" %{x}\n'
TEMPLATE: dict[str, Any] = {"launch_template_id": "lt-0123456789abcdef0", "launch_template_version": 3}


def environment(**arguments: Any) -> Template:
    given = {
        "namespace": "batchtab-test",
        "name": "spot",
        "subnet_ids": SUBNETS,
        "security_group_ids": SECURITY_GROUPS,
        **arguments,
    }
    return in_python(lambda stack: ComputeEnvironment(stack, "Default", **given))


def resources(template: Template) -> dict[str, Any]:
    found: dict[str, Any] = template.one("aws_batch_compute_environment")["compute_resources"]
    return found


def test_each_setting_arrives() -> None:
    # WHEN all is said that may be said of Spot
    template = environment(
        capacity="SPOT",
        instance_types=["default_x86_64"],
        state="DISABLED",
        allocation_strategy="SPOT_PRICE_CAPACITY_OPTIMIZED",
        bid_percentage=60,
        image_type="ECS_AL2023_NVIDIA",
        image_id="ami-0123456789abcdef0",
        job_execution_timeout_minutes=5,
        terminate_jobs_on_update=True,
        user_data=SCRIPT,
    )
    made = template.one("aws_batch_compute_environment")
    # THEN it is where Batch wants it
    assert made["state"] == "DISABLED"
    assert made["update_policy"] == [{"job_execution_timeout_minutes": 5, "terminate_jobs_on_update": True}]
    found = resources(template)
    assert (found["allocation_strategy"], found["bid_percentage"]) == ("SPOT_PRICE_CAPACITY_OPTIMIZED", 60)
    assert found["ec2_configuration"] == [
        {"image_type": "ECS_AL2023_NVIDIA", "image_id_override": "ami-0123456789abcdef0"}
    ]
    # AND a script of people's stays what it is: its `${…}` is the shell's
    encoded = template.one("aws_launch_template")["user_data"]
    assert base64.b64decode(encoded).decode() == SCRIPT


def test_an_image_of_ones_own_is_of_the_system_that_aws_has_by_default() -> None:
    [image] = resources(environment(image_id="ami-0123456789abcdef0"))["ec2_configuration"]
    assert image == {"image_type": "ECS_AL2023", "image_id_override": "ami-0123456789abcdef0"}
    assert "ec2_configuration" not in resources(environment())


def test_a_template_and_a_profile_of_ones_own_are_used_in_place_of_ours() -> None:
    template = environment(**TEMPLATE, instance_profile_arn=PROFILE)
    assert template.count("aws_launch_template") + template.count("aws_iam_role") == 0
    assert resources(template)["launch_template"] == [
        {"launch_template_id": TEMPLATE["launch_template_id"], "version": "3"}
    ]
    assert resources(template)["instance_role"] == PROFILE
    assert "depends_on" not in template.one("aws_batch_compute_environment")


def test_python_takes_expressions_as_well() -> None:
    template = environment(
        user_data=Expression.of("local.script"),
        launch_template_version=None,
        image_id=Expression.of("data.aws_ami.mine.id"),
        bid_percentage=None,
        state=Expression.of("local.state"),
    )
    assert template.one("aws_launch_template")["user_data"] == "${base64encode(local.script)}"
    [image] = resources(template)["ec2_configuration"]
    assert image["image_id_override"] == "${data.aws_ami.mine.id}"
    brought = environment(
        launch_template_id=Expression.of("aws_launch_template.mine.id"),
        launch_template_version=Expression.of("aws_launch_template.mine.latest_version"),
    )
    assert resources(brought)["launch_template"] == [
        {
            "launch_template_id": "${aws_launch_template.mine.id}",
            "version": "${tostring(aws_launch_template.mine.latest_version)}",
        }
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "My"}, "name: 'My' is not allowed: lower-case letters, digits and '_'"),
        ({"instance_types": []}, "instance_types is empty: name at least one"),
        ({"state": "ON"}, "state: 'ON' is not allowed: ENABLED or DISABLED"),
        ({"image_type": "ECS_AL2"}, "image_type: 'ECS_AL2' is withdrawn: since June 30, 2026 AWS Batch makes no"),
        ({"image_type": "ECS_AL1"}, "image_type: 'ECS_AL1' is not allowed: ECS_AL2023 or ECS_AL2023_NVIDIA"),
        ({"image_id": "ami"}, "image_id: 'ami' is not allowed: an image's id"),
        ({"bid_percentage": 50}, "bid_percentage: is only for SPOT, and the capacity is EC2."),
        ({"capacity": "SPOT", "bid_percentage": 0}, "bid_percentage: 0 is too small: 1 to 100"),
        ({"subnet_ids": ["vpc-1"]}, "subnet_ids: 'vpc-1' is not allowed: a subnet's id"),
        ({"security_group_ids": [SUBNETS[0]]}, "a security group's id, such as 'sg-0123456789abcdef0'"),
        ({"instance_types": ["M6I large"]}, "instance_types: 'M6I large' is not allowed: 'optimal'"),
        ({"tags": {"aws:x": "1"}}, "'aws:x' is reserved: AWS sets the tags that begin with aws:"),
        ({"allocation_strategy": "BEST_FIT"}, "allocation_strategy: 'BEST_FIT' is not allowed: BEST_FIT_PROGRESSIVE"),
        (
            {"allocation_strategy": "SPOT_CAPACITY_OPTIMIZED"},
            "allocation_strategy: what begins with SPOT_ is only for SPOT, and the capacity is EC2.",
        ),
        ({"user_data": "#!/bin/bash\n"}, "user_data: is not allowed: a MIME multi-part archive, beginning with"),
        ({"user_data": f"{SCRIPT}{'x' * 16384}"}, "user_data: is 16"),
        (
            {"capacity": "FARGATE", "user_data": SCRIPT},
            "user_data: is only for EC2 and SPOT, and the capacity is FARGATE.",
        ),
        ({"capacity": "FARGATE", **TEMPLATE}, "launch_template_id: is only for EC2 and SPOT"),
        ({"capacity": "FARGATE", "image_type": "ECS_AL2023"}, "image_type: is only for EC2 and SPOT"),
        ({"capacity": "FARGATE", "instance_profile_arn": PROFILE}, "instance_profile_arn: is only for EC2 and SPOT"),
        ({"launch_template_id": "lt-01234567"}, "launch_template_version: is missing beside launch_template_id"),
        ({"launch_template_version": 3}, "launch_template_id: is missing beside launch_template_version"),
        ({**TEMPLATE, "launch_template_version": 0}, "launch_template_version: 0 is too small"),
        ({**TEMPLATE, "user_data": SCRIPT}, "user_data: cannot be used together with launch_template_id"),
        ({"instance_profile_arn": "mine"}, "instance_profile_arn: 'mine' is not allowed: an instance profile's ARN"),
        ({"job_execution_timeout_minutes": 0}, "job_execution_timeout_minutes: 0 is too small: 1 to 360 (minutes)"),
        ({"min_vcpus": 17}, "min_vcpus: 17 is more than max_vcpus, 16."),
    ],
)
def test_what_batch_would_refuse_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        environment(**arguments)


def test_the_module_hands_on_what_queues_need() -> None:
    output = module("compute_environment").content["output"]["compute_environment"]["value"]
    assert output == "${{ arn = aws_batch_compute_environment.compute_environment.arn, capacity = var.capacity }}"
