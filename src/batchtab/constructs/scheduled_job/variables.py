"""A job's inputs as a Terraform module: its fields, and what belongs to a module alone."""

from __future__ import annotations

from batchtab import limits
from batchtab.constructs._terraform.derived import variables
from batchtab.constructs._terraform.expressions import hcl
from batchtab.constructs._terraform.module_stack import Validation, Variable, holds, matching
from batchtab.constructs.scheduled_job.container_rules import ALONE
from batchtab.declarations import way_out
from batchtab.declarations.job_arguments import JobArguments

#: Of AWS's six fields, with a `?` as one of the days; of the figures in it a value's whole check knows more.
_CRON = (
    "^cron[(] *([0-9*,/-]+ +){2}([0-9*,/LWlw-]+ +[0-9A-Za-z*,/-]+ +[?]|[?] +[0-9A-Za-z*,/-]+ +[0-9A-Za-z*,/#-]+)"
    " +[0-9*,/-]+ *[)]$"
)
_FIRST_AND_LAST = '"${split("/", item)[0]}T00:00:00Z", "${reverse(split("/", item))[0]}T00:00:00Z"'
_CONDITIONS = ", ".join(f"rule.{field}" for field in limits.EVALUATE_ON_EXIT_CONDITIONS)

#: What several members of a value say together.
_MORE: dict[str, list[Validation]] = {
    "schedule": [matching("schedule", limits.SCHEDULE_SHAPE, nullable=True)],
    "except": [
        holds(f"length(var.except) <= {limits.EXCEPT_MAX}", f"except: at most {limits.EXCEPT_MAX}."),
        holds(
            f"alltrue([for item in var.except : can(regex({hcl(limits.EXCEPT.pattern)}, item)) &&"
            f" length(item) <= {limits.EXCEPT.maximum}])",
            f"except: each must be {limits.EXCEPT.describe()}.",
        ),
        holds(
            f"alltrue([for item in var.except : !can(regex({hcl(limits.EXCEPT.pattern)}, item)) ||"
            f" can(regex({hcl(_CRON)}, item)) ||"
            f" try(timecmp({_FIRST_AND_LAST}) <= 0, false)])",
            "except: each day must be one of the calendar, a range must not run backwards, and cron(…) has AWS's six"
            " fields with '?' as one of the days.",
        ),
    ],
    "evaluate_on_exit": [
        holds(
            f"length(var.evaluate_on_exit) < {limits.EVALUATE_ON_EXIT_RULES_MAX}",
            f"evaluate_on_exit: at most {limits.EVALUATE_ON_EXIT_RULES_MAX - 1} rules.",
        ),
        holds(
            f"alltrue([for rule in var.evaluate_on_exit : length(compact([{_CONDITIONS}])) > 0])",
            "evaluate_on_exit: a rule needs one of " + ", ".join(limits.EVALUATE_ON_EXIT_CONDITIONS) + ".",
        ),
    ],
    "permissions": [
        holds(
            "alltrue(flatten([for p in var.permissions : [for a in p.actions : p.allow_wide ||"
            f" !can(regex({hcl(limits.WIDE_ACTION_PATTERN)}, a)) ||"
            f" can(regex({hcl(limits.HARMLESS_ACTION_PATTERN)}, a)) ||"
            f" (can(regex({hcl(limits.HARMLESS_IF_NAMED_PATTERN)}, a)) &&"
            ' alltrue([for r in p.resources : !can(regex("[*?]", r))]))]]))',
            f"permissions: an action {limits.WIDE}: name what it needs, or say allow_wide = true.",
        ),
    ],
    "containers": [holds(condition, message) for condition, message in ALONE],
    "container": [
        holds(
            f"alltrue([for key in keys(var.container) : contains({hcl(way_out.free_keys())}, key)])",
            f"container: only {', '.join(way_out.free_keys())}; everything else has a variable of its own.",
        ),
    ],
}
#: Whether the module makes a thing, where the value that says so may be unknown while Terraform plans.
CREATES = (
    Variable("create_job_role", "bool", "Whether to create a job role. With false, set `job_role_arn`.", True),
    Variable(
        "create_execution_role",
        "bool",
        "Whether to create an execution role where one is needed: on Fargate, or with secrets. With false, set"
        " `execution_role_arn`.",
        True,
    ),
    Variable(
        "create_trigger_role", "bool", "Whether to create a trigger role. With false, set `trigger_role_arn`.", True
    ),
    Variable("create_log_group", "bool", "Whether to create a log group. With false, set `log_group_name`.", True),
)
VARIABLES = (*variables(JobArguments, _MORE), *CREATES)
