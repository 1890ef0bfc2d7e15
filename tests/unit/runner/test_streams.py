"""stdin, stdout, stderr, environment and signal settings reach the command as they are."""

from __future__ import annotations

import os
import pty
import random
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.unit.runner.harness import ROOT, RUNNER, environment, heed_signals, lines, run

if TYPE_CHECKING:
    from pathlib import Path


def test_any_bytes_pass_through_stdin_and_stdout() -> None:
    # GIVEN a megabyte of anything
    data = random.Random(5).randbytes(1_000_000)  # noqa: S311 no secret
    # WHEN a command copies it
    result = run("cat", input=data)
    # THEN it arrives whole
    assert result.stdout == data


def test_stderr_of_the_command_stays_on_stderr() -> None:
    # WHEN a command writes to both
    result = run("sh", "-c", "echo out; echo err >&2")
    # THEN each is where it was, between the runner's lines
    assert result.stdout == b"out\n"
    assert result.stderr.splitlines()[1] == b"err"
    assert [line["batchtab"] for line in lines(result.stderr)] == ["start", "end"]


def test_other_descriptors_pass_through() -> None:
    # GIVEN a pipe that the caller hands on
    read, write = os.pipe()
    # WHEN the command writes into it
    run("python3", "-c", f"import os; os.write({write}, b'through')", pass_fds=[write])
    os.close(write)
    # THEN it arrives
    with os.fdopen(read) as pipe:
        assert pipe.read() == "through"


def test_the_environment_is_the_callers() -> None:
    # GIVEN an environment in which Python would set a locale for itself
    env = {"PATH": os.environ["PATH"], "ODD": "a=b", "LC_ALL": ""}
    # WHEN the command prints its own
    direct = subprocess.run(["env"], env=env, capture_output=True, check=True).stdout
    result = run("env", env=env)
    # THEN nothing was added and nothing was lost
    assert sorted(result.stdout.splitlines()) == sorted(direct.splitlines())


def test_signal_settings_are_the_callers() -> None:
    # GIVEN what a command sees without the runner
    show = ["grep", "-E", "^(SigBlk|SigIgn)", "/proc/self/status"]
    direct = subprocess.run(show, capture_output=True, check=True, preexec_fn=heed_signals).stdout
    # WHEN it runs under the runner, which ignores and handles a few
    result = run("--", *show)
    # THEN it sees the same
    assert result.stdout == direct


def test_a_module_of_the_working_folder_cannot_take_the_place_of_ours(tmp_path: Path) -> None:
    # GIVEN a job whose folder has modules with names of the standard library's
    folder = str(tmp_path)
    for name in ("signal", "select", "runner", "time"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the wrong module')\n")
    entrypoint = str(ROOT / "src" / "batchtab" / "runner" / "entrypoint.py")
    # WHEN the image's entrypoint starts there, with a PYTHONPATH of the job's own
    result = subprocess.run(
        [sys.executable, "-IS", entrypoint, "--", "sh", "-c", "echo $PYTHONPATH"],
        cwd=folder,
        env=environment(PYTHONPATH=folder),
        capture_output=True,
        check=False,
    )
    # THEN the runner runs, and the job gets its PYTHONPATH
    assert (result.returncode, result.stdout.decode()) == (0, folder + "\n")


def test_a_command_on_a_terminal_can_read_it_and_be_interrupted() -> None:
    # GIVEN a terminal
    pid, terminal = pty.fork()
    if pid == 0:
        heed_signals()
        os.chdir(ROOT)
        os.execve(sys.executable, [*RUNNER, "--", "sh", "-c", 'read x; echo "got $x"; sleep 60'], environment())  # noqa: S606 no shell
    try:
        # WHEN a line is typed
        os.write(terminal, b"hello\n")
        text = _read_until(terminal, b"got hello")
        # AND then Ctrl-C
        time.sleep(0.1)
        os.write(terminal, b"\x03")
        text += _read_until(terminal, b'"exit_code"')
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(terminal)
    # THEN the command read the line and ended as a shell's would
    assert b"got hello" in text
    assert os.waitstatus_to_exitcode(status) == 130


def _read_until(terminal: int, word: bytes, seconds: float = 20) -> bytes:
    data = b""
    deadline = time.monotonic() + seconds
    while word not in data and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                data += os.read(terminal, 4096)
            except OSError:  # the other end is closed
                break
    return data
