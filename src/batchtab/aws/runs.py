"""The CLI's calls about runs: what the submit function noted of them, and the function itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from batchtab.aws.client import Aws
from batchtab.run_record import Record

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient

_MISSING = "ResourceNotFoundException"
_KEYS = 100  # the most that BatchGetItem takes
_ROUNDS = 8  # of asking again for what BatchGetItem left out
_FUNCTION_SECONDS = 40  # longer than the function may run
_READ = TypeDeserializer().deserialize


class FunctionError(Exception):
    """The submit function was not reached, or failed."""


@dataclass(frozen=True)
class State:
    """What is noted of a job as a whole: which run is active, which wait, and since when none is started."""

    content: Mapping[str, Any] = field(default_factory=dict)

    @property
    def paused(self) -> Mapping[str, str]:
        """`since`, `reason` and perhaps the `job_id` that failed; empty if the job is not paused."""
        return self.content.get("paused") or {}

    @property
    def waiting(self) -> int:
        """How many runs wait for their turn."""
        return len(self.content.get("waiting") or ())


@dataclass(frozen=True)
class Answer:
    """The function's answer to a request for a run."""

    outcome: str
    run_id: str = ""
    job_id: str = ""
    reason: str = ""


class Runs:
    """The table of a stage's runs, and the function that submits them."""

    def __init__(self, aws: Aws, prefix: str) -> None:
        self.table_name = f"{prefix}-job-runs"
        self.function_name = f"{prefix}-submit-run"
        self._dynamodb: DynamoDBClient = aws.client("dynamodb")
        config = Config(connect_timeout=5, read_timeout=_FUNCTION_SECONDS, retries={"total_max_attempts": 1})
        self._lambda: LambdaClient = aws.client("lambda", config)

    def records(self, job: str, *, since: str = "", until: str = "", newest: int | None = None) -> list[Record]:
        """What is noted of a job's runs, the latest scheduled time first; none if there is no table.

        Args:
            job: As `<service>-<job>`.
            since: The first scheduled time, as a record has it; empty for all.
            until: The last scheduled time.
            newest: The maximum number.
        """
        wanted = {
            ":job": {"S": job},
            ":since": {"S": f"run#{since}"},
            ":until": {"S": f"run#{until}~" if until else "run#~"},  # `~` sorts after all that a key can contain
        }
        found: list[Record] = []
        more: dict[str, Any] = {}
        while newest is None or len(found) < newest:
            limit: dict[str, Any] = {} if newest is None else {"Limit": newest - len(found)}
            try:
                page = self._dynamodb.query(
                    TableName=self.table_name,
                    KeyConditionExpression="#job = :job AND #item BETWEEN :since AND :until",
                    ExpressionAttributeNames={"#job": "job", "#item": "item"},
                    ExpressionAttributeValues=wanted,
                    ScanIndexForward=False,
                    ConsistentRead=True,
                    **limit,
                    **more,
                )
            except ClientError as error:
                if error.response["Error"]["Code"] == _MISSING:
                    return []
                raise
            found += map(_record, page["Items"])
            if "LastEvaluatedKey" not in page:
                break
            more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        return found

    def records_at(self, wanted: Iterable[tuple[str, str]]) -> list[Record]:
        """What is noted of runs that a schedule started, by their jobs and scheduled times: one call for 100."""
        return [_record(item) for item in self._items((job, f"run#{time}") for job, time in wanted)]

    def states(self, jobs: Iterable[str]) -> dict[str, State]:
        """What is noted of jobs as a whole, of those of which anything is; none if there is no table."""
        read = (_plain(item) for item in self._items((job, "state") for job in jobs))
        return {each["job"]: State(json.loads(each.get("content") or "{}")) for each in read}

    def _items(self, wanted: Iterable[tuple[str, str]]) -> Iterator[Mapping[str, Any]]:
        """Items by their keys, those that are there."""
        keys = [{"job": {"S": job}, "item": {"S": item}} for job, item in dict.fromkeys(wanted)]
        for begin in range(0, len(keys), _KEYS):
            left: Any = {self.table_name: {"Keys": keys[begin : begin + _KEYS], "ConsistentRead": True}}
            for _ in range(_ROUNDS):
                try:
                    page = self._dynamodb.batch_get_item(RequestItems=left)
                except ClientError as error:
                    if error.response["Error"]["Code"] == _MISSING:
                        return
                    raise
                yield from page["Responses"].get(self.table_name, [])
                left = page.get("UnprocessedKeys")
                if not left:
                    break

    def ask(self, event: Mapping[str, Any]) -> Answer:
        """Calls the submit function and waits for its answer.

        Raises:
            LookupError: there is no such function.
            FunctionError: it was not reached, or it failed.
        """
        try:
            answer = self._lambda.invoke(
                FunctionName=self.function_name,
                InvocationType="RequestResponse",
                Payload=json.dumps(event, sort_keys=True).encode(),
            )
            body = answer["Payload"].read().decode("utf-8", "replace")
        except ClientError as error:
            if error.response["Error"]["Code"] == _MISSING:
                raise LookupError(self.function_name) from error
            raise FunctionError(str(error)) from error
        except BotoCoreError as error:
            raise FunctionError(str(error)) from error
        try:
            said = json.loads(body)
        except ValueError:
            said = {}
        if not isinstance(said, dict):
            said = {}
        if answer.get("FunctionError"):
            raise FunctionError(str(said.get("errorMessage") or body))
        return Answer(**{name: str(said.get(name) or "") for name in Answer.__dataclass_fields__})


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _READ(value) for name, value in item.items()}


def _record(item: Mapping[str, Any]) -> Record:
    read = _plain(item)
    lease = read.get("lease_until")
    return Record(
        job=read["job"],
        scheduled_time=str(read.get("scheduled_time") or read["item"].split("#")[1]),
        status=str(read.get("status") or ""),
        reason=str(read.get("reason") or ""),
        job_id=str(read.get("job_id") or ""),
        run_id=str(read.get("run_id") or ""),
        noted_at=str(read.get("noted_at") or ""),
        lease_until=None if lease is None else float(lease),
        mode=str(read.get("mode") or ""),
    )
