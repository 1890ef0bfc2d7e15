"""Links to the console, for the region and the partition of a stage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.cli.fake_aws import FakeAws

from batchtab.aws.console_links import Console
from batchtab.cli.main import main
from job_alerts import links
from job_alerts.job_event import read_job

ARN = "arn:aws:batch:ap-northeast-2:123456789012"
HOME = "https://ap-northeast-2.console.aws.amazon.com"
REGION = "home?region=ap-northeast-2"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    made = FakeAws(monkeypatch)
    identity = {"Account": "123456789012", "Arn": "x"}
    monkeypatch.setattr(FakeAws, "sts_get_caller_identity", lambda _: identity)
    return made


def test_a_run_has_its_job_its_log_its_queue_and_its_triggers(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a run that has begun, and its job's rule
    container = {"logStreamName": "examples-tick/default/abc", "command": ["run"]}
    job_id = aws.job("examples-tick", "RUNNING", jobQueue=f"{ARN}:job-queue/batchtab-example-default")
    aws.jobs[job_id]["container"] = container
    aws.rules["batchtab-example-examples-tick"] = "ENABLED"
    # WHEN its links are asked for
    assert main(["open", job_id, "--stage", "example", "-o", "json"]) == 0
    # THEN each is of the right region
    found = {each["what"]: each["url"] for each in json.loads(capsys.readouterr().out)}
    log = f"{HOME}/cloudwatch/{REGION}#logsV2:log-groups/log-group/$252Faws$252Fbatch$252Fbatchtab-example"
    assert found == {
        "job": f"{HOME}/batch/{REGION}#jobs/detail/{job_id}",
        "log": f"{log}/log-events/examples-tick$252Fdefault$252Fabc",
        "job queue": f"{HOME}/batch/{REGION}#queues/detail/{ARN}:job-queue/batchtab-example-default",
        "job definition": f"{HOME}/batch/{REGION}#job-definition/detail/{aws.jobs[job_id]['jobDefinition']}",
        "rule": f"{HOME}/events/{REGION}#/eventbus/default/rules/batchtab-example-examples-tick",
    }


def test_a_job_has_its_queue_its_logs_and_its_triggers_one_to_a_line(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.rules["batchtab-example-examples-tick"] = "ENABLED"
    assert main(["open", "tick", "--stage", "example"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("  ")[0] for line in lines] == ["job queue", "log group", "rule"]
    assert all(line.split()[-1].startswith(f"{HOME}/") for line in lines)
    assert f"{ARN}:job-queue/batchtab-example-continuously" in lines[0]


def test_a_trigger_that_is_not_there_is_not_deployed(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    del aws
    assert main(["open", "tick", "--stage", "example"]) == 2
    assert "examples-tick has no trigger: not deployed" in capsys.readouterr().err


def test_local_aws_has_no_console(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["open", "tick"]) == 2
    assert "open: stage local is local AWS, which has no console" in capsys.readouterr().err
    assert aws.called == []


def test_a_browser_opens_the_first_link_on_a_terminal_only(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    can_open: list[bool] = [True, False]

    def browse(url: str) -> bool:
        opened.append(url)
        return can_open[len(opened) - 1]

    monkeypatch.setattr("webbrowser.open", browse)
    aws.rules["batchtab-example-examples-tick"] = "ENABLED"
    arguments = ["open", "tick", "--stage", "example", "--browser"]
    # GIVEN a pipe THEN it is refused
    assert main(arguments) == 2
    assert opened == []
    capsys.readouterr()
    # GIVEN a terminal THEN the first link is opened, or it is said that there is no browser
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert main(arguments) == 0
    assert "#queues/detail/" in opened[0]
    assert main(arguments) == 0
    assert "open: no browser was found" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_the_links_are_those_of_the_alerts(partition: str, region: str, host: str) -> None:
    # GIVEN a job as an alert reads it
    detail: dict[str, Any] = {
        "jobId": "0a1b",
        "jobName": "x",
        "status": "FAILED",
        "jobQueue": f"arn:{partition}:batch:{region}:123456789012:job-queue/q",
        "jobDefinition": f"arn:{partition}:batch:{region}:123456789012:job-definition/d:1",
        "container": {"logStreamName": "x/default/0a1b"},
    }
    job = read_job({"account": "123456789012", "region": region}, detail, blocks_queue=False)
    console = Console(region, partition)
    # THEN its links are the same
    assert console.job("0a1b") == links.job_url(job)
    assert console.log_stream(job.log_group, "x/default/0a1b") == links.log_url(job)
    assert console.job("0a1b").startswith(f"https://{host}/batch/home?region={region}#")


def test_a_schedule_is_in_its_group_and_odd_names_end_no_link() -> None:
    console = Console("eu-west-1")
    assert console.schedule("g", "n") == (
        "https://eu-west-1.console.aws.amazon.com/scheduler/home?region=eu-west-1#schedules/g/n"
    )
    assert "#jobs/detail/0a1b%231" in console.job("0a1b#1")
