"""Capacity: the stage's queues, their compute environments, and the AMIs of these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from batchtab.aws.batch_jobs import read
from batchtab.aws.checkup.check import Check, Question
from batchtab.aws.checkup.finding import Finding, fail, warn
from batchtab.aws.checkup.survey import Survey
from batchtab.aws.job_queues import BLOCKED
from batchtab.errors import how_many, printable

_BUSY = {"CREATING", "UPDATING"}


def checks(survey: Survey) -> list[Check]:
    """The queues, and the environments that they send jobs to."""
    names = list(survey.stage.environment.queues)
    queues = [Question(f"queue {survey.queue_name(name)}", _queue(survey, name)) for name in names]
    there = [full for name in names if (full := survey.queue_name(name)) in survey.queues.known({})]
    queues += [Question(f"next job of queue {full}", _next_job(survey, full)) for full in there]
    environments = Question("compute environments", lambda: _environments(survey))
    found = [Check("queues", f"{how_many(len(names), 'queue')} ENABLED and VALID, none blocked", queues)]
    if not survey.queues.error and (survey.environments.error or survey.own_environments()):
        good = f"{how_many(len(survey.own_environments()), 'compute environment')} ENABLED and VALID"
        found.append(Check("capacity", good, [environments]))
    return found


def _queue(survey: Survey, name: str) -> Any:
    declared = survey.stage.environment.queues[name]

    def ask() -> Iterator[Finding]:
        full = survey.queue_name(name)
        subject, queue = f"queue {full}", survey.queues.get().get(full)
        if queue is None:
            yield fail("queues", subject, "does not exist", survey.deploy)
            return
        yield from _status("queues", subject, queue, survey.deploy)
        if queue["state"] != "ENABLED" and declared.state == "ENABLED":
            command = f"aws batch update-job-queue --job-queue {full} --state ENABLED {survey.where}"
            yield fail("queues", subject, "is DISABLED and takes no jobs", command)

    return ask


def _next_job(survey: Survey, full: str) -> Any:
    """Whether the job that is next can be placed: if not, none behind it starts."""

    def ask() -> Iterator[Finding]:
        batch = survey.client("batch")
        jobs = (batch.get_job_queue_snapshot(jobQueue=full).get("frontOfQueue") or {}).get("jobs") or ()
        if not jobs:
            return
        job_id = str(jobs[0]["jobArn"]).rpartition("/")[2]
        for job in map(read, batch.describe_jobs(jobs=[job_id])["jobs"]):
            if job.reason.startswith(BLOCKED):
                text = printable(f"is blocked: {job.name} ({job_id[:8]}) cannot be placed: {job.reason}")
                fix = f"batchtab stop {job_id} --stage {survey.stage.name}"
                yield fail("queues", f"queue {full}", text, fix)

    return ask


def _environments(survey: Survey) -> Iterator[Finding]:
    survey.environments.get()
    declared = survey.stage.compute_environments
    for each in survey.own_environments():
        name = each["computeEnvironmentName"]
        subject = f"compute environment {name}"
        yield from _status("capacity", subject, each, survey.deploy)
        update = f"aws batch update-compute-environment --compute-environment {name} {survey.where}"
        if each["state"] != "ENABLED" and all(one.state == "ENABLED" for one in declared.values()):
            yield fail("capacity", subject, "is DISABLED and starts no jobs", f"{update} --state ENABLED")
        images = (each.get("computeResources") or {}).get("ec2Configuration") or ()
        if any(image.get("batchImageStatus") == "UPDATE_AVAILABLE" for image in images):
            yield warn(
                "capacity",
                subject,
                "runs an AMI of which AWS has a newer one",
                f"{update} --compute-resources updateToLatestImageVersion=true",
            )


def _status(check: str, subject: str, found: Mapping[str, Any], fix: str) -> Iterator[Finding]:
    status = found.get("status", "?")
    reason = str(found.get("statusReason") or "").strip()
    if status in _BUSY:
        yield warn(check, subject, f"is {status}: {reason}" if reason else f"is {status}", "wait, and run this again")
    elif status != "VALID":
        yield fail(check, subject, f"is {status}: {reason or 'no reason is given'}", fix)
