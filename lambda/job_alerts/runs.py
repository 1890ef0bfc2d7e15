"""What lambda/submit_run decided of a job's runs, from its table.

| job | item | what |
|---|---|---|
| a job's name | `state` | `content`, which is JSON with `paused` while the job is paused |
| a job's name | `run#` and a scheduled time | `status`, and while it is `claimed`, `lease_until` |
"""

from __future__ import annotations

import json
from typing import NamedTuple

from shared.dynamo import number_in, text_in

from .dynamo_table import DynamoTable
from .values import as_dict, as_moment, as_text, iso

_RUN, _STATE = "run#", "state"


class Run(NamedTuple):
    """A scheduled time of a job, and the run's status."""

    due: int
    status: str
    lease_until: int


class Runs(DynamoTable):
    """The table, by its ARN."""

    def __init__(self, arn: str) -> None:
        super().__init__(arn.rpartition("/")[2])

    def last(self, job_name: str, since: int, until: int) -> Run | None:
        """The last run that was due then; None if the function knows of none.

        Raises:
            Unavailable: the table does not answer.
        """
        found = self._call(
            "query",
            KeyConditionExpression="#job = :job AND #item BETWEEN :since AND :until",
            ExpressionAttributeNames={"#job": "job", "#item": "item"},
            ExpressionAttributeValues={
                ":job": {"S": job_name},
                ":since": {"S": f"{_RUN}{iso(since)}"},
                ":until": {"S": f"{_RUN}{iso(until)}"},
            },
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=1,
        ).get("Items", [])
        if not found:
            return None
        due = as_moment(found[0]["item"]["S"].removeprefix(_RUN)[: len(iso(0))])
        return Run(since if due is None else due, text_in(found[0], "status"), number_in(found[0], "lease_until"))

    def paused_by(self, job_name: str) -> str:
        """The id of the job whose failure paused the job of this name; empty if it is not paused.

        Raises:
            Unavailable: the table does not answer.
        """
        found = self._call(
            "query",
            KeyConditionExpression="#job = :job AND #item = :state",
            ExpressionAttributeNames={"#job": "job", "#item": "item"},
            ExpressionAttributeValues={":job": {"S": job_name}, ":state": {"S": _STATE}},
            ConsistentRead=True,
        ).get("Items", [])
        try:
            content = as_dict(json.loads(text_in(found[0], "content"))) if found else {}
        except ValueError:
            content = {}
        return as_text(as_dict(content.get("paused")).get("job_id"))
