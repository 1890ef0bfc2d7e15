"""A DynamoDB table with the keys `pk` and `sk`: its calls, with their pages, batches and leftovers.

See https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .clients import client, errors

_BATCH = 25
_GET_BATCH = 100
_UNPROCESSED_TRIES = 5


class Unavailable(Exception):  # noqa: N818 - it is what the table is
    """The table does not answer, or refuses."""


class Rows:
    """The rows of a table, by its name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _all(self, pk: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        start: dict[str, Any] = {}
        while True:
            answer = self._call(
                "query",
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": pk}},
                ConsistentRead=True,
                **start,
            )
            items += answer.get("Items", [])
            if not answer.get("LastEvaluatedKey"):
                return items
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _get(self, pk: str, names: Sequence[str]) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        for begin in range(0, len(names), _GET_BATCH):
            keys = [key(pk, name) for name in names[begin : begin + _GET_BATCH]]
            for _ in range(_UNPROCESSED_TRIES):
                answer = self._raw("batch_get_item", RequestItems={self._name: {"Keys": keys, "ConsistentRead": True}})
                items += answer.get("Responses", {}).get(self._name, [])
                keys = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
                if not keys:
                    break
            if keys:
                raise Unavailable("BatchGetItem leaves keys unprocessed")
        return items

    def _write(self, requests: Sequence[dict[str, Any]]) -> None:
        for begin in range(0, len(requests), _BATCH):
            left = list(requests[begin : begin + _BATCH])
            for _ in range(_UNPROCESSED_TRIES):
                answer = self._raw("batch_write_item", RequestItems={self._name: left})
                left = answer.get("UnprocessedItems", {}).get(self._name, [])
                if not left:
                    break
            if left:
                raise Unavailable("BatchWriteItem leaves items unprocessed")

    def _delete(self, pk: str, names: Sequence[str]) -> None:
        self._write([{"DeleteRequest": {"Key": key(pk, name)}} for name in names])

    def _conditional(self, operation: str, **arguments: Any) -> bool:
        try:
            self._call(operation, **arguments)
        except Unavailable as error:
            answer = getattr(error.__cause__, "response", {})
            if answer.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def _call(self, operation: str, **arguments: Any) -> Any:
        return self._raw(operation, TableName=self._name, **arguments)

    def _raw(self, operation: str, **arguments: Any) -> Any:
        try:
            made = client("dynamodb", connect_seconds=2, read_seconds=5, attempts=4)
            return getattr(made, operation)(**arguments)
        except errors() as error:
            raise Unavailable(f"{operation}: {error}") from error


def key(pk: str, sk: str) -> dict[str, Any]:
    """A row's key."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def number(value: int) -> dict[str, str]:
    """A number as DynamoDB takes it."""
    return {"N": str(value)}


def text_in(item: dict[str, Any], field: str) -> str:
    """A row's text; empty where it has none."""
    return str(item.get(field, {}).get("S", ""))


def number_in(item: dict[str, Any], field: str) -> int:
    """A row's number without its decimals; 0 where it has none."""
    return int(float(item.get(field, {}).get("N", 0)))
