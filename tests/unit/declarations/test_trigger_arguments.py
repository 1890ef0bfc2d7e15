from __future__ import annotations

from typing import Any

import pytest

from batchtab.declarations import trigger_arguments
from batchtab.declarations.job import JobSpec


def job(**given: Any) -> JobSpec:
    return JobSpec.model_validate({"command": ["x"], **given})


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({}, 3600),
        ({"schedule": "cron(0 0 * * ? *)"}, 3600),
        ({"schedule": "cron(7/10 * * * ? *)"}, 599),
        ({"schedule": "*/10 * * * *"}, 599),
        ({"schedule": "rate(5 minutes)"}, 299),
        # (EventBridge takes no less, and fires no more often)
        ({"schedule": "rate(1 minute)"}, 60),
        ({"schedule": "at(2026-12-01T09:00:00)"}, 3600),
        # (irregular: the shortest time between two runs counts)
        ({"schedule": "cron(0,20 9 * * ? *)"}, 1199),
        # (a day in which clocks are changed has 23 hours)
        ({"schedule": "30 2 * * *", "timezone": "Europe/Berlin"}, 3600),
        # (what fires late in its window must still not meet the next)
        ({"schedule": "@hourly", "flexible_window_minutes": 15}, 3600 - 1 - 15 * 60),
        ({"schedule": "@daily", "flexible_window_minutes": 15}, 3600),
    ],
)
def test_delivery_ends_before_the_next_run(given: dict[str, Any], seconds: int) -> None:
    assert trigger_arguments.maximum_event_age_seconds(job(**given)) == seconds


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"schedule": "rate(1 day)"}, 600),
        ({"schedule": "rate(5 minutes)"}, 299),
        ({"schedule": "@daily", "flexible_window_minutes": 5}, 300),
        # (never less than EventBridge takes)
        ({"schedule": "@daily", "flexible_window_minutes": 10}, 60),
        # (the submit function records what is late, so it must get it)
        ({"schedule": "rate(1 day)", "concurrency_policy": "queue"}, 3600),
        ({"schedule": "@daily", "except": ["2026-12-25"]}, 3600),
    ],
)
def test_a_deadline_ends_delivery_where_batch_gets_the_run_at_once(given: dict[str, Any], seconds: int) -> None:
    assert trigger_arguments.maximum_event_age_seconds(job(starting_deadline_seconds=600, **given)) == seconds


def test_a_trigger_is_told_in_awss_words() -> None:
    # GIVEN a job as people write it
    spec = job(
        schedule="0 9 * * 1-5",
        timezone="Asia/Seoul",
        start="2026-12-01",
        end="2026-12-31",
        flexible_window_minutes=5,
        suspend=True,
        starting_deadline_seconds=900,
        **{"except": ["2026-12-25"]},
    )
    # THEN the schedule has AWS's form, and its bounds are moments: the whole of the first and of the last day
    assert trigger_arguments.timing(spec) == {
        "schedule": "cron(0 9 ? * MON,TUE,WED,THU,FRI *)",
        "timezone": "Asia/Seoul",
        "start": "2026-11-30T15:00:00Z",
        "end": "2026-12-31T14:59:59Z",
        "flexible_window_minutes": 5,
        "except_": ("2026-12-25",),
        "trigger": None,
        "suspend": True,
        "starting_deadline_seconds": 900,
        "maximum_event_age_seconds": 3600,
    }


def test_a_job_without_a_schedule_has_no_times() -> None:
    told = trigger_arguments.timing(job())
    assert (told["schedule"], told["timezone"], told["start"], told["end"]) == (None, None, None, None)


def test_the_alerts_are_told_when_a_run_is_due() -> None:
    spec = job(schedule="@daily", timezone="Asia/Seoul", flexible_window_minutes=15, alerts={"late_after_seconds": 600})
    assert trigger_arguments.watched(spec) == {
        "schedule": "cron(0 0 * * ? *)",
        "timezone": "Asia/Seoul",
        "flexible_window_minutes": 15,
        "late_after_seconds": 600,
    }


def test_what_is_not_watched_has_no_watch() -> None:
    with pytest.raises(ValueError, match="has a schedule and late_after_seconds"):
        trigger_arguments.watched(job(schedule="@daily"))
