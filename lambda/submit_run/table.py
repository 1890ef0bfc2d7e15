"""The table of runs, with the keys `job` and `item`.

| item | what |
|---|---|
| `state` | which of the job's runs is active, which wait, whether it is paused; changes only against its `version` |
| `run#` and a scheduled time, for a chain also `#` and the upstream job's id | what became of the run |

See https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .clients import client, errors
from .failures import Unavailable
from .moments import iso_at
from .record import Note, Record
from .state import State

_STATE = "state"
_UNPROCESSED_TRIES = 3
_DAY_SECONDS = 86_400
#: Why a transaction was cancelled that another one was faster than.
_LOST = ("ConditionalCheckFailed", "TransactionConflict")


class Kept(NamedTuple):
    """A job's state and a run's record as they were read, or written."""

    version: int
    state: State
    item: str = ""
    record: Record | None = None


class Table:
    """The table, by its name. All calls raise Unavailable if DynamoDB does not answer."""

    def __init__(self, name: str, history_days: int) -> None:
        self._name = name
        self._history_seconds = history_days * _DAY_SECONDS

    def read(self, job_name: str, item: str = "") -> Kept:
        """A job's state, and the record of one of its runs, in one call."""
        keys = [_key(job_name, one) for one in (_STATE, item) if one]
        found: list[dict[str, Any]] = []
        for _ in range(_UNPROCESSED_TRIES):
            asked = {self._name: {"Keys": keys, "ConsistentRead": True}}
            answer = self._call("batch_get_item", RequestItems=asked)
            found += answer.get("Responses", {}).get(self._name, [])
            keys = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
            if not keys:
                break
        else:
            raise Unavailable("BatchGetItem leaves keys unprocessed")
        rows = {row["item"]["S"]: row for row in found}
        state, run = rows.get(_STATE), rows.get(item)
        return Kept(
            version=int(state["version"]["N"]) if state else 0,
            state=State.from_json(state["content"]["S"]) if state else State(),
            item=item,
            record=_record(run) if run else None,
        )

    def write(self, job_name: str, kept: Kept, state: State | None, notes: Sequence[Note], now: float) -> Kept | None:
        """Writes a job's state (None: it stays) and records of its runs, together.

        Returns what is kept now, or None if somebody changed the state, or the record that was read, meanwhile: then
        nothing was written. A retry of the same call by boto is no change: it carries the same token.
        """
        writes = [self._put(job_name, note, kept, now) for note in notes]
        if state is not None:
            writes.append(self._put_state(job_name, state, kept.version))
        try:
            self._call("transact_write_items", TransactItems=writes)
        except Unavailable as error:
            answer = getattr(error.__cause__, "response", {})
            codes = [one.get("Code") for one in answer.get("CancellationReasons", [])]
            if any(code in _LOST for code in codes):
                return None
            raise
        record = next((note.record for note in notes if note.run.item == kept.item), kept.record)
        if state is None:
            return kept._replace(record=record)
        return Kept(kept.version + 1, state, kept.item, record)

    def _put_state(self, job_name: str, state: State, version: int) -> dict[str, Any]:
        item = {**_key(job_name, _STATE), "version": _number(version + 1), "content": {"S": state.to_json()}}
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(#version)"}
        if version:
            condition = {"ConditionExpression": "#version = :version"}
            condition["ExpressionAttributeValues"] = {":version": _number(version)}
        return {
            "Put": {
                "TableName": self._name,
                "Item": item,
                **condition,
                "ExpressionAttributeNames": {"#version": "version"},
            }
        }

    def _put(self, job_name: str, note: Note, kept: Kept, now: float) -> dict[str, Any]:
        run = note.run
        texts = {
            "status": note.status,
            "reason": note.reason,
            "job_id": note.job_id,
            "owner": note.owner,
            "run_id": run.run_id,
            "scheduled_time": run.scheduled_time,
            "noted_at": iso_at(now),
            "policy": run.job.policy,
        }
        put: dict[str, Any] = {
            "TableName": self._name,
            "Item": {
                **_key(job_name, run.item),
                **{name: {"S": text} for name, text in texts.items() if text},
                "lease_until": _number(note.lease_until),
                "expires_at": _number(int(now) + self._history_seconds),
                "pause_on_failure": {"BOOL": run.job.pause_on_failure},
            },
        }
        # Only the record that was read can have changed by itself; all others change with the state alone.
        if run.item == kept.item and kept.record is None:
            put |= {
                "ConditionExpression": "attribute_not_exists(#item)",
                "ExpressionAttributeNames": {"#item": "item"},
            }
        elif run.item == kept.item and kept.record is not None:
            put |= {
                "ConditionExpression": "#status = :status AND #lease = :lease",
                "ExpressionAttributeNames": {"#status": "status", "#lease": "lease_until"},
                "ExpressionAttributeValues": {
                    ":status": {"S": kept.record.status},
                    ":lease": _number(kept.record.lease_until),
                },
            }
        return {"Put": put}

    def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            made = client("dynamodb", connect_seconds=2, read_seconds=5, attempts=3)
            return getattr(made, operation)(**arguments)
        except errors() as error:
            raise Unavailable(f"{operation}: {error}") from error


def _record(row: dict[str, Any]) -> Record:
    def text(name: str) -> str:
        return str(row.get(name, {}).get("S", ""))

    return Record(
        status=text("status"),
        reason=text("reason"),
        job_id=text("job_id"),
        lease_until=int(row.get("lease_until", {}).get("N", 0)),
        owner=text("owner"),
        pause_on_failure=row.get("pause_on_failure", {}).get("BOOL", False),
    )


def _key(job_name: str, item: str) -> dict[str, Any]:
    return {"job": {"S": job_name}, "item": {"S": item}}


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}
