"""The rest of a template: parameters, outputs, and resources that are no jobs. Each field is reported."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Imported
from batchtab.importers.intrinsics.stacks import Template
from batchtab.importers.intrinsics.values import Values
from batchtab.importers.kinds.cloudformation.roles import MANAGED, POLICY, ROLE
from batchtab.importers.node import Node

_STAGE = "a stage's: config/<stage>.yaml describes it"
_REASONS: Mapping[str, str] = {
    "AWS::Batch::ComputeEnvironment": f"{_STAGE}, under environment",
    "AWS::Batch::JobQueue": f"{_STAGE}, under environment.queues",
    "AWS::Batch::SchedulingPolicy": f"{_STAGE}, in its queue's scheduling_policy",
    "AWS::ECR::Repository": "stays as it is; import.tf has it, where it is written",
    "AWS::Events::Rule": "starts no job of Batch; Batchtab reports failed jobs by itself",
    "AWS::Lambda::Function": "no job; Batchtab reports failed jobs by itself",
    "AWS::Lambda::Permission": "goes with its function",
    "AWS::Logs::LogGroup": "jobs write to the stage's log group",
    ROLE: "Batchtab makes the roles of jobs and triggers, with the same permissions; import.tf keeps what is there",
    POLICY: "is in the permissions of the jobs whose role has it",
    MANAGED: "is in the permissions of the jobs whose role has it",
}
_OTHER = "no job; it stays with its stack"
_OF_TEMPLATE: Mapping[str, str] = {
    "AWSTemplateFormatVersion": "says how to read the template",
    "Description": "describes the stack",
    "Metadata": "is for tools",
    "Rules": "checks parameters",
    "Conditions": "was used to read the template",
    "Mappings": "was used to read the template",
    "Outputs": "is for other stacks; the modules of Batchtab have outputs of their own",
}
_SAM, _SAM_TYPE = "AWS::Serverless-", "AWS::Serverless::"
_EXPAND = "aws cloudformation get-template --template-stage Processed"
_ATTRIBUTES = (
    "Type",
    "DependsOn",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Metadata",
    "CreationPolicy",
    "UpdatePolicy",
)


def record(values: Values, template: Template, used: Collection[tuple[Template, str]], imported: Imported) -> None:
    """Record all that no job has of a template.

    Args:
        values: Computes the template's values.
        template: The template.
        used: Template and logical id of what jobs are made of.
        imported: Gets the findings.
    """
    recorder = Recorder(imported.findings, "", template.file.name)
    top = Node(template.data, recorder)
    for name, why in _OF_TEMPLATE.items():
        section = top.take(name)
        if section is not None:
            Node({name: section}, recorder).rest(why, "")
    _transform(template, top)
    _parameters(values, template, top.child("Parameters"))
    resources = top.child("Resources")
    for logical, _ in template.resources():
        _resource(values, template, resources.child(logical), (template, logical) in used)
    resources.rest("is not a mapping", "correct the source")
    top.rest()


def _transform(template: Template, top: Node) -> None:
    """A macro makes resources that are not here; SAM's only of its own."""
    kinds = [str(resource.get("Type")) for _, resource in template.resources()]
    if str(top.data.get("Transform")).startswith(_SAM) and not any(kind.startswith(_SAM_TYPE) for kind in kinds):
        top.change("Transform", "there is nothing in the template that it changes")
    else:
        top.leave("Transform", "a macro may make resources that are not here", f"import what it makes: {_EXPAND}")


def _parameters(values: Values, template: Template, node: Node) -> None:
    for name in template.section("Parameters"):
        each = node.child(str(name))
        value = values.of({"Ref": str(name)}, template)
        each.change(
            "Default",
            f"its value here: {value}" if str(name) not in values.stacks.parameters else f"was given: {value}",
        )
        each.rest("says what values are allowed; the value is fixed here", "")
    node.rest()


def _resource(values: Values, template: Template, node: Node, is_used: bool) -> None:
    kind = str(node.data.get("Type"))
    condition = node.data.get("Condition")
    if isinstance(condition, str):
        met = values.is_true(condition, template)
        if met is False:
            node.rest(f"condition {condition} is not met, so that the stack does not have it", "")
            return
        how = "is met" if met else "is not known, and taken as met"
        node.change("Condition", how, "look whether the stack has it" if is_used and not met else "")
    if is_used:
        node.carry("Type", "the jobs, and what starts them")
    for name in _ATTRIBUTES:
        value = node.data.get(name)
        if value is not None and not (is_used and name == "Type"):
            node.take(name)
            Node({name: value}, node.recorder, node.path).rest("is CloudFormation's own", "")
    if is_used:
        node.take("Properties")
        node.rest()
        return
    why = f"{kind}: {_REASONS.get(kind, _OTHER)}"
    properties: Any = node.take("Properties")
    resolved = values.of(properties or {}, template)
    Node(resolved, node.recorder, f"{node.path}.Properties").rest(why, "")
    node.rest(why, "")
