"""A table of a function's: paid by use, encrypted, restorable; old rows go by themselves."""

from __future__ import annotations

from typing import Any

from batchtab.constructs._terraform.aws import (
    DynamodbTable,
    DynamodbTableAttribute,
    DynamodbTablePointInTimeRecovery,
    DynamodbTableServerSideEncryption,
    DynamodbTableTtl,
)
from batchtab.constructs._terraform.expressions import Condition, as_map
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, create_resource


def table(
    scope: BatchtabConstruct,
    *,
    name: str,
    keys: tuple[str, str],
    kms_key_arn: str | None,
    tags: Any,
    when: Condition = True,
) -> ResourceRef:
    """Makes the table.

    Args:
        scope: The construct that it belongs to.
        name: The table's name.
        keys: Its hash key and its range key, both texts.
        kms_key_arn: Encrypts instead of AWS's own key.
        tags: On the table.
        when: Whether it exists.
    """
    hash_key, range_key = keys
    return create_resource(
        scope,
        DynamodbTable,
        "table",
        when=when,
        name=name,
        billing_mode="PAY_PER_REQUEST",
        hash_key=hash_key,
        range_key=range_key,
        attribute=[DynamodbTableAttribute(name=key, type="S") for key in keys],
        ttl=DynamodbTableTtl(attribute_name="expires_at", enabled=True),
        server_side_encryption=DynamodbTableServerSideEncryption(enabled=True, kms_key_arn=kms_key_arn),
        point_in_time_recovery=DynamodbTablePointInTimeRecovery(enabled=True),
        tags=as_map(tags),
    )
