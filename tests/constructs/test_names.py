"""The names by which commands find what the constructs made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.constructs.a_job import DEAD_LETTERS, ORIGINAL
from tests.constructs.template import QUEUE_ARN, SECURITY_GROUPS, SUBNETS, Template, in_python

from batchtab import limits, names
from batchtab.constructs._terraform.expressions import Expression
from batchtab.constructs._terraform.framework import TerraformStack
from batchtab.constructs._terraform.naming import shorten
from batchtab.constructs.batch_environment import BatchEnvironment
from batchtab.constructs.compute_environment import ComputeEnvironment
from batchtab.constructs.job_runs import JobRuns
from batchtab.constructs.scheduled_job import ScheduledJob, chain, triggers

LONG = "batchtab-production-accounting-reconcile-the-ledger-with-the-bank"


@pytest.mark.parametrize("full_name", ["batchtab-prod-billing-invoice", LONG, f"{LONG}-2"])
def test_commands_call_a_jobs_triggers_as_the_construct_does(full_name: str) -> None:
    assert names.rule(full_name) == triggers.rule_name(full_name)
    assert names.after_rule(full_name) == chain.rule_name(full_name)


def test_a_name_that_is_shortened_stays_within_the_limit_and_is_no_others() -> None:
    # GIVEN two names that begin alike WHEN they are shortened
    found = [names.rule(LONG), names.rule(f"{LONG}-2")]
    # THEN they fit, and differ in their hashes
    assert [len(name) for name in found] == [64, 64]
    assert found[0][:55] == found[1][:55]
    assert found[0] != found[1]


def test_terraform_shortens_to_the_same_form() -> None:
    # GIVEN a name that only Terraform knows THEN it cuts where Python cuts
    assert 'substr(var.name, 0, 55)}-${substr(sha1(var.name), 0, 8)}"' in shorten(Expression.of("var.name"), 64)


def _named(template: Template) -> Iterator[tuple[str, str]]:
    """What everything is called, by its type."""
    for type_, found in template.content["resource"].items():
        for body in found.values():
            for attribute in ("name", "function_name", "name_prefix"):
                if attribute in body:
                    yield type_, body[attribute].replace("${each.key}", "1")


def _of_a_job(stack: TerraformStack) -> None:
    """A job that makes all that a job can make."""
    job = ScheduledJob(
        stack,
        "Default",
        **{**ORIGINAL, "name": "JOB", "namespace": "n-x", "capacity": "FARGATE", "memory_mib": 2048},
        after=["other"],
        secrets={"A": "arn:aws:ssm:ap-northeast-2:123456789012:parameter/a"},
    )
    job.metric_failed()
    job.metric_succeeded()
    ScheduledJob(stack, "later", **{**ORIGINAL, "name": "JOB-2", "namespace": "n-x", "timezone": "Asia/Seoul"})


def _of_an_environment(stack: TerraformStack) -> None:
    """All that an environment of the same namespace makes."""
    place: dict[str, Any] = {"namespace": "n-x", "subnet_ids": SUBNETS, "security_group_ids": SECURITY_GROUPS}
    ComputeEnvironment(stack, "spot", name="spot", **place)
    BatchEnvironment(stack, "fargate", capacity="FARGATE", **place)
    environment = BatchEnvironment(stack, "ec2", **place)
    JobRuns(stack, "runs", namespace="n-x", job_queue_arns=[QUEUE_ARN], trigger_dead_letter_queue_arn=DEAD_LETTERS)
    environment.add_alerts(quiet=True)


def test_no_jobs_name_makes_it_what_an_environment_has() -> None:
    # GIVEN what a job's things are called, and what those of its environment are called
    of_a_job = {(type_, name) for type_, name in _named(in_python(_of_a_job)) if "JOB" in name}
    of_an_environment = set(_named(in_python(_of_an_environment)))
    # WHEN one of the environment's is read as that of a job THEN no job may have such a name
    collisions = set()
    for type_, name in of_an_environment:
        for same_type, pattern in of_a_job:
            match = re.fullmatch(re.escape(pattern).replace("JOB", "(.+)"), name) if type_ == same_type else None
            if match and limits.JOB_NAME.refusal(match[1]) is None:
                collisions.add(match[1])
    assert [name for name in collisions if limits.RESERVED_JOB_NAME.refusal(name) is None] == []
    # AND these are all that there are
    assert collisions == {"alerts-sweep", "failed-job-1", "blocked-queue-1", "run-ended-1"}
    assert {type_ for type_, _ in of_a_job} >= {
        *("aws_cloudwatch_event_rule", "aws_iam_role", "aws_cloudwatch_log_group", "aws_batch_job_definition"),
        "aws_scheduler_schedule",
    }


@pytest.mark.parametrize("name", ["alerts-sweep", "failed-job-1", "blocked-queue-2", "run-ended-12"])
def test_a_name_of_the_machinerys_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"name: '{name}' is the name of a rule that alerts or runs have"):
        in_python(lambda stack: ScheduledJob(stack, "Default", **{**ORIGINAL, "name": name}))


def test_two_namespaces_that_make_one_name_are_refused() -> None:
    # GIVEN job x-y of namespace dep, and job y of namespace dep-x
    def build(stack: TerraformStack) -> None:
        ScheduledJob(stack, "one", **{**ORIGINAL, "namespace": "dep", "name": "x-y"})
        ScheduledJob(stack, "other", **{**ORIGINAL, "namespace": "dep-x", "name": "y"})

    # THEN they would be one rule and one definition
    with pytest.raises(ValueError, match="makes the definition's name dep-x-y, which test/one has too"):
        in_python(build)
