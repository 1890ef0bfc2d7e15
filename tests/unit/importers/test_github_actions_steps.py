"""Steps of GitHub Actions: what reaches their commands, and what their commands do in a job."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.importers import sources

from batchtab.importers.findings import Finding
from batchtab.importers.importing import Result


def imported(steps: list[dict[str, Any]], top: dict[str, Any] | None = None, **job: Any) -> Result:
    """A workflow of one job with these steps."""
    document = {"on": {"schedule": [{"cron": "0 6 * * *"}]}, "jobs": {"j": {"runs-on": "ubuntu-latest"} | job}}
    document["jobs"]["j"]["steps"] = steps
    return sources.imported("github-actions", yaml.safe_dump({**document, **(top or {})}, sort_keys=False))


def job_of(result: Result) -> dict[str, Any]:
    (found,) = sources.jobs(result).values()
    return dict(found)


def run(result: Result, folder: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """The imported command, with programs of the folder's `bin` and an input."""
    job = job_of(result)
    path = f"{folder}/bin:/usr/local/bin:/usr/bin:/bin"
    env = {"PATH": path, **job.get("environment", {}), **dict.fromkeys(job.get("secrets", {}), "s3cret")}
    return subprocess.run(
        job["command"], cwd=folder, env=env, check=False, input=given, capture_output=True, text=True, timeout=300
    )


def findings(result: Result, field: str) -> list[Finding]:
    return [each for each in result.imported.findings if each.field.endswith(field)]


def program(folder: Path, name: str, text: str) -> None:
    """An executable script in the folder's `bin`."""
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


READS = "cat\necho second"
READS_PYTHON = "import sys\nprint(sys.stdin.read(), end='')\nprint('second')"


@pytest.mark.parametrize("more", [[], [{"run": "echo x"}], [{"run": "echo x", "shell": "bash"}]])
@pytest.mark.parametrize(
    ("shell", "script"),
    [
        ("sh", READS),
        ("bash", READS),
        ("python3", READS_PYTHON),
        ("perl {0}", 'print <STDIN>; print "second\n"'),
        ("bash -x {0}", READS),
    ],
)
@pytest.mark.parametrize("job", [{}, {"container": "python:3.12"}], ids=["runner", "container"])
def test_a_command_that_reads_its_input_does_not_read_the_script(
    shell: str, script: str, more: list[dict[str, Any]], job: dict[str, Any], tmp_path: Path
) -> None:
    done = run(imported([{"run": script, "shell": shell}, *more], **job), tmp_path, "input\n")
    assert (done.returncode, done.stdout) == (0, "input\nsecond\n" + "x\n" * len(more)), done.stderr


def test_a_script_of_another_shell_keeps_its_quotes_and_fails_alone(tmp_path: Path) -> None:
    script = 'echo "it\'s $HOME" \'a "b"\'\nfalse\necho never'
    for shell in ("sh", "bash"):
        done = run(imported([{"run": script, "shell": shell}, {"run": "x", "shell": "python3"}]), tmp_path)
        assert (done.returncode, done.stdout) == (1, 'it\'s  a "b"\n')


def test_a_secret_in_a_script_of_another_shell_is_not_shown() -> None:
    script = "curl --header 'Authorization: Bearer abcdefghijklmnop1234' https://a.example"
    result = imported([{"run": script, "shell": "sh"}, {"run": "echo", "shell": "bash"}])
    assert "abcdefghijklmnop1234" not in result.report_text + result.jobs_text
    assert result.needs_person


@pytest.mark.parametrize("shell", ["pwsh", "powershell"])
@pytest.mark.parametrize("more", [[], [{"run": "echo x"}]])
def test_powershell_ends_at_the_first_failure(shell: str, more: list[dict[str, Any]], tmp_path: Path) -> None:
    # GIVEN a program that prints its arguments, and ends as a failed script does
    program(tmp_path, shell, 'printf "%s|" "$@"; exit 3')
    # WHEN the job runs
    done = run(imported([{"run": "Get-Item 'x'\n", "shell": shell}, *more]), tmp_path)
    # THEN it gets the script as an argument, with what GitHub writes around it
    assert done.stdout == (
        "-Command|$ErrorActionPreference = 'stop'\nGet-Item 'x'\n"
        "if ((Test-Path -LiteralPath variable:\\LASTEXITCODE)) { exit $LASTEXITCODE }|"
    )
    # AND the job ends with it
    assert done.returncode == 3


def test_a_default_shell_that_runs_in_another_way_needs_a_person() -> None:
    result = imported([{"run": "print 1"}], {"defaults": {"run": {"shell": "perl {0}"}}})
    assert job_of(result)["command"] == ["perl", "-e", "print 1"]
    (found,) = findings(result, "steps[0].shell")
    assert found.todo == "the step ran as `perl {0}`, and runs as `perl -e`: check it"
