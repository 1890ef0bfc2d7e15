"""The runner's exit code is the command's, or says why there was none."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.unit.runner.harness import end_line, environment, lines, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("code", [0, 1, 3, 126, 127, 255])
def test_the_exit_code_is_the_commands(code: int) -> None:
    # WHEN a command ends with a code
    result = run("--", "sh", "-c", f"exit {code}")
    # THEN the runner does too, and says so
    assert result.returncode == code
    assert end_line(result.stderr)["exit_code"] == code


@pytest.mark.parametrize(("signal", "number"), [("TERM", 15), ("KILL", 9), ("SEGV", 11), ("PIPE", 13)])
def test_a_command_that_dies_of_a_signal_ends_with_128_and_its_number(signal: str, number: int) -> None:
    # WHEN a command is killed by a signal that the runner has not sent
    result = run("sh", "-c", f"ulimit -c 0; kill -{signal} $$")
    # THEN the code is what a shell would give, and the line names the signal
    assert result.returncode == 128 + number
    line = end_line(result.stderr)
    assert (line["signal"], line["stopped_by"]) == (f"SIG{signal}", None)


@pytest.mark.parametrize("command", ["no-such-program", "./no-such-program", "/etc/passwd/x"])
def test_a_missing_command_is_127_with_one_line(command: str) -> None:
    # WHEN there is no such program
    result = run("--", command, "argument")
    # THEN the runner ends as a shell would, and the only line between start and nothing says what is missing
    assert result.returncode == 127
    assert [line["batchtab"] for line in lines(result.stderr)] == ["start", "end"]
    assert len(result.stderr.splitlines()) == 2
    assert command in end_line(result.stderr)["reason"]


def test_a_folder_that_may_not_be_searched_is_no_sign_of_a_command(tmp_path: Path) -> None:
    # GIVEN a PATH with a folder that the user may not search, for root after it has become another user
    (tmp_path / "closed").mkdir(mode=0)
    program = (
        "import os; from batchtab.runner.main import main; os.geteuid() or os.setuid(65534);"
        " os._exit(main(['--', 'no-such-program']))"
    )
    # WHEN a program is run that is in no folder
    result = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(PATH=f"{tmp_path / 'closed'}:{os.defpath}"),
        capture_output=True,
        check=False,
    )
    # THEN it is missing, as in a shell, and not forbidden
    assert result.returncode == 127
    assert "not found on PATH" in end_line(result.stderr)["reason"]


def test_a_program_on_path_that_may_not_be_executed_is_126(tmp_path: Path) -> None:
    # GIVEN a file without the right to be executed, in a folder of PATH
    (tmp_path / "plain").touch(mode=0o644)
    # WHEN it is run by its name
    result = run("--", "plain", env=environment(PATH=f"{tmp_path}:{os.defpath}"))
    # THEN it is there, and forbidden
    assert result.returncode == 126
    assert "permission denied" in end_line(result.stderr)["reason"]


def test_a_missing_interpreter_is_told_from_a_missing_script(tmp_path: Path) -> None:
    # GIVEN a script whose first line names a program that is not there
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    # WHEN it is run
    result = run("--", str(script))
    # THEN the reason is the interpreter
    assert result.returncode == 127
    assert "interpreter" in end_line(result.stderr)["reason"]


def test_a_file_that_cannot_be_executed_is_126_with_one_line(tmp_path: Path) -> None:
    # GIVEN a file without the right to be executed, a folder, and a file that is no program
    plain = tmp_path / "plain"
    plain.write_text("echo hello\n")
    text = tmp_path / "text"
    text.write_text("hello\n")
    text.chmod(0o755)
    for path in (plain, tmp_path, text):
        # WHEN it is run
        result = run("--", str(path))
        # THEN the runner ends as a shell would
        assert result.returncode == 126, path
        assert len(result.stderr.splitlines()) == 2
        assert str(path) in end_line(result.stderr)["reason"]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--grace-seconds", "soon", "true"], "--grace-seconds must be a number from 0 to 86400, got 'soon'"),
        (["--grace-seconds", "nan", "true"], "must be a number"),
        (["--concurrency-policy=replace", "true"], "--concurrency-policy must be allow or forbid, got 'replace'"),
        (["--skip-exit-code", "256", "true"], "from 0 to 255"),
        (["--no-such-flag", "true"], "unknown flag '--no-such-flag'"),
        (["--heartbeat-url", "ftp://example.com", "true"], "http"),
        (["--grace-seconds"], "needs a value"),
        (["--"], "no command"),
        ([], "no command"),
    ],
)
def test_a_wrong_setting_is_one_line_and_2(arguments: list[str], part: str) -> None:
    # WHEN the runner is called wrongly
    result = run(*arguments)
    # THEN it says in one line what is wrong, and runs nothing
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert part in result.stderr.decode()


def test_help_names_every_setting_and_its_variable() -> None:
    # WHEN help is asked for
    result = run("--help")
    # THEN it is on stdout, with flags and variables
    assert result.returncode == 0
    text = result.stdout.decode()
    for word in ("--concurrency-policy", "BATCHTAB_GRACE_SECONDS", "BATCHTAB_HEARTBEAT_URL", "default: 25"):
        assert word in text
