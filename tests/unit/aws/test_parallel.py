"""Calls that are made several at once."""

from __future__ import annotations

import threading

import pytest

from batchtab.aws.parallel import AT_ONCE, NAME, mapped, started


def calls() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == NAME]


def test_results_come_in_the_order_of_the_items() -> None:
    first = threading.Event()

    def call(item: int) -> int:
        if item == 0:  # ends after the second
            assert first.wait(30)
        if item == 1:
            first.set()
        return item * 2

    assert mapped(call, range(20)) == [item * 2 for item in range(20)]


def test_no_more_than_allowed_run_at_once() -> None:
    lock, running, most = threading.Lock(), [0], [0]

    def call(_: int) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.005)
        with lock:
            running[0] -= 1

    mapped(call, range(60))
    assert 1 < most[0] <= AT_ONCE


def test_ctrl_c_waits_for_no_answer() -> None:
    # GIVEN a call that is not answered
    answered, ended = threading.Event(), threading.Event()

    def call() -> None:
        answered.wait(30)
        ended.set()

    # WHEN Ctrl-C is pressed THEN it goes on at once, and a daemon thread does not keep the process
    with pytest.raises(KeyboardInterrupt), started([call]):
        raise KeyboardInterrupt
    assert not ended.is_set()
    assert all(thread.daemon for thread in calls())
    answered.set()
    assert ended.wait(30)
    for thread in calls():
        thread.join(30)


def test_after_an_error_no_call_goes_on() -> None:
    has_failed = threading.Event()

    def call(item: int) -> None:
        if item == 0:
            has_failed.set()
            raise LookupError("gone")
        assert has_failed.wait(30)

    with pytest.raises(LookupError, match="gone"):
        mapped(call, range(500), at_once=2)
    assert calls() == []
