"""What the function remembers, in one DynamoDB table with the keys `pk` and `sk`.

| pk | sk | what |
|---|---|---|
| pending | a job's id | an event that is still to be sent |
| told | a job's id | that it was sent; kept for a week |
| job | a job's name | its failures since its last success |
| route | a service's or job's name | where its alerts go; Terraform writes these |
| claim | what | who is doing it at the moment |
| sent | a minute | how many messages there were in it |
| late | a job's name | its schedule and how late it may start; Terraform writes these (`watches`) |
| watch | a job's name | until when its schedule was looked at, and the runs that did not come (`watches`) |

See https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from shared.dynamo import number, number_in, text_in

from .dynamo_table import DynamoTable, key
from .message import Route
from .watches import Watches

_SENT_SECONDS = 7 * 86_400
_JOB_SECONDS = 90 * 86_400


class Pending(NamedTuple):
    """An event that is still to be sent."""

    job_id: str
    content: str
    since: int


class JobState(NamedTuple):
    """A job that failed since its last success; its fields are named as the table's attributes are."""

    failures: int
    untold: int
    since: int
    told_at: int
    last_created_ms: int


class Table(DynamoTable):
    """The table, but for the rows of `watches`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.watches = Watches(name)

    def put_pending(self, job_id: str, content: str, now: int) -> None:
        """Keeps an event; the first time it came stays."""
        self._call(
            "update_item",
            Key=key("pending", job_id),
            UpdateExpression="SET content = :content, since = if_not_exists(since, :now)",
            ExpressionAttributeValues={":content": {"S": content}, ":now": number(now)},
        )

    def pending(self) -> list[Pending]:
        """All that is still to be sent, the oldest first."""
        found = [
            Pending(item["sk"]["S"], text_in(item, "content"), number_in(item, "since"))
            for item in self._all("pending")
        ]
        return sorted(found, key=lambda one: (one.since, one.job_id))

    def sent(self, job_ids: Iterable[str]) -> set[str]:
        """Which of these were sent."""
        return {item["sk"]["S"] for item in self._get("told", sorted(set(job_ids)))}

    def mark_sent(self, job_ids: Sequence[str], now: int) -> None:
        """Notes that these were sent, then removes them from what is pending."""
        expires = number(now + _SENT_SECONDS)
        self._write([{"PutRequest": {"Item": {**key("told", one), "expires_at": expires}}} for one in job_ids])
        self.drop_pending(job_ids)

    def drop_pending(self, job_ids: Sequence[str]) -> None:
        """Removes these from what is pending, although they were not sent."""
        self._delete("pending", job_ids)

    def claim(self, what: str, owner: str, now: int, seconds: int) -> bool:
        """Whether this one may do it now; another that has died blocks it for at most `seconds`."""
        return self._conditional(
            "update_item",
            Key=key("claim", what),
            UpdateExpression="SET #owner = :owner, #until = :until, expires_at = :expires",
            ConditionExpression="attribute_not_exists(pk) OR #until < :now OR #owner = :owner",
            ExpressionAttributeNames={"#owner": "owner", "#until": "until"},
            ExpressionAttributeValues={
                ":owner": {"S": owner},
                ":until": number(now + seconds),
                ":now": number(now),
                ":expires": number(now + 86_400),
            },
        )

    def release(self, what: str, owner: str) -> None:
        """Lets others do it."""
        self._conditional(
            "delete_item",
            Key=key("claim", what),
            ConditionExpression="#owner = :owner",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues={":owner": {"S": owner}},
        )

    def states(self, names: Iterable[str]) -> dict[str, JobState]:
        """Those of these jobs that failed since their last success."""
        return {
            item["sk"]["S"]: JobState(*(number_in(item, field) for field in JobState._fields))
            for item in self._get("job", sorted(set(names)))
        }

    def put_state(self, name: str, state: JobState, now: int) -> None:
        """Keeps a job's failures."""
        values = {field: number(value) for field, value in state._asdict().items()}
        self._call("put_item", Item={**key("job", name), **values, "expires_at": number(now + _JOB_SECONDS)})

    def clear_state(self, name: str) -> None:
        """Forgets a job's failures."""
        self._call("delete_item", Key=key("job", name))

    def routes(self, names: Iterable[str]) -> dict[str, Route]:
        """The routes among these names."""
        return {
            item["sk"]["S"]: Route(
                item["sk"]["S"],
                text_in(item, "channel"),
                text_in(item, "mention"),
                item.get("mute", {}).get("BOOL", False),
                text_in(item, "service"),
            )
            for item in self._get("route", sorted(set(names)))
        }

    def count_message(self, now: int) -> int:
        """Counts a message, and returns how many there were in this minute and the last."""
        minute = now // 60
        answer = self._call(
            "update_item",
            Key=key("sent", str(minute)),
            UpdateExpression="ADD messages :one SET expires_at = :expires",
            ExpressionAttributeValues={":one": number(1), ":expires": number(now + 3600)},
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"]["messages"]["N"]) + self.messages(minute - 1)

    def messages(self, minute: int) -> int:
        """How many messages there were in a minute."""
        found = self._get("sent", [str(minute)])
        return number_in(found[0], "messages") if found else 0
