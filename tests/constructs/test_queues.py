"""Queues that try several environments in an order, and share them, by the Python door."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.constructs.template import SECURITY_GROUPS, SUBNETS, Template, in_python

from batchtab.constructs._terraform.expressions import Expression
from batchtab.constructs._terraform.framework import TerraformStack
from batchtab.constructs.batch_environment import BatchEnvironment, Queue, SchedulingPolicy
from batchtab.constructs.compute_environment import ComputeEnvironment

WHERE: dict[str, Any] = {
    "namespace": "batchtab-test",
    "subnet_ids": SUBNETS,
    "security_group_ids": SECURITY_GROUPS,
}
OTHER = {"arn": "arn:aws:batch:eu-west-1:123456789012:compute-environment/x", "capacity": "SPOT"}


def made(**arguments: Any) -> Template:
    return in_python(lambda stack: BatchEnvironment(stack, "Default", **{**WHERE, **arguments}))


def spot_first(stack: TerraformStack, **arguments: Any) -> BatchEnvironment:
    spot = ComputeEnvironment(stack, "spot", name="spot", capacity="SPOT", min_vcpus=0, **WHERE)
    return BatchEnvironment(
        stack,
        "Default",
        **WHERE,
        further_compute_environments={"spot": spot},
        queues={
            "default": 5,
            "nightly": Queue(
                priority=3,
                compute_environments=["spot", "default"],
                runnable_timeout_seconds=900,
                scheduling_policy=SchedulingPolicy(share_decay_seconds=60, share_distribution={"a": 0.5}),
            ),
        },
        **arguments,
    )


def test_spot_first_and_on_demand_behind_it() -> None:
    # GIVEN two environments and a queue that names both
    template = in_python(spot_first)
    # THEN both are made, the second with the addresses that it always had
    assert set(template.all("aws_batch_compute_environment")) == {"compute_environment", "spot_compute_environment"}
    spot = template.address("aws_batch_compute_environment", "spot_compute_environment")
    assert [spot[name] for name in spot if name.endswith("name_prefix")] == ["batchtab-test-spot-"]
    assert template.address("aws_iam_role", "spot_instance_role")["name"] == "batchtab-test-spot-instance"
    # AND each queue tries what it names in that order, and one that names none what it always did
    queue = template.one("aws_batch_job_queue")
    assert queue["for_each"] == {"default": 5, "nightly": 3}
    order = queue["dynamic"]["compute_environment_order"]
    assert re.search(r'try\(\{ nightly = .*\["spot", "default"\].*\[each.key\].compute_environments, \["default"\]\)',
                     order["for_each"])  # fmt: skip
    assert order["content"]["order"] == "${compute_environment_order.key + 1}"
    for name in ("compute_environment", "spot_compute_environment"):
        assert f"aws_batch_compute_environment.{name}.arn" in order["content"]["compute_environment"]
    # AND so for the time at its head
    assert ": 3600, 3600)" in queue["dynamic"]["job_state_time_limit_action"]["content"]["max_time_seconds"]


def test_a_queues_shares_become_a_policy_of_its_name() -> None:
    template = in_python(spot_first)
    policy = template.one("aws_batch_scheduling_policy")
    assert policy["name"] == "batchtab-test-${each.key}"
    assert policy["for_each"] == {
        "nightly": {"share_decay_seconds": 60, "compute_reservation": 0, "share_distribution": {"a": 0.5}}
    }
    assert template.one("aws_batch_job_queue")["scheduling_policy_arn"] == (
        "${try(aws_batch_scheduling_policy.scheduling_policy[each.key].arn, null)}"
    )


def test_a_stage_with_integers_alone_is_what_it_was() -> None:
    queue = made().one("aws_batch_job_queue")
    assert "dynamic" not in queue
    assert "scheduling_policy_arn" not in queue
    assert made().count("aws_batch_scheduling_policy") == 0


def test_what_no_queue_names_is_not_made() -> None:
    # GIVEN an environment whose queues all run elsewhere, on Fargate
    other = {"arn": OTHER["arn"], "capacity": "FARGATE"}
    template = made(
        further_compute_environments={"other": other}, queues={"a": Queue(priority=1, compute_environments=["other"])}
    )
    # THEN it has no capacity of its own, but the role that starts jobs on Fargate
    assert template.count("aws_batch_compute_environment") == 0
    assert template.count("aws_launch_template") == 0
    assert set(template.all("aws_iam_role")) == {"trigger_role", "execution_role"}


def test_a_queue_says_what_its_jobs_run_on() -> None:
    stack_outputs: list[str] = []
    in_python(lambda stack: stack_outputs.append(str(spot_first(stack).queue_capacities)))
    assert 'compute_environments[0], "default")' in stack_outputs[0]
    assert 'default = "EC2"' in stack_outputs[0]
    assert 'spot = "SPOT"' in stack_outputs[0]


def test_one_queue_says_so_at_once_where_it_is_known() -> None:
    found: list[Any] = []

    def build(stack: TerraformStack) -> None:
        known = spot_first(stack)
        found.extend([known.job_queue_arn("nightly").capacity, known.job_queue_arn("default").capacity])
        other = {**WHERE, "namespace": "other", "queue_settings": Expression.of("local.settings")}
        found.append(BatchEnvironment(stack, "other", **other).job_queue_arn("default").capacity)

    in_python(build)
    assert found[:2] == ["SPOT", "EC2"]
    assert found[2].endswith('}["default"]}')


def test_settings_may_be_expressions() -> None:
    template = made(
        queues=Expression.of("local.queues"),
        queue_settings=Expression.of("local.settings"),
        further_compute_environments=Expression.of("local.others"),
    )
    queue = template.one("aws_batch_job_queue")
    assert queue["for_each"] == "${local.queues}"
    assert queue["dynamic"]["compute_environment_order"]["for_each"].startswith("${try(local.settings[each.key].")
    assert len(queue["lifecycle"]["precondition"]) == 2
    assert "local.settings" in template.one("aws_batch_scheduling_policy")["for_each"]


def test_a_capacity_that_only_terraform_knows_is_compared_when_it_plans() -> None:
    order = {"a": Queue(priority=1, compute_environments=["spot", "default"])}
    template = made(
        capacity=Expression.of("local.capacity"), queues=order, further_compute_environments={"spot": OTHER}
    )
    rules = template.one("aws_batch_job_queue")["lifecycle"]["precondition"]
    assert any("mixes Fargate with EC2 or SPOT" in rule["error_message"] for rule in rules)
    # AND where no queue names any, there is nothing to compare
    alone = made(capacity=Expression.of("local.capacity")).one("aws_batch_job_queue")
    assert "lifecycle" not in alone


def queue(**settings: Any) -> dict[str, Any]:
    return {"queues": {"a": Queue(**{"priority": 1, **settings})}, "further_compute_environments": {"spot": OTHER}}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (queue(compute_environments=["spt"]), "compute_environments of queue a: 'spt' is not an environment: spot"),
        (queue(compute_environments=["spot", "spot"]), "compute_environments of queue a: names one twice: spot, spot"),
        (queue(compute_environments=[]), "compute_environments of queue a: has 0 environments: 1 to 3"),
        (queue(compute_environments=["a", "b", "c", "d"]), "compute_environments of queue a: has 4 environments: 1 to"),
        (
            {**queue(compute_environments=["spot", "default"]), "capacity": "FARGATE"},
            "mixes Fargate with EC2 or SPOT, which Batch takes in no queue: spot is SPOT, default is FARGATE",
        ),
        (queue(priority=1001), "the priority of queue a: 1001 is too large: 0 to 1000"),
        (queue(state="OFF"), "the state of queue a: 'OFF' is not allowed: ENABLED or DISABLED"),
        (queue(runnable_timeout_seconds=1), "runnable_timeout_seconds of queue a: 1 is too short: 600 to 86400"),
        (queue(scheduling_policy=SchedulingPolicy(compute_reservation=100)), "100 is too large: 0 to 99 (percent)"),
        (queue(scheduling_policy=SchedulingPolicy(share_decay_seconds=-1)), "-1 is too short: 0 to 604800 (seconds)"),
        (
            queue(scheduling_policy=SchedulingPolicy(share_distribution={"a": 0})),
            "the weight of share a in scheduling_policy of queue a: 0 is not allowed: 0.0001 to 999.9999",
        ),
        (queue(scheduling_policy=SchedulingPolicy(share_distribution={"a-b": 1})), "'a-b' is not allowed: letters"),
        (
            queue(scheduling_policy=SchedulingPolicy(share_distribution={"a*": 1, "ab": 1})),
            "share ab overlaps with a*, and Batch requires each in one place",
        ),
        ({"queue_settings": {"b": {"state": "DISABLED"}}}, "queue_settings: b is not a queue: continuously, default"),
        ({"further_compute_environments": {"default": OTHER}}, "default is what queues call the environment's own"),
        ({"further_compute_environments": {"My": OTHER}}, "further_compute_environments: a name: 'My' is not allowed"),
        (
            {"further_compute_environments": {"a": {**OTHER, "capacity": "EC3"}}},
            "the capacity of a: 'EC3' is not allowed: EC2, SPOT, FARGATE or FARGATE_SPOT",
        ),
        (
            {**queue(state="DISABLED"), "queue_settings": Expression.of("local.settings")},
            "queue_settings: is an expression beside a Queue in queues: give one of the two",
        ),
    ],
)
def test_what_batch_would_refuse_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        made(**arguments)
