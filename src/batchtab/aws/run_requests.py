"""What the submit function is asked, as a job's trigger would ask it; and what Batch is asked where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from batchtab import job_overrides
from batchtab.declarations.catalog import Catalog
from batchtab.declarations.named_jobs import NamedJob
from batchtab.limits import RUN_MODE_VARIABLE, RUN_VARIABLES
from batchtab.main_container import MAIN
from batchtab.schedules.timestamps import utc_text


def backfill_request(catalog: Catalog, job: NamedJob, scheduled: datetime) -> dict[str, Any]:
    """A request to backfill one run, without the rules for runs that are due now."""
    return {"mode": "backfill", **trigger_request(catalog, job, scheduled)}


def manual_request(
    catalog: Catalog, job: NamedJob, scheduled: datetime, overrides: Mapping[str, Any]
) -> dict[str, Any]:
    """A request for a run beside those that are due, under the job's policy; its time counts to the second.

    Args:
        catalog: The stage.
        job: Whose run.
        scheduled: Its time.
        overrides: What its job has in place of its definition: see `batchtab.job_overrides`.
    """
    asked = trigger_request(catalog, job, scheduled)
    said = {"overrides": dict(overrides)} if overrides else {}
    return {**asked, "mode": "manual", "trigger": {"requested_time": utc_text(scheduled)}, **said}


def submission(catalog: Catalog, job: NamedJob, scheduled: datetime, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """SubmitJob's arguments for the same run, past the submit function; the arguments are those of `manual_request`."""
    spec, time = job.spec, utc_text(scheduled)
    values = {RUN_VARIABLES["run_id"]: f"{job.full}@{time}", RUN_VARIABLES["scheduled_time"]: time}
    values[RUN_MODE_VARIABLE] = "manual"  # nothing else distinguishes it from what a rule submits
    arguments: dict[str, Any] = {
        "jobName": job.full,
        "jobQueue": catalog.job_queue_name(spec.queue),
        "jobDefinition": catalog.job_definition_name(job.service, job.name),
    }
    if spec.array_size is not None:
        arguments["arrayProperties"] = {"size": spec.array_size}
    if spec.share is not None:
        arguments["shareIdentifier"] = spec.share
    environment = [{"name": name, "value": values[name]} for name in sorted(values)]
    container = MAIN if spec.has_task else ""
    return arguments | job_overrides.submitted(environment, overrides, container=container, nodes=spec.nodes)


def trigger_request(catalog: Catalog, job: NamedJob, scheduled: datetime) -> dict[str, Any]:
    """Asks for one run as its trigger would; what is null or a default is left out, as triggers leave it out."""
    stage, spec = catalog.stage, job.spec
    queue = f"job-queue/{catalog.job_queue_name(spec.queue)}"
    timing = spec.timing
    said: dict[str, Any] = {
        "name": job.full,
        "job_queue": f"arn:{stage.partition}:batch:{stage.region}:{stage.account_id}:{queue}",
        "job_definition": catalog.job_definition_name(job.service, job.name),
        "schedule": timing.expression if timing else None,
        "timezone": spec.timezone,
        "concurrency_policy": None if spec.concurrency_policy == "allow" else spec.concurrency_policy,
        "queue_limit": spec.queue_limit if spec.concurrency_policy == "queue" else None,
        "starting_deadline_seconds": spec.starting_deadline_seconds,
        "except": list(spec.except_),
        "pause_on_failure": spec.pause_on_failure,
        "array_size": spec.array_size,
        "share": spec.share,
        "container": MAIN if spec.has_task else None,
        "nodes": spec.nodes,
    }
    return {
        "trigger": {"scheduled_time": utc_text(scheduled)},
        "job": {name: value for name, value in said.items() if value},
    }
