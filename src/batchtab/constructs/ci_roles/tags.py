"""Conditions on the tag that everything of a stage has: the namespace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TAG = "batchtab:namespace"
_ON_RESOURCE = f"aws:ResourceTag/{TAG}"
#: Services of what a stage makes, where a policy sees the tags of what is changed. Not ecr: its repositories are known
#: by their names, as several stages may pull from one.
SERVICES = ("batch", "cloudwatch", "dynamodb", "ec2", "events", "iam", "lambda", "logs", "scheduler", "sqs")


def asks_for(namespace: Any) -> Mapping[str, Any]:
    """The request gives the resource the namespace's tag, as all do that make something by Terraform."""
    return {"StringEquals": {f"aws:RequestTag/{TAG}": namespace}}


def has(namespace: Any) -> Mapping[str, Any]:
    """The resource has the namespace's tag. A change of a tag sends what changed, and not this one."""
    return {"StringEquals": {_ON_RESOURCE: namespace}}


def takes_untagged(namespace: Any) -> Mapping[str, Any]:
    """The request gives the namespace's tag to a resource that has none: AWS itself made it."""
    return {**asks_for(namespace), "Null": {_ON_RESOURCE: "true"}}


def nothing_of_others(namespace: Any, services: Sequence[str] = SERVICES) -> Mapping[str, Any]:
    """A statement that denies whatever has another namespace's tag, also where its name begins like one of ours.

    Where AWS gives a policy no tags, as of what is yet to be made, it denies nothing.
    """
    return {
        "Effect": "Deny",
        "Action": [f"{service}:*" for service in services],
        "Resource": "*",
        "Condition": {"Null": {_ON_RESOURCE: "false"}, "StringNotEquals": {_ON_RESOURCE: namespace}},
    }
