"""The table of runs: one item for a job's state, one for each run.

| job | item | what |
|---|---|---|
| a job's name | `state` | `version`, and `content`, which is JSON: see state.py |
| a job's name | `run#<scheduled time>`, after other jobs `run#<scheduled time>#<upstream job id>` | see record.py |

Both change only against what was read, in one transaction where both do.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from shared.clients import client
from shared.dynamo import Item, batch, number, text_in

from .record import Record
from .request import Request, iso
from .settings import Settings
from .state import State
from .throttling import is_throttled, patiently

_STATE = "state"
_DAY_SECONDS = 86_400
_REVISION_BITS = 48
_TRIES = 8
_CONFLICTS = ("ConditionalCheckFailed", "TransactionConflict")
T = TypeVar("T")


class ConflictError(Exception):
    """Somebody else wrote in between: read again."""


class Table:
    """The table as one invocation sees it."""

    def __init__(self, settings: Settings, ends_at: float) -> None:
        self._ends_at = ends_at
        self._name = settings.table
        self._keep_seconds = settings.history_days * _DAY_SECONDS

    def read(self, request: Request) -> tuple[State, Record | None]:
        """The state of a run's job and the run's record, both as they are now."""
        found = self._get(request.job.name, _STATE, request.item)
        return _state(found.get(_STATE)), _record(request, found.get(request.item))

    def read_state(self, job_name: str) -> State:
        """A job's state as it is now."""
        return _state(self._get(job_name, _STATE).get(_STATE))

    def commit(
        self, job_name: str, state: State | None, records: Sequence[Record], *, checked: Request | None = None
    ) -> State:
        """Writes a state in place of the version that it carries, and records; all or nothing.

        Args:
            job_name: Whose state.
            state: None leaves it as it is.
            records: Of this job's runs.
            checked: Of which run the record must still be the revision that was read.

        Returns:
            The state at that moment.

        Raises:
            ConflictError: the state or the record is another by now; nothing was written.
        """
        writes = [self._put_record(record, record.request == checked) for record in records]
        if state is not None:
            writes.append(self._put_state(job_name, state))
        try:
            # Also for a single one: boto gives a transaction a token, so one whose answer was lost may be repeated.
            put = [{"Put": write} for write in writes]
            patiently(lambda: client("dynamodb").transact_write_items(TransactItems=put), self._ends_at, _has_no_effect)
        except Exception as error:
            if _is_conflict(error):
                raise ConflictError from error
            raise
        return State() if state is None else _next(state)

    def _get(self, job_name: str, *items: str) -> dict[str, Item]:
        keys = [{"job": {"S": job_name}, "item": {"S": item}} for item in items]
        answers = batch(
            lambda wanted: patiently(lambda: client("dynamodb").batch_get_item(RequestItems=wanted), self._ends_at),
            {self._name: {"Keys": keys, "ConsistentRead": True}},
        )
        return {item["item"]["S"]: item for answer in answers for item in answer["Responses"].get(self._name, [])}

    def _put_state(self, job_name: str, state: State) -> Item:
        item = {
            "job": {"S": job_name},
            "item": {"S": _STATE},
            "version": number(state.version + 1),
            "content": {"S": state.to_text()},
        }
        return {"TableName": self._name, "Item": item, **_unchanged("version", state.version)}

    def _put_record(self, record: Record, checked: bool) -> Item:
        now = time.time()
        request = record.request
        item: Item = {
            "job": {"S": request.job.name},
            "item": {"S": request.item},
            "status": {"S": record.status},
            "run_id": {"S": request.run_id},
            "scheduled_time": {"S": request.time},
            "policy": {"S": request.job.policy},
            "noted_at": {"S": iso(datetime.fromtimestamp(now, UTC))},
            "revision": number(random.getrandbits(_REVISION_BITS) + 1),  # none comes twice
            "expires_at": number(int(now) + self._keep_seconds),
        }
        upstream = request.upstream_job_id if request.own_item else ""
        texts = {"reason": record.reason, "job_id": record.job_id, "upstream_job_id": upstream, "mode": request.mode}
        for name, text in texts.items():
            if text:
                item[name] = {"S": text}
        if record.lease_until:
            item["lease_until"] = number(math.ceil(record.lease_until))
            item["claimed_at"] = number(int(record.since))
        condition = _unchanged("revision", record.revision) if checked else {}
        return {"TableName": self._name, "Item": item, **condition}


def until_settled(act: Callable[[], T]) -> T:
    """Does something again for as long as others write in between.

    Raises:
        TimeoutError: they don't cease to.
    """
    for attempt in range(_TRIES):
        try:
            return act()
        except ConflictError:  # lets the others finish, each for another while
            time.sleep(random.uniform(0.01, 0.05 * 2**attempt))  # noqa: S311 - no secret
    raise TimeoutError(f"others wrote {_TRIES} times in between")


def _unchanged(attribute: str, read: int) -> dict[str, Any]:
    if not read:
        return {"ConditionExpression": "attribute_not_exists(job)"}
    return {
        "ConditionExpression": "#number = :number",
        "ExpressionAttributeNames": {"#number": attribute},
        "ExpressionAttributeValues": {":number": number(read)},
    }


def _is_conflict(error: Exception) -> bool:
    answer = getattr(error, "response", None) or {}
    code = answer.get("Error", {}).get("Code", "")
    if code == "TransactionCanceledException":
        return any(reason.get("Code") in _CONFLICTS for reason in answer.get("CancellationReasons", []))
    return bool(code == "TransactionConflictException")


def _has_no_effect(error: Exception) -> bool:
    return is_throttled(error) and not _is_conflict(error)


def _next(state: State) -> State:
    return replace(state, version=state.version + 1)


def _state(item: Item | None) -> State:
    return State.from_text(int(item["version"]["N"]), item["content"]["S"]) if item else State()


def _record(request: Request, item: Item | None) -> Record | None:
    if item is None:
        return None
    if upstream := text_in(item, "upstream_job_id"):
        request = request.of_last(text_in(item, "scheduled_time"), upstream)
    return Record(
        request,
        item["status"]["S"],
        text_in(item, "reason"),
        text_in(item, "job_id"),
        float(item.get("lease_until", {}).get("N", 0)),
        int(item.get("revision", {}).get("N", 0)),
        float(item.get("claimed_at", {}).get("N", 0)),
    )
