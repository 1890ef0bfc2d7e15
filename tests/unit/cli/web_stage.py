"""The pages of `batchtab web` on a real port, over an AWS in memory, and a client with a browser's headers."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.unit.cli.listing_aws import FakeAws, Refusal

from batchtab.cli.web.place import Place
from batchtab.cli.web.server import Server

ON_CALL = "arn:aws:sts::000000000000:assumed-role/on-call/jane"


class WebAws(FakeAws):
    """The AWS of `listing_aws` with what the buttons and logs call, too.

    Attributes:
        streams: The lines of each log stream.
        terminated: The reason of each job that was.
        asked: What the submit function was asked.
        answer: What it answers.
        letters: The messages of each queue of SQS.
        hidden: Those that somebody has received.
        refused: Words of events that the alert function does not take.
    """

    def __init__(self) -> None:
        super().__init__()
        self.streams: dict[str, list[str]] = {}
        self.terminated: dict[str, str] = {}
        self.submitted: list[dict[str, Any]] = []
        self.asked: list[Any] = []
        self.letters: dict[str, list[dict[str, Any]]] = {}
        self.hidden: set[str] = set()
        self.refused = ""
        self.answer: Callable[[Any], dict[str, Any]] = lambda _: {"outcome": "submitted"}

    def sts_GetCallerIdentity(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"Account": "000000000000", "Arn": ON_CALL, "UserId": "x"}

    def batch_TerminateJob(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.terminated[request["jobId"]] = request["reason"]
        self.jobs[request["jobId"]] |= {"status": "FAILED", "statusReason": request["reason"], "stoppedAt": 99}
        return {}

    def batch_SubmitJob(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.submitted.append(request)
        made = self.add(900 + len(self.submitted), request["jobName"], "SUBMITTED")
        return {"jobId": made, "jobName": request["jobName"]}

    def events_DisableRule(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.rules[request["Name"]] = "DISABLED"
        return {}

    def events_EnableRule(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.rules[request["Name"]] = "ENABLED"
        return {}

    def lambda_Invoke(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.asked.append(request)
        if self.refused and self.refused in json.dumps(request):
            return {"FunctionError": "Unhandled", "Payload": _Body(b'{"errorMessage": "the webhook answered 503"}')}
        return {"Payload": _Body(json.dumps(self.answer(request)).encode())}

    def logs_GetLogEvents(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        if request["logStreamName"] not in self.streams:
            raise Refusal("ResourceNotFoundException")
        lines = self.streams[request["logStreamName"]]
        token = request.get("nextToken", "")
        is_back = token.startswith("b")  # at the beginning there is nothing before, and the same token
        begin = int(token[1:]) if token else max(0, len(lines) - request.get("limit", 10_000))
        events = [{"timestamp": 1, "message": line, "ingestionTime": 1} for line in ([] if is_back else lines[begin:])]
        return {"events": events, "nextForwardToken": f"f{len(lines)}", "nextBackwardToken": token if is_back else "b0"}

    def logs_FilterLogEvents(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"events": []}

    def sqs_GetQueueUrl(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        if request["QueueName"] not in self.letters:
            raise Refusal("AWS.SimpleQueueService.NonExistentQueue")
        return {"QueueUrl": f"http://127.0.0.1:9/000000000000/{request['QueueName']}"}

    def add_letter(self, queue: str, body: Any, **said: str) -> None:
        """A message in a queue, with attributes."""
        there = self.letters.setdefault(f"{self.prefix}-{queue}", [])
        number = f"{queue}-{len(there)}"
        attributes = {name: {"DataType": "String", "StringValue": text} for name, text in said.items()}
        sent = {"SentTimestamp": "1796000000000"}
        there.append(
            {
                "MessageId": number,
                "ReceiptHandle": number,
                "Body": json.dumps(body),
                "MessageAttributes": attributes,
                "Attributes": sent,
            }
        )

    def sqs_ReceiveMessage(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        there = self.letters[request["QueueUrl"].rpartition("/")[2]]
        found = [each for each in there if each["MessageId"] not in self.hidden][:10]
        self.hidden |= {each["MessageId"] for each in found}
        return {"Messages": found}

    def sqs_ChangeMessageVisibilityBatch(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.hidden -= {each["ReceiptHandle"] for each in request["Entries"]}
        return {"Successful": [], "Failed": []}

    def sqs_DeleteMessage(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.hidden.discard(request["ReceiptHandle"])
        for queue in self.letters.values():
            queue[:] = [each for each in queue if each["ReceiptHandle"] != request["ReceiptHandle"]]
        return {}

    def s3_GetObject(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        raise Refusal("NoSuchKey", status=404)

    def dynamodb_GetItem(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {}


class _Body:
    """What botocore gives for a streaming body."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self) -> bytes:
        return self._content


@dataclass
class Answer:
    status: int
    text: str
    headers: dict[str, str]

    @property
    def body(self) -> str:
        """The text between the tags of `main`."""
        return self.text.partition("<main")[2]


@dataclass
class Browser:
    """Sends what a browser would."""

    server: Server
    reports: list[str]
    cookie: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return self.server.keys.port

    def get(self, path: str, **headers: str) -> Answer:
        return self._send("GET", path, "", headers)

    def post(
        self, path: str, fields: dict[str, str] | None = None, *, csrf: str | None = None, **headers: str
    ) -> Answer:
        token = self.server.keys.csrf if csrf is None else csrf
        given = {"Origin": f"http://127.0.0.1:{self.port}", "Content-Type": "application/x-www-form-urlencoded"}
        return self._send("POST", path, urlencode({"csrf": token, **(fields or {})}), {**given, **headers})

    def click(self, path: str, **fields: str) -> Answer:
        """Sends a form, and goes where the answer leads."""
        answer = self.post(path, fields)
        assert answer.status == 303, (answer.status, answer.text)
        return self.get(answer.headers["location"])

    def enter(self) -> Answer:
        answer = self.get(f"/?token={self.server.keys.token}")
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def _send(self, method: str, path: str, body: str, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"Cookie": self.cookie, **self.headers, **named}
        try:
            connection.request(method, path, body or None, {name: value for name, value in given.items() if value})
            response = connection.getresponse()
            return Answer(
                response.status,
                response.read().decode(),
                {name.lower(): value for name, value in response.getheaders()},
            )
        finally:
            connection.close()


@contextmanager
def serving(root: Path) -> Iterator[Browser]:
    """The pages of the stage `local` of a project."""
    reports: list[str] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = Server(Place("local", root), listener, reports.append)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield Browser(server, reports)
        finally:
            server.stop()
            thread.join(120)
            assert not thread.is_alive()


def words(answer: Answer) -> str:
    """What a page's main part says, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.body).split())
