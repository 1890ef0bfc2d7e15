"""Jobs are terminated by name, with who and why, after a question."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.cli.fake_aws import FakeAws

from batchtab.cli.jobs import stop
from batchtab.cli.main import main

JANE = "arn:aws:sts::000000000000:assumed-role/on-call/jane"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    return FakeAws(monkeypatch)


def terminal(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr("sys.stdin", type("Tty", (), {"isatty": lambda _: True, "readline": lambda _: answer})())
    monkeypatch.setattr("typer.confirm", lambda _, err: err and answer == "y")


def test_a_run_is_terminated_and_the_reason_says_who_and_why(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN two runs of a job
    job_id, other = aws.job("examples-hello", "RUNNING"), aws.job("examples-hello", "RUNNABLE")
    # WHEN one is stopped by its id
    assert main(["stop", job_id, "--yes", "--reason", "wrong\ndate"]) == 0
    # THEN it is terminated, not cancelled, and the other goes on
    assert aws.arguments("terminate_job") == [{"jobId": job_id, "reason": f"Stopped by {JANE}: wrong date"}]
    assert "cancel_job" not in aws.names()
    assert aws.jobs[other]["status"] == "RUNNABLE"
    # AND what was stopped is data, within 80 columns
    out = capsys.readouterr().out.splitlines()
    assert out[1].split() == ["examples-hello", "RUNNING", job_id]
    assert all(len(line) <= 80 for line in out)


def test_all_active_runs_of_a_job_are_stopped_in_every_status_and_no_other_job(aws: FakeAws) -> None:
    # GIVEN a job in each status, and another job
    statuses = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
    mine = {status: aws.job("examples-hello", status) for status in statuses}
    aws.job("examples-tick", "RUNNING")
    # WHEN the job is stopped THEN the five that have not ended are
    assert main(["stop", "examples/hello", "--yes"]) == 0
    stopped = {each["jobId"] for each in aws.arguments("terminate_job")}
    assert stopped == {mine[status] for status in statuses[:5]}


def test_of_an_array_one_child_is_stopped_alone_and_its_parent_with_all(aws: FakeAws) -> None:
    parent = aws.job("examples-hello", "PENDING", arrayProperties={"size": 3})
    child = aws.job("examples-hello", "RUNNING", jobId=f"{parent}:2", arrayProperties={"index": 2})
    assert main(["stop", child, "--yes"]) == 0
    assert main(["stop", "hello", "--yes"]) == 0
    assert [each["jobId"] for each in aws.arguments("terminate_job")] == [child, parent]


def test_a_node_is_its_whole_job(aws: FakeAws) -> None:
    job_id = aws.job("examples-hello", "RUNNING")
    aws.job("examples-hello", "RUNNING", jobId=f"{job_id}#1")
    assert main(["stop", f"{job_id}#1", "--yes"]) == 0
    assert [each["jobId"] for each in aws.arguments("terminate_job")] == [job_id]


def test_all_asks_with_names_and_a_no_stops_nothing(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN jobs of the stage, one of which no file declares, and a person who says no
    ids = [aws.job("examples-hello", "RUNNING"), aws.job("somebody-elses", "RUNNABLE")]
    terminal(monkeypatch, "n")
    # WHEN all are to be stopped
    assert main(["stop", "--all"]) == 130  # as after Ctrl-C
    # THEN they were named on stderr, and nothing has happened
    output = capsys.readouterr()
    assert all(each in output.err for each in (*ids, "examples-hello", "somebody-elses"))
    assert output.out == ""
    assert "terminate_job" not in aws.names()
    # AND a yes stops both
    terminal(monkeypatch, "y")
    assert main(["stop", "--all"]) == 0
    assert len(aws.arguments("terminate_job")) == 2


@pytest.mark.parametrize("arguments", [["--all"], ["hello"]])
def test_without_a_terminal_it_takes_yes(
    arguments: list[str], aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.job("examples-hello", "RUNNING")
    assert main(["stop", *arguments]) == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert line == "batchtab: stop: nobody can be asked: Stop 1 job of stage local? [hint: --yes]"
    assert "terminate_job" not in aws.names()


@pytest.mark.parametrize("arguments", [[], ["hello", "--all"]])
def test_it_is_either_one_or_all(arguments: list[str], aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stop", *arguments]) == 2
    assert "name a run or a job, or --all" in capsys.readouterr().err
    assert aws.called == []


def test_what_has_ended_or_does_not_run_is_said_and_is_no_fault(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    job_id = aws.job("examples-hello", "FAILED")
    for wanted, said in (
        (job_id, f"stop: examples-hello {job_id} has ended already: FAILED, 2026-11-28T09:31:00Z"),
        ("hello", "stop: nothing of examples-hello runs or is queued"),
    ):
        assert main(["stop", wanted, "--yes"]) == 0
        output = capsys.readouterr()
        assert (output.out, output.err.splitlines()) == ("", [said])
    assert main(["stop", "--all", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert "terminate_job" not in aws.names()


def test_no_such_run_is_status_3(aws: FakeAws) -> None:
    del aws
    assert main(["stop", "abcdef01", "--yes"]) == 3


def test_a_dry_run_and_an_explanation_change_nothing(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = aws.job("examples-hello", "RUNNING")
    assert main(["stop", "hello", "--dry-run", "--and-pause", "-o", "name"]) == 0
    assert capsys.readouterr().out == f"{job_id}\n"
    assert main(["stop", "hello", "--explain"]) == 0
    line = capsys.readouterr().out
    assert line.startswith("aws batch terminate-job --region ap-northeast-2 --endpoint-url http://127.0.0.1:")
    assert f"--job-id {job_id} --reason 'Stopped by {JANE}'" in line
    assert "terminate_job" not in aws.names()


def test_a_reason_is_as_long_as_batch_takes(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.job("examples-hello", "RUNNING")
    room = 1024 - len(f"Stopped by {JANE}: ")
    assert main(["stop", "hello", "--yes", "--reason", "x" * (room + 1)]) == 2
    assert f"--reason has {room + 1} characters: at most {room}" in capsys.readouterr().err
    assert "terminate_job" not in aws.names()
    assert main(["stop", "hello", "--yes", "--reason", "x" * room]) == 0
    assert len(aws.arguments("terminate_job")[0]["reason"]) == 1024


def test_runs_that_wait_are_said_to_start_and_pausing_comes_first(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a job with `queue`, of which one runs and two wait
    aws.job("examples-sync", "RUNNING")
    aws.rules["batchtab-local-examples-sync"] = "ENABLED"
    content = json.dumps({"waiting": [{}, {}]})
    aws.items.append({"job": {"S": "examples-sync"}, "item": {"S": "state"}, "content": {"S": content}})
    # WHEN it is stopped THEN what follows is said, and how to keep it from it
    assert main(["stop", "sync", "--yes", "-o", "json"]) == 0
    output = capsys.readouterr()
    assert [each["job"] for each in json.loads(output.out)] == ["examples-sync"]
    assert output.err.splitlines() == [
        "examples-sync: 2 runs wait and start in turn when this one has ended",
        "examples-sync: its triggers start the next run [hint: batchtab pause examples-sync --stage local]",
    ]
    # AND with --and-pause the triggers are off before it ends
    aws.called.clear()
    aws.job("examples-sync", "RUNNING")
    assert main(["stop", "sync", "--yes", "--and-pause", "-o", "json"]) == 0
    assert aws.names().index("disable_rule") < aws.names().index("terminate_job")
    output = capsys.readouterr()
    assert len(json.loads(output.out)) == 1
    assert "rule batchtab-local-examples-sync was enabled, is disabled" in output.err
    assert "its triggers start" not in output.err


def test_a_run_that_waits_in_its_jobs_state_is_no_job_yet(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    record = {"job": "examples-sync", "item": "run#2026-11-28T06:00:00Z", "status": "waiting"}
    aws.items.append({name: {"S": text} for name, text in record.items()})
    assert main(["stop", "sync@2026-11-28T06:00Z", "--yes"]) == 2
    assert "the run of 2026-11-28T06:00:00Z of examples-sync waits, and is not a job" in capsys.readouterr().err


def test_a_job_that_pauses_on_failure_is_said_to(
    aws: FakeAws, spoil: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    spoil("jobs/examples/jobs.yaml", "usual_duration_seconds: 60", "pause_on_failure: true")
    aws.job("examples-report", "RUNNING")
    assert main(["stop", "report", "--yes"]) == 0
    assert "pause_on_failure pauses it [hint: batchtab resume examples-report]" in capsys.readouterr().err


def clock(monkeypatch: pytest.MonkeyPatch, each: Callable[[], None]) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        each()

    monkeypatch.setattr(stop, "time", type("Clock", (), {"sleep": sleep, "monotonic": lambda: now[0]}))


def test_it_waits_for_the_end_and_for_no_longer_than_it_is_sent(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a job that takes its time to end
    job_id, polls = aws.job("examples-hello", "RUNNING"), []
    aws.terminated = lambda _: None

    def end_at_the_third() -> None:
        polls.append(1)
        if len(polls) == 3:
            aws.jobs[job_id]["status"] = "FAILED"

    clock(monkeypatch, end_at_the_third)
    # WHEN it is waited for THEN it has ended
    assert main(["stop", "hello", "--yes", "--wait"]) == 0
    assert len(polls) == 3
    assert "1 job ended" in capsys.readouterr().err
    # AND one that does not end is given up
    other = aws.job("examples-hello", "RUNNING")
    assert main(["stop", "hello", "--yes", "--wait", "--timeout", "7"]) == 5
    assert f"1 job not ended after 7 s: {other}" in capsys.readouterr().err


def test_what_was_stopped_before_aws_refused_is_said(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN two jobs, of which AWS refuses one
    first, second = aws.job("examples-hello", "RUNNING"), aws.job("examples-hello", "RUNNING")

    def refuse(job: dict[str, Any]) -> None:
        if job["jobId"] == second:
            from botocore.exceptions import ClientError  # noqa: PLC0415

            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "TerminateJob")

    aws.terminated = refuse
    # WHEN both are to be stopped THEN the first is named, and the refusal is one line
    assert main(["stop", "hello", "--yes"]) == 2
    output = capsys.readouterr()
    assert first in output.out
    assert second not in output.out
    assert "AWS denied TerminateJob" in output.err
