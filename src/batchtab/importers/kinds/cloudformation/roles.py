"""Roles of a template: what jobs.yaml has of them, and their documents for Terraform."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchtab import limits
from batchtab.importers.intrinsics.references import attribute, physical_name, ref
from batchtab.importers.intrinsics.stacks import Template
from batchtab.importers.intrinsics.unresolved import names_in
from batchtab.importers.intrinsics.values import Values
from batchtab.importers.kinds.batch.node import mappings
from batchtab.importers.kinds.batch.roles import Role

ROLE, POLICY, MANAGED = "AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"
_SECRET_TYPE = "AWS::SecretsManager::Secret"  # noqa: S105 - a type
_PERMISSION = {"Effect", "Action", "Resource", "Sid"}


@dataclass(frozen=True, slots=True)
class TemplateRole:
    """A role of a template.

    Attributes:
        logical: Its logical id.
        template: The template.
        name: Its name.
        arn: Its ARN, by which the template refers to it.
        trust: Who may assume it.
        path: Its path.
        role: What jobs.yaml has of it.
        properties: All that the template says.
    """

    logical: str
    template: Template
    name: str
    arn: str
    trust: Mapping[str, Any]
    path: str = "/"
    role: Role = field(default_factory=Role)
    properties: Mapping[str, Any] = field(default_factory=dict)


def read(values: Values) -> dict[str, TemplateRole]:
    """The roles of all templates by their ARNs."""
    found, secrets = {}, _secrets(values)
    for template in values.stacks.templates:
        further = _further(values, template)
        for logical, resource in template.resources():
            if resource.get("Type") != ROLE:
                continue
            properties = values.properties(resource, template)
            arn = str(attribute(values, f"{logical}.Arn", template))
            name = physical_name(values, logical, template)
            trust = properties.get("AssumeRolePolicyDocument")
            found[arn] = TemplateRole(
                logical,
                template,
                name,
                arn,
                trust if isinstance(trust, Mapping) else {},
                str(properties.get("Path", "/")),
                _role(properties, further.get(name, []), secrets),
                properties,
            )
    return found


def _secrets(values: Values) -> set[str]:
    """ARNs of the templates' secrets without the six characters at their ends, which only AWS knows."""
    return {
        str(ref(values, logical, template))
        for template in values.stacks.templates
        for logical, resource in template.resources()
        if resource.get("Type") == _SECRET_TYPE and logical not in values.stacks.physical
    }


def _role(properties: Mapping[str, Any], further: Sequence[Any], secrets: Collection[str]) -> Role:
    documents = [*(each.get("PolicyDocument") for each in mappings(properties.get("Policies"))), *further]
    managed = _list(properties.get("ManagedPolicyArns"))
    permissions: list[dict[str, Any]] = []
    for document in documents:
        for statement in _statements(document):
            permission, why = _permission(statement, secrets)
            if permission is None:
                return Role(None, why=why)
            permissions.append(permission)
    if names_in(managed) or len(managed) > 10:
        return Role(None, why="a managed policy whose ARN is not known")
    if any(limits.is_wide_policy(str(each)) for each in managed):
        return Role(None, why="a managed policy that allows nearly all")
    return Role(permissions, [str(each) for each in managed])


def _further(values: Values, template: Template) -> dict[str, list[Any]]:
    """Policies of their own that are attached to roles, by the roles' names."""
    found: dict[str, list[Any]] = {}
    for _, resource in template.resources():
        if resource.get("Type") in (POLICY, MANAGED):
            properties = values.properties(resource, template)
            for name in dict.fromkeys(_list(properties.get("Roles"))):
                found.setdefault(name, []).append(properties.get("PolicyDocument"))
    return found


def _statements(document: Any) -> list[Any]:
    found = document.get("Statement") if isinstance(document, Mapping) else None
    return found if isinstance(found, list) else [found] if found else []


def _permission(statement: Any, secrets: Collection[str]) -> tuple[dict[str, Any] | None, str]:
    """A statement as a permission, or why it is none."""
    if not isinstance(statement, Mapping) or not statement.keys() <= _PERMISSION or statement.get("Effect") != "Allow":
        return None, "a policy with conditions or denials"
    actions, resources = _list(statement.get("Action")), _list(statement.get("Resource"))
    if names_in(actions) or names_in(resources):
        return None, f"a policy about {', '.join(names_in([*actions, *resources]))}, which is not known"
    lowered = [f"{service.lower()}{colon}{name}" for service, colon, name in (each.partition(":") for each in actions)]
    wrong = [each for each in lowered if limits.IAM_ACTION.refusal(each) or limits.is_wide(each, resources)]
    wrong += [each for each in resources if limits.RESOURCE_ARN.refusal(each)]
    if wrong or not lowered or not resources:
        return None, f"a policy with {', '.join(wrong) or 'nothing in it'}"
    return {
        "actions": lowered,
        "resources": [f"{each}-??????" if each in secrets else str(each) for each in resources],
    }, ""


def _list(value: Any) -> list[str]:
    """Texts, of which one may stay alone."""
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
