"""What each action of a role's policies is for, by the calls that were recorded: a grant without which none is denied.

Nothing is deployed again: a recorded check has all that decides it but the role's own policies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from batchtab.local_aws.iam.checks import Check
from batchtab.local_aws.iam.evaluation import ResourcePolicy, decide

Document = Mapping[str, Any]


def documents(iam: Any, role_name: str) -> list[Document]:
    """A role's policies, attached and inline."""
    found = []
    for attached in iam.list_attached_role_policies(RoleName=role_name)["AttachedPolicies"]:
        version = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]["DefaultVersionId"]
        answer = iam.get_policy_version(PolicyArn=attached["PolicyArn"], VersionId=version)
        found.append(answer["PolicyVersion"]["Document"])
    for name in iam.list_role_policies(RoleName=role_name)["PolicyNames"]:
        found.append(iam.get_role_policy(RoleName=role_name, PolicyName=name)["PolicyDocument"])
    return found


def grants(policies: list[Document]) -> Iterator[tuple[str, list[Document]]]:
    """Each allowed action of each statement, as `action on resources if condition`, and the policies without it."""
    for number, policy in enumerate(policies):
        for place, statement in enumerate(policy["Statement"]):
            if statement["Effect"] != "Allow":
                continue
            for action in _many(statement["Action"]):
                rest = [each for each in _many(statement["Action"]) if each != action]
                changed = [*policy["Statement"]]
                changed[place : place + 1] = [{**statement, "Action": rest}] if rest else []
                others = [*policies]
                others[number] = {**policy, "Statement": changed}
                yield name_of(action, statement), others


def name_of(action: str, statement: Document) -> str:
    """A grant's name: what it allows on what, and when."""
    condition = statement.get("Condition")
    when = f" if {json.dumps(condition, sort_keys=True)}" if condition else ""
    return f"{action} on {' '.join(sorted(_many(statement['Resource'])))}{when}"


def short(name: str) -> str:
    """A grant's name with the kinds of its resources alone: `lambda:ListTags on function`."""
    action, _, rest = name.partition(" on ")
    resources, _, condition = rest.partition(" if ")
    kinds = sorted({re.split("[:/]", arn.split(":", 5)[-1])[0] for arn in resources.split(" ")})
    return f"{action} on {', '.join(kinds)}{' if ' + condition if condition else ''}"


def needed(policies: list[Document], checks: list[dict[str, Any]]) -> dict[str, bool]:
    """Of each grant, whether one of the calls that were allowed is denied without it."""
    found: dict[str, bool] = {}
    for name, others in grants(policies):
        action = name.partition(" ")[0].lower()
        mine = [each for each in checks if each["allowed"] and each["action"].lower() == action]
        found[name] = found.get(name, False) or any(not _allowed(each, others) for each in mine)
    return found


def _allowed(recorded: Mapping[str, Any], policies: list[Document]) -> bool:
    check = Check(recorded["action"], recorded["resource"], recorded["context"])
    policy = recorded.get("resource_policy")
    return decide(
        check, policies, resource=ResourcePolicy(**policy) if policy else None, principal=recorded["principal"]
    ).allowed


def _many(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]
