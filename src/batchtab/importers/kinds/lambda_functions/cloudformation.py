"""Scheduled functions of SAM and CloudFormation templates, also those that CDK writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from batchtab.errors import UsageError
from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Imported
from batchtab.importers.kinds.lambda_functions import function as functions
from batchtab.importers.kinds.lambda_functions.start import Scheduled, start_of
from batchtab.importers.kinds.lambda_functions.template import POLICIES, Template, is_open, mapping
from batchtab.importers.naming import job_name, service_name
from batchtab.importers.node import Node
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile, line_of, plain

FUNCTIONS = ("AWS::Serverless::Function", "AWS::Lambda::Function")
RULE, SCHEDULE = "AWS::Events::Rule", "AWS::Scheduler::Schedule"
_BELONGS = {"AWS::Lambda::Permission", "AWS::IAM::Role", "AWS::Lambda::EventInvokeConfig"}
_BELONGS |= {"AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::Logs::LogGroup", "AWS::CDK::Metadata"}
_SCHEDULED = {"Schedule", "ScheduleV2"}
#: CDK adds eight digits to each logical id.
_DIGITS = re.compile(r"[A-F0-9]{8}$")
_SUFFIX = re.compile(r"(?i)(?<=[a-z0-9])[-_]?(function|lambda|handler)$")


def read(file: SourceFile, document: Mapping[str, Any], options: Options, imported: Imported) -> None:
    """Import the scheduled functions of one template.

    Raises:
        UsageError: It has none.
    """
    template = Template(document, file, options)
    whole = Recorder(imported.findings, place=file.name)
    scheduled = [*_scheduled(template)]
    unmet = {name for each in scheduled for name in (each.function, each.resource) if template.is_made(name) is False}
    found = [each for each in scheduled if not unmet & {each.function, each.resource}]
    if not found:
        raise UsageError(f"{file.path} has no scheduled function", "an event Schedule or ScheduleV2, or a rule")
    service = options.service or service_name(imported.service or file.path.stem)
    for each in found:
        is_one = sum(other.function == each.function for other in found) == 1
        text = _short(each.function) if is_one else f"{_short(each.function)} {_short(each.key)}"
        name = job_name(text, {job.name for job in imported.jobs})
        line = line_of(mapping(document.get("Resources")), each.function)
        place = file.at(line) if line else f"{file.name} {each.function}"
        recorder = Recorder(imported.findings, name, place)
        recorder.changed(f"Resources.{each.function}", template.resources[each.function].get("Type"), f"job {name}")
        start = start_of(template, each, recorder)
        short = _short(each.function)
        functions.read(
            template, each.function, short, service, start, recorder, options, imported, is_shared=not is_one
        )
    _report_rest(template, found, unmet, whole)
    _report_policies(template, found, unmet, whole)
    template.report_parameters(whole)
    top = Node(document, whole)
    for key in ("AWSTemplateFormatVersion", "Transform", "Description", "Metadata", "Outputs", "Rules", "Hooks"):
        top.leave(key, "a jobs.yaml has none")
    for key in ("Mappings", "Conditions"):
        top.leave(key, "their values are in the fields that use them")
    shared = top.child("Globals")
    shared.take("Function")  # of each job
    shared.rest("only functions become jobs", "")
    for key in ("Resources", "Parameters"):
        top.take(key)
    top.rest()


def _short(name: str) -> str:
    """A logical id without what only says that it is a function."""
    text = _DIGITS.sub("", name) or name
    return _SUFFIX.sub("", text) or text


def _scheduled(template: Template) -> Iterator[Scheduled]:
    for name, resource in template.of_type(*FUNCTIONS).items():
        for key, event in mapping(mapping(resource.get("Properties")).get("Events")).items():
            if str(mapping(event).get("Type")) in _SCHEDULED:
                yield Scheduled(name, str(key), "", event)
    for name in template.of_type(RULE):
        properties = mapping(template.properties(name))
        targets = properties.get("Targets")
        for target in targets if isinstance(targets, list) and "ScheduleExpression" in properties else []:
            if function := _function(template, mapping(target).get("Arn")):
                yield Scheduled(function, name, name, target)
    for name in template.of_type(SCHEDULE):
        if function := _function(template, mapping(mapping(template.properties(name)).get("Target")).get("Arn")):
            yield Scheduled(function, name, name, {})


def _function(template: Template, arn: object) -> str:
    """The function that an ARN names, also by its alias."""
    name = template.target(arn)
    for kind in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
        if name in template.of_type(kind):
            name = template.target(mapping(template.properties(name)).get("FunctionName"))
    return name if name in template.of_type(*FUNCTIONS) else ""


def _report_rest(template: Template, found: list[Scheduled], unmet: set[str], whole: Recorder) -> None:
    """Other events of imported functions, and all other resources, a line each."""
    imported = {each.function for each in found}
    used = {each.resource for each in found}
    for name, resource in template.resources.items():
        kind = str(resource.get("Type"))
        properties = mapping(resource.get("Properties"))
        events = mapping(properties.get("Events"))
        timed = [key for key, event in events.items() if str(mapping(event).get("Type")) in _SCHEDULED]
        if name in unmet:
            whole.not_carried(f"Resources.{name}", kind, _unmet_words(resource))
        elif name in imported:
            for key, event in events.items():
                if key not in timed:
                    todo = "keep the function for it, or leave the function's schedule there"
                    what = plain(event)
                    whole.not_carried(f"Resources.{name}.Events.{key}", what, "only schedules start jobs", todo)
        elif kind in {RULE, SCHEDULE} and name not in used and "ScheduleExpression" in properties:
            why = "it starts no function of this template"
            whole.not_carried(f"Resources.{name}", kind, why, "import what it starts: `batchtab import ecs`")
        elif kind not in FUNCTIONS and timed:
            whole.not_carried(f"Resources.{name}", kind, "it has a schedule and is no function", "write a job for it")
        elif kind not in _BELONGS and kind not in POLICIES and name not in used:
            why = "it has no schedule, and stays in Lambda" if kind in FUNCTIONS else "a jobs.yaml makes jobs alone"
            whole.not_carried(f"Resources.{name}", kind, why)


def _report_policies(template: Template, found: list[Scheduled], unmet: set[str], whole: Recorder) -> None:
    """Policies that are resources of their own and that no role of an imported function has, a line each."""
    roles = {template.role(functions.role_of(template, each.function)) for each in found}
    used = {name for role in roles for name in template.policies_of(role)}
    for name, resource in template.of_type(*POLICIES).items():
        if name in used or name in unmet:
            continue
        given = mapping(template.properties(name)).get("Roles")
        names = given if isinstance(given, list) else [] if given is None else [given]
        if template.is_made(name) is False:
            why, todo = _unmet_words(resource), ""
        elif any(is_open(each) and not template.role(each) for each in names) or not isinstance(given, list | None):
            why = "the template does not say which roles have it"
            todo = "write its permissions in jobs.yaml, if a function's role has it"
        else:
            why, todo = "no role of an imported function has it", ""
        whole.not_carried(f"Resources.{name}", resource.get("Type"), why, todo)


def _unmet_words(resource: Mapping[str, Any]) -> str:
    return f"condition {resource.get('Condition')} is not met, by the parameters' defaults"
