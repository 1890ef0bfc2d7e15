"""Signals reach the command, and the grace has an end."""

from __future__ import annotations

import os
import signal
import time

import pytest
from tests.unit.runner.harness import end_line, environment, marked, read_line, run, start


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_signal_is_forwarded_and_the_commands_answer_is_the_exit_code(number: signal.Signals) -> None:
    # GIVEN a command that ends with 7 when it is told to stop
    process = start("sh", "-c", "trap 'exit 7' TERM INT HUP; echo ready; while :; do sleep 0.05; done")
    assert read_line(process) == b"ready\n"
    # WHEN the runner gets the signal
    process.send_signal(number)
    _, stderr = process.communicate(timeout=120)
    # THEN the command did, and its code is the runner's
    assert process.returncode == 7
    assert end_line(stderr)["stopped_by"] == number.name


def test_a_command_without_a_handler_ends_with_128_and_the_signal() -> None:
    # GIVEN a command that knows nothing of signals
    process = start("sh", "-c", "echo ready; exec sleep 60")
    read_line(process)
    # WHEN the runner is told to stop
    process.terminate()
    _, stderr = process.communicate(timeout=120)
    # THEN the exit code says so
    assert process.returncode == 143
    assert end_line(stderr)["signal"] == "SIGTERM"


def test_a_command_that_does_not_stop_is_killed_when_its_grace_is_over() -> None:
    # GIVEN a command that ignores the signal, and its child that does too
    marker = f"marker-{os.getpid()}-{time.monotonic_ns()}"
    process = start(
        "--grace-seconds=0.5",
        "sh",
        "-c",
        "trap '' TERM; sleep 60 & echo ready; wait",
        env=environment(MARKER=marker),
    )
    read_line(process)
    # WHEN it is told to stop
    stopped = time.monotonic()
    process.terminate()
    _, stderr = process.communicate(timeout=120)
    # THEN it is killed, not before its time, with its whole group
    assert 0.45 <= time.monotonic() - stopped < 50
    assert process.returncode == 137
    assert "killed 0.5 s after SIGTERM" in end_line(stderr)["reason"]
    assert marked(marker) == []


def test_a_second_signal_is_forwarded_too() -> None:
    # GIVEN a command that notes each signal and goes on
    process = start("--grace-seconds=6", "sh", "-c", "trap 'echo heard' TERM; echo ready; while :; do sleep 0.02; done")
    read_line(process)
    # WHEN it gets SIGTERM twice THEN it hears both, and is killed in the end
    for _ in range(2):
        process.terminate()
        assert read_line(process) == b"heard\n"
    process.communicate(timeout=120)
    assert process.returncode == 137


def test_a_shells_child_has_the_whole_grace_although_the_shell_is_gone() -> None:
    # GIVEN a shell that dies at once when told to stop, and its child that first saves its work
    child = "trap 'sleep 0.5; echo saved; exit 0' TERM; echo ready; while :; do sleep 0.02; done"
    process = start("sh", "-c", f'sh -c "{child}"; echo not reached')
    read_line(process)
    # WHEN the runner is told to stop
    process.terminate()
    stdout, _ = process.communicate(timeout=120)
    # THEN the child could save
    assert stdout == b"saved\n"
    assert process.returncode == 143


def test_other_signals_are_forwarded_and_stop_nothing() -> None:
    # GIVEN a command that answers SIGUSR1
    process = start(
        "--grace-seconds=0.2",
        "sh",
        "-c",
        "trap 'echo one' USR1; trap 'exit 5' TERM; echo ready; while :; do sleep 0.02; done",
    )
    read_line(process)
    # WHEN the runner gets it
    process.send_signal(signal.SIGUSR1)
    # THEN the command does, and is still there after the grace of a stop signal
    assert read_line(process) == b"one\n"
    time.sleep(0.5)
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=120)
    assert process.returncode in (5, 137)  # a busy machine may not let it end within the grace


def test_a_signal_that_the_caller_ignores_stays_ignored() -> None:
    # GIVEN a runner under nohup
    process = start(
        "--grace-seconds=0.1",
        "sh",
        "-c",
        "echo ready; sleep 1; echo done",
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    read_line(process)
    # WHEN the terminal goes away
    process.send_signal(signal.SIGHUP)
    stdout, _ = process.communicate(timeout=120)
    # THEN the command runs to its end
    assert (stdout, process.returncode) == (b"done\n", 0)


def test_a_command_that_is_killed_from_outside_is_137_and_no_stop_of_ours() -> None:
    # WHEN the kernel kills the command, for its memory perhaps
    result = run("sh", "-c", "kill -KILL $$")
    # THEN the line says signal, and that nobody asked for a stop
    line = end_line(result.stderr)
    assert (line["signal"], line["stopped_by"]) == ("SIGKILL", None)
    assert "reason" not in line


def test_a_killed_runner_takes_the_command_with_it() -> None:
    # GIVEN a running command
    marker = f"marker-{os.getpid()}-{time.monotonic_ns()}"
    process = start("sh", "-c", "echo ready; exec sleep 600", env=environment(MARKER=marker))
    read_line(process)
    # WHEN the runner is killed without a chance to act
    process.kill()
    process.communicate(timeout=120)
    # THEN the command does not go on alone
    deadline = time.monotonic() + 60
    while marked(marker) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert marked(marker) == []
