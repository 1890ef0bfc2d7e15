"""The boundary: no role gets beyond it, it has no way to more in it, and a stage can be deployed with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.iam import actions_of, allows, arns_of, many, matching, privilege, supports
from tests.policies import ACCOUNT, BOUNDARY, NAMESPACE, REGION, ROLE, of, policies

DEPLOY, PLAN = f"{NAMESPACE}-ci-deploy", f"{NAMESPACE}-ci-plan"
TAG = "batchtab:namespace"
IAM = f"arn:aws:iam::{ACCOUNT}:"
OWN_BOUNDARY = f"{IAM}policy/{NAMESPACE}-ci-boundary"


@pytest.mark.parametrize(("source", "boundary"), [("boundary", BOUNDARY), ("boundary made", OWN_BOUNDARY)])
def test_with_a_boundary_no_role_gets_beyond_it(source: str, boundary: str) -> None:
    statements = of(DEPLOY, f"ci_roles: {source}")
    mine, others = f"{IAM}role/{NAMESPACE}-x", f"{IAM}role/somebody"
    bounded = {"iam:PermissionsBoundary": boundary, f"aws:ResourceTag/{TAG}": NAMESPACE}
    # GIVEN a role with the boundary THEN it can be made and changed
    for action in (
        "AttachRolePolicy",
        "CreateRole",
        "PutRolePolicy",
        "UpdateAssumeRolePolicy",
        "PutRolePermissionsBoundary",
    ):
        assert allows(statements, f"iam:{action}", mine, bounded), action
        # BUT none without it, nor with another, nor one of somebody else's
        for context in ({}, {"iam:PermissionsBoundary": f"{IAM}policy/other"}):
            assert not allows(statements, f"iam:{action}", mine, context), action
        assert not allows(statements, f"iam:{action}", others, bounded), action
    # AND nothing takes the boundary away, changes it, or gives anybody else a right
    policy = boundary if boundary == OWN_BOUNDARY else f"{IAM}policy/any"
    dangerous = {a for a in matching("iam:*") if (privilege(a) or {})["access_level"] == "Permissions management"}
    targets = (mine, others, policy, f"{IAM}user/x", f"{IAM}group/x", f"{IAM}policy/{NAMESPACE}-x")
    allowed = {
        (action, arn.removeprefix(IAM))
        for action in dangerous
        for arn in targets
        for context in ({}, bounded, {**bounded, "iam:PolicyARN": f"{IAM}policy/AdministratorAccess"})
        if allows(statements, action, arn, context)
    }
    gives = ("AttachRolePolicy", "CreateRole", "PutRolePermissionsBoundary", "PutRolePolicy", "UpdateAssumeRolePolicy")
    takes = ("DeleteRole", "DeleteRolePolicy", "DetachRolePolicy")
    assert {action.removeprefix("iam:") for action, _ in allowed} == {*gives, *takes}
    assert {arn for _, arn in allowed} == {f"role/{NAMESPACE}-x"}
    # AND no role is taken
    assert not any(allows(statements, action, others) for action in matching("sts:Assume*"))


@pytest.fixture(scope="module")
def boundary() -> list[dict[str, Any]]:
    return of(f"{NAMESPACE}-ci-boundary", "ci_roles: boundary made", "boundary")


def test_the_boundary_lets_roles_do_all_that_ours_do(boundary: list[dict[str, Any]]) -> None:
    # GIVEN every role that stages and modules make
    for policy in policies():
        if policy.kind != "identity" or policy.principal in {DEPLOY, PLAN}:
            continue
        for statement in policy.statements:
            met = {key: many(value)[0] for key, value in statement.get("Condition", {}).get("StringEquals", {}).items()}
            for pattern in many(statement["Action"]):
                for action in matching(pattern) if "*" in pattern else (pattern,):
                    if action == "sts:GetCallerIdentity":  # nobody needs a permission for it
                        continue
                    for arn in many(statement["Resource"]):
                        # THEN each of its rights is within the boundary; instances join clusters of Batch only
                        asked = re.sub(r"^\*$", "arn:aws:ecs:r:1:cluster/AWSBatch-x", arn) if "ecs:" in action else arn
                        asked = asked.replace("arn:aws:ecs:r:1:", f"arn:aws:ecs:{REGION}:{ACCOUNT}:")
                        if action == "ecs:CreateCluster":  # of an instance that is in none; Batch makes its own
                            continue
                        assert allows(list(policy.statements), action, asked, met, boundary=boundary), (policy, action)


def test_the_boundary_gives_no_way_to_more(boundary: list[dict[str, Any]]) -> None:
    # GIVEN a role with every right
    admin = [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]
    # THEN within the boundary it administers nothing: no action of these is allowed on anything
    for service in ("iam", "sts", "organizations", "account", "sso", "identitystore", "cloudformation", "codebuild"):
        assert [a for a in matching(f"{service}:*") if allows(admin, a, "*", boundary=boundary)] == []
    # AND it changes no code or settings that run with another role
    others = {
        "lambda:UpdateFunctionCode": "lambda:r:1:function:x",
        "lambda:AddPermission": "lambda:r:1:function:x",
        "batch:RegisterJobDefinition": "batch:r:1:job-definition/x",
        "batch:SubmitJob": "batch:r:1:job-definition/x",
        "ecs:RegisterContainerInstance": "ecs:r:1:cluster/x",
        "ecs:ExecuteCommand": "ecs:r:1:task/x",
        "ec2:RunInstances": "ec2:r:1:instance/x",
        "ec2:ModifyInstanceAttribute": "ec2:r:1:instance/x",
        "athena:StartSession": "athena:r:1:workgroup/x",
        "athena:StartCalculationExecution": "athena:r:1:workgroup/x",
        "athena:UpdateWorkGroup": "athena:r:1:workgroup/x",
        "athena:CreatePresignedNotebookUrl": "athena:r:1:workgroup/x",
        "athena:CreateDataCatalog": "athena:r:1:datacatalog/x",
        "glue:CreateJob": "glue:r:1:job/x",
        "glue:StartJobRun": "glue:r:1:job/x",
        "glue:GetConnection": "glue:r:1:connection/x",
        "glue:GetDevEndpoint": "glue:r:1:devEndpoint/x",
        "s3:GetDataAccess": "s3:r:1:access-grants/default",
        "s3:PutBucketPolicy": "s3:::x",
        "s3:PutObjectAcl": "s3:::x/y",
        "xray:PutResourcePolicy": "xray:r:1:group/x",
        "ssm:SendCommand": "ssm:r:1:document/x",
        "ssm:StartSession": "ec2:r:1:instance/x",
        "sagemaker:CreatePresignedNotebookInstanceUrl": "sagemaker:r:1:notebook-instance/x",
        "states:CreateStateMachine": "states:r:1:stateMachine:x",
        "kms:PutKeyPolicy": "kms:r:1:key/x",
        "kms:CreateGrant": "kms:r:1:key/x",
        "sqs:SetQueueAttributes": "sqs:r:1:x",
        "secretsmanager:PutResourcePolicy": "secretsmanager:r:1:secret:x",
    }
    for action, rest in others.items():
        arn = "arn:aws:" + rest.replace(":r:1:", f":{REGION}:{ACCOUNT}:")
        assert not allows(admin, action, arn, boundary=boundary), action
    # AND it neither reads nor writes any state
    for action in matching("s3:*"):
        assert not allows(admin, action, "arn:aws:s3:::my-company-terraform-state/ci/prod.tfstate", boundary=boundary)


def test_what_another_stage_tagged_is_beyond_the_boundary(boundary: list[dict[str, Any]]) -> None:
    # GIVEN a role with every right, and each thing that an action within the boundary is about
    admin = [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]
    within: set[str] = set()
    for pattern in actions_of(boundary):
        for action in matching(pattern) if "*" in pattern else (pattern,):
            for type_, arn in arns_of(action, f"{NAMESPACE}-x"):
                if supports(action, type_, f"aws:ResourceTag/{TAG}") and allows(admin, action, arn, boundary=boundary):
                    within.add(action)
                    # THEN with the stage's tag it is within, and with another one's it is not, but for pulling images
                    ours, others = ({f"aws:ResourceTag/{TAG}": name} for name in (NAMESPACE, "batchtab-dev"))
                    assert allows(admin, action, arn, ours, boundary=boundary), action
                    pulls = action.startswith("ecr:")
                    assert allows(admin, action, arn, others, boundary=boundary) is pulls, action
    assert {"sqs:SendMessage", "secretsmanager:GetSecretValue", "ssm:GetParameter", "kms:Decrypt"} <= within


#: What the reference counts as management of permissions, and is none.
CONNECTS = {"rds-db:connect"}  # as a user of a database, whose rights are in the database


def test_no_pattern_of_the_boundary_has_more_than_data_in_it(boundary: list[dict[str, Any]]) -> None:
    # GIVEN every action that its patterns stand for
    found = {
        action
        for pattern in actions_of(boundary)
        for action in (matching(pattern) if "*" in pattern else (pattern,))
        if action not in CONNECTS
    }
    assert len(found) > 200
    for action in found:
        known = privilege(action)
        assert known is not None, action
        # THEN none manages permissions
        assert known["access_level"] != "Permissions management", action
        assert not re.search(r":(Put|Delete|Update)\w*(Policy|Grant|Acl)$|Credential|AccessGrant|DataAccess", action), (
            action
        )
        # AND none passes a role or takes one
        for about in known["resource_types"].values():
            assert [d for d in about["dependent_actions"] if re.match(r"(iam|sts):", d)] == [], action


def test_the_boundary_allows_what_it_was_given(boundary: list[dict[str, Any]]) -> None:
    admin = [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]
    assert allows(admin, "rekognition:DetectLabels", "*", boundary=boundary)
    assert not allows(admin, "rekognition:CreateProject", "*", boundary=boundary)


# --- a deployment with it

#: What Terraform calls to give a boundary to roles that were made before, beside what it calls without one.
WITH_A_BOUNDARY = {"iam:PutRolePermissionsBoundary", "iam:UpdateAssumeRolePolicy"}
#: How things of a stage are called where it is not the namespace and something more.
NAMES = {
    "compute-environment": f"{NAMESPACE}-x",
    "log-group": f"/aws/batch/{NAMESPACE}",
    "repository": "batchtab-runner",
    "table": f"{NAMESPACE}-job-alerts",
}


def calls() -> Iterator[str]:
    """The calls that Terraform made for all stacks of a stage, but for those on a network of its own."""
    recorded = json.loads((Path(__file__).parent / "terraform_calls.json").read_text(encoding="utf-8"))["all"]
    network = actions_of(of(DEPLOY, "ci_roles: network")) - actions_of(of(DEPLOY, "ci_roles: "))
    yield from sorted(({*recorded} | WITH_A_BOUNDARY) - network)


@pytest.mark.parametrize(
    ("source", "boundary"), [("boundary", BOUNDARY), ("boundary made", OWN_BOUNDARY), ("own roles", "")]
)
def test_each_call_of_a_deployment_is_allowed_on_what_the_stage_makes(source: str, boundary: str) -> None:
    # GIVEN a stage whose roles have a boundary, and what each request says of its own things
    statements = of(DEPLOY, f"ci_roles: {source}")
    context = {
        f"aws:RequestTag/{TAG}": NAMESPACE,
        f"aws:ResourceTag/{TAG}": NAMESPACE,
        "dynamodb:LeadingKeys": "route",
        "ec2:CreateAction": "CreateLaunchTemplate",
        "iam:PolicyARN": "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role",
        "lambda:FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAMESPACE}-job-alerts",
        "kms:RequestAlias": "alias/aws/dynamodb",
        "s3:prefix": "prod/environment.tfstate",
        **({"iam:PermissionsBoundary": boundary} if boundary else {}),
    }
    found = list(calls())
    assert len(found) > 70
    for action in found:
        if action == "iam:PutRolePermissionsBoundary" and not boundary:
            continue
        # THEN each call is allowed on one of the things that it can be about
        types = [*(privilege(action) or {})["resource_types"]]
        arns = [
            arn for kind in types for each, arn in arns_of(action, NAMES.get(kind, f"{NAMESPACE}-x")) if each == kind
        ]
        assert any(allows(statements, action, arn, context) for arn in [*arns, "*"]), (action, arns)
    # AND roles are passed: the stage's to what runs them, others to jobs
    assert allows(
        statements, "iam:PassRole", f"{IAM}role/{NAMESPACE}-x", {"iam:PassedToService": "lambda.amazonaws.com"}
    )
    passed = allows(statements, "iam:PassRole", ROLE, {"iam:PassedToService": "ecs-tasks.amazonaws.com"})
    assert passed is (source == "own roles")
