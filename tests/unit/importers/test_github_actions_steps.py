"""Steps of GitHub Actions: what reaches their commands, and what their commands do in a job."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.importers import sources

from batchtab.importers.findings import Fate, Finding
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


SHOWS = "echo MODE=$MODE"


def test_a_variable_of_a_step_reaches_no_other_step(tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [
        {"run": SHOWS, "env": {"MODE": "it's $one"}},
        {"run": SHOWS},
        {"run": "import os; print('MODE=' + os.environ['MODE'])", "shell": "python3", "env": {"MODE": "two"}},
        {"run": SHOWS, "env": {"MODE": ""}},
    ]
    # WHEN only a step sets it THEN others do not have it
    result = imported(steps)
    assert "environment" not in job_of(result)
    assert run(result, tmp_path).stdout == "MODE=it's $one\nMODE=\nMODE=two\nMODE=\n"
    # WHEN the job sets it, too THEN the others have the job's
    result = imported(steps, env={"MODE": "all"})
    assert job_of(result)["environment"] == {"MODE": "all"}
    assert run(result, tmp_path).stdout == "MODE=it's $one\nMODE=all\nMODE=two\nMODE=\n"
    # AND each of them has one line in the report
    for index in (0, 2, 3):
        (found,) = findings(result, f"steps[{index}].env.MODE")
        assert (found.fate, found.note, found.todo) == (Fate.CHANGED, "command: export for this step alone", "")
    (found,) = findings(result, "jobs.j.env.MODE")
    assert (found.fate, found.note) == (Fate.CARRIED, "environment.MODE")


@pytest.mark.parametrize("more", [[], [{"run": "echo", "if": False}], [{"uses": "actions/checkout@v4"}]])
def test_the_only_step_has_its_variables_as_the_jobs(more: list[dict[str, Any]], tmp_path: Path) -> None:
    result = imported([{"run": SHOWS, "env": {"MODE": "one"}}, *more], env={"MODE": "all"})
    assert (job_of(result)["environment"], run(result, tmp_path).stdout) == ({"MODE": "one"}, "MODE=one\n")
    # AND the report does not say that the job's own value is there
    (own,) = findings(result, "steps[0].env.MODE")
    (outer,) = findings(result, "jobs.j.env.MODE")
    assert (own.fate, own.note) == (Fate.CARRIED, "environment.MODE")
    assert (outer.fate, outer.note) == (Fate.NOT_CARRIED, "jobs.j.steps[0].env.MODE is in its place")


@pytest.mark.parametrize(
    ("outer", "inner", "environment", "secrets"),
    [
        ("a", "b", {"A": "b"}, {}),
        ("a", "${{ secrets.S }}", {}, {"A": "/source/S"}),
        ("${{ secrets.S }}", "b", {"A": "b"}, {}),
        ("${{ secrets.S }}", "${{ secrets.T }}", {}, {"A": "/source/T"}),
        ("a", "", {}, {}),
        ("a", "${{ vars.V }}", {}, {}),
    ],
)
def test_the_inner_of_two_variables_of_one_name(
    outer: str, inner: str, environment: dict[str, str], secrets: dict[str, str]
) -> None:
    result = imported([{"run": "./a"}, {"run": "./b"}], {"env": {"A": outer}}, env={"A": inner})
    job = job_of(result)
    assert (job.get("environment", {}), job.get("secrets", {})) == (environment, secrets)
    assert next(each for each in result.imported.findings if each.field == "env.A").fate is Fate.NOT_CARRIED


def test_a_secret_of_a_step_is_the_jobs_which_the_report_says() -> None:
    step = {"run": "echo $KEY", "env": {"KEY": "${{ secrets.KEY }}"}}
    assert "all steps" not in findings(imported([step]), "env.KEY")[0].note
    result = imported([step, {"run": "./b"}])
    assert job_of(result)["secrets"] == {"KEY": "/source/KEY"}
    assert findings(result, "env.KEY")[0].note == "secrets.KEY: /source/KEY, which all steps of the job have"


def test_two_secrets_under_one_name_each_reach_their_step() -> None:
    steps = [
        {"run": "echo $KEY", "env": {"KEY": "${{ secrets.ONE }}"}},
        {"run": "echo $KEY ${{ secrets.KEY }}", "env": {"KEY": "${{ secrets.TWO }}"}},
        {"run": "echo $KEY ${{ secrets.MODE }}", "env": {"MODE": "x"}},
    ]
    job = job_of(imported(steps, env={"MODE": "all"}))
    assert job["secrets"] == {
        "KEY": "/source/ONE",
        "TWO": "/source/TWO",
        "KEY_2": "/source/KEY",
        "MODE_2": "/source/MODE",
    }
    env = {name: name.lower() for name in job["secrets"]} | job["environment"] | {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(job["command"], env=env, check=True, capture_output=True, text=True, timeout=300)
    assert done.stdout == "key\ntwo key_2\nkey mode_2\n"


def test_a_variable_that_no_shell_exports_needs_a_person() -> None:
    result = imported([{"run": "./a", "env": {"A-B": "1", "B": ""}}, {"run": "./b"}])
    (found,) = findings(result, "env.A-B")
    assert (found.fate, found.todo) == (Fate.NOT_CARRIED, "rename it, here and in the image's program")
    assert "A-B" not in result.jobs_text


QUOTED = {
    "single": ("""printf %s '{"r":"@"}'""", '{"r":"%"}'),
    "single after a double": ("""printf '%s' "it's"' @'""", "it's %"),
    "double": ('printf %s "r: @"', "r: %"),
    "bare": ("printf %s r-@", "r-%"),
    "quoted heredoc": ('cat <<\'EOF\'\n{"r": "@"}\nEOF', '{"r": "%"}\n'),
    "heredoc": ("cat <<EOF\nit's @\nEOF", "it's %\n"),
}


@pytest.mark.parametrize("name", QUOTED)
@pytest.mark.parametrize("more", [[], [{"run": "true", "shell": "sh"}]])
def test_a_known_variable_is_its_value_within_all_quotes(name: str, more: list[dict[str, Any]], tmp_path: Path) -> None:
    script, expected = QUOTED[name]
    step = {"run": script.replace("@", "${{ env.REGION }}/${{env.MODE}}"), "env": {"MODE": "one"}}
    result = imported([step, *more], {"env": {"REGION": "eu-west-1"}})
    assert run(result, tmp_path).stdout == expected.replace("%", "eu-west-1/one")
    assert [each.note for each in findings(result, ".run") if str(each.value).startswith("${{")] == [
        "command: its value"
    ] * 2
    assert not [each for each in findings(result, ".run") if each.todo]


@pytest.mark.parametrize("name", QUOTED)
@pytest.mark.parametrize("what", ["secrets.KEY", "vars.KEY", "env.KEY"])
def test_what_the_shell_does_not_replace_needs_a_person(name: str, what: str) -> None:
    script = QUOTED[name][0].replace("@", f"${{{{ {what} }}}}")
    result = imported([{"run": script}], {"env": {"KEY": "${{ secrets.KEY }}"}} if what == "env.KEY" else {})
    asked = [each.todo for each in findings(result, ".run") if "the shell does not replace it" in each.todo]
    assert bool(asked) is (name in {"single", "single after a double", "quoted heredoc"})


def test_what_a_person_is_asked_to_write_works(tmp_path: Path) -> None:
    (found,) = (
        each
        for each in findings(imported([{"run": 'echo \'{"r": "${{ secrets.KEY }}"}\''}]), ".run")
        if "double quotes" in each.todo
    )
    written = found.todo.rpartition(": ")[2]
    done = run(imported([{"run": f'echo \'{{"r": "{written}"}}\''}], env={"KEY": "a  b"}), tmp_path)
    assert done.stdout == '{"r": "a  b"}\n'


def test_other_shells_have_known_values_and_read_others_themselves() -> None:
    script = "print('${{ env.REGION }}', '${{ secrets.KEY }}')"
    result = imported([{"run": script, "shell": "python"}], env={"REGION": "eu-west-1"})
    job = job_of(result)
    assert job["command"][-1] == "print('eu-west-1', '${{ secrets.KEY }}')"
    assert job["secrets"] == {"KEY": "/source/KEY"}
    assert findings(result, ".run")[-1].todo == "read the variable KEY of the environment in its place"


def test_a_folder_with_a_variable(tmp_path: Path) -> None:
    (tmp_path / "etl").mkdir()
    step = {"run": "pwd", "working-directory": "${{ env.FOLDER }}", "env": {"FOLDER": "etl"}}
    for more in ([], [{"run": "true"}]):
        assert run(imported([step, *more]), tmp_path).stdout == f"{tmp_path}/etl\n"
    result = imported([{"run": "pwd", "working-directory": "${{ vars.FOLDER }}"}])
    assert job_of(result)["command"][-1] == "pwd"
    (found,) = findings(result, "working-directory")
    assert found.todo


@pytest.mark.parametrize(
    ("given", "needs_person"), [(True, False), ("${{ matrix.x }}", False), ("${{ vars.X }}", True)]
)
def test_whether_a_step_may_fail(given: object, needs_person: bool) -> None:
    steps = [{"run": "false", "continue-on-error": given}, {"run": "echo b"}]
    result = imported(steps, strategy={"matrix": {"x": [True]}})
    (found,) = findings(result, "continue-on-error")
    assert bool(found.todo) is needs_person
    assert ("set +e" in job_of(result)["command"][-1]) is not needs_person


def test_the_jobs_variable_wins_over_its_containers() -> None:
    container = {"image": "node:20", "env": {"A": "container", "B": "container", "C": "container"}}
    result = imported([{"run": "./a"}], env={"A": "job", "B": "${{ secrets.B }}"}, container=container)
    job = job_of(result)
    assert (job["environment"], job["secrets"]) == ({"A": "job", "C": "container"}, {"B": "/source/B"})
    assert [findings(result, f"container.env.{name}")[0].fate for name in "ABC"] == [
        *(Fate.NOT_CARRIED, Fate.NOT_CARRIED, Fate.CARRIED)
    ]
