"""JobArguments: a job as the construct and the Terraform module take it, with ARNs where jobs.yaml has short names."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from batchtab import limits
from batchtab.declarations.container_fields import Log
from batchtab.declarations.fields import Limit
from batchtab.declarations.job_fields import VariableName
from batchtab.declarations.one_job import OneJob
from batchtab.declarations.role_fields import RoleFields
from batchtab.declarations.sidecars import ContainerName, Sidecar
from batchtab.declarations.table import Source, described

_JOB = limits.JOB_DEFAULTS
Image = Annotated[str, Strict(), Limit(limits.IMAGE)]
RoleArn = Annotated[str, Strict(), Limit(limits.ROLE_ARN)]


class LogArguments(Log):
    """Where a container's output goes, with the ARNs of secret options."""

    secret_options: dict[Annotated[str, Strict()], Annotated[str, Strict(), Limit(limits.SECRET_ARN)]] = Field(
        default={}, description="Options that are secret: name to the ARN of an SSM parameter or a secret."
    )


class SidecarArguments(Sidecar):
    """A container beside the job's own, with the ARNs of its secrets."""

    image: Image | None = Field(default=None, description="Its image, with a tag or digest. Default: the job's.")
    secrets: dict[VariableName, Annotated[str, Strict(), Limit(limits.SECRET_ARN)]] = Field(
        default={}, description="Its variables from SSM parameters or Secrets Manager secrets: name to ARN."
    )
    log: LogArguments = Field(default=LogArguments(), description="Where its output goes. Default: CloudWatch Logs.")


class JobArguments(RoleFields, OneJob):
    """The arguments of `ScheduledJob` and the variables of the module `scheduled_job`."""

    name: Annotated[str, Strict(), Limit(limits.JOB_NAME), Limit(limits.RESERVED_JOB_NAME)] = Field(
        description="Name of the submitted jobs, such as `my-service-do-something`. The job definition is"
        " `<namespace>-<name>`."
    )
    namespace: Annotated[str, Strict(), Limit(limits.NAMESPACE_ANY)] | None = Field(
        description="The environment's namespace, with which all names begin; null: names without one, as for jobs that"
        " exist already."
    )
    image: Image = Field(description="Container image with its registry and a tag or digest.")
    job_queue_arn: Annotated[str, Strict(), Limit(limits.JOB_QUEUE_ARN)] = Field(
        description="Queue that the triggers submit to. Account and region of everything else are read from it."
    )
    capacity: Annotated[str, Strict(), Limit(limits.CAPACITY)] = Field(
        default=limits.ENVIRONMENT_DEFAULTS["capacity"], description="The environment's capacity."
    )
    start: Annotated[str, Strict(), Limit(limits.MOMENT)] | None = Field(
        default=_JOB["start"],
        description="The job does not run before this moment. The plan after it removes it from the schedule, because"
        " Scheduler would refuse every later change.",
    )
    end: Annotated[str, Strict(), Limit(limits.MOMENT)] | None = Field(
        default=_JOB["end"],
        description="The job does not run after this moment. The plan after it, and that of `at(…)` after its time,"
        " removes the schedule: Scheduler would refuse to make or change it.",
    )
    after: tuple[Annotated[str, Strict(), Limit(limits.JOB_NAME)], ...] = Field(
        default=_JOB["after"],
        max_length=limits.AFTER_MAX,
        description="Names of jobs of this namespace at whose end this one starts. The ended job's id reaches it as"
        f" {limits.UPSTREAM_JOB_ID_VARIABLE}.",
    )
    after_all: tuple[Annotated[str, Strict(), Limit(limits.JOB_NAME)], ...] = Field(
        default=_JOB["after_all"],
        max_length=limits.AFTER_MAX,
        description="Names of jobs of this namespace that all have to end, in any order, before this one starts, and"
        " again before each next run. The id of the one that ended last reaches it as"
        f" {limits.UPSTREAM_JOB_ID_VARIABLE}.",
    )
    secrets: dict[VariableName, Annotated[str, Strict(), Limit(limits.SECRET_ARN)]] = Field(
        default={}, description="Environment variables from SSM parameters or Secrets Manager secrets: name to ARN."
    )
    log: LogArguments = Field(
        default=LogArguments(), description="Where the container's output goes. Default: CloudWatch Logs."
    )
    containers: Annotated[
        dict[ContainerName, SidecarArguments],
        Source("https://docs.aws.amazon.com/batch/latest/APIReference/API_TaskContainerProperties.html"),
    ] = described(OneJob, "containers")
    secrets_kms_key_arns: tuple[Annotated[str, Strict(), Limit(limits.KMS_KEY_ARN)], ...] = Field(
        default=(), description="Customer-managed keys that encrypt the secrets."
    )
    submit_function_arn: Annotated[str, Strict(), Limit(limits.FUNCTION_ARN)] | None = Field(
        default=None,
        description="Function of `job_runs`, which decides about each run of a job with a concurrency policy,"
        " `after_all`, `except`, `pause_on_failure`, `share`, `containers`, `grace_seconds` or `nodes`. Without it"
        " the image's entrypoint, which must be the runner's, applies forbid.",
    )
    schedule_group_name: Annotated[str, Strict(), Limit(limits.SCHEDULE_GROUP_NAME)] | None = Field(
        default=None,
        description="Schedule group of the schedule. Default: Scheduler's `default`. An environment's trigger role"
        " works for groups whose names begin with `<namespace>-`.",
    )
    trigger_role_arn: RoleArn | None = Field(
        default=None, description="Role that the triggers submit with. Default: one is made."
    )
    log_group_name: Annotated[str, Strict(), Limit(limits.LOG_GROUP_NAME)] | None = Field(
        default=None, description="Log group of the output. Default: one is made."
    )
    log_retention_days: Annotated[int, Strict(), Limit(limits.LOG_RETENTION_DAYS)] = Field(
        default=limits.STAGE_DEFAULTS["log_retention_days"],
        description="How long the log group that is made keeps the output.",
    )
    kms_key_arn: Annotated[str, Strict(), Limit(limits.KMS_KEY_ARN)] | None = Field(
        default=None,
        description="Key for the log group that is made; its policy must let logs use it. Default: AWS's own keys.",
    )
    dead_letter_queue_arn: Annotated[str, Strict(), Limit(limits.STANDARD_QUEUE_ARN)] | None = Field(
        default=None,
        description="SQS queue for events whose job could not be submitted. Its policy must let events.amazonaws.com"
        " send; a schedule sends by the trigger role.",
    )
    maximum_event_age_seconds: Annotated[int, Strict(), Limit(limits.DELIVERY_RETRY_AGE_SECONDS)] = Field(
        default=limits.DELIVERY_RETRY_AGE_SECONDS.minimum,
        description="How long a trigger tries to submit. Keep it below the schedule's period, or a late run starts"
        " beside the next.",
    )
    permissions_boundary_arn: Annotated[str, Strict(), Limit(limits.POLICY_ARN)] | None = Field(
        default=None, description="Permissions boundary of every role that is made."
    )
