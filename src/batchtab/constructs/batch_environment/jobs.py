"""What an environment gives to its jobs, and jobs that get it: `environment.add_job("nightly", …)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Unpack

from constructs import Construct

from batchtab import limits
from batchtab.constructs._terraform.expressions import is_expression
from batchtab.constructs.scheduled_job import ScheduledJob
from batchtab.constructs.scheduled_job.job_arguments import JobOverrides
from batchtab.declarations.one_job import OneJob
from batchtab.errors import InvalidArgumentError, did_you_mean, listed


@dataclass(frozen=True, kw_only=True)
class JobPlace:
    """Where jobs run and with which roles: the ARNs of an environment.

    Attributes:
        namespace: With which all names begin.
        queues: The queues' ARNs by their short names.
        capacities: What each queue's jobs run on, by its short name.
        trigger_role_arn: Role of triggers; without it each job makes one.
        execution_role_arn: Role that pulls images on Fargate; without it each job makes one.
        log_group_name: Log group of all jobs; without it each job makes one.
        dead_letter_queue_arn: Keeps events whose job could not be submitted.
        submit_function_arn: Decides about runs of jobs with a concurrency policy, exclusions, a pause or a share.
        permissions_boundary_arn: For roles that jobs make.
    """

    namespace: str
    queues: Mapping[str, Any]
    capacities: Mapping[str, str]
    trigger_role_arn: str | None = None
    execution_role_arn: str | None = None
    log_group_name: str | None = None
    dead_letter_queue_arn: str | None = None
    submit_function_arn: str | None = None
    permissions_boundary_arn: str | None = None
    _names: set[str] = field(default_factory=set)

    def add_job(
        self, scope: Construct, name: str, *, queue: str = limits.JOB_DEFAULTS["queue"], **job: Unpack[JobOverrides]
    ) -> ScheduledJob:
        """Makes a job in this place.

        Args:
            scope: A stack or construct.
            name: Its name, and its id in `scope`.
            queue: One of the queues, by its short name.
            job: The rest of it.

        Raises:
            InvalidArgumentError: What is wrong, in the words of `batchtab check`.
        """
        path = f"{scope.node.path}/{name}"
        if queue not in self.queues:
            hint = did_you_mean(queue, self.queues)
            text = f"queue: '{queue}' is not a queue of the environment: {listed(self.queues)}"
            raise InvalidArgumentError(path, [f"{text} [hint: {hint}]" if hint else text])
        if name in self._names:
            raise InvalidArgumentError(path, [f"name: '{name}' is the name of another job of the environment"])
        capacity = self.capacities[queue]
        given: dict[str, Any] = dict(job)
        own = {
            "trigger_role_arn": self.trigger_role_arn,
            "log_group_name": self.log_group_name,
            "dead_letter_queue_arn": self.dead_letter_queue_arn,
            "permissions_boundary_arn": self.permissions_boundary_arn,
            "submit_function_arn": self.submit_function_arn,
        }
        if capacity in limits.FARGATE_CAPACITIES and not _reads_secrets(given):
            own["execution_role_arn"] = self.execution_role_arn
        place = {"name": name, "namespace": self.namespace, "job_queue_arn": self.queues[queue], "capacity": capacity}
        made = ScheduledJob(scope, name, **{**own, **given, **place})
        self._names.add(name)
        return made


def _reads_secrets(job: Mapping[str, Any]) -> bool:
    """Whether a role of the job's own has to read secrets; perhaps, where only Terraform knows."""
    log = job.get("log") or {}
    options = log.get("secret_options") if isinstance(log, Mapping) else getattr(log, "secret_options", None)
    return any(is_expression(each) or each for each in (job.get("secrets"), job.get("registry_credentials"), options))


def is_managed(job: Mapping[str, Any]) -> bool:
    """Whether the submit function decides about the runs of a job; perhaps, where only Terraform knows."""
    defaults = OneJob.model_fields
    names = ("concurrency_policy", "except_", "pause_on_failure", "share")
    return any(
        is_expression(job.get(name)) or (name in job and job[name] not in (defaults[name].get_default(), [], None))
        for name in names
    )
