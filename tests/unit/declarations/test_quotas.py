"""What is noted of stages that make more than an AWS account may have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.projects import PROJECT

from batchtab import limits
from batchtab.constructs._terraform import job_events
from batchtab.declarations import quotas
from batchtab.declarations.catalog import Catalog, load
from batchtab.declarations.environment import ComputeEnvironment
from batchtab.declarations.job import JobSpec
from batchtab.declarations.queue import Queue
from batchtab.declarations.service import ServiceSpec
from batchtab.schedules.timing import Timing

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
DAILY = {"schedule": "0 0 * * *"}
STAGE = load("example", PROJECT).stage


def stage(jobs: int, job: Mapping[str, Any], *, services: int = 1, **settings: Any) -> Catalog:
    """A stage with a number of jobs of one kind in each of some services."""
    spec = JobSpec.model_validate({"command": ["x"], **job}, by_alias=True, by_name=False)
    named = {f"job-{number}": spec for number in range(jobs)}
    made = [
        ServiceSpec(service=f"svc-{number}", image=None, jobs={}).model_copy(update={"jobs": named})
        for number in range(services)
    ]
    return Catalog(STAGE.model_copy(update={"region": "eu-west-1", **settings}), made)


def noted(*catalogs: Catalog) -> list[str]:
    return list(quotas.notes(catalogs, NOW))


def test_a_stage_below_all_quotas_is_not_noted() -> None:
    assert noted(stage(296, DAILY)) == []


def test_rules_of_times_of_chains_and_of_the_stage_itself_count() -> None:
    # GIVEN jobs that have a rule for their times and one for what they follow, beside the stage's own four
    catalog = stage(149, {**DAILY, "after": ["other"]})
    # WHEN they are counted THEN all of it is one line, with what helps
    assert noted(catalog) == [
        "stage example: note: 302 EventBridge rules: an account may have 300 in eu-west-1 unless AWS has raised that"
        " (quota L-244521F2) [hint: with `trigger: schedule` or a timezone a job's times need no rule; or ask AWS for"
        " more]"
    ]


@pytest.mark.parametrize("scheduler", [{"timezone": "Asia/Seoul"}, {"trigger": "schedule"}])
def test_what_the_hint_says_helps(scheduler: dict[str, str]) -> None:
    assert noted(stage(900, DAILY | scheduler)) == []
    assert noted(stage(600, DAILY | {"job_role_arn": "arn:aws:iam::111122223333:role/x"} | scheduler, services=2)) == []


def test_some_regions_have_fewer() -> None:
    assert "may have 100 in eu-south-1" in noted(stage(150, DAILY, region="eu-south-1"))[0]


def test_stages_of_one_account_and_region_count_together() -> None:
    # GIVEN two stages of 200 rules each THEN only in one region of one account they are too many
    one, other = stage(200, DAILY, name="dev"), stage(200, DAILY, name="prod")
    elsewhere = stage(200, DAILY, name="prod", region="eu-west-2")
    foreign = stage(200, DAILY, name="prod", account_id="444455556666")
    assert [note.partition(":")[0] for note in noted(one, other)] == ["stages dev, prod"]
    assert noted(one, elsewhere) == noted(one, foreign) == []


def test_roles_count_in_all_regions() -> None:
    secret = {"timezone": "UTC", "secrets": {"TOKEN": "/team/token"}, **DAILY}
    # GIVEN jobs with two roles each, in two regions of one account
    (note,) = noted(stage(250, secret, name="dev"), stage(250, secret, name="prod", region="us-east-1"))
    # THEN those and the stages' own are counted together
    begin = "stages dev, prod: note: 1,008 IAM roles: an account may have 1,000 unless AWS has raised that (quota L-"
    assert note.startswith(begin)


def test_what_aws_never_raises_is_said_so() -> None:
    many = {f"q{number}": Queue(priority=1) for number in range(30)}
    queues = STAGE.environment.model_copy(update={"queues": many})
    note = noted(*(stage(1, DAILY, name=name, environment=queues) for name in ("dev", "prod")))
    assert note == [
        "stages dev, prod: note: 60 job queues: an account may have 50 in eu-west-1, which AWS never raises"
        " [hint: fewer queues, or another account or region for a stage]"
    ]


def test_each_service_with_a_schedule_has_a_group() -> None:
    zoned = {**DAILY, "timezone": "UTC", "job_role_arn": "arn:aws:iam::111122223333:role/x"}
    assert "501 schedule groups" in noted(stage(1, zoned, services=501))[0]
    assert quotas.counts(stage(1, DAILY, services=501))["schedule groups"] == 0


def test_local_aws_has_no_quotas() -> None:
    assert noted(stage(2000, DAILY, account_id=limits.LOCAL_ACCOUNT_ID)) == []


def test_rules_on_queues_are_counted_as_they_are_made() -> None:
    assert quotas._QUEUES_PER_RULE == job_events._QUEUES_PER_RULE


# --- many at once


def bursts(*catalogs: Catalog) -> list[str]:
    return [note for note in noted(*catalogs) if "SubmitJob" in note]


def test_more_jobs_in_one_minute_than_batch_takes_in_half_of_it_are_noted() -> None:
    # GIVEN one job more than Batch takes in thirty seconds; and just as many
    assert bursts(stage(1501, DAILY)) == [
        "stage example: note: 1,501 jobs are due at 2026-11-25 00:00 UTC: Batch takes 50 SubmitJob a second of an"
        " account, which AWS never raises, so the last is submitted 30 seconds later at best"
        " [hint: flexible_window_minutes, or other minutes for some of them]"
    ]
    assert bursts(stage(1500, DAILY)) == []


@pytest.mark.parametrize("way_out", [{"flexible_window_minutes": 15}, {"suspend": True}])
def test_jobs_that_are_spread_or_suspended_do_not_count(way_out: dict[str, Any]) -> None:
    assert bursts(stage(1501, DAILY | way_out)) == []


def test_stages_of_one_account_are_due_together() -> None:
    one, other = stage(800, DAILY, name="dev"), stage(800, {"schedule": "*/30 * * * *"}, name="prod")
    assert "1,600 jobs" in bursts(one, other)[0]
    assert bursts(one, stage(800, {"schedule": "1 0 * * *"}, name="prod")) == []


def test_the_busiest_minute_is_the_first_of_the_busiest_and_counts_every_rate() -> None:
    zoned = Timing.of("0 9 * * *", timezone="Asia/Seoul")
    timings = [Timing.of("*/10 * * * *"), Timing.of("0 0 * * *"), zoned, Timing.of("rate(7 days)")]
    assert quotas.busiest_minute(timings, NOW) == (datetime(2026, 11, 25, tzinfo=UTC), 4)
    assert quotas.busiest_minute([Timing.of("rate(7 days)")], NOW) == (NOW, 1)


def test_each_environment_and_the_role_of_its_instances_are_counted() -> None:
    # GIVEN a stage with Spot in front of what it has, and small jobs on Fargate
    before = quotas.counts(stage(1, DAILY))
    order = Queue(priority=1, compute_environments=("spot", "default"))
    queues = {"default": order, "small": Queue(priority=1, compute_environments=("small",))}
    more = {"spot": ComputeEnvironment(capacity="SPOT"), "small": ComputeEnvironment(capacity="FARGATE")}
    after = quotas.counts(
        stage(1, DAILY, environment=STAGE.environment.model_copy(update={"queues": queues}), environments=more)
    )
    # THEN there are two environments more, a role for Spot's instances, and one that starts jobs on Fargate
    nouns = (limits.COMPUTE_ENVIRONMENTS_QUOTA.noun, limits.ROLES_QUOTA.noun)
    assert [after[noun] - before[noun] for noun in nouns] == [2, 2]
