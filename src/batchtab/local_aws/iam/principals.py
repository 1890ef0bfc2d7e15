"""Who sends a request, and which policies limit it, by ministack's IAM and STS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam, sts

from batchtab.local_aws.iam.checks import Check, Value
from batchtab.local_aws.iam.evaluation import Decision, Document, ResourcePolicy, decide, role_of


@dataclass(frozen=True)
class Principal:
    """A user, a role's session, or a role as a service of AWS takes it.

    Attributes:
        arn: As STS's GetCallerIdentity shows it.
        account: Its account.
        policies: Documents of its own policies.
        boundary: Its permissions boundary; None if it has none.
        session: Policies of the session; None if it has none of its own.
        keys: Condition keys that describe it.
    """

    arn: str
    account: str
    policies: list[Document]
    boundary: Document | None
    session: list[Document] | None
    keys: Mapping[str, Value] = field(default_factory=dict)

    def decide(self, check: Check, policy: ResourcePolicy | None) -> Decision:
        """Decide a check."""
        return decide(check, self.policies, self.boundary, self.session, policy, self.arn)


def is_administrator(access_key: str) -> bool:
    """Whether a key is one of the dummy keys: `test`, or an account's 12 digits. No key at all is not."""
    return bool(access_key) and bool(iam_evaluator.is_root_access_key(access_key))


def of_key(access_key: str, account: str) -> Principal | None:
    """Return who has an access key; None if nobody has it, or not any more."""
    credential = iam_evaluator.resolve_credential(access_key, account)
    if isinstance(credential, iam_evaluator.CredentialResolutionError):
        return None
    found = iam_evaluator.resolve_principal(access_key, account, credential)
    if isinstance(found, iam_evaluator.AuthError):
        return None
    limits = [_documents(layer) for layer in found.limits]
    session = limits.pop() if (sts._sessions.get(access_key) or {}).get("SessionPolicies") is not None else None
    boundary = limits[0][0] if limits else None
    keys = {**found.keys, "aws:PrincipalType": found.type, "aws:PrincipalArn": _identity(found.arn)}
    keys["aws:PrincipalAccount"] = found.account
    return Principal(found.arn, found.account, _documents(found.policies or []), boundary, session, keys)


def of_role(arn: str, account: str) -> Principal:
    """Return a role as a service takes it; one that does not exist has no policies."""
    name = arn.rpartition("/")[2]
    boundary = iam_evaluator._permissions_boundary(iam._roles, name, account)
    keys: dict[str, Value] = {
        "aws:PrincipalType": "AssumedRole",
        "aws:PrincipalArn": arn,
        "aws:PrincipalAccount": account,
    }
    policies = _documents(iam_evaluator._gather_role_policies(name, account))
    return Principal(arn, account, policies, _documents(boundary[0])[0] if boundary else None, None, keys)


def _identity(arn: str) -> str:
    """A session's role with its path: `aws:PrincipalArn` is that of the role."""
    role = role_of(arn)
    return str((iam._roles.get(role.rpartition("/")[2]) or {}).get("Arn", role)) if role != arn else arn


def _documents(parsed: list[list[Any]]) -> list[Document]:
    return [{"Statement": [_statement(each) for each in statements]} for statements in parsed]


def _statement(parsed: Any) -> dict[str, Any]:
    elements = {
        "Action": parsed.actions,
        "NotAction": parsed.not_actions,
        "Resource": parsed.resources,
        "NotResource": parsed.not_resources,
        "Condition": parsed.conditions,
    }
    return {"Effect": parsed.effect, **{name: value for name, value in elements.items() if value}}
