"""CloudFormation templates with job definitions of AWS Batch, and rules and schedules that start them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from batchtab.errors import UsageError
from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Imported
from batchtab.importers.intrinsics.references import physical_name
from batchtab.importers.intrinsics.stacks import Template
from batchtab.importers.intrinsics.values import Values
from batchtab.importers.kinds.batch import jobs as batch_jobs
from batchtab.importers.kinds.batch import triggers as batch_triggers
from batchtab.importers.kinds.batch.jobs import Source
from batchtab.importers.kinds.batch.node import BatchNode
from batchtab.importers.kinds.batch.roles import Roles
from batchtab.importers.kinds.batch.triggers import Trigger
from batchtab.importers.kinds.cloudformation import adoption as template_adoption
from batchtab.importers.kinds.cloudformation import others as template_others
from batchtab.importers.kinds.cloudformation import roles as template_roles
from batchtab.importers.kinds.cloudformation import stacks as template_stacks
from batchtab.importers.naming import service_name
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile

_DEFINITION, _RULE, _SCHEDULE = "AWS::Batch::JobDefinition", "AWS::Events::Rule", "AWS::Scheduler::Schedule"


def read(files: Sequence[SourceFile], options: Options) -> Imported:
    """Jobs of templates; the first one with a job definition names the service.

    Raises:
        UsageError: A file is no template, or there is no job definition in them.
    """
    stacks = template_stacks.load(files, options)
    values = Values(stacks)
    services = _with_definitions(stacks.templates)
    service = options.service or service_name(services[0].stack)
    options = replace(options, service=service)
    imported = Imported(service=service)
    sources: list[Source] = []
    triggers: list[Trigger] = []
    used: set[tuple[Template, str]] = set()
    roles = template_roles.read(values)
    for template in stacks.templates:
        for logical, resource in template.resources():
            found = _read(values, template, logical, resource, imported)
            sources += [found] if isinstance(found, Source) else []
            triggers += [] if isinstance(found, Source) else found
            used |= {(template, logical)} if found else set()
    made = Roles({arn: each.role for arn, each in roles.items()})
    batch_jobs.read(sources, triggers, options, imported, made, stacks.place)
    template_adoption.write(values, sources, roles, services, options, imported)
    for template in stacks.templates:
        template_others.record(values, template, used, imported)
    return imported


def _with_definitions(templates: Sequence[Template]) -> list[Template]:
    found = [each for each in templates if any(one.get("Type") == _DEFINITION for _, one in each.resources())]
    if found:
        return found
    names = ", ".join(str(template.file.path) for template in templates)
    raise UsageError(f"{names} has no {_DEFINITION}", "tasks of ECS and functions are other kinds: ecs, lambda")


def _read(
    values: Values, template: Template, logical: str, resource: Mapping[str, Any], imported: Imported
) -> Source | list[Trigger]:
    """A definition, or the triggers of a rule or a schedule; nothing of another resource."""
    kind = resource.get("Type")
    condition = resource.get("Condition")
    if kind not in (_DEFINITION, _RULE, _SCHEDULE):
        return []
    if isinstance(condition, str) and values.is_true(condition, template) is False:
        return []
    place = template.place(template.section("Resources"), logical)
    properties = values.properties(resource, template)
    node = BatchNode(properties, Recorder(imported.findings, "", place), logical)
    name = physical_name(values, logical, template)
    if kind == _DEFINITION:
        revision = values.stacks.physical.get(logical, "").rpartition(":")[2]
        return Source(name, node, place, revision if revision.isdigit() else "")
    if kind == _RULE:
        return batch_triggers.of_rule(node, name)
    schedule = batch_triggers.of_schedule(node, name)
    return [schedule] if schedule else []
