"""What the submit function is asked, as a job's trigger would ask it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from batchtab.declarations.catalog import Catalog
from batchtab.declarations.named_jobs import NamedJob
from batchtab.main_container import MAIN
from batchtab.schedules.timestamps import utc_text


def backfill_request(catalog: Catalog, job: NamedJob, scheduled: datetime) -> dict[str, Any]:
    """Asks for one run to be made up, whatever holds for runs that come in time."""
    return {"mode": "backfill", **trigger_request(catalog, job, scheduled)}


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
