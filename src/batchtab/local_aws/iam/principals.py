"""Who sends a request, and which policies limit it, by ministack's IAM and STS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam, sts

from batchtab.local_aws.iam.checks import Check, Value
from batchtab.local_aws.iam.evaluation import Decision, Document, ResourcePolicy, decide, role_of

# What the sessions of services are called, of which each has names of its own on AWS.
_SERVICE_SESSION = "service"


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
    keys |= {"aws:PrincipalAccount": found.account, "aws:SourceIp": "127.0.0.1"}
    return Principal(found.arn, found.account, _documents(found.policies or []), boundary, session, keys)


def of_role(arn: str) -> Principal | None:
    """Return the session in which a service acts in a role's name; None if there is no such role."""
    found = role(arn)
    if found is None:
        return None
    account, name = account_of(arn), str(found["RoleName"])
    boundary = iam_evaluator._permissions_boundary(iam._roles, name, account)
    keys: dict[str, Value] = {
        "aws:PrincipalType": "AssumedRole",
        "aws:PrincipalArn": arn,
        "aws:PrincipalAccount": account,
        "aws:userid": f"{found['RoleId']}:{_SERVICE_SESSION}",
        **{f"aws:PrincipalTag/{tag['Key']}": tag["Value"] for tag in found.get("Tags") or []},
    }
    policies = _documents(iam_evaluator._gather_role_policies(name, account))
    session = f"arn:aws:sts::{account}:assumed-role/{name}/{_SERVICE_SESSION}"
    return Principal(session, account, policies, _documents(boundary[0])[0] if boundary else None, None, keys)


def role(arn: str) -> dict[str, Any] | None:
    """Return the role that has an ARN, its account and path as in the ARN; None if there is none."""
    found: dict[str, Any] | None = iam._roles.get_scoped(account_of(arn), None, arn.rpartition("/")[2])
    return found if found is not None and found["Arn"] == arn else None


def account_of(arn: str) -> str:
    """Return the account in an ARN; empty if it has none."""
    parts = arn.split(":")
    return parts[4] if len(parts) > 4 else ""


def _identity(arn: str) -> str:
    """A session's role with its path: `aws:PrincipalArn` is that of the role."""
    plain = role_of(arn)
    found = iam._roles.get_scoped(account_of(arn), None, plain.rpartition("/")[2]) if plain != arn else None
    return str((found or {}).get("Arn", plain))


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
