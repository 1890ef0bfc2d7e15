"""What of a job's schedule and policy goes together, as jobs.yaml tells it."""

from __future__ import annotations

import re
import textwrap
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from batchtab import limits
from batchtab.declarations.job import JobSpec
from batchtab.declarations.service import load_services
from batchtab.errors import UsageError

PAGE = Path(__file__).parents[3] / "docs" / "job-owners.md"


def load(tmp_path: Path, text: str) -> dict[str, JobSpec]:
    path = tmp_path / "jobs" / "a" / "jobs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    (service,) = load_services(tmp_path / "jobs")
    return service.jobs


def faults(tmp_path: Path, *fields: str, defaults: str = "{}") -> list[str]:
    """The faults of a job with these fields, without their place."""
    text = "\n".join(
        [f"service: s\ndefaults: {defaults}\njobs:\n  j:\n    command: [x]", *(f"    {field}" for field in fields)]
    )
    with pytest.raises(UsageError) as error:
        load(tmp_path, text + "\n")
    return [str(problem).split(": job j: ", 1)[1] for problem in error.value.problems]


def job(**fields: Any) -> JobSpec:
    return JobSpec.model_validate({"command": ["x"], **fields})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            ["timezone: Asia/Seoul"],
            "timezone: 'Asia/Seoul' has no effect: the job has no schedule [hint: leave it out]",
        ),
        (["start: 2026-12-01"], "start: '2026-12-01' has no effect: the job has no schedule [hint: leave it out]"),
        (["end: 2026-12-01"], "end: '2026-12-01' has no effect: the job has no schedule [hint: leave it out]"),
        (["except: 2026-12-25"], 'except: ["2026-12-25"] has no effect: the job has no schedule [hint: leave it out]'),
        (
            ["flexible_window_minutes: 5"],
            "flexible_window_minutes: 5 has no effect: the job has no schedule [hint: leave it out]",
        ),
        (["trigger: rule"], "trigger: 'rule' has no effect: the job has no schedule [hint: leave it out]"),
        (
            ["starting_deadline_seconds: 60"],
            "starting_deadline_seconds: 60 has no effect: the job has no schedule and comes after no other [hint:",
        ),
        (
            ["pause_on_failure: true"],
            "pause_on_failure: true has no effect: the job has no schedule and comes after no other [hint:",
        ),
        (
            ["concurrency_policy: queue"],
            "concurrency_policy: 'queue' has no effect: the job has no schedule and comes after no other"
            " [hint: forbid, or leave it out]",
        ),
        (
            ["schedule: '@daily'", "queue_limit: 3"],
            "queue_limit: 3 has no effect without concurrency_policy: queue [hint: leave it out]",
        ),
        (
            ["schedule: '@hourly'", "trigger: rule", "timezone: UTC", "except: 2026-12-25"],
            "trigger: 'rule' cannot express timezone, except: only a schedule can [hint: leave trigger out]",
        ),
        (
            ["schedule: at(2026-12-25T09:00:00)", "trigger: rule"],
            "trigger: 'rule' cannot express at(…): only a schedule can [hint: leave trigger out]",
        ),
        (
            ["schedule: '@hourly'", "flexible_window_minutes: 61"],
            "flexible_window_minutes: 61 is longer than the time between two runs: 60 (minutes)",
        ),
        (
            ["schedule: '@hourly'", "flexible_window_minutes: 2000"],
            "flexible_window_minutes: 2000 is too large: 1 to 1440 (minutes)",
        ),
        (
            ["schedule: '@daily'", "flexible_window_minutes: 30", "starting_deadline_seconds: 600"],
            "starting_deadline_seconds: 600 is shorter than flexible_window_minutes, and the last runs of"
            " each window would be late [hint: at least 1800]",
        ),
        (
            ["schedule: '@daily'", "start: 2026-12-02", "end: 2026-12-01"],
            "end: '2026-12-01' is not after start, 2026-12-02",
        ),
        (
            ["schedule: '@daily'", "timezone: Asia/Seoul", "start: 2026-12-01T09:00", "end: 2026-12-01T00:00:00Z"],
            "end: '2026-12-01T00:00:00Z' is not after start, 2026-12-01T09:00",
        ),
        (
            ["schedule: 0 9 * * MON", "start: 2026-12-01", "end: 2026-12-05"],
            "schedule: '0 9 * * MON' never runs between start and end",
        ),
        (
            ["schedule: at(2026-12-25T09:00:00)", "start: 2027-01-01"],
            "schedule: 'at(2026-12-25T09:00:00)' never runs after its start",
        ),
        (
            ["schedule: cron(0 9 * * ? 2030)", "end: 2027-01-01"],
            "schedule: 'cron(0 9 * * ? 2030)' never runs before its end",
        ),
        (
            ["schedule: at(2026-12-25T09:00:00)", "except: 2026-12-25"],
            "schedule: 'at(2026-12-25T09:00:00)' never runs: except excludes all its times",
        ),
        (
            ["schedule: 0 9 * * 1-5", "except: ['cron(* * ? * MON,TUE *)', 'cron(0 8-12 ? * WED-FRI *)']"],
            "schedule: '0 9 * * 1-5' never runs: except excludes all its times",
        ),
        (
            ["schedule: '* * * * *'", "except: cron(* * * * ? *)"],
            "schedule: '* * * * *' never runs: except excludes all its times",
        ),
        (
            ["schedule: rate(15 minutes)", "timezone: Asia/Seoul"],
            "schedule: 'rate(15 minutes)' does not go with timezone: EventBridge Scheduler runs a rate at once when it"
            " is deployed, and counts again from then [hint: write '*/15 * * * *']",
        ),
        (
            ["schedule: rate(7 hours)", "start: 2026-12-01", "end: 2026-12-31", "except: 2026-12-25"],
            "schedule: 'rate(7 hours)' does not go with start, end, except: EventBridge Scheduler runs a rate at once"
            " when it is deployed, and counts again from then [hint: leave start, end, except out]",
        ),
        (
            ["schedule: rate(1 day)", "flexible_window_minutes: 5", "trigger: schedule"],
            "schedule: 'rate(1 day)' does not go with flexible_window_minutes, trigger: schedule: EventBridge Scheduler"
            " runs a rate at once when it is deployed, and counts again from then [hint: write '0 0 * * *']",
        ),
        (
            ["schedule: at(2026-03-29T02:30:00)", "timezone: Europe/Berlin"],
            "schedule: 'at(2026-03-29T02:30:00)' never runs: skipped: 02:30 does not exist on this day",
        ),
        (
            ["timeout_seconds: 60", "attempts: 2", "usual_duration_seconds: 121"],
            "usual_duration_seconds: 121 is longer than timeout_seconds lets it run: 120",
        ),
        (
            ["schedule: '@daily'", "start: 2026-12-32"],
            "start: '2026-12-32' is not allowed: a day (2026-12-01), a wall-clock time (2026-12-01T09:00) or a moment"
            " (2026-12-01T00:00:00Z)",
        ),
        (
            ["schedule: '@daily'", "start: tomorrow"],
            "start: 'tomorrow' is not allowed: a day (2026-12-01), a wall-clock",
        ),
        *(
            (
                ["schedule: '@daily'", f"timezone: {zone}", f"{field}: {moment}"],
                f"{field}: '{moment}' is too far away: from 2000-01-02 to 2199-12-30",
            )
            for zone in ("Asia/Seoul", "America/New_York")
            for field in ("start", "end")
            for moment in ("0001-01-01", "1999-12-31T23:00:00Z", "2000-01-01", "2199-12-31", "9999-12-31")
        ),
        *(
            (
                [f"schedule: at({year}-{day}T00:00:00)", f"timezone: {zone}"],
                f"schedule: 'at({year}-{day}T00:00:00)' is too far away: the years 2000 to 2199",
            )
            for zone in ("Asia/Seoul", "America/New_York")
            for year, day in (("0001", "01-01"), ("1999", "12-31"), ("2200", "01-01"), ("9999", "12-31"))
        ),
        (["schedule: '@daily'", "timezone: Asia/Seol"], "timezone: 'Asia/Seol' is not a time zone, such as Asia/Seoul"),
        (["schedule: '@daily'", "timezone: 9"], "timezone: 9 is not text [hint: put it in quotes]"),
        (
            ["schedule: '@daily'", "except: [2026-12-25, 2026-12-32]"],
            "except[1]: '2026-12-32' has 2026-12-32, which is not a date",
        ),
        (["schedule: '@daily'", "except_: 2026-12-25"], "except_: is an unknown key [hint: did you mean 'except'?]"),
        (
            ["schedule: '@daily'", "except: {a: b}"],
            'except: {"a": "b"} is not a list [hint: write [a, b] or one \'- \' line each]',
        ),
        (["schedule: '@daily'", "trigger: rules"], "trigger: 'rules' is not allowed: rule or schedule"),
        (["schedule: '@daily'", "queue_limit: 0"], "queue_limit: 0 is too small: 1 to 100 (runs)"),
        (
            ["schedule: '@daily'", "starting_deadline_seconds: 5"],
            "starting_deadline_seconds: 5 is too short: 60 to 86400",
        ),
    ],
)
def test_what_does_not_go_together_is_one_line(tmp_path: Path, fields: list[str], expected: str) -> None:
    (found,) = faults(tmp_path, *fields)

    assert found.startswith(expected)


def test_too_many_exceptions_are_told_with_what_says_more(tmp_path: Path) -> None:
    entries = ", ".join(f"2026-01-{day:02d}" for day in range(1, 32))

    (found,) = faults(tmp_path, "schedule: '@daily'", f"except: [{entries}]")

    assert "has 31 entries: at most 30 [hint: a range or cron(…) may say more]" in found


def test_all_that_does_not_go_together_is_told_at_once(tmp_path: Path) -> None:
    found = faults(tmp_path, "timezone: UTC", "start: 2026-12-01", "pause_on_failure: true", "queue_limit: 3")

    assert [line.split(":")[0] for line in found] == ["timezone", "start", "pause_on_failure", "queue_limit"]


def test_a_fault_has_no_consequences(tmp_path: Path) -> None:
    # GIVEN a schedule that is none, which a time zone needs
    found = faults(tmp_path, "schedule: hourly", "timezone: Asia/Seoul", "concurrency_policy: que", "queue_limit: 3")

    # THEN nothing says that there is no schedule, or no queue
    assert [line.split(":")[0] for line in found] == ["schedule", "concurrency_policy"]


@pytest.mark.parametrize(
    "fields",
    [
        {"concurrency_policy": "forbid"},  # the runner's guard lets runs by hand give way
        {"after": ["other"], "concurrency_policy": "queue", "queue_limit": 3, "pause_on_failure": True},
        {"after": ["other"], "starting_deadline_seconds": 60},
        {"schedule": "@hourly", "flexible_window_minutes": 60},
        {"schedule": "@daily", "except": ["1999-12-31"]},
        {"schedule": "@daily", "trigger": "schedule"},
        {"schedule": "at(2026-12-25T09:00:00)", "flexible_window_minutes": 1440},
        {"schedule": "0 9 * * 1-5", "except": ["cron(* * ? * MON-THU *)"]},
        {"schedule": "* * * * *", "except": ["cron(* * ? * MON-FRI *)"]},
        {"schedule": "30 2 * * *", "timezone": "Europe/Berlin"},
        {"schedule": "@daily", "end": "2020-01-01"},  # over, and no fault
        {"schedule": "@daily", "timezone": None, "start": None, "except": []},
        {"usual_duration_seconds": 600},
    ],
)
def test_what_goes_together_is_taken(fields: dict[str, Any]) -> None:
    assert job(**fields)


def test_a_python_user_is_told_the_same() -> None:
    with pytest.raises(ValidationError, match="has no effect: the job has no schedule"):
        JobSpec(command=("x",), timezone="Asia/Seoul")


def test_dates_may_be_dates_and_a_single_exception_needs_no_list(tmp_path: Path) -> None:
    written = load(
        tmp_path,
        """
        service: s
        jobs:
          one: {command: [x], schedule: "@daily", start: 2026-12-01, end: 2026-12-31T12:00, except: 2026-12-25}
          two: {command: [x], schedule: "@daily", except: [2026-12-25, 2026-12-26/2026-12-28]}
        """,
    )
    in_python = JobSpec(command=("x",), schedule="@daily", except_=(date(2026, 12, 25),), start=date(2026, 12, 1))  # type: ignore[arg-type]

    assert written["one"].start == in_python.start == "2026-12-01"
    assert written["one"].end == "2026-12-31T12:00"
    assert written["one"].except_ == in_python.except_ == ("2026-12-25",)
    assert written["two"].except_ == ("2026-12-25", "2026-12-26/2026-12-28")


def test_defaults_hold_for_the_jobs_that_can_use_them(tmp_path: Path) -> None:
    # GIVEN a service whose defaults say all that they may
    jobs = load(
        tmp_path,
        """
        service: s
        defaults:
          timezone: Europe/Berlin
          except: [2026-12-25]
          flexible_window_minutes: 5
          concurrency_policy: queue
          queue_limit: 3
          starting_deadline_seconds: 600
          pause_on_failure: true
        jobs:
          timed: {command: [x], schedule: "@daily"}
          chained: {command: [x], after: timed}
          by-hand: {command: [x]}
          counted: {command: [x], schedule: rate(1 day), except: [], flexible_window_minutes: null}
          plain: {command: [x], schedule: "@daily", timezone: null, except: [], flexible_window_minutes: null,
                  concurrency_policy: allow, pause_on_failure: false}
        """,
    )

    # WHEN they are merged
    def said(name: str) -> set[str]:
        spec, nothing = jobs[name], JobSpec(command=("x",))
        return {field for field in JobSpec.model_fields if getattr(spec, field) != getattr(nothing, field)}

    # THEN each job has what means something for it
    of_runs = {"concurrency_policy", "queue_limit", "starting_deadline_seconds", "pause_on_failure"}
    assert said("timed") == {"schedule", "timezone", "except_", "flexible_window_minutes"} | of_runs
    assert said("chained") == {"after"} | of_runs
    assert said("by-hand") == set()
    assert said("counted") == {"schedule"} | of_runs
    assert said("plain") == {"schedule", "starting_deadline_seconds"}


def test_what_defaults_say_and_a_job_cannot_be_is_a_fault_of_the_job(tmp_path: Path) -> None:
    (found,) = faults(tmp_path, "schedule: '@hourly'", "trigger: rule", defaults="{timezone: Asia/Seoul}")

    assert found.startswith("trigger: 'rule' cannot express timezone")


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_each_moment_that_is_taken_is_one_for_the_modules(zone: str) -> None:
    # GIVEN the first and the last moments that are taken
    for start, end in (("2000-01-02", "2000-01-03T00:00"), ("2199-12-30T00:00", "2199-12-30")):
        timing = job(schedule="@hourly", timezone=zone, start=start, end=end).timing
        assert timing is not None
        # THEN the modules take them
        for moment in (timing.start_utc, timing.end_utc):
            assert moment is not None
            assert limits.MOMENT.refusal(f"{moment:%Y-%m-%dT%H:%M:%SZ}") is None


@pytest.mark.parametrize(
    ("fields", "is_managed", "ends_matter"),
    [
        ({}, False, False),
        ({"timezone": "Asia/Seoul", "flexible_window_minutes": 5, "starting_deadline_seconds": 600}, False, False),
        ({"concurrency_policy": "forbid"}, True, False),
        ({"concurrency_policy": "replace"}, True, True),
        ({"concurrency_policy": "queue"}, True, True),
        ({"except": "2026-12-25"}, True, False),
        ({"pause_on_failure": True}, True, True),
    ],
)
def test_only_what_needs_a_decision_goes_through_the_submit_function(
    fields: dict[str, Any], is_managed: bool, ends_matter: bool
) -> None:
    found = job(schedule="@daily", **fields)

    assert (found.is_managed, found.ends_matter) == (is_managed, ends_matter)


def test_the_examples_of_the_page_for_job_owners_are_in_order(tmp_path: Path) -> None:
    # GIVEN what the page shows of jobs.yaml
    found = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    blocks = [textwrap.dedent(block) for block in found if "jobs:" in block]

    # THEN each block is a service's file, or the greater part of one
    for block in blocks:
        assert load(tmp_path, block if "service:" in block else f"service: s\n{block}")
    assert len(blocks) == 4
