"""`batchtab bootstrap`: the S3 bucket that keeps Terraform's state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from botocore.exceptions import ClientError

from batchtab.aws.client import Aws
from batchtab.cli.connection import connect
from batchtab.cli.options import StageOption
from batchtab.errors import UsageError
from batchtab.terraform.session import Session

_TLS_ONLY = "BatchtabTlsOnly"


def bootstrap(stage: StageOption = "local") -> None:
    """Create a stage's state bucket: versioned, encrypted, private, TLS only. Safe to run again."""
    session = Session.open(stage)
    config = session.catalog.stage
    aws = connect(session)
    for line in make_bucket(aws, config.state.bucket, config.account_id, config.partition):
        typer.echo(line)


def make_bucket(aws: Aws, bucket: str, account_id: str, partition: str) -> list[str]:
    """Makes what is missing and returns a line about each part.

    Raises:
        UsageError: somebody else has the bucket's name.
    """
    try:
        return _make_bucket(aws, bucket, account_id, partition)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in {403, 409} and error.operation_name in {
            "HeadBucket",
            "CreateBucket",
        }:
            hint = "bucket names are taken world-wide: give state.bucket another one"
            raise UsageError(
                f"bootstrap: {bucket} is another account's, or the credentials may not see it ({code})", hint
            ) from error
        raise


def _make_bucket(aws: Aws, bucket: str, account_id: str, partition: str) -> list[str]:
    lines = [f"s3://{bucket}"]
    if aws.bucket_exists(bucket, account_id):
        lines.append("  bucket: there already")
    else:
        aws.create_bucket(bucket)
        lines.append("  bucket: made")
    parts: list[tuple[str, Callable[[str], bool], Callable[[str], None]]] = [
        ("versioning", aws.versioning, aws.enable_versioning),
        ("encryption", aws.encryption, aws.enable_encryption),
        ("public access blocked", aws.public_access_blocked, aws.block_public_access),
    ]
    for name, is_on, turn_on in parts:
        if is_on(bucket):
            lines.append(f"  {name}: on already")
        else:
            turn_on(bucket)
            lines.append(f"  {name}: turned on")
    policy = aws.bucket_policy(bucket)
    wanted = with_tls_only(policy, bucket, partition)
    if wanted == policy:
        lines.append("  TLS only: on already")
    else:
        aws.put_bucket_policy(bucket, wanted)
        lines.append("  TLS only: turned on")
    return lines


def with_tls_only(policy: dict[str, Any], bucket: str, partition: str) -> dict[str, Any]:
    """A bucket policy with our statement in it; what others put there stays."""
    arn = f"arn:{partition}:s3:::{bucket}"
    ours = {
        "Sid": _TLS_ONLY,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    others = [statement for statement in policy.get("Statement", []) if statement.get("Sid") != _TLS_ONLY]
    return {"Version": "2012-10-17", **policy, "Statement": [*others, ours]}
