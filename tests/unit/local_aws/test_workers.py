"""A function's process that is at work when the function is updated ends its invocation first."""

from __future__ import annotations

import threading
import time

from batchtab.local_aws.workers import Workers

KEY = "000000000000:eu-west-1:alerts:$LATEST"
OTHER = "000000000000:eu-west-1:other:$LATEST"


class Worker:
    def __init__(self, *, in_use: bool) -> None:
        self.in_use = in_use
        self.killed = threading.Event()

    def kill(self) -> None:
        self.killed.set()


def workers(pool: dict[str, list[Worker]]) -> Workers:
    """Workers with ministack's removal, which ends all that the pool has."""

    def end(key: str) -> None:
        for worker in pool.pop(key, []):
            worker.kill()

    def invalidate(func_name: str, **_: object) -> None:
        for key in [key for key in pool if func_name in key]:
            end(key)

    return Workers(pool, threading.Lock(), invalidate, lambda: [end(key) for key in list(pool)])  # type: ignore[arg-type,return-value]


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
    assert busy.killed.wait(5)
    assert not other.killed.is_set()


def test_at_the_end_all_are_ended() -> None:
    busy = Worker(in_use=True)
    found = workers({KEY: [busy]})
    found.invalidate("alerts")
    found.reset()
    assert busy.killed.is_set()
