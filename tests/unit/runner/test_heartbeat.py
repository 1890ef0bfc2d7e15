"""Pings to a monitor, against a small HTTP server."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from tests.unit.runner.harness import environment, lines, run, start
from tests.unit.runner.list_jobs_server import job_environment, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

HANG_SECONDS = 120
RUN_ID = "7f1c7a3e-90ab-4cde-8123-0123456789ab"


class Monitor:
    """What a monitor heard, and how it answers."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.status = 200
        self.hang = threading.Event()
        self.hang.set()
        self.url = ""


@contextmanager
def _monitor() -> Iterator[Monitor]:
    monitor = Monitor()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            monitor.heard.append((self.path, body))
            monitor.hang.wait(HANG_SECONDS)
            try:
                self.send_response(monitor.status)
                self.end_headers()
            except OSError:
                pass

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Listener(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that has gone away."""

    with Listener(("127.0.0.1", 0), Handler) as listener:
        monitor.url = f"http://127.0.0.1:{listener.server_address[1]}/ping/id"
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield monitor
        finally:
            monitor.hang.set()
            listener.shutdown()
            thread.join()


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    with _monitor() as monitor:
        yield monitor


def _pings(monitor: Monitor, rest: str = "") -> dict[str, str]:
    """The variables of a job with a monitor, and the longest wait for it: this one answers from a test's thread."""
    return {"BATCHTAB_HEARTBEAT_URL": monitor.url + rest, "BATCHTAB_HEARTBEAT_TIMEOUT_SECONDS": "60"}


@pytest.mark.parametrize(("code", "end"), [(0, "/ping/id"), (3, "/ping/id/fail"), (143, "/ping/id/fail")])
def test_start_and_end_are_pinged_in_order_with_one_run_id(monitor: Monitor, code: int, end: str) -> None:
    # GIVEN a job on Batch with a monitor
    env = environment(**_pings(monitor), AWS_BATCH_JOB_ID=RUN_ID)
    # WHEN it ends
    result = run("sh", "-c", f"exit {code}", env=env)
    # THEN the monitor has heard both, and can pair them
    assert result.returncode == code
    assert [path for path, _ in monitor.heard] == [f"/ping/id/start?rid={RUN_ID}", f"{end}?rid={RUN_ID}"]
    assert f"exit code {code}" in monitor.heard[1][1]


@pytest.mark.slow
def test_the_command_does_not_wait_for_the_first_ping(monitor: Monitor) -> None:
    # GIVEN a monitor that does not answer
    monitor.hang.clear()
    started = time.monotonic()
    # WHEN a job starts
    process = start(
        "--heartbeat-url", monitor.url, "--heartbeat-timeout-seconds", "60", "sh", "-c", "echo here; exit 5"
    )
    assert process.stdout is not None
    process.stdout.readline()
    # THEN its command runs at once
    assert time.monotonic() - started < HANG_SECONDS - 5
    monitor.hang.set()
    process.communicate(timeout=60)
    assert process.returncode == 5


@pytest.mark.slow
def test_a_monitor_that_hangs_costs_a_bounded_time_and_not_the_exit_code(monitor: Monitor) -> None:
    # GIVEN a monitor that does not answer
    monitor.hang.clear()
    # WHEN a job runs
    process = start("--heartbeat-url", monitor.url, "--heartbeat-timeout-seconds", "2", "sh", "-c", "exit 5")
    _, stderr = process.communicate(timeout=HANG_SECONDS - 5)
    # THEN it ends in time, as it would without
    assert process.returncode == 5
    assert [line["batchtab"] for line in lines(stderr)] == ["start", "end", "warning", "warning"]
    assert "no answer in 2 s" in lines(stderr)[-1]["reason"] or "timed out" in lines(stderr)[-1]["reason"]


def test_a_monitor_that_answers_an_error_does_not_fail_the_job(monitor: Monitor) -> None:
    # GIVEN a monitor with a fault
    monitor.status = 500
    # WHEN a job succeeds
    result = run("true", env=environment(**_pings(monitor)))
    # THEN it has succeeded
    assert result.returncode == 0
    assert [line.get("reason", "") for line in lines(result.stderr)][-1].endswith("failed: status 500")


def test_a_command_that_cannot_start_is_a_failure_without_a_start(monitor: Monitor) -> None:
    # WHEN there is no such command
    result = run("no-such-program", env=environment(**_pings(monitor)))
    # THEN the monitor hears of the failure, with the reason
    assert result.returncode == 127
    ((path, body),) = monitor.heard
    assert path == "/ping/id/fail"
    assert "not found" in body


def test_a_run_that_gives_way_pings_nothing(monitor: Monitor) -> None:
    # GIVEN an earlier run
    with serve() as batch:
        batch.add("first", created_at=1)
        batch.add("me", created_at=2)
        env = environment(**job_environment(batch.endpoint, "me"), **_pings(monitor))
        # WHEN this one gives way
        result = run("true", env=env)
    # THEN the monitor hears neither a success that was none, nor a failure
    assert result.returncode == 0
    assert lines(result.stderr)[-1]["skipped"] is True
    assert monitor.heard == []


def test_a_url_with_a_query_keeps_it(monitor: Monitor) -> None:
    # GIVEN a URL with a query
    env = environment(**_pings(monitor, "/?create=1"), AWS_BATCH_JOB_ID=RUN_ID)
    # WHEN a job runs
    run("true", env=env)
    # THEN the path grows, not the query
    assert monitor.heard[0][0] == f"/ping/id/start?create=1&rid={RUN_ID}"
