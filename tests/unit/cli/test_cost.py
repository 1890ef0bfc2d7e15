"""`batchtab cost`: which calls it makes, what it takes of their answers, and what it prints."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from tests.stopped_clock import stopped_clock

from batchtab.aws.client import Aws
from batchtab.aws.run_usage import RunUsage
from batchtab.cli.jobs import cost
from batchtab.cli.main import main

NOW = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
OFTEN, SOMETHING = "my-service-do-often", "my-service-do-something"
QUEUE = "arn:aws:batch:ap-northeast-2:000000000000:job-queue/batchtab-local-"


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def detail(name: str, number: int, seconds: float = 600, *, queue: str = "default", **others: Any) -> dict[str, Any]:
    """A job as Batch describes it, made so many hours ago."""
    made = NOW - timedelta(hours=number)
    times = {"startedAt": ms(made), "stoppedAt": ms(made + timedelta(seconds=seconds))}
    job_id = f"{name}-{number}"
    given = {
        "jobId": job_id,
        "jobName": name,
        "jobQueue": f"{QUEUE}{queue}",
        "status": "SUCCEEDED",
        "createdAt": ms(made),
        **times,
        "attempts": [{**times, "container": {"logStreamName": f"{job_id}/1", "exitCode": 0}}],
        "container": {
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "4096"}],
            "logStreamName": f"{job_id}/1",
        },
    }
    return {**given, **others}


class FakeAws:
    """Batch, DynamoDB and CloudWatch Logs behind one client, which count what they are asked."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.unlisted: set[str] = set()
        self.logs: dict[str, list[str]] = {}
        self.records: list[dict[str, Any]] = []
        self.calls: Counter[str] = Counter()

    def add(self, *jobs: dict[str, Any]) -> None:
        self.jobs |= {job["jobId"]: job for job in jobs}

    def record(self, job: str, job_id: str, hours: int) -> None:
        at = f"{NOW - timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
        item = {"job": job, "item": f"run#{at}", "scheduled_time": at, "status": "submitted", "job_id": job_id}
        self.records.append({name: {"S": value} for name, value in item.items()})

    # --- as boto3's clients

    def get_paginator(self, name: str) -> Any:
        assert name == "list_jobs"
        return self

    def paginate(self, jobQueue: str, filters: list[Any], PaginationConfig: dict[str, int]) -> Any:  # noqa: N803
        (only,) = filters
        listed = [job for job in self.jobs.values() if job["jobQueue"].endswith(f"/{jobQueue}")]
        listed = [job for job in listed if ":" not in job["jobId"] and job["jobId"] not in self.unlisted]
        if only["name"] == "JOB_NAME":
            listed = [job for job in listed if job["jobName"] == only["values"][0]]
        else:
            listed = [job for job in listed if job["createdAt"] > int(only["values"][0])]
        listed.sort(key=lambda job: -job["createdAt"])
        size = PaginationConfig["PageSize"]
        for begin in range(0, min(len(listed), PaginationConfig["MaxItems"]) or 1, size):
            self.calls["list_jobs"] += 1
            yield {"jobSummaryList": listed[begin : begin + size]}

    def describe_jobs(self, jobs: list[str]) -> Any:
        assert 0 < len(jobs) <= 100
        self.calls["describe_jobs"] += 1
        return {"jobs": [self.jobs[each] for each in jobs if each in self.jobs]}

    def query(self, **arguments: Any) -> Any:
        self.calls["query"] += 1
        values = {name: value["S"] for name, value in arguments["ExpressionAttributeValues"].items()}
        items = [each for each in self.records if each["job"]["S"] == values[":job"]]
        return {"Items": [each for each in items if values[":since"] <= each["item"]["S"] <= values[":until"]]}

    def get_log_events(self, **arguments: Any) -> Any:
        self.calls["get_log_events"] += 1
        assert arguments["logGroupName"] == "/aws/batch/batchtab-local"
        assert arguments["startFromHead"] is False
        if arguments["logStreamName"] not in self.logs:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "gone"}}, "GetLogEvents")
        lines = self.logs[arguments["logStreamName"]][-arguments["limit"] :]
        return {"events": [{"message": line} for line in lines]}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    fake = FakeAws()
    monkeypatch.setattr(Aws, "client", lambda *_: fake)
    monkeypatch.setattr("batchtab.cli.connection.refuse_foreign", lambda _: None)
    monkeypatch.setattr(cost, "datetime", stopped_clock(NOW))
    return fake


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["cost", *arguments, "-o", "json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def of(report: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (each for each in report["jobs"] if each["job"] == name)
    assert isinstance(found, dict)
    return found


def end_line(peak: float | None) -> str:
    return json.dumps({"batchtab": "end", "exit_code": 0, "peak_memory_mib": peak})


# --- what is reckoned


def test_runs_are_summed_by_job_and_the_dearest_comes_first(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN runs of two jobs in two queues, and a job that is none of ours
    aws.add(*(detail(OFTEN, number, 3600, queue="continuously") for number in (1, 2)), detail(SOMETHING, 3, 36_000))
    aws.add(detail("by-somebody", 1, 99_999))
    # WHEN they are reckoned
    report = told(capsys)
    # THEN m5 in Seoul costs 0.059 for the hour of a vCPU with 4 GiB
    assert [each["job"] for each in report["jobs"]] == [SOMETHING, OFTEN]
    assert (of(report, SOMETHING)["usd"]["now"], of(report, OFTEN)["usd"]["now"]) == (0.59, 0.12)
    assert (report["total"]["runs"], report["total"]["vcpu_hours"], report["total"]["gib_hours"]) == (3, 12, 48)
    assert report["total"]["usd"]["now"] == 0.71
    assert of(report, OFTEN)["usd"]["fargate"] == round(2 * (0.04656 + 4 * 0.00511), 2)


def test_each_attempt_counts_also_the_one_that_runs(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    began = NOW - timedelta(hours=3)
    first = {"startedAt": ms(began), "stoppedAt": ms(began + timedelta(hours=1))}
    running = {"status": "RUNNING", "startedAt": ms(NOW - timedelta(hours=1)), "stoppedAt": None, "attempts": [first]}
    aws.add(detail(OFTEN, 3, **running), detail(SOMETHING, 1, attempts=[], status="RUNNABLE", startedAt=None))
    report = told(capsys)
    assert of(report, OFTEN)["attempts"] == 2
    assert of(report, OFTEN)["hours"] == 2
    # AND a job that has not begun costs nothing
    assert (of(report, SOMETHING)["attempts"], of(report, SOMETHING)["usd"]["now"]) == (0, 0)


def test_an_array_costs_what_its_children_cost(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an array of 150 children of half an hour
    parent = detail(OFTEN, 5, 7200, attempts=[], arrayProperties={"size": 150, "statusSummary": {"SUCCEEDED": 150}})
    aws.add(parent, *(detail(OFTEN, 5, 1800, jobId=f"{OFTEN}-5:{index}") for index in range(150)))
    found = of(told(capsys, "--no-memory"), OFTEN)
    assert (found["runs"], found["attempts"], found["hours"], found["is_estimated"]) == (1, 150, 75.0, False)
    # AND two calls told it, beside the one for the array
    assert aws.calls["describe_jobs"] == 3


def test_of_a_large_array_the_rest_is_estimated_and_marked(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    summary = {"SUCCEEDED": 9000, "FAILED": 1000}
    aws.add(detail(OFTEN, 5, 7200, attempts=[], arrayProperties={"size": 10_000, "statusSummary": summary}))
    aws.add(*(detail(OFTEN, 5, 360, jobId=f"{OFTEN}-5:{index}") for index in range(10_000)))
    found = of(told(capsys, "--no-memory"), OFTEN)
    # THEN 1,000 children were looked at, and the mean is that of all
    assert (found["attempts"], found["hours"], found["is_estimated"]) == (10_000, 1000.0, True)
    assert aws.calls["describe_jobs"] == 11
    assert main(["cost", "--no-memory"]) == 0
    out = capsys.readouterr().out
    assert "~59.00" in out
    assert "\n~ children of arrays that were not looked at" in out


def test_children_that_batch_does_not_tell_are_as_long_as_the_array(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = {"SUCCEEDED": 10}
    aws.add(detail(OFTEN, 5, 3600, attempts=[], arrayProperties={"size": 10, "statusSummary": summary}))
    found = of(told(capsys, "--no-memory"), OFTEN)
    assert (found["hours"], found["is_estimated"]) == (10.0, True)


def test_all_children_of_all_arrays_take_at_most_50_calls(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(1, 11):
        array = {"size": 2000, "statusSummary": {"SUCCEEDED": 2000}}
        aws.add(detail(OFTEN, number, 60, attempts=[], arrayProperties=array))
    told(capsys, "--no-memory")
    assert aws.calls["describe_jobs"] == 1 + 50


def test_nodes_and_containers_count(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "8192"}]
    beside = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "1024"}]
    task = {"containers": [{"name": "main", "resourceRequirements": sizes}, {"resourceRequirements": beside}]}
    nodes = {"numNodes": 4, "nodeRangeProperties": [{"container": {"resourceRequirements": sizes}}]}
    aws.add(detail(OFTEN, 2, 3600, container=None, ecsProperties={"taskProperties": [task]}))
    aws.add(detail(SOMETHING, 2, 3600, container=None, nodeProperties=nodes))
    report = told(capsys)
    assert (of(report, OFTEN)["vcpu_hours"], of(report, OFTEN)["gib_hours"]) == (3, 9)
    assert (of(report, SOMETHING)["vcpu_hours"], of(report, SOMETHING)["gib_hours"]) == (8, 32)


# --- what Batch remembers


def test_a_run_that_only_the_table_names_is_asked_for(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a job that Batch does not list, as of a queue that the stage no longer has
    aws.add(detail(OFTEN, 5, 3600, queue="gone"))
    aws.record(OFTEN, f"{OFTEN}-5", 5)
    assert of(told(capsys), OFTEN)["hours"] == 1.0


def test_forgotten_runs_are_counted_and_not_added(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.add(detail(OFTEN, 5, 3600))
    aws.record(OFTEN, f"{OFTEN}-5", 5)
    for hours in (400, 401, 402):
        aws.record(OFTEN, f"{OFTEN}-{hours}", hours)
    aws.record(OFTEN, "too-old", 24 * 31)
    report = told(capsys)
    assert (of(report, OFTEN)["runs"], of(report, OFTEN)["forgotten_runs"]) == (1, 3)
    assert of(report, OFTEN)["usd"]["now"] == 0.06
    assert of(report, OFTEN)["forgotten_usd"] == 0.18
    main(["cost"])
    out = capsys.readouterr().out
    assert "Not in the table: 3 further runs that are recorded and that Batch has forgotten, about 0.18 USD" in out


def test_since_leaves_older_runs_out_and_one_job_is_asked_for_alone(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.add(detail(OFTEN, 5, 3600), detail(OFTEN, 49, 3600), detail(SOMETHING, 5, 3600))
    assert of(told(capsys, "--since", "48h"), OFTEN)["runs"] == 1
    report = told(capsys, "do-often", "--since", "48h")
    assert [(each["job"], each["runs"]) for each in report["jobs"]] == [(OFTEN, 1)]


def test_very_many_jobs_are_cut_and_said(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.add(*(detail(OFTEN, 1, 60, jobId=str(number)) for number in range(2100)))
    report = told(capsys, "--no-memory")
    assert (report["is_cut"], of(report, OFTEN)["runs"]) == (True, 2000)
    assert (aws.calls["list_jobs"], aws.calls["describe_jobs"]) == (21, 20)  # one is of the other queue
    main(["cost", "--no-memory"])
    assert "The newest 2,000 jobs of a queue were looked at, and there are more" in capsys.readouterr().out


# --- memory


def test_memory_that_no_run_used_is_named(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN seven runs with 4,096 MiB, of which the newest five used up to 500 MiB
    for number in range(1, 8):
        aws.add(detail(OFTEN, number, 3600))
        peak = 100.0 * number if number <= 5 else 4000.0
        aws.logs[f"{OFTEN}-{number}/1"] = ["started", end_line(peak), "a last word"]
    found = of(told(capsys), OFTEN)["smaller_memory"]
    # THEN those are read, and what would do is suggested
    assert (found["memory_mib"], found["peak_mib"], found["measured"]) == (768, 500.0, 5)
    assert aws.calls["get_log_events"] == 5
    main(["cost"])
    note = "memory_mib 4096 → 768 would do (peak of the largest process in 5 runs: 500 MiB)"
    assert note in capsys.readouterr().out


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ['no JSON with "peak_memory_mib"'],
        [end_line(None)],
        [json.dumps({"peak_memory_mib": 5})],  # the job's own line
        [json.dumps({"batchtab": "end", "peak_memory_mib": "5"})],
        [json.dumps(["peak_memory_mib"])],
        [end_line(5), *["later"] * 20],
    ],
)
def test_what_is_no_end_line_measures_nothing(
    lines: list[str], aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.add(detail(OFTEN, 1))
    aws.logs[f"{OFTEN}-1/1"] = lines
    assert of(told(capsys), OFTEN)["smaller_memory"] is None


def test_a_log_that_is_gone_and_a_run_that_runs_are_passed_over(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.add(detail(OFTEN, 1), detail(OFTEN, 2, status="RUNNING", attempts=[], stoppedAt=None))
    assert of(told(capsys), OFTEN)["smaller_memory"] is None
    assert aws.calls["get_log_events"] == 1


def test_no_log_is_read_where_that_is_not_wanted(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.add(detail(OFTEN, 1))
    told(capsys, "--no-memory")
    assert aws.calls["get_log_events"] == 0


# --- on paper


def test_the_table_ends_with_its_total_and_notes(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.add(detail(OFTEN, 1, 3600), detail(SOMETHING, 3, 36_000))
    assert main(["cost"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "job                      runs  vcpu_h  gib_h  now_usd  fargate  spot   arm   ec2",
        "my-service-do-something     1    10.0   40.0     0.59     0.67  0.21  0.54  0.59",
        "my-service-do-often         1     1.0    4.0     0.06     0.07  0.02  0.05  0.06",
        "total                       2    11.0   44.0     0.65     0.74  0.23  0.59  0.65",
    ]
    oldest = f"{NOW - timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}"
    assert lines[5] == "Local AWS costs nothing: this is what these runs would cost on AWS."
    assert lines[6] == (
        "Runs of the last 30 days. Batch forgets a job about a week after its end;"
        f" the oldest run that it knows here is of {oldest}."
    )
    assert "Not in the table: min_vcpus keeps 2 vCPUs running, jobs or not, for about 84.96 USD." in lines
    # AND the last line says which prices nobody confirmed
    assert lines[-1] == (
        "Prices of prices/ap-northeast-2.yaml in USD, not confirmed at a source:"
        " Fargate x86_64, Fargate arm64, Fargate Spot, EC2 Spot, EC2 m5."
    )


@pytest.mark.parametrize(
    ("since", "said"),
    [("1h", "1 hour"), ("90m", "90 minutes"), ("36h", "36 hours"), ("1d", "1 day"), ("4w", "28 days")],
)
def test_the_span_is_the_one_that_was_asked_for(
    aws: FakeAws, capsys: pytest.CaptureFixture[str], since: str, said: str
) -> None:
    aws.add({**detail(OFTEN, 0), "createdAt": ms(NOW) - 60_000})
    assert main(["cost", "--since", since]) == 0
    assert f"Runs of the last {said}. Batch forgets" in capsys.readouterr().out


def test_less_memory_is_not_advised_for_what_costs_nothing(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.add(detail(OFTEN, 1, 60), detail(SOMETHING, 3, 36_000))
    for name, number in ((OFTEN, 1), (SOMETHING, 3)):
        aws.logs[f"{name}-{number}/1"] = [end_line(300)]
    assert main(["cost"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if "would do" in line] == [SOMETHING]


def test_a_terminal_of_80_columns_is_enough(
    aws: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.add(detail(OFTEN, 1, 3600_000), detail(SOMETHING, 3, 36_000))
    aws.logs[f"{SOMETHING}-3/1"] = [end_line(300)]
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    main(["cost"])
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in capsys.readouterr().out.splitlines()]
    assert max(map(len, lines)) <= 80
    # AND the name is whole, on two lines
    at = next(number for number, line in enumerate(lines) if line.startswith("my-service-do-s") or "0.59" in line)
    assert lines[at].split()[0] + lines[at + 1].split()[0] == SOMETHING


def test_other_forms_have_the_same(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.add(detail(OFTEN, 1, 3600), detail(SOMETHING, 3, 36_000))
    report = told(capsys)
    main(["cost", "-o", "yaml"])
    same = yaml.safe_load(capsys.readouterr().out)
    assert same["jobs"] == report["jobs"]
    main(["cost", "-o", "name"])
    assert capsys.readouterr().out == f"{SOMETHING}\n{OFTEN}\n"
    main(["cost", "-o", "wide"])
    assert "EC2       1 vCPU 4096 MiB" in capsys.readouterr().out


def test_no_runs_are_said(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    del aws
    assert main(["cost"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("No runs since ")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--since", "90s"], 2, "cost: --since '90s' is not a time span: 90m, 12h, 7d or 4w"),
        (["--prices", "nope.yaml"], 2, "cost: --prices nope.yaml: No such file or directory"),
        (["--family", "m55"], 2, "prices/ap-northeast-2.yaml has no family 'm55': m5, c5, r5, m6g"),
        (["nope"], 3, "cost: 'nope' is not a job of stage local"),
    ],
)
def test_what_is_wrong_is_one_line(
    arguments: list[str], status: int, message: str, aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cost", *arguments]) == status
    assert message in capsys.readouterr().err
    assert not aws.calls


def test_a_region_without_prices_names_the_option(
    aws: FakeAws, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project / "config" / "local.yaml"
    path.write_text(path.read_text().replace("region: ap-northeast-2", "region: eu-west-1"))
    assert main(["cost"]) == 2
    said = capsys.readouterr().err
    assert "there are no prices of region eu-west-1" in said
    assert "[hint: --prices FILE names a file with them]" in said
    assert not aws.calls


def test_reading_an_arm_job_of_fargate(aws: FakeAws) -> None:
    container = {"vcpus": 1, "memory": 2048, "runtimePlatform": {"cpuArchitecture": "ARM64"}}
    found = RunUsage(Aws("us-east-1"), "x").read(detail(OFTEN, 1, container=container), NOW)
    assert (found.architecture, found.vcpus, found.memory_mib) == ("arm64", 1, 2048)
    del aws
