"""ci_roles, by both doors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.constructs.template import BOUNDARY_ARN, Template, in_python, module, wildcards

from batchtab import limits
from batchtab.constructs.ci_roles import CiRoles

PROVIDER_ARN = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
GIVEN: dict[str, Any] = {
    "namespace": "batchtab-prod",
    "stage": "prod",
    "github_repository": "my-company/jobs",
    "state_bucket": "my-company-terraform-state",
    "repository_names": ["batchtab-runner"],
}
OWN_ROLE = "arn:aws:iam::123456789012:role/ours"
ISSUER = "token.actions.githubusercontent.com"
# What gives a role more, or gives it to somebody.
GIVES = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:UpdateAssumeRolePolicy",
)
# What AWS limits to no resource: looking at lists, and the token for the registry.
UNSCOPED = re.compile(r"(batch|cloudwatch|ec2|logs):Describe\w+|sts:GetCallerIdentity|ecr:GetAuthorizationToken")


def roles(**arguments: Any) -> Template:
    return in_python(lambda stack: CiRoles(stack, "Default", **{**GIVEN, **arguments}))


@pytest.fixture(scope="module")
def default() -> Template:
    return roles()


def trust(template: Template, role: str) -> dict[str, Any]:
    (statement,) = template.statements("aws_iam_role", f"{role}_role", "assume_role_policy")
    return statement


def statements(template: Template, policy: str) -> list[dict[str, Any]]:
    return template.statements("aws_iam_policy", f"{policy}_policy")


def many(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def actions(template: Template, *policies: str) -> set[str]:
    found = [s for policy in policies for s in statements(template, policy) if s["Effect"] == "Allow"]
    return {action for statement in found for action in many(statement["Action"])}


def test_only_the_repositorys_pull_requests_and_main_may_plan(default: Template) -> None:
    # GIVEN the role that plans
    statement = trust(default, "plan")
    # THEN GitHub's provider alone gives it, for AWS, to just these
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Principal"] == {"Federated": "${aws_iam_openid_connect_provider.oidc_provider.arn}"}
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": [
                "repo:my-company/jobs:pull_request",
                "repo:my-company/jobs:ref:refs/heads/main",
            ],
        }
    }


def test_only_jobs_of_the_deploy_workflow_on_main_in_the_environment_may_deploy(default: Template) -> None:
    # GIVEN the role that deploys THEN neither a pull request, nor a branch with a workflow of its own is enough,
    # and no pattern is in it that would let another repository in
    assert trust(default, "deploy")["Condition"] == {
        "StringEquals": {
            f"{ISSUER}:aud": "sts.amazonaws.com",
            f"{ISSUER}:sub": ["repo:my-company/jobs:environment:prod"],
            f"{ISSUER}:ref": "refs/heads/main",
            f"{ISSUER}:job_workflow_ref": "my-company/jobs/.github/workflows/deploy.yml@refs/heads/main",
        }
    }


def test_with_both_numbers_the_subjects_are_githubs_immutable_ones() -> None:
    # GIVEN a repository whose subjects have numbers
    template = roles(owner_id="123456", repository_id="456789", branch="trunk")
    prefix = "repo:my-company@123456/jobs@456789"
    plan, deploy = (trust(template, kind)["Condition"]["StringEquals"] for kind in ("plan", "deploy"))
    # THEN both roles trust that form alone, and this repository alone
    assert plan[f"{ISSUER}:sub"] == [f"{prefix}:pull_request", f"{prefix}:ref:refs/heads/trunk"]
    assert deploy[f"{ISSUER}:sub"] == [f"{prefix}:environment:prod"]
    assert {claims[f"{ISSUER}:repository_id"] for claims in (plan, deploy)} == {"456789"}
    # AND a file is named by its repository's names
    assert deploy[f"{ISSUER}:job_workflow_ref"] == "my-company/jobs/.github/workflows/deploy.yml@refs/heads/trunk"


def test_a_repositorys_number_alone_keeps_subjects_of_names() -> None:
    claims = trust(roles(repository_id="456789"), "deploy")["Condition"]["StringEquals"]
    assert claims[f"{ISSUER}:sub"] == ["repo:my-company/jobs:environment:prod"]
    assert claims[f"{ISSUER}:repository_id"] == "456789"


@pytest.mark.parametrize(
    ("arguments", "pinned"),
    [
        ({"deploy_workflow": None}, {"ref"}),
        ({"deploy_workflow": "ship.yaml"}, {"ref", "job_workflow_ref"}),
        ({"deploys_from_branch": False}, set()),
    ],
)
def test_who_deploys_otherwise_says_so(arguments: dict[str, Any], pinned: set[str]) -> None:
    claims = trust(roles(**arguments), "deploy")["Condition"]["StringEquals"]
    assert {name.partition(":")[2] for name in claims} == {"aud", "sub", *pinned}


def test_the_plan_role_changes_nothing(default: Template) -> None:
    # GIVEN all that the role that plans has
    attached = {
        body["policy_arn"]
        for body in default.all("aws_iam_role_policy_attachment").values()
        if body["role"] == "${aws_iam_role.plan_role.name}"
    }
    assert attached == {"${aws_iam_policy.read_policy.arn}"}
    # THEN each action is one that reads
    actions = [action for s in statements(default, "read") for action in many(s["Action"])]
    assert len(actions) > 40
    assert [a for a in actions if not re.match(r"\w+:(Describe|Get|List|BatchGetImage)", a)] == []
    # AND none of them reads what may be secret
    assert [a for a in actions if re.search(r"Secret|Parameter|GetLogEvents|Decrypt", a)] == []


def test_the_plan_role_reads_no_other_stages_state(default: Template) -> None:
    by_action = {action: s for s in statements(default, "read") for action in many(s["Action"])}
    below = "arn:${data.aws_partition.current.partition}:s3:::my-company-terraform-state/prod/"
    assert by_action["s3:GetObject"]["Resource"] == [f"{below}*.tfstate", f"{below}*.applied.json"]
    assert by_action["s3:ListBucket"]["Condition"] == {
        "StringLikeIfExists": {"s3:prefix": ["prod/*", "env:/", "env:/*"]}
    }


def test_the_plan_role_looks_at_no_key_but_dynamodbs_own(default: Template) -> None:
    (statement,) = [s for s in statements(default, "read") if "kms:DescribeKey" in many(s["Action"])]
    assert many(statement["Action"]) == ["kms:DescribeKey"]
    assert statement["Condition"] == {"StringEquals": {"kms:RequestAlias": "alias/aws/dynamodb"}}


@pytest.mark.parametrize("policy", ["read", "write", "alerts", "images", "roles"])
def test_nothing_is_allowed_on_everything_where_aws_allows_better(default: Template, policy: str) -> None:
    for statement in statements(default, policy):
        for action in many(statement["Action"]) if statement["Effect"] == "Allow" else ():
            assert "*" not in action
            if "*" in many(statement["Resource"]):
                assert UNSCOPED.fullmatch(action) or "lambda:FunctionArn" in str(statement["Condition"]), action
            elif statement.get("Condition") is None:
                # WHEN no tag limits it THEN the name does
                names = [arn for arn in many(statement["Resource"]) if "batchtab-" not in arn and "/prod/" not in arn]
                # (where AWS makes the name, looking at it is allowed for all)
                reads = [arn for arn in names if re.match(r"\w+:(Describe|List|Get)", action)]
                assert names == reads, action


def test_a_deployment_cannot_change_the_roles_of_the_workflows(default: Template) -> None:
    (deny,) = [s for s in statements(default, "roles") if s["Effect"] == "Deny" and s["Action"] == ["iam:*"]]
    # THEN nor those of a stage whose name goes on where this one's ends
    assert [arn.rpartition(":")[2] for arn in deny["Resource"]] == [
        *("role/batchtab-prod-ci-plan", "role/batchtab-prod-*-ci-plan"),
        *("role/batchtab-prod-ci-deploy", "role/batchtab-prod-*-ci-deploy"),
        *("policy/batchtab-prod-ci-*", "policy/batchtab-prod-*-ci-*"),
    ]
    # AND policies of IAM are not made or changed at all, so that the deny cannot be taken away
    granted = {
        a
        for name in ("write", "alerts", "images", "roles")
        for s in statements(default, name)
        for a in many(s["Action"])
    }
    assert not {a for a in granted if re.match(r"iam:(Create|Delete|Set)(Default)?Policy", a)}


def test_roles_are_passed_to_the_services_that_run_jobs_only(default: Template) -> None:
    (passing,) = [
        s for s in statements(default, "roles") if s["Effect"] == "Allow" and "iam:PassRole" in many(s["Action"])
    ]
    assert passing["Condition"]["StringEquals"]["iam:PassedToService"] == [
        "batch.amazonaws.com",
        "ec2.amazonaws.com",
        "ecs-tasks.amazonaws.com",
        "events.amazonaws.com",
        "lambda.amazonaws.com",
        "scheduler.amazonaws.com",
    ]


def test_schedules_are_changed_in_the_groups_of_the_stage_only(default: Template) -> None:
    # GIVEN what a deployment may change of schedules
    by_action = {a: s["Resource"] for s in statements(default, "write") for a in many(s["Action"])}
    of_schedules = {a: [arn.split(":", 5)[5] for arn in by_action[a]] for a in by_action if a.startswith("scheduler:")}
    # THEN it is what is in groups with the stage's names, and these groups
    assert of_schedules["scheduler:CreateSchedule"] == ["schedule/batchtab-prod-*"]
    assert of_schedules["scheduler:CreateScheduleGroup"] == ["schedule-group/batchtab-prod-*"]
    assert {"scheduler:DeleteSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteScheduleGroup"} <= set(by_action)


def test_with_a_boundary_no_role_is_made_without_it() -> None:
    template = roles(permissions_boundary_arn=BOUNDARY_ARN)
    giving = [s for s in statements(template, "roles") if s["Effect"] == "Allow" and set(GIVES) & set(s["Action"])]
    assert sorted(action for s in giving for action in s["Action"]) == [*GIVES]
    for statement in giving:
        assert statement["Condition"]["StringEquals"] == {"iam:PermissionsBoundary": BOUNDARY_ARN}
    assert {r["permissions_boundary"] for r in template.all("aws_iam_role").values()} == {BOUNDARY_ARN}


def test_a_boundary_that_is_made_is_for_the_stages_roles_only() -> None:
    template = roles(make_permissions_boundary=True)
    made = template.address("aws_iam_policy", "boundary_policy")
    assert made["name"] == "batchtab-prod-ci-boundary"
    # THEN no role is made without it
    creating = [s for s in statements(template, "roles") if "iam:CreateRole" in s["Action"]]
    (arn,) = {s["Condition"]["StringEquals"]["iam:PermissionsBoundary"] for s in creating}
    assert arn.endswith(":policy/batchtab-prod-ci-boundary")
    # AND the roles of the workflows are without it, for it lets nobody make roles, and it is attached to none
    assert not any("permissions_boundary" in role for role in template.all("aws_iam_role").values())
    assert not any("boundary" in name for name in template.all("aws_iam_role_policy_attachment"))


def test_a_boundary_is_given_or_made() -> None:
    with pytest.raises(ValueError, match="permissions_boundary_arn and make_permissions_boundary: give one of the two"):
        roles(permissions_boundary_arn=BOUNDARY_ARN, make_permissions_boundary=True)


def test_roles_of_ones_own_are_passed_to_jobs_only() -> None:
    template = roles(passable_role_arns=[OWN_ROLE])
    (passing,) = statements(template, "passing")
    assert passing["Resource"] == [OWN_ROLE]
    assert passing["Action"] == ["iam:PassRole"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": ["ecs-tasks.amazonaws.com"]}}


def test_a_provider_that_exists_is_used() -> None:
    template = roles(oidc_provider_arn=PROVIDER_ARN)
    assert template.count("aws_iam_openid_connect_provider") == 0
    assert trust(template, "plan")["Principal"] == {"Federated": PROVIDER_ARN}
    assert trust(template, "deploy")["Principal"] == {"Federated": PROVIDER_ARN}


def test_the_provider_is_githubs(default: Template) -> None:
    made = default.one("aws_iam_openid_connect_provider")
    assert made["url"] == "https://token.actions.githubusercontent.com"
    assert made["client_id_list"] == ["sts.amazonaws.com"]


def test_networks_are_changed_only_by_a_stage_that_makes_one(default: Template) -> None:
    assert "network_policy" not in default.all("aws_iam_policy")
    network = statements(roles(manages_network=True), "network")
    assert all(statement["Condition"] for statement in network)
    assert "ec2:CreateVpc" in {a for s in network for a in many(s["Action"])}


def test_each_other_argument_arrives() -> None:
    template = roles(branch="release/1", environment="production", tags={"team": "platform"}, stage="live")
    assert trust(template, "plan")["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"][1] == (
        "repo:my-company/jobs:ref:refs/heads/release/1"
    )
    assert trust(template, "deploy")["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"] == [
        "repo:my-company/jobs:environment:production"
    ]
    assert {json.dumps(r["tags"]) for r in template.all("aws_iam_role").values()} == {'{"team": "platform"}'}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"github_repository": "my-company/*"}, "github_repository: 'my-company/*' is not allowed: a repository as"),
        ({"github_repository": "jobs"}, "github_repository: 'jobs' is not allowed"),
        ({"branch": "*"}, "branch: '*' is not allowed"),
        ({"environment": "prod:x"}, "environment: 'prod:x' is not allowed"),
        ({"environment": "*"}, "environment: '*' is not allowed"),
        ({"repository_id": "*"}, "repository_id: '*' is not allowed: a number that GitHub gave it"),
        ({"owner_id": "my-company", "repository_id": "1"}, "owner_id: 'my-company' is not allowed"),
        ({"owner_id": "1"}, "owner_id: needs repository_id too"),
        ({"deploy_workflow": "*.yml"}, "deploy_workflow: '*.yml' is not allowed: a workflow's file"),
        ({"namespace": "Batchtab"}, "namespace: 'Batchtab' is not allowed"),
        ({"stage": "p*"}, "stage: 'p*' is not allowed"),
        ({"stage": "ci"}, "stage: 'ci' is reserved"),
        ({"passable_role_arns": ["arn:aws:iam::123456789012:role/*"]}, "is not allowed: a role's ARN"),
        ({"boundary_actions": ["*"]}, "boundary_actions: '*' is not allowed"),
        ({"repository_names": ["*"]}, "repository_names: '*' is not allowed"),
        ({"pulled_repository_names": ["team/*"]}, "pulled_repository_names: 'team/*' is not allowed"),
        ({"repository_names": []}, "repository_names, pulled_repository_names: name at least one"),
        ({"state_bucket": "*"}, "state_bucket: '*' is not allowed"),
    ],
)
def test_what_would_let_others_in_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        roles(**arguments)


def test_policies_fit_with_the_longest_names() -> None:
    # GIVEN a stage with the longest names that are allowed, and many roles and actions of its own
    template = roles(
        namespace="a" + "b" * 50,
        stage="s" * 20,
        state_bucket="b" * 63,
        manages_network=True,
        make_permissions_boundary=True,
        passable_role_arns=[f"arn:aws-us-gov:iam::123456789012:role/our-own-role-{i:012}" for i in range(80)],
        boundary_actions=[f"rekognition:Detect{i:010}" for i in range(60)],
    )
    for name, body in template.all("aws_iam_policy").items():
        text = body["policy"]
        for expression, value in (("partition", "aws-us-gov"), ("region", "ap-southeast-2"), ("caller", "1" * 12)):
            text = re.sub(r"\$\{data\.aws_" + expression + r"[^}]*\}", value, text)
        assert "${" not in text
        # THEN IAM takes each, and Terraform looks that it does
        (rule,) = body["lifecycle"]["postcondition"]
        assert rule["condition"] == "${length(self.policy) <= 6144}", name
        assert len(re.sub(r"\s", "", text)) <= limits.MANAGED_POLICY_CHARACTERS, name


def test_the_module_has_the_constructs_addresses() -> None:
    hcl = module("ci_roles")
    all_of_it = roles(manages_network=True, make_permissions_boundary=True, passable_role_arns=[OWN_ROLE])
    assert hcl.addresses() == all_of_it.managed()
    assert sorted(hcl.content["output"]) == [
        "deploy_role_arn",
        "deploy_role_name",
        "oidc_provider_arn",
        "permissions_boundary_arn",
        "plan_role_arn",
        "plan_role_name",
    ]


def test_the_modules_wildcards_are_those_of_lists_and_the_registry() -> None:
    # GIVEN the policies but for the boundary, which gives nothing, and what is denied
    found = [(address, text) for address, text in wildcards(module("ci_roles")) if "boundary" not in address]
    allowed = [text for address, text in found if "roles_policy" not in address]
    assert allowed == ["*", "*", "*"]
    assert "iam:*" in {text for address, text in found if "roles_policy" in address}


def test_each_call_that_terraform_makes_is_allowed() -> None:
    # GIVEN the calls of the provider while it planned, made and destroyed all stacks of the stage local
    # (TF_LOG_PROVIDER=DEBUG, rpc.service and rpc.method)
    calls = json.loads((Path(__file__).parent / "terraform_calls.json").read_text())
    assert len(calls["plan"]) > 30
    assert len(calls["all"]) > 90
    template = roles(manages_network=True)
    # THEN the role that plans may make those of a plan, and the other all
    assert set(calls["plan"]) - actions(template, "read") == set()
    assert set(calls["all"]) - actions(template, "read", "write", "alerts", "images", "roles", "network") == set()
