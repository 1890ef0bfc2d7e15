"""What an environment gives to its jobs, for one that is made elsewhere: `environment.add_job(stack, "nightly", …)`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from constructs import Construct

from batchtab import limits
from batchtab.constructs._terraform.expressions import is_expression
from batchtab.constructs.scheduled_job import ScheduledJob
from batchtab.constructs.scheduled_job.grants import is_cached
from batchtab.constructs.scheduled_job.job_arguments import JobOverrides
from batchtab.declarations.arguments import plain
from batchtab.declarations.diagnostics import Diagnostic
from batchtab.declarations.one_job import OneJob
from batchtab.declarations.trigger_fields import ONLY_SCHEDULER
from batchtab.errors import InvalidArgumentError, did_you_mean, listed


class PlaceArns(TypedDict, total=False):
    """What an environment has beside its queues; what is left out, each job makes for itself."""

    trigger_role_arn: str
    execution_role_arn: str
    log_group_name: str
    dead_letter_queue_arn: str
    submit_function_arn: str
    schedule_group_name: str
    permissions_boundary_arn: str


@dataclass(frozen=True, kw_only=True)
class JobPlace:
    """An environment that exists already: its namespace, queues, roles.

    Attributes:
        namespace: With which all names begin.
        capacity: What the queues' jobs run on.
        queues: The queues' ARNs by their short names.
        trigger_role_arn: Role of triggers.
        execution_role_arn: Role that pulls images on Fargate.
        log_group_name: Log group of all jobs.
        dead_letter_queue_arn: Keeps events whose job could not be submitted.
        submit_function_arn: Decides about runs of jobs that need more than Batch's own triggers.
        schedule_group_name: Schedule group of jobs that need EventBridge Scheduler.
        permissions_boundary_arn: For roles that jobs make.
    """

    namespace: str
    capacity: str
    queues: Mapping[str, str]
    trigger_role_arn: str | None = None
    execution_role_arn: str | None = None
    log_group_name: str | None = None
    dead_letter_queue_arn: str | None = None
    submit_function_arn: str | None = None
    schedule_group_name: str | None = None
    permissions_boundary_arn: str | None = None

    def add_job(
        self, scope: Construct, name: str, *, queue: str = limits.JOB_DEFAULTS["queue"], **job: Unpack[JobOverrides]
    ) -> ScheduledJob:
        """Makes a job in this environment.

        Args:
            scope: A stack or construct.
            name: Its name, and its id in `scope`.
            queue: One of the queues, by its short name.
            job: The rest of it.

        Raises:
            InvalidArgumentError: What is wrong, in the words of `batchtab check`.
        """
        if queue not in self.queues:
            raise unknown_queue(f"{scope.node.path}/{name}", queue, self.queues)
        given: dict[str, Any] = dict(job)
        own: dict[str, Any] = {field: getattr(self, field) for field in PlaceArns.__annotations__}
        if self.capacity not in limits.FARGATE_CAPACITIES or needs_own_role(given):
            del own["execution_role_arn"]
        if not takes_schedule(given):
            del own["schedule_group_name"]
        place = {
            "name": name,
            "namespace": self.namespace,
            "job_queue_arn": self.queues[queue],
            "capacity": self.capacity,
        }
        refuse_place(scope.node.path, name, given, place)
        return ScheduledJob(scope, name, **{**own, **given, **place})


def unknown_queue(path: str, queue: str, known: Collection[str]) -> InvalidArgumentError:
    """What a job is refused with whose queue its environment does not have."""
    message = f"is not a queue of the environment: {listed(known)}"
    problem = Diagnostic("", None, "", "queue", queue, message, did_you_mean(queue, known))
    return InvalidArgumentError(path, [str(problem)])


def refuse_place(path: str, name: str, given: Mapping[str, Any], place: Mapping[str, Any]) -> None:
    """Refuses what a job's environment says for it.

    Raises:
        InvalidArgumentError: The job says it too.
    """
    problems = [
        f"{field}: is the environment's, which says it for its jobs [hint: leave it out]"
        for field in place
        if field in given
    ]
    if problems:
        raise InvalidArgumentError(f"{path}/{name}", problems)


def needs_own_role(job: Mapping[str, Any]) -> bool:
    """Whether a role of the job's own has to read secrets, or to get an image; perhaps, where only Terraform knows."""
    beside = plain(job.get("containers") or {})
    if is_expression(beside):
        return True
    for each in (job, *beside.values()):
        log = plain(each.get("log") or {})
        options = log.get("secret_options") if isinstance(log, Mapping) else log
        if is_cached(each.get("image")):
            return True
        if any(is_expression(one) or one for one in (each.get("secrets"), each.get("registry_credentials"), options)):
            return True
    return False


def is_managed(job: Mapping[str, Any]) -> bool:
    """Whether the submit function decides about the runs of a job; perhaps, where only Terraform knows."""
    names = ("concurrency_policy", "except_", "pause_on_failure", "share", "containers", "grace_seconds", "nodes")
    defaults = {name: OneJob.model_fields[name].get_default() for name in names}
    given = {name: job[name] for name in names if name in job}
    return any(is_expression(value) or bool(value and value != defaults[name]) for name, value in given.items())


def takes_schedule(job: Mapping[str, Any]) -> bool:
    """Whether EventBridge Scheduler starts a job; perhaps, where only Terraform knows."""
    schedule, trigger = job.get("schedule"), job.get("trigger")
    if trigger is not None or schedule is None or is_expression(schedule):
        return schedule is not None and trigger != "rule"
    return schedule.startswith("at(") or any(job.get(name) is not None for name in ONLY_SCHEDULER)
