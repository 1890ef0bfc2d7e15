"""A crontab for AWS Batch: jobs in a short file, Terraform through CDKTF, alerts in Slack.

The public names load when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from batchtab.choices import AfterStatus, Architecture, Capacity, ConcurrencyPolicy, LogDriver, LogMode, Trigger
    from batchtab.constructs._terraform.expressions import Expression
    from batchtab.constructs.batch_environment import BatchEnvironment, Queue, SchedulingPolicy
    from batchtab.constructs.batch_environment.jobs import JobPlace
    from batchtab.constructs.ci_roles import CiRoles
    from batchtab.constructs.compute_environment import ComputeEnvironment
    from batchtab.constructs.job_alerts import JobAlerts
    from batchtab.constructs.job_runs import JobRuns
    from batchtab.constructs.runner_repository import RunnerRepository
    from batchtab.constructs.scheduled_job import ScheduledJob
    from batchtab.constructs.scheduled_job.metrics import Metric
    from batchtab.declarations.catalog import load
    from batchtab.declarations.container_fields import Device, Log, Mount, Ulimit, Volume
    from batchtab.declarations.job import JobSpec
    from batchtab.declarations.job_arguments import JobArguments
    from batchtab.declarations.permissions import ExitRule, Permission
    from batchtab.declarations.service import ServiceSpec
    from batchtab.declarations.stage import StageConfig
    from batchtab.errors import InvalidArgumentError, UsageError
    from batchtab.schedule import Schedule

_HOMES = {
    "AfterStatus": "choices",
    "Architecture": "choices",
    "BatchEnvironment": "constructs.batch_environment",
    "Capacity": "choices",
    "CiRoles": "constructs.ci_roles",
    "ComputeEnvironment": "constructs.compute_environment",
    "ConcurrencyPolicy": "choices",
    "Device": "declarations.container_fields",
    "ExitRule": "declarations.permissions",
    "Expression": "constructs._terraform.expressions",
    "InvalidArgumentError": "errors",
    "JobAlerts": "constructs.job_alerts",
    "JobArguments": "declarations.job_arguments",
    "JobPlace": "constructs.batch_environment.jobs",
    "JobRuns": "constructs.job_runs",
    "JobSpec": "declarations.job",
    "Log": "declarations.container_fields",
    "LogDriver": "choices",
    "LogMode": "choices",
    "Metric": "constructs.scheduled_job.metrics",
    "Mount": "declarations.container_fields",
    "Permission": "declarations.permissions",
    "Queue": "constructs.batch_environment",
    "RunnerRepository": "constructs.runner_repository",
    "Schedule": "schedule",
    "ScheduledJob": "constructs.scheduled_job",
    "SchedulingPolicy": "constructs.batch_environment",
    "ServiceSpec": "declarations.service",
    "StageConfig": "declarations.stage",
    "Trigger": "choices",
    "Ulimit": "declarations.container_fields",
    "UsageError": "errors",
    "Volume": "declarations.container_fields",
    "load": "declarations.catalog",
}

__all__ = [
    "AfterStatus",
    "Architecture",
    "BatchEnvironment",
    "Capacity",
    "CiRoles",
    "ComputeEnvironment",
    "ConcurrencyPolicy",
    "Device",
    "ExitRule",
    "Expression",
    "InvalidArgumentError",
    "JobAlerts",
    "JobArguments",
    "JobPlace",
    "JobRuns",
    "JobSpec",
    "Log",
    "LogDriver",
    "LogMode",
    "Metric",
    "Mount",
    "Permission",
    "Queue",
    "RunnerRepository",
    "Schedule",
    "ScheduledJob",
    "SchedulingPolicy",
    "ServiceSpec",
    "StageConfig",
    "Trigger",
    "Ulimit",
    "UsageError",
    "Volume",
    "load",
]


def __getattr__(name: str) -> object:
    """A public name, from the module that it is in (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'batchtab' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - an import of the package alone does not need it

    return getattr(import_module(f"batchtab.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
