"""Four faults that stopped a first deployment on AWS, each put back into the roles: local AWS refuses what AWS refuses.

Where AWS would have said it only to its users, in the account, it is a test here.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.e2e.local_helpers import LocalAws, running, unique, write_config
from tests.e2e.token_service import GITHUB, TokenService
from tests.policies import ACCOUNT, NAMESPACE, REGION, of

from batchtab import limits

pytestmark = pytest.mark.e2e

Statements = list[dict[str, Any]]
SOURCE, ROLE = "ci_roles: network", f"{NAMESPACE}-ci-deploy"
TAG = "batchtab:namespace"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAMESPACE}-*"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    folder = tmp_path_factory.mktemp("blockers")
    with running(folder, config=write_config(folder)) as started:
        yield started


def deploy_role(local: LocalAws, statements: Statements) -> Callable[[str], Any]:
    """Makes a role with these statements; returns what makes clients with its credentials."""
    iam, name = local.client("iam"), unique("deploy")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy([trust]))
    for each in packed(statements):
        arn = iam.create_policy(PolicyName=unique("part"), PolicyDocument=policy(each))["Policy"]["Arn"]
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    keys = local.client("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}", RoleSessionName="deploy")
    made: Any = boto3.session.Session(
        aws_access_key_id=keys["Credentials"]["AccessKeyId"],
        aws_secret_access_key=keys["Credentials"]["SecretAccessKey"],
        aws_session_token=keys["Credentials"]["SessionToken"],
        region_name=REGION,
    ).client
    return lambda service: made(service, endpoint_url=local.endpoint, config=Config(retries={"max_attempts": 0}))


def packed(statements: Statements) -> Iterator[Statements]:
    """All statements, in as few policies as IAM's limit of their size allows."""
    part: Statements = []
    for statement in statements:
        if part and len(policy([*part, statement])) > limits.MANAGED_POLICY_CHARACTERS:
            yield part
            part = []
        part.append(statement)
    yield part


def policy(statements: Statements) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_null_condition_is_no_policy(local: LocalAws) -> None:
    # GIVEN the policy on roles as it is made today THEN IAM takes it
    today = [each for each in of(ROLE, SOURCE) if "iam:CreateRole" in each["Action"]]
    create = local.client("iam").create_policy
    create(PolicyName=unique("roles"), PolicyDocument=policy(today))
    # WHEN it has the condition of a boundary that is not there
    spoilt = [{**each, "Condition": {"StringEquals": {"iam:PermissionsBoundary": None}}} for each in today]
    # THEN it is refused as IAM refuses it
    code, _ = refused(lambda: create(PolicyName=unique("roles"), PolicyDocument=policy(spoilt)))
    assert code == "MalformedPolicyDocument"


def test_a_repository_of_today_is_let_in_by_its_numbers_alone(local: LocalAws) -> None:
    # GIVEN a token of a repository whose subjects have numbers
    service = TokenService()
    service.register(local)
    local.client("iam").create_open_id_connect_provider(Url=GITHUB, ClientIDList=["sts.amazonaws.com"])
    numbered = "repo:my-company@123456/jobs@456789:environment:prod"
    token = service.token(environment="prod", sub=numbered)

    def take(trust: Statements) -> Any:
        made = local.client("iam").create_role(RoleName=unique("ci"), AssumeRolePolicyDocument=policy(trust))
        return local.client("sts").assume_role_with_web_identity(
            RoleArn=made["Role"]["Arn"], RoleSessionName="run", WebIdentityToken=token
        )

    # THEN the role that is made today is taken with it
    today = of(ROLE, SOURCE, "trust")
    assert take(today)["Credentials"]
    # WHEN it trusts the names alone, as before July 2026 THEN it cannot be
    former = json.loads(json.dumps(today).replace(numbered, "repo:my-company/jobs:environment:prod"))
    assert former != today
    code, message = refused(lambda: take(former))
    assert (code, message) == ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")


def test_the_tag_of_an_event_source_mapping_knows_no_function(local: LocalAws) -> None:
    # GIVEN a function and its queue
    names = make_function(local)

    def make(statements: Statements) -> Any:
        tags = {TAG: NAMESPACE}
        return deploy_role(local, statements)("lambda").create_event_source_mapping(**names, Tags=tags)

    # THEN the role of today may make the mapping with the stack's tags
    made = make(of(ROLE, SOURCE))
    local.client("lambda").delete_event_source_mapping(UUID=made["UUID"])
    # WHEN tagging has the condition of the function, which the action does not know
    mapping = f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:*"
    own = {"ArnLike": {"lambda:FunctionArn": FUNCTION}}
    spoilt = [
        {**each, "Condition": own} if each["Action"] == ["lambda:TagResource"] and mapping in each["Resource"] else each
        for each in of(ROLE, SOURCE)
    ]
    # THEN it is denied, as a first deployment was
    code, message = refused(lambda: make(spoilt))
    assert code == "AccessDeniedException"
    assert f"not authorized to perform: lambda:TagResource on resource: {mapping}" in message


def test_the_default_security_group_has_no_tag_yet(local: LocalAws) -> None:
    # GIVEN a VPC that was just made, whose default security group AWS made
    ec2 = local.client("ec2")

    def tag(statements: Statements) -> Any:
        vpc = ec2.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"]
        (group,) = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
        tags = [{"Key": TAG, "Value": NAMESPACE}]
        return deploy_role(local, statements)("ec2").create_tags(Resources=[group["GroupId"]], Tags=tags)

    # THEN the role of today may tag it
    tag(of(ROLE, SOURCE))
    # WHEN it may tag what has the tag already, and what it makes, alone
    spoilt = [each for each in of(ROLE, SOURCE) if "Null" not in (each.get("Condition") or {})]
    # THEN it is denied
    code, message = refused(lambda: tag(spoilt))
    assert code == "UnauthorizedOperation"
    assert "ec2:CreateTags" in message


def make_function(local: LocalAws) -> dict[str, str]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("main.py", "def handler(event, context): pass")
    name = f"{NAMESPACE}-{unique('alerts')}"
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    iam = local.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy([trust]))["Role"]["Arn"]
    reads = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    iam.put_role_policy(
        RoleName=name, PolicyName="p", PolicyDocument=policy([{"Effect": "Allow", "Action": reads, "Resource": "*"}])
    )
    local.client("sqs").create_queue(QueueName=name)
    local.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="main.handler",
        Role=role,
        Code={"ZipFile": archive.getvalue()},
        Timeout=10,
    )
    return {"FunctionName": name, "EventSourceArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"}
