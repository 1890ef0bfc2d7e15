"""`batchtab logs`: which streams it reads, and what it prints of them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.unit.cli.batch_in_memory import GROUP, Memory, memory, refused

from batchtab.aws.log_streams import streams
from batchtab.cli.main import main

__all__ = ["memory"]
LINES = [f"line {number}" for number in range(1, 9)]
ID = "00000000-0000-0000-0000-000000000001"


def out(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_all_pages_of_the_newest_runs_log_are_printed(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN two runs, of which the newer one wrote more than a page, with an empty page between
    memory.job(1)
    memory.job(2)
    memory.write("s1", "old")
    memory.write("s2", *LINES)
    # WHEN the job's log is asked for THEN it is all there, and nothing else
    assert main(["logs", "sync"]) == 0
    output = capsys.readouterr()
    assert output.out.splitlines() == LINES
    assert output.err == ""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--tail", "2"], LINES[-2:]),
        (["--tail", "5"], LINES[-5:]),
        (["--tail", "50"], LINES),
        (["--tail", "0"], []),
        (["--grep", "line [35]"], ["line 3", "line 5"]),
        (["--tail", "4", "--grep", "[57]"], ["line 5", "line 7"]),
    ],
)
def test_a_part_of_a_log(
    memory: Memory, capsys: pytest.CaptureFixture[str], options: list[str], expected: list[str]
) -> None:
    memory.job(1)
    memory.write("s1", *LINES)
    assert main(["logs", ID, *options]) == 0
    assert out(capsys) == expected


def test_only_the_last_minutes_are_read(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    memory.job(1)
    memory.write("s1", "old", since_ms=int(time.time() * 1000) - 700_000)
    memory.streams[GROUP, "s1"].append((int(time.time() * 1000) - 60_000, "new"))
    assert main(["logs", "sync", "--since", "10m"]) == 0
    assert out(capsys) == ["new"]


def test_times_are_in_the_jobs_zone_and_an_event_of_several_lines_has_one_on_each(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    memory.job(1, jobName="examples-report")
    memory.write("s1", "a\nb\n")
    assert main(["logs", "report", "--timestamps"]) == 0
    assert out(capsys) == ["2026-11-30T09:53:20.000+09:00 a", "2026-11-30T09:53:20.000+09:00 b"]


def test_an_attempt_is_chosen_by_its_number_and_the_last_one_is_the_default(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a job at its third attempt, of which the second never had a container
    memory.job(
        1,
        status="RUNNING",
        attempts=[{"container": {"logStreamName": "first"}}, {"container": {}}],
        container={"logStreamName": "third"},
    )
    for name in ("first", "third"):
        memory.write(name, name)
    for option, expected in (("last", ["third"]), ("1", ["first"]), ("3", ["third"]), ("all", ["first", "third"])):
        assert main(["logs", "sync", "--attempt", option]) == 0
        assert out(capsys) == expected
    # THEN one without a log says so, and one that was not is named
    assert main(["logs", "sync", "--attempt", "2"]) == 3
    assert "there is no log yet" in capsys.readouterr().err
    assert main(["logs", "sync", "--attempt", "4"]) == 3
    assert f"job {ID} has no attempt 4: it had 3 attempts" in capsys.readouterr().err


def test_between_attempts_and_while_it_starts_a_job_has_its_last_attempts_log() -> None:
    ended = [{"container": {"logStreamName": "first"}}]
    job: dict[str, Any] = {"jobId": ID, "attempts": ended, "container": {"logStreamName": "first"}}
    for status, expected in (("RUNNABLE", ["first"]), ("STARTING", ["first", ""]), ("FAILED", ["first"])):
        assert [each.name for each in streams({**job, "status": status}, "p")] == expected


TASK = {
    "taskProperties": [
        {
            "containers": [
                {"name": "proxy", "logStreamName": "of-proxy", "essential": False},
                {
                    "name": "main",
                    "logStreamName": "of-main",
                    "logConfiguration": {
                        "logDriver": "awslogs",
                        "options": {"awslogs-group": "/other", "awslogs-region": "eu-west-1"},
                    },
                },
                {"name": "late", "logStreamName": "of-late", "logConfiguration": {"logDriver": "splunk"}},
            ]
        }
    ]
}


def of_containers(memory: Memory, status: str, failed: str = "") -> None:
    ends = [
        {**each, "exitCode": int(each["name"] == failed)}  # type: ignore[call-overload]
        for each in TASK["taskProperties"][0]["containers"]
    ]
    memory.job(
        1, status=status, container={}, ecsProperties=TASK, attempts=[{"taskProperties": [{"containers": ends}]}]
    )
    memory.write("of-proxy", "proxy")
    memory.write("of-main", "main", group="/other")


@pytest.mark.parametrize(
    ("status", "failed", "options", "expected"),
    [
        ("SUCCEEDED", "", [], ["main"]),
        ("FAILED", "main", [], ["main"]),
        ("FAILED", "proxy", [], ["proxy"]),
        ("SUCCEEDED", "", ["--container", "proxy"], ["proxy"]),
    ],
)
def test_of_several_containers_it_is_the_main_one_or_the_one_that_failed(
    memory: Memory,
    capsys: pytest.CaptureFixture[str],
    status: str,
    failed: str,
    options: list[str],
    expected: list[str],
) -> None:
    of_containers(memory, status, failed)
    assert main(["logs", "sync", *options]) == 0
    assert out(capsys) == expected
    # AND a log in another region is read there
    assert ("eu-west-1" in memory.regions) == (expected == ["main"])


@pytest.mark.parametrize(
    ("container", "said"),
    [
        ("nope", "has no container 'nope': proxy, main, late"),
        ("late", "is not in CloudWatch Logs: its log driver is splunk"),
    ],
)
def test_a_container_without_a_log_here_is_one_line(
    memory: Memory, capsys: pytest.CaptureFixture[str], container: str, said: str
) -> None:
    of_containers(memory, "SUCCEEDED")
    assert main(["logs", "sync", "--container", container]) == 2
    assert said in capsys.readouterr().err


# --- arrays and nodes


def array(memory: Memory, statuses: list[str]) -> None:
    counts = {status: statuses.count(status) for status in set(statuses)}
    memory.job(
        1, status="FAILED", container={}, attempts=[], arrayProperties={"size": len(statuses), "statusSummary": counts}
    )
    for index, status in enumerate(statuses):
        memory.job(1, part=f":{index}", status=status, arrayProperties={"index": index})
        memory.write(f"s1:{index}", f"of {index}")


def test_the_children_of_an_array_that_failed_come_first_and_each_line_has_its_index(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    array(memory, ["SUCCEEDED", "FAILED", "SUCCEEDED", "FAILED"])
    assert main(["logs", "sync"]) == 0
    assert out(capsys) == ["[1] of 1", "[3] of 3", "[0] of 0", "[2] of 2"]
    assert main(["logs", "sync", "--failed"]) == 0
    assert out(capsys) == ["[1] of 1", "[3] of 3"]
    assert main(["logs", "sync", "--index", "2"]) == 0
    assert out(capsys) == ["of 2"]
    assert main(["logs", f"{ID}:3"]) == 0
    assert out(capsys) == ["of 3"]
    assert main(["logs", "sync", "--index", "4"]) == 3
    assert f"job {ID} has no index 4: from 0 to 3" in capsys.readouterr().err


def test_of_many_children_fifty_are_shown_in_a_bounded_number_of_calls(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    array(memory, ["SUCCEEDED"] * 118 + ["FAILED"] * 2)
    assert main(["logs", "sync"]) == 0
    output = capsys.readouterr()
    lines = output.out.splitlines()
    assert lines[:2] == ["[118] of 118", "[119] of 119"]
    assert len(lines) == 50
    assert output.err == "batchtab: 70 more ran [hint: --index N]\n"
    assert memory.calls.count("GetLogEvents") <= 100  # two of each: the second says that there is no more
    assert len(memory.calls) - memory.calls.count("GetLogEvents") <= 8


def test_nodes_are_like_children_and_one_job_has_no_index(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    memory.job(1, container={}, attempts=[], nodeProperties={"numNodes": 2, "mainNode": 0, "nodeRangeProperties": []})
    for index in range(2):
        memory.job(1, part=f"#{index}")
        memory.write(f"s1#{index}", f"of {index}")
    assert main(["logs", "sync"]) == 0
    assert out(capsys) == ["[0] of 0", "[1] of 1"]
    assert main(["logs", "sync", "--index", "1"]) == 0
    assert out(capsys) == ["of 1"]
    memory.job(2)
    assert main(["logs", "sync", "--index", "1"]) == 2
    assert "is not an array and has one node [hint: leave out --index]" in capsys.readouterr().err


def test_children_of_a_retried_array_have_the_indices_of_the_first_one(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a retry of the children 3 and 17 of a hundred
    array(memory, ["SUCCEEDED", "FAILED"])
    for part in ("", ":0", ":1"):
        said = {"environment": [{"name": "BATCHTAB_ARRAY_INDICES", "value": "3,17"}]}
        memory.jobs[f"{ID}{part}"]["container"] = {**said, "logStreamName": f"s1{part}"}
    # THEN its children are those, here and where it is followed
    assert main(["logs", "sync"]) == 0
    assert out(capsys) == ["[17] of 1", "[3] of 0"]
    assert main(["logs", "sync", "-f"]) == 1
    assert sorted(out(capsys)) == ["[17] of 1", "[3] of 0"]
    assert main(["logs", "sync", "--index", "17"]) == 0
    assert out(capsys) == ["of 1"]
    assert main(["logs", "sync", "--index", "1"]) == 3
    assert f"job {ID} has no index 1: it retries 3,17" in capsys.readouterr().err
    # AND the id of a child in Batch is what Batch says it is
    assert main(["logs", f"{ID}:1"]) == 0
    assert out(capsys) == ["of 1"]


# --- the runner's own lines

START = '{"batchtab": "start", "time": "2026-11-24T00:00:03.412Z", "attempt": 2, "command": ["a"]}'
END = '{"batchtab": "end", "seconds": 0.9, "exit_code": 3, "signal": null, "skipped": false, "peak_memory_mib": 8.4}'
GAVE_WAY = '{"batchtab": "end", "seconds": 0.1, "exit_code": 0, "skipped": true, "reason": "gave way to job x"}'
WARNING = '{"batchtab": "warning", "reason": "no queue"}'


def test_on_a_terminal_the_runners_lines_are_short(
    memory: Memory, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.job(1)
    lines = [START, WARNING, "work", '{"batchtab": "mine"}', '{"batchtab": "end"', END, GAVE_WAY]
    memory.write("s1", *lines)
    # GIVEN a pipe THEN all is as it was written
    assert main(["logs", "sync"]) == 0
    assert out(capsys) == lines
    # GIVEN a terminal THEN they are short and dim, and what only looks like one is as it was written
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert main(["logs", "sync"]) == 0
    dim = "\x1b[2mrunner: {}\x1b[0m".format
    assert out(capsys) == [
        dim("started attempt 2"),
        dim("no queue"),
        *lines[2:5],
        dim("exit code 3 after 0.9 s, peak 8.4 MiB"),
        dim("gave way to job x"),
    ]
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["logs", "sync", "--grep", "started|work"]) == 0
    assert out(capsys) == ["runner: started attempt 2", "work"]


@pytest.mark.parametrize(
    ("tail", "first"),
    [("1", "line 8"), ("2", "line 7"), ("8", "line 1"), ("9", START), ("20", START)],
    ids=["1", "2", "8", "9", "20"],
)
def test_the_runners_lines_do_not_count_as_last_lines(
    memory: Memory, capsys: pytest.CaptureFixture[str], tail: str, first: str
) -> None:
    memory.job(1)
    memory.write("s1", START, *LINES, END)
    assert main(["logs", "sync", "--tail", tail]) == 0
    lines = out(capsys)
    assert (lines[0], lines[-2:]) == (first, ["line 8", END])


# --- what there is not


def test_the_last_failed_run_of_a_job(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    for number, status in enumerate(["FAILED", "FAILED", "SUCCEEDED"], 1):
        memory.job(number, status=status)
        memory.write(f"s{number}", f"run {number}")
    assert main(["logs", "sync", "--failed"]) == 0
    assert out(capsys) == ["run 2"]
    assert main(["logs", f"{ID[:-1]}3", "--failed"]) == 3
    assert "has not failed: it is SUCCEEDED" in capsys.readouterr().err
    assert main(["logs", "hello", "--failed"]) == 3
    assert "Batch knows no failed run of examples-hello" in capsys.readouterr().err


def test_a_run_that_has_not_started_has_no_log_yet(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    memory.job(1, status="RUNNABLE", container={}, attempts=[])
    assert main(["logs", "sync"]) == 3
    assert capsys.readouterr().err == (f"batchtab: there is no log yet: examples-sync, job {ID}: RUNNABLE\n")


@pytest.mark.parametrize(
    ("status", "others", "said"),
    [
        ("skipped", {"reason": "excluded: 2026-12-25"}, "has no log: skipped: excluded: 2026-12-25"),
        ("waiting", {"reason": "busy"}, "has no log: waiting: busy [hint: -f waits for it]"),
        ("submitted", {"job_id": "x"}, "Batch no longer knows job x, nor the name of its log stream"),
    ],
)
def test_a_run_without_a_job_says_why(
    memory: Memory, capsys: pytest.CaptureFixture[str], status: str, others: dict[str, str], said: str
) -> None:
    memory.record(status, "2026-11-28T09:00:00Z", **others)
    assert main(["logs", "sync@2026-11-28T09:00:00Z"]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--grep", "["], "--grep '[' is not a regular expression: unterminated character set"),
        (["--since", "soon"], "logs: --since 'soon' is not a time span: 90m, 12h, 7d or 4w"),
        (["--attempt", "0"], "--attempt '0' is not an attempt: 1, 2, …, all or last"),
    ],
)
def test_a_wrong_option_is_one_line_before_anything_is_called(
    memory: Memory, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    assert main(["logs", "sync", *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert memory.calls == []


def test_explain_prints_the_command_and_reads_no_log(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    memory.job(1)
    assert main(["logs", "sync", "--tail", "5", "--explain", "-f"]) == 0
    (line,) = out(capsys)
    assert line.startswith("aws logs get-log-events --region ap-northeast-2 ")
    assert line.endswith(f"--log-group-name {GROUP} --log-stream-name s1 --no-start-from-head --limit 5")
    assert "GetLogEvents" not in memory.calls


def test_what_a_job_wrote_cannot_draw_on_the_terminal_but_may_have_colors(
    memory: Memory, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.job(1)
    memory.write("s1", "\x1b[31mred\x1b[0m\x1b[2J\ta\rb\x07")
    assert main(["logs", "sync"]) == 0
    assert out(capsys)[0].startswith("red\ta")  # a file has no colors
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["logs", "sync"]) == 0
    assert capsys.readouterr().out == "\x1b[31mred\x1b[0m [2J\ta b \n"


# --- following


def begins(job: dict[str, Any], stream: str) -> None:
    job |= {"status": "RUNNING", "container": {"logStreamName": stream}}


def ends(job: dict[str, Any], status: str = "SUCCEEDED", **container: Any) -> None:
    job["attempts"] = [*job["attempts"], {"container": dict(job["container"])}]
    job |= {"status": status}
    job["container"] |= container


@pytest.mark.parametrize(("status", "expected"), [("SUCCEEDED", 0), ("FAILED", 1)])
def test_following_waits_for_the_stream_and_ends_with_the_runs_status(
    memory: Memory, capsys: pytest.CaptureFixture[str], status: str, expected: int
) -> None:
    # GIVEN a job that starts, writes, ends, and whose last line CloudWatch has two seconds late
    job = memory.job(1, status="RUNNABLE", container={}, attempts=[])
    memory.at(5, lambda: begins(job, "s"))
    memory.at(9, lambda: memory.write("s", "one", "two"))
    memory.at(20, lambda: memory.write("s", "three"))
    memory.at(21, lambda: ends(job, status, exitCode=0 if status == "SUCCEEDED" else 3))
    memory.at(23, lambda: memory.write("s", "late"))
    # WHEN it is followed
    assert main(["logs", "sync", "-f"]) == expected
    # THEN each line is there once, and what it waits for was said once
    output = capsys.readouterr()
    assert output.out.splitlines() == ["one", "two", "three", "late"]
    said = output.err.splitlines()
    assert said[0] == f"batchtab: waits for the log: job {ID} is RUNNABLE"
    assert said[-1].startswith(f"batchtab: examples-sync, job {ID}: {status}")
    assert memory.now < 35


def test_what_does_not_start_is_said_once_with_the_command_that_explains_it(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    job = memory.job(1, status="RUNNABLE", container={}, attempts=[])
    memory.at(50, lambda: job.update(statusReason="MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"))
    memory.at(200, lambda: job.update(status="FAILED"))
    assert main(["logs", "sync", "-f"]) == 1
    assert capsys.readouterr().err.splitlines()[:-1] == [
        f"batchtab: waits for the log: job {ID} is RUNNABLE",
        f"batchtab: job {ID} is still RUNNABLE [hint: batchtab why {ID} --stage local]",
        f"batchtab: waits for the log: job {ID} is RUNNABLE: MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    ]


def test_children_that_never_started_did_not_run(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an array that was stopped: of 60 children two have run, and one of them failed
    array(memory, ["FAILED"] * 59 + ["SUCCEEDED"])
    for index in range(58):
        memory.jobs[f"{ID}:{index}"] |= {"startedAt": None, "attempts": [], "container": {}}
    # THEN the one that failed is shown, and of those that are not only the other one ran
    for options in ([], ["-f"]):
        assert main(["logs", "sync", *options]) == len(options)
        output = capsys.readouterr()
        assert "[58] of 58" in output.out.splitlines()
        assert output.err.count("more ran") == output.err.count("batchtab: 1 more ran [hint: --index N]\n") == 1
    # AND of one that never began there is no log
    memory.jobs[f"{ID}:58"] |= {"startedAt": None, "attempts": [], "container": {}}
    memory.jobs[ID]["arrayProperties"]["statusSummary"] = {"FAILED": 59}
    assert main(["logs", "sync", "-f"]) == 1
    assert "more ran" not in capsys.readouterr().err


def test_following_goes_on_with_the_next_attempts_also_with_one_that_was_over_at_once(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    job = memory.job(1, status="RUNNING", container={"logStreamName": "a"}, attempts=[])
    memory.write("a", "first 1", "first 2", "first 3")
    # GIVEN a second attempt that begins and ends between two looks, and a third one
    for name in ("b", "c"):
        memory.at(5, lambda: ends(job, "RUNNABLE"))
        memory.at(5, lambda name=name: begins(job, name))  # type: ignore[misc]
        memory.at(5, lambda name=name: memory.write(name, f"of {name}"))  # type: ignore[misc]
    memory.at(12, lambda: ends(job))
    assert main(["logs", "sync", "-f", "--tail", "1"]) == 0
    output = capsys.readouterr()
    assert output.out.splitlines() == ["first 3", "of b", "of c"]
    assert "batchtab: attempt 2 begins" in output.err
    assert "batchtab: attempt 3 begins" in output.err


def test_following_backs_off_where_it_is_throttled(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    memory.job(1)
    memory.write("s1", "a")
    memory.throttles = {"GetLogEvents": 4}
    assert main(["logs", "sync", "-f"]) == 0
    assert out(capsys) == ["a"]
    assert memory.now >= 4 + 8 + 16 + 30


def test_another_refusal_ends_it_in_one_line(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    memory.job(1)
    memory._get_log_events = lambda **_: (_ for _ in ()).throw(  # type: ignore[method-assign,assignment]
        refused("AccessDeniedException", "GetLogEvents", "no")
    )
    assert main(["logs", "sync", "-f"]) == 2
    assert "AWS denied GetLogEvents" in capsys.readouterr().err


def test_an_array_is_followed_with_the_index_of_each_child(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an array whose second child starts when the first has ended
    array(memory, ["RUNNING", "RUNNABLE"])
    parent, first, second = memory.jobs[ID], memory.jobs[f"{ID}:0"], memory.jobs[f"{ID}:1"]
    parent |= {"status": "PENDING"}
    first |= {"attempts": []}
    second |= {"attempts": [], "container": {}}

    def turn() -> None:
        ends(first)
        begins(second, "s1:1")
        parent["arrayProperties"]["statusSummary"] = {"SUCCEEDED": 1, "RUNNING": 1}

    def end() -> None:
        ends(second, "FAILED")
        parent["status"] = "FAILED"
        parent["arrayProperties"]["statusSummary"] = {"SUCCEEDED": 1, "FAILED": 1}

    memory.at(7, turn)
    memory.at(40, end)
    assert main(["logs", "sync", "-f"]) == 1
    assert out(capsys) == ["[0] of 0", "[1] of 1"]
    # AND a child that has ended is not looked at until the end
    assert memory.calls.count("GetLogEvents") < 45


def test_a_run_that_waits_for_its_turn_is_waited_for(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    item = memory.record("waiting", "2026-11-28T09:00:00Z", reason="the run of 08:00 has not ended")
    memory.job(1)
    memory.write("s1", "mine")
    memory.at(30, lambda: item.update({"status": {"S": "submitted"}, "job_id": {"S": ID}}))
    assert main(["logs", "sync@2026-11-28T09:00:00Z", "-f"]) == 0
    output = capsys.readouterr()
    assert output.out.splitlines() == ["mine"]
    assert output.err.splitlines()[0] == "batchtab: waits for its turn: the run of 08:00 has not ended"


def test_ctrl_c_ends_the_command_and_says_how_the_job_is_stopped(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    memory.job(1, status="RUNNING", attempts=[])

    def interrupt() -> None:
        raise KeyboardInterrupt

    memory.at(5, interrupt)
    assert main(["logs", "sync", "-f"]) == 130
    assert f"job {ID} runs on [hint: batchtab stop {ID} --stage local]" in capsys.readouterr().err
    assert "TerminateJob" not in memory.calls
