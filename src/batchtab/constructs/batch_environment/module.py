"""The environment's inputs and outputs as a Terraform module."""

from __future__ import annotations

from batchtab import limits
from batchtab.constructs._terraform.expressions import Expression, hcl
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
from batchtab.constructs._terraform.resources import require
from batchtab.constructs.batch_environment.construct import BatchEnvironment
from batchtab.constructs.compute_environment.variables import (
    CAPACITY,
    GIVEN,
    LAST,
    NETWORK,
    require_what_is_brought,
)

_DEFAULTS = limits.ENVIRONMENT_DEFAULTS
_QUEUE = limits.QUEUE_DEFAULTS
_POLICY = "object({ share_decay_seconds = optional(number, 0), compute_reservation = optional(number, 0)"
_POLICY += ", share_distribution = optional(map(number), {}) })"
_SETTINGS = (
    f"map(object({{ compute_environments = optional(list(string), {hcl(list(_QUEUE['compute_environments']))})"
    f", state = optional(string, {hcl(_QUEUE['state'])}), runnable_timeout_seconds = optional(number)"
    f", scheduling_policy = optional({_POLICY}) }}))"
)


def _priorities() -> Validation:
    bound = limits.QUEUE_PRIORITY
    return holds(
        f"alltrue([for p in values(var.queues) : {_within('p', bound)}])",
        f"queues: a priority must be a whole number, {bound.describe()}.",
    )


def _of_queues(condition: str, text: str) -> Validation:
    """Something that holds of each queue's settings, `each`."""
    return holds(f"alltrue([for each in values(var.queue_settings) : {condition}])", f"queue_settings: {text}.")


def _of_policies(condition: str, text: str) -> Validation:
    """Something that holds of each queue's scheduling policy, `policy`."""
    policies = "[for each in values(var.queue_settings) : each.scheduling_policy if each.scheduling_policy != null]"
    return holds(f"alltrue([for policy in {policies} : {condition}])", f"queue_settings: scheduling_policy: {text}.")


def _within(name: str, bound: limits.Range) -> str:
    return f"floor({name}) == {name} && {name} >= {bound.minimum} && {name} <= {bound.maximum}"


_SHARE = limits.SHARE_IDENTIFIER
_WEIGHTS = f"{limits.WEIGHT_FACTOR_MIN} to {limits.WEIGHT_FACTOR_MAX}, and a smaller one gets more"
_MOST = limits.ENVIRONMENTS_PER_QUEUE_MAX

VARIABLES = (
    Variable(
        "namespace",
        "string",
        "What every name begins with, such as `batch-production`; the trigger role knows rules, schedule groups and job"
        " definitions by it.",
        validations=[matching("namespace", limits.NAMESPACE_ANY)],
    ),
    *NETWORK,
    *CAPACITY,
    Variable(
        "further_compute_environments",
        "map(object({ arn = string, capacity = string }))",
        "Compute environments beside the one that is made here, by names for `queue_settings`; the module"
        " compute_environment has such an object as an output.",
        {},
        [
            each_key("further_compute_environments", "a name", limits.COMPUTE_ENVIRONMENT_NAME),
            holds(
                f'!contains(keys(var.further_compute_environments), "{limits.OWN_ENVIRONMENT}")',
                f"further_compute_environments: {limits.OWN_ENVIRONMENT} is what queues call the one made here.",
            ),
            holds(
                "alltrue([for each in values(var.further_compute_environments) :"
                f" contains({hcl(list(limits.CAPACITIES))}, each.capacity)])",
                f"further_compute_environments: capacity must be {limits.CAPACITY.describe()}.",
            ),
        ],
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
        "queue_settings",
        _SETTINGS,
        "What else is said of queues, by their names: `compute_environments` in the order in which they are tried, such"
        ' as `["spot", "default"]`, where `default` is the one made here; `state`; `runnable_timeout_seconds` in place'
        " of the input; `scheduling_policy` with fair shares, which a queue that exists neither gets nor loses.",
        {},
        [
            _of_queues(
                f"length(each.compute_environments) >= 1 && length(each.compute_environments) <= {_MOST}",
                f"compute_environments must name 1 to {_MOST}",
            ),
            _of_queues(
                "length(distinct(each.compute_environments)) == length(each.compute_environments)",
                "compute_environments names one twice",
            ),
            _of_queues(
                f"contains({hcl(list(limits.STATE.values))}, each.state)", f"state must be {limits.STATE.describe()}"
            ),
            _of_queues(
                "each.runnable_timeout_seconds == null ? true :"
                f" ({_within('each.runnable_timeout_seconds', limits.RUNNABLE_TIMEOUT_SECONDS)})",
                f"runnable_timeout_seconds must be {limits.RUNNABLE_TIMEOUT_SECONDS.describe()}",
            ),
            _of_policies(
                _within("policy.share_decay_seconds", limits.SHARE_DECAY_SECONDS),
                f"share_decay_seconds must be {limits.SHARE_DECAY_SECONDS.describe()}",
            ),
            _of_policies(
                _within("policy.compute_reservation", limits.COMPUTE_RESERVATION),
                f"compute_reservation must be {limits.COMPUTE_RESERVATION.describe()}",
            ),
            _of_policies(
                f"alltrue([for share in keys(policy.share_distribution) : can(regex({hcl(_SHARE.pattern)}, share))])",
                f"a share must be {_SHARE.meaning}",
            ),
            _of_policies(
                "alltrue([for weight in values(policy.share_distribution) :"
                f" weight >= {limits.WEIGHT_FACTOR_MIN} && weight <= {limits.WEIGHT_FACTOR_MAX}])",
                f"a weight must be {_WEIGHTS}",
            ),
            _of_policies(
                "alltrue(flatten([for wide in keys(policy.share_distribution) : [for share in"
                ' keys(policy.share_distribution) : share == wide || !endswith(wide, "*") ||'
                ' !startswith(share, trimsuffix(wide, "*"))]]))',
                "two shares overlap, and Batch wants each in one place",
            ),
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
    *LAST,
)


def module() -> ModuleStack:
    """The module `batch_environment`."""
    stack = ModuleStack("batch_environment")
    inputs = {v.name: stack.variable(v, given=GIVEN.get(v.name)) for v in VARIABLES}
    arguments = {name: value for name, value in inputs.items() if not name.startswith("create_")}
    environment = BatchEnvironment(stack, "Default", **arguments)
    require_what_is_brought(environment.compute_environment)
    require(
        environment.job_queue,
        Expression.of("length(setsubtract(keys(var.queue_settings), keys(var.queues))) == 0"),
        'queue_settings: ${join(", ", setsubtract(keys(var.queue_settings), keys(var.queues)))} is not in queues.',
    )
    stack.output("job_queue_arns", environment.job_queue_arns, "ARNs of the job queues by their short names.")
    stack.output("job_queue_names", environment.job_queue_names, "Whole names of the job queues by their short names.")
    stack.output(
        "queue_capacities",
        environment.queue_capacities,
        "The capacity that each queue tries first, by its short name, to hand on to jobs.",
    )
    stack.output("compute_environment_arn", environment.compute_environment["arn"], "ARN of the compute environment.")
    stack.output(
        "trigger_role_arn",
        environment.trigger_role["arn"],
        "ARN of the role that rules and schedules submit jobs with.",
    )
    stack.output(
        "execution_role_arn",
        environment.execution_role["arn"],
        "ARN of the execution role for jobs without secrets on Fargate; null where no queue is of Fargate.",
    )
    stack.output(
        "instance_role_name",
        environment.instance_role["name"],
        "Name of the instances' role, for further policies; null on Fargate, or if brought.",
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
    stack.output(
        "capacity", environment.capacity, "The capacity of the compute environment made here, to hand on to jobs."
    )
    return stack
