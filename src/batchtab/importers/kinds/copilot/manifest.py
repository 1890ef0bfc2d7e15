"""One manifest of a scheduled job.

https://aws.github.io/copilot-cli/docs/manifest/scheduled-job/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Fires, Imported, ImportedJob, SourceClock
from batchtab.importers.kinds.copilot import containers, schedule, storage
from batchtab.importers.kinds.copilot.environments import applied
from batchtab.importers.kinds.ecs.job import LONGEST_SECONDS, NO_LIMIT
from batchtab.importers.kinds.ecs.loose import Loose, is_open, scalar
from batchtab.importers.naming import job_name
from batchtab.importers.options import Options
from batchtab.importers.sizes import fitted
from batchtab.importers.source_file import SourceFile, line_of
from batchtab.schedules import expression
from batchtab.schedules.expression import ScheduleError

_CPU, _MEMORY = 256, 512
_ATTEMPTS_MAX = 10
_LEAST_SECONDS = 60


def add(document: Mapping[str, Any], file: SourceFile, imported: Imported, options: Options) -> None:
    """Import one job."""
    source_name = scalar(document.get("name")) or file.path.parent.name or file.path.stem
    name = job_name(source_name, {each.name for each in imported.jobs})
    line = line_of(document, "name") or line_of(document, "type")
    # All manifests have the same file name.
    where = f"{file.path.parent.name}/{file.name}".lstrip("/")
    place = f"{where}:{line}" if line else where
    recorder = Recorder(imported.findings, name, place)
    first = Loose(document, recorder)
    top = Loose(applied(document, first, options), recorder)
    top.take("environments")
    job = ImportedJob(name, place)
    imported.jobs.append(job)
    top.change("name", f"the job's name, {name}")
    top.change("type", "a job with a schedule")
    found = job.settings
    found |= _schedule(top, imported, name)
    found |= _failures(top)
    found |= _size(top, options)
    found |= containers.main(top, source_name, options)
    found |= storage.settings(top, found, options)
    found |= _platform(top, options) | _network(top, options)
    if _is_on(top, "exec"):
        found["exec"] = True
    _publish(top, source_name, found, options)
    top.leave("count", "Copilot ignores it in a job, which always runs one task")
    for each in top.children("taskdef_overrides"):
        path = scalar(each.take("path"))
        value = each.take("value")
        each.recorder.not_carried(
            f"taskdef_overrides.{path}", value, "changes the task definition", "write it as a field"
        )
        each.rest()
    top.rest()
    job.settings = {key: value for key, value in found.items() if value not in (None, {}, [])}


def _schedule(top: Loose, imported: Imported, job: str) -> dict[str, Any]:
    node = top.child("on")
    text = scalar(node.take("schedule")) or ""
    name = node.field("schedule")
    found: dict[str, Any] = {}
    if text == "none":
        node.change("schedule", "no schedule: the job starts when somebody starts it")
    elif not text:
        node.recorder.not_carried(name, "not set", "nothing starts the job", "write schedule")
    elif is_open(text):
        node.leave("schedule", "its value is not in the file", "write schedule")
    else:
        found = _of_text(node, text, imported, job)
    node.rest()
    return found


def _of_text(node: Loose, text: str, imported: Imported, job: str) -> dict[str, Any]:
    """The schedule as it is written, where jobs.yaml means the same by it as Copilot's rule."""
    try:
        rule = schedule.of_rule(text)
        expression.check(rule)
    except schedule.CopilotError as error:
        node.leave("schedule", f"Copilot would refuse it: {error}", "write schedule")
        return {}
    except ScheduleError as error:
        node.leave("schedule", f"EventBridge would refuse it: {error.reason}", "write schedule")
        return {}
    fields = text.split()
    is_plain = text.startswith("@") and not text.startswith("@every")
    if len(fields) == schedule.FIELDS and not set("/?") & set(fields[2] + fields[4]):
        is_plain = True
    written = " ".join(fields) if is_plain else rule
    if written == text:
        node.carry("schedule", "schedule")
    elif len(fields) == schedule.FIELDS and "/" in fields[2] + fields[4]:
        node.change(
            "schedule",
            f"{written}, which Copilot makes of it: it drops the step, and the job runs more often than written",
            "keep what ran until now, or write the schedule that was meant",
        )
    else:
        node.change("schedule", f"{written}, which Copilot makes of it")
    imported.fires.append(Fires(SourceClock("aws", rule), (job,)))
    return {"schedule": written}


def _failures(top: Loose) -> dict[str, Any]:
    found: dict[str, Any] = {}
    retries = top.number("retries")
    if retries:
        attempts = min(retries + 1, _ATTEMPTS_MAX)
        found["attempts"] = attempts
        todo = "" if attempts == retries + 1 else f"Batch has at most {_ATTEMPTS_MAX} attempts"
        how = f"attempts: {attempts}, the first one included; Batch retries at once, Copilot after 10 s, 15 s, 22 s, …"
        top.change("retries", how, todo)
    else:
        top.carry("retries", "attempts: 1")
    text = scalar(top.take("timeout")) or ""
    seconds = None if not text or is_open(text) else schedule.seconds(text)
    if seconds:
        found["timeout_seconds"] = max(_LEAST_SECONDS, round(seconds))
        how = f"timeout_seconds: {found['timeout_seconds']}"
        if seconds < _LEAST_SECONDS:
            how += ", the least that Batch has"
        if retries:
            how += ", for each attempt; in Copilot for all of them together"
        top.change("timeout", how)
        return found
    if "timeout" in top and text:
        top.leave("timeout", "is not a duration such as 1h30m", "write timeout_seconds")
    else:
        top.recorder.changed(
            "timeout", "none", f"timeout_seconds: {LONGEST_SECONDS}, {NO_LIMIT}; Copilot sets no limit"
        )
    return found | {"timeout_seconds": LONGEST_SECONDS}


def _size(top: Loose, options: Options) -> dict[str, Any]:
    cpu, memory = top.number("cpu"), top.number("memory")
    size = fitted((cpu or _CPU) / 1024, memory or _MEMORY, is_fargate=options.is_fargate)
    for key, value, default in (("cpu", cpu, _CPU), ("memory", memory, _MEMORY)):
        if key not in top:
            top.recorder.changed(key, "not set", f"{default}, which is Copilot's default")
        elif value is not None and size is None:
            top.leave(key, "Fargate has no such size", "write vcpus and memory_mib")
        elif value is not None:
            top.change(
                key, f"vcpus: {size[0]:g}" if key == "cpu" and size else f"memory_mib: {size[1] if size else value}"
            )
    return {} if size is None else {"vcpus": size[0], "memory_mib": size[1]}


def _platform(top: Loose, options: Options) -> dict[str, Any]:
    value = top.take("platform")
    if isinstance(value, Mapping):
        node = top.child("platform")
        family, processor = scalar(node.take("osfamily")) or "linux", scalar(node.take("architecture")) or "x86_64"
        for key in ("osfamily", "architecture"):
            node.change(key, "architecture")
        node.rest()
    else:
        family, _, processor = (scalar(value) or "linux/x86_64").partition("/")
        top.change("platform", "architecture")
    if not family.lower().startswith("linux"):
        top.recorder.not_carried("platform", family, "jobs.yaml has Linux only", "build an image for Linux")
    if processor.lower() not in {"arm", "arm64"}:
        return {}
    if options.is_fargate:
        return {"architecture": "arm64"}
    todo = "choose a queue whose instances are arm64"
    top.recorder.not_carried("platform", processor, "instance types decide on EC2", todo)
    return {}


def _network(top: Loose, options: Options) -> dict[str, Any]:
    outer = top.child("network")
    outer.leave("connect", "a job takes no connections")
    node = outer.child("vpc")
    placement = node.take("placement")
    if isinstance(placement, Mapping):
        inner = node.child("placement")
        inner.leave("subnets", "the stage's network decides, in config/<stage>.yaml")
        inner.rest()
    else:
        node.change("placement", "assign_public_ip")
    groups = node.take("security_groups")
    if isinstance(groups, Mapping):
        inner = node.child("security_groups")
        inner.leave("groups|security_groups", "the stage's network decides, in config/<stage>.yaml")
        inner.leave("deny_default", "Copilot's own security group is not carried")
        inner.rest()
    else:
        node.leave("security_groups", "the stage's network decides, in config/<stage>.yaml")
    is_public = placement in {None, "public"} if not isinstance(placement, Mapping) else False
    if placement is None:
        top.recorder.changed(
            "network.vpc.placement", "not set", "assign_public_ip: true, for public subnets, Copilot's default"
        )
    node.rest()
    outer.rest()
    return {"assign_public_ip": True} if is_public and options.is_fargate else {}


def _publish(top: Loose, name: str, found: dict[str, Any], options: Options) -> None:
    node = top.child("publish")
    application, environment = (options.settings.get(each) for each in ("application", "environment"))
    arns = []
    for topic in node.children("topics"):
        called = scalar(topic.take("name")) or ""
        is_fifo = topic.take("fifo") not in {None, False} if not isinstance(topic.data.get("fifo"), Mapping) else True
        topic.change("fifo", "the end of the topic's name")
        suffix = ".fifo" if is_fifo else ""
        if application and environment and options.account and options.region:
            arn = f"arn:aws:sns:{options.region}:{options.account}:{application}-{environment}-{name}-{called}{suffix}"
            arns.append(arn)
            topic.change("name", "permissions: sns:Publish, for the topic that Copilot made")
        else:
            topic.leave(
                "name",
                "the topic's ARN is not in the file",
                "make a topic, and write sns:Publish for it into permissions",
            )
        topic.rest()
    if arns:
        found["permissions"] = [{"actions": ["sns:Publish"], "resources": arns}]
    node.rest()


def _is_on(top: Loose, key: str) -> bool:
    value = top.take(key)
    if isinstance(value, Mapping):
        node = top.child(key)
        value = node.take("enable")
        node.carry("enable", key)
        node.rest()
    else:
        top.carry(key, key)
    return str(value).lower() == "true"
