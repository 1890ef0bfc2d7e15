"""The watch over a command when the machine pauses it: no process of this machine takes part."""

from __future__ import annotations

from typing import Any

import pytest

from batchtab.runner import supervisor
from batchtab.runner.signals import signal
from batchtab.runner.supervisor import UNKILLABLE_SECONDS, Supervisor

CHILD, ORPHAN = 10, 11
PAUSE_SECONDS = 100.0
ENDED = (0, None)


class Machine:
    """A command that has ended and an orphan that ignores SIGTERM; each wait of the runner is a long pause."""

    def __init__(self, *, survives_kill: bool) -> None:
        self.pid = CHILD
        self.now = 0.0
        self.sent: list[int] = []
        self.kills_until_gone = -1 if survives_kill else 2

    def monotonic(self) -> float:
        return self.now

    def wait(self, _seconds: float | None) -> bytes:
        self.now += PAUSE_SECONDS if not self.sent or self.sent[-1] != signal.SIGKILL else 0.1
        return b""

    def children(self) -> list[int]:
        return [] if self.kills_until_gone == 0 else [ORPHAN]

    def kill(self, pid: int, number: int) -> None:
        assert pid == ORPHAN
        self.sent.append(number)
        if number == signal.SIGKILL:
            self.kills_until_gone -= 1

    def send(self, _number: int) -> bool:
        return False

    def ended(self, _pid: int) -> Any:
        return ENDED

    def reap(self) -> bool:
        return bool(self.children())


class CommandThatGoesOn:
    """A command that SIGTERM does not end; the runner gets two, and wakes when it asked to."""

    pid = CHILD

    def __init__(self) -> None:
        self.now = 0.0
        self.stops = [1.0, 4.0]
        self.sent: list[tuple[float, int]] = []

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float | None) -> bytes:
        if self.stops and (seconds is None or self.stops[0] <= self.now + seconds):
            self.now = self.stops.pop(0)
            return bytes([signal.SIGTERM])
        assert seconds is not None
        self.now += seconds
        return b""

    def send(self, number: int) -> bool:
        is_there = self.ended(CHILD) is None
        self.sent.append((self.now, number))
        return is_there

    def ended(self, _pid: int) -> Any:
        return ENDED if any(number == signal.SIGKILL for _, number in self.sent) else None

    def reap(self) -> bool:
        return False


def test_a_second_signal_does_not_lengthen_the_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a command that is stopped twice, three seconds apart
    command: Any = CommandThatGoesOn()
    monkeypatch.setattr(supervisor.time, "monotonic", command.monotonic)
    monkeypatch.setattr(supervisor.kernel, "children", list)  # those of the process that runs the tests are not its
    # WHEN its grace is six seconds
    assert Supervisor(command, command, command, grace_seconds=6).run(helpers=()) == ENDED
    # THEN it is killed six seconds after the first
    assert command.sent[:3] == [(1.0, signal.SIGTERM), (4.0, signal.SIGTERM), (7.0, signal.SIGKILL)]


@pytest.mark.parametrize("survives_kill", [False, True])
def test_after_sigkill_a_process_has_time_to_end_however_late_it_was_sent(
    survives_kill: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a runner that is paused for longer than the grace and the wait after it
    machine: Any = Machine(survives_kill=survives_kill)
    monkeypatch.setattr(supervisor.time, "monotonic", machine.monotonic)
    monkeypatch.setattr(supervisor.kernel, "children", machine.children)
    monkeypatch.setattr(supervisor.os, "kill", machine.kill)
    monkeypatch.setattr(supervisor.os, "getpgid", lambda pid: pid)
    # WHEN it goes on
    assert Supervisor(machine, machine, machine, grace_seconds=5).run(helpers=()) == ENDED
    # THEN it has sent SIGKILL, and waited for the end, but not for ever
    assert machine.sent[:2] == [signal.SIGTERM, signal.SIGKILL]
    assert machine.children() == ([ORPHAN] if survives_kill else [])
    assert machine.now <= PAUSE_SECONDS + UNKILLABLE_SECONDS + 1
