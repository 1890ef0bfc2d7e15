"""The CLI's calls about alerts: SQS for the queue of those that were not delivered, Lambda to try them again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from batchtab.aws.client import Aws

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

_BATCH = 10  # SQS's most
_WAIT_SECONDS = 2  # asks all of SQS's servers, where a short poll asks some
# Longer than the alert function may run (two minutes), so that nobody else gets a message while it is tried.
_HIDDEN_SECONDS = 180
_FUNCTION_SECONDS = 130


class RefusedError(Exception):
    """The alert function did not take an event."""


@dataclass(frozen=True)
class DeadLetter:
    """An event that was not delivered, as it is in the queue.

    `error` is what Lambda or EventBridge noted beside it; `sent_ms` is when it came into the queue.
    """

    id: str
    receipt: str
    body: str
    error: str
    sent_ms: int


class DeadLetters:
    """The dead-letter queue of a stage's alerts, and the function that sends them.

    A message that is received is hidden from others for three minutes; after that, or after `release`, it is there
    again. Only `delete` removes it.
    """

    def __init__(self, aws: Aws, prefix: str) -> None:
        self.function_name = f"{prefix}-job-alerts"
        self.queue_name = f"{prefix}-job-alerts-dead-letter"
        self._sqs: SQSClient = aws.client("sqs")
        config = Config(connect_timeout=5, read_timeout=_FUNCTION_SECONDS, retries={"total_max_attempts": 1})
        self._lambda: LambdaClient = aws.client("lambda", config)
        self._queue_url = ""

    def url(self) -> str:
        """The queue's address.

        Raises:
            LookupError: there is no such queue.
        """
        if not self._queue_url:
            try:
                self._queue_url = self._sqs.get_queue_url(QueueName=self.queue_name)["QueueUrl"]
            except ClientError as error:
                if error.response["Error"]["Code"].endswith(("NonExistentQueue", "QueueDoesNotExist")):
                    raise LookupError(self.queue_name) from error
                raise
        return self._queue_url

    def receive(self) -> list[DeadLetter]:
        """Up to ten messages that nobody else has at the moment; none if the queue seems empty."""
        answer = self._sqs.receive_message(
            QueueUrl=self.url(),
            MaxNumberOfMessages=_BATCH,
            WaitTimeSeconds=_WAIT_SECONDS,
            VisibilityTimeout=_HIDDEN_SECONDS,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        return [_letter(message) for message in answer.get("Messages", [])]

    def deliver(self, letter: DeadLetter) -> str:
        """Sends the event to the alert function and returns the function's outcome.

        Raises:
            RefusedError: the function failed or was not reached.
        """
        try:
            answer = self._lambda.invoke(
                FunctionName=self.function_name, InvocationType="RequestResponse", Payload=letter.body.encode()
            )
            body = answer["Payload"].read().decode("utf-8", "replace")
        except (ClientError, BotoCoreError) as error:
            raise RefusedError(str(error)) from error
        said = _object(body)
        if answer.get("FunctionError"):
            raise RefusedError(str(said.get("errorMessage") or body))
        return str(said.get("outcome", "done"))

    def delete(self, letter: DeadLetter) -> None:
        """Removes a message for good."""
        self._sqs.delete_message(QueueUrl=self.url(), ReceiptHandle=letter.receipt)

    def release(self, letters: Sequence[DeadLetter]) -> None:
        """Lets others have the messages again."""
        for begin in range(0, len(letters), _BATCH):
            entries: Any = [
                {"Id": str(number), "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0}
                for number, letter in enumerate(letters[begin : begin + _BATCH])
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=self.url(), Entries=entries)


def _letter(message: Any) -> DeadLetter:
    given = message.get("MessageAttributes") or {}
    texts = {name.upper().replace("_", ""): value.get("StringValue", "") for name, value in given.items()}
    return DeadLetter(
        id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        error=texts.get("ERRORMESSAGE") or texts.get("ERRORCODE") or "",
        sent_ms=int((message.get("Attributes") or {}).get("SentTimestamp", 0)),
    )


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
