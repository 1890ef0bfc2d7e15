"""Scheduled functions of a serverless.yml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from batchtab.errors import UsageError
from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Imported, ImportedJob
from batchtab.importers.kinds.lambda_functions.fields import Fields
from batchtab.importers.kinds.lambda_functions.job import finish
from batchtab.importers.kinds.lambda_functions.serverless_function import SHARED, function
from batchtab.importers.kinds.lambda_functions.serverless_values import filled
from batchtab.importers.kinds.lambda_functions.start import read_input
from batchtab.importers.kinds.lambda_functions.template import mapping, with_one
from batchtab.importers.kinds.lambda_functions.work import Start
from batchtab.importers.naming import job_name, service_name
from batchtab.importers.node import Node
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile, line_of, plain
from batchtab.schedules import zones

_DELIVERY = "a start that fails is retried for less than the job's period, and is then in Batchtab's dead-letter queue"
#: Fields of the whole file that jobs do not have.
_TOP = {
    **dict.fromkeys(("frameworkVersion", "configValidationMode", "variablesResolutionMode"), "is of Serverless"),
    "useDotenv": "is of Serverless",
    **dict.fromkeys(("org", "app", "dashboard", "outputs", "params", "build", "package", "stages"), "is of Serverless"),
    **dict.fromkeys(("custom", "plugins", "console", "licenseKey", "deprecationNotificationMode"), "is of Serverless"),
    **dict.fromkeys(("resources", "layers", "stepFunctions"), "a jobs.yaml makes jobs alone"),
}


def read(file: SourceFile, document: Mapping[str, Any], options: Options, imported: Imported) -> None:
    """Import the scheduled functions of one file.

    Raises:
        UsageError: It has none, or is for another cloud.
    """
    whole = Recorder(imported.findings, place=file.name)
    document = filled(document, whole)
    top = Node(document, whole)
    provider = document.get("provider")
    cloud = str(provider if isinstance(provider, str) else mapping(provider).get("name", "aws"))
    if cloud != "aws":
        raise UsageError(f"{file.path} is for {cloud}, not for aws")
    text = mapping(document.get("service")).get("name") or document.get("service")
    if isinstance(text, str) and "${" not in text:
        imported.service = imported.service or service_name(text)
    top.change("service", "service")
    service = options.service or imported.service or service_name(file.path.stem)
    defaults = Node(provider if isinstance(provider, Mapping) else {}, whole, "provider")
    found = False
    for name, own in _functions(document):
        starts = [*_starts(own)]
        for index, (key, event) in enumerate(starts):
            found = True
            job = job_name(name if len(starts) == 1 else f"{name} {index + 1}", {each.name for each in imported.jobs})
            line = line_of(mapping(document.get("functions")), name)
            recorder = Recorder(imported.findings, job, file.at(line) if line else f"{file.name} {name}")
            path = f"functions.{name}"
            recorder.changed(path, name, f"job {job}")
            start = _start(Fields(Node(event, recorder, f"{path}.{key}")), name)
            node, is_shared = Node(own, recorder, path), len(starts) > 1
            work, program = function(node, defaults.data, name, service, options, is_shared=is_shared)
            finish(imported, ImportedJob(job, recorder.place), work, program, start)
        _others(name, own, whole, is_imported=bool(starts))
    if not found:
        raise UsageError(f"{file.path} has no scheduled function", "an event `schedule` of a function")
    for key, why in _TOP.items():
        top.leave(key, why)
    for key in ("functions", "provider"):
        top.take(key)
    _provider(defaults)
    top.rest()


def _functions(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Also of a list of mappings, which Serverless joins."""
    found = document["functions"]
    for each in found if isinstance(found, list) else [found]:
        for name, own in mapping(each).items():
            if isinstance(own, Mapping):
                yield str(name), own


def _starts(own: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The schedules of a function, one for each expression of a list."""
    events = own.get("events")
    for index, event in enumerate(events if isinstance(events, list) else []):
        for key in ("schedule", "eventBridge"):
            given = mapping(event).get(key)
            if given is None or (key == "eventBridge" and "schedule" not in mapping(given)):
                continue
            values: Any = given if isinstance(given, Mapping) else {"rate": given}
            rate = values.get("rate", values.get("schedule"))
            for one in rate if isinstance(rate, list) else [rate]:
                name = "rate" if key == "schedule" else "schedule"
                yield f"events[{index}].{key}", with_one(values, name, one)


def _start(fields: Fields, function_name: str) -> Start:
    node = fields.node
    key = "schedule" if "schedule" in node else "rate"
    text = (fields.text(key, "schedule") or "").strip()
    if text:
        node.carry(key, "schedule")
    elif node.data.get(key) is None:
        node.recorder.not_carried(node.name(key), "", "there is no schedule", "write the job's schedule")
    name = fields.text("name", "") or function_name
    method = fields.text("method", "") or "eventBus"
    is_scheduler = method == "scheduler"
    group = fields.text("groupName", "") or "default"
    start = Start(text, "UTC", f"schedule/{group}/{name}" if is_scheduler else f"rule/{name}")
    for each in ("name", "method", "groupName"):
        start.flag(node, each, "--trigger")
    zone = fields.text("timezone", "timezone")
    if zone and zones.refusal(zone) is None:
        start.timezone = zone
        node.carry("timezone", "timezone")
    elif zone:
        node.leave("timezone", "is not a name of the IANA time zone database", "write timezone")
    start.is_suspended = not fields.flag("enabled", "suspend", default=True)
    node.change("enabled", f"suspend: {str(start.is_suspended).lower()}")
    start.description = fields.text("description", "description") or ""
    node.carry("description", "description")
    read_input(fields, start, "input", "inputPath", "inputTransformer")
    node.leave("eventBus", "schedules are of the default bus")
    node.leave("roleArn", "Batchtab makes its own")
    node.leave("pattern", "only schedules start jobs", "keep the function for these events")
    node.leave("retryPolicy", _DELIVERY)
    node.leave("deadLetterQueueArn", _DELIVERY, "let what reads this queue read Batchtab's, or its alerts")
    node.rest()
    return start


def _others(name: str, own: Mapping[str, Any], whole: Recorder, *, is_imported: bool) -> None:
    """Functions without a schedule, and other events of those that have one."""
    if not is_imported:
        whole.not_carried(f"functions.{name}", plain(own.get("handler")), "it has no schedule, and stays in Lambda")
        return
    events = own.get("events")
    for index, event in enumerate(events if isinstance(events, list) else []):
        if "schedule" not in mapping(event) and "schedule" not in mapping(mapping(event).get("eventBridge")):
            todo = "keep the function for it, or leave the function's schedule there"
            whole.not_carried(f"functions.{name}.events[{index}]", plain(event), "only schedules start jobs", todo)


def _provider(node: Node) -> None:
    """What the whole file has and no function takes."""
    node.change("name", "AWS Batch")
    node.change("region", "the stage's region")
    node.change("stage", "a stage of its own, in config/")
    for key in (*SHARED, "environment", "tags", "iam", "iamRoleStatements", "iamManagedPolicies", "ecr"):
        node.take(key)  # of each job
    for key in ("stackTags", "logRetentionInDays", "logs"):
        node.leave(key, "the stage has tags and a log group")
    node.rest("functions and their schedules alone become jobs", "")
