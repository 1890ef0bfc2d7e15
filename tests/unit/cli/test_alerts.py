from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from batchtab.aws.client import Aws
from batchtab.aws.dead_letters import DeadLetter, DeadLetters, RefusedError
from batchtab.cli.jobs import alerts
from batchtab.cli.main import main

EVENT = {
    "source": "aws.batch",
    "detail-type": "Batch Job State Change",
    "detail": {"jobName": "billing-invoice", "status": "FAILED", "jobId": "0f1e"},
}


def letter(number: int, body: Any = EVENT, error: str = "the webhook answered 503") -> DeadLetter:
    text = body if isinstance(body, str) else json.dumps(body)
    return DeadLetter(str(number), f"receipt {number}", text, error, 1_772_000_000_000)


class Queue:
    """A dead-letter queue in memory; `refused` are the ids that the function does not take."""

    queue_name = "batchtab-local-job-alerts-dead-letter"

    def __init__(self, count: int, refused: set[str] | None = None) -> None:
        self.here = [letter(number) for number in range(count)]
        self.hidden: list[DeadLetter] = []
        self.refused = refused or set()
        self.delivered: list[str] = []
        self.deleted: set[str] = set()

    def receive(self) -> list[DeadLetter]:
        batch, self.here = self.here[:10], self.here[10:]
        self.hidden += batch
        return batch

    def deliver(self, one: DeadLetter) -> str:
        if one.id in self.refused:
            raise RefusedError("the webhook answered 503")
        self.delivered.append(one.id)
        return "told 1"

    def delete(self, one: DeadLetter) -> None:
        assert one.id in self.delivered, "deleted before it was told"
        self.hidden.remove(one)
        self.deleted.add(one.id)

    def release(self, letters: list[DeadLetter]) -> None:
        for one in letters:
            self.hidden.remove(one)
            self.here.append(one)


def send_again(queue: Any, limit: int = 1000) -> int:
    return alerts.send_again(queue, limit)


def test_what_is_sent_is_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN more messages than SQS gives at once
    queue = Queue(23)
    # WHEN they are told again
    status = send_again(queue)
    # THEN each was told once and deleted, and it is said
    assert status == 0
    assert sorted(queue.delivered, key=int) == [str(number) for number in range(23)]
    assert (queue.here, queue.hidden) == ([], [])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == ("2026-02-25T06:13:20Z  billing-invoice FAILED 0f1e [the webhook answered 503]: told 1")
    assert lines[-1] == "batchtab-local-job-alerts-dead-letter: 23 sent and deleted, 0 refused and kept"


def test_what_is_refused_stays_and_does_not_hold_up_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a message that the function does not take
    queue = Queue(12, refused={"3"})
    # WHEN all are told again
    status = send_again(queue)
    # THEN the others are told, and that one is there for others
    assert status == 1
    assert [one.id for one in queue.here] == ["3"]
    assert not queue.hidden
    said = capsys.readouterr()
    assert "refused: the webhook answered 503" in said.err
    assert said.out.splitlines()[-1].endswith("11 sent and deleted, 1 refused and kept")


def test_a_second_run_tells_the_rest() -> None:
    # GIVEN a run after which one was left
    queue = Queue(12, refused={"3"})
    send_again(queue)
    # WHEN Slack takes it
    queue.refused = set()
    # THEN the second run tells that one, and no other again
    assert send_again(queue) == 0
    assert len(queue.delivered) == len(set(queue.delivered)) == 12


def test_it_stops_where_nothing_is_taken() -> None:
    # GIVEN a Slack that is still away
    queue = Queue(200, refused={str(number) for number in range(200)})
    # WHEN they are told again
    status = send_again(queue)
    # THEN one handful was tried, and all are there
    assert status == 1
    assert (len(queue.here), queue.hidden) == (200, [])


def test_a_limit_holds() -> None:
    queue = Queue(23)
    assert send_again(queue, 15) == 0
    assert len(queue.deleted) == 15
    assert (len(queue.here), queue.hidden) == (8, [])


def test_an_interrupted_run_loses_nothing() -> None:
    # GIVEN a run that is cut off at its fifth message
    queue = Queue(10)
    deliver = queue.deliver

    def cut(one: DeadLetter) -> str:
        if one.id == "5":
            raise KeyboardInterrupt
        return deliver(one)

    queue.deliver = cut  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        send_again(queue)
    # THEN what was not told is not deleted
    assert queue.deleted == set(queue.delivered)
    assert {one.id for one in [*queue.here, *queue.hidden]} == {str(number) for number in range(10)} - queue.deleted


def test_a_list_leaves_all_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a queue
    queue: Any = Queue(12)
    # WHEN it is listed
    alerts.show(queue, 100)
    # THEN every message is shown, and there for others
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 13
    assert lines[-1] == "batchtab-local-job-alerts-dead-letter: 12 alerts not delivered"
    assert (len(queue.here), queue.hidden, queue.delivered) == (12, [], [])


def test_a_list_says_where_it_was_cut(capsys: pytest.CaptureFixture[str]) -> None:
    queue: Any = Queue(12)
    alerts.show(queue, 3)
    assert "3 alerts not delivered (--limit 3: there may be more)" in capsys.readouterr().out
    assert (len(queue.here), queue.hidden) == (12, [])


def test_an_empty_queue_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    queue: Any = Queue(0)
    alerts.show(queue, 100)
    assert capsys.readouterr().out == "batchtab-local-job-alerts-dead-letter: empty\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({**EVENT, "detail-type": "Batch Job Queue Blocked"}, "billing-invoice blocks its queue 0f1e"),
        ({"requestContext": {}, "requestPayload": EVENT}, "billing-invoice FAILED 0f1e"),
        ({"batchtab": "kept", "job": json.dumps({"name": "a-b", "status": "FAILED", "job_id": "7"})}, "a-b FAILED 7"),
        ({"batchtab": "sweep"}, "the sweep, which comes each minute"),
        ("no JSON\x1b[2J", "an event that names no job"),
        ({"detail": {"jobName": "a\x1b[2Jb", "status": "FAILED"}}, "a [2Jb FAILED"),
    ],
)
def test_a_message_is_one_line_whoever_put_it_there(body: Any, expected: str) -> None:
    assert alerts.describe(letter(1, body, "")).split("  ", 1)[1].strip() == expected


# --- the calls


@pytest.fixture
def letters() -> DeadLetters:
    return DeadLetters(Aws("ap-northeast-2", "http://127.0.0.1:9"), "batchtab-prod")


def answer(body: str) -> StreamingBody:
    import io  # noqa: PLC0415

    return StreamingBody(io.BytesIO(body.encode()), len(body))


def test_messages_are_received_hidden_for_longer_than_the_function_runs(letters: DeadLetters) -> None:
    with Stubber(letters._sqs) as stub:
        stub.add_response(
            "get_queue_url", {"QueueUrl": "https://q"}, {"QueueName": "batchtab-prod-job-alerts-dead-letter"}
        )
        message = {
            "MessageId": "1",
            "ReceiptHandle": "r",
            "Body": "{}",
            "Attributes": {"SentTimestamp": "1772000000000"},
            "MessageAttributes": {"ErrorMessage": {"StringValue": "it failed", "DataType": "String"}},
        }
        wanted = {"QueueUrl": "https://q", "MaxNumberOfMessages": 10, "WaitTimeSeconds": 2, "VisibilityTimeout": 180}
        wanted |= {"MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["SentTimestamp"]}
        stub.add_response("receive_message", {"Messages": [message]}, wanted)
        assert letters.receive() == [DeadLetter("1", "r", "{}", "it failed", 1_772_000_000_000)]


def test_the_function_gets_the_event_as_it_came_and_says_what_became_of_it(letters: DeadLetters) -> None:
    with Stubber(letters._lambda) as stub:
        wanted = {"FunctionName": "batchtab-prod-job-alerts", "InvocationType": "RequestResponse"}
        stub.add_response(
            "invoke", {"Payload": answer('{"outcome": "told 1"}')}, {**wanted, "Payload": json.dumps(EVENT).encode()}
        )
        assert letters.deliver(letter(1)) == "told 1"


def test_a_function_that_fails_has_refused(letters: DeadLetters) -> None:
    with Stubber(letters._lambda) as stub:
        failed = {"FunctionError": "Unhandled", "Payload": answer('{"errorMessage": "the webhook answered 503"}')}
        stub.add_response("invoke", failed, {"FunctionName": ANY, "InvocationType": ANY, "Payload": ANY})
        with pytest.raises(RefusedError, match="503"):
            letters.deliver(letter(1))
        stub.add_client_error("invoke", "TooManyRequestsException", "Rate Exceeded.")
        with pytest.raises(RefusedError, match="Rate Exceeded"):
            letters.deliver(letter(1))


def test_a_queue_that_is_not_there_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a stage that is not deployed
    def missing(_: DeadLetters) -> str:
        raise LookupError("q")

    monkeypatch.setattr(DeadLetters, "url", missing)
    # WHEN its alerts are listed
    status = main(["alerts", "list", "--stage", "local"])
    # THEN one line says so
    assert status == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "batchtab: alerts: there is no queue batchtab-local-job-alerts-dead-letter in ap-northeast-2"
    )
