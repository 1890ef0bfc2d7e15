"""A job and a run on one page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.cli.listing_aws import Clock, FakeAws, Refusal, job_id

from batchtab.aws import run_lookup
from batchtab.aws.client import Aws
from batchtab.aws.job_resources import JobResources, job_resources
from batchtab.aws.role_policies import RolePolicies
from batchtab.aws.states import States
from batchtab.cli.jobs import describe
from batchtab.cli.main import main

JOB = "my-service-do-something"
DEFINITION = f"batchtab-local-{JOB}"
ROLE = f"{DEFINITION}-job"
BASE = 1_796_000_400_000  # 2026-11-30T01:00:00Z


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    made = FakeAws()
    monkeypatch.setattr(describe, "connect", lambda _: made)
    monkeypatch.setattr(run_lookup, "datetime", Clock)
    monkeypatch.setattr(States, "job_revisions", lambda *_: {DEFINITION: 3})
    container = {"image": "registry/my-service:latest", "jobRoleArn": f"arn:aws:iam::000000000000:role/{ROLE}"}
    made.definitions = [
        {"jobDefinitionName": DEFINITION, "revision": revision, "containerProperties": container} for revision in (2, 3)
    ]
    made.policies = {ROLE: ["s3:PutObject", "s3:GetObject"]}
    made.rules = {DEFINITION: "ENABLED"}
    return made


def page(capsys: pytest.CaptureFixture[str], what: str) -> dict[str, list[str]]:
    """A page by its labels."""
    assert main(["describe", what]) == 0
    title, *lines = capsys.readouterr().out.splitlines()
    found: dict[str, list[str]] = {"": [title]}
    width = max(len(match[0]) for line in lines if (match := re.match(r"[a-z ]+?  +(?=\S)", line)))
    label = ""
    for line in lines:
        label = line[:width].strip() or label
        found.setdefault(label, []).append(line[width:])
    return found


def described(capsys: pytest.CaptureFixture[str], what: str) -> dict[str, Any]:
    assert main(["describe", what, "-o", "json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


# --- a job


def test_a_job_on_one_page(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(1, 8):
        times = {"createdAt": BASE + number, "startedAt": BASE + number, "stoppedAt": BASE + number + 5000}
        variables = {"BATCHTAB_SCHEDULED_TIME": f"2026-11-2{number}T00:00:00Z"}
        aws.add(number, JOB, "SUCCEEDED", environment=variables, attempts=[{}], **times)
    found = page(capsys, "do-something")
    # THEN it says where it is declared, when it runs, and what runs
    assert found[""] == [f"{JOB}  stage local, times of Asia/Seoul"]
    assert found["declared"] == ["jobs/my-service/jobs.yaml:6"]
    assert found["schedule"] == ["at 00:00 every day: cron(0 0 * * ? *), in UTC"]
    assert found["command"] == ["node app/jobs/do-something"]
    assert found["image"] == ["registry/my-service:latest"]
    assert found["size"] == ["1 vCPU, 1,024 MiB, timeout 1800 s"]
    assert found["deployed"] == [f"{DEFINITION}:3"]
    # AND what its role may do, what starts it, and its runs
    assert found["role"] == [ROLE, "allows s3:GetObject, s3:PutObject"]
    assert found["triggers"] == [f"rule {DEFINITION}: enabled"]
    assert len(found["next runs"]) == 10
    assert all(line.endswith(" 09:00") for line in found["next runs"])
    heading, *last = found["last runs"]
    assert heading.split() == ["scheduled", "status", "started", "took", "tries", "run"]
    assert [line.split()[-1] for line in last] == [job_id(number)[:8] for number in (7, 6, 5, 4, 3)]


def test_the_line_is_that_of_the_file(aws: FakeAws, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del aws
    path = project / "jobs/examples/jobs.yaml"
    path.write_text("# one line more\n" + path.read_text())
    number = path.read_text().splitlines().index("  report:") + 1
    assert described(capsys, "report")["declared"] == f"jobs/examples/jobs.yaml:{number}"


def test_all_that_a_job_says_of_its_times(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    del aws
    found = page(capsys, "report")
    schedule = " ".join(line.strip() for line in found["schedule"])
    assert schedule == (
        "at 09:00 from Monday to Friday: 0 9 * * 1-5, in Asia/Seoul except 2026-12-25, 2027-01-01/2027-01-03"
    )
    assert found["deployed"] == ["no ACTIVE revision of batchtab-local-examples-report"]
    assert found["triggers"] == ["none: not deployed"]
    assert found["last runs"] == ["none"]
    assert page(capsys, "sync")["policy"] == ["concurrency_policy: queue, at most 4 wait"]
    assert page(capsys, "load")["schedule"] == ["after transform (after_status: succeeded)"]
    assert page(capsys, "hello")["schedule"] == ["manual: no schedule, and after no other job"]


def test_a_paused_job_has_no_next_runs_and_says_why(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.rules[DEFINITION] = "DISABLED"
    found = page(capsys, JOB)
    assert found["paused"] == ["its rule was disabled manually"]
    assert found["triggers"] == [f"rule {DEFINITION}: DISABLED"]
    assert found["next runs"] == ["none"]


def test_another_revision_than_was_deployed_is_said(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del aws
    monkeypatch.setattr(States, "job_revisions", lambda *_: {DEFINITION: 2})
    (line,) = page(capsys, JOB)["deployed"]
    assert line == f"{DEFINITION}:3; Terraform deployed revision 2 [hint: batchtab status {JOB}]"
    found = described(capsys, JOB)
    assert (found["revision"], found["deployed_revision"]) == (3, 2)


def test_who_may_not_read_roles_learns_the_rest(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.refusals["iam.ListRolePolicies"] = Refusal("AccessDenied", "not you", 403)
    found = page(capsys, JOB)
    assert found["role"] == [ROLE]
    assert found["deployed"][1].startswith("the role's policies are not known: AWS denied ListRolePolicies")


def test_no_secret_of_a_command_is_shown(aws: FakeAws, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del aws
    path = project / "jobs/my-service/jobs.yaml"
    command = "[node, app, --password=hunter2hunter2]"
    path.write_text(path.read_text().replace("[node, app/jobs/do-something]", command))
    for form in ("table", "json", "yaml"):
        assert main(["describe", JOB, "-o", form]) == 0
        output = capsys.readouterr().out
        assert "--password=" in output
        assert "hunter2" not in output


def test_of_several_containers_the_main_one_counts(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    containers = [{"name": "log", "image": "log:1"}, {"name": "main", "image": "main:1"}]
    task = {"containers": containers, "taskRoleArn": f"arn:aws:iam::000000000000:role/{ROLE}"}
    aws.definitions = [{"jobDefinitionName": DEFINITION, "revision": 1, "ecsProperties": {"taskProperties": [task]}}]
    found = described(capsys, JOB)
    assert (found["image"], found["role_actions"]) == ("main:1", ["s3:GetObject", "s3:PutObject"])


# --- a run


def failing(aws: FakeAws, number: int = 1, **others: Any) -> str:
    """A run of 09:00 that failed twice."""
    code = {"exitCode": 3, "logStreamName": "s"}
    attempts = [
        {"startedAt": BASE + 5_000, "stoppedAt": BASE + 15_000, "container": code, "statusReason": "Essential"},
        {"startedAt": BASE + 20_000, "stoppedAt": BASE + 80_000, "container": {"reason": "OutOfMemoryError"}},
    ]
    variables = {
        "BATCHTAB_SCHEDULED_TIME": "2026-11-30T00:59:00Z",
        "BATCHTAB_RUN_ID": f"{JOB}@2026-11-30T00:59:00Z",
        **others.pop("variables", {}),
    }
    times = {"createdAt": BASE, "startedAt": BASE + 20_000, "stoppedAt": BASE + 80_000}
    said = {"attempts": attempts, "retryStrategy": {"attempts": 2}, "environment": variables, **times, **others}
    return aws.add(number, JOB, "FAILED", **said)


def test_a_run_is_sent_in_the_order_of_time(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    made = failing(aws)
    found = page(capsys, made[:8])
    # THEN each step has the time since the one before
    assert [re.split(" {2,}", line) for line in found["timeline"]] == [
        ["2026-11-30 09:59:00", "scheduled"],
        ["2026-11-30 10:00:00", "+1m", "submitted"],
        ["2026-11-30 10:00:05", "+5s", "attempt 1 started"],
        ["2026-11-30 10:00:15", "+10s", "attempt 1 ended: exit code 3; Essential"],
        ["2026-11-30 10:00:20", "+5s", "attempt 2 started"],
        ["2026-11-30 10:01:20", "+1m", "attempt 2 ended: OutOfMemoryError"],
        ["2026-11-30 10:01:20", "+0s", "FAILED"],
    ]
    assert found["status"] == ["FAILED, attempt 2 of 2"]
    assert found["run"] == [f"{JOB}@2026-11-30T00:59:00Z"]
    # AND the commands that come next
    assert found["log"] == [f"batchtab logs {made} --stage local"]
    assert found["retry"] == [f"batchtab retry {made} --stage local"]
    # AND other programs get numbers
    data = described(capsys, f"{JOB}@2026-11-30T00:59Z")
    assert data["job_id"] == made
    assert [each["seconds_after"] for each in data["timeline"]] == [None, 60.0, 5.0, 10.0, 5.0, 60.0, 0.0]
    assert [each["exit_code"] for each in data["attempts"]] == [3, None]
    assert data["attempts"][0]["log_stream"] == "s"


@pytest.mark.parametrize(("status", "is_offered"), [("SUCCEEDED", False), ("RUNNING", False), ("FAILED", True)])
def test_what_was_retried_is_offered_for_retry_only_if_that_failed(
    status: str, is_offered: bool, aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    made = failing(aws)
    again = aws.add(2, JOB, status, createdAt=BASE + 90_000, environment={"BATCHTAB_RETRY_OF": made})
    found = page(capsys, made)
    assert found["retried by"] == [f"{again}  {status}"]
    assert ("retry" in found) == is_offered
    assert described(capsys, made)["retries"] == [{"job_id": again, "status": status}]


def test_of_an_array_all_failed_children_must_be_retried(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an array of four, of which two failed, and a retry of one of them
    array = {"size": 4, "statusSummary": {"SUCCEEDED": 2, "FAILED": 2}}
    made = failing(aws, arrayProperties=array, attempts=[])
    aws.children[made] = [
        {"jobId": f"{made}:{index}", "jobName": JOB, "status": "FAILED", "arrayProperties": {"index": index}}
        for index in (1, 3)
    ]
    for index in (1, 3):
        failing(aws, number=7)
        child = aws.jobs.pop(job_id(7))
        aws.jobs[f"{made}:{index}"] = {**child, "jobId": f"{made}:{index}", "arrayProperties": {"index": index}}

    def retried(number: int, index: int) -> None:
        chosen = {"BATCHTAB_ARRAY_INDICES": str(index), "BATCHTAB_ARRAY_SIZE": "4"}
        of = {"BATCHTAB_RETRY_OF": made if number == 2 else job_id(number - 1)}
        aws.add(number, JOB, "SUCCEEDED", createdAt=BASE + number * 90_000, environment={**chosen, **of})

    retried(2, 3)
    # THEN the array and the other child may be retried, and that child may not
    assert "retry" in page(capsys, made)
    assert "retry" in page(capsys, f"{made}:1")
    assert "retry" not in page(capsys, f"{made}:3")
    # AND a child has no children that start
    assert "the first child started" in "".join(page(capsys, made)["timeline"])
    assert "the first child started" not in "".join(page(capsys, f"{made}:1")["timeline"])
    # AND with the other one nothing is left
    retried(3, 1)
    assert "retry" not in page(capsys, made)


def test_why_a_person_ran_it_is_said(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    made = failing(aws, variables={"BATCHTAB_REASON": "the file came late"})
    assert page(capsys, made)["run because"] == ["the file came late"]
    assert described(capsys, made)["asked_because"] == "the file came late"


def test_a_run_that_is_under_way_says_for_how_long(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    made = aws.add(1, JOB, "RUNNABLE", createdAt=BASE)
    aws.add(2, JOB, "RUNNABLE", createdAt=BASE)
    aws.fronts = {"default": [job_id(2), made]}
    found = page(capsys, made)
    assert found["status"] == ["RUNNABLE, attempt 1 of 1, place 2 in the queue"]
    assert found["timeline"][-1].endswith("RUNNABLE now")
    assert "retry" not in found


def test_an_array_counts_its_children_and_names_those_that_failed(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an array of 40, of which 12 failed
    array = {"size": 40, "statusSummary": {"SUCCEEDED": 28, "FAILED": 12, "RUNNING": 0}}
    made = failing(aws, arrayProperties=array, attempts=[], startedAt=BASE + 5000)
    aws.children[made] = [
        {
            "jobId": f"{made}:{index}",
            "jobName": JOB,
            "status": "FAILED",
            "statusReason": "Essential container in task exited",
            "container": {"exitCode": index},
            "arrayProperties": {"index": index},
        }
        for index in range(12, 0, -1)
    ]
    children = page(capsys, made)["children"]
    # THEN the first ten are named, each as other commands take it
    assert children[0] == "40: 28 SUCCEEDED, 12 FAILED"
    assert children[1] == f"{made}:1  exit code 1; Essential container in task exited"
    assert (len(children), children[-1]) == (12, "… and 2 more that FAILED")
    data = described(capsys, made)
    assert (data["array_size"], len(data["failed_children"])) == (40, 12)


def test_a_run_that_never_got_to_batch_tells_why(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    noted = {"status": "skipped", "reason": "excluded: 2026-11-30", "noted_at": "2026-11-30T00:00:02Z"}
    where = {"job": JOB, "item": "run#2026-11-30T00:00:00Z", "scheduled_time": "2026-11-30T00:00:00Z"}
    aws.records = [{**where, **noted, "run_id": f"{JOB}@2026-11-30T00:00:00Z"}]
    found = page(capsys, f"{JOB}@2026-11-30T00:00Z")
    assert found["status"] == ["skipped"]
    assert found["reason"] == ["excluded: 2026-11-30"]
    assert found["timeline"][-1] == "2026-11-30 09:00:02  +2s  skipped: excluded: 2026-11-30"
    assert "log" not in found


def test_what_is_neither_is_status_3(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    del aws
    assert main(["describe", "do-smething"]) == 3
    assert "did you mean" in capsys.readouterr().err
    assert main(["describe", job_id(7)]) == 3


def test_a_terminal_of_80_columns_is_enough(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = failing(
        aws, statusReason="a reason of many words that is as long as Batch's often are, and longer than a line"
    )
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    for what in (JOB, made):
        assert main(["describe", what]) == 0
        lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in capsys.readouterr().out.splitlines()]
        assert max(map(len, lines)) <= 80


def test_the_other_forms(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    made = failing(aws)
    assert main(["describe", made, "-o", "yaml"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["job"] == JOB
    assert main(["describe", made, "-o", "name"]) == 0
    assert capsys.readouterr().out == f"{made}\n"
    assert main(["describe", made, "--explain"]) == 0
    assert capsys.readouterr().out.endswith(f"--jobs '[\"{made}\"]'\n")
    assert main(["describe", JOB, "--explain"]) == 0
    assert "describe-job-definitions --region ap-northeast-2" in capsys.readouterr().out


# --- what is read


@pytest.mark.parametrize(
    ("job", "asks"),
    [
        ({"container": {"vcpus": 2, "memory": 512}}, JobResources(2.0, 512)),
        ({"container": {"resourceRequirements": [{"type": "VCPU", "value": "0.25"}]}}, JobResources(0.25, 0)),
        (
            {"ecsProperties": {"taskProperties": [{"containers": [{"vcpus": 1, "memory": 5}, {"memory": 6}]}]}},
            JobResources(1.0, 11),
        ),
        (
            {"nodeProperties": {"numNodes": 3, "nodeRangeProperties": [{"container": {"vcpus": 2, "memory": 8}}]}},
            JobResources(6.0, 24),
        ),
        ({}, JobResources()),
    ],
)
def test_what_a_job_asks_for(job: dict[str, Any], asks: JobResources) -> None:
    assert job_resources(job) == asks


def test_policies_of_aws_are_named_and_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeAws()
    fake.policies = {"r": ["s3:GetObject"]}
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    attached = {"AttachedPolicies": [{"PolicyName": "ReadOnlyAccess", "PolicyArn": arn}]}
    monkeypatch.setattr(fake, "iam_ListAttachedRolePolicies", lambda _: attached)
    aws: Aws = fake
    found = RolePolicies(aws, "batchtab-local").of_role("r")
    assert (found.actions, found.of_aws) == (("s3:GetObject",), (arn,))
    assert fake.called["iam.GetPolicy"] == 0
