"""`batchtab import aws`: pages, filters, what Batchtab deployed itself, and answers that deny."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from tests.unit.importers import sources

from batchtab.aws import answers
from batchtab.aws.client import Aws
from batchtab.errors import UsageError
from batchtab.importers import importing
from batchtab.importers.importing import Result
from batchtab.importers.kinds import aws_account
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile

ACCOUNT, REGION = "123456789012", "ap-northeast-2"
QUEUE = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/default"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/submit"
OWN = {"batchtab:namespace": "shop"}


class Account:
    """Stubbed clients of one account; calls that are several at once come in the order of what they are about."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made = Aws(REGION, "http://127.0.0.1:9")
        self.clients = {name: made.client(name) for name in ("sts", "batch", "events", "scheduler")}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        monkeypatch.setattr(made, "client", lambda name, _config=None: self.clients[name])
        monkeypatch.setattr("batchtab.importers.account.Aws", lambda _region: made)
        # One call at a time, because stubs answer in their order.
        monkeypatch.setattr("batchtab.aws.batch_account.mapped", lambda task, items: [task(each) for each in items])
        self.add("sts", "get_caller_identity", {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/u"})

    def add(self, service: str, operation: str, answer: dict[str, Any], asked: dict[str, Any] | None = None) -> None:
        self.stubs[service].add_response(operation, answer, asked)

    def definitions(self, *pages: list[dict[str, Any]]) -> None:
        for number, page in enumerate(pages):
            asked = {"status": "ACTIVE", **({"nextToken": f"t{number}"} if number else {})}
            more = {"nextToken": f"t{number + 1}"} if number + 1 < len(pages) else {}
            self.add("batch", "describe_job_definitions", {"jobDefinitions": page, **more}, asked)
        queue = {
            "jobQueueArn": QUEUE,
            "jobQueueName": "default",
            "state": "ENABLED",
            "priority": 1,
            "computeEnvironmentOrder": [],
        }
        self.add("batch", "describe_job_queues", {"jobQueues": [queue]})

    def rules(self, *rules: tuple[str, list[dict[str, Any]], dict[str, str]]) -> None:
        listed = [
            {"Name": name, "Arn": f"arn:rule/{name}", "ScheduleExpression": "rate(1 hour)", "State": "ENABLED"}
            for name, _, _ in rules
        ]
        half = len(listed) // 2
        own = {"Name": "aws", "Arn": "arn:rule/aws", "ManagedBy": "autoscaling.amazonaws.com"}
        self.add("events", "list_rules", {"Rules": [own, *listed[:half]], "NextToken": "n"}, {})
        self.add("events", "list_rules", {"Rules": listed[half:]}, {"NextToken": "n"})
        for name, targets, tags in rules:
            self.add("events", "list_targets_by_rule", {"Targets": targets}, {"Rule": name})
            if any("BatchParameters" in each for each in targets):
                answer = {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
                self.add("events", "list_tags_for_resource", answer, {"ResourceARN": f"arn:rule/{name}"})

    def schedules(self, *schedules: tuple[str, str, dict[str, Any]]) -> None:
        listed = [
            {"Name": name, "GroupName": group, "Target": {"Arn": each["Target"]["Arn"]}}
            for group, name, each in schedules
        ]
        other = {"Name": "other", "GroupName": "default", "Target": {"Arn": "arn:aws:lambda:::function:f"}}
        self.add("scheduler", "list_schedules", {"Schedules": [other], "NextToken": "n"}, {})
        self.add("scheduler", "list_schedules", {"Schedules": listed}, {"NextToken": "n"})
        for group in sorted({group for group, _, _ in schedules}):
            arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/{group}"
            tags = [{"Key": key, "Value": value} for key, value in (OWN if group == "own" else {}).items()]
            self.add("scheduler", "get_schedule_group", {"Arn": arn, "Name": group}, {"Name": group})
            self.add("scheduler", "list_tags_for_resource", {"Tags": tags}, {"ResourceArn": arn})
        for group, name, each in schedules:
            self.add("scheduler", "get_schedule", {"Name": name, "GroupName": group, **each})


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account whose answers a test gives; all of them are asked for."""
    made = Account(monkeypatch)
    for stub in made.stubs.values():
        stub.activate()
    yield made
    for stub in made.stubs.values():
        stub.deactivate()


def imported(service: str = "shop", **settings: str) -> Result:
    options = Options(service, settings={"region": REGION, **settings})
    return importing.run(
        "aws", [], options, since=sources.SINCE, years=1, is_proven=True, command="batchtab import aws"
    )


def definition(name: str, revision: int = 1, **more: Any) -> dict[str, Any]:
    """As DescribeJobDefinitions answers, with its empty lists."""
    return {
        "jobDefinitionName": name,
        "jobDefinitionArn": f"arn:aws:batch:{REGION}:{ACCOUNT}:job-definition/{name}:{revision}",
        "revision": revision,
        "status": "ACTIVE",
        "type": "container",
        "parameters": {},
        "timeout": {"attemptDurationSeconds": 60},
        "containerOrchestrationType": "ECS",
        "containerProperties": {
            "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop:1",
            "command": ["run", f"{revision}"],
            "environment": [],
            "mountPoints": [],
            "volumes": [],
            "ulimits": [],
            "secrets": [],
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
        },
        **more,
    }


def target(name: str, queue: str = QUEUE) -> dict[str, Any]:
    return {"Id": "t", "Arn": queue, "RoleArn": ROLE, "BatchParameters": {"JobDefinition": name, "JobName": name}}


def schedule(name: str, **more: Any) -> dict[str, Any]:
    asked = {"JobName": name, "JobQueue": QUEUE, "JobDefinition": name}
    return {
        "Arn": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}",
        "ScheduleExpression": "cron(0 9 * * ? *)",
        "ScheduleExpressionTimezone": "Asia/Seoul",
        "State": "ENABLED",
        "CreationDate": datetime(2026, 1, 1, tzinfo=UTC),
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "NONE",
        "Target": {"Arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob", "RoleArn": ROLE, "Input": json.dumps(asked)},
        **more,
    }


def test_all_pages_are_read_and_the_newest_revision_counts(account: Account) -> None:
    # GIVEN revisions on two pages, rules and schedules on two pages
    account.definitions([definition("shop-a", 2), definition("shop-b", 7)], [definition("shop-a", 10)])
    account.rules(("shop-a", [target("shop-a")], {}), ("other", [{"Id": "f", "Arn": "arn:aws:lambda:::f"}], {}))
    start = datetime(2026, 3, 1, tzinfo=UTC)
    account.schedules(("default", "b-daily", schedule("shop-b", StartDate=start)))
    # WHEN the account is imported
    result = imported()
    # THEN both are there, with the newest revisions
    jobs = sources.jobs(result)
    assert sorted(jobs) == ["a", "b"]
    assert jobs["a"]["command"] == ["run", "10"]
    assert (jobs["b"]["start"], jobs["b"]["timezone"]) == ("2026-03-01T00:00:00Z", "Asia/Seoul")
    assert "job-definition/shop-a:10" in result.imported.files["import.tf"]
    assert 'id = "default/b-daily"' in result.imported.files["import.tf"]
    assert not result.needs_person
    # AND each answer was asked for
    for stub in account.stubs.values():
        stub.assert_no_pending_responses()


def test_what_batchtab_deployed_is_left_out_and_reported(account: Account) -> None:
    account.definitions([definition("mine", tags=OWN), definition("theirs")])
    account.rules(("mine", [target("mine")], OWN), ("theirs", [target("theirs")], {}))
    account.schedules(("own", "mine-daily", schedule("mine")))
    result = imported()
    assert sorted(sources.jobs(result)) == ["theirs"]
    left_out = {each.place for each in result.imported.findings if each.note == "Batchtab deployed it already"}
    assert left_out == {"job-definition/mine:1", "rule/mine", "schedule/own/mine-daily"}
    assert not result.needs_person


def test_a_prefix_and_a_queue_choose(account: Account) -> None:
    account.definitions([definition("shop-a"), definition("shop-b"), definition("mail-c")])
    other = QUEUE.replace("default", "slow")
    account.rules(("a", [target("shop-a")], {}), ("b", [target("shop-b", other)], {}), ("c", [target("mail-c")], {}))
    account.schedules()
    result = imported(prefix="shop-", queue="slow")
    jobs = sources.jobs(result)
    assert list(jobs) == ["b"]
    assert jobs["b"]["queue"] == "slow"
    assert not result.needs_person


def test_a_trigger_without_its_definition_is_reported(account: Account) -> None:
    account.definitions([definition("shop-a")])
    account.rules(("gone", [target("deleted:3")], {}))
    account.schedules()
    result = imported()
    (decision,) = result.imported.findings.decisions()
    assert "the definition is not in the source" in decision.note


def test_an_account_without_definitions(account: Account) -> None:
    account.definitions([])
    account.rules()
    account.schedules()
    with pytest.raises(UsageError, match=f"account {ACCOUNT} in {REGION} has no job definition to import"):
        imported()


@pytest.mark.parametrize(
    ("service", "operation", "method"),
    [
        ("batch", "DescribeJobDefinitions", "describe_job_definitions"),
        ("events", "ListRules", "list_rules"),
        ("scheduler", "ListSchedules", "list_schedules"),
    ],
)
def test_a_denied_call_is_one_line_that_names_it(account: Account, service: str, operation: str, method: str) -> None:
    # GIVEN credentials that may do all before a call, and not the call
    if service != "batch":
        account.definitions([definition("shop-a")])
    if service == "scheduler":
        account.rules()
    account.stubs[service].add_client_error(method, "AccessDeniedException", f"not authorized to perform: {operation}")
    # WHEN the account is imported
    with pytest.raises(ClientError) as raised:
        imported()
    # THEN the command's answer names the call, in one line
    answer = answers.answer(raised.value)
    assert answer is not None
    assert f"AWS denied {operation}" in str(answer)
    assert "\n" not in str(answer)


def test_it_reads_no_files_and_needs_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(UsageError, match="no region is named"):
        aws_account.read([], Options())
    with pytest.raises(UsageError, match="reads an account and no files"):
        aws_account.read([SourceFile(Path("a.yaml"), "")], Options())


def test_the_page_shows_what_comes_out(account: Account) -> None:
    # GIVEN the page's account
    properties = {**definition("shop-nightly")["containerProperties"], "command": ["node", "app/jobs/nightly"]}
    properties |= {
        "environment": [{"name": "MODE", "value": "full"}],
        "jobRoleArn": f"arn:aws:iam::{ACCOUNT}:role/shop",
    }
    found = definition(
        "shop-nightly", 10, containerProperties=properties, retryStrategy={"attempts": 3}, tags={"team": "shop"}
    )
    account.definitions([found])
    account.rules(("shop-nightly", [target("shop-nightly")], {}))
    account.schedules()
    # WHEN it is imported THEN jobs.yaml is the page's
    page = (Path(__file__).resolve().parents[3] / "docs" / "import-aws.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- result: jobs.yaml -->\n\n```yaml\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    assert imported(prefix="shop-").jobs_text == shown[1]
