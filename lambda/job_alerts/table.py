"""What the function remembers, in one DynamoDB table with the keys `pk` and `sk`.

| pk | sk | what |
|---|---|---|
| pending | a job's id | an event that is still to be told |
| told | a job's id | that it was told; goes after a week |
| job | a job's name | its failures since its last success |
| route | a service's or job's name | where its alerts go; Terraform writes these |
| claim | what | who is doing it at the moment |
| sent | a minute | how many messages there were in it |
| late | a job's name | its schedule and how late it may start; Terraform writes these |
| watch | a job's name | until when its schedule was looked at, and the runs that did not come |

See https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .clients import client, errors
from .story import Route

_TOLD_SECONDS = 7 * 86_400
_JOB_SECONDS = 90 * 86_400
_WATCH_SECONDS = 3 * 366 * 86_400  # a yearly job is looked at once a year
_BATCH = 25
_GET_BATCH = 100
_UNPROCESSED_TRIES = 5


class Unavailable(Exception):  # noqa: N818 - it is what the table is
    """The table does not answer, or refuses."""


class Pending(NamedTuple):
    """An event that is still to be told."""

    job_id: str
    content: str
    since: int


class JobState(NamedTuple):
    """A job that failed since its last success."""

    failures: int
    untold: int
    since: int
    told_at: int
    last_created_ms: int


class Watched(NamedTuple):
    """A job whose runs are to start in time."""

    job_name: str
    queue_arn: str
    schedule: str
    late_after_seconds: int


class Watching(NamedTuple):
    """Until when a schedule was looked at, how many runs in a row did not come, and when that was told."""

    schedule: str
    checked: int
    missed: int
    told_at: int


class Table:
    """The table."""

    def __init__(self, name: str) -> None:
        self._name = name

    def put_pending(self, job_id: str, content: str, now: int) -> None:
        """Keeps an event; the first time it came stays."""
        self._call(
            "update_item",
            Key=_key("pending", job_id),
            UpdateExpression="SET content = :content, since = if_not_exists(since, :now)",
            ExpressionAttributeValues={":content": {"S": content}, ":now": _number(now)},
        )

    def pending(self) -> list[Pending]:
        """All that is still to be told, the oldest first."""
        found = [
            Pending(item["sk"]["S"], item.get("content", {}).get("S", ""), int(item.get("since", {}).get("N", 0)))
            for item in self._all("pending")
        ]
        return sorted(found, key=lambda one: (one.since, one.job_id))

    def told(self, job_ids: Iterable[str]) -> set[str]:
        """Which of these were told."""
        return {item["sk"]["S"] for item in self._get("told", sorted(set(job_ids)))}

    def mark_told(self, job_ids: Sequence[str], now: int) -> None:
        """Notes that these were told, and has them no longer pending, in this order."""
        expires = _number(now + _TOLD_SECONDS)
        self._write([{"PutRequest": {"Item": {**_key("told", one), "expires_at": expires}}} for one in job_ids])
        self.drop_pending(job_ids)

    def drop_pending(self, job_ids: Sequence[str]) -> None:
        """Has these no longer pending, although they were not told."""
        self._write([{"DeleteRequest": {"Key": _key("pending", one)}} for one in job_ids])

    def claim(self, what: str, owner: str, now: int, seconds: int) -> bool:
        """Whether this one may do it now; another that has died holds no one up for longer than `seconds`."""
        return self._conditional(
            "update_item",
            Key=_key("claim", what),
            UpdateExpression="SET #owner = :owner, #until = :until, expires_at = :expires",
            ConditionExpression="attribute_not_exists(pk) OR #until < :now OR #owner = :owner",
            ExpressionAttributeNames={"#owner": "owner", "#until": "until"},
            ExpressionAttributeValues={
                ":owner": {"S": owner},
                ":until": _number(now + seconds),
                ":now": _number(now),
                ":expires": _number(now + 86_400),
            },
        )

    def release(self, what: str, owner: str) -> None:
        """Lets others do it."""
        self._conditional(
            "delete_item",
            Key=_key("claim", what),
            ConditionExpression="#owner = :owner",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues={":owner": {"S": owner}},
        )

    def states(self, names: Iterable[str]) -> dict[str, JobState]:
        """Those of these jobs that failed since their last success."""
        return {
            item["sk"]["S"]: JobState(*(int(item.get(field, {}).get("N", 0)) for field in JobState._fields))
            for item in self._get("job", sorted(set(names)))
        }

    def put_state(self, name: str, state: JobState, now: int) -> None:
        """Keeps a job's failures."""
        values = {field: _number(value) for field, value in state._asdict().items()}
        self._call("put_item", Item={**_key("job", name), **values, "expires_at": _number(now + _JOB_SECONDS)})

    def clear_state(self, name: str) -> None:
        """Forgets a job's failures."""
        self._call("delete_item", Key=_key("job", name))

    def routes(self, names: Iterable[str]) -> dict[str, Route]:
        """The routes among these names."""
        return {
            item["sk"]["S"]: Route(
                item["sk"]["S"],
                item.get("channel", {}).get("S", ""),
                item.get("mention", {}).get("S", ""),
                item.get("mute", {}).get("BOOL", False),
                item.get("service", {}).get("S", ""),
            )
            for item in self._get("route", sorted(set(names)))
        }

    def count_message(self, now: int) -> int:
        """Counts a message, and returns how many there were in this minute and the last."""
        minute = now // 60
        answer = self._call(
            "update_item",
            Key=_key("sent", str(minute)),
            UpdateExpression="ADD messages :one SET expires_at = :expires",
            ExpressionAttributeValues={":one": _number(1), ":expires": _number(now + 3600)},
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"]["messages"]["N"]) + self.messages(minute - 1)

    def messages(self, minute: int) -> int:
        """How many messages there were in a minute."""
        found = self._get("sent", [str(minute)])
        return int(found[0].get("messages", {}).get("N", 0)) if found else 0

    # --- runs that never came

    def watched(self) -> list[Watched]:
        """The jobs whose runs are to start in time."""
        return [
            Watched(
                item["sk"]["S"],
                item.get("job_queue_arn", {}).get("S", ""),
                item.get("schedule", {}).get("S", ""),
                int(item.get("late_after_seconds", {}).get("N", 0)),
            )
            for item in self._all("late")
        ]

    def watching(self) -> dict[str, Watching]:
        """Until when each job's schedule was looked at, also of jobs that are watched no more."""
        return {
            item["sk"]["S"]: Watching(
                item.get("schedule", {}).get("S", ""),
                *(int(item.get(field, {}).get("N", 0)) for field in ("checked", "missed", "told_at")),
            )
            for item in self._all("watch")
        }

    def put_watching(self, name: str, seen: Watching) -> None:
        """Notes until when a job's schedule was looked at."""
        numbers = {field: _number(getattr(seen, field)) for field in ("checked", "missed", "told_at")}
        expires = _number(seen.checked + _WATCH_SECONDS)
        item = {**_key("watch", name), "schedule": {"S": seen.schedule}, **numbers, "expires_at": expires}
        self._call("put_item", Item=item)

    def drop_watching(self, names: Sequence[str]) -> None:
        """Forgets these jobs' schedules."""
        self._write([{"DeleteRequest": {"Key": _key("watch", name)}} for name in names])

    # --- calls

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
            keys = [_key(pk, name) for name in names[begin : begin + _GET_BATCH]]
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


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}
