"""What was applied last is known from the bucket alone, and never believed of a state that has changed since."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from batchtab.aws.answers import answer
from batchtab.aws.states import States


class Bucket:
    """S3, as far as it is asked."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.denied: set[str] = set()
        self.error: Exception | None = None

    def put_object(self, *, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803
        self._refuse("PutObject", Key)
        self.objects[Key] = Body

    def get_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self._refuse("GetObject", Key)
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, "GetObject")
        return {"Body": type("_", (), {"read": lambda _self: self.objects[Key]})()}

    def head_object(self, *, Key: str, **_: Any) -> dict[str, str]:  # noqa: N803
        if "HeadObject" in self.denied:
            raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadObject")
        return {"ETag": self._etag(Key)}

    def get_paginator(self, _name: str) -> Any:
        if self.error:
            raise self.error
        pages = [{"Contents": [{"Key": key, "ETag": self._etag(key)}]} for key in self.objects] or [{}]
        return type("_", (), {"paginate": lambda _self, **_kw: pages})()

    def _etag(self, key: str) -> str:
        return f'"{hashlib.md5(self.objects[key]).hexdigest()}"'  # noqa: S324

    def _refuse(self, operation: str, key: str) -> None:
        if operation in self.denied and key.endswith(".applied.json"):
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def states(bucket: Bucket) -> States:
    aws: Any = type("_", (), {"client": lambda _self, _name: bucket})()
    return States(aws, "b", "prod")


def test_what_was_recorded_is_known(bucket: Bucket, states: States) -> None:
    # GIVEN two deployed stacks, one of which was recorded
    bucket.objects |= {"prod/network.tfstate": b"1", "prod/jobs-a.tfstate": b"2"}
    states.record("network", "hash")
    # WHEN all are asked for, one that is not deployed among them THEN that one is known
    assert states.applied(["network", "jobs-a", "jobs-b"]) == {"network": "hash"}
    # AND the record has hashes only
    assert json.loads(bucket.objects["prod/network.applied.json"]).keys() == {"version", "configuration", "state"}


@pytest.mark.parametrize(
    "spoil",
    [
        {"prod/network.tfstate": b"somebody applied something else"},
        {"prod/network.applied.json": b"{}"},
        {"prod/network.applied.json": b"no JSON"},
        {"prod/network.applied.json": b'{"version": 2, "configuration": "hash", "state": "x"}'},
    ],
    ids=["another state", "empty", "no JSON", "a later version"],
)
def test_a_record_that_is_not_of_this_state_is_none(bucket: Bucket, states: States, spoil: dict[str, bytes]) -> None:
    bucket.objects["prod/network.tfstate"] = b"1"
    states.record("network", "hash")
    bucket.objects |= spoil
    assert states.applied(["network"]) == {}


def test_a_stack_whose_state_is_gone_is_not_applied(bucket: Bucket, states: States) -> None:
    bucket.objects["prod/network.tfstate"] = b"1"
    states.record("network", "hash")
    del bucket.objects["prod/network.tfstate"]
    assert states.applied(["network"]) == {}
    assert states.outputs("network") is None


@pytest.mark.parametrize("operation", ["GetObject", "PutObject", "HeadObject"])
def test_a_role_of_before_the_records_plans_all_and_fails_at_nothing(
    bucket: Bucket, states: States, operation: str
) -> None:
    # GIVEN a role that may not do one of what records take
    bucket.objects["prod/network.tfstate"] = b'{"outputs": {"a": {"value": 1}}}'
    bucket.denied = {operation}
    # WHEN a stack is applied THEN it counts as not known, and outputs are read all the same
    states.record("network", "hash")
    assert states.applied(["network"]) == {}
    assert states.outputs("network") == {"a": {"value": 1}}
    # AND who deploys hears why
    assert set(states.unrecorded) == ({"network"} if operation != "GetObject" else set())


def test_a_record_is_void_while_its_stack_is_applied(bucket: Bucket, states: States) -> None:
    # GIVEN a recorded stack, and an apply that is killed before it writes the state
    bucket.objects["prod/network.tfstate"] = b"1"
    states.record("network", "hash")
    states.forget("network")
    # THEN it is planned, though the state is the recorded one
    assert states.applied(["network"]) == {}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "AWS cannot be reached"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListObjectsV2"),
            "AWS denied ListObjectsV2",
        ),
    ],
)
def test_what_s3_refuses_is_one_line(bucket: Bucket, states: States, error: Exception, said: str) -> None:
    bucket.error = error
    with pytest.raises(type(error)) as refused:
        states.applied(["network"])
    line = str(answer(refused.value))
    assert line.startswith(f"batchtab: {said}")
    assert len(line.splitlines()) == 1


def test_without_a_bucket_nothing_is_applied(bucket: Bucket, states: States) -> None:
    bucket.error = ClientError({"Error": {"Code": "NoSuchBucket", "Message": ""}}, "ListObjectsV2")
    assert states.applied(["network"]) == {}


def test_the_revisions_that_terraform_deployed_are_read_from_all_states(bucket: Bucket, states: States) -> None:
    # GIVEN two stacks with jobs, one of them in a module and one half replaced, and a stack that is not deployed
    def instance(name: str, revision: int, **more: str) -> dict[str, Any]:
        return {"attributes": {"name": name, "revision": revision}, **more}

    def state(*resources: dict[str, Any]) -> bytes:
        return json.dumps({"version": 4, "resources": resources}).encode()

    kind = {"mode": "managed", "type": "aws_batch_job_definition"}
    bucket.objects["prod/jobs-a.tfstate"] = state(
        {**kind, "module": "module.x", "instances": [instance("a-1", 4), instance("a-1", 3, deposed="1234")]},
        {"mode": "managed", "type": "aws_iam_role", "instances": [{"attributes": {"name": "role"}}]},
    )
    bucket.objects["prod/jobs-b.tfstate"] = state({**kind, "instances": [instance("b-1", 1)]})
    # THEN each has the revision that is Terraform's
    assert states.job_revisions(["environment", "jobs-a", "jobs-b"]) == {"a-1": 4, "b-1": 1}
