"""Decides as IAM does, from documents alone: tests may ask about checks that were recorded.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from batchtab.local_aws.iam.checks import Check
from batchtab.local_aws.iam.conditions import matches, met

Document = Mapping[str, Any] | str
Statement = Mapping[str, Any]


@dataclass(frozen=True)
class ResourcePolicy:
    """The policy of what a request is about.

    Attributes:
        document: The policy; empty if there is none.
        required: Whether it has to allow what an identity's policy allows already: keys of KMS, and trust in a role.
    """

    document: Document
    required: bool = False


@dataclass(frozen=True)
class Decision:
    """What IAM says.

    Attributes:
        allowed: Whether it may be done.
        why: As AWS's messages have it; empty if it is allowed.
    """

    allowed: bool
    why: str = ""


def decide(
    check: Check,
    policies: Iterable[Document],
    boundary: Document | None = None,
    session: Sequence[Document] | None = None,
    resource: ResourcePolicy | None = None,
    principal: str = "",
) -> Decision:
    """Decide one check.

    Args:
        check: What is asked for.
        policies: The identity's policies.
        boundary: The identity's permissions boundary; None if it has none.
        session: The policies of the session; None if it has none of its own.
        resource: The policy of the resource; None if such a resource can have none.
        principal: ARN of who asks, as STS's GetCallerIdentity shows it; only a resource's policy looks at it.
    """
    context = {key.lower(): value for key, value in check.context.items()}
    layers = {"identity-based policy": _all(policies)}
    if boundary is not None:
        layers["permissions boundary"] = statements(boundary)
    if session is not None:
        layers["session policy"] = _all(session)
    own = [] if resource is None else statements(resource.document)
    role = str(context.get("aws:principalarn", ""))
    named = [(each, _named(each, principal, role)) for each in own]
    for name, found in {**layers, "resource-based policy": [each for each, how in named if how]}.items():
        if _any(found, "Deny", check, context):
            return Decision(False, f"with an explicit deny in {_article(name)} {name}")
    if _any([each for each, how in named if how == "directly"], "Allow", check, context):
        return Decision(True)
    lacking = [name for name, found in layers.items() if not _any(found, "Allow", check, context)]
    limits = [name for name in lacking if name != "identity-based policy"]
    if not limits and _any([each for each, how in named if how == "role"], "Allow", check, context):
        return Decision(True)
    if lacking:
        return Decision(False, f"because no {lacking[0]} allows the {check.action} action")
    if resource is not None and resource.required and not _any([e for e, how in named if how], "Allow", check, context):
        return Decision(False, f"because no resource-based policy allows the {check.action} action")
    return Decision(True)


def lets_in(check: Check, document: Document, principal: str) -> Decision:
    """Decide whether a resource's policy alone allows somebody who has no policies.

    Args:
        check: What is asked for.
        document: The policy, or a role's trust.
        principal: A service, such as events.amazonaws.com, or the ARN of an OpenID Connect provider.
    """
    context = {key.lower(): value for key, value in check.context.items()}
    named = [each for each in statements(document) if _named(each, principal, "")]
    if _any(named, "Deny", check, context):
        return Decision(False, "with an explicit deny in a resource-based policy")
    if _any(named, "Allow", check, context):
        return Decision(True)
    return Decision(False, f"because no resource-based policy allows the {check.action} action")


def statements(document: Document) -> list[Statement]:
    """Return the statements of a policy, of which IAM may have kept percent signs; none if it is no policy."""
    if isinstance(document, str):
        text = document if document.lstrip().startswith("{") else unquote(document)
        try:
            document = json.loads(text or "{}")
        except ValueError:
            return []
    found = document.get("Statement") or [] if isinstance(document, Mapping) else []
    return list(found) if isinstance(found, list) else [found]


def _all(documents: Iterable[Document]) -> list[Statement]:
    return [each for document in documents for each in statements(document)]


def _article(name: str) -> str:
    return "an" if name[0] in "aeiou" else "a"


def _any(found: Iterable[Statement], effect: str, check: Check, context: Mapping[str, Any]) -> bool:
    return any(each.get("Effect") == effect and _applies(each, check, context) for each in found)


def _applies(statement: Statement, check: Check, context: Mapping[str, Any]) -> bool:
    return (
        _selects(statement, "Action", check.action, context, ignore_case=True)
        and _selects(statement, "Resource", check.resource, context)
        and met(statement.get("Condition") or {}, context)
    )


def _selects(
    statement: Statement, element: str, value: str, context: Mapping[str, Any], *, ignore_case: bool = False
) -> bool:
    if element in statement:
        return any(matches(each, value, context, ignore_case=ignore_case) for each in _list(statement[element]))
    if f"Not{element}" in statement:
        patterns = _list(statement[f"Not{element}"])
        return not any(matches(each, value, context, ignore_case=ignore_case) for each in patterns)
    return element == "Resource"  # trust policies have none


def _list(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _named(statement: Statement, principal: str, role: str) -> str:
    """How a statement of a resource's policy names who asks: `directly`, by its `role`, by its `account`, or not.

    A session is its account, its role and itself: a deny spares it if all three are excluded.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    """
    if not principal:
        return ""
    if "NotPrincipal" in statement:
        excluded = _found_in(statement["NotPrincipal"], principal, role).values()
        spared = all(excluded) if statement.get("Effect") == "Deny" else any(excluded)
        return "" if spared else "role"
    return next((how for how, found in _found_in(statement.get("Principal"), principal, role).items() if found), "")


def _found_in(names: Any, principal: str, role: str) -> dict[str, bool]:
    """Return of each way to name a principal whether it is among a statement's names."""
    kinds = names if isinstance(names, Mapping) else {"AWS": names or []}
    wanted = _list(kinds.get("AWS", []))
    if ":oidc-provider/" in principal:
        return {"directly": principal in _list(kinds.get("Federated", []))}
    if not principal.startswith("arn:"):
        services = [each.lower() for each in _list(kinds.get("Service", []))]
        return {"directly": principal.lower() in services or "*" in wanted}
    account = principal.split(":")[4]
    roles = wanted if role else [_without_path(each) for each in wanted]
    return {
        "directly": principal in wanted,
        "role": "*" in wanted or (role or role_of(principal)) in roles,
        "account": bool({account, f"arn:aws:iam::{account}:root"} & set(wanted)),
    }


def role_of(principal: str) -> str:
    """Return the ARN of the role that a session has taken, without a path; any other principal as it is."""
    head, mark, rest = principal.partition(":assumed-role/")
    return f"{head.replace(':sts:', ':iam:')}:role/{rest.partition('/')[0]}" if mark else principal


def _without_path(arn: str) -> str:
    head, mark, rest = arn.partition(":role/")
    return f"{head}{mark}{rest.rpartition('/')[2]}"
