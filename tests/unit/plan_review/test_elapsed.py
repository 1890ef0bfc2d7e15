"""What only the time changes about schedules is neither drift nor something to be reviewed again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.unit.github import fake_github
from tests.unit.github.fake_github import REPOSITORY, TOKEN
from tests.unit.plan_review.summaries import content

from batchtab.cli.main import main
from batchtab.plan_review.elapsed import is_by_time, is_nothing_else
from batchtab.plan_review.fingerprint import Reviewed
from batchtab.plan_review.plan import Plan
from batchtab.plan_review.revisions import Revisions

NOW = datetime(2026, 11, 24, 10, 3, tzinfo=UTC)
PASSED, AHEAD = "2026-11-24T10:03:00Z", "2026-11-24T10:04:00Z"


def schedule(**attributes: Any) -> dict[str, Any]:
    return {
        "name": "a",
        "schedule_expression": "cron(0 9 * * ? *)",
        "state": "ENABLED",
        "start_date": None,
    } | attributes


def entry(before: Any, after: Any, *actions: str, **more: Any) -> dict[str, Any]:
    change = {"actions": list(actions), "before": before, "after": after, "after_unknown": {}}
    address = "aws_scheduler_schedule.a"
    return {
        "address": address,
        "type": "aws_scheduler_schedule",
        "name": "a",
        "mode": "managed",
        "change": change | more,
    }


@pytest.mark.parametrize("start", [PASSED, "2020-01-01T00:00:00Z", "2026-11-24T19:03:00+09:00"])
def test_a_start_that_has_passed_is_no_change(start: str) -> None:
    assert is_by_time(entry(schedule(start_date=start), schedule(), "update"), NOW)


@pytest.mark.parametrize(
    "changed",
    [
        entry(schedule(start_date=AHEAD), schedule(), "update"),
        entry(schedule(start_date=PASSED), schedule(start_date=AHEAD), "update"),
        entry(schedule(start_date=PASSED), schedule(state="DISABLED"), "update"),
        entry(schedule(start_date=PASSED), schedule(), "update", after_unknown={"target": [{"input": True}]}),
        entry(schedule(start_date=PASSED), schedule(), "delete", "create"),
        entry(schedule(), schedule(), "update"),
        entry(None, schedule(), "create"),
        entry(schedule(), None, "delete"),
        entry(schedule(start_date=PASSED), None, "delete"),
        entry(schedule(end_date=AHEAD), None, "delete"),
        entry(schedule(schedule_expression="at(2026-11-24T10:04:00)"), None, "delete"),
        entry(schedule(schedule_expression="at(soon)"), None, "delete"),
        entry(schedule(end_date=PASSED), None, "delete") | {"type": "aws_cloudwatch_event_rule"},
    ],
)
def test_all_else_is_a_change(changed: dict[str, Any]) -> None:
    assert not is_by_time(changed, NOW)


@pytest.mark.parametrize(
    "over",
    [
        {"end_date": PASSED},
        {"schedule_expression": "at(2026-11-24T10:03:00)"},
        {"schedule_expression": "at(2026-11-24T19:03:00)", "schedule_expression_timezone": "Asia/Seoul"},
        {"schedule_expression": "at(2027-11-24T19:03:00)", "end_date": PASSED},
    ],
)
def test_a_schedule_whose_last_time_has_passed_may_go(over: dict[str, Any]) -> None:
    assert is_by_time(entry(schedule(**over), None, "delete"), NOW)


def elapsed_plan(**more: Any) -> dict[str, Any]:
    """A plan that only takes out what has passed."""
    plan = content("nothing-changed")
    long_ago = schedule(start_date="2020-01-01T00:00:00Z")
    plan["resource_changes"].append(entry(long_ago, schedule(**more), "update"))
    return plan


def test_a_plan_is_nothing_else_only_if_all_of_it_is() -> None:
    assert is_nothing_else(Plan.read(elapsed_plan(), "jobs"), NOW)
    assert is_nothing_else(Plan.read(content("nothing-changed"), "jobs"), NOW)
    assert not is_nothing_else(Plan.read(elapsed_plan(state="DISABLED"), "jobs"), NOW)
    outputs = elapsed_plan() | {"output_changes": {"a": {"actions": ["update"]}}}
    assert not is_nothing_else(Plan.read(outputs, "jobs"), NOW)


def test_what_time_did_since_the_review_needs_no_other() -> None:
    # GIVEN a review, after which a schedule's start passed
    reviewed = Reviewed.of([Plan.read(content("nothing-changed"), "jobs")])
    # THEN that is no objection, and anything with it is
    assert reviewed.objections(Reviewed.of([Plan.read(elapsed_plan(), "jobs")])) == []
    assert reviewed.objections(Reviewed.of([Plan.read(elapsed_plan(state="DISABLED"), "jobs")])) != []


def test_no_issue_is_opened_because_time_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN plans that only take out what has passed
    (tmp_path / "jobs.plan.json").write_text(json.dumps(elapsed_plan()), encoding="utf-8")
    with fake_github.running() as fake:
        for name, value in (("API_URL", fake.url), ("REPOSITORY", REPOSITORY), ("TOKEN", TOKEN)):
            monkeypatch.setenv(f"GITHUB_{name}", value)
        # WHEN the drift workflow looks at them THEN it opens nothing
        assert main(["ci", "drift", str(tmp_path), "--stage", "prod"]) == 0
        assert fake.issues == []
    assert "nothing differs" in capsys.readouterr().out


def test_an_issue_is_opened_where_a_job_runs_another_revision_than_was_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a plan that changes nothing, beside which a newer revision was found
    (tmp_path / "jobs.plan.json").write_text(json.dumps(content("nothing-changed")), encoding="utf-8")
    found = Revisions.compare(
        {"batchtab-prod-a-b": 1}, {"batchtab-prod-a-b": [2, 1]}, prefix="batchtab-prod", region="x"
    )
    found.write(tmp_path)
    with fake_github.running() as fake:
        for name, value in (("API_URL", fake.url), ("REPOSITORY", REPOSITORY), ("TOKEN", TOKEN)):
            monkeypatch.setenv(f"GITHUB_{name}", value)
        # WHEN the drift workflow looks at them THEN the issue names the job
        assert main(["ci", "drift", str(tmp_path), "--stage", "prod"]) == 0
        (issue,) = fake.issues
    assert (
        "- `a-b` runs revision 2; Terraform deployed revision 1: `aws batch deregister-job-definition" in issue["body"]
    )
