"""Schedules in words, use in a month, permissions, gates, findings, the command."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.stopped_clock import stopped_clock
from tests.unit.plan_review.summaries import NOW, PLANS, change, content, many_jobs, of, summary

from batchtab.cli.main import main
from batchtab.plan_review import gates, markdown
from batchtab.plan_review.findings import Findings
from batchtab.plan_review.gates import Gate
from batchtab.plan_review.plan import Plan
from batchtab.plan_review.timing import in_words, upcoming
from batchtab.plan_review.usage import runs_per_month, usage
from batchtab.schedules.exclusions import Exclusions
from batchtab.schedules.timing import Timing

SCAN: dict[str, Any] = {
    "results": {
        "failed_checks": [
            {
                "check_id": "CKV_AWS_1",
                "check_name": "No @wide `policies`",
                "resource": "aws_iam_policy.x",
                "file_path": "/a.json",
            }
        ]
    },
    "summary": {"passed": 12, "failed": 1, "skipped": 3, "parsing_errors": 0},
}


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "after my-service-a or my-service-b succeeded"),
        ({"after_all": ["x"]}, "after my-service-a and my-service-b all succeeded"),
        (
            {"after_all": ["x"], "within_seconds": 5400},
            "after my-service-a and my-service-b all succeeded within 1 h 30 min",
        ),
    ],
)
def test_a_job_after_others_says_whether_it_waits_for_all(told: dict[str, Any], words: str) -> None:
    # GIVEN a new job whose trigger is the end of two others
    plan = content("first-deploy")
    jobs = "arn:aws:batch:us-east-1:000000000000:job-definition/batchtab-local-my-service"
    pattern = {"detail": {"jobDefinition": [{"prefix": f"{jobs}-{name}:"} for name in "ab"], "status": ["SUCCEEDED"]}}
    for resource in plan["resource_changes"]:
        after = resource["change"].get("after") or {}
        if resource["address"] == "aws_cloudwatch_event_rule.do_often_rule":
            resource.update(name="do_often_upstream", address="aws_cloudwatch_event_rule.do_often_upstream")
            after.update(event_pattern=json.dumps(pattern), schedule_expression=None)
        elif resource["address"] == "aws_cloudwatch_event_target.do_often_target":
            resource.update(name="do_often_upstream_delivery", address=f"{resource['type']}.do_often_upstream_delivery")
            template = {"trigger": {}, "job": {"name": "my-service-do-often", **told}}
            after["input_transformer"] = [{"input_paths": {}, "input_template": json.dumps(template)}]
    # WHEN it is summarized THEN it says which, and whether any or all of them
    text = markdown.render(of([Plan.read(plan, "jobs-my-service")]), title="x")
    assert words in text


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("cron(7/10 * * * ? *)", "every 10 minutes from minute 7"),
        ("cron(0/5 * * * ? *)", "every 5 minutes"),
        ("cron(*/5 * ? * * *)", "every 5 minutes"),
        ("cron(* * * * ? *)", "every minute"),
        ("cron(0 0 * * ? *)", "every day at 00:00 UTC"),
        ("cron(30 6 ? * MON-FRI *)", "MON-FRI at 06:30 UTC"),
        ("cron(30 6 ? * MON,TUE,WED,THU,FRI *)", "MON-FRI at 06:30 UTC"),
        ("cron(30 6 ? * SUN,SAT *)", "SUN,SAT at 06:30 UTC"),
        ("at(2026-12-01T09:00:00)", "once, 2026-12-01 at 09:00 UTC"),
        ("cron(15 3 1 * ? *)", "every month on day 1 at 03:15 UTC"),
        ("cron(20 * * * ? *)", "every hour at minute 20"),
        ("rate(1 minute)", "every minute"),
        ("rate(12 hours)", "every 12 hours"),
        ("cron(0 9 ? * 2#1 *)", ""),
        ("cron(0 9 1 1 ? 2027)", ""),
        ("not one", ""),
    ],
)
def test_schedules_in_words(schedule: str, words: str) -> None:
    assert in_words(schedule) == words


@pytest.mark.parametrize(
    ("schedule", "zone", "told"),
    [
        ("cron(7/10 * * * ? *)", "UTC", "10:07, 10:17, 10:27"),
        ("cron(0 0 * * ? *)", "UTC", "Wed 25 Nov 00:00, Thu 26 Nov 00:00, Fri 27 Nov 00:00"),
        ("cron(0 0 * * ? *)", "Asia/Seoul", "Wed 25 Nov 09:00, Thu 26 Nov 09:00, Fri 27 Nov 09:00"),
        ("cron(0 12 31 12 ? 2027)", "UTC", "Fri 31 Dec 2027 12:00"),
        ("cron(0 12 31 12 ? 2020)", "UTC", "never again"),
        ("rate(5 minutes)", "UTC", "~10:08, ~10:13, ~10:18"),
    ],
)
def test_next_runs(schedule: str, zone: str, told: str) -> None:
    assert upcoming(Timing(schedule), NOW, ZoneInfo(zone)) == told


def test_next_runs_keep_to_the_jobs_own_zone_and_bounds() -> None:
    # GIVEN nine o'clock in Seoul from 1 December on, but for one day
    start = datetime(2026, 11, 30, 15, tzinfo=UTC)
    exclusions = Exclusions.parse(["2026-12-02"])
    timing = Timing("cron(0 9 * * ? *)", ZoneInfo("Asia/Seoul"), "schedule", start, exclusions=exclusions)
    assert upcoming(timing, NOW, timing.zone) == "Tue 01 Dec 09:00, Thu 03 Dec 09:00, Fri 04 Dec 09:00"


@pytest.mark.parametrize(
    "schedule",
    ["cron(7/10 * * * ? *)", "cron(0 0 * * ? *)", "cron(0 5 L * ? *)", "cron(0 9 ? * MON#1 *)", "cron(0 0 29 2 ? *)"],
)
def test_runs_in_a_month_are_those_of_a_year_by_twelve(schedule: str) -> None:
    # GIVEN a year that begins with a month
    begin = datetime(2026, 11, 1, tzinfo=UTC)
    # WHEN every run of the twelve months is counted
    end = datetime(2027, 11, 1, tzinfo=UTC)
    counted = sum(run < end for run in Timing(schedule).next_runs(datetime(2026, 10, 31, 23, 59, tzinfo=UTC), 53_000))
    # THEN the mean is a twelfth of it
    assert runs_per_month(Timing(schedule), begin) == pytest.approx(counted / 12)


@pytest.mark.parametrize(
    ("timing", "times"),
    [
        (Timing("cron(0 9,18 * * ? *)", start_utc=datetime(2026, 12, 1, tzinfo=UTC)), 335 * 2),
        (Timing("cron(0 9,18 * * ? *)", end_utc=datetime(2026, 11, 30, 23, 59, tzinfo=UTC)), 30 * 2),
        (Timing("cron(0 9,18 * * ? *)", exclusions=Exclusions.parse(["2026-12-24/2027-01-02"])), 355 * 2),
        (Timing("cron(0 9,18 * * ? *)", exclusions=Exclusions.parse(["cron(0 18 * * ? *)"])), 365),
        (Timing("rate(1 day)", start_utc=datetime(2027, 10, 1, tzinfo=UTC)), 31),
        (Timing("cron(0 9 * * ? *)", start_utc=datetime(2028, 1, 1, tzinfo=UTC)), 0),
        (Timing("at(2026-12-01T09:00:00)"), 1),
        (Timing("at(2028-12-01T09:00:00)"), 0),
    ],
)
def test_what_bounds_a_schedule_bounds_its_use(timing: Timing, times: int) -> None:
    assert runs_per_month(timing, datetime(2026, 11, 24, tzinfo=UTC)) * 12 == pytest.approx(times, rel=0.001)


def test_the_bound_takes_timeout_attempts_and_children() -> None:
    used = usage(
        timing=Timing("rate(1 hour)"),
        vcpus=0.25,
        memory_mib=512,
        timeout_seconds=1800,
        attempts=2,
        array_size=10,
        now=NOW,
    )
    assert used is not None
    assert used.runs == pytest.approx(730.5)
    assert used.vcpu_hours == pytest.approx(730.5 * 10 * 2 * 0.5 * 0.25)
    assert used.gib_hours == pytest.approx(730.5 * 10 * 2 * 0.5 * 0.5)


@pytest.mark.parametrize(("given", "runs"), [({"timing": None}, 0.0), ({"timeout_seconds": None}, None)])
def test_what_does_not_run_uses_nothing_and_what_has_no_timeout_has_no_bound(given: Any, runs: float | None) -> None:
    plain = {"timing": Timing("rate(1 hour)"), "timeout_seconds": 60}
    used = usage(**{**plain, **given}, vcpus=1, memory_mib=1, attempts=1, array_size=None, now=NOW)
    assert (used.runs if used else None) == runs


def test_a_suspended_job_is_told_to_stop() -> None:
    plan = content("schedule-change")
    rule = change(plan, "aws_cloudwatch_event_rule.do_often_rule")
    rule["after"]["schedule_expression"] = rule["before"]["schedule_expression"]
    rule["after"]["state"] = "DISABLED"
    (job,) = of([Plan.read(plan, "jobs")]).jobs
    assert job.headline == "stops running by schedule (suspended)"
    assert job.usage_after is not None
    assert job.usage_after.runs == 0


def test_a_job_resumed_by_hand_is_said_to_be_suspended_again() -> None:
    # GIVEN a job that its file suspends, and whose schedule somebody enabled
    plan = content("paused-by-hand", "jobs-examples")
    for entries in (plan["resource_changes"], plan["resource_drift"]):
        found = next(e["change"] for e in entries if e["address"] == "aws_scheduler_schedule.report_schedule")
        found["before"]["state"], found["after"]["state"] = found["after"]["state"], found["before"]["state"]
    whole = of([Plan.read(plan, "jobs")])
    (job,) = [job for job in whole.jobs if job.name == "examples-report"]
    # THEN the plan says who did what, and how it could stay
    assert job.headline == "resumed manually: this deployment suspends it; to let it run remove suspend"


def test_a_state_that_the_file_changed_is_nobodys_hand() -> None:
    # GIVEN the same change of state, that Terraform did not find but is asked for
    plan = content("paused-by-hand", "jobs-examples")
    del plan["resource_drift"]
    whole = of([Plan.read(plan, "jobs")])
    assert whole.jobs
    assert all("manually" not in json.dumps([job.headline, *map(vars, job.fields)]) for job in whole.jobs)


def test_a_pause_that_the_file_now_asks_for_is_no_change() -> None:
    plan = content("paused-by-hand", "jobs-examples")
    rule = change(plan, "aws_cloudwatch_event_rule.tick_rule")
    rule.update(actions=["no-op"], after=rule["before"])
    assert "examples-tick" not in {job.name for job in of([Plan.read(plan, "jobs")]).jobs}


def test_a_trigger_that_is_moved_is_no_loss_but_is_destroyed() -> None:
    whole = summary("schedule-moved")
    assert whole.losses == []
    assert "CAUTION" not in markdown.render(whole, title="x")
    assert gates.reasons(whole, [Gate.LOSS]) == []
    (reason,) = gates.reasons(whole, [Gate.DESTROY])
    assert "aws_cloudwatch_event_rule.do_something_rule" in reason


def test_back_to_a_rule_is_told_as_a_move_too() -> None:
    # GIVEN the move the other way round
    plan = content("schedule-moved")
    for entry in plan["resource_changes"]:
        turned = {"create": ["delete"], "delete": ["create"]}
        actions = entry["change"]["actions"]
        entry["change"].update(
            actions=turned.get(actions[0], actions),
            before=entry["change"]["after"],
            after=entry["change"]["before"],
            after_unknown={},
        )
        entry["change"]["before_sensitive"] = entry["change"]["after_sensitive"] = {}
    (job,) = of([Plan.read(plan, "x")]).jobs
    assert job.headline.startswith(
        "moves to an EventBridge rule, every day at 09:30 Asia/Seoul → every day at 00:00 UTC"
    )


def test_what_only_the_apply_tells_of_a_schedule_is_told_by_the_configuration() -> None:
    # GIVEN a plan made before there is a queue or a role: what the schedule hands on is not known as a whole
    plan = content("schedule-moved")
    schedule = change(plan, "aws_scheduler_schedule.do_something_schedule")
    target = schedule["after"]["target"][0]
    for name in ("input", "arn", "role_arn"):
        target.pop(name)
        schedule["after_unknown"]["target"][0][name] = True
    (job,) = of([Plan.read(plan, "x")]).jobs
    # THEN the queue is still known to stay, and the job to run
    assert "queue" not in {field.name for field in job.fields}
    assert job.headline.startswith(
        "moves to EventBridge Scheduler, every day at 00:00 UTC → every day at 09:30 Asia/Seoul"
    )


def test_a_job_after_others_says_after_which() -> None:
    # GIVEN a job that begins to follow two others instead of running by a rule
    plan = content("schedule-moved")
    arn = "arn:aws:batch:ap-northeast-2:000000000000:job-definition/batchtab-local-my-service"
    pattern = {
        "detail": {"status": ["SUCCEEDED"], "jobDefinition": [{"prefix": f"{arn}-a:"}, {"prefix": f"{arn}-b:"}]},
    }
    for entry in plan["resource_changes"]:
        if entry["type"] == "aws_scheduler_schedule":
            entry.update(type="aws_cloudwatch_event_rule", name="do_something_upstream", address="x")
            entry["change"]["after"] = {"name": "x", "state": "ENABLED", "event_pattern": json.dumps(pattern)}
            entry["change"]["after_unknown"] = {}
    (job,) = of([Plan.read(plan, "x")]).jobs
    assert job.headline == "stops running by schedule"
    (schedule,) = [field for field in job.fields if field.name == "schedule"]
    assert schedule.after == "after my-service-a or my-service-b succeeded"


def test_a_condition_that_goes_widens_and_one_that_comes_narrows() -> None:
    # GIVEN a role whose trust loses its condition
    plan = content("iam-widened")
    (held,) = [h for h in of([Plan.read(plan, "x")]).all_permissions if h.address == "aws_iam_role.do_often_job_role"]
    assert held.widens
    # WHEN it is the other way round THEN the action is given under a condition, which is told as given too
    trust = change(plan, "aws_iam_role.do_often_job_role")
    trust["before"], trust["after"] = trust["after"], trust["before"]
    (held,) = [h for h in of([Plan.read(plan, "x")]).all_permissions if h.address == "aws_iam_role.do_often_job_role"]
    assert [bool(p.condition) for p in held.added] == [True]


def test_a_deny_that_goes_widens() -> None:
    plan = content("iam-widened")
    policy = change(plan, "aws_iam_role_policy.do_something_job_role_policy")
    deny = {"Statement": [{"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}]}
    policy.update(actions=["update"], before={**policy["after"], "policy": json.dumps(deny)})
    policy["after"] = {**policy["after"], "policy": json.dumps({"Statement": []})}
    whole = of([Plan.read(plan, "x")])
    (held,) = [h for h in whole.all_permissions if "do_something" in h.address]
    assert held.widens
    assert "is no longer denied `s3:DeleteObject`" in markdown.render(whole, title="x")


def test_a_policy_on_an_old_role_that_cannot_be_read_counts_as_more() -> None:
    plan = content("iam-widened")
    policy = change(plan, "aws_iam_role_policy.do_something_job_role_policy")
    policy["after_sensitive"] = {"policy": True}
    (held,) = [h for h in of([Plan.read(plan, "x")]).all_permissions if "do_something" in h.address]
    assert held.unreadable
    assert held.widens


@pytest.mark.parametrize(
    ("name", "gate", "begins"),
    [
        ("job-removed", Gate.DESTROY, "destroy: destroys: aws_batch_job_definition.do_something_job_definition, "),
        ("job-removed", Gate.JOB_REMOVED, "job-removed: removes the job: my-service-do-something"),
        ("queue-replaced", Gate.REPLACE, 'replace: replaces: aws_batch_job_queue.job_queue["continuously"], '),
        ("queue-replaced", Gate.LOSS, 'loss: loses what is in: aws_batch_job_queue.job_queue["continuously"] (jobs'),
        ("iam-widened", Gate.IAM, "iam: gives more permissions: aws_iam_role.do_often_job_role, "),
        ("iam-widened", Gate.WIDE, "wide: gives wide permissions: aws_iam_role_policy.do_something_job_role_policy"),
        ("schedule-change", Gate.CHANGES, "changes: changes something: aws_cloudwatch_event_rule.do_often_rule"),
        ("schedule-change", Gate.FINDINGS, "findings: checkov: no scan was given"),
    ],
)
def test_gates_say_why(name: str, gate: Gate, begins: str) -> None:
    (reason,) = gates.reasons(summary(name), [gate])
    assert reason.startswith(begins)


@pytest.mark.parametrize("gate", [g for g in Gate if g not in {Gate.CHANGES, Gate.FINDINGS}])
def test_a_harmless_plan_passes(gate: Gate) -> None:
    assert gates.reasons(summary("schedule-change"), [gate]) == []
    assert gates.reasons(summary("first-deploy"), [gate]) == []


def test_a_scan_is_told_and_its_words_are_not_markup(tmp_path: Path) -> None:
    path = tmp_path / "checkov.json"
    path.write_text(json.dumps([SCAN, SCAN]))
    told = markdown.render(summary("schedule-change", Findings.load(path)), title="x")
    assert "checkov: 1 findings (24 checks passed, 6 skipped with a reason)" in told
    assert "@wide" not in told


def test_our_own_scans_faults_are_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "scan.json"
    path.write_text(json.dumps({"failed": [], "passed": 9, "skipped": 1, "faults": []}))
    assert "checkov: nothing found (9 checks passed, 1 skipped" in markdown.render(
        summary("schedule-change", Findings.load(path)), title="x"
    )
    path.write_text(json.dumps({"failed": [], "passed": 9, "skipped": 1, "faults": ["could not be read: x"]}))
    assert Findings.load(path).is_blind


def test_our_own_scans_list_is_told_without_a_tally(tmp_path: Path) -> None:
    path = tmp_path / "scan.json"
    for rows, told in (
        (SCAN["results"]["failed_checks"], "checkov: 1 findings</summary>"),
        ([], "checkov: nothing found.\n"),
    ):
        path.write_text(json.dumps(rows))
        found = Findings.load(path)
        assert not found.is_blind
        assert told in markdown.render(summary("schedule-change", found), title="x")


@pytest.mark.parametrize(
    "tally", [{"passed": 0, "failed": 0, "skipped": 0, "parsing_errors": 0}, {"passed": 5, "parsing_errors": 1}]
)
def test_a_scan_that_saw_nothing_is_a_warning(tmp_path: Path, tally: dict[str, int]) -> None:
    path = tmp_path / "checkov.json"
    path.write_text(json.dumps({"summary": tally}))
    found = Findings.load(path)
    assert "its result is not valid" in markdown.render(summary("schedule-change", found), title="x")
    assert gates.reasons(summary("schedule-change", found), [Gate.FINDINGS]) != []


def test_the_command_writes_each_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchtab.plan_review.summary.datetime", stopped_clock(NOW))
    folder = str(PLANS / "schedule-change")
    assert main(["ci", "summary", folder]) == 0
    assert "my-service-do-often (changed): every 10 minutes" in capsys.readouterr().out
    out = tmp_path / "sub" / "plan.md"
    assert main(["ci", "summary", folder, "--format", "markdown", "--out", str(out)]) == 0
    assert out.read_text().startswith("## batchtab-local: 1 job changes")
    assert main(["ci", "summary", folder, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["version"] == 1
    assert told["jobs"][0]["name"] == "my-service-do-often"
    assert told["jobs"][0]["usage_after"]["runs"] == 8760


def test_the_command_fails_for_what_it_is_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(PLANS / "job-removed")
    assert main(["ci", "summary", folder, "--fail-on", "replace"]) == 0
    assert main(["ci", "summary", folder, "--fail-on", "replace", "--fail-on", "destroy"]) == 1
    assert "batchtab ci summary: destroy: destroys: " in capsys.readouterr().err


def test_gates_can_stand_in_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN the workflow's variable, which is empty if the repository has none
    for value, status in (("", 0), ("replace", 0), ("replace destroy", 1)):
        monkeypatch.setenv("BATCHTAB_FAIL_ON", value)
        assert main(["ci", "summary", str(PLANS / "job-removed")]) == status, value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "No such file"),
        ("no", "is not JSON"),
        ("[]", "is not a plan"),
        ('{"format_version": "2.0", "planned_values": {}}', "format_version 1"),
        ('{"format_version": "1.2", "planned_values": {}, "errored": true}', "could not finish"),
    ],
)
def test_what_is_no_plan_is_refused_in_a_line(tmp_path: Path, text: str | None, why: str, capsys: Any) -> None:
    path = tmp_path / "x.json"
    if text is not None:
        path.write_text(text)
    assert main(["ci", "summary", str(path)]) == 2
    error = capsys.readouterr().err
    assert why in error
    assert error.count("\n") == 1


def test_an_empty_folder_and_an_unknown_zone_are_refused(tmp_path: Path, capsys: Any) -> None:
    assert main(["ci", "summary", str(tmp_path)]) == 2
    assert "no *.plan.json" in capsys.readouterr().err
    assert main(["ci", "summary", str(PLANS / "job-removed"), "--timezone", "Mars/Base"]) == 2
    assert "'Mars/Base' is not a time zone" in capsys.readouterr().err


def test_jobs_of_all_stacks_are_told_together() -> None:
    whole = of(many_jobs(30))
    assert len(whole.stacks) == 10
    assert whole.headline().startswith("30 jobs change (30 to update)")


def queue_change(before: dict[str, Any], after: dict[str, Any], unknown: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """What is said of a queue that changes in place."""
    plan = content("queue-replaced", "environment")
    address = 'aws_batch_job_queue.job_queue["default"]'
    queue = change(plan, address)
    same = {**queue["before"], "job_state_time_limit_action": []}
    queue.update(actions=["update"], before={**same, **before}, after={**same, **after}, after_unknown=unknown)
    plan["resource_changes"] = [each for each in plan["resource_changes"] if each["address"] == address]
    [said] = of([Plan.read(plan, "environment")]).environment
    return {detail.name: (detail.before, detail.after) for detail in said.details}


def test_the_order_in_which_a_queue_tries_environments_is_shown() -> None:
    # GIVEN a queue that gets an environment, which is yet to be made, in front of its own
    arn = "arn:aws:batch:ap-northeast-2:000000000000:compute-environment/mine"
    own = {"compute_environment": arn, "order": 1}
    said = queue_change(
        {"compute_environment_order": [own]},
        {"compute_environment_order": [{"order": 1}, {**own, "order": 2}]},
        {"compute_environment_order": [{"compute_environment": True}, {}]},
    )
    assert said == {"tries": ("mine", "a new one → mine")}


@pytest.mark.parametrize(
    ("before", "after", "unknown", "said"),
    [
        (
            {},
            {},
            {"scheduling_policy_arn": True},
            ("none", "AWS refuses that for a queue that exists: give it another"),
        ),
        (
            {"scheduling_policy_arn": "arn"},
            {},
            {},
            ("one", "AWS refuses that for a queue that exists: give it another"),
        ),
        ({"scheduling_policy_arn": "arn"}, {"scheduling_policy_arn": "arn2", "priority": 1}, {}, None),
    ],
)
def test_a_scheduling_policy_that_aws_would_refuse_is_shown(
    before: dict[str, Any], after: dict[str, Any], unknown: dict[str, Any], said: tuple[str, str] | None
) -> None:
    found = queue_change(before, after, unknown).get("scheduling policy")
    assert (found is None) == (said is None)
    if found and said:
        assert found[0] == said[0]
        assert found[1].startswith(said[1])
