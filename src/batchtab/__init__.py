"""A crontab for AWS Batch: jobs in a short file, Terraform through CDKTF, alerts in Slack.

The public names load when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from batchtab.constructs.batch_environment import BatchEnvironment, Queue, SchedulingPolicy
    from batchtab.constructs.ci_roles import CiRoles
    from batchtab.constructs.compute_environment import ComputeEnvironment
    from batchtab.constructs.job_alerts import JobAlerts
    from batchtab.constructs.job_runs import JobRuns
    from batchtab.constructs.runner_repository import RunnerRepository
    from batchtab.constructs.scheduled_job import ScheduledJob
    from batchtab.declarations.catalog import load
    from batchtab.declarations.job import JobSpec
    from batchtab.declarations.service import ServiceSpec
    from batchtab.declarations.stage import StageConfig
    from batchtab.errors import UsageError

_HOMES = {
    "BatchEnvironment": "constructs.batch_environment",
    "CiRoles": "constructs.ci_roles",
    "ComputeEnvironment": "constructs.compute_environment",
    "JobAlerts": "constructs.job_alerts",
    "JobRuns": "constructs.job_runs",
    "JobSpec": "declarations.job",
    "Queue": "constructs.batch_environment",
    "RunnerRepository": "constructs.runner_repository",
    "ScheduledJob": "constructs.scheduled_job",
    "SchedulingPolicy": "constructs.batch_environment",
    "ServiceSpec": "declarations.service",
    "StageConfig": "declarations.stage",
    "UsageError": "errors",
    "load": "declarations.catalog",
}

__all__ = [
    "BatchEnvironment",
    "CiRoles",
    "ComputeEnvironment",
    "JobAlerts",
    "JobRuns",
    "JobSpec",
    "Queue",
    "RunnerRepository",
    "ScheduledJob",
    "SchedulingPolicy",
    "ServiceSpec",
    "StageConfig",
    "UsageError",
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
