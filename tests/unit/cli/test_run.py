"""`batchtab run`: what it asks for, and what it says became of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.cli.batch_in_memory import Memory, memory, refused

from batchtab.cli.main import main
from submit_run.request import Request

__all__ = ["memory"]
ID = "00000000-0000-0000-0000-000000000001"


def environment(arguments: Any) -> dict[str, str]:
    return {each["name"]: each["value"] for each in arguments["containerOverrides"]["environment"]}


def answers(outcome: str, job_id: str = "", reason: str = "") -> Callable[[Any], Any]:
    """The submit function, which reads its event as the real one does."""

    def answer(event: Any) -> Any:
        return {"outcome": outcome, "job_id": job_id, "reason": reason, "run_id": Request.of(event).run_id}

    return answer


# --- what is asked for


def test_a_job_without_a_policy_is_submitted_with_what_is_given(
    memory: Memory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN variables in a file and on the command line
    file = tmp_path / "variables"
    file.write_text("# for a test\n\nA=of the file\nB=b=c\n")
    given = [
        "--env-file",
        str(file),
        "--env",
        "A=typed",
        "--timeout",
        "90",
        "--array-size",
        "4",
        "--reason",
        "try it, password=hunter2hunter2",
    ]
    # WHEN a job is run
    before = datetime.now(UTC).replace(microsecond=0)
    assert main(["run", "hello", *given, "--vcpus", "2", "--memory", "1024", "--", "python", "-c", "1"]) == 0
    # THEN Batch has all of it, and the run's time, to the second
    (asked,) = memory.asked
    assert (asked["jobName"], asked["jobQueue"]) == ("examples-hello", "batchtab-local-default")
    variables = environment(asked)
    time = datetime.fromisoformat(variables["BATCHTAB_SCHEDULED_TIME"])
    assert before <= time <= datetime.now(UTC)
    assert variables["BATCHTAB_RUN_ID"] == f"examples-hello@{variables['BATCHTAB_SCHEDULED_TIME']}"
    assert {name: variables[name] for name in ("A", "B", "BATCHTAB_REASON")} == {
        "A": "typed",
        "B": "b=c",
        "BATCHTAB_REASON": "try it, password=***",
    }
    assert asked["containerOverrides"]["command"] == ["python", "-c", "1"]
    assert asked["containerOverrides"]["resourceRequirements"] == [
        {"type": "VCPU", "value": "2"},
        {"type": "MEMORY", "value": "1024"},
    ]
    assert (asked["timeout"], asked["arrayProperties"]) == ({"attemptDurationSeconds": 90}, {"size": 4})
    assert memory.calls == ["SubmitJob"]
    # AND the job is named on stdout, which is no terminal
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split() == ["job", "status", "time", "job", "id"]
    assert line.split()[0:2] == ["examples-hello", "submitted"]
    assert line.endswith(ID)


def test_a_job_with_a_policy_goes_through_the_submit_function(memory: Memory) -> None:
    memory.answer = answers("submitted", ID)
    assert main(["run", "sync", "--env", "A=1"]) == 0
    assert memory.calls == ["Invoke"]
    (event,) = memory.asked
    request = Request.of(event)
    assert request.is_manual
    assert request.job.policy == "queue"
    assert request.overrides == {"environment": [{"name": "A", "value": "1"}]}
    # AND a function of before, which would leave out the overrides, refuses it
    assert "scheduled_time" not in event["trigger"]


@pytest.mark.parametrize(
    ("job", "at", "expected"),
    [
        ("report", "2026-11-27T09:00", "2026-11-27T00:00:00Z"),  # on the wall clock of the job
        ("report", "2026-11-27T09:00:41+09:00", "2026-11-27T00:00:00Z"),  # as its trigger has it
        ("tick", "2026-11-27T09:00:41Z", "2026-11-27T09:00:41Z"),  # whose rate has seconds
    ],
)
def test_a_run_as_if_due_at_a_time_has_the_triggers_time_and_id(
    memory: Memory, job: str, at: str, expected: str
) -> None:
    memory.answer = answers("submitted", ID) if job == "report" else memory.answer
    assert main(["run", job, "--at", at]) == 0
    (asked,) = memory.asked
    if job == "report":
        assert Request.of(asked).run_id == f"examples-report@{expected}"
    else:
        assert environment(asked)["BATCHTAB_RUN_ID"] == f"examples-tick@{expected}"


def test_ignoring_the_policy_submits_past_the_function_and_past_the_runner(memory: Memory) -> None:
    assert main(["run", "nightly", "--ignore-policy"]) == 0
    assert memory.calls == ["SubmitJob"]
    assert environment(memory.asked[0])["BATCHTAB_CONCURRENCY_POLICY"] == "allow"
    # AND the job says that no trigger submitted it
    assert environment(memory.asked[0])["BATCHTAB_RUN_MODE"] == "manual"


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (
            "containers: {proxy: {image: {repository: x, tag: '1'}, vcpus: 1, memory_mib: 128}}",
            lambda asked: asked["ecsPropertiesOverride"]["taskProperties"][0]["containers"][0],
        ),
        (
            "nodes: 2",
            lambda asked: asked["nodeOverrides"]["nodePropertyOverrides"][0]["containerOverrides"],
        ),
    ],
)
def test_overrides_are_in_the_form_of_the_jobs_kind(
    memory: Memory, spoil: Callable[..., None], said: str, read: Callable[[Any], Any]
) -> None:
    spoil("jobs/examples/jobs.yaml", "  hello:\n", f"  hello:\n    {said}\n")
    assert main(["run", "hello", "--ignore-policy", "--env", "A=1", "--", "x"]) == 0
    one = read(memory.asked[0])
    assert one["command"] == ["x"]
    assert {"name": "A", "value": "1"} in one["environment"]


def test_a_parameter_is_one_of_the_commands(memory: Memory, spoil: Callable[..., None]) -> None:
    spoil(
        "jobs/examples/jobs.yaml",
        "command: [python, -m, jobs.examples.hello]",
        "command: [python, Ref::day]\n    parameters: {day: monday}",
    )
    assert main(["run", "hello", "--param", "day=friday"]) == 0
    assert memory.asked[0]["parameters"] == {"day": "friday"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--env", "A"], "run: --env 'A' is not NAME=VALUE"),
        (["--env", "1A=x"], "run: the variable '1A' is not allowed: letters, digits"),
        (["--env", "AWS_BATCH_X=x"], "is reserved: Batch sets the names that begin with AWS_BATCH"),
        (["--env", "BATCHTAB_RUN_ID=x"], "is set by Batchtab [hint: --at TIME, --reason TEXT]"),
        (["--env", "A="], "the variable A is empty, and Batch drops variables without a value"),
        (["--env-file", "nope"], "--env-file nope cannot be read: No such file or directory"),
        (["--param", "a=1"], "--param 'a' is not a parameter of examples-hello: none"),
        (["--vcpus", "0.5"], "--vcpus 0.5 is not a whole number, and the capacity of stage local is EC2"),
        (["--vcpus", "0"], "--vcpus 0 is not allowed: a whole number on EC2, or one of 0.25, "),
        (["--vcpus", "64"], "run: --vcpus 64 is more than max_vcpus of stage local: 16"),
        (["--env", "=1"], "run: --env '=1' is not NAME=VALUE"),
        (["--memory", "3"], "--memory 3 is too small: 4 to"),
        (["--timeout", "59"], "--timeout 59 is too short: 60 to"),
        (["--array-size", "1"], "--array-size 1 is too small: 2 to 10000 (children)"),
        (["--at", "soon"], "--at 'soon' is not allowed: a day (2026-12-01)"),
        (["--reason", "x" * 201], "--reason has 201 characters: at most 200"),
        (["--follow", "-o", "json"], "--follow prints the log, and not -o json [hint: --detach -o json]"),
    ],
)
def test_a_wrong_option_is_one_line_and_nothing_is_called(
    memory: Memory, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    assert main(["run", "hello", *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert memory.calls == []


def test_overrides_are_counted_as_ecs_counts_them(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN as much as fits, in letters of three bytes
    for number in (2600, 2700):
        status = main(["run", "hello", "--env", f"LONG={'한' * number}", "--env", "SHORT=x"])
        assert status == (0 if number == 2600 else 2)
    # THEN what is more is refused with what is largest
    (line,) = capsys.readouterr().err.splitlines()
    assert "bytes as JSON: at most 8,192; the largest is variable LONG with 8,1" in line
    assert "keep what is large in S3" in line
    assert len(memory.asked) == 1


def test_a_run_that_may_wait_has_fewer_bytes(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "sync", "--", "echo", "x" * 2500]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "at most 2,500, since concurrency_policy is queue and the run may wait; the largest is the command" in line
    assert main(["run", "sync", "--ignore-policy", "--", "echo", "x" * 2500]) == 0
    assert memory.calls == ["SubmitJob"]


# --- only shown


def test_a_dry_run_shows_all_but_secrets_and_calls_nothing(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--env", "DB_PASSWORD=hunter2hunter2", "--env", "DAY=1", "--", "load", "--token", "tok_12345678"]
    assert main(["run", "nightly", "--dry-run", *given]) == 0
    output = capsys.readouterr()
    shown = yaml.safe_load(output.out)
    assert environment(shown)["DB_PASSWORD"] == "***"
    assert environment(shown)["DAY"] == "1"
    assert shown["containerOverrides"]["command"] == ["load", "--token", "***"]
    assert "submitted by batchtab-local-submit-run, which keeps to the job's policy" in output.err
    assert "hunter2" not in output.out + output.err
    assert memory.calls == []


@pytest.mark.parametrize(("job", "begin"), [("hello", "aws batch submit-job "), ("nightly", "aws lambda invoke ")])
def test_explain_prints_the_command_without_secrets(
    memory: Memory, capsys: pytest.CaptureFixture[str], job: str, begin: str
) -> None:
    assert main(["run", job, "--explain", "--env", "API_TOKEN=abcdefgh12345678"]) == 0
    output = capsys.readouterr()
    (line,) = output.out.splitlines()
    assert line.startswith(begin)
    assert "abcdefgh" not in line
    assert output.err == "batchtab: values that look secret are masked: write your own in place of ***\n"
    assert memory.calls == []


# --- what became of it


@pytest.mark.parametrize(
    ("outcome", "reason", "said"),
    [
        (
            "skipped",
            "the run of 09:00 has not ended",
            "skipped: the run of 09:00 has not ended [hint: --ignore-policy]",
        ),
        ("skipped", "paused since x", "[hint: batchtab resume, or --ignore-policy]"),
        ("late", "600 seconds after its time", "was not started, late: 600 seconds"),
        ("dropped", "4 runs wait already: queue_limit", "was not started, dropped: 4 runs wait"),
        ("duplicate", "submitted already", f"submitted already [hint: batchtab logs {ID}]"),
    ],
)
def test_a_run_that_is_not_started_is_status_4_with_the_reason(
    memory: Memory, capsys: pytest.CaptureFixture[str], outcome: str, reason: str, said: str
) -> None:
    memory.answer = answers(outcome, ID if outcome == "duplicate" else "", reason)
    assert main(["run", "sync", "--at", "2026-11-27T00:00:00Z"]) == 4
    output = capsys.readouterr()
    (line,) = output.err.splitlines()
    assert said in line
    assert output.out == ""
    # AND a program reads it too
    assert main(["run", "sync", "-o", "json"]) == 4
    (data,) = json.loads(capsys.readouterr().out)
    assert (data["status"], data["reason"]) == (outcome, reason)


def test_a_run_that_waits_says_for_which_and_names_itself(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    memory.answer = answers("waiting", reason="the run of 09:00, job x, has not ended")
    assert main(["run", "sync", "-o", "name"]) == 0
    output = capsys.readouterr()
    assert output.err == "batchtab: examples-sync waits: the run of 09:00, job x, has not ended\n"
    assert output.out.startswith("examples-sync@")


@pytest.mark.parametrize(("status", "expected"), [("SUCCEEDED", 0), ("FAILED", 1)])
def test_following_prints_the_log_and_ends_with_the_runs_status(
    memory: Memory, capsys: pytest.CaptureFixture[str], status: str, expected: int
) -> None:
    # GIVEN a job that Batch knows two seconds after it has taken it
    memory.at(2, lambda: memory.job(1, status=status, jobName="examples-hello"))
    memory.at(2, lambda: memory.write("s1", "hello"))
    assert main(["run", "hello", "--follow"]) == expected
    output = capsys.readouterr()
    assert output.out == "hello\n"
    said = output.err.splitlines()
    assert said[0] == f"batchtab: examples-hello is submitted: job {ID}"
    assert said[-1] == f"batchtab: examples-hello, job {ID}: {status}"


@pytest.mark.parametrize(("becomes", "expected"), [("submitted", 0), ("dropped", 4)])
def test_following_a_run_that_waits_waits_until_it_starts_or_does_not(
    memory: Memory, capsys: pytest.CaptureFixture[str], becomes: str, expected: int
) -> None:
    memory.job(1)
    memory.write("s1", "mine")

    def answer(event: Any) -> Any:
        request = Request.of(event)
        item = memory.record("waiting", request.time, reason="the run of 09:00 has not ended")
        then = {"status": {"S": becomes}, "reason": {"S": "replaced"}}
        memory.at(30, lambda: item.update(then | ({"job_id": {"S": ID}} if becomes == "submitted" else {})))
        return {"outcome": "waiting", "run_id": request.run_id, "reason": "the run of 09:00 has not ended"}

    memory.answer = answer
    assert main(["run", "sync", "--follow"]) == expected
    output = capsys.readouterr()
    assert output.out == ("mine\n" if expected == 0 else "")
    assert output.err.splitlines()[0] == "batchtab: waits for its turn: the run of 09:00 has not ended"
    assert ("was not started, dropped: replaced" in output.err) == (expected == 4)


def test_ctrl_c_while_following_says_that_the_job_runs_on(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    memory.job(1, status="RUNNING", attempts=[])

    def interrupt() -> None:
        raise KeyboardInterrupt

    memory.at(5, interrupt)
    assert main(["run", "hello", "--follow"]) == 130
    assert f"job {ID} runs on [hint: batchtab stop {ID} --stage local]" in capsys.readouterr().err


# --- what goes wrong


def test_a_function_that_fails_is_asked_again_with_the_same_event(memory: Memory) -> None:
    left = [{"errorMessage": "it is being submitted"}, {"errorMessage": "timed out"}]
    memory.answer = lambda event: left.pop() if left else answers("submitted", ID)(event)
    assert main(["run", "sync"]) == 0
    assert memory.asked[0] == memory.asked[1] == memory.asked[2]


@pytest.mark.parametrize(
    ("answer", "calls", "said"),
    [
        (
            {"errorMessage": "timed out"},
            3,
            "run: batchtab-local-submit-run: timed out [hint: batchtab history examples",
        ),
        ({"errorMessage": "Batch refuses it: no"}, 1, "submit-run: Batch refuses it: no"),
        ({"errorMessage": "trigger.scheduled_time is missing"}, 1, "has an older version, which takes no runs"),
        (refused("ResourceNotFoundException", "Invoke"), 1, "there is no function batchtab-local-submit-run"),
        (refused("AccessDeniedException", "Invoke"), 1, "AWS denied Invoke"),
        (refused("TooManyRequestsException", "Invoke"), 3, "submit-run: An error occurred (TooManyRequests"),
    ],
)
def test_a_function_that_does_not_do_it_is_one_line(
    memory: Memory, capsys: pytest.CaptureFixture[str], answer: Any, calls: int, said: str
) -> None:
    memory.answer = lambda _: answer
    assert main(["run", "sync"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert memory.calls == ["Invoke"] * calls


def test_batch_is_asked_once_unless_it_throttles(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an answer that is lost: nobody knows whether there is a job
    memory.answer = refused("ServerException", "SubmitJob", status=500)
    assert main(["run", "hello"]) == 2
    assert memory.calls == ["SubmitJob"]
    assert "AWS refused SubmitJob" in capsys.readouterr().err
    # AND one that was throttled made none
    memory.answer = {"job_id": ID}
    memory.throttles = {"SubmitJob": 2}
    assert main(["run", "hello"]) == 0
    assert memory.calls == ["SubmitJob"] * 4
