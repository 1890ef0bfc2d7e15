from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from batchtab.cli.main import main

JOBS = "jobs/my-service/jobs.yaml"
Spoil = Callable[[str, str, str], None]


MOVES = "warning: image.tag: 'latest' moves: a run takes the image that was pushed last, which no plan shows"


@pytest.fixture(autouse=True)
def _outside_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)


def test_a_project_in_order_is_a_line_per_stage_and_exit_0(
    project: Path, spoil: Spoil, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(JOBS, "tag: latest", "tag: 1.4.0")
    status = main(["check", "--strict", "--root", str(project)])

    output = capsys.readouterr()
    assert (status, output.err) == (0, "")
    assert output.out.splitlines() == [
        f"stage {name}: EC2 in ap-northeast-2, 2 queues, 2 services, 11 jobs (5 scheduled): ok"
        for name in ("example", "local")
    ]


def test_every_fault_is_one_line_on_stderr_and_exit_2(
    project: Path, spoil: Spoil, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN the faults that people make, in two files and for a stage on Fargate
    (project / "config" / "example.yaml").unlink()
    spoil("config/local.yaml", "capacity: EC2", "capacity: FARGATE")
    spoil("config/local.yaml", "  instance_types: [optimal]\n  min_vcpus: 2\n", "")
    spoil("jobs/examples/jobs.yaml", "memory_mib: 512", "memory_mib: 2048")
    spoil(JOBS, "{vcpus: 1, memory_mib: 1024, attempts: 1}", "{vcpus: 1, memory_mib: 2048, atempts: 1}")
    spoil(JOBS, "cron(0 0 * * ? *)", "cron(0 0 * * * *)")
    spoil(JOBS, "queue: continuously", "queue: contiuously")
    spoil(JOBS, "timeout_seconds: 60", "timeout_seconds: 59\n    vcpus: 3")
    with (project / JOBS).open("a", encoding="utf-8") as file:
        file.write("  do-often: {command: [node, app/jobs/do-often]}\n")

    # WHEN they are checked
    status = main(["check", "--root", str(project)])

    # THEN each is told with its place, its value, what is allowed, and how to mend it
    output = capsys.readouterr()
    assert (status, output.out) == (2, "")
    assert [line.removeprefix(f"{project}/{JOBS}:") for line in output.err.splitlines()] == [
        "4: defaults: atempts: is an unknown key [hint: did you mean 'attempts'?]",
        "10: job do-something: schedule: 'cron(0 0 * * * *)' has no '?': exactly one of day-of-month and day-of-week"
        " must be '?' [hint: cron(0 0 * * ? *)]",
        "13: job do-often: timeout_seconds: 59 is too short: 60 to 2147483647 (seconds)",
        "14: job do-often: vcpus: 3 is not a size on Fargate (stage local): 0.25, 0.5, 1, 2, 4, 8, 16, 32"
        " [hint: the next is 4]",
        "15: job do-often: queue: 'contiuously' is not a queue of stage local: default, continuously"
        " [hint: did you mean 'continuously'?]",
        "17: job do-often: is declared twice, first in line 11 [hint: give one of the two another name]",
    ]


def test_a_warning_is_a_line_on_stderr_and_exit_0(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["check", "--root", str(project)])
    output = capsys.readouterr()
    assert (status, len(output.out.splitlines())) == (0, 2)
    (line,) = output.err.splitlines()
    assert line.startswith(f"{project}/{JOBS}:3: {MOVES}")


def test_strict_makes_a_warning_a_fault(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["check", "--strict", "--root", str(project)])
    output = capsys.readouterr()
    assert (status, output.out, len(output.err.splitlines())) == (2, "", 1)
    assert MOVES in output.err


def test_in_a_workflow_a_warning_is_shown_at_its_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.chdir(project)
    assert main(["check"]) == 0
    assert capsys.readouterr().out.startswith(f"::warning file={JOBS},line=3::{JOBS}:3: {MOVES}")


def test_one_stage_is_checked_alone(project: Path, spoil: Spoil, capsys: pytest.CaptureFixture[str]) -> None:
    spoil("config/example.yaml", "capacity: EC2", "capacity: EC3")

    assert main(["check", "--root", str(project), "--stage", "local"]) == 0
    assert main(["check", "--root", str(project)]) == 2
    assert "capacity: 'EC3' is not allowed" in capsys.readouterr().err


def test_what_is_beyond_a_quota_is_a_note_on_stderr_and_exit_0(
    project: Path, spoil: Spoil, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(JOBS, "tag: latest", "tag: 1.4.0")
    # GIVEN more jobs with a rule than an account may have rules
    jobs = "".join(f"  job-{number}: {{command: [x], schedule: rate(1 day)}}\n" for number in range(300))
    (project / "jobs" / "many").mkdir()
    (project / "jobs" / "many" / "jobs.yaml").write_text(f"service: many\njobs:\n{jobs}", encoding="utf-8")
    # WHEN they are checked
    status = main(["check", "--root", str(project)])
    # THEN all is in order, and the stage on AWS has a note; local AWS has none
    output = capsys.readouterr()
    assert (status, len(output.out.splitlines())) == (0, 2)
    (note,) = output.err.splitlines()
    assert note.startswith("stage example: note: 310 EventBridge rules: an account may have 300 in ap-northeast-2")


def test_check_takes_under_a_second_and_loads_neither_boto3_nor_cdktf() -> None:
    # GIVEN a fresh interpreter that prints its own time, which other programs do not lengthen, and what it imported
    code = (
        "import sys, time; from batchtab.cli.main import main; status = main(['check']); print(time.process_time());"
        "print(*{name.partition('.')[0] for name in sys.modules}); sys.exit(status)"
    )

    # WHEN it checks the project, three times because other programs still empty its caches
    seconds = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        *_, own, names = done.stdout.splitlines()
        seconds.append(float(own))

    # THEN nothing heavy was loaded, and once at least it was quick
    loaded = set(names.split())
    assert "pydantic" in loaded
    assert loaded.isdisjoint({"boto3", "botocore", "cdktf", "constructs", "jsii", "rich", "modules", "aws_croniter"})
    assert min(seconds) < 1
