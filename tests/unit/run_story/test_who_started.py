"""Who started a run: its story names a trigger, a person or a job only where something says so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.run_story.situations import AT, ID, NOW, after, declared, facts, noted, ran

from batchtab.run_story import Facts, story_of
from batchtab.run_story.batch_job import BatchJob

UNKNOWN = "submitted to queue batchtab-prod-default{}; who submitted it is not recorded"
NOT_BY_IT = ("by its rule", "by the submit function", "backfill", "due:")


def texts(given: Facts) -> list[str]:
    return [line.text for line in story_of(given).lines]


def begun(seconds: float, **others: object) -> BatchJob:
    times = {"created": after(seconds), "started": after(seconds + 8), "stopped": after(seconds + 60)}
    return ran(**{**times, **others})


def test_a_person_who_ran_a_job_of_a_rule_is_not_its_rule() -> None:
    # GIVEN a run that `batchtab run` submitted at 09:00:23, its time, of a job that a rule submits
    at = AT + timedelta(seconds=23)
    found = story_of(facts(at=at, batch=begun(24, mode="manual", asked_because="a late file")))
    # THEN its story begins with the person, the time and the reason
    assert found.title.endswith(", a manual run: SUCCEEDED")
    assert (found.lines[0].at, found.lines[0].text) == (at, "a person asked for it: a late file")
    assert found.lines[1].text == "submitted to queue batchtab-prod-default"
    assert not [each for line in found.lines for each in NOT_BY_IT if each in line.text]


def test_a_run_for_yesterday_begins_when_it_was_asked_for() -> None:
    # GIVEN `run --at` of the day before
    at = AT - timedelta(days=1)
    found = story_of(facts(at=at, batch=begun(5, mode="manual")))
    # THEN nothing of its story is of that day, nor is it a backfill
    assert found.lines[0].at == after(5)
    asked = "a person asked for it, as the run of 2026-11-23 09:00: no schedule started it"
    assert [line.text for line in found.lines[:2]] == [asked, "submitted to queue batchtab-prod-default"]
    assert found.cause is None


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"concurrency_policy": "forbid"}, "its policy was ignored (concurrency_policy: forbid)"),
        ({"pause_on_failure": True}, "its policy was ignored"),
    ],
)
def test_a_policy_that_was_ignored_is_named(policy: dict[str, object], said: str) -> None:
    given = facts(at=after(23), job=declared(**policy), batch=begun(24, mode="manual"))
    assert texts(given)[1] == f"submitted to queue batchtab-prod-default past the submit function: {said}"


def test_a_job_without_a_schedule_is_run_by_a_person() -> None:
    # GIVEN a run of an older version of `batchtab run`, which marked nothing
    found = story_of(facts(job=declared(schedule=None), at=after(23), batch=begun(24)))
    assert found.title.endswith(", a manual run: SUCCEEDED")
    assert found.lines[0].text == "a person asked for it: no schedule started it"


def test_a_punctual_run_of_an_enabled_rule_is_by_the_rule() -> None:
    assert texts(facts(batch=begun(2)))[:2] == [
        "due: its schedule is 0 * * * * (rule)",
        "submitted to queue batchtab-prod-default by its rule",
    ]


@pytest.mark.parametrize(
    ("given", "late"),
    [
        (facts(at=after(23), batch=begun(24)), ""),  # no time of its schedule
        (facts(at=AT - timedelta(days=1), batch=begun(2)), ", 1 d after its time"),
        (facts(at=after(3600), batch=begun(2)), ""),  # before its time
        (facts(job=declared(concurrency_policy="forbid"), batch=begun(2)), ""),  # whose function would have noted it
    ],
)
def test_what_nothing_says_is_not_invented(given: Facts, late: str) -> None:
    said = texts(given)
    assert UNKNOWN.format(late) in said
    assert not [each for text in said for each in NOT_BY_IT[:3] if each in text]


def test_a_manual_run_that_the_function_noted_begins_when_it_was_asked_for() -> None:
    # GIVEN one that waited for its turn, one of another time, and one that was not started
    job = declared(concurrency_policy="queue")
    record = noted("submitted", job_id=ID, mode="manual")
    waited = facts(job=job, at=after(23), batch=begun(900), decision=record)
    assert story_of(waited).lines[0].at == after(23)
    other_time = facts(job=job, at=AT - timedelta(days=2), batch=begun(900), decision=record)
    assert story_of(other_time).lines[0].at == after(900)
    skipped = facts(job=job, at=AT - timedelta(days=2), decision=noted("skipped", "x", mode="manual"), now=NOW)
    assert story_of(skipped).lines[0].at == after(3)
