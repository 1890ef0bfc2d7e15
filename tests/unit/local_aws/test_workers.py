"""A function's process that is at work when the function is updated ends its invocation first."""

from __future__ import annotations

import threading
import time

from batchtab.local_aws.workers import Workers

KEY = "000000000000:eu-west-1:alerts:$LATEST"
OTHER = "000000000000:eu-west-1:other:$LATEST"


class Process:
    status: int | None = None

    def poll(self) -> int | None:
        return self.status


class Worker:
    def __init__(self, *, in_use: bool) -> None:
        self.in_use = in_use
        self._proc = Process()
        self.killed = threading.Event()


def workers(pool: dict[str, list[Worker]]) -> Workers:
    """Workers with what ministack has."""

    def kill(some: list[Worker]) -> None:
        for worker in some:
            worker.killed.set()

    return Workers(pool, threading.Lock(), kill, lambda: None)  # type: ignore[arg-type]


def test_a_process_at_work_ends_after_its_invocation() -> None:
    # GIVEN a function with a process that works and one that waits
    busy, idle, other = Worker(in_use=True), Worker(in_use=False), Worker(in_use=True)
    pool = {KEY: [busy, idle], OTHER: [other]}
    # WHEN the function is updated
    workers(pool).invalidate("alerts", qualifier="$LATEST")
    # THEN the one that waits is ended, and none is left for the next invocation
    assert idle.killed.is_set()
    assert pool == {OTHER: [other]}
    # AND the other one goes on to the end of its invocation
    time.sleep(0.3)
    assert not busy.killed.is_set()
    busy.in_use = False
    assert busy.killed.wait(60)
    assert not other.killed.is_set()


def test_at_the_end_all_are_ended() -> None:
    busy = Worker(in_use=True)
    found = workers({KEY: [busy]})
    found.invalidate("alerts")
    found.reset()
    assert busy.killed.is_set()


def test_a_process_that_died_is_not_waited_for() -> None:
    # GIVEN a process that ministack has marked as at work, and that is gone
    worker = Worker(in_use=True)
    worker._proc.status = 1
    # WHEN it is removed THEN that is done at once
    workers({KEY: [worker]}).invalidate("alerts")
    assert worker.killed.is_set()
