"""Jobs by rules and schedules, with and without a function, on local AWS: applied, run, moved and destroyed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.local_helpers import REGION, LocalAws, wait_until
from tests.hcl.terraform import Terraform, copy_modules

FUNCTION = f"arn:aws:lambda:{REGION}:123456789012:function:triggers-submit-run"
RULES: dict[str, dict[str, Any]] = {
    "by-rule": {"schedule": "*/5 * * * *"},
    "asked": {"schedule": "@hourly", "concurrency_policy": "queue", "queue_limit": 3},
}
SCHEDULES: dict[str, dict[str, Any]] = {
    "by-schedule": {"schedule": "30 2 * * *", "timezone": "Europe/Berlin", "starting_deadline_seconds": 90},
    "bounded": {
        "schedule": "0 */6 * * *",
        "start": "2198-01-01T00:00:00Z",
        "end": "2199-01-01T00:00:00Z",
        "flexible_window_minutes": 15,
        "schedule_group_name": "triggers-own",
        "description": "Four times a day",
    },
    "begun": {"schedule": "0 */6 * * *", "start": "2020-01-01T00:00:00Z", "suspend": True},
    "once": {"schedule": "at(2199-01-01T00:00:00)", "array_size": 2},
    "careful": {"schedule": "0 9 * * MON-FRI", "except": ["2026-12-25", "cron(0 9 ? * FRI#1 *)"]},
}


def calls(queue: str, jobs: dict[str, dict[str, Any]]) -> str:
    """A root module with these jobs."""
    shared = {
        "source": "./modules/scheduled_job",
        "namespace": "triggers",
        "image": "my-service:latest",
        "command": ["sh", "-c", "echo $BATCHTAB_RUN_ID at $BATCHTAB_SCHEDULED_TIME"],
        "job_queue_arn": queue,
        "submit_function_arn": FUNCTION,
        "depends_on": ["aws_scheduler_schedule_group.own"],
    }
    group = {"aws_scheduler_schedule_group": {"own": {"name": "triggers-own"}}}
    modules = {name: {**shared, "name": name, **job} for name, job in jobs.items()}
    return json.dumps({"resource": group, "module": modules})


def rules(local: LocalAws) -> set[str]:
    return {rule["Name"] for rule in local.client("events").list_rules(NamePrefix="triggers-")["Rules"]}


def schedules(local: LocalAws) -> dict[str, dict[str, Any]]:
    scheduler = local.client("scheduler")
    found = scheduler.list_schedules(NamePrefix="triggers-")["Schedules"]
    return {one["Name"]: scheduler.get_schedule(Name=one["Name"], GroupName=one["GroupName"]) for one in found}


def run_of(local: LocalAws, job: str, queue: str) -> str:
    """What the only run of a job wrote."""
    batch = local.client("batch")

    def ended() -> Any:
        named = [{"name": "JOB_NAME", "values": [job]}]
        jobs = batch.list_jobs(jobQueue=queue, filters=named)["jobSummaryList"]
        return jobs if jobs and all(one["status"] == "SUCCEEDED" for one in jobs) else None

    (one,) = wait_until(ended, f"a run of {job}", seconds=60)
    (detail,) = batch.describe_jobs(jobs=[one["jobId"]])["jobs"]
    stream = detail["container"]["logStreamName"]
    (event,) = local.client("logs").get_log_events(logGroupName=f"/aws/batch/triggers/{job}", logStreamName=stream)[
        "events"
    ]
    return str(event["message"])


@pytest.mark.e2e
@pytest.mark.slow
def test_jobs_by_rules_and_schedules(
    tmp_path: Path,
    local_aws: LocalAws,
    terraform_environment: dict[str, str],
    original_environment: dict[str, Any],
) -> None:
    # GIVEN jobs of all kinds of trigger
    queue = original_environment["queues"]["default"]
    local_aws.post("clock", speed=0)
    local_aws.post("clock", time="2027-03-27T12:00:30Z")
    copy_modules(tmp_path)
    main = tmp_path / "main.tf.json"
    main.write_text(calls(queue, RULES | SCHEDULES), encoding="utf-8")
    terraform = Terraform(tmp_path, terraform_environment)
    terraform.init()
    # WHEN they are applied
    out = terraform.do("apply", "-auto-approve", "-input=false")
    assert "Warning" not in out, out
    # THEN nothing is left to do
    terraform.plan_is_empty()
    # AND each has the trigger that it needs
    assert rules(local_aws) == {f"triggers-{name}" for name in RULES}
    made = schedules(local_aws)
    assert made.keys() == {f"triggers-{name}" for name in SCHEDULES}
    assert made["triggers-bounded"]["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    assert made["triggers-bounded"]["GroupName"] == "triggers-own"
    assert made["triggers-bounded"]["StartDate"].isoformat().startswith("2198-01-01")
    assert "StartDate" not in made["triggers-begun"]
    assert made["triggers-begun"]["State"] == "DISABLED"
    assert made["triggers-by-schedule"]["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"] == 60
    assert json.loads(made["triggers-once"]["Target"]["Input"])["ArrayProperties"] == {"Size": 2}
    # AND where a decision is needed, the function is asked
    (asked,) = local_aws.client("events").list_targets_by_rule(Rule="triggers-asked")["Targets"]
    assert (asked["Arn"], "RoleArn" in asked, "BatchParameters" in asked) == (FUNCTION, False, False)
    assert made["triggers-careful"]["Target"]["Arn"] == FUNCTION
    told = json.loads(made["triggers-careful"]["Target"]["Input"])
    assert told["trigger"] == {"scheduled_time": "<aws.scheduler.scheduled-time>"}
    assert told["job"]["except"] == SCHEDULES["careful"]["except"]
    # WHEN the clock goes on into the night in which Berlin has no 02:30, to the first run of both kinds that Batch gets
    local_aws.post("clock", advance_to="2027-03-27T12:05:00Z")
    local_aws.client("events").disable_rule(Name="triggers-by-rule")
    local_aws.post("clock", advance_to="2027-03-29T00:31:00Z")
    # THEN each run knows itself and its time
    assert run_of(local_aws, "by-rule", queue) == "by-rule@2027-03-27T12:05:00Z at 2027-03-27T12:05:00Z"
    assert run_of(local_aws, "by-schedule", queue) == "by-schedule@2027-03-29T00:30:00Z at 2027-03-29T00:30:00Z"
    # WHEN two jobs change places
    moved = RULES | SCHEDULES | {"by-rule": SCHEDULES["by-schedule"], "by-schedule": RULES["by-rule"]}
    main.write_text(calls(queue, moved), encoding="utf-8")
    terraform.do("apply", "-auto-approve", "-input=false")
    # THEN each has one trigger again, and nothing is left to do
    assert rules(local_aws) == {"triggers-by-schedule", "triggers-asked"}
    assert schedules(local_aws).keys() == made.keys() - {"triggers-by-schedule"} | {"triggers-by-rule"}
    terraform.plan_is_empty()
    # WHEN all is destroyed
    assert "Destroy complete!" in terraform.do("destroy", "-auto-approve", "-input=false")
    # THEN nothing is left
    assert rules(local_aws) == set()
    assert schedules(local_aws) == {}
