"""Nothing that a command starts outlives its run."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.unit.runner.harness import end_line, environment, marked, read_line, run, start

DAEMON = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        {extra}
        time.sleep(60)
    os._exit(0)
os.wait()
"""


def _marker() -> str:
    return f"marker-{os.getpid()}-{time.monotonic_ns()}"


def test_what_a_command_leaves_in_its_group_is_stopped() -> None:
    # GIVEN a command that leaves two processes behind
    marker = _marker()
    # WHEN it ends
    result = run("sh", "-c", "sleep 60 & sleep 60 & exit 6", env=environment(MARKER=marker))
    # THEN they are gone, at once, and the exit code is the command's
    assert result.returncode == 6
    assert marked(marker) == []
    assert end_line(result.stderr)["seconds"] < 50


def test_a_daemon_in_a_session_of_its_own_is_stopped() -> None:
    # GIVEN a command whose daemon has left the group and the session
    marker = _marker()
    # WHEN it ends
    result = run("python3", "-c", DAEMON.format(extra=""), env=environment(MARKER=marker))
    # THEN the daemon is gone too
    assert result.returncode == 0
    assert marked(marker) == []


def test_a_daemon_that_ignores_the_stop_is_killed_when_the_grace_is_over() -> None:
    # GIVEN a daemon that ignores SIGTERM
    marker = _marker()
    program = DAEMON.format(extra="signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    # WHEN the command ends
    started = time.monotonic()
    result = run("--grace-seconds=0.5", "python3", "-c", program, env=environment(MARKER=marker))
    # THEN it has its grace, and no more
    assert result.returncode == 0
    assert marked(marker) == []
    assert time.monotonic() - started < 60
    assert "reason" not in end_line(result.stderr)


def test_zombies_are_reaped_while_the_command_runs() -> None:
    # GIVEN a command that makes orphans which end at once
    program = "for i in 1 2 3 4 5 6 7 8 9 10; do (sh -c 'sleep 0.05' &) ; done; sleep 0.5; echo ready; read x"
    process = start("sh", "-c", program, stdin=-1)
    read_line(process)
    # WHEN they have ended
    deadline = time.monotonic() + 30
    while len(states := _children_states(process.pid)) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.communicate(b"go on\n", timeout=120)
    # THEN the runner has taken them away
    assert len(states) == 1
    assert "Z" not in states
    assert process.returncode == 0


def _children_states(pid: int) -> list[str]:
    states = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                states.append(fields[0])
    assert states, "the command itself is there"
    return states
