"""What a job, and a service's `defaults`, may say at every door; what only one door has is with that door.

`jobs.yaml` adds a queue's short name and an image's parts (`declarations.job`), the construct and the module add ARNs
(`declarations.job_arguments`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict, field_validator

from batchtab import limits
from batchtab.declarations.fields import AllowUnquoted, AtPlan, Limit, invalid
from batchtab.declarations.permissions import ExitRule, Permission
from batchtab.declarations.table import Only, Source
from batchtab.declarations.task_fields import TaskFields
from batchtab.declarations.trigger_fields import TriggerFields
from batchtab.limits import Lines, Range, Text

Flag = Annotated[bool, Strict()]
Line = Annotated[str, Strict()]
PlainText = Annotated[str, Strict(), AllowUnquoted()]
ParameterName = Annotated[str, Limit(limits.PARAMETER_NAME)]
VariableName = Annotated[str, Limit(limits.ENVIRONMENT_NAME), Limit(limits.RESERVED_VARIABLE)]
VariableValue = Annotated[str, Strict(), AllowUnquoted(), Limit(limits.EMPTY_VARIABLE)]
TagKey = Annotated[str, Strict(), Limit(limits.AWS_TAG), Limit(limits.OWN_TAG), AtPlan(limits.TAG_KEY)]
TagValue = Annotated[str, Strict(), AllowUnquoted(), AtPlan(limits.TAG_VALUE)]
RoleArn = Annotated[str, Strict(), Limit(limits.ROLE_ARN)]
_JOB = limits.JOB_DEFAULTS
_API = "https://docs.aws.amazon.com/batch/latest/APIReference"
_DESCRIPTION = Lines(
    "^[\\s\\S]*$",
    limits.DESCRIPTION_MAX,
    "a text",
    "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html",
)
_SHARE = Text("^[A-Za-z0-9]+$", 255, "letters and digits", f"{_API}/API_SubmitJob.html")


def vcpus_refusal(value: float) -> str | None:
    """Why no job may have so few vCPUs; None if one may."""
    if value >= 1 or value in limits.FARGATE_SIZES:
        return None
    sizes = ", ".join(f"{size:g}" for size in limits.FARGATE_SIZES)
    return f"is not allowed: a whole number on EC2, or one of {sizes} on Fargate"


class JobFields(TriggerFields, TaskFields):
    """The fields that every door has, and that a service may set for all its jobs."""

    description: Annotated[str, Strict(), Limit(_DESCRIPTION)] | None = Field(
        default=None,
        description="What the job is for; also the trigger's description.",
    )
    vcpus: Annotated[float, Strict(), Source(f"{_API}/API_ResourceRequirement.html")] = Field(
        default=_JOB["vcpus"],
        gt=0,
        description="vCPUs: whole on EC2; on Fargate 0.25, 0.5, 1, 2, 4, 8, 16 or 32, each with some sizes of memory.",
    )
    memory_mib: Annotated[int, Strict(), Limit(limits.MEMORY_MIB)] = Field(
        default=_JOB["memory_mib"], description="Memory in MiB. A container that needs more is killed."
    )
    timeout_seconds: Annotated[int, Strict(), Limit(limits.TIMEOUT_SECONDS)] = Field(
        default=_JOB["timeout_seconds"],
        description="How long one attempt may run, counted from its start. A timed-out attempt is not retried.",
    )
    attempts: Annotated[int, Strict(), Limit(limits.ATTEMPTS)] = Field(
        default=_JOB["attempts"], description="How often a failing job is started, the first time included."
    )
    evaluate_on_exit: tuple[ExitRule, ...] = Field(
        default=(),
        description="Which failures are retried, with attempts above 1. A last rule that exits is added, because Batch"
        " retries what no rule matches; none is added behind a rule that catches all, which has '*' as on_reason or"
        " on_status_reason and no on_exit_code: failures of the infrastructure have no exit code.",
    )
    array_size: Annotated[int, Strict(), Limit(limits.ARRAY_SIZE)] | None = Field(
        default=None, description="Number of children to start instead of one job; each has AWS_BATCH_JOB_ARRAY_INDEX."
    )
    priority: Annotated[int, Strict(), Limit(Range(0, 9999, "", f"{_API}/API_RegisterJobDefinition.html"))] | None = (
        Field(default=None, description="Priority within a fair-share queue: higher starts first.")
    )
    share: Annotated[str, Strict(), Limit(_SHARE)] | None = Field(
        default=None,
        description="Share of a fair-share queue that the job counts to. Such a queue needs one of every job.",
    )
    environment: dict[VariableName, VariableValue] = Field(default={}, description="Environment variables.")
    secrets: dict[VariableName, Annotated[str, Strict(), Limit(limits.SECRET), Limit(limits.AMBIGUOUS_SECRET)]] = Field(
        default={},
        description="Environment variables that are read at each start: name to SSM parameter or Secrets Manager"
        " secret. Without `execution_role_arn` a role is made that may read just these.",
    )
    parameters: dict[ParameterName, PlainText] = Field(default={}, description="Values for `Ref::name` in the command.")
    permissions: tuple[Permission, ...] = Field(default=(), description="What the job's own role may do.")
    managed_policy_arns: tuple[Annotated[str, Strict(), Limit(limits.POLICY_ARN)], ...] = Field(
        default=(), max_length=10, description="Managed policies of the job's own role."
    )
    job_role_arn: RoleArn | None = Field(
        default=None, description="Role for the job's code. Default: one is made, with `permissions`."
    )
    execution_role_arn: RoleArn | None = Field(
        default=None, description="Role that pulls the image and reads secrets. Default: one is made where needed."
    )
    read_only_root_filesystem: Flag = Field(
        default=_JOB["read_only_root_filesystem"],
        description="Whether the container's own disk is read-only. /tmp is writable all the same.",
    )
    ephemeral_storage_gib: Annotated[int, Strict(), Limit(limits.EPHEMERAL_STORAGE_GIB), Only("Fargate")] | None = (
        Field(default=None, description="Disk on Fargate in GiB. Default: 20.")
    )
    assign_public_ip: Annotated[bool, Strict(), Only("Fargate"), Source(f"{_API}/API_NetworkConfiguration.html")] = (
        Field(
            default=_JOB["assign_public_ip"],
            description="Whether the container gets a public address: for Fargate in subnets without a NAT gateway.",
        )
    )
    suspend: Flag = Field(default=_JOB["suspend"], description="Whether the triggers are disabled.")
    tags: dict[TagKey, TagValue] = Field(
        default={}, max_length=limits.TAGS_MAX, description="Tags of everything made for the job, and of its tasks."
    )

    @field_validator("vcpus")
    @classmethod
    def _validate_vcpus(cls, value: float) -> float:
        if refusal := vcpus_refusal(value):
            raise invalid(refusal)
        return value

    @field_validator("tags")
    @classmethod
    def _validate_tags(cls, value: dict[str, str]) -> dict[str, str]:
        return checked_tags(value)

    @field_validator("evaluate_on_exit")
    @classmethod
    def _validate_rules(cls, rules: tuple[ExitRule, ...]) -> tuple[ExitRule, ...]:
        most = limits.EVALUATE_ON_EXIT_RULES_MAX
        if rules and not rules[-1].catches_all:
            if len(rules) == most:
                text = f"has {most} rules, and Batch takes {most} with the EXIT for all else that ends them"
                raise invalid(f"{text}: at most {most - 1}")
        elif len(rules) > most:
            raise invalid(f"has {len(rules)} rules: at most {most}")
        return rules


def checked_tags(tags: dict[str, str]) -> dict[str, str]:
    """Tags as AWS takes them; raises what a pydantic validator may raise."""
    for key, value in tags.items():
        if not 1 <= len(key) <= limits.TAG_KEY_MAX:
            raise invalid(f"has a name of {len(key)} characters: 1 to {limits.TAG_KEY_MAX}", at=(key,))
        if len(value) > limits.TAG_VALUE_MAX:
            raise invalid(f"is {len(value)} characters long: at most {limits.TAG_VALUE_MAX}", at=(key,))
    return tags
