"""A job that runs another revision than Terraform deployed is named wherever a plan is read."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from tests.unit.plan_review.summaries import PLANS, summary

from batchtab.errors import UsageError
from batchtab.plan_review import markdown, text
from batchtab.plan_review.revisions import Mismatch, Revisions
from batchtab.plan_review.summary import Summary, summarize

NAME = "batchtab-prod-billing-invoice"
DEREGISTER = f"aws batch deregister-job-definition --job-definition {NAME}:{{}} --region ap-northeast-2"


def compare(deployed: int, *active: int) -> Revisions:
    return Revisions.compare({NAME: deployed}, {NAME: active}, prefix="batchtab-prod", region="ap-northeast-2")


def with_revisions(name: str, revisions: Revisions) -> Summary:
    return dataclasses.replace(summary(name), revisions=revisions)


@pytest.mark.parametrize("active", [(3,), (3, 1), (1, 2, 3)])
def test_the_deployed_revision_runs_where_it_is_the_newest(active: tuple[int, ...]) -> None:
    assert compare(3, *active) == Revisions()


def test_a_newer_revision_runs_and_the_line_says_what_helps() -> None:
    assert compare(1, 1, 2).lines() == [
        "billing-invoice runs revision 2; Terraform deployed revision 1"
        f" [hint: {DEREGISTER.format(2)}, or deploy a change of the job]"
    ]


def test_of_many_newer_revisions_all_must_go() -> None:
    # GIVEN a pipeline that registers revisions beside Terraform, in whatever order Batch lists them
    (line,) = compare(1, 3, 1, 2).lines()
    assert f"[hint: {DEREGISTER.format(3)}, likewise 2; or deploy a change of the job]" in line
    (line,) = compare(1, *range(1, 12)).lines()
    assert f"runs revision 11; Terraform deployed revision 1 [hint: {DEREGISTER.format(11)}" in line
    assert "likewise 10, 9, 8, 7, 5 more; or" in line


def test_a_deployed_revision_that_somebody_deregistered_is_named() -> None:
    (line,) = compare(3, 1, 2).lines()
    assert line.startswith(
        "billing-invoice runs revision 2; revision 3, which Terraform deployed, is not ACTIVE"
        " [hint: batchtab plan --all "
    )
    (line,) = compare(3).lines()
    assert line.startswith(
        "billing-invoice cannot run, as no revision is ACTIVE; Terraform deployed revision 3 [hint: "
    )


@pytest.mark.parametrize("active", [(4,), (2, 4), (5, 4)])
def test_nothing_is_to_be_deregistered_where_the_deployed_revision_would_not_run_either(
    active: tuple[int, ...],
) -> None:
    # GIVEN newer revisions, and a deployed one that is not ACTIVE: without them an older one would run, or none
    (line,) = compare(3, *active).lines()
    # THEN a deployment helps, and nothing else is named
    assert line == (
        f"billing-invoice runs revision {max(active)}; revision 3, which Terraform deployed, is not ACTIVE"
        " [hint: batchtab plan --all shows how batchtab deploy registers it again]"
    )
    comment = markdown.render(with_revisions("nothing-changed", compare(3, *active)), title="x")
    assert "deregister" not in line + comment


def test_what_a_plan_wrote_is_read_again(tmp_path: Path) -> None:
    # GIVEN a folder of before, which has no such file
    assert Revisions.load(tmp_path) == Revisions()
    # WHEN it is written THEN it is read as it was
    found = dataclasses.replace(compare(1, 1, 2, 3), unknown="denied")
    found.write(tmp_path)
    assert Revisions.load(tmp_path) == found
    # AND what is something else is refused
    for content in ("[]", "no JSON", '{"mismatches": [{"a": 1}], "unknown": ""}'):
        (tmp_path / "revisions.json").write_text(content)
        with pytest.raises(UsageError, match=r"revisions\.json: is not what batchtab plan --out writes"):
            Revisions.load(tmp_path)


def test_a_summary_of_a_folder_has_what_was_found(tmp_path: Path) -> None:
    (plan,) = (PLANS / "nothing-changed").iterdir()
    (tmp_path / plan.name).write_text(plan.read_text())
    compare(1, 1, 2).write(tmp_path)
    assert summarize([tmp_path], None, "UTC").revisions == compare(1, 1, 2)


def test_a_comment_on_a_plan_without_changes_does_not_say_that_all_is_as_the_files_say() -> None:
    whole = with_revisions("nothing-changed", compare(1, 1, 2))
    comment = markdown.render(whole, title="x")
    assert comment.startswith("## x: nothing changes, but 1 job runs another revision than was deployed\n")
    assert "The deployment matches the files" not in comment
    row = "> - `billing-invoice` runs revision 2; Terraform deployed revision 1: "
    assert "> [!WARNING]\n> **Jobs run with other revisions" in comment
    assert f"{row}`{DEREGISTER.format(2)}`, or deploy a change of the job\n\n" in comment
    # AND the text for a terminal says the same
    assert compare(1, 1, 2).lines()[0] in text.render(whole, title="x").splitlines()


def test_a_comment_on_changes_has_it_too_before_the_jobs() -> None:
    comment = markdown.render(with_revisions("schedule-change", compare(1, 1, 2)), title="x")
    assert comment.index("[!WARNING]") < comment.index("### Jobs")


def test_what_could_not_be_looked_at_is_one_line() -> None:
    whole = with_revisions(
        "nothing-changed", Revisions(unknown="not authorized to perform: batch:DescribeJobDefinitions")
    )
    comment = markdown.render(whole, title="x")
    assert comment.count("could not be looked at") == 1
    assert "WARNING" not in comment
    assert "could not be looked at which revisions the jobs run with: not authorized" in text.render(whole, title="x")


@pytest.mark.parametrize("limit", [2_000, 5_000, 65_536])
def test_a_thousand_of_them_fit_into_a_comment(limit: int) -> None:
    many = Revisions(tuple(dataclasses.replace(each, job=f"job-{n}") for n in range(1000) for each in _one()))
    comment = markdown.render(with_revisions("schedule-change", many), title="x", limit=limit)
    assert len(comment.encode()) <= limit


def _one() -> tuple[Mismatch, ...]:
    return compare(1, 1, 2).mismatches
