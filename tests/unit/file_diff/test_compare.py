"""Two states of a project's files: which jobs, times, permissions and settings are told to be different."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchtab.declarations.catalog import Catalog, load
from batchtab.declarations.job import JobSpec
from batchtab.file_diff.compare import JobDiff, StageDiff, compare
from batchtab.file_diff.job import _SAID
from batchtab.file_diff.text import as_dict, render

NOW = datetime(2026, 3, 1, tzinfo=UTC)
STAGE: dict[str, Any] = {
    "region": "us-east-1",
    "account_id": "123456789012",
    "state": {"bucket": "state"},
    "network": {"create": True},
    "environment": {"capacity": "EC2", "max_vcpus": 256, "queues": {"default": 5, "other": 1}},
    "alerts": {"function_name": "SendToSlack", "channel": "#x", "quiet": True},
}
JOB: dict[str, Any] = {"command": ["python", "-m", "x"], "schedule": "0 9 * * *", "timeout_seconds": 600}


def catalog(folder: Path, jobs: dict[str, Any], stage: dict[str, Any] | None = None) -> Catalog:
    service = {"service": "billing", "image": {"repository": "b", "tag": "1"}, "jobs": jobs}
    for path, content in (("config/prod", {**STAGE, **(stage or {})}), ("jobs/billing/jobs", service)):
        place = folder / f"{path}.yaml"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(yaml.safe_dump(content))
    return load("prod", folder)


def compared(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any], had: Any = None, has: Any = None
) -> StageDiff:
    """Of jobs before and after, in a stage that had and has some other settings."""
    return compare(catalog(tmp_path / "before", before, had), catalog(tmp_path / "after", after, has), NOW)


def changed(tmp_path: Path, before: dict[str, Any], after: dict[str, Any]) -> JobDiff:
    (found,) = compared(tmp_path, {"nightly": {**JOB, **before}}, {"nightly": {**JOB, **after}}).jobs
    return found


def rows(job: JobDiff) -> dict[str, tuple[str, str]]:
    return {field.name: (field.before, field.after) for field in job.change.fields}


def text(stage: StageDiff, **options: int) -> str:
    return "\n".join(render([stage], **options))


# --- which jobs


def test_jobs_that_are_new_removed_and_changed_are_told_and_the_others_counted(tmp_path: Path) -> None:
    # GIVEN a job of each kind
    before = {"a": JOB, "b": JOB, "c": JOB}
    stage = compared(tmp_path, before, {"b": {**JOB, "attempts": 3}, "c": JOB, "d": JOB})
    # THEN each is told, what is lost first
    assert [(job.change.name, job.change.action) for job in stage.jobs] == [
        ("billing-a", "removed"),
        ("billing-b", "changed"),
        ("billing-d", "new"),
    ]
    assert stage.headline == "jobs: 1 removed, 1 changed, 1 new; 1 unchanged"


def test_the_same_files_have_no_difference(tmp_path: Path) -> None:
    stage = compared(tmp_path, {"a": JOB}, {"a": JOB})
    assert (stage.action, stage.headline, stage.jobs, stage.environment) == ("", "no difference", (), ())


def test_what_is_written_otherwise_and_means_the_same_is_no_difference(tmp_path: Path) -> None:
    # GIVEN a default that one side writes
    stage = compared(tmp_path, {"a": JOB}, {"a": {**JOB, "attempts": 1, "suspend": False}})
    assert stage.action == ""


def test_a_removed_job_says_what_ran_after_it(tmp_path: Path) -> None:
    before = {"a": JOB, "b": {"command": ["x"], "after": "a"}}
    stage = compared(tmp_path, before, {"b": {"command": ["x"]}})
    assert stage.jobs[0].change.headline == "does not run any more; after it ran billing-b"


def test_a_stage_of_one_side_is_told_in_one_line_a_job(tmp_path: Path) -> None:
    stage = compare(None, catalog(tmp_path, {"a": JOB}), NOW)
    assert stage.headline == "new, with 1 job"
    assert "  billing-a: every day at 09:00 UTC" in text(stage)


# --- fields


def test_words_are_those_of_a_plan(tmp_path: Path) -> None:
    job = changed(tmp_path, {}, {"memory_mib": 4096, "vcpus": 2, "array_size": 10, "queue": "other"})
    assert rows(job) == {
        "queue": ("default", "other"),
        "size": ("1 vCPU, 2048 MiB", "2 vCPU, 4096 MiB"),
        "at most a month": ("30 runs, 5.1 vCPU-hours, 10 GiB-hours", "30 runs, 101 vCPU-hours, 203 GiB-hours"),
        "children": ("", "10"),
    }


def test_values_of_variables_secrets_and_parameters_are_not_shown(tmp_path: Path) -> None:
    # GIVEN values that change
    before = {"environment": {"TOKEN": "hunter2"}, "parameters": {"p": "hunter2"}, "secrets": {"S": "ssm:a"}}
    after = {"environment": {"TOKEN": "hunter3", "NEW": "hunter3"}, "parameters": {"p": "hunter3"}, "secrets": {}}
    stage = compared(tmp_path, {"n": {**JOB, **before}}, {"n": {**JOB, **after}})
    # THEN their names are told, in each form
    assert rows(stage.jobs[0])["environment"] == ("TOKEN", "+NEW, TOKEN (another value)")
    assert rows(stage.jobs[0])["parameters"] == ("p", "p (another value)")
    assert "hunter" not in text(stage) + str(as_dict(stage))
    # AND of a job that is new or gone, too
    both = {"m": JOB, "n": {**JOB, **after}}
    for had, has, expected in (({"m": JOB}, both, ("", "p")), (both, {"m": JOB}, ("p", ""))):
        stage = compared(tmp_path, had, has)
        assert rows(stage.jobs[0])["parameters"] == expected
        assert "hunter" not in text(stage) + str(as_dict(stage))


#: For each field another value than its default, and what it needs beside it.
VALUES: dict[str, dict[str, Any]] = {
    "description": {"description": "What for"},
    "vcpus": {"vcpus": 2},
    "memory_mib": {"memory_mib": 4096},
    "timeout_seconds": {"timeout_seconds": 700},
    "attempts": {"attempts": 3},
    "evaluate_on_exit": {"attempts": 1, "evaluate_on_exit": [{"action": "RETRY", "on_exit_code": "1"}]},
    "array_size": {"array_size": 4},
    "environment": {"environment": {"A": "b"}},
    "secrets": {"secrets": {"A": "ssm:b"}},
    "parameters": {"parameters": {"a": "b"}},
    "permissions": {"permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::b/*"]}]},
    "managed_policy_arns": {"managed_policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]},
    "job_role_arn": {"job_role_arn": "arn:aws:iam::123456789012:role/x"},
    "execution_role_arn": {"execution_role_arn": "arn:aws:iam::123456789012:role/x"},
    "read_only_root_filesystem": {"read_only_root_filesystem": False},
    "suspend": {"suspend": True},
    "tags": {"tags": {"a": "b"}},
    "mounts": {"volumes": {"v": {}}, "mounts": [{"volume": "v", "path": "/v"}]},
    "volumes": {"volumes": {"v": {}}, "mounts": [{"volume": "v", "path": "/v"}]},
    "exec": {"exec": True, "read_only_root_filesystem": False},
    "containers": {"containers": {"proxy": {"vcpus": 1, "memory_mib": 512}}},
    "container": {"container": {"instanceType": "m5.large"}, "nodes": 2},
    "nodes": {"nodes": 2},
    "gpus": {"gpus": 1},
    "user": {"user": "1000"},
    "privileged": {"privileged": True},
    "init_process": {"init_process": True},
    "shared_memory_mib": {"shared_memory_mib": 128},
    "tmpfs": {"tmpfs": {"/x": 64}},
    "ulimits": {"ulimits": {"nofile": 1024}},
    "devices": {"devices": [{"host_path": "/dev/fuse"}]},
    "log": {"log": {"driver": "journald"}},
    "grace_seconds": {"grace_seconds": 60},
    "timezone": {"timezone": "Asia/Seoul"},
    "except_": {"except": ["2026-03-05"]},
    "flexible_window_minutes": {"flexible_window_minutes": 5},
    "trigger": {"trigger": "schedule"},
    "concurrency_policy": {"concurrency_policy": "forbid"},
    "queue_limit": {"concurrency_policy": "queue", "queue_limit": 3},
    "starting_deadline_seconds": {"starting_deadline_seconds": 600},
    "pause_on_failure": {"pause_on_failure": True},
    "image": {"image": {"repository": "c", "tag": "1"}},
    "queue": {"queue": "other"},
    "command": {"command": ["y"]},
    "schedule": {"schedule": "0 10 * * *"},
    "start": {"start": "2026-03-10"},
    "end": {"end": "2026-03-10"},
    "after": {"after": "other"},
    "after_all": {"schedule": None, "after_all": ["other"]},
    "within_seconds": {"schedule": None, "after_all": ["other"], "within_seconds": 600},
    "after_status": {"after": "other", "after_status": "failed"},
    "usual_duration_seconds": {"usual_duration_seconds": 30},
    "alerts": {"alerts": {"channel": "#y"}},
    "registry_credentials": {
        "registry_credentials": "arn:aws:secretsmanager:us-east-1:123456789012:secret:registry-AbCdEf"
    },
    "main_depends_on": {
        "containers": {"proxy": {"vcpus": 1, "memory_mib": 512}},
        "main_depends_on": {"proxy": "START"},
    },
}
#: Fields whose values above need another stage, and what of it.
FARGATE = {"environment": {"capacity": "FARGATE", "max_vcpus": 16, "queues": {"default": 5, "other": 1}}}
ON_FARGATE: dict[str, dict[str, Any]] = {
    "architecture": {"architecture": "arm64"},
    "ephemeral_storage_gib": {"ephemeral_storage_gib": 50},
    "assign_public_ip": {"assign_public_ip": True},
    "platform_version": {"platform_version": "1.4.0"},
}
FAIR = {
    "environment": {
        "capacity": "EC2",
        "max_vcpus": 16,
        "queues": {"default": {"priority": 5, "scheduling_policy": {"share_decay_seconds": 60}}},
    }
}
ON_FAIR: dict[str, dict[str, Any]] = {"priority": {"priority": 7, "share": "a"}, "share": {"share": "b"}}


@pytest.mark.parametrize("field", sorted(JobSpec.model_fields))
def test_every_field_of_a_job_is_told_when_it_changes(
    field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a job with another value of one field
    stage: dict[str, Any] | None = FARGATE if field in ON_FARGATE else FAIR if field in ON_FAIR else None
    base = {"share": "a"} if field in ON_FAIR else {}
    value = {**VALUES, **ON_FARGATE, **ON_FAIR}[field]
    beside = {"other": {"command": ["x"], **base}}
    before, after = ({**beside, "nightly": {**JOB, **base, **given}} for given in ({}, value))
    if field == "grace_seconds":
        monkeypatch.setenv("BATCHTAB_FRAMEWORK", "cdktn")
    # WHEN the two are compared
    found = compared(tmp_path, before, after, had=stage, has=stage)
    # THEN a row says it, and not only that some field differs
    (job,) = found.jobs
    assert job.change.fields or job.change.permissions
    assert job.change.other == ()
    # AND no field is only said to be said elsewhere
    if field not in _SAID:
        assert field in rows(job)


def test_a_secret_that_is_masked_in_both_is_still_a_difference(tmp_path: Path) -> None:
    # GIVEN commands that differ in what is masked
    one, other = (["run", f"AKIA{letter * 16}"] for letter in "AB")
    job = changed(tmp_path, {"command": one}, {"command": other})
    # THEN the field is named, and its value is not shown
    assert (rows(job), job.change.other) == ({}, ("command",))


def test_a_stage_s_image_is_news_of_the_jobs_that_run_it(tmp_path: Path) -> None:
    images = [{"runner_image": {"repository": "runner", "tag": tag}} for tag in ("1", "2")]
    sides = []
    for side, stage in zip(("before", "after"), images, strict=True):
        folder = tmp_path / side
        catalog(folder, {"n": JOB}, stage)
        (folder / "jobs" / "billing" / "jobs.yaml").write_text(
            yaml.safe_dump({"service": "billing", "jobs": {"n": JOB}})
        )
        sides.append(load("prod", folder))
    found = compare(sides[0], sides[1], NOW)
    assert rows(found.jobs[0]) == {"image": ("runner:1", "runner:2")}


# --- times


def test_times_that_go_and_come_are_told_in_the_job_s_zone(tmp_path: Path) -> None:
    # GIVEN a job that runs an hour later, in Seoul
    job = changed(tmp_path, {"timezone": "Asia/Seoul"}, {"timezone": "Asia/Seoul", "schedule": "0 10 * * *"})
    times = job.times
    assert times is not None
    assert (times.before, times.after, len(times.gone), len(times.new)) == (90, 90, 90, 90)
    assert [f"{moment:%Y-%m-%d %H:%M}" for moment in times.local(times.gone[:2])] == [
        "2026-03-01 09:00",
        "2026-03-02 09:00",
    ]
    assert not times.is_more_often


def test_clocks_that_are_changed_count(tmp_path: Path) -> None:
    # GIVEN a time of day that was UTC's and is Berlin's, which is the same until clocks go forward on 29 March
    job = changed(tmp_path, {"schedule": "0 9 * * *"}, {"schedule": "0 10 * * *", "timezone": "Europe/Berlin"})
    times = job.times
    assert times is not None
    # THEN only the times after that day are others
    assert times.gone[0] == datetime(2026, 3, 29, 9, tzinfo=UTC)
    assert times.new[0] == datetime(2026, 3, 29, 8, tzinfo=UTC)
    assert len(times.gone) == len(times.new) == 90 - 28


def test_an_hour_that_does_not_exist_is_a_time_that_goes(tmp_path: Path) -> None:
    berlin = {"timezone": "Europe/Berlin"}
    job = changed(tmp_path, {"schedule": "30 3 * * *", **berlin}, {"schedule": "30 2 * * *", **berlin})
    assert job.times is not None
    # THEN it runs once less: at 2:30 of 29 March there is no run
    assert (job.times.before, job.times.after) == (90, 89)


def test_more_often_is_said(tmp_path: Path) -> None:
    stage = compared(tmp_path, {"n": JOB}, {"n": {**JOB, "schedule": "0 * * * *"}})
    assert "runs in 90 days: 90 -> 2,160 (1 -> 24 a day, MORE OFTEN)" in text(stage)
    assert "new 2,070 times: 2026-03-01 00:00, 2026-03-01 01:00, 2026-03-01 02:00, … UTC" in text(stage)
    assert stage.headline == "jobs: 1 changed; 1 runs more often"
    assert as_dict(stage)["jobs"][0]["fire_times"]["runs_a_day_after"] == 24


def test_of_a_rate_only_the_number_is_told(tmp_path: Path) -> None:
    job = changed(tmp_path, {"schedule": "rate(2 hours)"}, {"schedule": "rate(1 hour)"})
    assert job.times is not None
    assert (job.times.before, job.times.after, job.times.gone, job.times.is_estimated) == (1080, 2160, (), True)


def test_a_suspended_job_has_no_times(tmp_path: Path) -> None:
    job = changed(tmp_path, {}, {"suspend": True})
    assert job.times is not None
    assert (job.times.before, job.times.after) == (90, 0)


def test_another_trigger_for_the_same_times_is_no_difference_of_times(tmp_path: Path) -> None:
    job = changed(tmp_path, {}, {"trigger": "schedule"})
    assert (job.times, rows(job)["trigger"]) == (None, ("EventBridge rule", "EventBridge Scheduler"))


def test_schedules_that_are_written_otherwise_have_the_same_times(tmp_path: Path) -> None:
    job = changed(tmp_path, {"schedule": "0 9 * * *"}, {"schedule": "0 9 1-31 * *"})
    assert job.times is None


# --- permissions


def test_permissions_that_come_and_go_are_told_and_wide_ones_stand_out(tmp_path: Path) -> None:
    statement = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::b/*"]}
    wide = {"actions": ["dynamodb:*"], "resources": ["arn:aws:dynamodb:us-east-1:123456789012:table/t"]}
    job = changed(tmp_path, {"permissions": [statement]}, {"permissions": [wide]})
    (held,) = job.change.permissions
    assert (held.holder, held.widens) == ("billing-nightly-job", True)
    assert [str(each) for each in held.removed] == ["s3:GetObject on arn:aws:s3:::b/*"]
    assert "wide permissions: dynamodb:* on" in job.change.headline


def test_a_secret_is_a_permission_of_the_execution_role(tmp_path: Path) -> None:
    job = changed(tmp_path, {}, {"secrets": {"S": "/a/b"}})
    (held,) = job.change.permissions
    assert held.holder == "billing-nightly-execution"
    assert str(held.added[0]) == "ssm:GetParameters on arn:aws:ssm:us-east-1:123456789012:parameter/a/b"


# --- the stage


def test_queues_capacity_and_settings_of_a_stage_are_told(tmp_path: Path) -> None:
    after = {
        "environment": {"capacity": "SPOT", "max_vcpus": 512, "queues": {"default": 9}},
        "log_retention_days": 7,
        "alerts": {**STAGE["alerts"], "channel": "#y"},
    }
    stage = compared(tmp_path, {"n": JOB}, {"n": JOB}, has=after)
    told = {
        f"{each.kind} {each.name} {each.action}": {d.name: (d.before, d.after) for d in each.details}
        for each in stage.environment
    }
    assert told["job queue default update"] == {"priority": ("5", "9")}
    assert told["job queue other destroy"] == {}
    assert told["compute environment default update"] == {
        "capacity": ("EC2", "SPOT"),
        "at most vCPUs": ("256", "512"),
    }
    assert told["stage prod update"] == {"alerts.channel": ("#x", "#y"), "log_retention_days": ("30", "7")}
    # AND a job says what it runs on
    assert rows(stage.jobs[0]) == {"capacity": ("EC2", "SPOT")}


def test_user_data_is_not_shown(tmp_path: Path) -> None:
    mime = 'Content-Type: multipart/mixed; boundary="=="\n\n--==\n\n{}\n--==--\n'
    before, after = (
        {"environment": {**STAGE["environment"], "user_data": mime.replace("{}", word)}} for word in ("abc", "xyz")
    )
    stage = compared(tmp_path, {"n": JOB}, {"n": JOB}, had=before, has=after)
    assert "xyz" not in text(stage)
    assert "user_data: (not shown) -> (another value)" in text(stage)
