"""A stage's environment: one branch deploys it, somebody approves, and what is open is said."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.github.fake_gh import FakeGh

from batchtab.cli.main import main

AT = "repos/my-company/jobs/environments/prod"
POLICIES = f"{AT}/deployment-branch-policies"
ARGUMENTS = ["ci", "environment", "--stage", "prod", "--repository", "my-company/jobs"]
CUSTOM = {"protected_branches": False, "custom_branch_policies": True}
ALICE: dict[str, Any] = {
    "type": "required_reviewers",
    "prevent_self_review": True,
    "reviewers": [{"type": "User", "reviewer": {"login": "alice", "id": 7}}],
}
PROTECTED: dict[str, Any] = {"deployment_branch_policy": CUSTOM, "protection_rules": [ALICE, {"type": "branch_policy"}]}
NO_REVIEWERS = "Please ensure the billing plan supports the required reviewers protection rule. (HTTP 422)"


def test_one_branch_deploys_after_an_approval(gh: FakeGh, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN no environment yet
    gh.answer(
        **{
            f"GET {AT}": ["Not Found (HTTP 404)", PROTECTED],
            "GET users/alice": {"id": 7},
            "GET orgs/my-company/teams/platform": {"id": 9},
            f"PUT {AT}": {"name": "prod"},
            f"GET {POLICIES}?per_page=100": [{"branch_policies": []}, {"branch_policies": [{"name": "main"}]}],
            f"POST {POLICIES}": {"id": 1},
        }
    )
    # WHEN it is protected
    assert main([*ARGUMENTS, "--reviewer", "alice", "--reviewer", "my-company/platform", "--prevent-self-review"]) == 0
    # THEN the call has the branch policy and both reviewers, who approve what others start, and the branch is named
    people = [{"type": "User", "id": 7}, {"type": "Team", "id": 9}]
    rules = {"deployment_branch_policy": CUSTOM, "prevent_self_review": True, "reviewers": people}
    assert gh.asked("PUT") == [["PUT", AT, rules]]
    assert gh.asked("POST") == [["POST", POLICIES, {"name": "main", "type": "branch"}]]
    assert capsys.readouterr().out.splitlines() == [
        "environment prod: main may deploy",
        "environment prod: alice approves",
    ]


def test_rules_that_are_there_stay(gh: FakeGh) -> None:
    # GIVEN an environment with a timer and a reviewer, who may not approve their own
    rules = [{"type": "wait_timer", "wait_timer": 30}, ALICE]
    gh.answer(
        **{
            f"GET {AT}": {**PROTECTED, "protection_rules": rules},
            "GET users/alice": {"id": 7},
            "GET users/bob": {"id": 8},
            f"PUT {AT}": {},
            f"GET {POLICIES}?per_page=100": {"branch_policies": [{"name": "main"}]},
        }
    )
    assert main([*ARGUMENTS, "--reviewer", "alice", "--reviewer", "bob"]) == 0
    ((_, _, content),) = gh.asked("PUT")
    assert content == {
        "wait_timer": 30,
        "prevent_self_review": True,
        "deployment_branch_policy": CUSTOM,
        "reviewers": [{"type": "User", "id": 7}, {"type": "User", "id": 8}],
    }
    assert gh.asked("POST") == []


def test_without_reviewers_in_the_plan_the_branch_is_protected_all_the_same(
    gh: FakeGh, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a private repository of a team
    gh.answer(
        **{
            f"GET {AT}": ["Not Found (HTTP 404)", {"deployment_branch_policy": CUSTOM, "protection_rules": []}],
            "GET users/alice": {"id": 7},
            f"PUT {AT}": [NO_REVIEWERS, {}],
            f"GET {POLICIES}?per_page=100": {"branch_policies": [{"name": "main"}]},
        }
    )
    assert main([*ARGUMENTS, "--reviewer", "alice"]) == 1
    # THEN the second call has the branch alone, and it says what is open and what protects then
    assert [content for _, _, content in gh.asked("PUT")][1] == {"deployment_branch_policy": CUSTOM}
    out, error = capsys.readouterr()
    assert out == "environment prod: main may deploy\n"
    assert "required reviewers protection rule" in error
    assert "open: environment prod: no approval is required" in error
    assert "required reviewers with Enterprise only" in error
    assert "the role trusts only the workflow deploy.yml as it is on main" in error


def test_a_free_private_repository_is_told_what_protects(gh: FakeGh, capsys: pytest.CaptureFixture[str]) -> None:
    gh.answer(**{f"PUT {AT}": "Upgrade to GitHub Pro or make this repository public (HTTP 403)"})
    assert main(ARGUMENTS) == 1
    error = capsys.readouterr().err
    assert "refused: gh api PUT" in error
    assert "there is no environment prod: its first deployment creates it, without any rule" in error
    assert "the role trusts only" in error


def test_a_check_changes_nothing(gh: FakeGh, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN what `gh api -X PUT …/environments/prod` without a body makes, and rules with one branch too many
    open_ = {"deployment_branch_policy": None, "protection_rules": []}
    branches = {"branch_policies": [{"name": "main"}, {"name": "release/*"}]}
    gh.answer(**{f"GET {AT}": [open_, PROTECTED], f"GET {POLICIES}?per_page=100": branches})
    assert main([*ARGUMENTS, "--check"]) == 1
    assert "open: environment prod: every branch may deploy, not only main" in capsys.readouterr().err
    assert main([*ARGUMENTS, "--check"]) == 1
    assert "open: environment prod: main, release/* may deploy, not only main" in capsys.readouterr().err
    assert {method for method, _, _ in gh.asked()} == {"GET"}


@pytest.mark.parametrize(
    ("rules", "policies", "says"),
    [
        (
            {"deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": False}},
            [],
            "every protected branch may deploy, and every branch while none is, not only main",
        ),
        ({}, [{"name": "main", "type": "tag"}], "no branch may deploy, not even main"),
        ({}, [{"name": "main", "type": "tag"}], "tags main may deploy, not only the branch main"),
        ({}, [{"name": "main"}, {"name": "v*", "type": "tag"}], "tags v* may deploy, not only the branch main"),
        ({}, [], "no branch may deploy, not even main"),
        (
            {"protection_rules": [{**ALICE, "prevent_self_review": False}]},
            [{"name": "main", "type": "branch"}],
            "who starts a deployment may approve it: --prevent-self-review",
        ),
    ],
)
def test_rules_that_look_closed_and_are_open_are_said(
    gh: FakeGh,
    capsys: pytest.CaptureFixture[str],
    rules: dict[str, Any],
    policies: list[dict[str, str]],
    says: str,
) -> None:
    gh.answer(**{f"GET {AT}": {**PROTECTED, **rules}, f"GET {POLICIES}?per_page=100": {"branch_policies": policies}})
    assert main([*ARGUMENTS, "--check"]) == 1
    assert f"open: environment prod: {says}\n" in capsys.readouterr().err


def test_a_tag_of_the_branchs_name_is_no_branch(gh: FakeGh) -> None:
    # GIVEN an environment that a tag `main` may deploy, and no branch
    policies = {"branch_policies": [{"name": "main", "type": "tag"}]}
    gh.answer(
        **{
            f"GET {AT}": PROTECTED,
            f"PUT {AT}": {},
            f"GET {POLICIES}?per_page=100": policies,
            f"POST {POLICIES}": {"id": 1},
        }
    )
    # WHEN it is protected THEN the branch is added, and the tag is said
    assert main(ARGUMENTS) == 1
    assert gh.asked("POST") == [["POST", POLICIES, {"name": "main", "type": "branch"}]]


def test_in_a_workflow_what_is_open_is_a_warning_of_the_run(
    gh: FakeGh, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a step of a workflow, which names the repository and the stage
    for name, value in {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "my-company/jobs",
        "BATCHTAB_STAGE": "prod",
    }.items():
        monkeypatch.setenv(name, value)
    gh.answer(**{f"GET {AT}": {"deployment_branch_policy": None, "protection_rules": [ALICE]}})
    assert main(["ci", "environment", "--check"]) == 1
    assert "::warning::environment prod: every branch may deploy, not only main\n" in capsys.readouterr().out


def test_a_reviewer_whom_github_does_not_know_is_one_line(gh: FakeGh, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ARGUMENTS, "--reviewer", "nobody"]) == 2
    assert capsys.readouterr().err.startswith("batchtab: ci environment: gh api GET users/nobody: Not Found")
    assert gh.asked("PUT") == []
