"""Secrets Manager, and Parameter Store of Systems Manager.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
"""

from __future__ import annotations

from collections.abc import Iterable

from batchtab.local_aws.iam.checks import Check, Value
from batchtab.local_aws.iam.mapping.call import Call, Target
from batchtab.local_aws.iam.mapping.rules import everywhere, on, table, tagging, with_key


def _secret(call: Call) -> Iterable[Target]:
    return [_named(call, call.need("SecretId"))]


def _named(call: Call, reference: str) -> Target:
    """A secret: its ARN ends in six signs that a request by name does not say."""
    arn = call.world.secret_arn(reference) or reference
    context: dict[str, Value] = {"secretsmanager:SecretId": arn}
    stage, version = call.get("VersionStage"), call.get("VersionId")
    context |= {"secretsmanager:VersionStage": stage} if stage else {}
    context |= {"secretsmanager:VersionId": version} if version else {}
    return Target("Secret", arn if arn.startswith("arn:") else call.arn(f"secret:{arn}"), context)


def _new_secret(call: Call) -> Iterable[Target]:
    name = call.need("Name")
    return [Target("Secret", call.arn(f"secret:{name}"), {"secretsmanager:Name": name})]


def _batch(call: Call) -> Iterable[Check]:
    yield call.check("secretsmanager:BatchGetSecretValue")
    if call.get("Filters"):
        yield call.check("secretsmanager:ListSecrets")
    for reference in call.all("SecretIdList"):
        yield call.check("secretsmanager:GetSecretValue", _named(call, reference))


SECRETS = table(
    {
        "GetSecretValue": (on(_secret), with_key(_secret, "secretsmanager", "kms:Decrypt")),
        "PutSecretValue UpdateSecret": (
            on(_secret),
            with_key(_secret, "secretsmanager", "kms:GenerateDataKey", "kms:Decrypt"),
        ),
        "CancelRotateSecret DeleteResourcePolicy DeleteSecret DescribeSecret GetResourcePolicy ListSecretVersionIds"
        " PutResourcePolicy RestoreSecret RotateSecret TagResource UntagResource UpdateSecretVersionStage": on(_secret),
        "CreateSecret": (on(_new_secret), tagging(_new_secret)),
        "BatchGetSecretValue": _batch,
        "GetRandomPassword ListSecrets": everywhere(),
    }
)


def _parameters(call: Call) -> Iterable[Target]:
    names = call.all("Name", "Names", "ResourceId") or [call.get("Path") or "/"]
    for name in names:
        # A name may be followed by a version or a label, and is an ARN's end without its first slash.
        arn = name if name.startswith("arn:") else call.arn(f"parameter/{name.lstrip('/').partition(':')[0]}")
        yield Target("parameter", arn)


def _decrypted(call: Call) -> Iterable[Check]:
    asked = str(call.get("WithDecryption") or "").lower() == "true"
    return with_key(_parameters, "ssm", "kms:Decrypt")(call) if asked else []


PARAMETERS = table(
    {
        "GetParameter GetParameters GetParameterHistory GetParametersByPath": (on(_parameters), _decrypted),
        "PutParameter": (on(_parameters), tagging(_parameters, "ssm:AddTagsToResource")),
        "DeleteParameter DeleteParameters LabelParameterVersion AddTagsToResource ListTagsForResource"
        " RemoveTagsFromResource": on(_parameters),
        "DescribeParameters": everywhere(),
    }
)
