"""The summaries of plans, as they are committed: what a reviewer sees changes only on purpose."""

from __future__ import annotations

import pytest
from tests.unit.plan_review.summaries import GOLDEN, NAMES, many_jobs, of, rendered, summary

from batchtab.plan_review import markdown, text

MOST = 65_536


@pytest.mark.parametrize("name", NAMES)
def test_the_summary_is_the_committed_one(name: str) -> None:
    # GIVEN a plan that Terraform made WHEN it is told
    told = rendered(name)
    # THEN it is what stands in the golden file
    committed = (GOLDEN / f"{name}.md").read_text(encoding="utf-8")
    assert told == committed, "if it is meant to differ: python -m tests.unit.plan_review.summaries"


def test_a_schedules_change_is_told_in_one_line_with_its_next_runs() -> None:
    # GIVEN do-often, every 10 minutes from minute 7, which is to run every 5 from minute 2; it is 10:03
    told = rendered("schedule-change")
    # THEN one line says all
    assert (
        "**my-service-do-often** (changed): every 10 minutes from minute 7 → every 5 minutes from minute 2,"
        " next runs 10:07, 10:12, 10:17"
    ) in told
    # AND the table has the times of before, and the use in a month
    assert "| next runs | 10:07, 10:17, 10:27 UTC | 10:07, 10:12, 10:17 UTC |" in told
    assert "4,380 runs, 73 vCPU-hours, 73 GiB-hours | 8,760 runs, 146 vCPU-hours, 146 GiB-hours" in told
    assert "CAUTION" not in told


def test_a_move_to_scheduler_is_told_in_one_line_with_the_next_runs_in_the_jobs_zone() -> None:
    told = rendered("schedule-moved")
    assert (
        "**my-service-do-something** (changed): moves to EventBridge Scheduler, every day at 00:00 UTC → every day at"
        " 09:30 Asia/Seoul, next runs Tue 01 Dec 09:30, Wed 02 Dec 09:30, Thu 03 Dec 09:30 Asia/Seoul"
    ) in told
    for row in (
        "| starts |  | 2026-12-01 00:00 Asia/Seoul |",
        "| ends |  | 2027-06-30 23:59 Asia/Seoul |",
        "| flexible window |  | 15 min |",
    ):
        assert row in told


def test_what_becomes_of_runs_that_meet_is_told() -> None:
    told = rendered("runs-queued")
    for row in (
        "| concurrency policy | allow | queue, at most 4 wait |",
        "| late start at most | 9 min 59 s | 10 min |",
        "| except |  | 2026-12-25, 2027-01-01/2027-01-03 |",
        "| after a failure |  | paused until it is resumed |",
    ):
        assert row in told


def test_a_job_that_was_paused_by_hand_says_that_this_resumes_it() -> None:
    told = rendered("paused-by-hand")
    # whether a rule or a schedule starts it
    for name in ("examples-report", "examples-tick"):
        assert (
            f"**{name}** (changed): paused manually: this deployment resumes it; to keep it paused write suspend: true"
        ) in told


def test_a_first_deployment_tells_jobs_whose_container_is_not_known_yet() -> None:
    # GIVEN a plan in which the job's role is made too, so that Terraform knows no container properties
    told = rendered("first-deploy")
    # THEN image, command, size and queue come from the configuration
    for row in (
        "| image | `my-service:latest` |",
        "| command | `node app/jobs/do-often` |",
        "| queue | `continuously` |",
    ):
        assert row in told
    assert "1 vCPU, 1024 MiB" in told
    # AND what new roles may do widens nobody's rights
    assert "⚠️" not in told


def test_a_removed_job_is_told_first_and_loud() -> None:
    told = rendered("job-removed")
    assert told.splitlines()[2] == "> [!CAUTION]"
    assert "**job `my-service-do-something` is removed: it does not run any more**" in told
    assert told.index("CAUTION") < told.index("### Jobs")


def test_a_replaced_queue_says_what_is_lost_and_why() -> None:
    told = rendered("queue-replaced")
    assert "**job queue `continuously` is replaced** because of `name`: **jobs that wait in it are cancelled" in told


def test_another_image_is_told_by_its_digest() -> None:
    told = rendered("image-only")
    assert told.count("| image | `my-service:latest` | `my-service@sha256:6105d6cc76af…` |") == 2
    assert "schedule" not in told


def test_more_permissions_are_marked() -> None:
    told = rendered("iam-widened")
    assert "- ⚠️ may now `s3:*` on `*` (**wide**)" in told
    # AND a trust that loses its condition
    assert "- ⚠️ may now `sts:AssumeRole`, given to `ecs-tasks.amazonaws.com`\n" in told


def test_nothing_is_told_as_nothing() -> None:
    assert rendered("nothing-changed").startswith("## batchtab-local: nothing changes\n")
    assert not summary("nothing-changed").has_changes


def test_a_thousand_jobs_fit_into_a_comment_and_say_what_was_cut() -> None:
    # GIVEN ten stacks with a thousand jobs that all change
    whole = of(many_jobs(1000))
    assert len(whole.jobs) == 1000
    # WHEN they are told
    told = markdown.render(whole, title="batchtab-local")
    # THEN GitHub takes it, however it counts
    assert len(told.encode()) <= MOST
    # AND it is as full as can be
    assert len(told.encode()) > MOST * 0.9
    # AND says of jobs and of resources what was left out, and where all of it is
    assert "more jobs, shortened to a line each" in told
    assert "left out because a comment is limited to 65,536 characters" in told
    assert "left out to fit into a comment" in told
    # AND nothing is open that was not closed
    assert told.count("<details>") == told.count("</details>")
    # AND as text, nothing is left out
    assert (
        sum(f"service-{n % 10}-job-{n:04d} (changed)" in text.render(whole, title="x") for n in range(0, 1000, 97))
        == 11
    )


@pytest.mark.parametrize("limit", [2_000, 3_000, 5_000, 9_000, 20_000, 65_536])
@pytest.mark.parametrize("name", [*NAMES, "many"])
def test_every_limit_is_kept(name: str, limit: int) -> None:
    whole = of(many_jobs(200)) if name == "many" else summary(name)
    told = markdown.render(whole, title="batchtab-local", limit=limit)
    assert len(told.encode()) <= limit
    assert told.startswith("## batchtab-local: ")
