from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from batchtab.cli import main as cli
from batchtab.cli.commands import CI, COMMANDS, RENAMED, Command
from batchtab.cli.exits import USAGE
from batchtab.cli.main import app, main
from batchtab.cli.options import complete_jobs


@pytest.mark.parametrize(("group", "table"), [([], COMMANDS), (["ci"], CI)], ids=["batchtab", "ci"])
def test_help_lists_every_command_on_one_line(
    group: list[str], table: tuple[Command, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a terminal of 80 columns
    monkeypatch.setenv("COLUMNS", "80")
    # WHEN the help is printed THEN each command is a line with what it does, whole
    assert main([*group, "--help"]) == 0
    lines = [line.split(None, 1) for line in capsys.readouterr().out.splitlines()]
    assert all([command.name, command.help] in lines for command in table)


@pytest.mark.parametrize("command", [*COMMANDS, *CI], ids=lambda command: command.name)
def test_every_command_can_be_imported_and_explains_itself(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    group = ["ci"] if command in CI else []
    assert main([*group, command.name, "--help"]) == 0
    assert "Usage: batchtab" in capsys.readouterr().out


def test_help_imports_no_command() -> None:
    # WHEN the help of all commands is printed in a process of its own
    program = "import sys; from batchtab.cli.main import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    # THEN no file of a command was imported, nor what they need
    loaded = done.stderr.split()
    assert not [name for name in loaded if name.startswith("batchtab.cli.") and name.count(".") > 2]
    assert not {"boto3", "pydantic", "rich", "yaml", "cdktf"} & set(loaded)


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_a_command_that_was_renamed_is_named(old: str, new: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([old]) == 2
    assert capsys.readouterr().err == (
        f"batchtab: no such command '{old}': it is called '{new}' now [hint: batchtab --help]\n"
    )


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["batchtab", "ca"], ["calendar"]),
        (["batchtab", "ci", "ro"], ["roles"]),
        (["batchtab", "pause", "examples-n"], ["examples-nightly"]),
        (["batchtab", "plan", "--stage", "lo"], ["local"]),
        (["batchtab", "next", "nothing"], []),
    ],
)
def test_a_shell_completes_commands_jobs_and_stages(words: list[str], found: list[str], project: Path) -> None:
    environment = {**os.environ, "_BATCHTAB_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(words)}
    done = subprocess.run(
        [Path(sys.executable).parent / "batchtab"],
        cwd=project,
        env={**environment, "COMP_CWORD": str(len(words) - 1)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == found


def test_a_shell_completes_no_job_of_files_with_errors(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    (project / "jobs" / "examples" / "jobs.yaml").write_text("service: [")
    assert complete_jobs("") == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["chek"], "batchtab: no such command 'chek': did you mean 'check'? [hint: batchtab --help]"),
        (["check", "--stge", "x"], "batchtab check: no such option: --stge"),
        (["next", "--count", "0"], "batchtab next: invalid value for '--count'"),
        (["next", "--count", "x"], "batchtab next: invalid value for '--count'"),
        (["schema", "other"], "batchtab schema: invalid value: 'other' is not a schema: jobs or stage"),
    ],
)
def test_a_wrong_command_line_is_one_line_on_stderr_and_exit_2(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(arguments)

    output = capsys.readouterr()
    assert (status, output.out) == (2, "")
    assert output.err.startswith(line)
    assert len(output.err.splitlines()) == 1


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_is_exit_130_and_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("batchtab.declarations.catalog.load_all", stop)

    assert main(["check"]) == 130
    assert capsys.readouterr().err == "batchtab: interrupted\n"


def test_a_command_may_return_its_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchtab.cli.jobs.check.check", lambda: 7)

    assert main(["check"]) == 7


def test_a_fault_of_ours_is_not_dressed_up_as_one_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("batchtab.cli.jobs.check.check", broken)

    with pytest.raises(RuntimeError, match="a bug"):
        main(["check"])


@pytest.mark.parametrize("lines", [0, 1])
@pytest.mark.parametrize(
    "arguments",
    [["next", "--count", "1000"], ["next", "--count", "1"], ["schema", "jobs"], ["check"], ["--help"], []],
    ids=" ".join,
)
def test_a_reader_that_has_enough_is_no_error(arguments: list[str], lines: int) -> None:
    # GIVEN output that fits into a pipe, and more than that
    command = [sys.executable, "-m", "batchtab.cli.main", *arguments]
    reader, writer = os.pipe()
    with subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE, text=True) as process:
        os.close(writer)

        # WHEN the reader is gone at once, or after one line as `head -1` is
        with os.fdopen(reader) as pipe:
            for _ in range(lines):
                pipe.readline()
        assert process.stderr is not None
        said = process.stderr.read().splitlines()

    # THEN it is no failure, and nothing is complained about but what is in the files
    assert [line for line in said if ": warning: " not in line] == []
    assert process.returncode == (0 if arguments else USAGE)


@pytest.mark.parametrize(("command", "status"), [("jobs.jobs.jobs", 0), ("jobs.pause.pause", 1)])
def test_what_a_closed_pipe_leaves_half_done_is_no_success(command: str, status: int) -> None:
    module, _, function = command.rpartition(".")
    program = (
        "import sys, typer\n"
        f"import batchtab.cli.{module} as module\n"
        f"module.{function} = lambda: [typer.echo('x' * 100) for _ in range(5000)] and None\n"
        f"sys.exit(__import__('batchtab.cli.main').cli.main.main(['{function}']))\n"
    )
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run([sys.executable, "-c", program], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (process.returncode, process.stderr) == (status, b"")


def test_the_app_is_a_typer_app_for_whoever_wants_to_call_it() -> None:
    assert app is cli.app
    with pytest.raises(SystemExit) as error:
        app(["--version"])
    assert error.value.code == 0
