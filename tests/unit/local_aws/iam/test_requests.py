"""Requests of all protocols are read as the models have them, and what says two things is refused."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from tests.unit.local_aws.iam.sdk import sent

from batchtab.local_aws.iam.errors import UnknownRequestError
from batchtab.local_aws.iam.requests import HttpRequest, parse

TAGS = [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": ""}]
ROLE = "arn:aws:iam::123456789012:role/r"


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("batch", "TagResource", {"resourceArn": "arn:aws:batch:r:1:job-definition/d:1", "tags": {"a": "b"}}),
        ("batch", "SubmitJob", {"jobName": "j", "jobQueue": "q", "jobDefinition": "d"}),
        ("lambda", "TagResource", {"Resource": "arn:aws:lambda:r:1:function:f", "Tags": {"a": "b"}}),
        ("lambda", "CreateEventSourceMapping", {"FunctionName": "f", "EventSourceArn": "e", "Tags": {"a": "b"}}),
        (
            "scheduler",
            "UntagResource",
            {"ResourceArn": "arn:aws:scheduler:r:1:schedule-group/g", "TagKeys": ["a", "b"]},
        ),
        ("ec2", "CreateVpc", {"CidrBlock": "c", "TagSpecifications": [{"ResourceType": "vpc", "Tags": TAGS}]}),
        ("ec2", "CreateTags", {"Resources": ["sg-1", "vpc-2"], "Tags": TAGS}),
        ("iam", "CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": "{}", "Tags": TAGS}),
        ("iam", "UntagRole", {"RoleName": "r", "TagKeys": ["a", "b"]}),
        ("sns", "CreateTopic", {"Name": "t", "Attributes": {"a": "b"}, "Tags": TAGS}),
        ("sts", "AssumeRole", {"RoleArn": ROLE, "RoleSessionName": "s", "Tags": TAGS}),
        ("sqs", "SendMessage", {"QueueUrl": "http://127.0.0.1:1/1/q", "MessageBody": "x"}),
        ("dynamodb", "BatchGetItem", {"RequestItems": {"t": {"Keys": [{"id": {"S": "x"}}]}}}),
        ("cloudwatch", "PutMetricAlarm", {"AlarmName": "a", "AlarmActions": ["x"], "Tags": TAGS}),
        ("s3", "ListObjectsV2", {"Bucket": "bucket", "Prefix": "p/"}),
        ("s3", "GetObject", {"Bucket": "bucket", "Key": "a/b c.txt"}),
        ("s3", "CopyObject", {"Bucket": "bucket", "Key": "k", "CopySource": "o/k"}),
        ("s3", "PutBucketTagging", {"Bucket": "bucket", "Tagging": {"TagSet": TAGS}}),
        (
            "s3",
            "DeleteObjects",
            {"Bucket": "bucket", "Delete": {"Objects": [{"Key": "k"}, {"Key": "l", "VersionId": "v"}]}},
        ),
    ],
)
def test_parameters_are_read_as_they_were_given(service: str, operation: str, params: dict[str, Any]) -> None:
    request = parse(service, sent(service, operation, **params))
    assert request.operation == operation
    assert {name: request.params[name] for name in params} == params


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("UploadPart", {"PartNumber": 1, "UploadId": "u", "Body": "x"}),
        ("CompleteMultipartUpload", {"UploadId": "u"}),
        ("ListParts", {"UploadId": "u"}),
        ("HeadObject", {}),
        ("GetObjectAttributes", {"ObjectAttributes": ["ETag"]}),
        ("PutObjectAcl", {"ACL": "private"}),
        ("GetObjectTagging", {}),
    ],
)
def test_operations_of_an_object_are_known_apart(operation: str, params: dict[str, Any]) -> None:
    assert parse("s3", sent("s3", operation, Bucket="bucket", Key="k", **params)).operation == operation


@pytest.mark.parametrize("service", ["batch", "lambda", "scheduler"])
def test_every_path_of_a_service_leads_to_its_operation(service: str) -> None:
    model = botocore.session.get_session().get_service_model(service)
    for name in model.operation_names:
        operation = model.operation_model(name)
        path = operation.http["requestUri"].partition("?")[0].replace("+}", "}")
        filled = path.replace("{", "a").replace("}", "")
        required = [
            literal.split("=") for literal in operation.http["requestUri"].partition("?")[2].split("&") if literal
        ]
        http = HttpRequest(operation.http["method"], filled, {}, b"", {part[0]: [part[-1]] for part in required})
        assert parse(service, http).operation == name


@pytest.mark.parametrize("protocol", ["cbor", "json", "query"])
def test_cloudwatch_is_understood_in_each_of_its_protocols(protocol: str) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    requests = {
        "cbor": sent("cloudwatch", "DeleteAlarms", AlarmNames=["a"]),
        "json": HttpRequest(
            "POST", "/", {"x-amz-target": "GraniteServiceVersion20100801.DeleteAlarms"}, b'{"AlarmNames":["a"]}', {}
        ),
        "query": HttpRequest("POST", "/", form, b"Action=DeleteAlarms&Version=1&AlarmNames.member.1=a", {}),
    }
    assert parse("cloudwatch", requests[protocol]).params == {"AlarmNames": ["a"]}


@pytest.mark.parametrize(
    ("path", "operation", "key"),
    [
        ("/bucket/folder/", "GetObject", "folder/"),
        ("/bucket/folder//", "GetObject", "folder//"),
        ("/bucket/", "ListObjects", None),
        ("/bucket", "ListObjects", None),
    ],
)
def test_a_slash_at_the_end_is_part_of_a_key(path: str, operation: str, key: str | None) -> None:
    request = parse("s3", HttpRequest("GET", path, {}, b"", {}))
    assert (request.operation, request.params.get("Key")) == (operation, key)


def test_a_presigned_url_is_a_request_too() -> None:
    signed = {"X-Amz-Algorithm": ["a"], "X-Amz-Signature": ["s"], "X-Amz-Credential": ["k/d/r/s3/aws4_request"]}
    request = parse("s3", HttpRequest("PUT", "/bucket/key", {}, b"", {**signed, "x-id": ["PutObject"]}))
    assert (request.operation, request.params["Key"]) == ("PutObject", "key")


@pytest.mark.parametrize(
    ("query", "operation", "params"),
    [
        ({"X-Amz-Copy-Source": ["other/secret"]}, "CopyObject", {"CopySource": "other/secret"}),
        (
            {"x-amz-tagging": ["a=b"], "x-amz-acl": ["public-read"]},
            "PutObject",
            {"Tagging": "a=b", "ACL": "public-read"},
        ),
        ({"x-amz-checksum-crc32": ["AAAAAA=="]}, "PutObject", {}),
    ],
)
def test_headers_in_the_query_of_a_presigned_url_are_headers(
    query: dict[str, list[str]], operation: str, params: dict[str, Any]
) -> None:
    # GIVEN a URL that S3 acts on as if the headers in its query had been sent
    signed = {"X-Amz-Signature": ["s"], "X-Amz-SignedHeaders": ["host"], "X-Amz-Expires": ["60"]}
    request = parse("s3", HttpRequest("PUT", "/bucket/key", {}, b"", {**signed, **query}))
    # THEN they say what it needs
    assert request.operation == operation
    assert request.params == {"Bucket": "bucket", "Key": "key", **params}


@pytest.mark.parametrize(
    "query", [{"x-amz-acl": ["private", "public-read"]}, {"x-amz-acl": ["private"], "X-Amz-Acl": ["public-read"]}]
)
def test_a_header_that_is_in_the_query_twice_is_refused(query: dict[str, list[str]]) -> None:
    with pytest.raises(UnknownRequestError, match="twice"):
        parse("s3", HttpRequest("PUT", "/bucket/key", {}, b"", query))


@pytest.mark.parametrize(
    ("service", "change", "part"),
    [
        ("iam", {"body": b"Action=GetRole&RoleName=a&RoleName=b"}, "RoleName twice"),
        ("iam", {"query": {"Action": ["DeleteRole"]}}, "DeleteRole and GetRole"),
        ("iam", {"query": {"RoleName": ["b"]}}, "RoleName twice"),
        ("iam", {"body": b"Action=MakeRole"}, "no one operation MakeRole"),
        ("sqs", {"body": b"Action=SendMessage"}, "SendMessage in a form"),
    ],
)
def test_a_form_that_says_two_things_is_refused(service: str, change: dict[str, Any], part: str) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    http = replace(HttpRequest("POST", "/", form, b"Action=GetRole&RoleName=a", {}), **change)
    with pytest.raises(UnknownRequestError, match=part):
        parse(service, http)


@pytest.mark.parametrize(
    ("service", "method", "path", "query"),
    [
        ("s3", "GET", "/bucket/key", {"acl": [""], "tagging": [""]}),
        ("s3", "GET", "/bucket/key", {"unheard-of": [""]}),
        ("s3", "PATCH", "/bucket/key", {}),
        ("lambda", "GET", "/2015-03-31/functions/a%2fb", {}),
        ("lambda", "GET", "/2015-03-31/unheard-of", {}),
        ("batch", "POST", "/v1/unheardof", {}),
    ],
)
def test_a_path_that_is_no_operation_is_refused(
    service: str, method: str, path: str, query: dict[str, list[str]]
) -> None:
    with pytest.raises(UnknownRequestError, match=f"{service} has no|has no parameter"):
        parse(service, HttpRequest(method, path, {}, b"", query))


def test_a_body_that_cannot_be_read_is_refused() -> None:
    target = {"x-amz-target": "AWSEvents.PutRule"}
    for body in (b"{", b"[]", base64.b64decode("gA==")):
        with pytest.raises(UnknownRequestError, match="its body"):
            parse("events", HttpRequest("POST", "/", target, body, {}))


def test_members_of_another_operation_say_nothing_in_cbor() -> None:
    # GIVEN a request of one operation that has the body of another one
    body = sent("cloudwatch", "PutMetricAlarm", AlarmName="mine", Tags=TAGS).body
    http = replace(sent("cloudwatch", "DeleteAlarms", AlarmNames=["other"]), body=body)
    # THEN none of its members is a parameter
    assert parse("cloudwatch", http).params == {}


def test_a_query_that_says_two_things_is_refused() -> None:
    path = "/2015-03-31/functions/f"
    with pytest.raises(UnknownRequestError, match="Qualifier twice"):
        parse("lambda", HttpRequest("GET", path, {}, b"", {"Qualifier": ["mine", "other"]}))


def test_members_that_are_null_were_not_given() -> None:
    body = json.dumps({"Name": "r", "RoleArn": None}).encode()
    request = parse("events", HttpRequest("POST", "/", {"x-amz-target": "AWSEvents.PutRule"}, body, {}))
    assert request.params == {"Name": "r"}
