"""What ECS says about a container, from a server that does not always answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from batchtab.runner import container_metadata
from batchtab.runner.lambda_event import Place, made

CUT = '{"TaskARN": '
ARN = "arn:aws-cn:ecs:cn-north-1:123456789012:container/abc"


class Metadata(ThreadingHTTPServer):
    """ECS's endpoint; the first answers are those of `refuses`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.refuses: list[tuple[int, str]] = []
        self.asked: list[str] = []
        self.environment = {"ECS_CONTAINER_METADATA_URI_V4": f"http://127.0.0.1:{self.server_port}/v4/abc"}


class _Handler(BaseHTTPRequestHandler):
    server: Metadata

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        about = {"TaskARN": "t"} if self.path.endswith("/task") else {"ContainerARN": ARN}
        status, body = self.server.refuses.pop(0) if self.server.refuses else (200, json.dumps(about))
        self.send_response(status)
        if body == CUT:
            self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> Iterator[Metadata]:
    monkeypatch.setattr(container_metadata, "_PAUSES_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(container_metadata, "_TIMEOUT_SECONDS", 60)
    with Metadata() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("refuses", [[], [(503, "")], [(500, "{}"), (200, "no JSON")], [(200, CUT), (200, CUT)]])
def test_it_is_asked_for_up_to_three_times(metadata: Metadata, refuses: list[tuple[int, str]]) -> None:
    tries = len(refuses) + 1
    metadata.refuses = refuses
    assert container_metadata.read(metadata.environment, "/task") == {"TaskARN": "t"}
    assert metadata.asked == ["/v4/abc/task"] * tries


@pytest.mark.parametrize("answer", [(500, "{}"), (200, "no JSON"), (200, "[1]")])
def test_without_a_useful_answer_there_is_nothing(metadata: Metadata, answer: tuple[int, str]) -> None:
    metadata.refuses = [answer] * 3
    assert container_metadata.read(metadata.environment) == {}
    assert len(metadata.asked) <= 3


def test_outside_ecs_nobody_is_asked() -> None:
    assert container_metadata.read({}) == {}


def test_arns_are_of_the_containers_partition(metadata: Metadata) -> None:
    # GIVEN a container in China WHEN its event is made
    event: dict[str, Any] = made(None, "rule/nightly", Place(metadata.environment), {})
    # THEN the rule is there, too
    assert event["resources"] == ["arn:aws-cn:events:cn-north-1:123456789012:rule/nightly"]
