"""What is wrong with a policy document, in AWS's words.

AWS publishes no list of messages; these are the ones that its services are seen to give.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal

# managed: of CreatePolicy; inline: of PutRolePolicy and a session; trust: of a role; resource: of a queue, a bucket, …
Kind = Literal["managed", "inline", "trust", "resource"]

SYNTAX = "Syntax errors in policy."
_VERSIONS = ("2008-10-17", "2012-10-17")
_TOP = {"Version", "Id", "Statement"}
_ELEMENTS = {
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
}  # fmt: skip
_PAIRS = (("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource"))
_PRINCIPALS = {"AWS", "Federated", "Service", "CanonicalUser"}
_SID = re.compile(r"[0-9A-Za-z]*")
_VENDOR = re.compile(r"[a-zA-Z0-9.-]+")
_ASSUME = re.compile(r"sts:(\*|assume[\w*]*|tagsession|setsourceidentity|setcontext)", re.IGNORECASE)
_PARTITION = re.compile(r"aws(-[a-z]+)*|\*")
_OPERATOR = re.compile(
    r"(ForAllValues:|ForAnyValue:)?"
    r"(String(Not)?Equals(IgnoreCase)?|String(Not)?Like|Numeric(Not)?Equals|Numeric(Less|Greater)Than(Equals)?"
    r"|Date(Not)?Equals|Date(Less|Greater)Than(Equals)?|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like))"
    r"(IfExists)?|Null",
    re.IGNORECASE,
)
_SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?")
_AWS_PRINCIPAL = re.compile(
    r"\*|\d{12}|A[A-Z0-9]{15,127}|arn:aws[a-z-]*:(iam|sts)::\d{12}:\S+|arn:aws[a-z-]*:iam::cloudfront:\S+"
)


class MalformedError(Exception):
    """A policy that AWS does not store; the text is AWS's message."""


def check(document: str | bytes | dict[str, Any], kind: Kind) -> None:
    """Refuse a policy that breaks the grammar, or has what its kind must not have.

    Args:
        document: The policy, as it came or already read.
        kind: What it is for.

    Raises:
        MalformedError: The first thing that is wrong, in AWS's words.
    """
    policy = _read(document)
    statements = policy["Statement"]
    statements = [statements] if isinstance(statements, dict) else statements
    if not isinstance(statements, list):
        raise MalformedError(SYNTAX)
    if not statements:
        raise MalformedError("Could not parse the policy: Statement is empty!")
    for statement in statements:
        _check_syntax(statement, kind)
    version = policy.get("Version", _VERSIONS[0])
    if version not in _VERSIONS or (kind == "managed" and version != _VERSIONS[1]):
        raise MalformedError("Policy document must be version 2012-10-17 or greater.")
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(sids) != len(set(sids)):
        raise MalformedError("Statement IDs (SID) in a single policy must be unique.")
    for statement in statements:
        _check_action(statement, kind)
        _check_principal(statement, kind)
        _check_resource(statement, kind)


def size(document: str) -> int:
    """Return how many characters of a policy count against IAM's quotas: all but white space.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    return len(re.sub(r"\s", "", document))


def principals(document: str | dict[str, Any], kind: str) -> list[str]:
    """Return the principals of one kind, such as AWS, that a well-formed policy names."""
    statements = _read(document)["Statement"]
    found = []
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal")
        found += _list(principal.get(kind)) if isinstance(principal, dict) else []
    return found


def _read(document: str | bytes | dict[str, Any]) -> dict[str, Any]:
    if not isinstance(document, dict):
        try:
            document = json.loads(document, parse_constant=_no_constant)
        except (ValueError, TypeError):
            raise MalformedError(SYNTAX) from None
    if not isinstance(document, dict) or not set(document) <= _TOP or "Statement" not in document:
        raise MalformedError(SYNTAX)
    if not isinstance(document.get("Id", ""), str) or not isinstance(document.get("Version", ""), str):
        raise MalformedError(SYNTAX)
    return document


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _check_syntax(statement: Any, kind: Kind) -> None:
    if not isinstance(statement, dict) or not set(statement) <= _ELEMENTS:
        raise MalformedError(SYNTAX)
    if any(one in statement and other in statement for one, other in _PAIRS):
        raise MalformedError(SYNTAX)
    if "Effect" not in statement:
        raise MalformedError("Missing required field Effect" if kind in ("trust", "resource") else SYNTAX)
    if statement["Effect"] not in ("Allow", "Deny"):
        raise MalformedError(SYNTAX)
    for element in ("Action", "NotAction", "Resource", "NotResource"):
        if element in statement and not _is_text_or_texts(statement[element]):
            raise MalformedError(SYNTAX)
    if not isinstance(statement.get("Sid", ""), str):
        raise MalformedError(SYNTAX)
    if kind != "resource" and not _SID.fullmatch(statement.get("Sid", "")):
        raise MalformedError(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression"
            " [0-9A-Za-z]*"
        )
    _check_condition(statement.get("Condition", {}))
    for element in ("Principal", "NotPrincipal"):
        principal = statement.get(element, "*")
        if isinstance(principal, dict):
            if not set(principal) <= _PRINCIPALS or not all(map(_is_text_or_texts, principal.values())):
                raise MalformedError(SYNTAX)
        elif principal != "*":
            raise MalformedError(SYNTAX if kind != "resource" else "Invalid principal in policy")


def _check_condition(condition: Any) -> None:
    """Refuse a condition whose value is no string, number or boolean, nor a list of those: null, above all."""
    if not isinstance(condition, dict):
        raise MalformedError(SYNTAX)
    for operator, keys in condition.items():
        if not _OPERATOR.fullmatch(operator):
            raise MalformedError(f"Invalid Condition type : {operator}.")
        if not isinstance(keys, dict):
            raise MalformedError(SYNTAX)
        for key, values in keys.items():
            if ":" not in key:
                raise MalformedError("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
            if not all(
                isinstance(value, str | int | float) for value in (values if isinstance(values, list) else [values])
            ):
                raise MalformedError(SYNTAX)


def _check_action(statement: dict[str, Any], kind: Kind) -> None:
    actions = _list(statement.get("Action", statement.get("NotAction")))
    if not actions:
        missing = "Missing required field Action" if kind in ("trust", "resource") else None
        raise MalformedError(missing or "Policy statement must contain actions.")
    for action in actions:
        vendor, colon, name = action.partition(":")
        if action == "*":
            continue
        if not colon or not name:
            raise MalformedError("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
        if ":" in name:
            raise MalformedError("Actions/Condition can contain only one colon.")
        if not _VENDOR.fullmatch(vendor):
            raise MalformedError(f"Vendor {vendor} is not valid")
    if kind == "trust" and not all(_ASSUME.fullmatch(action) for action in actions):
        raise MalformedError("AssumeRole policy may only specify STS AssumeRole actions.")


def _check_principal(statement: dict[str, Any], kind: Kind) -> None:
    principal = statement.get("Principal", statement.get("NotPrincipal"))
    if kind in ("managed", "inline"):
        if principal is not None:
            raise MalformedError("Policy document should not specify a principal.")
        return
    if not principal:
        raise MalformedError("Missing required field Principal")
    if kind == "trust" and "NotPrincipal" in statement:
        allows = statement["Effect"] == "Allow"
        raise MalformedError(
            "Allow with NotPrincipal is not allowed."
            if allows
            else "AssumeRole policy must not contain NotPrincipal field."
        )
    if principal == "*":
        return
    for form, value in ((form, value) for form, values in principal.items() for value in _list(values)):
        wanted = {"AWS": _AWS_PRINCIPAL, "Service": _SERVICE}.get(form)
        if wanted is not None and not wanted.fullmatch(value):
            raise MalformedError(f'Invalid principal in policy: "{"SERVICE" if form == "Service" else form}":"{value}"')


def _check_resource(statement: dict[str, Any], kind: Kind) -> None:
    resources = _list(statement.get("Resource", statement.get("NotResource")))
    if kind == "trust":
        found = next((element for element in ("Resource", "NotResource") if element in statement), None)
        if found:
            raise MalformedError(f"Has prohibited field {found}")
        return
    if not resources:
        missing = "Missing required field Resource" if kind == "resource" else None
        raise MalformedError(missing or "Policy statement must contain resources.")
    for resource in resources:
        if resource == "*" or kind == "resource":
            continue
        parts = resource.split(":", 5)
        whole = len(parts) == 6 or "*" in parts[-1]  # a * may replace all the parts that follow
        if parts[0] != "arn" or not whole:
            raise MalformedError(f'Resource {resource} must be in ARN format or "*".')
        if len(parts) > 1 and not _PARTITION.fullmatch(parts[1]):
            raise MalformedError(f'Partition "{parts[1]}" is not valid for resource "{resource}".')


def _is_text_or_texts(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [] if value is None else [value]
