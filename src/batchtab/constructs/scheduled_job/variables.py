"""A job's inputs as a Terraform module; those that say when it runs are apart."""

from __future__ import annotations

from batchtab import limits
from batchtab.constructs._terraform.expressions import hcl
from batchtab.constructs._terraform.module_stack import Validation, Variable, among, each_key, holds, matching, within
from batchtab.constructs.scheduled_job import trigger_variables

_JOB = limits.JOB_DEFAULTS
_RESERVED = limits.RESERVED_ENVIRONMENT_PREFIX
_RULE_TYPE = (
    "list(object({ action = string, on_exit_code = optional(string), on_reason = optional(string),"
    " on_status_reason = optional(string) }))"
)
_CONDITIONS = ", ".join(f"rule.{field}" for field in limits.EVALUATE_ON_EXIT_CONDITIONS)


def _environment_names(name: str) -> list[Validation]:
    return [
        each_key(name, "a name", limits.ENVIRONMENT_NAME),
        holds(
            f'alltrue([for key in keys(var.{name}) : !startswith(upper(key), "{_RESERVED}")])',
            f"{name}: Batch keeps names that begin with {_RESERVED} for itself.",
        ),
    ]


def _role(kind: str) -> list[Validation]:
    return [matching(f"{kind}_role_arn", limits.ROLE_ARN, nullable=True)]


VARIABLES = (
    Variable(
        "name",
        "string",
        "Name of the submitted jobs, such as `my-service-do-something`. The job definition is `<namespace>-<name>`.",
        validations=[matching("name", limits.JOB_NAME)],
    ),
    Variable(
        "namespace",
        "string",
        "The environment's namespace, with which all names begin; null: names without one, as for jobs that were there"
        " before.",
        validations=[matching("namespace", limits.NAMESPACE_ANY, nullable=True)],
        nullable=True,
    ),
    Variable("image", "string", "Container image with its registry and a tag or digest."),
    Variable(
        "command",
        "list(string)",
        "Command, as the image's CMD; `Ref::name` in it takes a parameter.",
        validations=[holds("length(var.command) > 0", "command: name a program to run.")],
    ),
    Variable(
        "job_queue_arn",
        "string",
        "ARN of the queue that the trigger submits to; account and region of everything else are read from it.",
        validations=[matching("job_queue_arn", limits.JOB_QUEUE_ARN)],
    ),
    *trigger_variables.VARIABLES,
    Variable(
        "capacity",
        "string",
        f"The environment's capacity: {limits.CAPACITY.describe()}.",
        limits.ENVIRONMENT_DEFAULTS["capacity"],
        [among("capacity", limits.CAPACITY)],
    ),
    Variable(
        "vcpus",
        "number",
        "vCPUs: whole on EC2 and SPOT; on Fargate 0.25, 0.5, 1, 2, 4, 8, 16 or 32, each with some sizes of memory.",
        int(_JOB["vcpus"]),
        [holds("var.vcpus > 0", "vcpus: ${var.vcpus} is too small.")],
    ),
    Variable(
        "memory_mib",
        "number",
        "Memory in MiB, a hard limit.",
        _JOB["memory_mib"],
        [within("memory_mib", limits.MEMORY_MIB)],
    ),
    Variable(
        "timeout_seconds",
        "number",
        "Seconds for each attempt, from its start; a timed-out attempt is not tried again. "
        f"{limits.TIMEOUT_SECONDS.describe()}.",
        _JOB["timeout_seconds"],
        [within("timeout_seconds", limits.TIMEOUT_SECONDS)],
    ),
    Variable(
        "attempts",
        "number",
        f"How often a failing job is tried, the first time included: {limits.ATTEMPTS.describe()}.",
        _JOB["attempts"],
        [within("attempts", limits.ATTEMPTS)],
    ),
    Variable(
        "evaluate_on_exit",
        _RULE_TYPE,
        f"Rules for a further attempt, at most {limits.EVALUATE_ON_EXIT_RULES_MAX - 1}: `action` (RETRY or EXIT) and"
        " one or more conditions. A last rule that exits is added, because Batch retries what no rule matches.",
        [],
        [
            holds(
                f"length(var.evaluate_on_exit) < {limits.EVALUATE_ON_EXIT_RULES_MAX}",
                f"evaluate_on_exit: at most {limits.EVALUATE_ON_EXIT_RULES_MAX - 1} rules.",
            ),
            holds(
                'alltrue([for rule in var.evaluate_on_exit : contains(["RETRY", "EXIT"], upper(rule.action))])',
                "evaluate_on_exit: action must be RETRY or EXIT.",
            ),
            holds(
                f"alltrue([for rule in var.evaluate_on_exit : length(compact([{_CONDITIONS}])) > 0])",
                "evaluate_on_exit: a rule needs one of " + ", ".join(limits.EVALUATE_ON_EXIT_CONDITIONS) + ".",
            ),
        ],
    ),
    Variable(
        "array_size",
        "number",
        f"Submits an array of this many children: {limits.ARRAY_SIZE.describe()}; null: one job.",
        None,
        [within("array_size", limits.ARRAY_SIZE, nullable=True)],
    ),
    Variable(
        "environment",
        "map(string)",
        "Environment variables with literal values.",
        {},
        [
            *_environment_names("environment"),
            holds(
                'alltrue([for value in values(var.environment) : value != ""])',
                "environment: a value is empty, and Batch drops such variables: leave it out.",
            ),
        ],
    ),
    Variable(
        "secrets",
        "map(string)",
        "Environment variables from SSM parameters or Secrets Manager secrets: name to ARN.",
        {},
        [
            *_environment_names("secrets"),
            holds(
                f"alltrue([for arn in values(var.secrets) : can(regex({hcl(limits.SECRET_ARN.pattern)}, arn))])",
                f"secrets: each must be {limits.SECRET_ARN.meaning}.",
            ),
        ],
    ),
    Variable("secrets_kms_key_arns", "list(string)", "Customer-managed keys that encrypt the secrets.", []),
    Variable("parameters", "map(string)", "Defaults for `Ref::name` in the command.", {}),
    Variable(
        "permissions",
        "list(object({ actions = list(string), resources = list(string), allow_wide = optional(bool, false) }))",
        "What the program may do, as statements of the job role that is made. What administers accounts and identities,"
        " such as `iam:*`, needs `allow_wide`.",
        [],
        [
            holds(
                "alltrue(flatten([for p in var.permissions : [for a in p.actions : p.allow_wide ||"
                f" !can(regex({hcl(limits.WIDE_ACTION_PATTERN)}, a)) ||"
                f" can(regex({hcl(limits.HARMLESS_ACTION_PATTERN)}, a)) ||"
                f" (can(regex({hcl(limits.HARMLESS_IF_NAMED_PATTERN)}, a)) &&"
                ' alltrue([for r in p.resources : !can(regex("[*?]", r))]))]]))',
                f"permissions: an action {limits.WIDE}: name what it needs, or say allow_wide = true.",
            ),
            holds(
                "alltrue(flatten([for p in var.permissions : [for a in p.actions :"
                f" can(regex({hcl(limits.IAM_ACTION.pattern)}, a))]]))",
                f"permissions: each action must be {limits.IAM_ACTION.meaning}.",
            ),
        ],
    ),
    Variable(
        "read_only_root_filesystem",
        "bool",
        "Whether the container's own disk is read-only.",
        _JOB["read_only_root_filesystem"],
    ),
    Variable(
        "ephemeral_storage_gib",
        "number",
        f"Ephemeral storage on Fargate: {limits.EPHEMERAL_STORAGE_GIB.describe()}; null: 20.",
        None,
        [within("ephemeral_storage_gib", limits.EPHEMERAL_STORAGE_GIB, nullable=True)],
    ),
    Variable(
        "assign_public_ip",
        "bool",
        "On Fargate: a public address, for public subnets without a NAT gateway.",
        _JOB["assign_public_ip"],
    ),
    Variable("create_job_role", "bool", "Whether a job role is made; false: give `job_role_arn`.", True),
    Variable("job_role_arn", "string", "Job role that is used when none is made.", None, _role("job")),
    Variable(
        "create_execution_role",
        "bool",
        "Whether an execution role is made where one is needed, on Fargate or with secrets; false: give"
        " `execution_role_arn`.",
        True,
    ),
    Variable(
        "execution_role_arn", "string", "Execution role that is used when none is made.", None, _role("execution")
    ),
    Variable("create_trigger_role", "bool", "Whether a trigger role is made; false: give `trigger_role_arn`.", True),
    Variable("trigger_role_arn", "string", "Trigger role that is used when none is made.", None, _role("trigger")),
    Variable("create_log_group", "bool", "Whether a log group is made; false: give `log_group_name`.", True),
    Variable("log_group_name", "string", "Log group that is used when none is made.", None),
    Variable(
        "log_retention_days",
        "number",
        "Days that the log group made here keeps the output.",
        limits.STAGE_DEFAULTS["log_retention_days"],
        [among("log_retention_days", limits.LOG_RETENTION_DAYS)],
    ),
    Variable(
        "dead_letter_queue_arn",
        "string",
        "SQS queue that keeps events whose job could not be submitted. Its policy must let events.amazonaws.com send;"
        " a schedule sends by the trigger role.",
        None,
    ),
    Variable(
        "maximum_event_age_seconds",
        "number",
        "How long the trigger tries to submit: "
        f"{limits.DELIVERY_RETRY_AGE_SECONDS.describe()}; keep it below the schedule's period.",
        limits.DELIVERY_RETRY_AGE_SECONDS.minimum,
        [within("maximum_event_age_seconds", limits.DELIVERY_RETRY_AGE_SECONDS)],
    ),
    Variable("permissions_boundary_arn", "string", "Permissions boundary of every role made here.", None),
    Variable("tags", "map(string)", "Tags of everything made here and of the running tasks.", {}),
)
