"""A failed run is run again as it was, once, and of an array what failed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.stopped_clock import stopped_clock
from tests.unit.cli.fake_aws import ARN, NOW, FakeAws, ms

from batchtab.aws.run_overrides import indices, indices_text, overrides
from batchtab.cli.jobs import retry
from batchtab.cli.main import main
from submit_run.request import Request

TIME = "2026-11-28T00:00:00Z"
RUN = {"BATCHTAB_SCHEDULED_TIME": TIME, "BATCHTAB_RUN_ID": f"examples-report@{TIME}"}
DEFINED = {"command": ["run"], "environment": [{"name": "LEVEL", "value": "info"}]}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    made = FakeAws(monkeypatch)
    monkeypatch.setattr(retry, "datetime", stopped_clock(NOW + timedelta(hours=1)))
    for name in ("examples-report", "examples-hello", "examples-nightly", "examples-sync"):
        arn = f"{ARN}:job-definition/batchtab-local-{name}:1"
        made.definitions[arn] = {"jobDefinitionArn": arn, "containerProperties": DEFINED}
    # The function as it is: what was submitted for a run is noted, and compared with what a retry is of.
    noted: dict[str, str] = {}

    def answer(event: dict[str, Any]) -> dict[str, Any]:
        request = Request.of_retry(event["retry"])
        if noted.get(request.run_id, request.retry_of) != request.retry_of:
            return {"outcome": "duplicate", "job_id": noted[request.run_id]}
        own = {"BATCHTAB_RETRY_OF": request.retry_of, "BATCHTAB_RUN_ID": request.run_id}
        given = {each["name"]: each["value"] for each in request.overrides["environment"]}
        size = {"arrayProperties": {"size": request.job.array_size}} if request.job.array_size else {}
        noted[request.run_id] = made.job(request.job.name, "SUBMITTED", environment={**given, **own}, **size)
        return {"outcome": "submitted", "job_id": noted[request.run_id]}

    made.answer = answer
    return made


def failed(aws: FakeAws, name: str = "examples-report", **more: Any) -> str:
    return aws.job(name, "FAILED", **{"environment": RUN, **more})


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


# --- one run


def test_a_run_is_retried_as_it_was(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a run that was given a variable, a command and parameters, beside those of its definition
    environment = {**RUN, "LEVEL": "debug", "AWS_BATCH_X": "1", "BATCHTAB_RUN_POLICY": "queue"}
    job_id = failed(aws, environment=environment, parameters={"day": "3"})
    aws.jobs[job_id]["container"]["command"] = ["other"]
    # WHEN it is retried
    assert main(["retry", job_id]) == 0
    # THEN the function gets its time, what differs from the definition, and the newest definition
    [event] = aws.asked
    request = Request.of_retry(event["retry"])
    assert (request.time, request.retry_of, request.job.definition) == (TIME, job_id, "batchtab-local-examples-report")
    assert {each["name"]: each["value"] for each in request.overrides["environment"]} == {**RUN, "LEVEL": "debug"}
    assert request.overrides["command"] == ["other"]
    assert request.overrides["parameters"] == {"day": "3"}
    assert "submit_job" not in aws.names()
    # AND it is said within 80 columns, with the new id
    out = capsys.readouterr().out
    assert list(aws.jobs)[-1] in out
    assert f"submitted: retry of {job_id}" in out
    assert len(out.splitlines()[0]) <= 80


def test_a_second_retry_submits_nothing_and_says_which_was_first(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a retry that is on its way
    job_id = failed(aws)
    assert main(["retry", job_id, "-o", "name"]) == 0
    first = capsys.readouterr().out.strip()
    # WHEN somebody retries the same run THEN nothing is submitted
    assert main(["retry", job_id, "-o", "json"]) == 4
    [result] = said(capsys)
    assert (result["outcome"], result["job_id"]) == ("retried already", first)
    assert len(aws.jobs) == 2
    # AND --again submits it once more
    assert main(["retry", job_id, "--again"]) == 0
    assert len(aws.jobs) == 3


def test_two_who_retry_at_once_submit_one_job(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN that Batch does not list a retry yet
    job_id = failed(aws)
    assert main(["retry", job_id]) == 0
    hidden = list(aws.jobs)[-1]
    aws.jobs[hidden]["jobName"] = "not-listed-yet"
    capsys.readouterr()
    # WHEN it is retried again THEN the function's table knows
    assert main(["retry", job_id, "-o", "json"]) == 4
    [result] = said(capsys)
    assert (result["outcome"], result["job_id"]) == ("retried already", hidden)
    assert len(aws.jobs) == 2


def test_a_retry_that_failed_is_retried_by_the_first_jobs_id(aws: FakeAws) -> None:
    # GIVEN a run whose retry failed
    job_id = failed(aws)
    assert main(["retry", job_id]) == 0
    second = list(aws.jobs)[-1]
    aws.jobs[second]["status"] = "FAILED"
    # WHEN the command of the alert is pasted again THEN the retry is retried
    assert main(["retry", job_id]) == 0
    assert [event["retry"]["of"] for event in aws.asked] == [job_id, second]
    # AND its newest job is found by the run's time as well
    aws.jobs[list(aws.jobs)[-1]]["status"] = "FAILED"
    assert main(["retry", "report@2026-11-28T00:00Z"]) == 0


@pytest.mark.parametrize(
    ("status", "expected"), [("SUCCEEDED", "has not failed: SUCCEEDED"), ("RUNNING", "has not ended: RUNNING")]
)
def test_only_what_failed_is_retried(
    status: str, expected: str, aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    job_id = aws.job("examples-report", status, environment=RUN)
    assert main(["retry", job_id, "-o", "json"]) == 4
    [result] = said(capsys)
    assert (result["outcome"], result["note"]) == ("not retried", f"{job_id} {expected}")
    assert aws.asked == []


def test_a_run_that_is_in_no_queue_any_more_is_backfilled(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    record = {"job": "examples-report", "item": f"run#{TIME}", "status": "submitted", "job_id": "gone"}
    aws.items.append({name: {"S": text} for name, text in record.items()})
    assert main(["retry", "report@2026-11-28T00:00Z"]) == 2
    assert f"batchtab backfill examples-report --from {TIME} --to {TIME}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "status", "expected"),
    [
        ({"outcome": "busy", "reason": "job x has not ended"}, 4, "busy: job x has not ended; retry of"),
        ({"errorMessage": "is no trigger, no end of a job and no resume"}, 2, "older version, which knows no retry"),
        ({"errorMessage": "Batch refuses it: no"}, 2, "examples-report: Batch refuses it: no"),
    ],
)
def test_what_the_function_says_is_said(
    answer: dict[str, str], status: int, expected: str, aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    job_id = failed(aws)
    aws.answer = lambda _: answer
    assert main(["retry", job_id]) == status
    output = capsys.readouterr()
    assert expected in output.out + output.err


def test_a_run_after_another_job_is_the_same_run(aws: FakeAws) -> None:
    job_id = failed(aws, environment={**RUN, "BATCHTAB_UPSTREAM_JOB_ID": "up-1"})
    assert main(["retry", job_id]) == 0
    assert Request.of_retry(aws.asked[0]["retry"]).run_id == "examples-report@up-1"


def test_the_same_definition_is_the_runs_revision(aws: FakeAws) -> None:
    job_id = failed(aws)
    assert main(["retry", job_id, "--same-definition"]) == 0
    assert aws.asked[0]["retry"]["job"]["job_definition"] == "batchtab-local-examples-report:1"


def test_a_definition_that_batch_forgot_is_one_line(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.definitions.clear()
    assert main(["retry", failed(aws)]) == 4
    assert "Batch has no job definition batchtab-local-examples-report:1 any more" in capsys.readouterr().out


def test_what_is_noted_is_what_is_compared(aws: FakeAws) -> None:
    # GIVEN a run that was started a second time by the command of an alert, which nobody noted
    job_id = failed(aws)
    record = {"job": "examples-report", "item": f"run#{TIME}", "status": "submitted", "job_id": job_id}
    aws.items.append({name: {"S": text} for name, text in record.items()})
    again = failed(aws, environment={**RUN, "BATCHTAB_RETRY_OF": job_id})
    # WHEN it is retried THEN it is of what the table has
    assert main(["retry", again]) == 0
    assert aws.asked[0]["retry"]["of"] == job_id


# --- what no schedule started


def test_a_job_without_a_time_is_submitted_by_itself_once(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = failed(aws, "examples-hello", environment={"LEVEL": "debug"}, shareIdentifier="a")
    assert main(["retry", job_id]) == 0
    assert aws.arguments("submit_job") == [
        {
            "jobName": "examples-hello",
            "jobQueue": "batchtab-local-default",
            "jobDefinition": "batchtab-local-examples-hello",
            "containerOverrides": {
                "environment": [
                    {"name": "BATCHTAB_RETRY_OF", "value": job_id},
                    {"name": "LEVEL", "value": "debug"},
                ]
            },
            "shareIdentifier": "a",
        }
    ]
    capsys.readouterr()
    assert main(["retry", job_id]) == 4
    assert "retried already" in capsys.readouterr().out
    assert len(aws.arguments("submit_job")) == 1


def test_a_job_that_must_not_meet_itself_waits_for_who_runs(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = failed(aws, "examples-nightly", environment={})
    active = aws.job("examples-nightly", "RUNNING")
    assert main(["retry", job_id]) == 4
    assert f"busy: job {active} has not ended" in capsys.readouterr().out.replace("\n", " ")
    assert "submit_job" not in aws.names()


# --- arrays

START = '{"batchtab": "start", "array_index": 3, "command": ["run"], "chooses_children": true}'
OLD_START = '{"batchtab": "start", "array_index": 3, "command": ["run"]}'


def array(aws: FakeAws, size: int, broken: list[int], *, line: str = START, **more: Any) -> str:
    """An array of which some children failed."""
    parent = failed(aws, arrayProperties={"size": size}, **more)
    for index in range(size):
        status = "FAILED" if index in broken else "SUCCEEDED"
        container = {"logStreamName": f"log/{index}", "command": ["run"]}
        aws.job("examples-report", status, jobId=f"{parent}:{index}", container=container)
        aws.streams[f"log/{index}"] = [line, "output"]
    return parent


def asked(aws: FakeAws) -> tuple[str, str, Any]:
    retry = aws.asked[-1]["retry"]
    given = {each["name"]: each["value"] for each in retry["overrides"]["environment"]}
    size = retry["job"].get("array_size")
    return given.get("BATCHTAB_ARRAY_INDICES", ""), given.get("BATCHTAB_ARRAY_SIZE", ""), size


def end(aws: FakeAws, broken: list[int]) -> str:
    """Ends the retry that was submitted last; its children of these positions have failed."""
    job_id, job = list(aws.jobs.items())[-1]
    job["status"] = "FAILED" if broken else "SUCCEEDED"
    for index in range(job.get("arrayProperties", {}).get("size", 0)):
        aws.job("examples-report", "FAILED" if index in broken else "SUCCEEDED", jobId=f"{job_id}:{index}")
    return job_id


def test_of_an_array_the_failed_children_run_again_and_then_what_failed_of_those(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an array of 20 in which four children failed
    parent = array(aws, 20, [3, 7, 8, 17])
    # WHEN it is retried THEN a smaller array runs those, which know the size of the first
    assert main(["retry", parent]) == 0
    assert asked(aws) == ("3,7-8,17", "20", 4)
    assert "children 3,7-8,17" in capsys.readouterr().out.replace("\n", " ")
    # AND when two of these fail, those two
    end(aws, [0, 3])
    assert main(["retry", parent]) == 0
    assert asked(aws) == ("3,17", "20", 2)
    # AND of the last one a single job, for Batch has no array of one
    end(aws, [1])
    assert main(["retry", parent]) == 0
    assert asked(aws) == ("17", "20", None)
    # AND when that has failed, the same again; and nothing when it has succeeded
    end(aws, [0])
    assert main(["retry", parent]) == 0
    assert asked(aws) == ("17", "20", None)
    end(aws, [])
    assert main(["retry", parent]) == 4
    assert len(aws.asked) == 4


def test_one_child_alone_leaves_the_others_to_be_retried(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    parent = array(aws, 20, [3, 17])
    assert main(["retry", f"{parent}:17"]) == 0
    assert asked(aws) == ("17", "20", None)
    end(aws, [])
    assert main(["retry", parent]) == 0
    assert asked(aws) == ("3", "20", None)
    capsys.readouterr()
    assert main(["retry", f"{parent}:4"]) == 4
    assert "child 4 has not failed" in capsys.readouterr().out


@pytest.mark.parametrize("line", [OLD_START, "Traceback", ""])
def test_a_program_that_would_run_another_childs_work_is_not_started(
    line: str, aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an image with an older runner, or none
    parent = array(aws, 20, [3, 17], line=line)
    # WHEN it is retried THEN nothing is submitted, and it is said how it can be
    assert main(["retry", parent, "-o", "json"]) == 4
    [result] = said(capsys)
    assert result["outcome"] == "not retried"
    assert f"{parent}:3 does not show a runner" in result["note"]
    assert "--whole-array runs all" in result["note"]
    assert aws.asked == []
    # AND as told it is
    assert main(["retry", parent, "--own-indices"]) == 0
    assert asked(aws) == ("3,17", "20", 2)
    assert main(["retry", parent, "--whole-array", "--again"]) == 0
    assert asked(aws) == ("", "", 20)


def test_an_array_that_failed_as_a_whole_runs_as_a_whole(aws: FakeAws) -> None:
    parent = array(aws, 3, [0, 1, 2], line="")
    assert main(["retry", parent]) == 0
    assert asked(aws) == ("", "", 3)


# --- all that failed


def test_all_that_failed_and_was_not_made_good_is_retried_in_order(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    at = {hour: f"2026-11-28T0{hour}:00:00Z" for hour in range(1, 6)}
    # GIVEN runs that failed, of which one succeeded later, one was stopped, one replaced, and one failed long ago
    three = failed(aws, environment={"BATCHTAB_SCHEDULED_TIME": at[3]})
    one = failed(aws, environment={"BATCHTAB_SCHEDULED_TIME": at[1]})
    failed(aws, environment={"BATCHTAB_SCHEDULED_TIME": at[2]})
    aws.job("examples-report", "SUCCEEDED", environment={"BATCHTAB_SCHEDULED_TIME": at[2]})
    failed(aws, environment={"BATCHTAB_SCHEDULED_TIME": at[4]}, statusReason="Stopped by arn:x: why")
    failed(aws, environment={"BATCHTAB_SCHEDULED_TIME": at[5]}, statusReason="Replaced by the run of x")
    failed(aws, environment={}, stoppedAt=ms(NOW - timedelta(hours=8)))
    failed(aws, "of-no-file", environment={})
    # WHEN the last six hours are looked at
    assert main(["retry", "--failed", "--since", "6h", "--dry-run", "-o", "json"]) == 0
    output = capsys.readouterr()
    # THEN two are left, the earlier first
    assert [each["retry_of"] for each in json.loads(output.out)] == [one, three]
    assert "2 more were stopped, or replaced by a later run" in output.err
    assert aws.asked == []
    # AND nobody is asked without a terminal
    assert main(["retry", "--failed"]) == 2
    assert "nobody can be asked: Retry 2 runs of stage local? [hint: --yes]" in capsys.readouterr().err
    # AND with --yes both are submitted, once
    assert main(["retry", "--failed", "--yes"]) == 0
    assert [event["retry"]["of"] for event in aws.asked] == [one, three]
    capsys.readouterr()
    assert main(["retry", "--failed", "--yes"]) == 0
    assert len(aws.asked) == 2
    assert "no run failed, or each was retried" in capsys.readouterr().err


def test_only_one_jobs_failures_and_what_a_refusal_leaves(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    failed(aws, "examples-hello", environment={})
    first = failed(aws, environment={"BATCHTAB_SCHEDULED_TIME": "2026-11-28T01:00:00Z"})
    failed(aws, environment={"BATCHTAB_SCHEDULED_TIME": "2026-11-28T02:00:00Z"})
    answers = iter([{"outcome": "submitted", "job_id": "new"}, {"errorMessage": "Task timed out"}])
    aws.answer = lambda _: next(answers)
    assert main(["retry", "report", "--failed", "--yes", "-o", "json"]) == 2
    output = capsys.readouterr()
    assert [(each["retry_of"], each["job_id"]) for each in json.loads(output.out)] == [(first, "new")]
    assert "Task timed out [hint: the same command is safe to run again]" in output.err


# --- what is shown, and what is wrong


def test_an_explanation_shows_no_secret_and_changes_nothing(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = failed(aws, environment={**RUN, "DB_PASSWORD": "hunter2hunter2"})
    other = failed(aws, "examples-hello", environment={"API_TOKEN": "hunter2hunter2"})
    assert main(["retry", job_id, "--explain"]) == 0
    assert main(["retry", other, "--explain"]) == 0
    function, batch = capsys.readouterr().out.splitlines()
    assert function.startswith("aws lambda invoke --region ap-northeast-2")
    assert "--function-name batchtab-local-submit-run" in function
    assert batch.startswith("aws batch submit-job")
    assert "hunter2" not in function + batch
    assert "DB_PASSWORD" in function
    assert aws.asked == []
    assert "submit_job" not in aws.names()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [([], "retry: name a run, or --failed"), (["--failed", "--since", "soon"], "--since 'soon' is not a time span")],
)
def test_what_is_wrong_is_one_line(
    arguments: list[str], expected: str, aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["retry", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert expected in line
    assert aws.called == []


# --- what a job was given


@pytest.mark.parametrize("numbers", [[], [0], [3, 17], [0, 1, 2], [1, 2, 5, 6, 7, 9]])
def test_indices_are_written_short_and_read_again(numbers: list[int]) -> None:
    assert indices(indices_text(numbers)) == numbers
    assert len(indices_text(list(range(10_000)))) == len("0-9999")


def test_what_the_definition_says_was_not_given() -> None:
    definition = {
        "containerProperties": {
            "command": ["run", "Ref::day"],
            "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
        },
        "parameters": {"day": "1", "month": "2"},
        "timeout": {"attemptDurationSeconds": 60},
    }
    job = {
        "container": {
            "command": ["run", "9"],
            "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "3"}],
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "1024"}],
        },
        "parameters": {"day": "9", "month": "2"},
        "timeout": {"attemptDurationSeconds": 60},
    }
    found = overrides(job, definition)
    assert found.environment == {"B": "3"}
    assert found.container == {"resourceRequirements": [{"type": "MEMORY", "value": "1024"}]}
    assert found.submit == {"parameters": {"day": "9"}}
