"""AWS's Service Authorization Reference: what an action can be about, and which condition keys it has.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

# Keys of AWS's own that the reference lists for each action; it has the other ones of `aws:` for all.
_LISTED = ("aws:requesttag/", "aws:tagkeys", "aws:resourcetag/")
# What AWS's pages say beside the reference, which has the key for jobs alone, to which no policy of theirs refers:
# https://docs.aws.amazon.com/batch/latest/userguide/iam-example-job-queue-share-identifier.html
_ALSO = {"batch:SubmitJob": ("batch:ShareIdentifier",)}


@functools.cache
def _data() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((Path(__file__).parent / "actions.json").read_text(encoding="utf-8"))
    return content


def knows(action: str) -> bool:
    """Whether AWS has an action, such as `lambda:GetFunction`."""
    prefix, _, name = action.partition(":")
    return name in _data().get(prefix, {}).get("actions", {})


def types(action: str) -> Mapping[str, list[str]]:
    """Resource types of an action, with the condition keys that it has for each; none if it is about all resources."""
    prefix, _, name = action.partition(":")
    found: dict[str, list[str]] = _data()[prefix]["actions"][name].get("types", {})
    return found


def required(action: str) -> set[str]:
    """Types of resources of which each request for an action has one."""
    prefix, _, name = action.partition(":")
    return set(_data()[prefix]["actions"][name].get("required", []))


def dependent(action: str) -> set[str]:
    """Actions that somebody who does this may need too."""
    prefix, _, name = action.partition(":")
    return set(_data()[prefix]["actions"][name].get("dependent", []))


def type_of(action: str, arn: str) -> str | None:
    """Return the type of a resource among those that an action can be about: of several, the most specific."""
    prefix = action.partition(":")[0]
    resources = _data()[prefix]["resources"]
    fitting = [name for name in types(action) if name in resources and _pattern(resources[name]["arn"]).match(arn)]
    return max(fitting, key=lambda name: len(re.sub(r"\$\{\w+\}", "", resources[name]["arn"])), default=None)


@functools.cache
def _pattern(template: str) -> re.Pattern[str]:
    pieces = re.split(r"\$\{(\w+)\}", template)
    free = {"Partition": "[^:]*", "Region": "[^:]*", "Account": "[^:]*"}
    return re.compile("".join(free.get(p, ".+") if n % 2 else re.escape(p) for n, p in enumerate(pieces)) + r"\Z")


def supported(action: str, type_name: str | None, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a request's context that AWS has for an action on a type of resource."""
    keys = _supported_keys(action, type_name)
    return {key: value for key, value in context.items() if _is_global(key) or _fits(key.lower(), keys)}


@functools.cache
def _supported_keys(action: str, type_name: str | None) -> tuple[str, ...]:
    prefix, _, name = action.partition(":")
    service = _data()[prefix]
    keys = [*service["actions"][name].get("keys", []), *_ALSO.get(action, ())]
    if type_name is not None:
        # EC2 lists the keys of each pair of action and type; of the others a type has the same ones for all actions.
        own = types(action).get(type_name)
        keys += own or service["resources"].get(type_name, {}).get("keys", [])
    return tuple(key.lower() for key in keys)


def _is_global(key: str) -> bool:
    return key.lower().startswith("aws:") and not key.lower().startswith(_LISTED)


def _fits(key: str, supported_keys: Iterable[str]) -> bool:
    return any(key.startswith(_start(each)) if _start(each) != each else key == each for each in supported_keys)


@functools.cache
def _start(key: str) -> str:
    """What a key that ends in a name of the user's begins with: `aws:requesttag/${tagkey}`, `…/<key>`, `…/tag-key`."""
    return re.sub(r"(\$\{\w+\}|<\w+>|tag-key)\Z", "", key)
