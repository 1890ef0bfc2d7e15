"""The environment's inputs and outputs as a Terraform module."""

from __future__ import annotations

from batchtab import limits
from batchtab.constructs._terraform.expressions import Expression, hcl
from batchtab.constructs._terraform.module_stack import ModuleStack, Validation, Variable, requires
from batchtab.constructs._terraform.resources import require
from batchtab.constructs.batch_environment.construct import BatchEnvironment
from batchtab.constructs.compute_environment.outputs import add_outputs
from batchtab.constructs.compute_environment.variables import GIVEN, of, require_what_is_brought, warn
from batchtab.constructs.schedule_group import ScheduleGroup
from batchtab.declarations.environment_arguments import EnvironmentArguments
from batchtab.declarations.queue import long_name

_MOST = limits.ENVIRONMENTS_PER_QUEUE_MAX
_LEAST_WEIGHT, _MOST_WEIGHT = limits.WEIGHT_FACTOR_MIN, limits.WEIGHT_FACTOR_MAX


def _of_queues(condition: str, text: str) -> Validation:
    """Something that each queue's settings, `each`, must meet."""
    return requires(f"alltrue([for each in values(var.queue_settings) : {condition}])", f"queue_settings[*].{text}.")


def _of_policies(condition: str, text: str) -> Validation:
    """Something that each queue's scheduling policy, `policy`, must meet."""
    policies = "[for each in values(var.queue_settings) : each.scheduling_policy if each.scheduling_policy != null]"
    return requires(
        f"alltrue([for policy in {policies} : {condition}])", f"queue_settings[*].scheduling_policy.{text}."
    )


#: What several members of a value say together.
_MORE: dict[str, list[Validation]] = {
    "further_compute_environments": [
        requires(
            f'!contains(keys(var.further_compute_environments), "{limits.OWN_ENVIRONMENT}")',
            f"further_compute_environments: {limits.OWN_ENVIRONMENT} is what queues call the one made here.",
        ),
    ],
    "queue_settings": [
        _of_queues(
            f"length(each.compute_environments) <= {_MOST}",
            f"compute_environments: has too many entries: at most {_MOST}",
        ),
        _of_queues(
            "length(distinct(each.compute_environments)) == length(each.compute_environments)",
            "compute_environments: names one twice",
        ),
        _of_policies(
            "alltrue([for weight in values(policy.share_distribution) :"
            f" weight >= {_LEAST_WEIGHT} && weight <= {_MOST_WEIGHT}])",
            f"share_distribution: a weight must be {_LEAST_WEIGHT} to {_MOST_WEIGHT}, and a smaller one gets more",
        ),
        _of_policies(
            'alltrue(flatten([for wide in keys(policy.share_distribution) : endswith(wide, "*") ? [for share in'
            ' keys(policy.share_distribution) : share == wide || !startswith(share, trimsuffix(wide, "*"))] : []]))',
            "share_distribution: two shares overlap, and Batch requires each in one place",
        ),
    ],
}
_CREATE_SCHEDULE_GROUP = Variable(
    "create_schedule_group",
    "bool",
    "Whether to create a group for the schedules of jobs: EventBridge Scheduler may take the trigger role for groups"
    " whose names begin with `<namespace>-`.",
    True,
)
VARIABLES = (*of(EnvironmentArguments, _MORE), _CREATE_SCHEDULE_GROUP)


def module() -> ModuleStack:
    """The module `batch_environment`."""
    stack = ModuleStack("batch_environment")
    inputs = {v.name: stack.variable(v, given=GIVEN.get(v.name)) for v in VARIABLES}
    arguments = {name: value for name, value in inputs.items() if not name.startswith("create_")}
    group = ScheduleGroup(
        stack,
        "schedule",
        namespace=inputs["namespace"],
        service="jobs",
        when=inputs[_CREATE_SCHEDULE_GROUP.name],
        tags=inputs["tags"],
    )
    environment = BatchEnvironment(stack, "Default", **arguments)
    require_what_is_brought(environment.compute_environment)
    require(
        environment.job_queue,
        Expression.of("length(setsubtract(keys(var.queue_settings), keys(var.queues))) == 0"),
        'queue_settings: ${join(", ", setsubtract(keys(var.queue_settings), keys(var.queues)))} is not in queues.',
    )
    name = hcl(environment.queue_name)
    require(
        environment.job_queue,
        Expression.of(f"length({name}) <= {limits.QUEUE_NAME_MAX}"),
        f"queues: ${{each.key}} {long_name(f'${{length({name})}}')}.",
    )
    account = environment.account
    account.require_region(environment.trigger_dead_letter_alarm, "", alarm_topic_arns="var.alarm_topic_arns")
    further = "values(var.further_compute_environments)[*].arn"
    account.require_place(environment.compute_environment, "", further_compute_environments=further)
    warn(stack)
    stack.output("job_queue_arns", environment.job_queue_arns, "ARNs of the job queues by their short names.")
    stack.output("job_queue_names", environment.job_queue_names, "Whole names of the job queues by their short names.")
    stack.output(
        "queue_capacities",
        environment.queue_capacities,
        "The capacity that each queue tries first, by its short name, for jobs.",
    )
    add_outputs(
        stack,
        environment=environment.compute_environment,
        role=environment.instance_role,
        profile=environment.instance_profile,
        launch_template=environment.launch_template,
    )
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
    stack.output("trigger_role_name", environment.trigger_role["name"], "Name of that role.")
    stack.output("execution_role_name", environment.execution_role["name"], "Name of that role; or null.")
    stack.output(
        "schedule_group_name",
        group.name,
        "Name of the group for schedules of this environment's jobs; null where none is made.",
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
    stack.output(
        "trigger_dead_letter_alarm_arn", environment.trigger_dead_letter_alarm["arn"], "ARN of the alarm on that queue."
    )
    stack.output("namespace", environment.namespace, "The namespace, for jobs.")
    stack.output("capacity", environment.capacity, "The capacity of the compute environment made here, for jobs.")
    return stack
