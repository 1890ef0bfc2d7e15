"""KMS.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from batchtab.local_aws.iam.checks import Check, Value
from batchtab.local_aws.iam.errors import UnknownRequestError
from batchtab.local_aws.iam.mapping.call import Call, Target
from batchtab.local_aws.iam.mapping.rules import Rule, everywhere, table, tagging


def _key(call: Call, reference: str) -> Target:
    """A key; its policies see it by its ARN, also where a request names an alias, which is a condition then."""
    context: dict[str, Value] = {"kms:CallerAccount": call.account}
    name = reference.rpartition(":")[2]
    if name.startswith("alias/"):
        context["kms:RequestAlias"] = name
    for pair, value in (call.get("EncryptionContext") or {}).items():
        context[f"kms:EncryptionContext:{pair}"] = value
    if call.get("EncryptionContext"):
        context["kms:EncryptionContextKeys"] = list(call.get("EncryptionContext"))
    arn = call.world.key_arn(reference)
    if arn is None:  # an alias of no key is allowed to who may use all keys
        is_key = ":key/" in reference
        arn = reference if is_key else call.arn("key/*" if "kms:RequestAlias" in context else f"key/{name}")
    return Target("key", arn, context)


def _on_key(action: str | None = None) -> Rule:
    return lambda call: [call.check(action, _key(call, call.need("KeyId", "TargetKeyId")))]


def _encrypted(call: Call) -> Iterable[Check]:
    """Decrypt needs no key's name: what was encrypted begins with the id of its key."""
    reference = call.get("KeyId")
    if reference is None:
        try:
            reference = base64.b64decode(str(call.get("CiphertextBlob")))[:36].decode()
        except (binascii.Error, UnicodeDecodeError, ValueError) as error:
            raise UnknownRequestError(f"{call.operation} names no key") from error
    return [call.check(None, _key(call, reference))]


def _alias(call: Call) -> Iterable[Check]:
    """An alias is changed on itself and on the keys that it names."""
    name = call.need("AliasName")
    yield call.check(None, Target("alias", call.arn(name)))
    for reference in {call.get("TargetKeyId"), None if call.operation == "CreateAlias" else name}:
        if reference:
            yield call.check(None, _key(call, reference))


def _new_key(call: Call) -> Iterable[Target]:
    return [Target("key", call.arn("key/*"))]


TABLE = table(
    {
        "CreateKey": (everywhere(), tagging(_new_key)),
        "Decrypt": _encrypted,
        "CreateAlias DeleteAlias UpdateAlias": _alias,
        "CancelKeyDeletion CreateGrant DescribeKey DisableKey DisableKeyRotation EnableKey EnableKeyRotation Encrypt"
        " GenerateDataKey GenerateDataKeyWithoutPlaintext GetKeyPolicy GetKeyRotationStatus GetPublicKey ListGrants"
        " ListKeyPolicies ListResourceTags PutKeyPolicy RevokeGrant ScheduleKeyDeletion Sign TagResource"
        " UntagResource UpdateKeyDescription Verify GenerateMac VerifyMac": _on_key(),
        "ListAliases ListKeys GenerateRandom": everywhere(),
    }
)
