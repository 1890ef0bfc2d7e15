"""Tags that IAM does not take, refused as it does.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import iam

from batchtab.local_aws import tag_rules

Record = dict[str, Any]


def install() -> None:
    """Have ministack's IAM refuse them, wherever a request gives tags."""
    for action, serve in list(iam._IAM_HANDLERS.items()):
        iam._IAM_HANDLERS[action] = _checked(action, serve)


def _checked(action: str, serve: Callable[[Record], Any]) -> Callable[[Record], Any]:
    def served(given: Record) -> Any:
        return (_refusal(action, given) if "Tags.member.1.Key" in given else None) or serve(given)

    return served


def _refusal(action: str, given: Record) -> Any:
    tags = {tag["Key"]: tag["Value"] for tag in iam._extract_tags(given)}
    if (found := tag_rules.fault(tags)) is not None:
        key, fault = found
        text = f"1 validation error detected: Value '{key}' at 'tags' failed to satisfy constraint: Member {fault}"
        return iam._error(400, "ValidationError", iam._xml_escape(text))
    present = _present(action, given)
    if len({*present, *tags}) > tag_rules.TAGS_MAXIMUM:
        return iam._error(409, "LimitExceeded", f"Cannot exceed quota for TagsPerResource: {tag_rules.TAGS_MAXIMUM}")
    return None


def _present(action: str, given: Record) -> list[str]:
    """Return the keys of the tags that a role or policy has already."""
    store, name = {"TagRole": (iam._roles, "RoleName"), "TagPolicy": (iam._policies, "PolicyArn")}.get(action, ({}, ""))
    return [tag["Key"] for tag in (store.get(iam._p(given, name)) or {}).get("Tags", [])] if name else []
