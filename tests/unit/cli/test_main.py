from __future__ import annotations

import subprocess
import sys

import pytest

from batchtab.cli import main as cli
from batchtab.cli.main import COMMANDS, app, main


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    output = capsys.readouterr().out

    assert all(f"  {name} " in output for name in COMMANDS)


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


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    # GIVEN more output than a pipe holds
    command = [sys.executable, "-m", "batchtab.cli.main", "next", "--count", "1000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None

    # WHEN the reader has seen enough after one line, as `head -1` has
    process.stdout.readline()
    process.stdout.close()

    # THEN nothing is complained about
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait() == 1


def test_the_app_is_a_typer_app_for_whoever_wants_to_call_it() -> None:
    assert app is cli.app
    with pytest.raises(SystemExit) as error:
        app(["--version"])
    assert error.value.code == 0
