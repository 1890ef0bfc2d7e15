"""What does not go together in a job and among jobs, as HCL, in the words of `batchtab check`.

Each is a list of texts of the job `w`, which is merged with its service's defaults and whose place is `s.place`. They
are asked only of files whose single values are right.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from batchtab import limits
from batchtab.constructs._terraform.expressions import hcl
from batchtab.constructs.batchtab.faults import fault, text
from batchtab.declarations import container_rules, job_rules, way_out
from batchtab.declarations.container_fields import TMP_VOLUME
from batchtab.declarations.job import JobSpec
from batchtab.declarations.job_rules import AFTER_NOTHING, NO_SCHEDULE, NO_TRIGGER
from batchtab.declarations.one_job import OneJob
from batchtab.declarations.sidecars import Sidecar
from batchtab.declarations.table import Needs, Only, annotations_of, fields_with, written
from batchtab.declarations.trigger_fields import POLICIES_OF_TRIGGERS
from batchtab.errors import LISTED_MAX, listed
from batchtab.main_container import MAIN

STAGE = "stage ${var.stage}"
#: Of the job `a` as `after` names it in the service `s.service`.
FULL_NAME = 'length(split("/", a)) > 1 ? replace(a, "/", "-") : "${s.service}-${a}"'
_MAIN = hcl(MAIN)
_CONTAINERS = "try(w.containers, {})"
_IS_RATE = 'startswith(coalesce(try(w.schedule, null), "-"), "rate(")'
_IS_ONCE = 'startswith(coalesce(try(w.schedule, null), "-"), "at(")'
_NEEDS_SCHEDULER = f"(length(s.said) > 0 || {_IS_ONCE})"


def of(name: str, item: str = "w") -> str:
    """A field of a job with its default."""
    field = JobSpec.model_fields[name]
    key = written(name, field)
    if field.is_required():
        return f"{item}.{key}"
    default = field.get_default()
    if isinstance(default, tuple):
        return f"[for e in flatten([try({item}.{key}, [])]) : e if e != null]"
    plain = {} if isinstance(default, BaseModel | dict) else default
    return f"try({item}.{key}, {hcl(plain)})"


def is_given(model: type[BaseModel], name: str, item: str = "w") -> str:
    """Whether a field says more than its default."""
    field = model.model_fields[name]
    key, default = written(name, field), field.get_default()
    if default is None:
        return f"try({item}.{key}, null) != null"
    if isinstance(default, tuple):
        return f"length(try(flatten([{item}.{key}]), [])) > 0"
    if isinstance(default, dict):
        return f"length(try(keys({item}.{key}), [])) > 0"
    return f"try({item}.{key}, {hcl(default)}) != {hcl(default)}"


def _when(condition: str, path: str, message: str, item: str = "") -> str:
    """A fault where a condition is met."""
    return f"[for t in [0] : {_said(path, message, item)} if {condition}]"


def _said(path: str, message: str, item: str = "") -> str:
    return fault(path, _live(message), item)


def _live(message: str) -> str:
    """A text in which `${…}` is live, as HCL."""
    return hcl(message) if "${" in message else text(message)


def rules() -> dict[str, list[str]]:
    """All rules, by what they are about."""
    return {
        "timing": list(_timing()),
        "parts": list(_parts()),
        "container": list(_way_out()),
        "containers": list(_containers()),
        "capacity": list(_capacity()),
        "stage": list(_stage()),
    }


def _timing() -> Iterator[str]:
    no_schedule = f"{of('schedule')} == null"
    follows_none = f"length({of('after')}) == 0 && length({of('after_all')}) == 0"
    no_trigger = f"{no_schedule} && {follows_none}"
    for what, unless, message in (("schedule", no_schedule, NO_SCHEDULE), ("trigger", no_trigger, NO_TRIGGER)):
        for name in fields_with(OneJob, Needs(what)):  # type: ignore[arg-type]
            key = written(name, OneJob.model_fields[name])
            one_or_list = isinstance(OneJob.model_fields[name].get_default(), tuple)
            value = f"flatten([w.{key}])" if one_or_list else f"w.{key}"
            yield _when(f"{unless} && {is_given(OneJob, name)}", key, message, value)
    policy, hcl_policies = of("concurrency_policy"), hcl(list(POLICIES_OF_TRIGGERS))
    yield _when(f"{no_trigger} && contains({hcl_policies}, {policy})", "concurrency_policy", NO_TRIGGER, policy)
    status = of("after_status")
    yield _when(f"{follows_none} && {is_given(OneJob, 'after_status')}", "after_status", AFTER_NOTHING, status)
    joins = f"length({of('after_all')}) > 0"
    for other, is_there in (("schedule", f"{of('schedule')} != null"), ("after", f"length({of('after')}) > 0")):
        only = f"{of('schedule')} == null && " if other == "after" else ""
        message = f"does not go with {other}: {job_rules.ONE_START}"
        yield _when(f"{only}{joins} && {is_there}", "after_all", message, "w.after_all")
    within = of("within_seconds")
    yield _when(f"!({joins}) && {within} != null", "within_seconds", job_rules.ONLY_WITH_AFTER_ALL, within)
    limited = 'contains(keys(w), "queue_limit")'
    yield _when(f'{limited} && {policy} != "queue"', "queue_limit", job_rules.ONLY_WITH_QUEUE, "w.queue_limit")
    deadline, window = of("starting_deadline_seconds"), of("flexible_window_minutes")
    late = f"try({deadline} < {window} * 60, false)"
    yield _when(late, "starting_deadline_seconds", job_rules.SHORTER_THAN_WINDOW, deadline)
    said = "s.said"
    trigger = of("trigger")
    asked = f'coalesce({trigger}, length({said}) > 0 ? "schedule" : "rule")'
    also = f'{trigger} == "schedule" ? ["trigger: schedule"] : []'
    words = f'${{join(", ", concat({said}, {also}))}}'
    scheduled = f'{_IS_RATE} && {asked} == "schedule"'
    yield _when(scheduled, "schedule", f"does not go with {words}: {job_rules.NOT_WITH_RATE}", "w.schedule")
    words = f'${{join(", ", concat({said}, {_IS_ONCE} ? ["at(…)"] : []))}}'
    ruled = f'!({_IS_RATE} && {asked} == "schedule") && {trigger} == "rule" && {_NEEDS_SCHEDULER}'
    yield _when(ruled, "trigger", f"cannot express {words}: only a schedule can", '"rule"')
    start, end = "s.start", "s.end"
    wrong = f"try(timecmp({start}, {end}) >= 0, false)"
    yield _when(wrong, "end", f"{job_rules.NOT_AFTER_START}, ${{w.start}}", "try(w.end, null)")
    gap = "s.gap"
    most = f"${{floor({gap} / 60)}}"
    longer = f"try({window} * 60 > {gap}, false)"
    yield _when(
        longer, "flexible_window_minutes", f"is longer than the time between two runs: {most} (minutes)", window
    )
    for name in ("start", "end"):
        is_local = f"try(w.{name}, null) != null && s.{name} == null"
        message = (
            "is on the wall clock of ${w.timezone}, which Terraform does not know: write its offset, such as"
            " 2026-12-01T09:00:00+09:00"
        )
        yield _when(is_local, name, message, f"w.{name}")
    longest = f"{of('timeout_seconds')} * {of('attempts')}"
    message = f"is longer than timeout_seconds lets it run: ${{{longest}}}"
    usual = of("usual_duration_seconds")
    yield _when(f"try({usual} > {longest}, false)", "usual_duration_seconds", message, usual)
    late = "try(s.own.alerts.late_after_seconds, null)"
    yield _when(f"{no_schedule} && {late} != null", "alerts.late_after_seconds", NO_SCHEDULE, late)


def _parts() -> Iterator[str]:
    both = f"setintersection(keys({of('environment')}), keys({of('secrets')}))"
    yield f"[for k in sort({both}) : {_said('secrets.${k}', job_rules.TWICE)}]"
    nodes, array = of("nodes"), of("array_size")
    message = "does not go with array_size: a multi-node job has no children"
    yield _when(f"{nodes} != null && {array} != null", "nodes", message, nodes)
    for name in ("permissions", "managed_policy_arns", "exec"):
        own = f"{of('job_role_arn')} != null && {is_given(OneJob, name)}"
        yield _when(own, name, job_rules.NO_EFFECT_ON_OWN_ROLE)
    root = of("read_only_root_filesystem")
    yield _when(f"{of('exec')} && {root}", "exec", job_rules.EXEC_WRITES, "true")
    volumes = of("volumes")
    each = f'merge({{ "" = w }}, {{ for k, c in {_CONTAINERS} : "containers.${{k}}." => c }})'
    known = f'${{try(coalesce(join(", ", keys({volumes}))), "none")}}'
    missing = _said("${p}mounts[${i}].volume", f"is not one of the job's volumes: {known}", "m.volume")
    twice = _said("${p}mounts[${i}].path", job_rules.TMPFS_TOO, "m.path")
    loop = f"for p, c in {each} : [for i, m in try(c.mounts, [])"
    yield f"[{loop} : {missing} if !contains(keys({volumes}), m.volume)]]"
    yield f"[{loop} : {twice} if contains(keys(try(c.tmpfs, {{}})), m.path)]]"
    used = f"flatten([for c in concat([w], values({_CONTAINERS})) : [for m in try(c.mounts, []) : m.volume]])"
    own = _said("volumes.${k}", job_rules.OWN_VOLUME)
    yield f"[for k in keys({volumes}) : {own} if k == {hcl(TMP_VOLUME)}]"
    unused = _said("volumes.${k}", "is mounted nowhere")
    yield f"[for k in keys({volumes}) : {unused} if k != {hcl(TMP_VOLUME)} && !contains({used}, k)]"
    has_task = f"(length({_CONTAINERS}) > 0 || {of('grace_seconds')} != null)"
    why = f'${{length({_CONTAINERS}) > 0 ? "containers" : "grace_seconds"}}'
    instance = f'{has_task} && contains(keys({of("container")}), "instanceType")'
    message = f"does not go with {why}: Batch has it for a job of one container"
    yield _when(instance, "container.instanceType", message)


def _way_out() -> Iterator[str]:
    given, members = of("container"), sorted({*way_out.free_keys(), *way_out.FIELD_OF})
    unknown = _said("container.${k}", f"is not a setting of AWS's ContainerProperties: {listed(members)}")
    yield f"[for k in keys({given}) : {unknown} if !contains({hcl(members)}, k)]"
    linux = f"keys(try({given}.linuxParameters, {{}}))"
    for path, names, fields in (
        ("container", f"keys({given})", way_out.FIELD_OF),
        ("container.linuxParameters", linux, way_out.LINUX_FIELD_OF),
    ):
        own = _said(f"{path}.${{k}}", f'has a field of its own: ${{lookup({hcl(dict(fields))}, k, "")}}')
        yield f"[for k in {names} : {own} if contains({hcl(list(fields))}, k)]"


def _containers() -> Iterator[str]:
    yield _when(f"contains(keys({_CONTAINERS}), {_MAIN})", f"containers.{MAIN}", container_rules.TAKEN)
    waits = (
        f"merge({{ main_depends_on = {{ own = {_MAIN}, on = {of('main_depends_on')} }} }},"
        f" {{ for k, c in {_CONTAINERS} :"
        ' "containers.${k}.depends_on" => { own = k, on = try(c.depends_on, {}) } })'
    )
    known = f"[for k in concat([{_MAIN}], keys({_CONTAINERS})) : k if k != d.own]"
    loop = f"for p, d in {waits} : [for k, condition in d.on"
    others = f'"is not one of the job\'s other containers: ${{join(", ", {known})}}"'
    none = f'length({known}) > 0 ? {others} : "has no effect: the job has no other containers"'
    unknown = fault("${p}.${k}", none)
    yield f"[{loop} : {unknown} if !contains({known}, k)]]"
    ends = f"(k == {_MAIN} || try({_CONTAINERS}[k].essential, false))"
    message = f"can't be waited for: ${{k}} {container_rules.ENDS_THE_JOB}"
    fault_of = _said("${p}.${k}", message, "condition")
    yield f'[{loop} : {fault_of} if contains({known}, k) && condition != "START" && {ends}]]'
    both = "setintersection(keys(try(c.environment, {})), keys(try(c.secrets, {})))"
    twice = _said("containers.${n}.secrets.${k}", container_rules.TWICE)
    yield f"[for n, c in {_CONTAINERS} : [for k in sort({both}) : {twice}]]"


def _capacity() -> Iterator[str]:
    capacity = "try(local.environment.queue_capacities[s.queue], null)"
    on_fargate = f'contains({hcl(list(limits.FARGATE_CAPACITIES))}, coalesce({capacity}, "-"))'
    on_hosts = f'contains(["EC2", "SPOT"], coalesce({capacity}, "-"))'
    has = f"the capacity of {STAGE} is ${{{capacity}}}"
    for model, item, path in ((OneJob, "w", ""), (Sidecar, "c", "containers.${n}.")):
        for name, field in model.model_fields.items():
            for only in annotations_of(field, Only):
                elsewhere = on_fargate if only.kind == "EC2" else on_hosts
                key = written(name, field)
                scalar = not isinstance(field.get_default(), tuple | dict)
                message = f"is only for {only.kind}, and {has}"
                said = _said(f"{path}{key}", message, f"{item}.{key}" if scalar else "")
                found = f"[for t in [0] : {said} if {elsewhere} && {is_given(model, name, item)}]"
                yield found if model is OneJob else f"[for n, c in {_CONTAINERS} : {found}]"
    on = f"on Fargate ({STAGE})"
    vcpus = f"sum(concat([{of('vcpus')}], [for c in values({_CONTAINERS}) : coalesce(try(c.vcpus, null), 0)]))"
    memory = (
        f"sum(concat([{of('memory_mib')}], [for c in values({_CONTAINERS}) : coalesce(try(c.memory_mib, null), 0)]))"
    )
    sizes = hcl({f"{size:g}": list(mibs) for size, mibs in limits.FARGATE_SIZES.items()})
    allowed = ", ".join(f"{size:g}" for size in limits.FARGATE_SIZES)
    steps = hcl({f"{size:g}": job_rules.steps(mibs) for size, mibs in limits.FARGATE_SIZES.items()})
    with_all = f'${{length({_CONTAINERS}) > 0 ? " with all containers" : ""}}'
    of_size = f"lookup({sizes}, tostring({vcpus}), [])"
    yield _when(f"{on_fargate} && length({of_size}) == 0", "vcpus", f"is not a size{with_all} {on}: {allowed}", vcpus)
    yield _when(
        f"{on_fargate} && length({of_size}) > 0 && !contains({of_size}, {memory})",
        "memory_mib",
        f'does not go{with_all} with ${{{vcpus}}} vCPU {on}: ${{lookup({steps}, tostring({vcpus}), "")}}',
        memory,
    )
    v = of("vcpus")
    yield _when(
        f"{on_hosts} && ({v} < 1 || floor({v}) != {v})", "vcpus", f"is not a whole number, and {has}: 1, 2, 3, …", v
    )
    loop = f"for n, c in {_CONTAINERS}"
    for name in ("vcpus", "memory_mib"):
        lacks = f"lacks {name}, and {has}: on EC2 each container needs its own"
        yield f"[{loop} : {_said('containers.${n}', lacks)} if {on_hosts} && try(c.{name}, null) == null]"
    fraction = _said("containers.${n}.vcpus", f"is not a whole number, and {has}: 1, 2, 3, …", "c.vcpus")
    yield f"[{loop} : {fraction} if {on_hosts} && try(floor(c.vcpus) != c.vcpus, false)]"
    own = 'try(var.queue_settings[s.queue].compute_environments, ["default"])'
    only_own = f'length({own}) == 1 && try({own}[0], "") == "default"'
    most = f"is more than max_vcpus of {STAGE}: ${{var.max_vcpus}}"
    yield _when(f"{only_own} && {of('nodes')} == null && {vcpus} > var.max_vcpus", "vcpus", most, vcpus)
    message = f"is only for EC2 without Spot, and {has}"
    yield _when(f'{of("nodes")} != null && {capacity} == "SPOT"', "nodes", message, of("nodes"))
    arch = of("architecture")
    yield _when(f'{on_hosts} && {arch} != "x86_64"', "architecture", f"is only for Fargate, and {has}", arch)
    longest, timeout = limits.FARGATE_TIMEOUT_SECONDS, of("timeout_seconds")
    message = f"is too long: {longest.describe()} {on}"
    yield _when(f"{on_fargate} && {timeout} > {longest.maximum}", "timeout_seconds", message, timeout)
    drivers = container_rules.FARGATE_LOG_DRIVERS
    each = f'merge({{ "" = w }}, {{ for k, c in {_CONTAINERS} : "containers.${{k}}." => c }})'
    said = _said("${p}log.driver", f"is only for EC2, and {has}", "c.log.driver")
    driver = 'try(c.log.driver, "awslogs")'
    yield f"[for p, c in {each} : {said} if {on_fargate} && !contains({hcl(list(drivers))}, {driver})]"
    said = _said("volumes.${k}.host_path", f"is only for EC2, and {has}", "v.host_path")
    yield f"[for k, v in {of('volumes')} : {said} if {on_fargate} && try(v.host_path, null) != null]"


def _stage() -> Iterator[str]:
    queues = "keys(local.environment.queue_capacities)"
    message = f'is not a queue of {STAGE}: ${{join(", ", {queues})}}'
    yield _when(f"!contains({queues}, s.queue)", "queue", message, "s.queue")
    shares = "try(var.queue_settings[s.queue].scheduling_policy, null) != null"
    share = of("share")
    name = f"queue ${{s.queue}} of {STAGE}"
    yield _when(
        f"{shares} && {share} == null",
        "share",
        f"is missing, and {name} has a scheduling_policy: it takes no job without one",
    )
    message = f"is for a queue with a scheduling_policy, and ${{s.queue}} of {STAGE} has none"
    yield _when(f"!({shares}) && {share} != null", "share", message, share)
    message = f"is missing, and {STAGE} has no runner_image"
    has_image = "length([for i in [try(w.image, null), s.image, var.runner_image] : i if i != null]) > 0"
    yield _when(f"!({has_image})", "image", message)
    full = "${local.prefix}-${s.full}"
    size = f'length("{full}")'
    message = f"has the full name {full} of ${{{size}}} characters: at most {limits.JOB_NAME_MAX}"
    yield _when(f"{size} > {limits.JOB_NAME_MAX}", "", message)
    message = f"has the full name ${{s.full}}, which {limits.RESERVED_JOB_NAME.meaning}"
    yield _when(f"can(regex({text(limits.RESERVED_JOB_NAME.pattern)}, s.full))", "", message)
    twins = "[for o in local.jobs_timed : o if o.full == s.full && o.service != s.service]"
    message = f"has the same full name as job ${{{twins}[0].name}} of service ${{{twins}[0].service}}: ${{s.full}}"
    yield _when(f"try(s.service != sort([s.service, {twins}[0].service])[0], false)", "", message)
    own = "[for o in local.jobs_timed : o.name if o.service == s.service]"
    others = '[for o in local.jobs_timed : "${o.service}/${o.name}" if o.service != s.service]'
    first = f'join(", ", slice(n, 0, min(length(n), {LISTED_MAX})))'
    more = f'length(n) > {LISTED_MAX} ? " and ${{length(n) - {LISTED_MAX}}} more" : ""'
    named = f'${{[for n in [concat({own}, {others})] : "${{{first}}}${{{more}}}"][0]}}'
    for field in ("after", "after_all"):
        path = f'${{try(length(tostring(w.{field})) > 0, false) ? "{field}" : "{field}[${{i}}]"}}'
        said = _said(path, f"is not a job: {named}", "a")
        yield f"[for i, a in {of(field)} : {said} if !contains(local.job_names, {FULL_NAME})]"
    for field in ("job_role_arn", "execution_role_arn"):
        account = f'split(":", w.{field})[4]'
        message = f"belongs to account ${{{account}}}, and the account of {STAGE} is ${{var.account_id}}"
        yield _when(f"try({account} != var.account_id, false)", field, message, f"w.{field}")
