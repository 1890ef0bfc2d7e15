"""IAM in local AWS: roles may do what their policies allow, and the administrator everything."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.e2e.local_helpers import ACCOUNT, REGION, LocalAws, running, wait_until, write_config

from batchtab.local_aws.iam.checks import Check
from batchtab.local_aws.iam.evaluation import ResourcePolicy, decide

pytestmark = pytest.mark.e2e

ANYBODY = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
Clients = Any


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


class Role:
    """A session of a role with the given statements."""

    def __init__(self, local: LocalAws, name: str, *statements: dict[str, Any], **more: Any) -> None:
        self.local, self.name = local, name
        self.arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        iam = local.client("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(ANYBODY), **more)
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
        self.keys = local.client("sts").assume_role(RoleArn=self.arn, RoleSessionName="session")["Credentials"]

    def client(self, service: str, **changed: str) -> Clients:
        given = {
            "aws_access_key_id": self.keys["AccessKeyId"],
            "aws_secret_access_key": self.keys["SecretAccessKey"],
            "aws_session_token": self.keys["SessionToken"],
        }
        made: Any = boto3.session.Session().client
        return made(
            service,
            endpoint_url=self.local.endpoint,
            region_name=REGION,
            config=Config(retries={"max_attempts": 0}),
            **{**given, **changed},
        )


@contextlib.contextmanager
def refused(code: str, *parts: str) -> Iterator[None]:
    with pytest.raises(ClientError) as caught:
        yield
    assert caught.value.response["Error"]["Code"] == code
    for part in parts:
        assert part in caught.value.response["Error"]["Message"]


def test_a_role_may_do_what_its_policies_allow(local: LocalAws) -> None:
    # GIVEN a role that may make queues whose names begin with `own-`
    role = Role(local, "maker", {"Action": "sqs:CreateQueue", "Resource": f"arn:aws:sqs:{REGION}:{ACCOUNT}:own-*"})
    sqs = role.client("sqs")
    # WHEN it makes one, THEN it is there; and of another name, or with tags, AWS's message says what it lacks
    assert sqs.create_queue(QueueName="own-a")["QueueUrl"]
    message = (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/maker/session is not authorized to perform: sqs:CreateQueue on"
        f" resource: arn:aws:sqs:{REGION}:{ACCOUNT}:other because no identity-based policy allows the sqs:CreateQueue"
        " action"
    )
    with refused("AccessDenied", message):
        sqs.create_queue(QueueName="other")
    with refused("AccessDenied", "sqs:TagQueue"):
        sqs.create_queue(QueueName="own-b", tags={"a": "b"})


def test_each_service_says_it_in_its_own_form(local: LocalAws) -> None:
    role = Role(local, "nobody")
    for service, call, code in (
        ("ec2", "describe_vpcs", "UnauthorizedOperation"),
        ("iam", "list_roles", "AccessDenied"),
        ("lambda", "list_functions", "AccessDeniedException"),
        ("batch", "describe_job_queues", "AccessDeniedException"),
        ("scheduler", "list_schedules", "AccessDeniedException"),
        ("logs", "describe_log_groups", "AccessDeniedException"),
        ("dynamodb", "list_tables", "AccessDeniedException"),
        ("sns", "list_topics", "AuthorizationError"),
        ("s3", "list_buckets", "AccessDenied"),
    ):
        with refused(code, "is not authorized to perform"):
            getattr(role.client(service), call)()
    with refused("AccessDenied", "local AWS does not know what IAM actions autoscaling has", "enforce_iam"):
        role.client("autoscaling").describe_auto_scaling_groups()
    with refused("AccessDeniedException", "local AWS does not know what IAM actions sesv2 has"):
        role.client("sesv2").list_email_identities()
    assert local.client("sesv2").list_email_identities()["EmailIdentities"] == []
    assert role.client("sts").get_caller_identity()["Arn"].endswith("assumed-role/nobody/session")


def test_keys_that_nobody_has_are_no_credentials(local: LocalAws) -> None:
    role = Role(local, "known")
    with refused("InvalidClientTokenId"):
        role.client("sts", aws_access_key_id="AKIA00000000UNKNOWN0").get_caller_identity()
    with refused("SignatureDoesNotMatch"):
        role.client("sqs", aws_secret_access_key="wrong").list_queues()
    # AND both are among what was denied
    denied = [(each["principal"], each["action"]) for each in local.get("iam")["denied"][-2:]]
    assert denied == [("anonymous", "sts"), ("anonymous", "sqs")]


def test_a_boundary_limits_what_a_role_may_do(local: LocalAws) -> None:
    iam = local.client("iam")
    only_read = document({"Action": "sqs:List*", "Resource": "*"})
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=only_read)["Policy"]["Arn"]
    role = Role(local, "bounded", {"Action": "sqs:*", "Resource": "*"}, PermissionsBoundary=boundary)
    assert role.client("sqs").list_queues()
    with refused("AccessDenied", "because no permissions boundary allows the sqs:CreateQueue action"):
        role.client("sqs").create_queue(QueueName="bounded")


def test_a_role_without_a_boundary_cannot_be_made_where_one_is_asked_for(local: LocalAws) -> None:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/asked"
    local.client("iam").create_policy(PolicyName="asked", PolicyDocument=document({"Action": "sqs:*", "Resource": "*"}))
    condition = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    role = Role(local, "deployer", {"Action": "iam:CreateRole", "Resource": "*", "Condition": condition})
    trust = document(ANYBODY)
    with refused("AccessDenied", "iam:CreateRole"):
        role.client("iam").create_role(RoleName="free", AssumeRolePolicyDocument=trust)
    role.client("iam").create_role(RoleName="limited", AssumeRolePolicyDocument=trust, PermissionsBoundary=boundary)


def test_a_role_is_passed_to_the_service_that_the_condition_names(local: LocalAws) -> None:
    condition = {"StringEquals": {"iam:PassedToService": "events.amazonaws.com"}}
    role = Role(
        local,
        "passer",
        {"Action": ["scheduler:CreateSchedule", "events:PutRule"], "Resource": "*"},
        {"Action": "iam:PassRole", "Resource": "*", "Condition": condition},
    )
    role.client("events").put_rule(Name="passed", ScheduleExpression="rate(1 day)", RoleArn=role.arn)
    with refused("AccessDeniedException", "iam:PassRole", role.arn):
        role.client("scheduler").create_schedule(
            Name="passed",
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q", "RoleArn": role.arn},
        )


def test_tags_of_a_resource_and_of_a_request_are_conditions(local: LocalAws) -> None:
    # GIVEN a role that may make networks with its tag, and change those that have it
    asked, tagged = ({"StringEquals": {f"aws:{kind}Tag/ns": "one"}} for kind in ("Request", "Resource"))
    role = Role(
        local,
        "networker",
        {"Action": "ec2:CreateVpc", "Resource": "*", "Condition": asked},
        {"Action": "ec2:CreateTags", "Resource": "*", "Condition": {"StringEquals": {"ec2:CreateAction": "CreateVpc"}}},
        {"Action": "ec2:DeleteVpc", "Resource": "*", "Condition": tagged},
    )
    ec2, tags = role.client("ec2"), [{"ResourceType": "vpc", "Tags": [{"Key": "ns", "Value": "one"}]}]
    own = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
    other = local.client("ec2").create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    for call in (
        lambda: ec2.create_vpc(CidrBlock="10.2.0.0/16"),
        lambda: ec2.delete_vpc(VpcId=other),
        lambda: ec2.create_tags(Resources=[other], Tags=tags[0]["Tags"]),
    ):
        with refused("UnauthorizedOperation"):
            call()
    ec2.delete_vpc(VpcId=own)


def test_a_queue_may_let_in_a_role_without_policies(local: LocalAws) -> None:
    role = Role(local, "guest")
    own = local.client("sqs")
    url = own.create_queue(QueueName="open")["QueueUrl"]
    with refused("AccessDenied"):
        role.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    lets_in = document({"Action": "sqs:SendMessage", "Resource": "*", "Principal": {"AWS": role.arn}})
    own.set_queue_attributes(QueueUrl=url, Attributes={"Policy": lets_in})
    assert role.client("sqs").send_message(QueueUrl=url, MessageBody="x")["MessageId"]
    # AND a policy that keeps out what is not encrypted keeps out none: AWS has HTTPS where this machine has not
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    keeps_out = {"Effect": "Deny", "Action": "sqs:*", "Resource": "*", "Principal": "*", "Condition": insecure}
    both = document({"Action": "sqs:SendMessage", "Resource": "*", "Principal": {"AWS": role.arn}}, keeps_out)
    own.set_queue_attributes(QueueUrl=url, Attributes={"Policy": both})
    assert role.client("sqs").send_message(QueueUrl=url, MessageBody="x")["MessageId"]


def test_a_presigned_url_may_do_what_its_signer_may(local: LocalAws) -> None:
    own = local.client("s3")
    own.create_bucket(Bucket="presigned", CreateBucketConfiguration={"LocationConstraint": REGION})
    own.put_object(Bucket="presigned", Key="k", Body=b"text")
    s3 = Role(local, "signer", {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::presigned/*"}).client("s3")
    wanted = {"Bucket": "presigned", "Key": "k"}
    with urllib.request.urlopen(s3.generate_presigned_url("get_object", Params=wanted)) as answer:  # noqa: S310
        assert answer.read() == b"text"
    url = s3.generate_presigned_url("put_object", Params=wanted)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(urllib.request.Request(url, b"x", method="PUT"))  # noqa: S310
    # AND an object that is not there is 403 to who may not list the bucket
    with refused("AccessDenied", "s3:ListBucket"):
        s3.get_object(Bucket="presigned", Key="missing")


def test_a_presigned_url_with_a_source_in_its_query_reads_the_source(local: LocalAws) -> None:
    # GIVEN a role that may write, and not read
    own = local.client("s3")
    own.create_bucket(Bucket="hoisted", CreateBucketConfiguration={"LocationConstraint": REGION})
    own.put_object(Bucket="hoisted", Key="secret", Body=b"text")
    s3 = Role(local, "writer", {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::hoisted/*"}).client("s3")

    def hoist(params: dict[str, Any], **_: Any) -> None:
        params["url"] += "?x-amz-copy-source=hoisted%2Fsecret"

    s3.meta.events.register("before-call.s3.PutObject", hoist)
    # WHEN its request has the header of a copy in the URL, THEN it is one
    with refused("AccessDenied", "s3:GetObject"):
        s3.put_object(Bucket="hoisted", Key="copy")


def test_a_role_is_known_by_its_whole_arn(local: LocalAws) -> None:
    # GIVEN a role that may take and pass roles of its own path
    role = Role(
        local, "pathless", {"Action": ["sts:AssumeRole", "iam:PassRole"], "Resource": "arn:aws:iam::*:role/mine/*"}
    )
    other = Role(local, "wanted")
    # WHEN it names a role of no path as one of its path, THEN that is no role, to the administrator neither
    false = other.arn.replace(":role/", ":role/mine/")
    for sts in (role.client("sts"), local.client("sts")):
        with refused("AccessDenied"):
            sts.assume_role(RoleArn=false, RoleSessionName="session")


def test_a_body_names_no_other_resource_than_the_path(local: LocalAws) -> None:
    # GIVEN a role that may change schedules of its own
    own = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/own-*"
    role = Role(local, "scheduling", {"Action": "scheduler:*", "Resource": own})

    def rename(params: dict[str, Any], **_: Any) -> None:
        params["body"] = json.dumps({**json.loads(params["body"]), "Name": "own-a"}).encode()

    scheduler = role.client("scheduler")
    scheduler.meta.events.register("before-call.scheduler.CreateSchedule", rename)
    # WHEN the path has another's name and the body its own, THEN the path's counts
    with refused("AccessDeniedException", "schedule/default/other"):
        scheduler.create_schedule(
            Name="other",
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q", "RoleArn": role.arn},
        )


def test_no_way_of_the_emulator_leads_past(local: LocalAws) -> None:
    keys = Role(local, "stranger").keys
    credential = f"AWS4-HMAC-SHA256 Credential={keys['AccessKeyId']}/20260101/{REGION}/s3/aws4_request"
    for method, path in (
        ("POST", "/_ministack/reset"),
        ("GET", "/v20180820/accesspoint"),
        ("GET", "/iceberg/v1/config"),
    ):
        status, _ = local.request(method, path, headers={"Authorization": credential})
        assert status in (400, 403), path
    assert "/_ministack/reset" in [each["action"] for each in local.get("iam")["denied"]]
    assert local.client("iam").get_role(RoleName="stranger")


def test_what_was_asked_is_recorded(local: LocalAws) -> None:
    # GIVEN a role of which one call was allowed and one was not
    statement = {"Action": "sqs:ListQueues", "Resource": "*"}
    role = Role(local, "watched", statement)
    role.client("sqs").list_queues()
    with refused("AccessDenied"):
        role.client("sqs").create_queue(QueueName="watched")
    found = local.get("iam")
    assert found["used"][role.arn] == {"sqs:ListQueues": {"*": 1}}
    assert found["denied"][-1]["action"] == "sqs:CreateQueue"
    assert found["administrator_requests"] > 0
    # WHEN its checks are decided again by its own policies, and without them, THEN they say the same, and nothing
    asked = [each for each in local.get("iam/checks") if each["principal"] == role.arn]
    for each in asked:
        policy = each.get("resource_policy")
        check = Check(each["action"], each["resource"], each["context"])
        resource = ResourcePolicy(**policy) if policy else None
        assert decide(check, [document(statement)], resource=resource).allowed is each["allowed"]
        assert not decide(check, [], resource=resource).allowed
    # AND the record can be emptied
    assert json.loads(local.request("DELETE", "/_local/iam")[1])["used"] == {}


def test_it_can_be_turned_off(tmp_path: Path) -> None:
    file = write_config(tmp_path)
    content = yaml.safe_load(file.read_text())
    content["local"]["enforce_iam"] = False
    file.write_text(yaml.safe_dump(content))
    with running(tmp_path, config=file) as local:
        url = Role(local, "anybody").client("sqs").create_queue(QueueName="q")["QueueUrl"]
        # AND services ask nobody: a queue without a policy takes a rule's event, a role that is not there will do
        events, arn = local.client("events"), f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"

        def received() -> list[Any]:
            return list(local.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=5).get("Messages", []))

        events.put_rule(Name="r", EventPattern='{"source": ["s"]}')
        events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": arn}])
        events.put_events(Entries=[{"Source": "s", "DetailType": "x", "Detail": "{}"}])
        assert wait_until(received, "the rule's event")
        target = {"Arn": arn, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/none", "Input": "by schedule"}
        made = local.client("scheduler").create_schedule(
            Name="s", ScheduleExpression="rate(1 minute)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
        )
        assert made["ScheduleArn"]
        (message,) = wait_until(received, "the schedule's message")
        assert message["Body"] == "by schedule"
