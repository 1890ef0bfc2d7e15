"""S3, whose actions have other names than its operations.

https://docs.aws.amazon.com/AmazonS3/latest/API/security_iam_service-with-iam-actions-permissions.html
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote

from batchtab.local_aws.iam.checks import Check, Value
from batchtab.local_aws.iam.mapping.call import Call, Target, tags_in
from batchtab.local_aws.iam.mapping.rules import Rule, everywhere, on, table

_GRANTS = ("grant-full-control", "grant-read", "grant-read-acp", "grant-write", "grant-write-acp")
_ENCRYPTION = ("server-side-encryption", "server-side-encryption-aws-kms-key-id")
_WRITES = ("acl", *_GRANTS, *_ENCRYPTION, "copy-source", "metadata-directive", "storage-class")


def _arn(path: str) -> str:
    return f"arn:aws:s3:::{path}"


def _bucket(call: Call) -> Iterable[Target]:
    return [Target("bucket", _arn(call.need("Bucket")))]


def _object(call: Call) -> Iterable[Target]:
    headers, method = call.request.http.headers, "REST-QUERY-STRING"
    context: dict[str, Value] = {}
    for name in _WRITES:
        if value := headers.get(f"x-amz-{name}"):
            context[f"s3:x-amz-{name}"] = value
    if headers.get("authorization"):
        method = "REST-HEADER"
    context |= {"s3:authType": method, "s3:signatureversion": "AWS4-HMAC-SHA256"}
    for name in ("if-match", "if-none-match"):
        if value := headers.get(name):
            context[f"s3:{name}"] = value
    return [Target("object", _arn(f"{call.need('Bucket')}/{call.need('Key')}"), context)]


def _versioned(action: str) -> Rule:
    """Return a rule: an old version of an object is another action than the object."""

    def checks(call: Call) -> Iterable[Check]:
        version = call.get("VersionId")
        name = action.replace("Object", "ObjectVersion", 1) if version else action
        return [call.check(name, target, s3__VersionId=version) for target in _object(call)]

    return checks


def _missing(call: Call) -> Iterable[Check]:
    """Only who may list a bucket learns that an object is not there; whether AWS has `s3:prefix` then, no page says.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    """
    lacks = call.world.lacks_object(call.need("Bucket"), call.need("Key"))
    return on(_bucket, action="s3:ListBucket")(call) if lacks else []


def _listing(action: str) -> Rule:
    def checks(call: Call) -> Iterable[Check]:
        keys = {
            "s3:prefix": call.get("Prefix"),
            "s3:delimiter": call.get("Delimiter"),
            "s3:max-keys": call.get("MaxKeys"),
        }
        context = {key: value for key, value in keys.items() if value is not None}
        return [call.check(action, Target("bucket", target.arn, context)) for target in _bucket(call)]

    return checks


def _tags_of_object(call: Call) -> Iterable[Check]:
    """An object that comes with tags is tagged too.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/tagging-and-policies.html
    """
    tags = dict(parse_qsl(call.get("Tagging"))) if isinstance(call.get("Tagging"), str) else {}
    return _tagging_checks(call, "s3:PutObjectTagging", tags) if tags else []


def _put_object_tags(call: Call) -> Iterable[Check]:
    action = "s3:PutObjectVersionTagging" if call.get("VersionId") else "s3:PutObjectTagging"
    return _tagging_checks(call, action, tags_in(call.get("Tagging.TagSet")))


def _tagging_checks(call: Call, action: str, tags: dict[str, str]) -> Iterable[Check]:
    context: dict[str, Value] = {f"s3:RequestObjectTag/{key}": value for key, value in tags.items()}
    context["s3:RequestObjectTagKeys"] = list(tags)
    return [call.check(action, Target("object", target.arn, context)) for target in _object(call)]


def _access(call: Call) -> Iterable[Check]:
    given = any(call.request.http.headers.get(f"x-amz-{name}") for name in ("acl", *_GRANTS))
    return on(_object, action="s3:PutObjectAcl")(call) if given else []


def _copied(call: Call) -> Iterable[Check]:
    """What is copied is read; the source is `bucket/key`, encoded, and may name a version."""
    path, _, query = call.need("CopySource").lstrip("/").partition("?")
    action = "s3:GetObjectVersion" if "versionId=" in query else "s3:GetObject"
    return [call.check(action, Target("object", _arn(unquote(path))))]


def _deleted(call: Call) -> Iterable[Check]:
    for each in call.get("Delete.Objects") or []:
        action = "s3:DeleteObjectVersion" if each.get("VersionId") else "s3:DeleteObject"
        yield call.check(action, Target("object", _arn(f"{call.need('Bucket')}/{each.get('Key')}")))


def _attributes(call: Call) -> Iterable[Check]:
    yield from _versioned("s3:GetObject")(call)
    yield from _versioned("s3:GetObjectAttributes")(call)


# Of a bucket's settings those whose action has another name than the operation that reads or writes it.
_SETTINGS = {
    "PutBucketLifecycleConfiguration PutBucketLifecycle DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "GetBucketLifecycleConfiguration GetBucketLifecycle": "s3:GetLifecycleConfiguration",
    "PutBucketEncryption DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "PutBucketReplication DeleteBucketReplication": "s3:PutReplicationConfiguration",
    "GetBucketReplication": "s3:GetReplicationConfiguration",
    "PutBucketTagging DeleteBucketTagging": "s3:PutBucketTagging",
    "PutBucketCors DeleteBucketCors": "s3:PutBucketCORS",
    "GetBucketCors": "s3:GetBucketCORS",
    "PutPublicAccessBlock DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "PutBucketAccelerateConfiguration": "s3:PutAccelerateConfiguration",
    "GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "PutObjectLockConfiguration": "s3:PutBucketObjectLockConfiguration",
    "GetBucketLogging": "s3:GetBucketLogging",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "PutBucketOwnershipControls DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls",
    "PutBucketWebsite": "s3:PutBucketWebsite",
}

TABLE = table(
    {
        "ListBuckets": everywhere("s3:ListAllMyBuckets"),
        "HeadBucket": on(_bucket, action="s3:ListBucket"),
        "ListObjects ListObjectsV2": _listing("s3:ListBucket"),
        "ListObjectVersions": _listing("s3:ListBucketVersions"),
        "CreateBucket DeleteBucket DeleteBucketPolicy DeleteBucketWebsite GetBucketAcl GetBucketLocation"
        " GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus GetBucketRequestPayment GetBucketTagging"
        " GetBucketVersioning GetBucketWebsite PutBucketAcl PutBucketLogging PutBucketPolicy PutBucketRequestPayment"
        " PutBucketVersioning": on(_bucket),
        **{names: on(_bucket, action=action) for names, action in _SETTINGS.items()},
        "GetObject HeadObject": (_versioned("s3:GetObject"), _missing),
        "GetObjectAttributes": _attributes,
        "GetObjectAcl": _versioned("s3:GetObjectAcl"),
        "GetObjectTagging": _versioned("s3:GetObjectTagging"),
        "DeleteObject": _versioned("s3:DeleteObject"),
        "DeleteObjectTagging": _versioned("s3:DeleteObjectTagging"),
        "PutObjectAcl": _versioned("s3:PutObjectAcl"),
        "PutObjectTagging": _put_object_tags,
        "PutObject CreateMultipartUpload": (on(_object, action="s3:PutObject"), _tags_of_object, _access),
        "UploadPart CompleteMultipartUpload": on(_object, action="s3:PutObject"),
        "CopyObject": (on(_object, action="s3:PutObject"), _copied, _tags_of_object, _access),
        "UploadPartCopy": (on(_object, action="s3:PutObject"), _copied),
        "AbortMultipartUpload": on(_object),
        "ListParts": on(_object, action="s3:ListMultipartUploadParts"),
        "DeleteObjects": _deleted,
    }
)
