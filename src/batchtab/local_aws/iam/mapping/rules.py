"""What the tables of the services are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from batchtab.local_aws.iam import reference
from batchtab.local_aws.iam.checks import Check
from batchtab.local_aws.iam.errors import UnknownRequestError
from batchtab.local_aws.iam.mapping.call import Call, Target

Find = Callable[[Call], Iterable[Target]]
Rule = Callable[[Call], Iterable[Check]]
Table = Mapping[str, tuple[Rule, ...]]


def table(rows: Mapping[str, Rule | tuple[Rule, ...]]) -> Table:
    """Return a table whose rows were written for several operations at once, with spaces between their names."""
    return {
        name: rules if isinstance(rules, tuple) else (rules,) for names, rules in rows.items() for name in names.split()
    }


def on(*finds: Find, action: str | None = None) -> Rule:
    """Return a rule: an action, by default that of the operation's name, on each resource that is found."""

    def checks(call: Call) -> Iterable[Check]:
        return [call.check(action, target) for find in finds for target in find(call)]

    return checks


def everywhere(action: str | None = None) -> Rule:
    """Return a rule: an action that is about no resource in particular."""
    return lambda call: [call.check(action)]


def by_arn(*names: str) -> Find:
    """Find a resource by a parameter that is its ARN, of whichever type it is."""

    def find(call: Call) -> Iterable[Target]:
        arn = call.need(*names)
        type_name = reference.type_of(call.action, arn)
        if type_name is None:
            raise UnknownRequestError(f"{call.operation} is not about {arn}")
        return [Target(type_name, arn)]

    return find


def tagging(find: Find, action: str | None = None) -> Rule:
    """Return a rule: whoever makes something with tags has to be allowed to tag it."""

    def checks(call: Call) -> Iterable[Check]:
        wanted = action or f"{call.prefix}:TagResource"
        return [call.check(wanted, target) for target in find(call)] if call.tags else []

    return checks


def passing(service: str, *paths: str) -> Rule:
    """Return a rule: whoever hands a role to a service has to be allowed to pass it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
    """
    return lambda call: [pass_role(call, arn, service) for arn in call.all(*paths) if arn]


def pass_role(call: Call, role: str, service: str) -> Check:
    """Return the check of iam:PassRole for one role."""
    arn = role if role.startswith("arn:") else call.world.identity_arn("role", role) or call.arn(f"role/{role}", "iam")
    tags = call.world.tags(arn)
    context: dict[str, Any] = {"iam:PassedToService": service}
    context |= {f"{prefix}:ResourceTag/{key}": value for prefix in ("aws", "iam") for key, value in tags.items()}
    return Check("iam:PassRole", arn, reference.supported("iam:PassRole", "role", context))


def linked_role(call: Call, service: str, name: str) -> Iterable[Check]:
    """Return the check for a service's own role, which comes with the first use of it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html
    """
    if call.world.identity_arn("role", name) is not None:
        return []
    arn = call.arn(f"role/aws-service-role/{service}/{name}", "iam")
    context = {"iam:AWSServiceName": service}
    return [Check("iam:CreateServiceLinkedRole", arn, context)]


def with_key(find: Find, service: str, *actions: str) -> Rule:
    """Return a rule: where a customer's key encrypts a resource, the service uses it in the name of who asks.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """

    def checks(call: Call) -> Iterable[Check]:
        keys = [key for target in find(call) if (key := call.world.encryption_key(target.arn))]
        return [key_check(call, key, service, action) for key in keys for action in actions]

    return checks


def key_check(call: Call, key: str, service: str, action: str) -> Check:
    """Return the check of what a service does with a key for who asks."""
    context = {"kms:ViaService": f"{service}.{call.region}.amazonaws.com", "kms:CallerAccount": call.account}
    return Check(action, key, reference.supported(action, "key", context))
