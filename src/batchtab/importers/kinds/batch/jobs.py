"""Jobs of jobs.yaml from job definitions and what starts them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from batchtab import limits
from batchtab.errors import UsageError
from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Fires, Imported, ImportedJob
from batchtab.importers.intrinsics.unresolved import names_in
from batchtab.importers.kinds.batch import definition as batch_definition
from batchtab.importers.kinds.batch import timing as batch_timing
from batchtab.importers.kinds.batch import triggers as batch_triggers
from batchtab.importers.kinds.batch.definition import Definition, RefusedError
from batchtab.importers.kinds.batch.node import BatchNode
from batchtab.importers.kinds.batch.references import definition_name, queue_name
from batchtab.importers.kinds.batch.roles import Roles
from batchtab.importers.kinds.batch.triggers import Trigger
from batchtab.importers.naming import job_name
from batchtab.importers.options import Options
from batchtab.importers.places import Place
from batchtab.importers.source_file import plain

#: Settings that go to `defaults` where all jobs say the same.
_QUEUE = "write queue, if not default"
_SHARED = ("queue", "vcpus", "memory_mib", "timeout_seconds", "attempts", "read_only_root_filesystem")


@dataclass(slots=True)
class Source:
    """A job definition in a source.

    Attributes:
        name: Its name in AWS.
        node: Its properties.
        origin: Where it is, for the comment in jobs.yaml.
        revision: Its revision, where it is known.
        triggers: What starts it.
        read: What became of it; None while it is not read, and if no job can be made of it.
        jobs: Names of its jobs in jobs.yaml; one for each trigger.
    """

    name: str
    node: BatchNode
    origin: str
    revision: str = ""
    triggers: list[Trigger] = field(default_factory=list)
    read: Definition | None = None
    jobs: list[str] = field(default_factory=list)


def read(
    sources: Sequence[Source],
    triggers: Sequence[Trigger],
    options: Options,
    imported: Imported,
    roles: Roles,
    place: Place,
) -> None:
    """Add the jobs of definitions and triggers to an import.

    Args:
        sources: The definitions, in the source's order; what is read of each is noted in it.
        triggers: All triggers whose target is Batch.
        options: What the command line says; its service is known.
        imported: Gets jobs, findings and claims of when they start.
        roles: Roles that the source makes.
        place: Account and region of the source, as far as they are known.
    """
    by_name = {source.name: source for source in sources}
    for trigger in triggers:
        name, revision = definition_name(trigger.definition)
        source = by_name.get(str(name))
        if source is None:
            _unknown(trigger, name)
        else:
            source.triggers.append(trigger)
            if revision and not names_in(revision) and revision != source.revision and source.revision:
                how = "a trigger starts the newest revision"
                trigger.target.recorder.changed("JobDefinition", trigger.definition, how, "compare the two revisions")
    for source in sources:
        _read_one(source, options, imported, roles, place)
    if not imported.jobs and not imported.findings.all:
        raise UsageError("there is no job definition of AWS Batch in it")
    _share(imported)


def _unknown(trigger: Trigger, name: str) -> None:
    recorder = trigger.target.recorder
    why = "the definition is not in the source" if name else "it names no definition"
    todo = "import it together with the template or the account that has it"
    recorder.not_carried("JobDefinition", trigger.definition, f"{trigger.name} starts no job here: {why}", todo)


def _read_one(source: Source, options: Options, imported: Imported, roles: Roles, place: Place) -> None:
    taken = {job.name for job in imported.jobs}
    several = len(source.triggers) > 1
    for trigger in source.triggers:
        wanted = trigger.job_name or source.name
        if several and any(
            each is not trigger and (each.job_name or source.name) == wanted for each in source.triggers
        ):
            wanted = trigger.name
        source.jobs.append(_job_name(wanted, options, {*taken, *source.jobs}))
    if not source.triggers:
        source.jobs.append(_job_name(source.name, options, taken))
    recorder = source.node.recorder.at(source.origin, source.jobs[0])
    node = BatchNode(source.node.data, recorder, source.node.path)
    node.change("jobDefinitionName", "the job's name")
    before = len(imported.findings.all)
    try:
        source.read = batch_definition.read(node, options, roles, place)
    except RefusedError:
        imported.findings.correct(source.jobs[0], "", "the job is not imported")
        for trigger in source.triggers:
            BatchNode(trigger.node.data, recorder, trigger.node.path).rest("its job is not imported", "")
        return
    of_definition = [each for each in imported.findings.all[before:] if each.job == source.jobs[0]]
    for name in source.jobs[1:]:
        imported.findings.all += [replace(each, job=name) for each in of_definition]
    if not source.triggers:
        settings = copy.deepcopy(source.read.settings)
        batch_definition.fill(settings, recorder)
        imported.jobs.append(ImportedJob(source.jobs[0], source.origin, plain(settings)))
    for name, trigger in zip(source.jobs, source.triggers, strict=True) if source.triggers else ():
        _started(name, source, source.read, trigger, imported)


def _started(name: str, source: Source, definition: Definition, trigger: Trigger, imported: Imported) -> None:
    """The job that a trigger starts."""
    recorder = trigger.node.recorder.at(trigger.node.recorder.place, name)
    settings = batch_triggers.read(trigger, definition.settings, recorder)
    node = BatchNode(trigger.node.data, recorder if trigger.is_first else batch_triggers.quiet(), trigger.node.path)
    when = batch_timing.read(node, settings, is_schedule=trigger.is_schedule)
    _queue(trigger, settings, recorder)
    batch_definition.fill(settings, recorder)
    if "schedule" not in settings:
        settings.pop("starting_deadline_seconds", None)
    trigger.settings = copy.deepcopy(settings)
    if trigger.is_first:
        for target in batch_triggers.others(trigger, recorder):
            target.rest("is another target of the rule, which does not start a job of Batch", "keep a rule for it")
    if when.clock is not None:
        imported.fires.append(Fires(when.clock, (name,), when.jitter_seconds))
    imported.jobs.append(ImportedJob(name, f"{source.origin}, {recorder.place}", plain(settings)))


def _queue(trigger: Trigger, settings: dict[str, Any], recorder: Recorder) -> None:
    name = queue_name(trigger.queue)
    asked, key = (trigger.target, "arn") if trigger.request is None else (trigger.request, "jobQueue")
    node = BatchNode(asked.data, recorder, asked.path)
    if "${" in name:
        node.leave(key, f"its name is not known: {', '.join(names_in(trigger.queue))}", _QUEUE)
    elif limits.QUEUE_NAME.refusal(name) is None:
        settings["queue"] = str(name)
        node.change(key, f"queue: {name}")
    elif key in node:
        node.leave(key, "is not the name of a queue", _QUEUE)
    else:
        recorder.not_carried(node.name(key), "(not set)", "no queue is named", _QUEUE)


def _job_name(text: str, options: Options, taken: set[str]) -> str:
    """A job's name without its service's, which Batchtab puts before it."""
    name = job_name(text)
    short = name.removeprefix(f"{options.service}-") if options.service else name
    return job_name(short or name, taken)


def _share(imported: Imported) -> None:
    """What all jobs say is said once."""
    jobs = imported.jobs
    if len(jobs) < 2:
        return
    images = [job.settings.get("image") for job in jobs]
    if images[0] and all(each == images[0] for each in images):
        imported.image = images[0]
        for job in jobs:
            del job.settings["image"]
    for name in _SHARED:
        values = [job.settings.get(name) for job in jobs]
        if values[0] is not None and all(each == values[0] for each in values):
            imported.defaults[name] = values[0]
            for job in jobs:
                del job.settings[name]
