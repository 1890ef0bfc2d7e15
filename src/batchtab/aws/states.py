"""The states of a stage's stacks in its bucket, and beside each the record of what was applied last."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from batchtab.aws.client import Aws
from batchtab.errors import UsageError

_VERSION = 1
_STATE, _APPLIED = ".tfstate", ".applied.json"
_ABSENT = {"NoSuchKey", "NoSuchBucket", "404"}
_AT_ONCE = 8

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

    What reads raises a UsageError where S3 refuses or can't be reached.

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
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            records = pool.map(self._record, recorded)
            return {
                stack: record.configuration
                for stack, record in zip(recorded, records, strict=True)
                if record is not None and record.state == etags[f"{stack}{_STATE}"]
            }

    def outputs(self, stack: str) -> Outputs | None:
        """A stack's outputs, sensitive ones too; None if it has no state."""
        with self._refusals():
            body = self._get(f"{stack}{_STATE}")
        found: Outputs | None = json.loads(body).get("outputs", {}) if body is not None else None
        return found

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
        with self._refusals():
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
        with self._refusals():
            try:
                pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
                return {
                    found["Key"].removeprefix(prefix): found["ETag"]
                    for page in pages
                    for found in page.get("Contents", [])
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

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except EndpointConnectionError as error:
            raise UsageError(f"state bucket {self._bucket}: {error}", "is local AWS running? batchtab up") from error
        except (ClientError, BotoCoreError) as error:
            raise UsageError(f"state bucket {self._bucket}: {error}", "check credentials and network") from error
