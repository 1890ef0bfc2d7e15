from __future__ import annotations

import contextvars
import json
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from batchtab.local_aws import functions
from batchtab.local_aws.functions import Invocations, dead_letter

FUNCTION = {"config": {"FunctionArn": "arn:aws:lambda:x:1:function:f"}}


class Lambda:
    """ministack's part: a thread for each asynchronous invocation, three attempts, a limit that fails an attempt."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.running = self.most = self.attempts = 0
        self.done: list[Any] = []
        self.retry_seconds: list[float] = []
        self.threads: list[threading.Thread] = []
        self.lock = threading.Lock()
        self.parts = Invocations(self.invoke_async, self.execute, self.retry_seconds.append, at_once=3)

    def invoke_async(self, func: Any, event: Any) -> None:
        def run() -> None:
            for _ in range(3):
                if not self.parts.execute(func, event).get("error"):
                    self.done.append(event)
                    return

        context = contextvars.copy_context()
        self.threads.append(threading.Thread(target=context.run, args=(run,)))
        self.threads[-1].start()

    def execute(self, func: Any, event: Any) -> dict[str, Any]:
        with self.lock:
            self.attempts += 1
            if self.running >= self.limit:
                return {"error": True, "throttle": True}
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            if event == "nested":
                return self.parts.execute(func, "inner")
            time.sleep(0.005)
            return {"error": event == "bad"}
        finally:
            with self.lock:
                self.running -= 1

    def join(self) -> None:
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()


def test_a_burst_is_run_few_at_a_time_and_whole() -> None:
    # GIVEN a burst
    made = Lambda(limit=100)
    for number in range(40):
        made.parts.invoke_async(FUNCTION, number)
    made.join()
    # THEN all are run, three at once at most
    assert sorted(made.done) == list(range(40))
    assert made.most <= 3


def test_what_is_throttled_waits_and_is_no_failed_attempt() -> None:
    # GIVEN a function with a concurrency of its own that is below the bound
    made = Lambda(limit=1)
    for number in range(6):
        made.parts.invoke_async(FUNCTION, number)
    made.join()
    # THEN every event was run all the same
    assert sorted(made.done) == list(range(6))


def test_a_failed_attempt_is_made_again_in_its_turn() -> None:
    made = Lambda(limit=100)
    made.parts.invoke_async(FUNCTION, "bad")
    made.join()
    assert (made.attempts, made.done) == (3, [])


def test_ministack_may_call_itself() -> None:
    # GIVEN as many that call themselves as may run at once
    made = Lambda(limit=100)
    for _ in range(3):
        made.parts.invoke_async(FUNCTION, "nested")
    made.join()
    # THEN none waits for itself
    assert made.done == ["nested"] * 3


def test_a_caller_who_waits_for_the_answer_is_told_of_the_limit() -> None:
    made = Lambda(limit=0)
    assert made.parts.execute(FUNCTION, 1)["throttle"]
    assert made.attempts == 1


def test_all_attempts_of_an_invocation_have_its_request_id() -> None:
    # GIVEN a function that fails, and notes under which id it runs
    made = Lambda(limit=100)
    seen: dict[str, set[str]] = {}
    execute = made.execute

    def note(func: Any, event: Any) -> dict[str, Any]:
        seen.setdefault(event, set()).add(made.parts.request_id("made by ministack"))
        return execute(func, event)

    made.parts._execute = note
    # WHEN two events are given up, and somebody waits for an answer
    made.parts.invoke_async(FUNCTION, "bad")
    made.parts.invoke_async(FUNCTION, "nested")
    made.join()
    made.parts.execute(FUNCTION, "waited for")
    # THEN three attempts had one id, another invocation another, and who waits has ministack's
    assert made.attempts > 3
    assert [len(ids) for ids in seen.values()] == [1, 1, 1, 1]
    assert seen["bad"] != seen["nested"]
    assert seen["waited for"] == {"made by ministack"}


def test_a_walk_waits_for_what_was_just_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN an invocation that is under way
    made, gate = Lambda(limit=100), threading.Event()
    made.parts._execute = lambda _func, _event: {"error": not gate.wait(60)}
    assert not made.parts.unsettled()
    made.parts.invoke_async(FUNCTION, 1)
    # THEN it is waited for, until it has ended
    assert made.parts.unsettled()
    gate.set()
    made.join()
    assert not made.parts.unsettled()
    # AND one that takes long is not
    monkeypatch.setattr(functions, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    made.parts._asked["long"] = 997.0
    assert made.parts.unsettled()
    made.parts._asked["long"] -= 2.5
    assert not made.parts.unsettled()


def test_the_wait_before_a_retry_is_awss_and_can_be_changed() -> None:
    made = Lambda(limit=1)
    made.parts.retry_seconds = 2.0
    assert made.retry_seconds == [60.0, 2.0]


def test_invocation_is_under_way_until_its_last_attempt() -> None:
    # GIVEN no invocation, one that succeeds and one that fails three times
    made, gate = Lambda(limit=100), threading.Event()
    made.parts._execute = lambda func, event: (gate.wait(60), made.execute(func, event))[1]
    assert made.parts.under_way() == 0
    for event in ("good", "bad"):
        made.parts.invoke_async(FUNCTION, event)
    # THEN both are under way until their threads have ended
    assert made.parts.under_way() == 2
    gate.set()
    made.join()
    assert made.parts.under_way() == 0


def test_a_dead_letter_is_the_event_itself_with_the_error_beside_it() -> None:
    body, attributes = dead_letter({"a": 1}, {"error": True, "body": {"errorMessage": "x" * 2000}}, "request-1")
    assert json.loads(body) == {"a": 1}
    assert attributes == {"RequestID": "request-1", "ErrorCode": "200", "ErrorMessage": "x" * 1024}
    assert dead_letter([], {"body": "no JSON"}, "")[1]["ErrorMessage"] == ""
