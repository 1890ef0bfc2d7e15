"""The locals that read decoded files: services, their jobs with defaults merged in, and what follows from a job."""

from __future__ import annotations

from collections.abc import Iterable

from batchtab.constructs._terraform.expressions import hcl
from batchtab.declarations import job_rules, service, trigger_fields
from batchtab.declarations.job import JobSpec
from batchtab.declarations.table import written

#: What `service.read_services` merges by single entries.
MERGED = service.MERGED
_RATE = 'startswith(coalesce(try(tostring(w.schedule), null), "-"), "rate(")'
_NO_SCHEDULE = "try(w.schedule, null) == null"
_NO_TRIGGER = (
    f"{_NO_SCHEDULE} && length([for a in flatten([try(w.after, []), try(w.after_all, [])]) : a if a != null]) == 0"
)


def written_names(names: Iterable[str]) -> str:
    """Fields by the names that they have in files, as HCL."""
    return hcl([written(name, JobSpec.model_fields[name]) for name in names])


def mapping(item: str) -> str:
    """A value as an object; without members where it is none."""
    return f"try({{ for its, value in {item} : its => value if can(keys({item})) }}, {{}})"


def locals_of_files() -> dict[str, str]:
    """From `jobs` and `services` to the jobs as `declarations.service` hands them on."""
    useless = [
        f"{_NO_SCHEDULE} && contains({written_names(job_rules.NEED_SCHEDULE)}, key)",
        f"{_NO_TRIGGER} && contains({written_names(job_rules.NEED_TRIGGER)}, key)",
        f'{_NO_TRIGGER} && key == "concurrency_policy" &&'
        f" try(contains({hcl(list(trigger_fields.POLICIES_OF_TRIGGERS))}, value), false)",
        f"{_RATE} && contains({written_names(trigger_fields.NOT_FOR_RATES)}, key)",
        'try(w.concurrency_policy, "allow") != "queue" && key == "queue_limit"',
    ]
    kept = f"{{ for key, value in w : key => value if contains(keys(s.own), key) || !anytrue([{', '.join(useless)}]) }}"
    used = (
        "flatten([for c in concat([w], try(values(w.containers), [])) : [for m in try(c.mounts, []) :"
        " try(m.volume, null)]])"
    )
    volumes = (
        '{ for key in ["volumes"] : key => { for name, volume in w.volumes : name => volume if'
        f' contains(keys(s.own), "volumes") || contains({used}, name) }} if can(keys(w.volumes)) }}'
    )
    return {
        "files": '[for place, file in merge({ for key, file in var.services : format("services[%q]", key) => file },'
        " { for key, file in { jobs = var.jobs } : key => file if file != null }) :"
        " { place = place, file = file }]",
        "services_said": "[for s in local.files : { place = s.place, file = s.file,"
        " name = try(tostring(s.file.service), s.place), image = try(s.file.image, null),"
        f" alerts = {mapping('s.file.alerts')}, defaults = {mapping('s.file.defaults')},"
        f" jobs = {mapping('s.file.jobs')} }}]",
        "defaults_said": "[for s in local.services_said : { own = s.defaults, said = try(s.file.defaults, null),"
        ' place = s.place == "jobs" ? "defaults" : "${s.place}.defaults" }]',
        "jobs_said": "flatten([for s in local.services_said : [for name, job in s.jobs : {"
        ' place = format(s.place == "jobs" ? "%[1]s[%[2]q]" : "%[1]s.jobs[%[2]q]", s.place, name),'
        f' service = s.name, name = name, full = "${{s.name}}-${{name}}", said = job, own = {mapping("job")},'
        " image = s.image, alerts = s.alerts, defaults = s.defaults }]])",
        "containers_said": "flatten([for s in concat(local.jobs_said, local.defaults_said) :"
        f" [for name, c in {mapping('s.own.containers')} : {{ place = s.place, container = name,"
        f" own = {mapping('c')} }}]])",
        "job_names": "[for s in local.jobs_said : s.full]",
        "jobs_merged": "[for s in local.jobs_said : merge(s, { whole = merge(s.defaults, s.own,"
        f" {{ for key in {hcl(list(MERGED))} : key => merge({mapping('s.defaults[key]')}, {mapping('s.own[key]')}) }},"
        f" {{ alerts = merge(s.alerts, {mapping('s.own.alerts')}) }}) }})"
        " if length(local.faults_of_values) == 0]",
        "jobs_known": "[for s in local.jobs_merged : merge(s, [for w in [s.whole] :"
        f" {{ job = merge({kept}, {volumes}) }}][0])]",
    }
