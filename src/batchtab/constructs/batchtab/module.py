"""A stage with its services as a Terraform module, of decoded files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from batchtab.constructs._terraform.aws import SchedulerScheduleGroup
from batchtab.constructs._terraform.derived import variables
from batchtab.constructs._terraform.expressions import Expression, as_map
from batchtab.constructs._terraform.module_stack import ModuleStack, Variable, requires
from batchtab.constructs._terraform.resources import BatchtabConstruct, create_resource
from batchtab.constructs._terraform.roles import RoleSettings
from batchtab.constructs.batch_environment.module import VARIABLES as ENVIRONMENT_VARIABLES
from batchtab.constructs.batchtab import alerts, checks, jobs, reading, timing
from batchtab.declarations.alert_fields import AlertFields
from batchtab.declarations.batchtab_arguments import BatchtabArguments

#: What the files say of an environment, and what is said of a stage in another place.
_NOT_OF_ENVIRONMENT = {"namespace", "image_repository_arns", "alarm_topic_arns", "create_schedule_group"}
_FILES = (
    Variable(
        "jobs",
        "any",
        'One service: `yamldecode(file("jobs.yaml"))`.',
        None,
    ),
    Variable(
        "services",
        "any",
        "Several services: any name to a decoded jobs.yaml.",
        {},
        [requires("can(keys(var.services))", "services: is not a mapping of names to decoded files.")],
    ),
    Variable(
        "runner_image",
        "any",
        "Image of the jobs that name none: `repository`, and `tag` or `digest`. It must be the runner's.",
        None,
    ),
    Variable(
        "alerts",
        "any",
        f"Where failed jobs are reported: an object with any of {', '.join(AlertFields.model_fields)}.",
        {},
        [requires("can(keys(var.alerts))", "alerts: is not a mapping (key: value).")],
    ),
)
_OWN = tuple(variables(BatchtabArguments))
# `batch_environment` itself refuses what is wrong with them.
_ENVIRONMENT = tuple(
    replace(v, description=v.text, validations=()) for v in ENVIRONMENT_VARIABLES if v.name not in _NOT_OF_ENVIRONMENT
)
VARIABLES = (*_FILES, *_OWN, *_ENVIRONMENT)
#: For the README.
NOTES = "Only `batchtab check` finds:\n\n" + "\n".join(f"- {what}" for what, _ in checks.ONLY_IN_CHECK)
#: What jobs take of the environment.
_TAKEN = (
    "job_queue_arns",
    "queue_capacities",
    "trigger_role_arn",
    "execution_role_arn",
    "log_group_name",
    "trigger_dead_letter_queue_arn",
)


def module() -> ModuleStack:
    """The module `batchtab`."""
    stack = ModuleStack("batchtab", lays_out=False)
    for variable in VARIABLES:
        stack.variable(variable)
    stack.add_override(
        "locals", {name: Expression.of(value) if isinstance(value, str) else value for name, value in _locals().items()}
    )
    create_resource(
        BatchtabConstruct(stack, "Default"),
        SchedulerScheduleGroup,
        "schedule_group",
        for_each=Expression.of("local.schedule_groups"),
        name=Expression.of("each.value"),
        tags=as_map(Expression.of("var.tags")),
    )
    for name, arguments in _calls().items():
        stack.add_override(f"module.{name}", arguments)
    _outputs(stack)
    return stack


def _locals() -> dict[str, Any]:
    taken = ", ".join(f"{name} = module.environment.{name}" for name in _TAKEN)
    return {
        "prefix": '"${var.namespace}-${var.stage}"',
        "partition": 'startswith(var.region, "cn-") ? "aws-cn" :'
        ' startswith(var.region, "us-gov-") ? "aws-us-gov" : "aws"',
        "registry": '"${var.account_id}.dkr.ecr.${var.region}.amazonaws.com'
        '${local.partition == "aws-cn" ? ".cn" : ""}"',
        "arn_of": '{ for name in ["ssm", "secretsmanager"] : name =>'
        ' "arn:${local.partition}:${name}:${var.region}:${var.account_id}" }',
        "environment": f"{{ {taken} }}",
        "submit_function_arn": "module.runs.submit_function_arn",
        **reading.locals_of_files(),
        **timing.locals_of_timing(),
        **checks.locals_of_checks(),
        **jobs.locals_of_jobs(),
        **alerts.locals_of_alerts(),
    }


def _calls() -> dict[str, dict[str, Any]]:
    """The other modules, each with what it needs of the inputs and of the others."""
    shared = {name: f"var.{name}" for name in ("log_retention_days", "kms_key_arn", "tags", *RoleSettings.ARGUMENTS)}
    queues = "values(local.environment.job_queue_arns)"
    dead_letters = "local.environment.trigger_dead_letter_queue_arn"
    calls = {
        "environment": {
            **{v.name: f"var.{v.name}" for v in _ENVIRONMENT},
            "create_schedule_group": "false",  # each service has one
            "namespace": "local.prefix",
            "image_repository_arns": "local.image_repository_arns",
            "alarm_topic_arns": f"try({alerts.STAGE}.alarm_topic_arns, [])",
        },
        "runs": {
            **shared,
            "namespace": "local.prefix",
            "job_queue_arns": queues,
            "trigger_dead_letter_queue_arn": dead_letters,
            "history_days": "var.history_days",
        },
        "alerts": {
            **shared,
            **{name: f"try({alerts.STAGE}.{name}, null)" for name in AlertFields.model_fields},
            "namespace": "local.prefix",
            "job_queue_arns": queues,
            "stage": "var.stage",
            "routes": "local.routes",
            "schedules": "local.watched",
            "trigger_dead_letter_queue_arn": dead_letters,
            "tell_failed_triggers": "true",
            "runs_table_arn": f"try({alerts.STAGE}.quiet, false) ? module.runs.table_arn : null",
        },
        "repository": {"for_each": "toset(var.repositories)", "name": "each.value", "tags": "var.tags"},
        "job": {"for_each": "local.jobs", **jobs.call()},
    }
    sources = {"environment": "batch_environment", "runs": "job_runs", "alerts": "job_alerts"}
    sources |= {"repository": "runner_repository", "job": "scheduled_job"}
    return {
        name: {"source": f"../{sources[name]}", **{key: Expression.of(text) for key, text in arguments.items()}}
        for name, arguments in calls.items()
    }


def _outputs(stack: ModuleStack) -> None:
    stack.output(
        "job_definition_names",
        Expression.of("{ for name, job in module.job : name => job.job_definition_name }"),
        "Names of the job definitions by the jobs' full names, `<service>-<job>`.",
    )
    message = Expression.of('join("\\n", local.faults)')
    rule = {"condition": Expression.of("length(local.faults) == 0"), "error_message": message}
    stack.add_override("output.job_definition_names.precondition", [rule])
    arn = "module.environment.compute_environment_arn"
    # A value that is no ARN comes from a mock, in a test.
    here = {
        "condition": Expression.of(
            f'!startswith({arn}, "arn:") || strcontains({arn}, ":${{var.region}}:${{var.account_id}}:")'
        ),
        "error_message": "region and account_id are ${var.region} and ${var.account_id}, and the provider made"
        f" ${{{arn}}}: give the provider's own, or pass the provider of that account and region.",
    }
    for name, text, description in (
        ("namespace", "local.prefix", "`<namespace>-<stage>`, with which all names begin."),
        ("job_queue_arns", "module.environment.job_queue_arns", "ARNs of the job queues by their short names."),
        ("log_group_name", "module.environment.log_group_name", "Name of the jobs' log group."),
        ("trigger_role_arn", "module.environment.trigger_role_arn", "ARN of the role that triggers submit jobs with."),
        ("submit_function_arn", "module.runs.submit_function_arn", "ARN of the function that decides about runs."),
        ("alert_function_name", "module.alerts.alert_function_name", "Name of the function that makes the messages."),
        (
            "trigger_dead_letter_queue_url",
            "module.environment.trigger_dead_letter_queue_url",
            "URL of the queue that keeps what triggers could not submit.",
        ),
    ):
        stack.output(name, Expression.of(text), description)
    stack.add_override("output.namespace.precondition", [here])
