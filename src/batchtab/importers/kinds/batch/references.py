"""What job definitions and triggers refer to: roles, queues, definitions, secrets."""

from __future__ import annotations

import re

from batchtab import limits
from batchtab.importers.intrinsics.unresolved import Unresolved, names_in
from batchtab.importers.places import Place

#: In place of what is not known, where it does not matter which account or region it is.
_SAMPLE = {
    "AWS::AccountId": "123456789012",
    "AWS::Region": "us-east-1",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
_DEFINITION = re.compile(r"(?:arn:[^/]*:job-definition/)?(?P<name>.+?)(?::(?P<revision>[0-9]+))?")
_SECRET = re.compile(r"arn:[^:]+:(?P<service>ssm|secretsmanager):[^:]*:[^:]*:(?P<rest>.+)")


def definition_name(reference: str) -> tuple[str, str]:
    """Name and revision of a job definition by name, by ARN or by either with a revision."""
    match = _DEFINITION.fullmatch(reference)
    return (match["name"], match["revision"] or "") if match else (reference, "")


def queue_name(reference: str) -> str:
    """The name of a queue, given by name or by ARN."""
    return reference.rpartition("job-queue/")[2]


def secret(reference: str) -> str | None:
    """A secret as jobs.yaml has it: an ARN, or a name that begins with its store; None if it is not known."""
    if limits.SECRET_ARN.refusal(reference) is None:
        return str(reference)
    if not reference.startswith(("arn:", "${")):
        return None if names_in(reference) else _of_ssm(reference)
    match = _SECRET.fullmatch(_placed(reference) or "")
    if match is None:
        return None
    if match["service"] == "ssm":
        return _of_ssm(match["rest"].removeprefix("parameter"))
    name = f"secretsmanager:{match['rest'].removeprefix('secret:')}"
    return name if limits.AMBIGUOUS_SECRET.refusal(name) is None else None


def secret_arn(reference: str, place: Place) -> str:
    """A secret's ARN, as Terraform's module takes it."""
    if reference.startswith("arn:"):
        return reference
    if reference.startswith("secretsmanager:"):
        return place.arn("secretsmanager", f"secret:{reference.removeprefix('secretsmanager:')}")
    return place.arn("ssm", f"parameter/{reference.removeprefix('ssm:').lstrip('/')}")


def is_role(reference: str) -> bool:
    """Whether a text is a role's ARN without unknown parts."""
    return not isinstance(reference, Unresolved) and limits.ROLE_ARN.refusal(reference) is None


def _of_ssm(name: str) -> str:
    return name if name.count("/") > 1 else f"ssm:{name.lstrip('/')}"


def _placed(text: str) -> str | None:
    """The text in some account and region; None if something else in it is not known."""
    for name in names_in(text):
        if name not in _SAMPLE:
            return None
        text = text.replace(f"${{{name}}}", _SAMPLE[name])
    return text
