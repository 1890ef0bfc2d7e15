"""Why Batch says that a job cannot be placed: its own words, and what helps in this project's settings.

The alerts have the same reasons (`lambda/job_alerts/words.py`); a test compares the two.
https://docs.aws.amazon.com/batch/latest/APIReference/API_JobStateTimeLimitAction.html
"""

from __future__ import annotations

from typing import NamedTuple

TIME_LIMIT = "JobStateTimeLimitAction"


class Stuck(NamedTuple):
    """A reason: `text` says what it means, `fix` what helps."""

    text: str
    fix: str


REASONS = {
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY": Stuck(
        "AWS has no instance of the environment's types to give", "add instance_types, subnets or another environment"
    ),
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE": Stuck(
        "the compute environment is too small for the job",
        "raise max_vcpus of the environment, or lower the job's vcpus and memory_mib, and deploy",
    ),
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT": Stuck(
        "no instance type of the environment has the job's vCPUs or memory",
        "add larger instance_types, or lower the job's vcpus and memory_mib, and deploy",
    ),
    "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS": Stuck(
        "Batch's service role lacks permissions", "give the service role AWSBatchServiceRole's permissions"
    ),
}


def found_in(text: str) -> Stuck | None:
    """The reason that a text of Batch names; None if it names none."""
    return next((stuck for mark, stuck in REASONS.items() if mark in text), None)
