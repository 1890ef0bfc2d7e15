"""CronJobs and Jobs as jobs of jobs.yaml."""

from __future__ import annotations

import copy

from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Fires, Imported, ImportedJob
from batchtab.importers.kinds.kubernetes import job_spec, metadata, pods, timing
from batchtab.importers.kinds.kubernetes.draft import Draft
from batchtab.importers.kinds.kubernetes.objects import JOB_KINDS, Found, Objects, mapping
from batchtab.importers.kinds.kubernetes.timing import Timing
from batchtab.importers.naming import job_name
from batchtab.importers.node import Node
from batchtab.importers.options import Options

KINDS = JOB_KINDS
_GROUP = "batch"


def add(found: Found, objects: Objects, options: Options, imported: Imported) -> None:
    """Add the jobs of one object; where it has none, a finding says why."""
    if reason := _refusal(found):
        recorder = Recorder(imported.findings, place=found.place)
        recorder.not_carried(found.kind, found.name, *reason)
        return
    name = job_name(found.name, {each.name for each in imported.jobs})
    recorder = Recorder(imported.findings, name, found.place)
    draft = Draft(name, recorder, objects, options, found.namespace)
    top = Node(found.data, recorder)
    top.change("apiVersion", "jobs.yaml has its own format")
    is_cron = found.kind == "CronJob"
    top.change("kind", "a job with a schedule" if is_cron else "a job without a schedule: `batchtab run` starts it")
    metadata.of_object(top.child("metadata"), draft)
    spec = top.child("spec")
    timed = _cron_job(spec, draft) if is_cron else Timing()
    if not is_cron:
        _job(spec, draft)
    status = top.child("status")
    status.rest(metadata.OF_CLUSTER, "")
    top.rest()
    _add_jobs(found, draft, timed, imported)


def _refusal(found: Found) -> tuple[str, str] | None:
    if found.group != _GROUP:
        return f"is of the API {found.data.get('apiVersion')}, not of {_GROUP}", "declare what it starts as a job"
    owners = found.metadata.get("ownerReferences")
    for owner in owners if isinstance(owners, list) else []:
        if mapping(owner).get("kind") == "CronJob":
            return f"is a run of the CronJob {mapping(owner).get('name')}", ""
    if not mapping(found.data.get("spec")):
        return "has no spec", "correct the source"
    return None


def _cron_job(spec: Node, draft: Draft) -> Timing:
    timed = timing.timing(spec, draft)
    draft.is_scheduled = bool(timed.triggers)
    timing.policies(spec, draft, len(timed.triggers))
    template = spec.child("jobTemplate")
    metadata.of_template(template.child("metadata"), draft)
    _job(Node(template.child("spec").data, template.child("spec").recorder, "jobTemplate.spec"), draft)
    template.rest()
    spec.rest()
    return timed


def _job(spec: Node, draft: Draft) -> None:
    template = spec.child("template")
    metadata.of_template(template.child("metadata"), draft, is_pod=True)
    job_spec.counts(spec, draft)
    pod = template.child("spec")
    pods.pod(Node(pod.data, pod.recorder, "template.spec"), draft)
    template.rest()
    main = next((each for each in _names(pod.data.get("containers"))), "")
    job_spec.retries(spec, draft, main)
    job_spec.deadline(spec, pod, draft)
    job_spec.others(spec)
    spec.rest()


def _names(containers: object) -> list[str]:
    return [str(mapping(each).get("name", "")) for each in containers] if isinstance(containers, list) else []


def _add_jobs(found: Found, draft: Draft, timed: Timing, imported: Imported) -> None:
    names = []
    for number, trigger in enumerate(timed.triggers or [None]):
        taken = {each.name for each in imported.jobs}
        name = draft.name if not number else job_name(draft.name, taken)
        settings = copy.deepcopy(draft.settings) | (trigger.settings() if trigger else {})
        imported.jobs.append(ImportedJob(name, found.place, settings))
        if number:
            note = f"the days of week of {draft.name}, whose days of month are the other job; other fields are the same"
            draft.recorder.at(found.place, name).changed("spec.schedule", timed.clock and timed.clock.expression, note)
        names.append(name)
    if timed.clock:
        imported.fires.append(Fires(timed.clock, tuple(names)))
