"""A job's inputs as a Terraform module: its fields, and what belongs to a module alone."""

from __future__ import annotations

from itertools import starmap

from batchtab import limits
from batchtab.constructs._terraform.derived import variable_of, variables
from batchtab.constructs._terraform.expressions import hcl
from batchtab.constructs._terraform.module_stack import Validation, Variable, matching, requires
from batchtab.constructs.scheduled_job import retries
from batchtab.constructs.scheduled_job.container_rules import ALONE, OF_ONE, of_one
from batchtab.declarations import command_line, container_fields, job_rules, way_out
from batchtab.declarations.alerting import Alerting
from batchtab.declarations.job_arguments import JobArguments

_RULES_MAX = limits.EVALUATE_ON_EXIT_RULES_MAX
_FIRST_AND_LAST = '"${split("/", item)[0]}T00:00:00Z", "${reverse(split("/", item))[0]}T00:00:00Z"'
_CONDITIONS = ", ".join(f"rule.{field}" for field in limits.EVALUATE_ON_EXIT_CONDITIONS)

_LINUX = ", ".join(way_out.LINUX_FIELD_OF)


def _of_volumes(condition: str, text: str) -> Validation:
    """Something that each volume, `each`, must meet."""
    return requires(f"alltrue([for each in values(var.volumes) : {condition}])", f"volumes[*].{text}.")


#: What several members of a value say together.
_MORE: dict[str, list[Validation]] = {
    **{
        field: [requires(condition, message) for condition, message in of_one(field, f"var.{field}")]
        for field in OF_ONE
    },
    "volumes": [
        *(
            _of_volumes(
                f"each.efs_file_system_id != null || each.{name} == null",
                f"{name}: {container_fields.WITHOUT_EFS}: leave it out",
            )
            for name in ("root_directory", "access_point_id")
        ),
        _of_volumes(
            "each.efs_file_system_id == null || each.host_path == null",
            f"host_path: {container_fields.BESIDE_EFS}: make two volumes",
        ),
        _of_volumes(
            'each.access_point_id == null || try(coalesce(each.root_directory, "/") == "/", false)',
            f"root_directory: {container_fields.BESIDE_POINT}: leave it out",
        ),
        requires(
            f"!contains(keys(var.volumes), {hcl(container_fields.TMP_VOLUME)})",
            f"volumes: {container_fields.TMP_VOLUME} {job_rules.OWN_VOLUME}: give it another name.",
        ),
    ],
    "schedule": [matching("schedule", limits.SCHEDULE_SHAPE, nullable=True)],
    "except": [
        requires(f"length(var.except) <= {limits.EXCEPT_MAX}", f"except: at most {limits.EXCEPT_MAX}."),
        requires(
            f"alltrue([for item in var.except : can(regex({hcl(limits.EXCEPT.pattern)}, item)) &&"
            f" length(item) <= {limits.EXCEPT.maximum}])",
            f"except: each must be {limits.EXCEPT.describe()}.",
        ),
        requires(
            f"alltrue([for item in var.except : !can(regex({hcl(limits.EXCEPT.pattern)}, item)) ||"
            f' startswith(item, "cron(") || try(timecmp({_FIRST_AND_LAST}) <= 0, false)])',
            "except: each day must be one of the calendar, and a range must not run backwards.",
        ),
    ],
    "evaluate_on_exit": [
        requires(
            f"length(var.evaluate_on_exit) < {_RULES_MAX} || (length(var.evaluate_on_exit) == {_RULES_MAX} &&"
            f" try({retries.catches_all(f'var.evaluate_on_exit[{_RULES_MAX - 1}]')}, false))",
            f"evaluate_on_exit: at most {_RULES_MAX - 1} rules, or {_RULES_MAX} of which the last catches all, as"
            " on_reason '*' does.",
        ),
        requires(
            f"alltrue([for rule in var.evaluate_on_exit : length(compact([{_CONDITIONS}])) > 0])",
            "evaluate_on_exit: a rule needs one of " + ", ".join(limits.EVALUATE_ON_EXIT_CONDITIONS) + ".",
        ),
    ],
    "command": [requires('try(var.command[0] != "", true)', f"command: {command_line.NO_PROGRAM}.")],
    "permissions": [
        requires(
            "alltrue(flatten([for p in var.permissions : [for a in p.actions : p.allow_wide ||"
            f" !can(regex({hcl(limits.WIDE_ACTION_PATTERN)}, a)) ||"
            f" can(regex({hcl(limits.HARMLESS_ACTION_PATTERN)}, a)) ||"
            f" (can(regex({hcl(limits.HARMLESS_IF_NAMED_PATTERN)}, a)) &&"
            ' alltrue([for r in p.resources : !can(regex("[*?]", r))]))]]))',
            f"permissions: an action {limits.WIDE}: name what it needs, or say allow_wide = true.",
        ),
    ],
    "containers": list(starmap(requires, ALONE)),
    "container": [
        requires(
            "can(keys(var.container)) && alltrue([for key in try(keys(var.container), []) :"
            f" contains({hcl(way_out.free_keys())}, key)])",
            f"container: only {', '.join(way_out.free_keys())}; everything else has a variable of its own.",
        ),
        requires(
            f"length(setintersection(keys(var.container.linuxParameters), {hcl(list(way_out.LINUX_FIELD_OF))})) == 0",
            f"container.linuxParameters: each of {_LINUX} has a variable of its own.",
        ),
    ],
}
#: Whether the module makes a thing, where the value that says so may be unknown while Terraform plans.
CREATES = (
    Variable("create_job_role", "bool", "Whether to create a job role. With false, set `job_role_arn`.", True),
    Variable(
        "create_execution_role",
        "bool",
        "Whether to create an execution role; by default where one is needed: on Fargate, or with secrets. With true,"
        " what needs one may be unknown. With false, set `execution_role_arn`.",
        None,
    ),
    Variable(
        "create_trigger_role", "bool", "Whether to create a trigger role. With false, set `trigger_role_arn`.", True
    ),
    Variable("create_log_group", "bool", "Whether to create a log group. With false, set `log_group_name`.", True),
)
LATE_AFTER_SECONDS = variable_of(Alerting, "late_after_seconds")
VARIABLES = (*variables(JobArguments, _MORE), LATE_AFTER_SECONDS, *CREATES)
