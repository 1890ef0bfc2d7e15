"""Small CronJobs and Jobs for tests, and what becomes of their fields."""

from __future__ import annotations

from typing import Any

import yaml
from tests.unit.importers import sources

from batchtab.importers.findings import Fate, Finding
from batchtab.importers.importing import Result

Fields = dict[str, Any]


def container(**fields: Any) -> Fields:
    """A container whose command needs no decision."""
    return {"name": "main", "image": "busybox:1.36", "args": ["true"]} | fields


def cron_job(
    *, cron: Fields | None = None, job: Fields | None = None, pod: Fields | None = None, **fields: Any
) -> Fields:
    """A CronJob; `fields` are of its only container, and a field that is None is left out."""
    spec = {"containers": [_given(container(**fields))], "restartPolicy": "Never"} | (pod or {})
    job_spec = _given({"backoffLimit": 0, "template": {"spec": spec}} | (job or {}))
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "nightly"},
        "spec": _given({"schedule": "30 2 * * *", "jobTemplate": {"spec": job_spec}} | (cron or {})),
    }


def job(*, spec: Fields | None = None, pod: Fields | None = None, **fields: Any) -> Fields:
    """A Job with one container."""
    found = cron_job(job=spec, pod=pod, **fields)
    return found | {"kind": "Job", "spec": found["spec"]["jobTemplate"]["spec"]}


def named(kind: str, name: str, **fields: Any) -> Fields:
    """An object of Kubernetes' core."""
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}} | fields


def imported(*documents: Fields, **options: Any) -> Result:
    """The import of some objects."""
    return sources.imported("kubernetes", yaml.safe_dump_all(documents, sort_keys=False), **options)


def only(result: Result) -> Fields:
    """The only job of an import."""
    (found,) = sources.jobs(result).values()
    return dict(found)


def finding(result: Result, field: str) -> Finding:
    """The last finding of a field, by the end of its name."""
    found = [each for each in result.imported.findings if each.field.endswith(field)]
    assert found, f"{field} has no finding: {[each.field for each in result.imported.findings]}"
    return found[-1]


def fate(result: Result, field: str) -> tuple[Fate, bool]:
    """What became of a field, and whether a person has to decide."""
    found = finding(result, field)
    return found.fate, bool(found.todo)


def todos(result: Result) -> set[str]:
    """The last words of the fields for which a person has to decide."""
    return {each.field.rpartition(".")[2] for each in result.imported.findings.decisions()}


def _given(fields: Fields) -> Fields:
    return {key: value for key, value in fields.items() if value is not None}
