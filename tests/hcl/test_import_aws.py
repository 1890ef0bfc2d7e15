"""`batchtab import aws` on local AWS: what strangers made is taken over by the generated files, and not recreated."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.local_helpers import ACCOUNT, REGION, LocalAws
from tests.hcl.terraform import Terraform, copy_modules

from batchtab.importers import importing
from batchtab.importers.importing import Result
from batchtab.importers.options import Options

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/my-service:1.4"
QUEUE = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue"


def definition(local_aws: LocalAws, name: str, **more: Any) -> str:
    """Register a definition as a stranger would: twice, so that the revision is not the first."""
    container = {
        "image": IMAGE,
        "command": ["node", name],
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
        **more.pop("containerProperties", {}),
    }
    arn = ""
    for _ in range(2):
        arn = local_aws.client("batch").register_job_definition(
            jobDefinitionName=name, type="container", containerProperties=container, **more
        )["jobDefinitionArn"]
    return arn


def rule(local_aws: LocalAws, name: str, expression: str, *targets: Mapping[str, Any], state: str = "ENABLED") -> None:
    """A rule with targets."""
    events: Any = local_aws.client("events")
    events.put_rule(Name=name, ScheduleExpression=expression, State=state, Description=f"starts {name}")
    events.put_targets(Rule=name, Targets=[*targets])


@pytest.fixture(scope="module")
def _stranger(local_aws: LocalAws, original_environment: dict[str, Any]) -> None:
    """Definitions, rules and schedules with all kinds of names."""
    roles = original_environment["roles"]
    cron, job_role = roles["BatchCronRuleRole"], roles["my-service-job-role"]
    statement = {"Effect": "Allow", "Action": "batch:SubmitJob", "Resource": "*"}
    iam: Any = local_aws.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "scheduler.amazonaws.com"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    submits = iam.create_role(RoleName="SchedulerSubmits", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    for name in ("BatchCronRuleRole", "SchedulerSubmits"):
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=name, PolicyName="submit-job", PolicyDocument=document)

    def target(id_: str, arn: str, name: str, queue: str = "default", **more: Any) -> dict[str, Any]:
        batch = {"JobDefinition": arn, "JobName": name, **more.pop("BatchParameters", {})}
        return {"Id": id_, "Arn": f"{QUEUE}/{queue}", "RoleArn": cron, "BatchParameters": batch, **more}

    # Same names, as the module would give them.
    plain = definition(
        local_aws,
        "shop-nightly",
        timeout={"attemptDurationSeconds": 600},
        retryStrategy={"attempts": 3},
        containerProperties={"jobRoleArn": job_role, "environment": [{"name": "MODE", "value": "${full}"}]},
        tags={"team": "shop"},
    )
    rule(local_aws, "shop-nightly", "cron(30 18 * * ? *)", target("t1", plain, "shop-nightly"))
    # A rule of another name, which overrides the command.
    report = definition(local_aws, "shop-report", timeout={"attemptDurationSeconds": 120})
    overrides = {"ContainerOverrides": {"Command": ["node", "report", "--weekly"]}}
    rule(
        local_aws,
        "WeeklyReportRule",
        "cron(0 3 ? * MON *)",
        target("Target0", report, "weekly-report", Input=json.dumps(overrides)),
        state="DISABLED",
    )
    # A definition that two rules start.
    often = definition(local_aws, "shop-sync", timeout={"attemptDurationSeconds": 60})
    for minutes in (5, 30):
        rule(local_aws, f"sync-every-{minutes}", f"rate({minutes} minutes)", target("t", often, f"sync-{minutes}"))
    # A schedule of Scheduler, with a zone.
    daily = definition(local_aws, "shop-daily", timeout={"attemptDurationSeconds": 60})
    scheduler: Any = local_aws.client("scheduler")
    scheduler.create_schedule_group(Name="shop")
    request = {"JobName": "daily", "JobQueue": f"{QUEUE}/continuously", "JobDefinition": daily}
    scheduler.create_schedule(
        Name="daily-mail",
        GroupName="shop",
        ScheduleExpression="cron(0 9 ? * MON-FRI *)",
        ScheduleExpressionTimezone="Asia/Seoul",
        FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 10},
        Target={
            "Arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob",
            "RoleArn": submits,
            "Input": json.dumps(request),
            "RetryPolicy": {"MaximumEventAgeInSeconds": 900, "MaximumRetryAttempts": 5},
        },
    )
    # What nothing starts, and what Batchtab deployed.
    definition(local_aws, "shop-manual", timeout={"attemptDurationSeconds": 60})
    definition(local_aws, "shop-own", tags={"batchtab:namespace": "shop"})


def imported(monkeypatch: pytest.MonkeyPatch, local_aws: LocalAws, **settings: str) -> Result:
    """The account, read as the command reads it."""
    for name, value in {
        "AWS_ENDPOINT_URL": local_aws.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)
    options = Options("shop", settings={"region": REGION, **settings})
    return importing.run("aws", [], options, since=SINCE, years=1, is_proven=True, command="batchtab import aws")


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.usefixtures("_stranger")
def test_an_account_is_taken_over_without_being_recreated(
    local_aws: LocalAws,
    terraform_environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # GIVEN an account that strangers filled
    batch, events = local_aws.client("batch"), local_aws.client("events")
    before = {each["Name"]: each for each in events.list_rules()["Rules"]}
    # WHEN it is imported
    result = imported(monkeypatch, local_aws, prefix="shop-", modules="../modules")
    # THEN jobs.yaml has a job for each trigger, and one for what nothing starts
    jobs = yaml.safe_load(result.jobs_text)["jobs"]
    assert sorted(jobs) == ["daily", "manual", "nightly", "sync-30", "sync-5", "weekly-report"]
    assert jobs["weekly-report"]["command"] == ["node", "report", "--weekly"]
    assert jobs["weekly-report"]["suspend"] is True
    assert jobs["daily"]["timezone"] == "Asia/Seoul"
    assert all(each.is_equal for each in result.proven)
    # AND what Batchtab deployed is left out, and reported
    assert "shop-own" in result.report_text

    # WHEN Terraform plans with the generated files
    copy_modules(tmp_path)
    folder = tmp_path / "shop"
    folder.mkdir()
    for name, text in result.imported.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    terraform = Terraform(folder, terraform_environment)
    terraform.do("fmt", "-check", "-diff")
    terraform.init()
    plan = terraform.plan()
    changes = {each["address"]: each["change"] for each in plan["resource_changes"] if each["mode"] == "managed"}
    # THEN it destroys and replaces nothing, and makes nothing but roles of jobs that had none
    assert not [address for address, change in changes.items() if "delete" in change["actions"]]
    made = [address for address, change in changes.items() if change["actions"] == ["create"]]
    assert all(re.search(r"\.aws_iam_role(_policy)?\.job_role", address) for address in made), made
    assert len([change for change in changes.values() if change.get("importing")]) == 5 + 4 * 2 + 1
    # AND rules and schedules keep their names and times
    for address, change in changes.items():
        if "aws_cloudwatch_event_rule" in address:
            for attribute in ("name", "schedule_expression", "state", "description"):
                assert change["before"][attribute] == change["after"][attribute], (address, attribute)
    # WHEN it is applied THEN nothing is left to do
    terraform.do("apply", "-input=false", "plan.bin")
    terraform.plan_is_empty()
    # AND each trigger starts the newest revision
    after = {each["Name"]: each for each in events.list_rules()["Rules"]}
    assert before == {name: after[name] for name in before}
    for name in before:
        (found,) = events.list_targets_by_rule(Rule=name)["Targets"]
        assert ":job-definition/" not in found["BatchParameters"]["JobDefinition"]
    schedule = local_aws.client("scheduler").get_schedule(Name="daily-mail", GroupName="shop")
    assert json.loads(schedule["Target"]["Input"])["JobDefinition"] == "shop-daily"
    for name in ("shop-nightly", "shop-report", "shop-sync", "shop-daily", "shop-manual"):
        found = batch.describe_job_definitions(jobDefinitionName=name, status="ACTIVE")["jobDefinitions"]
        active = max(found, key=lambda each: each["revision"])
        assert active["revision"] == 3
        assert active["containerProperties"]["command"] == ["node", name]
