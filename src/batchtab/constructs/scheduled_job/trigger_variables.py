"""The inputs of a job's module that say when it runs, and what becomes of runs that meet."""

from __future__ import annotations

from batchtab import limits
from batchtab.constructs._terraform.expressions import hcl
from batchtab.constructs._terraform.module_stack import Variable, among, holds, matching, within

_JOB = limits.JOB_DEFAULTS
# AWS's six fields, with a `?` as one of the days; of the figures in it a value's whole check knows more.
_CRON = (
    "^cron[(] *([0-9*,/-]+ +){2}([0-9*,/LWlw-]+ +[0-9A-Za-z*,/-]+ +[?]|[?] +[0-9A-Za-z*,/-]+ +[0-9A-Za-z*,/#-]+)"
    " +[0-9*,/-]+ *[)]$"
)
_FIRST_AND_LAST = '"${split("/", item)[0]}T00:00:00Z", "${reverse(split("/", item))[0]}T00:00:00Z"'

VARIABLES = (
    Variable(
        "schedule",
        "string",
        "When it runs: `cron(…)`, `rate(…)` or `at(…)` as AWS takes them, crontab's five fields, or a word such as"
        " `@daily`; in UTC unless `timezone` is given; null: only by hand.",
        _JOB["schedule"],
        [matching("schedule", limits.SCHEDULE_SHAPE, nullable=True)],
    ),
    Variable(
        "timezone",
        "string",
        "Time zone of the schedule. With it, `start`, `end`, `flexible_window_minutes`, `except` or `at(…)` an"
        " EventBridge Scheduler schedule starts the job, otherwise an EventBridge rule.",
        _JOB["timezone"],
        [matching("timezone", limits.TIMEZONE, nullable=True)],
    ),
    Variable(
        "start",
        "string",
        "First moment, in UTC. Once it has passed the next plan takes it out of the schedule, because Scheduler would"
        " refuse every later change.",
        _JOB["start"],
        [matching("start", limits.MOMENT, nullable=True)],
    ),
    Variable(
        "end",
        "string",
        "Last moment, in UTC. The next plan after it takes the schedule away, and that of `at(…)` after its time:"
        " Scheduler would refuse to make or change it.",
        _JOB["end"],
        [matching("end", limits.MOMENT, nullable=True)],
    ),
    Variable(
        "flexible_window_minutes",
        "number",
        "Starts each run at any moment within so many minutes.",
        _JOB["flexible_window_minutes"],
        [within("flexible_window_minutes", limits.FLEXIBLE_WINDOW_MINUTES, nullable=True)],
    ),
    Variable(
        "except",
        "list(string)",
        f"When it does not run, in the schedule's time zone, at most {limits.EXCEPT_MAX}: each"
        f" {limits.EXCEPT.meaning}. Needs `submit_function_arn`.",
        [],
        [
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
                "except: each day must be one of the calendar, a range must not run backwards, and cron(…) has AWS's"
                " six fields with '?' as one of the days.",
            ),
        ],
    ),
    Variable(
        "trigger",
        "string",
        f"{limits.TRIGGER.describe()}, where the choice matters; null: whichever is needed. Make a change that moves a"
        " job from one to the other while no run is due.",
        _JOB["trigger"],
        [
            holds(
                f"var.trigger == null ? true : contains({hcl(list(limits.TRIGGER.values))}, var.trigger)",
                f'trigger: ${{var.trigger == null ? "null" : var.trigger}} is not {limits.TRIGGER.describe()}.',
            )
        ],
    ),
    Variable("suspend", "bool", "Keeps the trigger but disables it.", _JOB["suspend"]),
    Variable(
        "after",
        "list(string)",
        f"Names of jobs of this namespace at whose end this one starts, at most {limits.AFTER_MAX}. The ended job's id"
        f" reaches it as {limits.UPSTREAM_JOB_ID_VARIABLE}.",
        [],
        [
            holds(f"length(var.after) <= {limits.AFTER_MAX}", f"after: at most {limits.AFTER_MAX} jobs."),
            holds(
                f"alltrue([for name in var.after : can(regex({hcl(limits.JOB_NAME.pattern)}, name))])",
                f"after: a job's name must be {limits.JOB_NAME.describe()}.",
            ),
        ],
    ),
    Variable(
        "after_status",
        "string",
        f"Which end of those jobs counts: {limits.AFTER_STATUS.describe()}.",
        _JOB["after_status"],
        [among("after_status", limits.AFTER_STATUS)],
    ),
    Variable(
        "concurrency_policy",
        "string",
        f"{limits.CONCURRENCY_POLICY.describe()}: whether a run that is due while another waits or runs is started as"
        " well, skipped, started in its place, or after it. Needs `submit_function_arn`; without one forbid is left to"
        " the image's entrypoint, which must be the runner's.",
        _JOB["concurrency_policy"],
        [among("concurrency_policy", limits.CONCURRENCY_POLICY)],
    ),
    Variable(
        "queue_limit",
        "number",
        "With queue: how many runs may wait; further ones are dropped.",
        _JOB["queue_limit"],
        [within("queue_limit", limits.QUEUE_LIMIT)],
    ),
    Variable(
        "starting_deadline_seconds",
        "number",
        "A run that could not start so long after its time is not started.",
        _JOB["starting_deadline_seconds"],
        [within("starting_deadline_seconds", limits.STARTING_DEADLINE_SECONDS, nullable=True)],
    ),
    Variable(
        "pause_on_failure",
        "bool",
        "After a run that failed, none is started until somebody resumes the job. Needs `submit_function_arn`.",
        _JOB["pause_on_failure"],
    ),
    Variable(
        "submit_function_arn",
        "string",
        "The function of `job_runs`, which decides about each run of a job with a policy, `except` or"
        " `pause_on_failure`. With forbid, whether it is given must be known when Terraform plans.",
        None,
    ),
    Variable(
        "schedule_group_name",
        "string",
        "Schedule group that the schedule is made in; null: Scheduler's `default`. An environment's trigger role works"
        " for groups whose names begin with `<namespace>-`.",
        None,
        [matching("schedule_group_name", limits.SCHEDULE_GROUP_NAME, nullable=True)],
    ),
    Variable("description", "string", "Description of the trigger.", None),
)
