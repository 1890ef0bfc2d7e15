"""`plan` and `status` say which jobs run another revision than Terraform deployed, and fail at nothing for it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from tests.unit.cli.listing_aws import FakeAws

from batchtab.aws.job_definitions import Active
from batchtab.aws.states import States
from batchtab.cli import revisions
from batchtab.cli.deployment import deploy as deploy_command
from batchtab.cli.deployment import plan as plan_command
from batchtab.cli.deployment.planning import Planned
from batchtab.cli.jobs import status
from batchtab.cli.main import main
from batchtab.plan_review.revisions import Revisions
from batchtab.terraform.session import Session
from batchtab.terraform.stacks import Plan

NAME = "batchtab-local-my-service-do-often"
DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not\nyou"}}, "DescribeJobDefinitions")
AWS: Any = type("_", (), {"client": lambda *_: None})()


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one."""
    monkeypatch.setattr(States, "require_bucket", lambda _: None)


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The revisions in Terraform's states, to be changed."""
    found = {NAME: 1}
    monkeypatch.setattr(States, "job_revisions", lambda *_: found)
    return found


@pytest.fixture
def active(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """The ACTIVE revisions, to be changed."""
    found = {NAME: [2, 1]}
    monkeypatch.setattr(revisions, "active_revisions", lambda *_: Active(found))
    return found


def raises(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any) -> Any:
        raise error

    return fail


@pytest.mark.usefixtures("deployed", "active")
def test_a_job_of_another_revision_is_found() -> None:
    (mismatch,) = revisions.look_up(Session.open("local"), AWS).mismatches
    assert (mismatch.job, mismatch.runs, mismatch.deployed) == ("my-service-do-often", 2, 1)


def test_of_an_account_with_too_many_definitions_only_what_is_certain_is_said(
    deployed: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a job with a newer revision, one that runs what was deployed, and three whose revisions are not all read
    deployed.update({f"batchtab-local-s-{name}": 3 for name in ("same", "older", "newer", "none")})
    names = {"same": [3], "older": [2], "newer": [4], "none": []}
    read = {NAME: [1, 2], **{f"batchtab-local-s-{name}": found for name, found in names.items()}}
    monkeypatch.setattr(revisions, "active_revisions", lambda *_: Active(read, 5000))
    # THEN the first is named, and a line says that the others are not known
    mismatch, unknown = revisions.look_up(Session.open("local"), AWS).lines()
    assert mismatch.startswith("my-service-do-often runs revision 2; Terraform deployed revision 1 ")
    assert unknown == (
        "It could not be looked at which revisions the jobs run with: more are ACTIVE in the account than the 5,000"
        " that were read; only what these show is named"
    )


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ((revisions, "active_revisions"), DENIED),
        ((revisions, "active_revisions"), NoCredentialsError()),
        ((States, "job_revisions"), ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")),
    ],
)
def test_a_refusal_is_a_line_and_no_failure(
    target: tuple[Any, str], error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN Batch or the state bucket refuses, or nobody is logged in
    monkeypatch.setattr(States, "job_revisions", lambda *_: {NAME: 1})
    monkeypatch.setattr(*target, raises(error))
    # THEN it says why nothing is known, on one line
    (line,) = revisions.look_up(Session.open("local"), AWS).lines()
    assert line.startswith("It could not be looked at which revisions the jobs run with: ")
    assert "\n" not in line


@contextlib.contextmanager
def nothing(*_: Any) -> Iterator[Any]:
    yield None


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """`batchtab plan` with plans that are given, to be changed."""
    plans: list[Plan] = []
    for name in ("alone", "Stacks"):
        monkeypatch.setattr(plan_command, name, nothing)
    monkeypatch.setattr(plan_command, "connect", lambda _: AWS)
    planning: Any = type("_", (), {"run": lambda *_, **__: Planned(plans, {}, {})})()
    monkeypatch.setattr(plan_command, "Planning", lambda *_: planning)
    monkeypatch.setattr(plan_command.Synthesis, "write", lambda *_: None)
    return plans


@pytest.mark.usefixtures("deployed", "active")
@pytest.mark.parametrize("is_planned", [True, False])
def test_a_plan_without_changes_does_not_say_that_all_is_as_the_files_say(
    is_planned: bool, planned: list[Plan], capsys: pytest.CaptureFixture[str]
) -> None:
    planned += [Plan("jobs-my-service", False, "No changes.", Path(), "")] if is_planned else []
    assert main(["plan", "--stage", "local", "--fail-on-changes"]) == 0
    *_, line, last = capsys.readouterr().out.splitlines()
    assert line.startswith("my-service-do-often runs revision 2; Terraform deployed revision 1 [hint: aws batch ")
    assert last == "No changes to deploy, but other revisions of jobs run than were deployed."


@pytest.mark.usefixtures("deployed", "planned")
def test_a_plan_goes_on_where_revisions_cannot_be_looked_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(revisions, "active_revisions", raises(DENIED))
    assert main(["plan", "--stage", "local"]) == 0
    line, last = capsys.readouterr().out.splitlines()
    assert line.startswith(
        "It could not be looked at which revisions the jobs run with: AWS denied DescribeJobDefinitions to"
    )
    assert last == "No changes since the last deployment."


@pytest.mark.usefixtures("deployed")
def test_a_plan_of_jobs_that_run_what_was_deployed_says_nothing_more(
    active: dict[str, list[int]], planned: list[Plan], capsys: pytest.CaptureFixture[str]
) -> None:
    active[NAME] = [1]
    planned += [Plan("jobs-my-service", False, "No changes.", Path(), "")]
    assert main(["plan", "--stage", "local"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "jobs-my-service  No changes.",
        "No changes: what is deployed is what the files say.",
    ]


@pytest.mark.usefixtures("deployed", "active", "planned")
def test_what_a_plan_found_is_written_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "plan"
    out.mkdir()
    monkeypatch.setattr(plan_command, "write", lambda *_: None)
    monkeypatch.setattr(plan_command.Synthesis, "copy_findings", lambda *_: None)
    main(["plan", "--stage", "local", "--out", str(out)])
    assert len(Revisions.load(out).mismatches) == 1


@pytest.mark.usefixtures("deployed", "active")
def test_a_deployment_with_nothing_to_apply_says_it_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a deployment whose plans are all empty
    for name in ("alone", "Stacks"):
        monkeypatch.setattr(deploy_command, name, nothing)
    done = Planned([], {}, {})
    planning: Any = type("_", (), {"run": lambda *_, **__: done})
    applying: Any = type("_", (), {"run": lambda *_, **__: done, "compare": lambda *_: None, "applied": ()})
    monkeypatch.setattr(deploy_command, "connect", lambda _: AWS)
    monkeypatch.setattr(deploy_command, "Planning", lambda *_: planning())
    monkeypatch.setattr(deploy_command, "Applying", lambda *_: applying())
    monkeypatch.setattr(deploy_command.Synthesis, "write", lambda *_: None)
    # THEN it does not say that all is as the files say
    assert main(["deploy", "--stage", "local", "--unreviewed"]) == 0
    line, last = capsys.readouterr().out.splitlines()
    assert line.startswith("my-service-do-often runs revision 2; Terraform deployed revision 1 [hint: aws batch ")
    assert last == "Nothing to apply: other revisions of jobs run than were deployed."


@pytest.mark.usefixtures("deployed", "active")
def test_status_says_it_below_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    status.print_table(Session.open("local"), FakeAws())
    assert (
        capsys.readouterr().out.splitlines()[-1].startswith("my-service-do-often runs revision 2; Terraform deployed")
    )
