"""The states of a stage's stacks in its bucket, and beside each the record of what was applied last."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batchtab.aws.client import Aws
from batchtab.aws.parallel import mapped

_VERSION = 1
_STATE, _APPLIED = ".tfstate", ".applied.json"
_ABSENT = {"NoSuchKey", "NoSuchBucket", "404"}

#: A stack's outputs by name, each with `value` and `type`, as Terraform writes them to a state.
Outputs = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Applied:
    """What was applied last.

    Attributes:
        configuration: A hash of the stack's configuration and of what it read from other stacks.
        state: The ETag of the state that the apply left. With any other one, something else was applied since.
    """

    configuration: str
    state: str


class States:
    """The states of one stage's stacks.

    The record of a stack is the object `<stage>/<stack>.applied.json`: hashes, no value.

    Attributes:
        unrecorded: Why stacks could not be recorded.
    """

    def __init__(self, aws: Aws, bucket: str, stage: str) -> None:
        self._s3 = aws.client("s3")
        self._bucket = bucket
        self._stage = stage
        self.unrecorded: dict[str, str] = {}

    def applied(self, stacks: Iterable[str]) -> dict[str, str]:
        """The hash of each stack's configuration whose record is still true of its state."""
        etags = self._etags()
        recorded = [stack for stack in stacks if f"{stack}{_APPLIED}" in etags and f"{stack}{_STATE}" in etags]
        records = mapped(self._record, recorded)
        return {
            stack: record.configuration
            for stack, record in zip(recorded, records, strict=True)
            if record is not None and record.state == etags[f"{stack}{_STATE}"]
        }

    def require_bucket(self) -> None:
        """Makes sure that there is a bucket, before what takes time.

        Raises:
            ClientError: there is none, or S3 refuses.
        """
        self._s3.list_objects_v2(Bucket=self._bucket, Prefix=self._key(""), MaxKeys=1)

    def outputs(self, stack: str) -> Outputs | None:
        """A stack's outputs, sensitive ones too; None if it has no state."""
        body = self._get(f"{stack}{_STATE}")
        found: Outputs | None = json.loads(body).get("outputs", {}) if body is not None else None
        return found

    def job_revisions(self, stacks: Iterable[str]) -> dict[str, int]:
        """The revision of each job definition that Terraform deployed, by the definition's name."""
        return {name: revision for found in mapped(self._job_revisions, stacks) for name, revision in found}

    def _job_revisions(self, stack: str) -> list[tuple[str, int]]:
        body = self._get(f"{stack}{_STATE}")
        return [
            (instance["attributes"]["name"], int(instance["attributes"]["revision"]))
            for resource in json.loads(body or b"{}").get("resources", [])
            if resource["mode"] == "managed" and resource["type"] == "aws_batch_job_definition"
            for instance in resource["instances"]
            if "deposed" not in instance
        ]

    def record(self, stack: str, configuration: str) -> None:
        """Remembers what was applied just now.

        A deployment of the same stack between our apply and this call would be taken for ours; the nightly plan of
        everything finds what that hides.
        """
        with self._noted(stack):
            state = self._s3.head_object(Bucket=self._bucket, Key=self._key(f"{stack}{_STATE}"))["ETag"]
            self._put(stack, configuration, state)

    def forget(self, stack: str) -> None:
        """Makes a record void before an apply, which may be killed before it has written the state."""
        with self._noted(stack):
            self._put(stack, "", "")

    def _put(self, stack: str, configuration: str, state: str) -> None:
        body = {"version": _VERSION, "configuration": configuration, "state": state}
        self._s3.put_object(
            Bucket=self._bucket,
            Key=self._key(f"{stack}{_APPLIED}"),
            Body=json.dumps(body).encode(),
            ContentType="application/json",
            ServerSideEncryption="AES256",  # as Terraform asks for it
        )

    @contextmanager
    def _noted(self, stack: str) -> Iterator[None]:
        """What can't be recorded is planned again, and nothing worse: no reason to end a deployment."""
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            self.unrecorded[stack] = str(error)

    def _record(self, stack: str) -> Applied | None:
        try:
            body = self._get(f"{stack}{_APPLIED}")
        except ClientError as error:  # a role that `batchtab ci roles` of an older version made
            if error.response["Error"]["Code"] == "AccessDenied":
                return None
            raise
        try:
            content = json.loads(body or b"{}")
            if content["version"] == _VERSION:
                return Applied(str(content["configuration"]), str(content["state"]))
        except (ValueError, KeyError, TypeError):
            pass
        return None

    def _etags(self) -> dict[str, str]:
        """The ETags of the stage's objects, by their names below the stage."""
        prefix = self._key("")
        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return {
                found["Key"].removeprefix(prefix): found["ETag"] for page in pages for found in page.get("Contents", [])
            }
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return {}
            raise

    def _get(self, name: str) -> bytes | None:
        try:
            body: bytes = self._s3.get_object(Bucket=self._bucket, Key=self._key(name))["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise
        return body

    def _key(self, name: str) -> str:
        return f"{self._stage}/{name}"
