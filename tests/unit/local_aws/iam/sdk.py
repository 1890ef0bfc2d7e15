"""Requests as boto3 sends them, without a network, and a world of which the rules ask."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
import botocore
from botocore.config import Config

from batchtab.local_aws.iam.requests import HttpRequest

ACCOUNT, REGION = "123456789012", "us-east-1"
QUEUE_URL = f"http://127.0.0.1:4566/{ACCOUNT}"


class Sent(Exception):  # noqa: N818 - carries the request out of botocore
    pass


@functools.cache
def client(service: str) -> Any:
    made = boto3.session.Session().client(
        service,
        region_name=REGION,
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 0}, parameter_validation=False),
    )

    def send(request: Any, **_: Any) -> None:
        raise Sent(request)

    made.meta.events.register("before-send.*.*", send)
    return made


def sent(service: str, operation: str, **params: Any) -> HttpRequest:
    """Return the request that boto3 sends for an operation."""
    try:
        getattr(client(service), botocore.xform_name(operation))(**params)
    except Sent as caught:
        (request,) = caught.args
    url = urlsplit(request.url)
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    body = request.body or b""
    body = body.read() if hasattr(body, "read") else body
    raw = body.encode() if isinstance(body, str) else bytes(body)
    return HttpRequest(request.method, unquote(url.path), headers, raw, parse_qs(url.query, keep_blank_values=True))


class SmallWorld:
    """A role `own` with a boundary, an instance profile, a mapping, a route table, keys and secrets."""

    resource_tags: Mapping[str, Mapping[str, str]] = {
        f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-1": {"ns": "one"},
        f"arn:aws:batch:{REGION}:{ACCOUNT}:compute-environment/tagged": {"ns": "one"},
        f"arn:aws:iam::{ACCOUNT}:role/path/own": {"ns": "one"},
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:u-1": {"ns": "one"},
    }
    missing_objects = ("missing",)

    def tags(self, arn: str) -> Mapping[str, str]:
        return self.resource_tags.get(arn, {})

    def identity_arn(self, kind: str, name: str) -> str | None:
        return f"arn:aws:iam::{ACCOUNT}:role/path/own" if (kind, name) == ("role", "own") else None

    def boundary(self, kind: str, name: str) -> str | None:
        return f"arn:aws:iam::{ACCOUNT}:policy/b" if (kind, name) == ("role", "own") else None

    def profile_roles(self, name: str) -> list[str]:
        return [f"arn:aws:iam::{ACCOUNT}:role/path/own"] if name == "profile" else []

    def mapping_function(self, uuid: str) -> str | None:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:mapped" if uuid == "u-1" else None

    def template_id(self, name: str) -> str | None:
        return "lt-1" if name == "template" else None

    def group_id(self, name: str) -> str | None:
        return "sg-1" if name == "group" else None

    def association(self, association_id: str) -> tuple[str, str] | None:
        return ("rtb-1", "subnet-1") if association_id == "rtbassoc-1" else None

    def vpc_of(self, resource_id: str) -> str | None:
        return "vpc-1" if resource_id in ("rtb-1", "subnet-1", "sg-1") else None

    def key_arn(self, reference: str) -> str | None:
        return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k-1" if reference in ("alias/mine", "k-1") else None

    def secret_arn(self, reference: str) -> str | None:
        return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:known-AbCdEf" if reference == "known" else None

    def encryption_key(self, arn: str) -> str | None:
        is_encrypted = arn.endswith((":encrypted", "known-AbCdEf", "/encrypted"))
        return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k-1" if is_encrypted else None

    def lacks_object(self, _bucket: str, key: str) -> bool:
        return key in self.missing_objects

    def hash_key(self, _table: str) -> str | None:
        return "id"
