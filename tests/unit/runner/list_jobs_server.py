"""A small AWS Batch that knows ListJobs only, and speaks HTTP, so that the real botocore is tried."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_PER_PAGE = 100


class ListJobsServer:
    """Lists jobs by name as Batch does: newest first, case ignored, finished ones too, 100 to a page.

    `refuse` answers an error to the next calls: a list of (HTTP status, error code). `delay_seconds` is waited before
    each answer. `calls` counts, `queues` and `regions` are what was asked for.
    """

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []
        self.refuse: list[tuple[int, str]] = []
        self.delay_seconds = 0.0
        self.calls = 0
        self.queues: set[str] = set()
        self.regions: set[str] = set()
        self._lock = threading.Lock()
        self.endpoint = ""

    def add(self, job_id: str, name: str = "nightly", created_at: int = 0, status: str = "RUNNING") -> None:
        self.jobs.append({"jobId": job_id, "jobName": name, "createdAt": created_at, "status": status})

    def answer(self, request: dict[str, Any]) -> tuple[int, dict[str, Any], str]:
        with self._lock:
            self.calls += 1
            self.queues.add(request["jobQueue"])
            if self.refuse:
                status, code = self.refuse.pop(0)
                return status, {"message": f"{code} for a test"}, code
            if [entry["name"] for entry in request["filters"]] != ["JOB_NAME"] or "jobStatus" in request:
                return 400, {"message": "this server knows the filter JOB_NAME only"}, "ClientException"
            (wanted,) = request["filters"][0]["values"]
            found = [job for job in self.jobs if _matches(job["jobName"], wanted)]
        found.sort(key=lambda job: job["createdAt"], reverse=True)
        size = min(request.get("maxResults", MOST_PER_PAGE), MOST_PER_PAGE)
        begin = int(request.get("nextToken", 0))
        page: dict[str, Any] = {"jobSummaryList": found[begin : begin + size]}
        if begin + size < len(found):
            page["nextToken"] = str(begin + size)
        return 200, page, ""


def _matches(name: str, wanted: str) -> bool:
    if wanted.endswith("*"):
        return name.lower().startswith(wanted[:-1].lower())
    return name.lower() == wanted.lower()


@contextmanager
def serve(backlog: int = 128) -> Iterator[ListJobsServer]:
    """A server on a free port of the loopback interface, for as long as the context lasts."""
    server = ListJobsServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            """A container's metadata, as ECS has it at /task."""
            data = json.dumps({"TaskARN": "arn:aws:ecs:ap-northeast-2:123456789012:task/cluster/id"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            server.regions.add(self.headers["Authorization"].split("/")[2])
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(server.delay_seconds)
            status, body, code = server.answer(request)
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            if code:
                self.send_header("x-amzn-errortype", code)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Listener(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = backlog

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that was killed in the middle of its call is no error of the server."""

    with Listener(("127.0.0.1", 0), Handler) as listener:
        server.endpoint = f"http://127.0.0.1:{listener.server_address[1]}"
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


def job_environment(endpoint: str, job_id: str, name: str = "nightly", queue: str = "default") -> dict[str, str]:
    """The variables of a job on Batch whose definition asks for no overlap."""
    return {
        "AWS_BATCH_JOB_ID": job_id,
        "AWS_BATCH_JQ_NAME": queue,
        "AWS_BATCH_JOB_ATTEMPT": "1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test-secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "BATCHTAB_JOB_NAME": name,
        "BATCHTAB_CONCURRENCY_POLICY": "forbid",
    }
