"""Messages arrive, or the function says that they did not."""

from __future__ import annotations

import http.server
import io
import json
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from job_alerts.failures import DeliveryFailed
from job_alerts.notifiers import function, webhook
from shared import clients

REGION = "ap-northeast-2"
SECRET = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:slack-AbCdEf"
PARAMETER = f"arn:aws:ssm:{REGION}:123456789012:parameter/slack/webhook"
MESSAGE = {"text": "héllo"}


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_clients", {})
    monkeypatch.setattr(webhook, "_addresses", {})
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def stubbed(service: str, region: str = REGION, *, attempts: int = 3) -> Stubber:
    made: Any = boto3.client
    client = made(service, region_name=region, aws_access_key_id="x", aws_secret_access_key="x")
    clients._clients[service, region, attempts] = client
    return Stubber(client)


# --- the function that exists


def send() -> None:
    function.invoke(MESSAGE, function_name="SendToSlack", region=REGION)


def body(content: bytes) -> StreamingBody:
    return StreamingBody(io.BytesIO(content), len(content))


def test_the_function_is_invoked_and_waited_for() -> None:
    with stubbed("lambda", attempts=2) as stub:
        stub.add_response(
            "invoke",
            {"StatusCode": 200, "Payload": body(b"{}")},
            {
                "FunctionName": "SendToSlack",
                "InvocationType": "RequestResponse",
                "Payload": '{"text": "héllo"}'.encode(),
            },
        )
        send()
        stub.assert_no_pending_responses()


def test_an_error_of_the_function_is_an_error() -> None:
    with stubbed("lambda", attempts=2) as stub:
        stub.add_response(
            "invoke", {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": body(b'{"errorMessage": "no"}')}
        )
        with pytest.raises(DeliveryFailed, match=r"SendToSlack in ap-northeast-2 failed \(Unhandled\): .*no"):
            send()


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ResourceNotFoundException", "AccessDeniedException"])
def test_a_refusal_is_an_error(code: str) -> None:
    with stubbed("lambda", attempts=2) as stub:
        stub.add_client_error("invoke", code)
        with pytest.raises(DeliveryFailed, match=code):
            send()


def test_a_function_that_does_not_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN an address at which nobody answers
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with pytest.raises(DeliveryFailed, match="was not reached"):
        send()


def test_clients_have_time_outs_and_bounded_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    made = clients.client("lambda", region=REGION, connect_seconds=3, read_seconds=15, attempts=2)
    assert (made.meta.config.connect_timeout, made.meta.config.read_timeout) == (3, 15)
    assert made.meta.config.retries["total_max_attempts"] == 2
    assert clients.client("lambda", region=REGION, connect_seconds=3, read_seconds=15, attempts=2) is made


# --- the webhook


class Slack(http.server.ThreadingHTTPServer):
    """Answers with the statuses that it is given, in their order, and then 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.got: list[Any] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/T0/B0/s3cret"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Slack

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(json.loads(content))
        status, headers = self.server.answers.pop(0) if self.server.answers else (200, {})
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        said = f"no_service at {self.server.url}".encode()
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST  # noqa: N815 - the name that the server calls; a redirect would come as GET

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def slack() -> Iterator[Slack]:
    server = Slack()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def secret(slack: Slack) -> Iterator[Stubber]:
    with stubbed("secretsmanager") as stub:
        stub.add_response(
            "get_secret_value", {"ARN": SECRET, "Name": "slack", "SecretString": f"{slack.url}\n"}, {"SecretId": SECRET}
        )
        yield stub


def post(slept: list[float], remaining: float = 100.0) -> None:
    webhook.post(MESSAGE, secret_arn=SECRET, remaining_seconds=lambda: remaining, sleep=slept.append)


@pytest.mark.usefixtures("secret")
def test_a_webhook_gets_the_message_and_its_secret_is_read_once(slack: Slack) -> None:
    post([])
    post([])
    assert slack.got == [MESSAGE, MESSAGE]


@pytest.mark.usefixtures("secret")
def test_slacks_wish_to_wait_is_honoured(slack: Slack) -> None:
    slack.answers = [(429, {"Retry-After": "7"}), (429, {}), (200, {})]
    slept: list[float] = []
    post(slept)
    assert slept == [7.0, 1.0]
    assert len(slack.got) == 3


@pytest.mark.usefixtures("secret")
def test_a_wish_to_wait_beyond_the_functions_time_is_an_error(slack: Slack) -> None:
    slack.answers = [(429, {"Retry-After": "60"})]
    slept: list[float] = []
    with pytest.raises(DeliveryFailed, match="answered 429"):
        post(slept, remaining=70)
    assert slept == []


@pytest.mark.usefixtures("secret")
def test_slack_that_wants_to_wait_for_ever_is_an_error(slack: Slack) -> None:
    slack.answers = [(429, {"Retry-After": "1"})] * 3
    with pytest.raises(DeliveryFailed, match="answered 429"):
        post([])


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize("status", [302, 400, 404, 500, 503])
def test_any_other_answer_is_an_error_that_does_not_tell_the_address(slack: Slack, status: int) -> None:
    slack.answers = [(status, {"Location": "http://127.0.0.1:9/elsewhere"})]
    with pytest.raises(DeliveryFailed) as raised:
        post([])
    assert f"answered {status}" in str(raised.value)
    assert "s3cret" not in repr(raised.value)
    assert len(slack.got) == 1


def test_a_webhook_that_was_revoked_is_read_again(slack: Slack, secret: Stubber) -> None:
    slack.answers = [(404, {})]
    with pytest.raises(DeliveryFailed):
        post([])
    secret.add_response("get_secret_value", {"SecretString": slack.url})
    post([])
    secret.assert_no_pending_responses()


def test_a_webhook_where_nobody_answers_is_an_error() -> None:
    with stubbed("secretsmanager") as stub:
        stub.add_response("get_secret_value", {"SecretString": "http://127.0.0.1:9/s3cret"})
        with pytest.raises(DeliveryFailed, match="answered nothing: ConnectionRefusedError") as raised:
            post([])
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("address", [" ", "http://example.com/hook", "file:///etc/passwd", "https://a b", "{}"])
def test_a_secret_that_is_no_webhook_is_an_error_that_does_not_tell_it(address: str) -> None:
    with stubbed("secretsmanager") as stub:
        stub.add_response("get_secret_value", {"SecretString": address})
        with pytest.raises(DeliveryFailed) as raised:
            post([])
    assert str(raised.value) == f"{SECRET} does not contain the address of a webhook"


def test_a_secret_that_may_not_be_read_is_an_error() -> None:
    with stubbed("secretsmanager") as stub:
        stub.add_client_error("get_secret_value", "AccessDeniedException")
        with pytest.raises(DeliveryFailed, match=r"could not be read: .*AccessDenied"):
            post([])


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        (PARAMETER, "/slack/webhook"),
        (f"arn:aws:ssm:{REGION}:123456789012:parameter/webhook", "webhook"),
    ],
)
def test_the_address_may_stand_in_a_parameter(slack: Slack, arn: str, name: str) -> None:
    with stubbed("ssm") as stub:
        stub.add_response("get_parameter", {"Parameter": {"Value": slack.url}}, {"Name": name, "WithDecryption": True})
        webhook.post(MESSAGE, secret_arn=arn, remaining_seconds=lambda: 60.0)
    assert slack.got == [MESSAGE]
