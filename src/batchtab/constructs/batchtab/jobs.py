"""What a stage makes of each job, as HCL: the same that `app.py` makes of it in Python."""

from __future__ import annotations

from batchtab import limits
from batchtab.constructs._terraform.expressions import Expression, hcl
from batchtab.constructs._terraform.naming import shorten
from batchtab.constructs._terraform.roles import RoleSettings
from batchtab.constructs.batchtab.faults import text
from batchtab.constructs.batchtab.rules import FULL_NAME, of
from batchtab.constructs.scheduled_job.grants import CACHES
from batchtab.declarations import trigger_arguments
from batchtab.declarations.job import JobSpec
from batchtab.declarations.job_arguments import JobArguments
from batchtab.declarations.table import written

_OTHER_REGISTRY = "^([^/]*[.:][^/]*|localhost)/"
_NAME, _POLICY = limits.RUNNER_VARIABLES["job_name"], limits.RUNNER_VARIABLES["concurrency_policy"]
_CACHED = limits.ECR_IMAGE_PATTERN.replace("([^:@]+)", f"(?:{'|'.join(CACHES)})(?:[/:@]|$)")
#: What a job says is an argument of the module by the same name, but for these.
_OWN = (
    "image",
    "containers",
    "log",
    "secrets",
    "environment",
    "permissions",
    "except",
    "after",
    "after_all",
    "start",
    "end",
)


def image(item: str) -> str:
    """An image's address: in the stage's own ECR unless its repository names another registry."""
    name = f"{item}.repository"
    version = f'try("@${{{item}.digest}}", ":${{{item}.tag}}")'
    return f'"${{can(regex({text(_OTHER_REGISTRY)}, {name})) ? "" : "${{local.registry}}/"}}${{{name}}}${{{version}}}"'


def secret(item: str) -> str:
    """A secret's ARN, by its name in this stage or as it is."""
    manager = f'"${{local.arn_of["secretsmanager"]}}:secret:${{trimprefix({item}, "secretsmanager:")}}"'
    parameter = f'"${{local.arn_of["ssm"]}}:parameter/${{trimprefix(trimprefix({item}, "ssm:"), "/")}}"'
    return f'startswith({item}, "arn:") ? {item} : startswith({item}, "secretsmanager:") ? {manager} : {parameter}'


def _secrets(item: str) -> str:
    return f"{{ for k, v in try({item}, {{}}) : k => {secret('v')} }}"


def _log(item: str) -> str:
    return f"merge(try({item}.log, {{}}), {{ secret_options = {_secrets(f'{item}.log.secret_options')} }})"


def _ulimits(item: str) -> str:
    return f"{{ for k, v in try({item}.ulimits, {{}}) : k => {{ soft = try(v.soft, v), hard = try(v.hard, v) }} }}"


def _containers() -> str:
    one = (
        "merge({ for k, v in c : k => v if v != null }, { image = try("
        f"{image('c.image')}, null), secrets = {_secrets('c.secrets')}, log = {_log('c')},"
        f" ulimits = {_ulimits('c')} }})"
    )
    return f"{{ for name, c in try(w.containers, {{}}) : name => {one} }}"


def locals_of_jobs() -> dict[str, str]:
    """The jobs as the module `scheduled_job` takes them, none where a file is wrong, and the groups of schedules."""
    each = "concat([w], values(try(w.containers, {})))"
    reads = (
        f"anytrue([for c in {each} : length(try(c.secrets, {{}})) > 0 || try(c.registry_credentials, null) != null ||"
        " length(try(c.log.secret_options, {})) > 0])"
    )
    managed = " || ".join(
        [
            f'{of("concurrency_policy")} != "allow"',
            f"length({of('after_all')}) > 0",
            f"length({of('except_')}) > 0",
            *(f"{of(name)} != null" for name in ("share", "nodes", "grace_seconds")),
            "length(try(w.containers, {})) > 0",
            of("pause_on_failure"),
        ]
    )
    asked = 'length(s.said) > 0 || startswith(s.schedule, "at(") ? "schedule" : "rule"'
    scheduled = f's.schedule != "-" && coalesce({of("trigger")}, {asked}) == "schedule"'
    window = f"coalesce({of('flexible_window_minutes')}, 0) * 60"
    deadline = of("starting_deadline_seconds")
    ages = (
        f"[{trigger_arguments.LONGEST_SECONDS}], [for g in [s.gap] : g - 1 - {window} if g != null],"
        f" [for d in [{deadline}] : d - {window} if d != null && !({managed})]"
    )
    after, after_all = (f"[for a in {of(field)} : {FULL_NAME}]" for field in ("after", "after_all"))
    excluded = f'[for e in {of("except_")} : trimsuffix(e, "T00:00:00Z")]'
    own_image = "[for i in [try(w.image, null), s.image] : i if i != null]"
    guarded = f'length({own_image}) == 0 && {of("concurrency_policy")} == "forbid"'
    environment = (
        f"merge({{ for k, v in {{ {_NAME} = s.full }} : k => v if length({own_image}) == 0 }},"
        f' {{ for k, v in {{ {_POLICY} = "forbid" }} : k => v if {guarded} }}, try(w.environment, {{}}))'
    )
    permissions = (
        f'concat({of("permissions")}, [for p in [{{ actions = ["batch:ListJobs"], resources = ["*"] }}] : p if'
        f" {guarded}])"
    )
    capacity = "local.environment.queue_capacities[s.queue]"
    images = "concat([uri], [for c in values(try(w.containers, {})) : try(" + image("c.image") + ', "")])'
    cached = f"anytrue([for i in {images} : can(regex({text(_CACHED)}, i))])"
    shared = (
        f"contains({hcl(list(limits.FARGATE_CAPACITIES))}, {capacity}) && !({reads}) &&"
        f" !can(regex({text(_CACHED)}, uri))"
    )
    members = {
        "service": "s.service",
        "job": "w",
        "image": "uri",
        "environment": environment,
        "permissions": permissions,
        "secrets": _secrets("w.secrets"),
        "log": _log("w"),
        "ulimits": _ulimits("w"),
        "containers": _containers(),
        "except": excluded,
        "after": after,
        "after_all": after_all,
        "start": "s.start",
        "end": "s.end",
        "schedule": 's.schedule == "-" ? null : s.schedule',
        "queue": "s.queue",
        "capacity": capacity,
        "is_managed": managed,
        "is_scheduled": scheduled,
        "reads_secrets": reads,
        "shares_role": shared,
        "is_cached": cached,
        "maximum_event_age_seconds": (f"max({limits.DELIVERY_RETRY_AGE_SECONDS.minimum}, min(concat({ages})...))"),
    }
    inner = ", ".join(f"{name} = {value}" for name, value in members.items())
    uri = f"[for i in concat({own_image}, [for i in [var.runner_image] : i if i != null]) : {image('i')}][0]"
    group = shorten(Expression.of('"${local.prefix}-${s}"'), limits.SCHEDULE_NAME_MAX)
    pattern = text(limits.ECR_IMAGE_PATTERN)
    images = (
        "concat([for j in values(local.jobs) : j.image], flatten([for j in values(local.jobs) :"
        " [for c in values(j.containers) : c.image if c.image != null]]))"
    )
    arn = '"arn:${local.partition}:ecr:${r[1]}:${r[0]}:repository/${r[2]}"'
    return {
        "jobs": "{ for s in local.jobs_timed : s.full => [for w in [s.job] : [for uri in"
        f" [{uri}] : {{ {inner} }}][0]][0] if length(local.faults) == 0 }}",
        "schedule_groups": "{ for s in distinct([for j in values(local.jobs) : j.service if j.is_scheduled]) :"
        f" s => {hcl(group)} }}",
        "image_repository_arns": f"sort(distinct(flatten([for i in {images} : [for r in"
        f" try([regex({pattern}, i)], []) : {arn}]])))",
    }


def call() -> dict[str, str]:
    """The arguments of `scheduled_job`, of the job `each.value`."""
    job = "each.value.job"
    names = {written(name, field) for name, field in JobArguments.model_fields.items()}
    said = names & {written(name, field) for name, field in JobSpec.model_fields.items()}
    arguments = {name: f"try({job}.{name}, null)" for name in sorted(said)}
    arguments |= {name: f"each.value.{name}" for name in (*_OWN, "capacity", "schedule", "ulimits")}
    role = f"try({job}.execution_role_arn, null)"
    starts = "each.value.schedule != null || length(each.value.after) > 0 || length(each.value.after_all) > 0"
    # That a role is shared is known when Terraform plans; its ARN may not be.
    arguments |= {
        "name": "each.key",
        "namespace": "local.prefix",
        "command": f"{job}.command",
        "job_queue_arn": "local.environment.job_queue_arns[each.value.queue]",
        "tags": f"merge(var.tags, {job}.tags)",
        "submit_function_arn": "each.value.is_managed ? local.submit_function_arn : null",
        "schedule_group_name": "each.value.is_scheduled ?"
        " aws_scheduler_schedule_group.schedule_group[each.value.service].name : null",
        "trigger_role_arn": "local.environment.trigger_role_arn",
        "create_trigger_role": "false",
        "log_group_name": "local.environment.log_group_name",
        "create_log_group": "false",
        # Without a trigger they have no effect.
        "maximum_event_age_seconds": f"{starts} ? each.value.maximum_event_age_seconds : null",
        "dead_letter_queue_arn": f"{starts} ? local.environment.trigger_dead_letter_queue_arn : null",
        **{name: f"var.{name}" for name in RoleSettings.ARGUMENTS},
        "create_job_role": f"try({job}.job_role_arn, null) == null",
        "execution_role_arn": f"{role} != null ? {role} : each.value.shares_role ?"
        " local.environment.execution_role_arn : null",
        "create_execution_role": f"{role} != null || each.value.shares_role ? false :"
        " each.value.is_cached ? true : null",
        "secrets_kms_key_arns": f"each.value.reads_secrets && {role} == null ? var.secrets_kms_key_arns : []",
    }
    return arguments
