"""What starts tasks of ECS in an account, and its import."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest
from botocore.stub import ANY, Stubber
from tests.unit.importers import sources

from batchtab.aws import scheduled_tasks
from batchtab.aws.client import Aws
from batchtab.errors import UsageError
from batchtab.importers import importing
from batchtab.importers.options import Options

CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/web"
TASK = "arn:aws:ecs:us-east-1:123456789012:task-definition/app:3"
ECS = {"TaskDefinitionArn": TASK, "TaskCount": 1, "LaunchType": "FARGATE"}
RULE = {"Name": "nightly", "Arn": "arn:aws:events:us-east-1:123456789012:rule/nightly", "State": "ENABLED"}


class Stubs:
    """AWS whose clients answer what a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, stack: ExitStack) -> None:
        self.aws = Aws("us-east-1", "http://127.0.0.1:9")
        clients = {name: self.aws.client(name) for name in ("events", "scheduler", "ecs", "sts")}
        monkeypatch.setattr(Aws, "client", lambda _self, name, *_: clients[name])
        self.of = {name: stack.enter_context(Stubber(client)) for name, client in clients.items()}

    def rules(self, *rules: dict[str, Any], prefix: str = "", token: str = "") -> None:
        wanted = {"Limit": 100} | ({"NamePrefix": prefix} if prefix else {})
        self.of["events"].add_response(
            "list_rules", {"Rules": [*rules]} | ({"NextToken": token} if token else {}), wanted
        )

    def targets(self, *targets: dict[str, Any]) -> None:
        self.of["events"].add_response("list_targets_by_rule", {"Targets": [*targets]}, {"Rule": "nightly"})

    def schedules(self, *schedules: dict[str, Any], prefix: str = "") -> None:
        wanted = {"MaxResults": 100} | ({"NamePrefix": prefix} if prefix else {})
        self.of["scheduler"].add_response("list_schedules", {"Schedules": [*schedules]}, wanted)

    def task(self) -> None:
        container = {"name": "app", "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1", "command": ["run"]}
        definition = {"taskDefinitionArn": TASK, "family": "app", "cpu": "256", "memory": "512"}
        answer = {
            "taskDefinition": {**definition, "containerDefinitions": [container]},
            "tags": [{"key": "a", "value": "b"}],
        }
        self.of["ecs"].add_response("describe_task_definition", answer, {"taskDefinition": TASK, "include": ["TAGS"]})

    def all_used(self) -> None:
        for stub in self.of.values():
            stub.assert_no_pending_responses()


@pytest.fixture
def stubs(monkeypatch: pytest.MonkeyPatch) -> Any:
    with ExitStack() as stack:
        yield Stubs(monkeypatch, stack)


def target(cluster: str = CLUSTER, **more: Any) -> dict[str, Any]:
    return {"Id": "t", "Arn": cluster, "EcsParameters": ECS, **more}


def imported(**options: Any) -> importing.Result:
    return importing.run(
        "ecs", [], Options(**options), since=sources.SINCE, years=1, is_proven=True, command="batchtab import ecs"
    )


def test_rules_and_schedules_of_an_account_are_jobs(stubs: Stubs) -> None:
    # GIVEN a rule with two targets, one of which is a function, a rule by a pattern, and a schedule
    stubs.rules({**RULE, "ScheduleExpression": "rate(1 day)"}, {"Name": "pattern", "EventPattern": "{}"})
    lambda_target = {"Id": "l", "Arn": "arn:aws:lambda:us-east-1:123456789012:function:f"}
    stubs.targets(target(Input='{"containerOverrides": [{"name": "app", "command": ["nightly"]}]}'), lambda_target)
    listed = {"Name": "weekly", "GroupName": "default", "Target": {"Arn": CLUSTER}}
    stubs.schedules(listed, {"Name": "other", "GroupName": "default", "Target": {"Arn": lambda_target["Arn"]}})
    whole = {
        "Name": "weekly",
        "GroupName": "default",
        "ScheduleExpression": "cron(0 3 ? * SUN *)",
        "ScheduleExpressionTimezone": "Asia/Seoul",
        "State": "DISABLED",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": CLUSTER, "RoleArn": "arn:aws:iam::123456789012:role/s", "EcsParameters": ECS},
    }
    stubs.of["scheduler"].add_response("get_schedule", whole, {"Name": "weekly", "GroupName": "default"})
    stubs.task()
    # WHEN they are imported
    result = imported(region="us-east-1")
    stubs.all_used()
    # THEN each is a job, and the task definition was asked for once
    found = sources.jobs(result)
    assert found["nightly"]["command"] == ["nightly"]
    assert found["nightly"]["image"] == {"repository": "app", "tag": "1"}
    assert found["nightly"]["tags"] == {"a": "b"}
    assert found["weekly"]["timezone"] == "Asia/Seoul"
    assert found["weekly"]["suspend"] is True
    assert [each.is_equal for each in result.proven] == [True, True]
    assert result.imported.jobs[0].origin == "rule nightly"
    assert not result.needs_person


def test_cluster_and_prefix_choose(stubs: Stubs) -> None:
    stubs.rules({**RULE, "ScheduleExpression": "rate(1 day)"}, prefix="n")
    stubs.targets(target(), target("arn:aws:ecs:us-east-1:123456789012:cluster/other"))
    stubs.schedules(prefix="n")
    stubs.task()
    found = scheduled_tasks.read(stubs.aws, "web", "n")
    assert [each["Arn"] for each in found.rules[0]["Targets"]] == [CLUSTER]
    assert found.is_whole
    stubs.all_used()


def test_all_pages_are_read_up_to_a_bound(stubs: Stubs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduled_tasks, "MOST", 2)
    stubs.of["events"].add_response(
        "list_rules", {"Rules": [{"Name": "a"}, {"Name": "b"}], "NextToken": "t"}, {"Limit": 100}
    )
    stubs.of["events"].add_response("list_rules", {"Rules": [{"Name": "c"}]}, {"Limit": 100, "NextToken": ANY})
    stubs.schedules()
    assert not scheduled_tasks.read(stubs.aws).is_whole


def test_a_task_definition_that_is_gone_needs_a_decision(stubs: Stubs) -> None:
    stubs.rules({**RULE, "ScheduleExpression": "rate(1 day)"})
    stubs.targets(target())
    stubs.schedules()
    stubs.of["ecs"].add_client_error(
        "describe_task_definition", "ClientException", "Unable to describe task definition."
    )
    result = imported(region="us-east-1")
    assert result.needs_person
    assert any("its task definition is not in the files" in each.note for each in result.imported.findings)


def test_an_account_without_tasks_is_refused(stubs: Stubs) -> None:
    stubs.rules()
    stubs.schedules()
    with pytest.raises(UsageError, match="the account has no scheduled task"):
        imported(region="us-east-1")


def test_without_a_region_the_way_to_set_one_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduled_tasks, "own_region", lambda: None)
    with pytest.raises(UsageError, match="set AWS_REGION, or name a stage with --stage"):
        imported()
