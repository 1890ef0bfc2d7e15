"""Says in a person's words what happened to a job."""

from __future__ import annotations

import re
from typing import NamedTuple

from batchtab.exit_codes import exit_code_meaning
from batchtab.schedules.durations import duration

from .job_event import JobEvent

_STUCK = {
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY": "no instances could be had",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE": "the compute environment is too small for it",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT": "no instance type of the environment has the vCPUs or memory",
    "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS": "Batch's service role lacks permissions",
}
# What a person does about it, in the words of this project's settings.
_ADVICE = {
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY": "wait, or add instance_types, subnets or another compute environment",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE": "raise max_vcpus of the compute environment, or lower the"
    " job's vcpus and memory_mib, and deploy",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT": "add larger instance_types, or lower the job's vcpus and memory_mib,"
    " and deploy",
    "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS": "give the service role AWSBatchServiceRole's permissions",
}


class Explanation(NamedTuple):
    """A kind, for choices, and a sentence without a capital and a full stop, for people."""

    kind: str
    sentence: str


def explain(job: JobEvent) -> Explanation:
    """Why a job failed, or why it blocks its queue.

    The reasons are those of
    https://docs.aws.amazon.com/batch/latest/userguide/troubleshooting.html and of ECS's stopped-task errors.
    """
    reason, container = job.status_reason, job.container_reason
    both = f"{reason} {container}"
    if job.array_failed and job.array_index is None:
        size = f" of {job.array_size}" if job.array_size else ""
        return Explanation("array", f"{job.array_failed}{size} children failed")
    if re.match(r"dependen(t|cy)\b", reason, re.IGNORECASE):
        return Explanation("dependency", "a job that it depends on failed")
    stuck = next((words for mark, words in _STUCK.items() if mark in both), None)
    if stuck or "JobStateTimeLimitAction" in reason:
        return Explanation("stuck", f"it could not be placed: {stuck}" if stuck else "it could not be placed in time")
    if re.search(r"exceeded timeout|attempt duration", reason, re.IGNORECASE):
        limit = f" after {duration(job.timeout_seconds)}" if job.timeout_seconds else ""
        return Explanation("timeout", f"timed out{limit}")
    if reason.startswith("Host EC2"):
        return Explanation("host", "its host was taken away or ended")
    if re.search(r"CannotPull|pull image|ImagePull", both):
        return Explanation("image", "its image could not be pulled")
    if re.search(r"OutOfMemory|OOMKilled", both):
        limit = f" (limit {job.memory_mib} MiB)" if job.memory_mib else ""
        return Explanation("memory", f"killed: out of memory{limit}")
    if re.search(r"ResourceInitializationError|CannotStart|CannotCreate|Task failed to start", both):
        return Explanation("start", "its container could not be started")
    if job.is_cancelled:
        return Explanation("cancelled", "cancelled before it started")
    if job.is_terminated:
        return Explanation("terminated", "terminated by a person or another program")
    if job.exit_code is not None:
        meaning = exit_code_meaning(job.exit_code)
        return Explanation("exit", f"exit code {job.exit_code}" + (f": {meaning}" if meaning else ""))
    return Explanation("other", "failed")


def advice(job: JobEvent) -> str:
    """What helps a job that cannot be placed; empty where Batch does not say why."""
    both = f"{job.status_reason} {job.container_reason}"
    return next((advice for mark, advice in _ADVICE.items() if mark in both), "")


def tries(job: JobEvent) -> str:
    """Which attempt it was, and that there is no other: Batch says FAILED only then."""
    if job.attempts == 1:
        return "1 of 1"
    if job.attempt >= job.attempts:
        return f"{job.attempt} of {job.attempts}: the last"
    return f"{job.attempt} of {job.attempts}; Batch does not try again, by the retry strategy or the time-out"
