"""The environment's inputs and outputs as a Terraform module."""

from __future__ import annotations

from batchtab import limits
from batchtab.constructs._terraform.module_stack import (
    ModuleStack,
    Validation,
    Variable,
    among,
    each_key,
    holds,
    matching,
    within,
)
from batchtab.constructs.batch_environment.construct import BatchEnvironment

_DEFAULTS = limits.ENVIRONMENT_DEFAULTS


def _priorities() -> Validation:
    bound = limits.QUEUE_PRIORITY
    return holds(
        f"alltrue([for p in values(var.queues) : p >= {bound.minimum} && p <= {bound.maximum}])",
        f"queues: a priority must be {bound.describe()}.",
    )


VARIABLES = (
    Variable(
        "namespace",
        "string",
        "What every name begins with, such as `batch-production`; the trigger role knows rules, schedule groups and job"
        " definitions by it.",
        validations=[matching("namespace", limits.NAMESPACE_ANY)],
    ),
    Variable(
        "subnet_ids",
        "list(string)",
        "Subnets of the containers or instances; as a rule private ones with a NAT gateway or endpoints.",
        validations=[holds("length(var.subnet_ids) > 0", "subnet_ids: name at least one.")],
    ),
    Variable(
        "security_group_ids",
        "list(string)",
        "Security groups of the containers or instances.",
        validations=[holds("length(var.security_group_ids) > 0", "security_group_ids: name at least one.")],
    ),
    Variable(
        "capacity",
        "string",
        f"What jobs run on: {limits.CAPACITY.describe()}. A change makes a new compute environment first.",
        _DEFAULTS["capacity"],
        [among("capacity", limits.CAPACITY)],
    ),
    Variable(
        "instance_types",
        "list(string)",
        "For EC2 and SPOT: types, families, or `optimal`, which lets Batch choose.",
        _DEFAULTS["instance_types"],
        [holds("length(var.instance_types) > 0", "instance_types: name at least one, such as optimal.")],
    ),
    Variable(
        "min_vcpus",
        "number",
        "For EC2 and SPOT: vCPUs that are kept running, and billed, even when no job runs.",
        _DEFAULTS["min_vcpus"],
        [within("min_vcpus", limits.MIN_VCPUS)],
    ),
    Variable(
        "max_vcpus",
        "number",
        "vCPUs of all running jobs together.",
        _DEFAULTS["max_vcpus"],
        [within("max_vcpus", limits.MAX_VCPUS)],
    ),
    Variable(
        "queues",
        "map(number)",
        "Job queues: name to priority; a higher one is served first. Names get `queue_name_prefix` in front.",
        _DEFAULTS["queues"],
        [
            holds("length(var.queues) > 0", "queues: name at least one, such as { default = 5 }."),
            each_key("queues", "a name", limits.QUEUE_NAME),
            _priorities(),
        ],
    ),
    Variable(
        "queue_name_prefix",
        "string",
        "What stands in front of the queues' names; null: `<namespace>-`; empty: nothing, so that queues which were"
        " there before keep their names.",
        None,
        [matching("queue_name_prefix", limits.QUEUE_NAME_PREFIX, nullable=True)],
    ),
    Variable(
        "runnable_timeout_seconds",
        "number",
        "After how long at the head of its queue a job that cannot be placed is cancelled, in seconds; null: never."
        f" {limits.RUNNABLE_TIMEOUT_SECONDS.describe().capitalize()}.",
        _DEFAULTS["runnable_timeout_seconds"],
        [within("runnable_timeout_seconds", limits.RUNNABLE_TIMEOUT_SECONDS, nullable=True)],
        nullable=True,
    ),
    Variable(
        "root_volume_gib",
        "number",
        "Root volume of each instance in GiB, for EC2 and SPOT.",
        limits.ROOT_VOLUME_GIB.default,
        [within("root_volume_gib", limits.ROOT_VOLUME_GIB)],
    ),
    Variable(
        "image_repository_arns",
        "list(string)",
        "ECR repositories that Fargate's execution role may pull from; every one of this account and region if empty.",
        [],
    ),
    Variable(
        "log_retention_days",
        "number",
        "Days that CloudWatch keeps the jobs' output.",
        limits.STAGE_DEFAULTS["log_retention_days"],
        [among("log_retention_days", limits.LOG_RETENTION_DAYS)],
    ),
    Variable(
        "kms_key_arn",
        "string",
        "Key for the log group and the dead-letter queue; null: AWS's own keys.",
        None,
    ),
    Variable(
        "alarm_topic_arns",
        "list(string)",
        "SNS topics that are told when a trigger could not submit its job.",
        [],
    ),
    Variable("permissions_boundary_arn", "string", "Permissions boundary of every role made here.", None),
    Variable("tags", "map(string)", "Tags of everything made here.", {}),
)


def module() -> ModuleStack:
    """The module `batch_environment`."""
    stack = ModuleStack("batch_environment")
    environment = BatchEnvironment(stack, "Default", **{v.name: stack.variable(v) for v in VARIABLES})
    stack.output("job_queue_arns", environment.job_queue_arns, "ARNs of the job queues by their short names.")
    stack.output("job_queue_names", environment.job_queue_names, "Whole names of the job queues by their short names.")
    stack.output("compute_environment_arn", environment.compute_environment["arn"], "ARN of the compute environment.")
    stack.output(
        "trigger_role_arn",
        environment.trigger_role["arn"],
        "ARN of the role that rules and schedules submit jobs with.",
    )
    stack.output(
        "execution_role_arn",
        environment.execution_role["arn"],
        "ARN of the execution role for jobs without secrets on Fargate; null on EC2 and SPOT.",
    )
    stack.output(
        "instance_role_name",
        environment.instance_role["name"],
        "Name of the instances' role, for further policies; null on Fargate.",
    )
    stack.output("log_group_name", environment.log_group["name"], "Name of the jobs' log group.")
    stack.output("log_group_arn", environment.log_group["arn"], "ARN of the jobs' log group.")
    stack.output(
        "trigger_dead_letter_queue_arn",
        environment.trigger_dead_letter_queue["arn"],
        "ARN of the queue that keeps what triggers could not submit.",
    )
    stack.output(
        "trigger_dead_letter_queue_url", environment.trigger_dead_letter_queue["id"], "URL of that queue, to read it."
    )
    stack.output("namespace", environment.namespace, "The namespace, to hand on to jobs.")
    stack.output("capacity", environment.capacity, "The capacity, to hand on to jobs.")
    return stack
