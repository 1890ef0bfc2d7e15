"""A DynamoDB table with the keys `pk` and `sk`: its calls, with their pages, batches and leftovers.

See https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from shared.clients import client, errors
from shared.dynamo import Item, batch

_BATCH = 25
_GET_BATCH = 100


class Unavailable(Exception):  # noqa: N818 - it is what the table is
    """The table does not answer, or refuses."""


class DynamoTable:
    """The calls of one table, by its name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _all(self, pk: str) -> list[Item]:
        items: list[Item] = []
        start: Item = {}
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

    def _get(self, pk: str, names: Sequence[str]) -> list[Item]:
        items: list[Item] = []
        for begin in range(0, len(names), _GET_BATCH):
            keys = [key(pk, name) for name in names[begin : begin + _GET_BATCH]]
            for answer in self._batch("batch_get_item", {"Keys": keys, "ConsistentRead": True}):
                items += answer.get("Responses", {}).get(self._name, [])
        return items

    def _write(self, requests: Sequence[Item]) -> None:
        for begin in range(0, len(requests), _BATCH):
            for _ in self._batch("batch_write_item", list(requests[begin : begin + _BATCH])):
                pass

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

    def _batch(self, operation: str, wanted: Any) -> Iterator[Any]:
        try:
            yield from batch(lambda items: self._raw(operation, RequestItems=items), {self._name: wanted})
        except TimeoutError as error:
            raise Unavailable(f"{operation}: {error}") from error

    def _raw(self, operation: str, **arguments: Any) -> Any:
        try:
            made = client("dynamodb", connect_seconds=2, read_seconds=5, attempts=4)
            return getattr(made, operation)(**arguments)
        except errors() as error:
            raise Unavailable(f"{operation}: {error}") from error


def key(pk: str, sk: str) -> Item:
    """A row's key."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}
