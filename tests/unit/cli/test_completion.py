"""What a shell completes for a run, and that it never waits, asks or complains."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.unit.cli.fake_aws import NOW, FakeAws

from batchtab.aws.client import Aws
from batchtab.cli.completion import answer, runs
from batchtab.cli.completion.bash_words import joined
from batchtab.cli.completion.due_times import due_times, written
from batchtab.declarations.catalog import load

BATCHTAB = Path(sys.executable).parent / "batchtab"
SEOUL = ZoneInfo("Asia/Seoul")
JOB = "examples-report"  # at nine in Seoul, from Monday to Friday


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    return FakeAws(monkeypatch)


def known(kind: str, incomplete: str, stage: str = "local") -> dict[str, str]:
    return dict(answer.candidates(load(stage), Aws("ap-northeast-2", "http://127.0.0.1:9"), kind, incomplete))


# --- what AWS knows


def test_active_runs_and_the_newest_runs_by_their_ids(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "datetime", SimpleNamespace(now=lambda _: NOW))
    runs_, waits, ended = (aws.job(JOB, status) for status in ("RUNNING", "RUNNABLE", "FAILED"))
    assert known("active", "") == {runs_: f"{JOB} RUNNING", waits: f"{JOB} RUNNABLE"}
    assert set(aws.names()) == {"list_jobs"}
    assert len(aws.called) == 10  # two queues, five statuses
    assert list(known("newest", "")) == [ended, waits, runs_]
    assert len(aws.called) == 12
    assert list(known("newest", ended)) == [ended]
    assert known("active", "ffff") == {}


def test_times_of_a_jobs_runs_are_on_its_wall_clock(aws: FakeAws) -> None:
    aws.job(JOB, "FAILED", environment={"BATCHTAB_SCHEDULED_TIME": "2026-11-26T00:00:00Z"})
    aws.job(JOB, "RUNNING", environment={"BATCHTAB_SCHEDULED_TIME": "2026-11-26T00:01:30Z"})
    aws.job(JOB, "RUNNING")  # somebody submitted it
    key = {"job": {"S": JOB}, "item": {"S": "run#2026-11-25T00:00:00Z"}}
    aws.items.append({**key, "scheduled_time": {"S": "2026-11-25T00:00:00Z"}, "status": {"S": "skipped"}})
    assert known("times", "report@2026") == {
        "report@2026-11-25T09:00": "skipped",
        "report@2026-11-26T09:00": "FAILED",
        "report@2026-11-26T09:01:30": "RUNNING",
    }
    assert aws.names() == ["query", "list_jobs", "describe_jobs"]


def test_it_asks_once_and_waits_for_a_second(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configs: list[Any] = []
    aws = FakeAws(monkeypatch)
    job_id = aws.job(JOB, "RUNNING")
    make = Aws.__init__
    monkeypatch.setattr(Aws, "__init__", lambda self, *given: configs.append(given[2]) or make(self, *given))
    answer.main("active", "local", "")
    assert capsys.readouterr().out == f"{job_id}\t{JOB} RUNNING\n"
    (config,) = configs
    assert (config.connect_timeout, config.read_timeout) == (1, 1)
    assert config.retries["total_max_attempts"] == 1


# --- what the files know


def test_the_latest_times_of_a_schedule(project: Path) -> None:
    del project
    found = due_times("local", "report", datetime(2026, 11, 30, 12, tzinfo=UTC))
    assert (len(found), found[-2:]) == (10, ["2026-11-27T09:00", "2026-11-30T09:00"])
    assert due_times("local", "nightly", NOW) == []  # nothing starts it


def test_a_moment_that_the_wall_clock_does_not_name_is_in_utc() -> None:
    zone = ZoneInfo("Europe/Berlin")
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # 02:30 for the second time
    assert written(second, zone) == "2026-10-25T01:30:00Z"
    assert written(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), zone) == "2026-10-25T02:30"


# --- words of bash


@pytest.mark.parametrize(
    ("words", "whole", "before"),
    [
        (["b", "why", "report"], [], ""),
        (["b", "why", "report", "@"], ["b", "why", "report@"], "report"),
        (["b", "why", "report", "@", "2026-1"], ["b", "why", "report@2026-1"], "report"),
        (["b", "why", "r", "@", "1T09", ":"], ["b", "why", "r@1T09:"], "r@1T09:"),
        (["b", "why", "r", "@", "1T09", ":", "0"], ["b", "why", "r@1T09:0"], "r@1T09:"),
        (["b", "why", "r", "@", "1", "--stage", "p"], ["b", "why", "r@1", "--stage", "p"], ""),
        (["b", "stop", '"a: b"', ""], [], ""),
        (["b", "logs", "7", ":", "3", ""], ["b", "logs", "7:3", ""], ""),
    ],
)
def test_words_that_bash_broke_are_whole(words: list[str], whole: list[str], before: str) -> None:
    assert joined([*words, "more"], len(words) - 1) == (whole, before)


# --- as the shell starts it


def completed(words: str, **variables: str) -> tuple[list[str], float]:
    """What the program answers to bash, and after how many seconds."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    number = str(words.count("\n"))
    begin = time.monotonic()
    done = subprocess.run(
        [BATCHTAB],
        env={**kept, "_BATCHTAB_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": number, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.split(), time.monotonic() - begin


@pytest.mark.parametrize("command", ["logs", "describe", "why", "stop", "retry", "open"])
def test_without_credentials_jobs_are_completed(command: str, tmp_path: Path) -> None:
    # GIVEN a folder of AWS's without credentials THEN jobs come, and soon: this machine may be busy with other tests
    found, seconds = completed(f"batchtab\n{command}\n--stage\nexample\n", HOME=str(tmp_path))
    assert "examples-nightly" in found
    assert seconds < 60
    # AND a name asks nobody
    assert completed(f"batchtab\n{command}\nexamples-ni", HOME=str(tmp_path))[0] == ["examples-nightly"]


def test_times_are_completed_as_bash_breaks_words(tmp_path: Path) -> None:
    found, _ = completed("batchtab\nwhy\nreport\n@\n", HOME=str(tmp_path))
    assert len(found) == 10
    assert all(each.startswith("@20") and each.endswith("T09:00") for each in found)
    time_ = found[-1].removeprefix("@")
    assert completed(f"batchtab\nwhy\nreport\n@\n{time_[:-3]}\n:\n0")[0] == ["00"]


@pytest.mark.parametrize(
    "words",
    ["batchtab\nwhy\nnothing\n@\n2", "batchtab\nwhy\n--stage\nnone\nreport\n@\n", "batchtab\nstop\n--stage\nnone\nff"],
)
def test_what_is_not_there_completes_nothing(words: str) -> None:
    assert completed(words)[0] == []


def test_nobody_is_asked_for_a_code(tmp_path: Path) -> None:
    # GIVEN a terminal, and a role that needs a code
    (tmp_path / "aws").write_text(
        "[profile p]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = q\nregion = eu-west-1\n"
        "mfa_serial = arn:aws:iam::123456789012:mfa/me\n[profile q]\naws_access_key_id = a\naws_secret_access_key = b\n"
    )
    program = (
        "import pty, sys\n"
        'asks = \'from batchtab.cli.completion import runs; p = runs._asked("active", "example", "");\'\n'
        "pty.spawn([sys.executable, '-c', asks + 'print(p.communicate(timeout=90), p.returncode)'])"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # WHEN AWS is asked, as long as it takes
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**kept, "AWS_CONFIG_FILE": str(tmp_path / "aws"), "AWS_PROFILE": "p"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    # THEN it gives up, and the terminal has no question
    assert done.stdout.split() == ["(b'',", "None)", "1"]
    assert done.stderr == ""


# --- its deadline


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[subprocess.Popen[bytes]]]:
    """What answers in place of AWS: a script, whose time begins when it has written a file if one is named."""

    def put(script: str, waits_for: Path | None = None) -> list[subprocess.Popen[bytes]]:
        started: list[subprocess.Popen[bytes]] = []

        def start(*_: str) -> subprocess.Popen[bytes]:
            started.append(subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True))
            until = time.monotonic() + 60
            while waits_for is not None and not (waits_for.exists() and waits_for.read_text().endswith("\n")):
                assert time.monotonic() < until
                time.sleep(0.02)
            return started[-1]

        monkeypatch.setattr(runs, "_asked", start)
        return started

    return put


def test_what_is_late_is_left_out_and_ended_with_what_it_started(
    asked: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # GIVEN an answer that comes in part, behind a program that gives credentials and hangs
    monkeypatch.setattr(runs, "_SECONDS", 1.0)
    started = asked(f"printf 'abc\\tits name RUNNING\\n'; sleep 600 & echo $! > {tmp_path}/pid; wait", tmp_path / "pid")
    context: Any = SimpleNamespace(params={"stage": "local"})
    found = dict(runs.complete_active_runs(context, ""))
    assert found["examples-nightly"] == "job"
    assert found["abc"] == "its name RUNNING"  # what came in time counts
    assert started[0].returncode == -9
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 60
    while _runs(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_a_name_asks_no_aws_and_a_fault_is_silent(
    asked: Any, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started = asked("echo nothing of this form")
    context: Any = SimpleNamespace(params={})
    assert runs.complete_runs(context, "examples-ni") == [("examples-nightly", "job")]
    assert started == []
    assert "examples-nightly" in dict(runs.complete_runs(context, ""))
    # GIVEN files that cannot be read, and Ctrl-C
    (project / "jobs" / "examples" / "jobs.yaml").write_text("service: [")
    assert runs.complete_runs(context, "report@") == []

    def interrupted(_: str) -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "complete_jobs", interrupted)
    assert runs.complete_runs(context, "") == []
    assert capsys.readouterr() == ("", "")
