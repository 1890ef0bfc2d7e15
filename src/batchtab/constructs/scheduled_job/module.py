"""A job as a Terraform module."""

from __future__ import annotations

from typing import Any

from batchtab import limits
from batchtab.constructs._terraform import schedule_grammar as grammar
from batchtab.constructs._terraform.expressions import Expression, Nullable, any_of, hcl, negate
from batchtab.constructs._terraform.module_stack import ModuleStack
from batchtab.constructs._terraform.resources import ensure, local, require, require_none
from batchtab.constructs._terraform.roles import ROOT_PATH
from batchtab.constructs.scheduled_job.construct import ScheduledJob
from batchtab.constructs.scheduled_job.timing import Timing, last_moment, later_than_now
from batchtab.constructs.scheduled_job.variables import LATE_AFTER_SECONDS, VARIABLES
from batchtab.declarations import cautions, job_rules

#: Optional inputs whose value may be unknown while Terraform plans: another input says whether they count.
_GIVEN = {
    "job_role_arn": "!var.create_job_role",
    "execution_role_arn": "var.create_execution_role == false",
    "trigger_role_arn": "!var.create_trigger_role",
    "log_group_name": "!var.create_log_group",
}


#: The same, where a third answer is that it is made in any case.
_MADE = {"execution_role_arn": Expression.of("var.create_execution_role == true")}


def _require_one_of_two(job: ScheduledJob, switch: str, name: str) -> None:
    """A supplied value is used, and one without use is refused: no input is silently without effect."""
    require(
        job.job_definition,
        any_of(Expression.of(_GIVEN[name]), Expression.of(f"var.{name} == null")),
        f"${{var.name}}: {name} is given, but {switch} is not false: set it to false, or leave {name} out.",
    )
    require(
        job.job_definition,
        any_of(negate(Expression.of(_GIVEN[name])), Expression.of(f"var.{name} != null")),
        f"${{var.name}}: {switch} is false: give {name}.",
    )


def _watch(timing: Timing) -> Expression:
    """The job's entry in `schedules` of job_alerts, where an empty text or 0 is nothing."""
    said = {name: f'var.{name} == null ? "" : var.{name}' for name in ("timezone", "start", "end")}
    entry = {
        "schedule": hcl(timing.expression),
        "job_queue_arn": "var.job_queue_arn",
        "late_after_seconds": "var.late_after_seconds",
        **said,
        "flexible_window_minutes": "var.flexible_window_minutes == null ? 0 : var.flexible_window_minutes",
    }
    inner = ", ".join(f"{name} = {text}" for name, text in entry.items())
    return Expression.of(f"var.late_after_seconds == null || var.suspend ? null : {{ {inner} }}")


def _warn(stack: ModuleStack, job: ScheduledJob) -> None:
    """Warns of what is over, has no effect (as what an environment gives to all its jobs), or can't be started."""
    roles = " + ".join(f"length({role.address})" for role in (job.job_role, job.execution_role, job.trigger_role))
    default = hcl(limits.JOB_DEFAULTS["attempts"])
    started = "(var.schedule != null || length(var.after) > 0 || length(var.after_all) > 0)"
    nothing = "has no effect: the job has no schedule and comes after no other"
    stack.warn(
        "has_effect",
        {
            f"{started} ? true : var.description == null": f"${{var.name}}: description {nothing}.",
            f"{started} ? true : var.dead_letter_queue_arn == null": (
                f"${{var.name}}: dead_letter_queue_arn {nothing}."
            ),
            "local.by_schedule ? true : var.schedule_group_name == null": (
                "${var.name}: schedule_group_name has no effect: EventBridge Scheduler does not start the job."
            ),
            "var.create_log_group ? true : var.kms_key_arn == null": (
                f"${{var.name}}: kms_key_arn {job_rules.NO_EFFECT_ON_LOG_GROUP}."
            ),
            f"var.attempts > {default} ? true : length(var.evaluate_on_exit) == 0": (
                f"${{var.name}}: evaluate_on_exit {cautions.NOTHING_RETRIED}."
            ),
            "var.share != null ? true : var.priority == null": (
                "${var.name}: priority has no effect without share: it is among the jobs of a share."
            ),
            f'{roles} > 0 ? true : var.role_path == "{ROOT_PATH}" && var.role_name_suffix == ""': (
                "${var.name}: role_path and role_name_suffix have no effect: no role is made."
            ),
        },
    )
    stack.warn(
        "may_start",
        {
            "local.by_schedule ? var.create_trigger_role || var.schedule_group_name != null : true": (
                "${var.name}: schedule_group_name is not given, and EventBridge Scheduler starts the job with"
                " trigger_role_arn: an environment's trigger role works only for groups whose names begin with"
                " <namespace>-."
            ),
        },
    )
    end, at = (
        hcl(later_than_now(moment))
        for moment in (Nullable.input("end"), last_moment(Nullable.input("schedule"), Nullable.input("timezone")))
    )
    stack.warn(
        "is_ahead",
        {
            end: '${var.name}: end, ${coalesce(var.end, "-")}, is over: the job does not run any more.',
            at: '${var.name}: schedule, ${coalesce(var.schedule, "-")}, is over: the job does not run any more.',
        },
    )


def module() -> ModuleStack:
    """The module `scheduled_job`."""
    stack = ModuleStack("scheduled_job")
    inputs = {
        v.name: stack.variable(
            v, given=Expression.of(_GIVEN[v.name]) if v.name in _GIVEN else None, made=_MADE.get(v.name, False)
        )
        for v in VARIABLES
    }
    arguments: dict[str, Any] = {
        "except_" if name == "except" else name: value
        for name, value in inputs.items()
        if not name.startswith("create_") and name != LATE_AFTER_SECONDS.name
    }
    job = ScheduledJob(stack, "Default", **arguments)
    for name in _GIVEN:
        _require_one_of_two(job, f"create_{name.removesuffix('_arn').removesuffix('_name')}", name)
    is_wrong = f'startswith(item, "cron(") && !{grammar.is_cron("item", "local.cron_patterns")}'
    wrong = hcl(local(job, "wrong_exceptions", Expression.of(f"[for item in var.except : item if {is_wrong}]")))
    require_none(
        job.job_definition,
        wrong,
        f"${{var.name}}: except: '${{join(\"', '\", {wrong})}}' must be {grammar.CRON_FORM}, each in AWS's range.",
    )
    for field in ("after", "after_all"):
        require(
            job.job_definition,
            Expression.of(f"!contains(var.{field}, var.name)"),
            f"${{var.name}}: {field} names this job itself: it would start again and again.",
        )
    for name, verb in (("permissions", "give"), ("managed_policy_arns", "attach")):
        require(
            job.job_definition,
            Expression.of(f"var.create_job_role || length(var.{name}) == 0"),
            f"${{var.name}}: {name} have no effect on a role that is not made here: {verb} them to that role, or leave"
            " them out.",
        )
    require(
        job.job_definition,
        Expression.of("var.create_job_role || !var.exec"),
        f"${{var.name}}: exec {job_rules.NO_EFFECT_ON_OWN_ROLE}: give that role the permissions, or leave job_role_arn"
        " out.",
    )
    require(
        job.job_definition,
        Expression.of(
            "length(var.secrets_kms_key_arns) == 0 ||"
            f" (var.create_execution_role != false && ({hcl(job.reads_secrets)}))"
        ),
        "${var.name}: secrets_kms_key_arns have an effect only with secrets and an execution role that is made here.",
    )
    require(
        job.job_definition,
        Expression.of("var.late_after_seconds == null || var.schedule != null"),
        "${var.name}: late_after_seconds has no effect: the job has no schedule.",
    )
    # Not before it is made, because only AWS says where: a rule there could not reach a queue elsewhere.
    here = "arn:${local.partition}:batch:${local.region}:${local.account_id}:"
    ensure(
        job.job_definition,
        # A value that is no ARN comes from a mock, in a test.
        Expression.of(f'!startswith(self.arn, "arn:") || startswith(self.arn, "{here}")'),
        "${var.name}: job_queue_arn: ${var.job_queue_arn} is in another account or region than the provider, which made"
        " ${self.arn}: pass the provider of the queue's region.",
    )
    require(
        job.job_definition,
        Expression.of(
            f"var.create_log_group || var.log_retention_days == {limits.STAGE_DEFAULTS['log_retention_days']}"
        ),
        f"${{var.name}}: log_retention_days {job_rules.NO_EFFECT_ON_LOG_GROUP}.",
    )
    _warn(stack, job)
    stack.output("job_definition_name", job.job_definition["name"], "Name of the job definition: its newest revision.")
    stack.output("job_definition_arn", job.job_definition["arn"], "ARN of the job definition, with its revision.")
    stack.output("job_definition_revision", job.job_definition["revision"], "Revision of the job definition.")
    stack.output("schedule_expression", job.timing.expression, "The schedule in AWS's form; null where there is none.")
    stack.output(
        "watch",
        _watch(job.timing),
        "What `schedules` of job_alerts takes of this job; null without late_after_seconds, or while the job is"
        " suspended.",
    )
    stack.output("rule_name", job.rule["name"], "Name of the EventBridge rule; null where none starts the job.")
    stack.output("rule_arn", job.rule["arn"], "ARN of the rule; null where none starts the job.")
    stack.output(
        "upstream_rule_name",
        job.upstream_rule["name"],
        "Name of the rule on the ends of jobs in `after` or `after_all`; or null.",
    )
    stack.output("upstream_rule_arn", job.upstream_rule["arn"], "ARN of that rule; or null.")
    stack.output(
        "schedule_name", job.schedule["name"], "Name of the Scheduler schedule; null where none starts the job."
    )
    stack.output("schedule_arn", job.schedule["arn"], "ARN of that schedule; null where a rule is enough.")
    stack.output("job_role_arn", job.job_role_arn, "ARN of the job role.")
    stack.output(
        "job_role_name", job.job_role["name"], "Name of the job role, for further policies; null if you supply it."
    )
    stack.output("execution_role_arn", job.execution_role_arn, "ARN of the execution role; null where none is needed.")
    stack.output(
        "execution_role_name",
        job.execution_role["name"],
        "Name of the execution role; null if you supply it, or not needed.",
    )
    stack.output("trigger_role_arn", job.trigger_role_arn, "ARN of the trigger role; null where no trigger needs one.")
    stack.output(
        "trigger_role_name", job.trigger_role["name"], "Name of the trigger role; null if you supply it, or not needed."
    )
    stack.output("log_group_name", job.log_group_name, "Name of the log group.")
    stack.output("log_group_arn", job.log_group["arn"], "ARN of the log group; null if you supply it.")
    return stack
