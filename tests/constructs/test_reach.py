"""How far the roles reach: into other stages, into their own rights, and over tags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.iam import actions_of, allows, arns_of, keys_of, matching, privilege
from tests.policies import ACCOUNT, BOUNDARY, NAMESPACE, REGION, of, policies

from batchtab.constructs.job_alerts import alert_table

DEPLOY, PLAN = f"{NAMESPACE}-ci-deploy", f"{NAMESPACE}-ci-plan"
SOURCES = ["ci_roles: ", "ci_roles: network", "ci_roles: boundary", "ci_roles: boundary made"]
TAG = "batchtab:namespace"
OF_RESOURCE = f"aws:ResourceTag/{TAG}"
IAM = f"arn:aws:iam::{ACCOUNT}:"
OWN_BOUNDARY = f"{IAM}policy/{NAMESPACE}-ci-boundary"
#: What AWS gives a policy no tags of, so that only names say whose it is; `batchtab check` refuses names that go on.
NO_TAGS = {
    # "You can only assign tags to schedule groups.", whatever the reference says of schedules:
    # https://docs.aws.amazon.com/scheduler/latest/APIReference/API_TagResource.html
    "scheduler:CreateSchedule",
    "scheduler:DeleteSchedule",
    "scheduler:UpdateSchedule",
    "batch:DeregisterJobDefinition",  # the definition is asked for without a revision
    "batch:RegisterJobDefinition",
    "batch:TagResource",
    "batch:UntagResource",
}


def touched(statements: list[dict[str, Any]], name: str, context: dict[str, str]) -> set[str]:
    """The actions that change a resource of this name, of those that statements name."""
    found = set()
    for pattern in actions_of(statements):
        for action in matching(pattern) if "*" in pattern else (pattern,):
            if (privilege(action) or {})["access_level"] in {"Read", "List"}:
                continue
            known = context if action not in NO_TAGS else {key: context[key] for key in context if key != OF_RESOURCE}
            for _, arn in arns_of(action, name):
                if allows(statements, action, arn, known):
                    found.add(action)
    return found


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("other", ["batchtab-prod2", "batchtab-production", "batchtab-pro", "batchtab-dev"])
def test_a_deployment_touches_nothing_of_another_stage(source: str, other: str) -> None:
    # GIVEN a resource of another stage, with its tag; whoever has the role says that it is theirs
    context = {f"aws:ResourceTag/{TAG}": other, f"aws:RequestTag/{TAG}": NAMESPACE, "iam:PermissionsBoundary": BOUNDARY}
    # THEN nothing that changes it is allowed
    assert touched(of(DEPLOY, source), f"{other}-x", context) == set()


@pytest.mark.parametrize("source", SOURCES)
def test_nor_of_one_whose_name_goes_on_where_its_own_ends(source: str) -> None:
    # GIVEN a stage `prod-eu` beside `prod`, which `batchtab check` refuses where it sees both
    other = f"{NAMESPACE}-eu"
    context = {f"aws:ResourceTag/{TAG}": other, f"aws:RequestTag/{TAG}": NAMESPACE}
    context |= {"iam:PermissionsBoundary": BOUNDARY, "iam:PassedToService": "lambda.amazonaws.com"}
    # THEN what is tagged is out of reach
    found = touched(of(DEPLOY, source), f"{other}-x", context)
    assert {action for action in found if "aws:resourcetag/" in _keys(action)} - NO_TAGS == set()
    # BUT what has no tags is reached by its name: this is why such stages are refused
    assert found >= NO_TAGS
    # AND its roles for workflows are out of reach, whatever tags they have
    for role in (f"{other}-ci-deploy", f"{other}-ci-plan", DEPLOY, PLAN):
        for action in matching("iam:*"):
            assert not allows(
                of(DEPLOY, source), action, f"{IAM}role/{role}", {**context, f"aws:ResourceTag/{TAG}": ""}
            )


def _keys(action: str) -> frozenset[str]:
    known = privilege(action)
    assert known is not None
    return frozenset.intersection(*(keys_of(action, type_) for type_ in known["resource_types"] if type_))


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_nobodys_is_not_taken_by_a_tag(source: str) -> None:
    # GIVEN a resource of the account without our tag, whose name is none of ours
    context = {f"aws:RequestTag/{TAG}": NAMESPACE}
    found = touched(of(DEPLOY, source), "somebody-elses", context)
    # THEN nothing but a tag can be given: to a mapping, which gives nothing, and where the stage makes its network to a
    # security group, as AWS's own of a new network has none. What creates has no name yet.
    creations = {action for action in found if re.match(r"ec2:Create(?!Tags)", action)}
    allowed = {"lambda:TagResource"} | ({"ec2:CreateTags"} if "network" in source else set())
    assert found - creations - allowed == set()
    if "network" in source:
        for action, arn in (("ec2:CreateTags", "subnet"), ("ec2:CreateTags", "vpc"), ("ec2:CreateTags", "instance")):
            assert not allows(of(DEPLOY, source), action, f"arn:aws:ec2:{REGION}:{ACCOUNT}:{arn}/x-1", context)


def test_an_image_of_another_stage_is_pulled_and_not_changed() -> None:
    # GIVEN a repository of the stage, and one that is made elsewhere
    own, shared = (f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{name}" for name in ("batchtab-runner", "shared-runner"))
    for role, source in ((role, f"ci_roles: shared image{more}") for role in (DEPLOY, PLAN) for more in ("", " alone")):
        statements = of(role, source)
        for action in matching("ecr:*"):
            # THEN nothing changes the latter
            if (privilege(action) or {})["access_level"] not in {"Read", "List"}:
                assert not allows(statements, action, shared), (role, action)
        assert allows(statements, "ecr:DescribeImages", shared)
        assert allows(statements, "ecr:BatchGetImage", shared)
    # AND a deployment pulls from it, and pushes to its own
    assert allows(of(DEPLOY, "ci_roles: shared image"), "ecr:GetDownloadUrlForLayer", shared)
    assert allows(of(DEPLOY, "ci_roles: shared image"), "ecr:PutImage", own)
    assert not allows(of(DEPLOY, "ci_roles: shared image alone"), "ecr:PutImage", own)


def test_a_group_that_was_taken_lets_nothing_in() -> None:
    statements = of(DEPLOY, "ci_roles: network")
    group = f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/sg-1"
    assert allows(statements, "ec2:RevokeSecurityGroupIngress", group, {f"aws:ResourceTag/{TAG}": NAMESPACE})
    assert not allows(statements, "ec2:AuthorizeSecurityGroupIngress", group, {f"aws:ResourceTag/{TAG}": NAMESPACE})


def test_the_look_finds_what_a_deployment_may_do() -> None:
    # GIVEN a resource of the stage itself THEN the same look sees that it is changed: the tests above can fail
    context = {f"aws:ResourceTag/{TAG}": NAMESPACE, f"aws:RequestTag/{TAG}": NAMESPACE}
    found = touched(of(DEPLOY, "ci_roles: network"), f"{NAMESPACE}-x", context)
    assert len(found) > 80
    assert {"ec2:DeleteVpc", "batch:DeleteComputeEnvironment", "lambda:UpdateFunctionCode"} <= found


# --- rights


def test_the_plan_role_only_looks() -> None:
    for source in SOURCES:
        for action in actions_of(of(PLAN, source)):
            assert (privilege(action) or {})["access_level"] in {"Read", "List"}, action


def test_no_made_role_administers_anything() -> None:
    # GIVEN every role but the one that deploys: functions, triggers, jobs, executions, instances, the one that plans
    for policy in policies():
        if policy.kind != "identity" or policy.principal == DEPLOY:
            continue
        # THEN none can change what roles may do, take or pass a role
        for action in actions_of(policy.statements):
            for each in matching(action) if "*" in action else (action,):
                assert (privilege(each) or {})["access_level"] != "Permissions management", (policy.principal, each)
                assert not re.match(r"(iam:(?!Get|List)|sts:(?!GetCallerIdentity)|organizations:)", each), policy


def test_without_a_boundary_only_roles_of_the_stage_are_changed() -> None:
    statements = of(DEPLOY, "ci_roles: ")
    for action in matching("iam:*"):
        if (privilege(action) or {})["access_level"] not in {"Read", "List"}:
            for arn in (f"{IAM}role/somebody", f"{IAM}user/x", f"{IAM}policy/{NAMESPACE}-x", f"{IAM}group/x"):
                assert not allows(statements, action, arn), (action, arn)


def test_a_role_is_passed_to_the_services_of_a_stage_only() -> None:
    statements = of(DEPLOY, "ci_roles: own roles")
    mine, given = f"{IAM}role/{NAMESPACE}-x", f"{IAM}role/our-own-role"
    assert allows(statements, "iam:PassRole", mine, {"iam:PassedToService": "lambda.amazonaws.com"})
    assert allows(statements, "iam:PassRole", given, {"iam:PassedToService": "ecs-tasks.amazonaws.com"})
    for arn, service in ((mine, "glue"), (mine, "codebuild"), (given, "lambda"), (f"{IAM}role/other", "ecs-tasks")):
        assert not allows(statements, "iam:PassRole", arn, {"iam:PassedToService": f"{service}.amazonaws.com"})


# --- tags


def taggable(source: str) -> Iterator[tuple[str, str, str, str, bool]]:
    """For each kind of what a stage makes: an example, its actions of tagging and untagging, whether AWS names it."""
    names = f"{NAMESPACE}-x"
    regional = f"arn:aws:{{}}:{REGION}:{ACCOUNT}:"
    for service, rest, tag, untag in (
        ("batch", f"compute-environment/{names}", "TagResource", "UntagResource"),
        ("batch", f"job-queue/{names}", "TagResource", "UntagResource"),
        ("batch", f"job-definition/{names}:1", "TagResource", "UntagResource"),
        ("cloudwatch", f"alarm:{names}", "TagResource", "UntagResource"),
        ("dynamodb", f"table/{names}", "TagResource", "UntagResource"),
        ("ecr", "repository/batchtab-runner", "TagResource", "UntagResource"),
        ("events", f"rule/{names}", "TagResource", "UntagResource"),
        ("lambda", f"function:{names}", "TagResource", "UntagResource"),
        ("logs", f"log-group:/aws/batch/{NAMESPACE}", "TagResource", "UntagResource"),
        ("scheduler", f"schedule-group/{names}", "TagResource", "UntagResource"),
        ("sqs", names, "TagQueue", "UntagQueue"),
    ):
        yield regional.format(service) + rest, f"{service}:{tag}", f"{service}:{untag}", "", False
    yield f"{IAM}role/{names}", "iam:TagRole", "iam:UntagRole", "", False
    yield f"{IAM}instance-profile/{names}", "iam:TagInstanceProfile", "iam:UntagInstanceProfile", "", False
    mapping = f"{regional.format('lambda')}event-source-mapping:00000000-0000-0000-0000-000000000000"
    yield mapping, "lambda:TagResource", "lambda:UntagResource", "", True
    template = f"{regional.format('ec2')}launch-template/lt-1"
    yield template, "ec2:CreateTags", "ec2:DeleteTags", "CreateLaunchTemplate", True
    if source == "ci_roles: as HCL teams have it":
        environment = f"{regional.format('batch')}compute-environment/terraform-1"
        yield environment, "batch:TagResource", "batch:UntagResource", "", True
    if source == "ci_roles: network":
        for kind, call in (
            ("vpc", "CreateVpc"),
            ("subnet", "CreateSubnet"),
            ("route-table", "CreateRouteTable"),
            ("internet-gateway", "CreateInternetGateway"),
            ("security-group", "CreateSecurityGroup"),
        ):
            yield f"{regional.format('ec2')}{kind}/x-1", "ec2:CreateTags", "ec2:DeleteTags", call, True


@pytest.mark.parametrize("source", ["ci_roles: network", "ci_roles: as HCL teams have it"])
def test_everything_can_be_tagged_changed_and_untagged(source: str) -> None:
    # GIVEN each kind of what a stage makes
    statements = of(DEPLOY, source)
    for arn, tag, untag, creation, by_aws in taggable(source):
        # WHEN Terraform makes it THEN all tags are in the request
        made = {f"aws:RequestTag/{TAG}": NAMESPACE, "aws:TagKeys": TAG} | (
            {"ec2:CreateAction": creation} if creation else {}
        )
        assert allows(statements, tag, arn, made), (tag, arn)
        # WHEN `tags:` change THEN only what changed is
        changed = {"aws:RequestTag/team": "platform", f"aws:ResourceTag/{TAG}": NAMESPACE}
        assert allows(statements, tag, arn, changed), (tag, arn)
        assert allows(statements, untag, arn, changed), (untag, arn)
        # AND where AWS makes the name, the tag decides
        if by_aws:
            assert not allows(statements, tag, arn, {"aws:RequestTag/team": "platform"}), (tag, arn)
            assert not allows(statements, untag, arn, {}), (untag, arn)


def test_the_default_security_group_of_a_new_network_can_be_tagged() -> None:
    # GIVEN the group that AWS made, without tags and without any action of creation
    statements = of(DEPLOY, "ci_roles: network")
    group = f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/sg-1"
    assert allows(statements, "ec2:CreateTags", group, {f"aws:RequestTag/{TAG}": NAMESPACE})
    # BUT not one that has another stage's tag
    taken = {f"aws:RequestTag/{TAG}": NAMESPACE, f"aws:ResourceTag/{TAG}": "batchtab-dev"}
    assert not allows(statements, "ec2:CreateTags", group, taken)


def test_a_state_that_is_not_there_is_asked_for() -> None:
    # GIVEN the request for an object, which has no prefix: S3 says 404 to those alone who may list
    for role in (PLAN, DEPLOY):
        statements = of(role, "ci_roles: ")
        bucket = "arn:aws:s3:::my-company-terraform-state"
        assert allows(statements, "s3:ListBucket", bucket)
        assert allows(statements, "s3:ListBucket", bucket, {"s3:prefix": "prod/environment.tfstate"})
        assert not allows(statements, "s3:ListBucket", bucket, {"s3:prefix": "dev/environment.tfstate"})


@pytest.mark.parametrize("alerts", ["job-alerts", "alerts-job-alerts"])
def test_terraforms_own_items_alone_are_read_and_written(alerts: str) -> None:
    # GIVEN the keys of what Terraform writes into the table of alerts
    from_code = set(re.findall(r'pk = \{ S = "(\w+)" \}', Path(alert_table.__file__).read_text(encoding="utf-8")))
    assert from_code == {"route", "late"}
    table, runs = (f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{NAMESPACE}-{name}" for name in (alerts, "job-runs"))
    for role, names in ((PLAN, ["GetItem"]), (DEPLOY, ["GetItem", "PutItem", "UpdateItem", "DeleteItem"])):
        statements = of(role, "ci_roles: ")
        for name in names:
            for key in from_code:
                assert allows(statements, f"dynamodb:{name}", table, {"dynamodb:LeadingKeys": key})
                assert not allows(statements, f"dynamodb:{name}", runs, {"dynamodb:LeadingKeys": key})
            # THEN what the function remembers of failures is neither read nor changed
            assert not allows(statements, f"dynamodb:{name}", table, {"dynamodb:LeadingKeys": "failures"})
            assert not allows(statements, f"dynamodb:{name}", table)


def test_a_deployment_asks_the_submit_function_and_no_other() -> None:
    statements = of(DEPLOY, "ci_roles: ")
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAMESPACE}-"
    assert allows(statements, "lambda:InvokeFunction", f"{function}submit-run")
    assert not allows(statements, "lambda:InvokeFunction", f"{function}job-alerts")
