"""All that is wrong with the files, as locals: single values first, and what goes together where these are right."""

from __future__ import annotations

from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.expressions import Expression
from batchtab.constructs._terraform.kinds import kind_of
from batchtab.constructs.batchtab import chains, rules
from batchtab.constructs.batchtab.faults import Place, fault, lines, text
from batchtab.constructs.batchtab.fields import NO_VALUE, keys, of_field, of_model, of_value
from batchtab.constructs.batchtab.reading import written_names
from batchtab.declarations.alert_fields import AlertFields
from batchtab.declarations.image import ImageRef
from batchtab.declarations.job import JobSettings, JobSpec
from batchtab.declarations.service import ServiceFile
from batchtab.declarations.sidecars import ImageSidecar
from batchtab.declarations.table import written

_NOT_A_MAPPING = "is not a mapping (key: value)"
_NO_FILES = "is missing, and so is services: give one decoded jobs.yaml, or several"


def _job(**fields: Any) -> dict[str, Any]:
    return {"image": {"repository": "x", "tag": "v1"}, "jobs": {"j": {"command": ["x"], **fields}}}


#: What only `batchtab check` finds, each with a file, but where reading the file is what counts.
ONLY_IN_CHECK: tuple[tuple[str, dict[str, Any] | None], ...] = (
    ("a key that is given twice, and YAML that reads otherwise than it looks (`010`, `1.10` without quotes)", None),
    ("a time zone that the database does not have", _job(schedule="@daily", timezone="Asia/Soul")),
    (
        "numbers of a schedule that are out of their range, and days that never come: `scheduled_job` refuses the most,"
        " AWS the rest",
        _job(schedule="cron(0 0 31 2 ? *)"),
    ),
    (
        "a job that never runs, because `except` excludes all its times",
        _job(schedule="@daily", **{"except": ["cron(* * * * ? *)"]}),
    ),
    ("tags that differ in case only: `scheduled_job` refuses them", _job(tags={"Team": "a", "team": "b"})),
    ("what is within a setting of `container`", _job(container={"linuxParameters": {"swap": 5}})),
    ("more vCPUs than the compute environments have, where there are several or the job has nodes", _job(nodes=900)),
    (
        "parameters of another account",
        _job(secrets={"A": "arn:aws:ssm:us-east-1:999999999999:parameter/x"}),
    ),
    ("the size of policies, job definitions and requests, and quotas", None),
    ("`grace_seconds` with a provider that does not send it: 5.100", _job(grace_seconds=60)),
)


def locals_of_checks() -> dict[str, Any]:
    """The faults, one line each."""
    of_files, of_fields = _of_files(), _of_fields()
    if both := of_files.keys() & of_fields.keys():
        raise ValueError(f"a job's field is called as what is said of files: {both}")
    found = {f"faults_of_{name}": value for name, value in (of_files | of_fields).items()}
    single = ", ".join(f"local.{name}" for name in found)
    together: dict[str, Any] = {
        f"rules_of_{name}": [_of_job(rule) for rule in each] for name, each in rules.rules().items()
    }
    together |= chains.locals_of_chains()
    several = ", ".join(f"local.{name}" for name in together if name.startswith("rules_"))
    return {
        **found,
        "faults_of_values": f"flatten([{single}])",
        **together,
        "faults_together": f"flatten([{several}])",
        "faults": f"sort(distinct({lines('concat(local.faults_of_values, local.faults_together)')}))",
    }


def _of_files() -> dict[str, str]:
    """What is wrong with files as wholes, and with what applies to a service."""
    whole = Place("f", "")
    own = ("service", "image", "alerts")
    is_mapping = "can(keys(f))"
    parts = [of_field(ServiceFile, name, whole) for name in own]
    parts += keys(ServiceFile, whole)
    empty, wrong, nothing = (
        fault("jobs", text(words), item)
        for words, item in (("is empty: at least one", "f.jobs"), (_NOT_A_MAPPING, "f.jobs"), (NO_VALUE, ""))
    )
    parts += [
        f"[for t in [0] : {empty} if try(length(keys(f.jobs)) == 0, false)]",
        f"[for t in [0] : {wrong} if try(f.jobs, null) != null && !can(keys(f.jobs))]",
        f"[for t in [0] : {nothing} if try(f.jobs == null, false)]",
    ]
    names = f"!can(regex({text(limits.JOB_NAME_PATTERN)}, s.name)) || length(s.name) > {limits.JOB_NAME_MAX}"
    misnamed = fault("", text(f"is not allowed as a name: {limits.JOB_NAME.describe()}"))
    no_job = fault("", text(_NOT_A_MAPPING), "s.said")
    twice = fault("service", '"is also the service of ${o}: one file per service"', "s.name")
    others = "[for o in local.services_said : o.place if o.name == s.name && o.place != s.place]"
    return {
        "files": "[for s in local.files : [for f in [s.file] :"
        f" [for t in [0] : [{', '.join(parts)}] if {is_mapping}]]]",
        "shapes": f"[for s in local.files : [for t in [0] : {fault('', text(_NOT_A_MAPPING), 's.file')} if"
        " !can(keys(s.file))]]",
        "services": f"[for s in local.services_said : [for o in {others} : {twice} if"
        " s.place != sort([s.place, o])[0]]]",
        "names": f"[for s in local.jobs_said : [for t in [0] : {misnamed} if {names}]]",
        "jobs": f"[for s in local.jobs_said : [for t in [0] : {no_job} if !can(keys(s.said))]]",
        "job_keys": f"[for s in local.jobs_said : [{', '.join(keys(JobSpec, Place('s.own', '')))}] if"
        " can(keys(s.said))]",
        "default_keys": f"[for s in local.defaults_said : [{', '.join(_keys_of_defaults())}]]",
        "defaults": f"[for s in local.defaults_said : {fault('', text(_NOT_A_MAPPING), 's.said')} if"
        " s.said != null && !can(keys(s.said))]",
        "stage_alerts": '[for s in [{ place = "", own = var.alerts }] :'
        f" {of_model(AlertFields, Place('s.own', 'alerts'))}]",
        "runner_image": '[for s in [{ place = "runner_image", own = var.runner_image }] : [for v in [s.own] :'
        f" {of_value(kind_of(ImageRef | None, ()), Place('v', ''))}]]",
        "inputs": '[for s in [{ place = "jobs" }] :'
        f" [for t in [0] : {fault('', text(_NO_FILES))} if length(local.files) == 0]]",
    }


def _keys_of_defaults() -> list[str]:
    """Unknown keys; also those that each job has for itself."""
    unknown = fault("${k}", text("is an unknown key"))
    return [f"[for k in keys(s.own) : {unknown} if !contains({written_names(JobSettings.model_fields)}, k)]"]


def _of_fields() -> dict[str, Any]:
    """What is wrong with each field of jobs, and of defaults where they have it."""
    found: dict[str, Any] = {}
    for name, field in JobSpec.model_fields.items():
        of = "local.jobs_said"
        if name in JobSettings.model_fields:
            of = "concat(local.jobs_said, local.defaults_said)"
        inside = name != "containers"
        text_ = of_field(JobSpec, name, Place("s.own", ""), inside=inside)
        found[written(name, field)] = f"[for s in {of} : {text_}]"
    container = Place("s.own", "containers.${s.container}", 1)
    parts = [of_field(ImageSidecar, name, container) for name in ImageSidecar.model_fields]
    parts += keys(ImageSidecar, container)
    found["each_container"] = [Expression.of(f"[for s in local.containers_said : {part}]") for part in parts]
    return found


def _of_job(rule: str) -> Expression:
    return Expression.of(f"[for s in local.jobs_timed : [for w in [s.job] : {rule}]]")
