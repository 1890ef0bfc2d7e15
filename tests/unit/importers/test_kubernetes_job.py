"""Imports of CronJobs: when they start, how often they are tried, how many run, what failures do."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.importers import sources
from tests.unit.importers.kubernetes_sources import cron_job, fate, finding, imported, job, only, todos

from batchtab.importers.findings import Fate

CARRIED, CHANGED, NOT_CARRIED = Fate.CARRIED, Fate.CHANGED, Fate.NOT_CARRIED


def test_a_small_cron_job_needs_no_decision() -> None:
    result = imported(cron_job())
    assert only(result) == {
        "image": {"repository": "docker.io/library/busybox", "tag": "1.36"},
        "command": ["true"],
        "schedule": "30 2 * * *",
        "timeout_seconds": 86400,
        "read_only_root_filesystem": False,
    }
    assert not result.needs_person
    assert result.proven[0].is_equal


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        (
            {"schedule": "30 2 * * 1-5", "timeZone": "Asia/Seoul"},
            {"schedule": "30 2 * * 1-5", "timezone": "Asia/Seoul"},
        ),
        ({"schedule": "CRON_TZ=Asia/Seoul 30 2 * * *"}, {"schedule": "30 2 * * *", "timezone": "Asia/Seoul"}),
        ({"schedule": "TZ=UTC @daily"}, {"schedule": "@daily"}),
        ({"schedule": "@every 90m"}, {"schedule": "rate(90 minutes)"}),
        ({"schedule": "@every 24h"}, {"schedule": "rate(1 day)"}),
        ({"schedule": "0 * * * *", "timeZone": "Asia/Seoul"}, {"schedule": "0 * * * *"}),
        ({"schedule": "0 2 ? * SUN"}, {"schedule": "0 2 * * SUN"}),
        ({"schedule": "5/20 1-4 * * *"}, {"schedule": "5/20 1-4 * * *"}),
    ],
)
def test_schedules_and_zones_are_carried_and_proved(cron: dict[str, str], expected: dict[str, str]) -> None:
    result = imported(cron_job(cron=cron))
    found = only(result)
    assert {key: found[key] for key in ("schedule", "timezone") if key in found} == expected
    assert result.imported.fires[0].clock.expression == cron["schedule"]
    assert result.proven[0].is_equal
    assert not result.needs_person


def test_without_a_zone_the_command_line_says_it() -> None:
    result = imported(cron_job(), timezone="Europe/Paris")
    assert only(result)["timezone"] == "Europe/Paris"
    assert fate(result, "spec.schedule") == (CHANGED, False)
    # THEN the times that clocks skip, and that come twice, differ as they do on EventBridge Scheduler
    assert result.proven[0].is_expected
    assert not result.proven[0].is_equal


@pytest.mark.parametrize(
    ("cron", "field"),
    [
        ({"schedule": "0 0 31 2 *"}, "spec.schedule"),
        ({"schedule": "0 0 * * 7"}, "spec.schedule"),
        ({"schedule": "@every 90s"}, "spec.schedule"),
        ({"schedule": "@reboot"}, "spec.schedule"),
        ({"schedule": 5}, "spec.schedule"),
        ({"schedule": ["0 0 * * *"]}, "spec.schedule"),
        ({"schedule": None}, "spec.schedule"),
        ({"schedule": "TZ=Mars/Base 0 0 * * *"}, "spec.schedule"),
        ({"timeZone": "KST"}, "spec.timeZone"),
    ],
)
def test_a_schedule_that_jobs_yaml_has_not_leaves_the_job_and_asks(cron: dict[str, Any], field: str) -> None:
    result = imported(cron_job(cron={"concurrencyPolicy": "Replace", "startingDeadlineSeconds": 100} | cron))
    found = only(result)
    assert not {"schedule", "concurrency_policy", "starting_deadline_seconds"} & set(found)
    assert fate(result, field) == (NOT_CARRIED, True)
    assert not result.proven


def test_a_zone_in_both_places_is_that_of_the_schedule() -> None:
    result = imported(cron_job(cron={"schedule": "TZ=Asia/Seoul 0 9 * * *", "timeZone": "UTC"}))
    assert only(result)["timezone"] == "Asia/Seoul"
    assert fate(result, "spec.timeZone") == (NOT_CARRIED, True)


@pytest.mark.parametrize(
    ("policy", "expected", "fate_"),
    [
        ("Allow", None, CARRIED),
        ("Forbid", "forbid", CHANGED),
        ("Replace", "replace", CARRIED),
        ("Sometimes", None, NOT_CARRIED),
    ],
)
def test_overlapping_runs(policy: str, expected: str | None, fate_: Fate) -> None:
    result = imported(cron_job(cron={"concurrencyPolicy": policy}))
    assert only(result).get("concurrency_policy") == expected
    assert fate(result, "concurrencyPolicy") == (fate_, policy == "Sometimes")


def test_either_day_is_two_jobs_which_do_not_exclude_each_other() -> None:
    result = imported(cron_job(cron={"schedule": "0 6 1,15 * 1", "concurrencyPolicy": "Forbid"}))
    found = sources.jobs(result)
    assert {name: each["schedule"] for name, each in found.items()} == {
        "nightly": "0 6 1,15 * *",
        "nightly-2": "0 6 * * 1",
    }
    assert result.imported.fires[0].jobs == ("nightly", "nightly-2")
    assert result.proven[0].is_equal
    assert fate(result, "concurrencyPolicy") == (CHANGED, True)


@pytest.mark.parametrize(
    ("seconds", "expected", "asks", "fate_"),
    [
        (300, 300, False, CARRIED),
        (30, 60, False, CHANGED),
        (5, 60, True, CHANGED),
        (200_000, 86_400, False, CHANGED),
        ("soon", None, True, NOT_CARRIED),
    ],
)
def test_the_deadline_of_a_start(seconds: object, expected: int | None, asks: bool, fate_: Fate) -> None:
    result = imported(cron_job(cron={"startingDeadlineSeconds": seconds}))
    assert only(result).get("starting_deadline_seconds") == expected
    assert fate(result, "startingDeadlineSeconds") == (fate_, asks)


def test_a_suspended_cron_job_is_suspended_and_proved() -> None:
    result = imported(cron_job(cron={"suspend": True, "successfulJobsHistoryLimit": 1, "failedJobsHistoryLimit": 0}))
    assert only(result)["suspend"] is True
    assert result.proven[0].is_equal
    for field in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        assert fate(result, field) == (NOT_CARRIED, False)


@pytest.mark.parametrize(("limit", "attempts"), [(0, None), (2, 3), (9, 10), (20, 10), (None, 7)])
def test_retries_are_attempts_with_the_first(limit: int | None, attempts: int | None) -> None:
    result = imported(cron_job(job={"backoffLimit": limit}))
    assert only(result).get("attempts") == attempts
    assert fate(result, "backoffLimit") == (CHANGED, False)


@pytest.mark.parametrize(
    ("of_job", "of_pod", "attempts", "seconds", "fate_"),
    [
        (1800, None, 1, 1800, CARRIED),
        (1800, None, 3, 1800, CHANGED),
        (1800, 600, 3, 600, CHANGED),
        (10, None, 1, 60, CHANGED),
        (9_999_999, None, 1, 14 * 86_400, CHANGED),
        (None, None, 1, 86_400, CHANGED),
    ],
)
def test_the_deadline_of_a_job_is_that_of_an_attempt(
    of_job: int | None, of_pod: int | None, attempts: int, seconds: int, fate_: Fate
) -> None:
    pod = {} if of_pod is None else {"activeDeadlineSeconds": of_pod}
    result = imported(cron_job(job={"activeDeadlineSeconds": of_job, "backoffLimit": attempts - 1}, pod=pod))
    assert only(result)["timeout_seconds"] == seconds
    assert fate(result, "jobTemplate.spec.activeDeadlineSeconds") == (fate_, False)


@pytest.mark.parametrize(
    ("seconds", "retries", "note"),
    [
        (10, 0, "timeout_seconds: 60, the least"),
        (10, 2, "timeout_seconds: 60, the least. It is for each attempt; Kubernetes counts all attempts together"),
        (900, 2, "timeout_seconds: 900. It is for each attempt; Kubernetes counts all attempts together"),
    ],
)
def test_the_note_of_a_deadline_says_the_limit_first(seconds: int, retries: int, note: str) -> None:
    result = imported(cron_job(job={"activeDeadlineSeconds": seconds, "backoffLimit": retries}))
    assert finding(result, "activeDeadlineSeconds").note == note


@pytest.mark.parametrize(
    ("spec", "size", "asks"),
    [
        ({"completions": 5, "parallelism": 5}, 5, set()),
        ({"completions": 5, "parallelism": 2}, 5, {"parallelism"}),
        ({"completions": 5}, 5, {"parallelism"}),
        ({"parallelism": 3}, 3, {"parallelism"}),
        ({"completions": 1, "parallelism": 1}, None, set()),
        ({"parallelism": 0}, None, {"parallelism"}),
        ({"completions": 20_000, "parallelism": 50}, None, {"completions", "parallelism"}),
    ],
)
def test_completions_are_an_array(spec: dict[str, int], size: int | None, asks: set[str]) -> None:
    result = imported(job(spec=spec))
    assert only(result).get("array_size") == size
    assert todos(result) == asks


def test_a_shell_gets_the_index_under_its_own_name() -> None:
    spec = {"completionMode": "Indexed", "completions": 3, "parallelism": 3}
    result = imported(job(spec=spec, args=["sh", "-c", "work --part $JOB_COMPLETION_INDEX"]))
    script = 'export JOB_COMPLETION_INDEX="$AWS_BATCH_JOB_ARRAY_INDEX"\nwork --part $JOB_COMPLETION_INDEX'
    assert only(result)["command"] == ["sh", "-c", script]
    assert not result.needs_person


def test_a_containers_own_index_wins() -> None:
    spec = {"completionMode": "Indexed", "completions": 3, "parallelism": 3}
    own = [{"name": "JOB_COMPLETION_INDEX", "value": "7"}]
    settings = only(imported(job(spec=spec, args=["sh", "-c", "work --part $JOB_COMPLETION_INDEX"], env=own)))
    assert settings["command"] == ["sh", "-c", "work --part $JOB_COMPLETION_INDEX"]
    assert settings["environment"] == {"JOB_COMPLETION_INDEX": "7"}


def test_another_program_has_to_read_batchs_index() -> None:
    spec = {"completionMode": "Indexed", "completions": 3, "parallelism": 3}
    index = {"fieldPath": "metadata.annotations['batch.kubernetes.io/job-completion-index']"}
    result = imported(
        job(spec=spec, args=["work", "$(PART)"], env=[{"name": "PART", "valueFrom": {"fieldRef": index}}])
    )
    assert "environment" not in only(result)
    assert todos(result) == {"PART", "args", "JOB_COMPLETION_INDEX"}


def _policy(*rules: dict[str, Any], limit: int = 3, **fields: Any) -> Any:
    return imported(cron_job(job={"backoffLimit": limit, "podFailurePolicy": {"rules": [*rules]}}, **fields))


_ELSE = {"action": "RETRY", "on_reason": "*"}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (
            [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42, 43]}}],
            [{"action": "EXIT", "on_exit_code": "42"}, {"action": "EXIT", "on_exit_code": "43"}, _ELSE],
        ),
        (
            [{"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [7]}}],
            [{"action": "RETRY", "on_exit_code": "7"}, {"action": "EXIT", "on_exit_code": "*"}, _ELSE],
        ),
        (
            [
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                {"action": "Count", "onExitCodes": {"operator": "In", "values": [1]}},
                {"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [1, 2]}},
                {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [2]}},
            ],
            [
                {"action": "RETRY", "on_status_reason": "Host EC2*"},
                {"action": "RETRY", "on_exit_code": "1"},
                {"action": "EXIT", "on_exit_code": "2"},
                {"action": "EXIT", "on_exit_code": "*"},
                _ELSE,
            ],
        ),
    ],
)
def test_the_policy_of_failures(rules: list[dict[str, Any]], expected: list[dict[str, str]]) -> None:
    result = _policy(*rules)
    assert only(result)["evaluate_on_exit"] == expected
    assert not result.needs_person


@pytest.mark.parametrize(
    "rule",
    [
        {"action": "FailJob", "onExitCodes": {"containerName": "other", "operator": "In", "values": [1]}},
        {"action": "FailJob", "onPodConditions": [{"type": "ConfigIssue", "status": "True"}]},
        {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1, 2, 3, 4, 5]}},
        {"action": "Explode", "onExitCodes": {"operator": "In", "values": [1]}},
        {"action": "FailJob", "onExitCodes": {"operator": "Near", "values": [1]}},
        {"action": "FailJob", "onExitCodes": {"operator": "In", "values": ["x"]}},
    ],
)
def test_a_policy_that_batch_cannot_have_is_asked_for(rule: dict[str, Any]) -> None:
    result = _policy(rule)
    assert "evaluate_on_exit" not in only(result)
    assert result.needs_person


def test_a_policy_without_retries_has_no_effect() -> None:
    result = _policy({"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1]}}, limit=0)
    assert "evaluate_on_exit" not in only(result)
    assert not result.needs_person


_DISRUPTED = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([_DISRUPTED], [{"action": "RETRY", "on_status_reason": "Host EC2*"}]),
        (
            [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [75]}}],
            [{"action": "RETRY", "on_exit_code": "75"}],
        ),
        (
            [{"action": "Ignore", "onExitCodes": {"operator": "NotIn", "values": [7]}}],
            [{"action": "EXIT", "on_exit_code": "7"}, {"action": "RETRY", "on_exit_code": "*"}],
        ),
        (
            [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}, _DISRUPTED],
            [{"action": "EXIT", "on_exit_code": "42"}, {"action": "RETRY", "on_status_reason": "Host EC2*"}],
        ),
        (
            [{"action": "Count", "onExitCodes": {"operator": "In", "values": [1]}}, _DISRUPTED],
            [{"action": "EXIT", "on_exit_code": "1"}, {"action": "RETRY", "on_status_reason": "Host EC2*"}],
        ),
    ],
)
@pytest.mark.parametrize("key", ["backoffLimit", "backoffLimitPerIndex"])
def test_ignored_failures_alone_are_repeated_without_retries(
    rules: list[dict[str, Any]], expected: list[dict[str, str]], key: str
) -> None:
    result = imported(cron_job(job={key: 0, "podFailurePolicy": {"rules": rules}}))
    found = only(result)
    assert (found["attempts"], found["evaluate_on_exit"]) == (10, expected)
    assert fate(result, key) == (CHANGED, False)
    assert "Kubernetes has no limit for these" in finding(result, key).note
    assert not result.needs_person


@pytest.mark.parametrize(
    "rules",
    [
        [{"action": "Ignore", "onPodConditions": [{"type": "ConfigIssue"}]}],
        [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [1, 2, 3, 4, 5, 6]}}],
        [
            {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1]}},
            {"action": "Ignore", "onExitCodes": {"containerName": "other", "operator": "In", "values": [1]}},
        ],
    ],
)
def test_without_a_rule_that_repeats_there_is_one_attempt(rules: list[dict[str, Any]]) -> None:
    result = _policy(*rules, limit=0)
    assert not {"attempts", "evaluate_on_exit"} & only(result).keys()
    assert result.needs_person
    assert finding(result, "rules[0].action").fate == NOT_CARRIED
    assert finding(result, "backoffLimit").note == "attempts: 1, the first included"


def test_other_fields_of_a_job_are_left_and_said() -> None:
    fields = {
        "ttlSecondsAfterFinished": 60,
        "podReplacementPolicy": "Failed",
        "manualSelector": False,
        "selector": {"matchLabels": {"a": "b"}},
        "managedBy": "kubernetes.io/job-controller",
        "successPolicy": {"rules": [{"succeededIndexes": "0"}]},
        "suspend": True,
        "novelField": {"a": 1},
    }
    result = imported(cron_job(job=fields))
    assert todos(result) == {"successPolicy", "suspend", "a"}
    for field in fields:
        assert finding(result, field if field != "novelField" else "novelField.a").fate == NOT_CARRIED


def test_a_job_has_no_schedule() -> None:
    result = imported(job())
    assert "schedule" not in only(result)
    assert finding(result, "kind").note == "a job without a schedule: `batchtab run` starts it"
