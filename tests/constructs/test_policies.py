"""Every policy of ours, of all doors, against AWS's Service Authorization Reference."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from tests.iam import conditions, keys_of, many, matching, privilege, supports, types_of
from tests.policies import Policy, policies

#: Keys that AWS gives of every request by a service, whatever the action.
GLOBAL = {"aws:sourceaccount", "aws:sourcearn"}
#: What an action is said to need a permission on, and AWS's pages or its own policies say otherwise.
NEEDS_NONE = {
    # Queue and definition, no job: https://docs.aws.amazon.com/batch/latest/userguide/iam-example-restrict-job-def.html
    ("batch:SubmitJob", "job"),
}
#: What is allowed on `*` though AWS could limit it.
UNLIMITED = {
    # "scoped to *": https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    "cloudwatch:DescribeAlarms",
}
#: Statements on `*` of actions that AWS could limit, by the resource's name.
ON_EVERYTHING = {
    # AWS's own policy of container instances.
    "batchtab-prod-instance",
    # A boundary gives nothing: what a role may do is in its own policies.
    "batchtab-prod-ci-boundary",
}


@pytest.fixture(scope="module")
def everything() -> list[Policy]:
    return policies()


def rows(found: list[Policy]) -> list[tuple[Policy, dict[str, Any], str, str]]:
    """Policy, statement, action, ARN; patterns of actions as what they stand for."""
    return [
        (policy, statement, action, arn)
        for policy in found
        if policy.kind != "trust"
        for statement in policy.statements
        for pattern in many(statement["Action"])
        for action in (matching(pattern) if "*" in pattern else (pattern,))
        for arn in many(statement["Resource"])
    ]


def nulls(value: Any) -> bool:
    """Whether a null or an empty list is anywhere in a document."""
    if isinstance(value, dict):
        return any(map(nulls, value.values()))
    return value in (None, [], "") or (isinstance(value, list | tuple) and any(map(nulls, value)))


def test_all_kinds_of_principals_are_there(everything: list[Policy]) -> None:
    # GIVEN all policies THEN none of the principals is missing, so that the tests below look at all of them
    identities = {policy.principal for policy in everything if policy.kind == "identity"}
    endings = ("ci-plan", "ci-deploy", "submit-run", "job-alerts", "trigger", "execution", "instance", "job")
    assert [ending for ending in endings if not any(name.endswith(f"-{ending}") for name in identities)] == []
    assert {policy.kind for policy in everything} == {"identity", "trust", "resource", "boundary"}


def test_nothing_is_null(everything: list[Policy]) -> None:
    # GIVEN every policy, with and without each optional input
    # THEN AWS takes it: nothing in it is null or empty (MalformedPolicyDocument)
    assert {policy.source for policy in everything if nulls(policy.statements)} == set()


def test_both_doors_say_the_same(everything: list[Policy]) -> None:
    # GIVEN the roles for workflows, by the Python construct and by the module
    by_source: dict[str, list[tuple[str, str, Any]]] = defaultdict(list)
    for policy in everything:
        if "ci_roles" in policy.source:
            row = (policy.address, policy.principal, [_sorted(s) for s in policy.statements])
            by_source[policy.source].append(row)
    python = {source: sorted(rows, key=str) for source, rows in by_source.items() if not source.startswith("module ")}
    assert len(python) > 4
    for source, found in python.items():
        assert found == sorted(by_source[f"module {source}"], key=str), source


def _sorted(statement: dict[str, Any]) -> dict[str, Any]:
    return {key: sorted(value) if isinstance(value, list) else value for key, value in sorted(statement.items())}


def test_each_action_exists(everything: list[Policy]) -> None:
    unknown = {action for _, _, action, _ in rows(everything) if privilege(action) is None}
    unmatched = {a for p in everything for s in p.statements for a in many(s["Action"]) if "*" in a and not matching(a)}
    assert (unknown, unmatched) == (set(), set())


def test_each_condition_key_is_one_that_its_action_supports(everything: list[Policy]) -> None:
    wrong = {
        (policy.principal, action, arn, key)
        for policy, statement, action, arn in rows(everything)
        if statement["Effect"] == "Allow" and policy.kind != "resource"
        for _, key, _ in conditions(statement)
        for type_ in (types_of(action, arn) or ("",))
        if key.lower() not in GLOBAL and not supports(action, type_, key)
    }
    assert wrong == set()


def test_a_denial_counts_wherever_aws_gives_a_tag(everything: list[Policy]) -> None:
    # GIVEN what is denied with a condition THEN its key is a tag of the resource, absent where AWS gives none
    denied = {key for _, s, _, _ in rows(everything) if s["Effect"] == "Deny" for _, key, _ in conditions(s)}
    assert denied == {"aws:ResourceTag/batchtab:namespace"}


def test_each_resource_is_of_a_type_that_its_action_knows(everything: list[Policy]) -> None:
    wrong = set()
    for policy, statement, action, arn in rows(everything):
        known = privilege(action)
        assert known is not None
        typed = [name for name in known["resource_types"] if name]
        if statement["Effect"] == "Deny" or policy.principal in ON_EVERYTHING:
            continue
        if arn == "*" and action not in UNLIMITED:
            required = [name for name in typed if known["resource_types"][name]["required"]]
            if required and not any(key.lower() == "lambda:functionarn" for _, key, _ in conditions(statement)):
                wrong.add((policy.principal, action, "could be limited"))
        elif arn != "*" and not types_of(action, arn):
            wrong.add((policy.principal, action, arn))
    assert wrong == set()


def test_each_resource_that_an_action_needs_is_there(everything: list[Policy]) -> None:
    # GIVEN what each role may do, all its statements together
    covered: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for policy, statement, action, arn in rows(everything):
        if policy.kind == "identity" and statement["Effect"] == "Allow":
            found = [*(privilege(action) or {})["resource_types"]] if arn == "*" else types_of(action, arn)
            covered[policy.source, policy.principal, action] |= set(found)
    # THEN no action lacks a resource without which AWS refuses it
    lacking = {
        (action, name)
        for (_, _, action), types in covered.items()
        for name, about in (privilege(action) or {})["resource_types"].items()
        if name and about["required"] and name not in types
    }
    assert lacking - NEEDS_NONE == set()


def test_the_reference_knows_what_made_a_deployment_fail() -> None:
    # GIVEN the condition that tagging a mapping had: AWS does not know it there
    assert "lambda:functionarn" not in keys_of("lambda:TagResource", "eventSourceMapping")
    # AND the ones that it has
    assert {"aws:requesttag/", "aws:resourcetag/"} <= keys_of("lambda:TagResource", "eventSourceMapping")
