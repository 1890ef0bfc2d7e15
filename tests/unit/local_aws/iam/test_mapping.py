"""What each operation needs: `operations/<service>.json` has requests, and the checks that AWS makes of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.local_aws.iam.sdk import ACCOUNT, REGION, SmallWorld, sent

from batchtab.local_aws.iam import mapping, reference
from batchtab.local_aws.iam.checks import Check
from batchtab.local_aws.iam.errors import UnknownRequestError
from batchtab.local_aws.iam.mapping import SERVICES, checks
from batchtab.local_aws.iam.requests import model, parse

ROOT = Path(__file__).resolve().parents[4]
CASES = [
    pytest.param(file.stem, *case, id=f"{file.stem}-{case[0]}-{number}")
    for file in sorted((Path(__file__).parent / "operations").glob("*.json"))
    for number, case in enumerate(json.loads(file.read_text()))
]
# Those whose bodies are JSON; the models have what else a form, XML and CBOR can say.
JSON_CASES = [
    case
    for case in CASES
    if model(str(case.values[0])).metadata["protocol"].endswith("json") and case.values[2].get("Payload") is None  # type: ignore[union-attr]
]
# Dependent actions of which no request of ours, and none of the tests, can be in need.
NOT_IN_NEED = {
    "ec2:CreateLaunchTemplate": {"ssm:GetParameters"},  # an image that is named by a parameter
    "ec2:CreateLaunchTemplateVersion": {"ssm:GetParameters"},
    "ec2:DescribeLaunchTemplateVersions": {"ssm:GetParameters"},
    "kms:CreateKey": {"iam:CreateServiceLinkedRole", "kms:PutKeyPolicy"},  # of several regions; with a policy
    "lambda:CreateFunction": {"lambda:PassCapacityProvider"},  # functions on instances of one's own
}
# Where AWS's own examples of policies name fewer types of resources than its reference requires.
NOT_REQUIRED = {("batch", "SubmitJob"): {"job"}, ("dynamodb", "Query"): {"table"}}


def needed(service: str, operation: str, **params: Any) -> list[Check]:
    request = parse(service, sent(service, operation, **params))
    assert request.operation == operation
    return checks(request, SmallWorld(), REGION, ACCOUNT)


def line(check: Check) -> str:
    context = [f"{key}={','.join(v) if isinstance(v, list) else v}" for key, v in check.context.items()]
    return " ".join([check.action, check.resource.replace(" ", "%20"), *context])


@pytest.mark.parametrize(("service", "operation", "params", "expected"), CASES)
def test_an_operation_needs_what_aws_asks_for(
    service: str, operation: str, params: dict[str, Any], expected: list[str]
) -> None:
    assert [line(check) for check in needed(service, operation, **params)] == expected


@pytest.mark.parametrize(("service", "operation", "params", "expected"), CASES)
def test_a_check_is_one_that_aws_knows(
    service: str, operation: str, params: dict[str, Any], expected: list[str]
) -> None:
    # GIVEN the checks of a request, THEN each action is AWS's, and its resource and keys are among the action's
    del expected
    for check in needed(service, operation, **params):
        assert reference.knows(check.action)
        type_name = reference.type_of(check.action, check.resource)
        assert type_name is not None or (check.resource == "*" and not reference.required(check.action))
        assert reference.supported(check.action, type_name, check.context) == check.context


@pytest.mark.parametrize(("service", "operation", "params", "expected"), CASES)
def test_a_resource_of_each_required_type_is_asked_about(
    service: str, operation: str, params: dict[str, Any], expected: list[str]
) -> None:
    del expected
    asked = needed(service, operation, **params)
    for action in {check.action for check in asked}:
        types = {reference.type_of(action, check.resource) for check in asked if check.action == action}
        assert reference.required(action) - types - NOT_REQUIRED.get((service, operation), set()) == set()


def names_that_rules_read() -> set[str]:
    """Each name of a parameter in the tables: any text of theirs that is one word."""
    texts = [file.read_text() for file in Path(mapping.__file__).parent.glob("*.py")]
    return {name for text in texts for name in re.findall(r'"([A-Za-z]\w+)[".]', text)}


@pytest.mark.parametrize(("service", "operation", "params", "expected"), JSON_CASES)
def test_a_member_that_the_operation_does_not_have_says_nothing(
    service: str, operation: str, params: dict[str, Any], expected: list[str]
) -> None:
    # GIVEN a request, and names that rules read of other operations, or of this one's path, query and headers
    http = sent(service, operation, **params)
    shape = model(service).operation_model(operation).input_shape
    members = shape.members if shape is not None else {}
    own = {name for name, member in members.items() if member.serialization.get("location") is None}
    foreign = dict.fromkeys(names_that_rules_read() - own, "foreign")
    assert {"Name", "FunctionName", "QueueUrl", "Tags", "tags", "ResourceArn"} & foreign.keys()
    # WHEN its body has them too
    body = json.dumps({**json.loads(http.body or b"{}"), **foreign}).encode()
    found = checks(parse(service, replace(http, body=body)), SmallWorld(), REGION, ACCOUNT)
    # THEN it needs what it needed without them
    assert [line(check) for check in found] == expected


def produced() -> set[str]:
    return {text.split()[0] for case in CASES for text in case.values[3]}  # type: ignore[union-attr]


def named_in_policies() -> set[str]:
    """What looks like an action or a condition key in the policies of the modules."""
    prefixes = {prefix for prefix, _ in SERVICES.values()}
    modules = [json.loads(file.read_text()) for file in ROOT.glob("modules/*/main.tf.json")]
    for module in modules:  # a boundary grants nothing: it lists what programs of users may call
        module["resource"].get("aws_iam_policy", {}).pop("boundary_policy", None)
        own = module.get("locals", {})
        module["locals"] = {name: value for name, value in own.items() if not name.startswith("boundary_policy")}
    text = json.dumps(modules)
    found = re.findall(r"\b([a-z0-9]+:[A-Z]\w+)\b(?!\*)", text)
    return {name for name in found if name.partition(":")[0] in prefixes}


def test_every_action_that_a_policy_of_ours_names_has_a_request_that_needs_it() -> None:
    # GIVEN the actions that policies of the modules name
    named = {name for name in named_in_policies() if reference.knows(name)}
    # THEN the cases above have requests for all of them
    assert len(named) > 150
    # AssumeRoleWithWebIdentity is decided by the trust in a role alone: who asks has no credentials yet. ECR asks for
    # BatchImportUpstreamImage when it fetches what a pull needs, which no request says.
    assert named - produced() == {"ecr:BatchImportUpstreamImage", "sts:AssumeRoleWithWebIdentity"}


def test_every_action_in_a_policy_of_ours_is_one_of_aws() -> None:
    keys = {"iam:AWSServiceName", "iam:PassedToService", "iam:PermissionsBoundary", "iam:PolicyARN"}
    keys |= {"dynamodb:LeadingKeys", "ec2:CreateAction", "kms:RequestAlias", "lambda:FunctionArn"}
    assert {name for name in named_in_policies() - keys if not reference.knows(name)} == set()


def test_dependent_actions_are_asked_for() -> None:
    # GIVEN operations with cases, and the actions that AWS says depend on theirs
    asked: dict[str, set[str]] = {}
    for case in CASES:
        lines = case.values[3]
        asked.setdefault(lines[0].split()[0], set()).update(text.split()[0] for text in lines)  # type: ignore[union-attr,index,arg-type]
    # THEN the cases of an operation ask for all of them
    for action, found in asked.items():
        assert reference.dependent(action) - found - NOT_IN_NEED.get(action, set()) == set(), action


@pytest.mark.parametrize("service", SERVICES)
def test_tables_name_operations_of_the_service(service: str) -> None:
    assert set(SERVICES[service][1]) <= set(model(service).operation_names)


def test_an_operation_without_a_rule_is_refused_by_name() -> None:
    with pytest.raises(UnknownRequestError, match="local AWS does not know what IAM action ec2's RunInstances is"):
        needed("ec2", "RunInstances", MinCount=1, MaxCount=1)


def test_a_resource_that_cannot_be_named_is_no_resource_that_is_allowed() -> None:
    # GIVEN a request to tag what no type of the action is
    with pytest.raises(UnknownRequestError, match="TagResource is not about arn:aws:s3:::bucket"):
        needed("batch", "TagResource", resourceArn="arn:aws:s3:::bucket", tags={"a": "b"})


def test_an_id_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(UnknownRequestError, match="odd-1"):
        needed("ec2", "CreateTags", Resources=["odd-1"], Tags=[{"Key": "a", "Value": "b"}])


def test_keys_that_an_action_does_not_support_are_absent() -> None:
    # GIVEN the condition on which a deployment once failed on AWS: lambda:FunctionArn for lambda:TagResource
    mapping = f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:u-1"
    (tagged,) = needed("lambda", "TagResource", Resource=mapping, Tags={"a": "b"})
    (changed,) = needed("lambda", "UpdateEventSourceMapping", UUID="u-1")
    # THEN the mapping's function is a condition of its change, and not of its tags
    assert "lambda:FunctionArn" in changed.context
    assert "lambda:FunctionArn" not in tagged.context
