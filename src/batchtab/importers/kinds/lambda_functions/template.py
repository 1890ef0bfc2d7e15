"""A CloudFormation or SAM template: its resources, and the answers of its own functions, such as `!Ref`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from batchtab.importers.dynamic_references import has_reference
from batchtab.importers.findings import Recorder
from batchtab.importers.intrinsics import stacks
from batchtab.importers.intrinsics.shown import names_of
from batchtab.importers.intrinsics.unresolved import NoValue, Unresolved, replaced
from batchtab.importers.intrinsics.values import Values, function_of
from batchtab.importers.kinds.lambda_functions.serverless_values import source_of
from batchtab.importers.node import Node
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile, plain

#: A secret's ARN ends with six characters that AWS chooses, and a permission needs all of it.
_WITHOUT = {"AWS::SecretsManager::Secret"}
_ROLE = "AWS::IAM::Role"
POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
_IN_USE = "jobs.yaml was written with its default, in place of {{Ref: {}}}"
_TODO = "compare with the deployed stack, whose parameters may be others: `aws cloudformation describe-stacks`"


def is_open(value: object) -> bool:
    """Whether only the stack knows the value: a function without an answer in the template, `${…}`, `{{resolve:…}}`."""
    return function_of(value)[0] != "" or has_reference(value) or (isinstance(value, str) and "${" in value)


def why_open(value: object) -> str:
    """Why a value is open."""
    source = source_of(value) if isinstance(value, str) else ""
    if source.startswith("self:"):
        return f"{source} is not in this file, or not a plain value"
    if source:
        return f"Serverless reads it from {source}; import does not"
    return "only the deployed stack knows its value"


class Template:
    """One template.

    Attributes:
        resources: Logical id to resource.
    """

    def __init__(self, document: Mapping[str, Any], file: SourceFile, options: Options) -> None:
        self.document = document
        self._values = Values(stacks.alone(file, document, options), _WITHOUT)
        self._wild = Values(stacks.alone(file, document, options, unknown="*"), _WITHOUT)
        self._properties: dict[tuple[str, bool], Any] = {}
        self.resources = dict(self._values.stacks.templates[0].resources())

    def of_type(self, *types: str) -> dict[str, Mapping[str, Any]]:
        """The resources of these types."""
        return {name: each for name, each in self.resources.items() if str(each.get("Type")) in types}

    def properties(self, name: str, *, is_wild: bool = False) -> Any:
        """A resource's properties, with answered functions in place of the functions; see `resolved`."""
        key = name, is_wild
        if key not in self._properties:
            given = self.resources.get(name, {}).get("Properties")
            self._properties[key] = self.resolved(given, is_wild=is_wild)
        return self._properties[key]

    def resolved(self, value: Any, *, is_wild: bool = False) -> Any:
        """A value with the answers of its functions; one that has none stays a function, of which only names are left.

        Args:
            value: Of the template.
            is_wild: Whether an unknown region or account becomes `*`, as in the resources of a policy.
        """
        values = self._wild if is_wild else self._values
        found = values.of(value, values.stacks.templates[0])
        return None if found is NoValue else replaced(found, _open_function)

    def target(self, value: object) -> str:
        """The logical id that a `Ref` or `Fn::GetAtt` names; empty for another value.

        A Ref to an alias or version of SAM, such as `Fn.Alias`, names its function.
        """
        plain_value = value if isinstance(value, Mapping) else {}
        if "Ref" in plain_value:
            name = str(plain_value["Ref"])
        else:
            got = plain_value.get("Fn::GetAtt", "")
            name = str(got[0] if isinstance(got, Sequence) and not isinstance(got, str) and got else got)
        name = name.partition(".")[0]
        return name if name in self.resources else ""

    def role(self, value: object) -> str:
        """The logical id of a role that a function, a name or an ARN names; empty where there is none."""
        target = self.target(value)
        if target in self.of_type(_ROLE):
            return target
        return self._roles.get(value, "") if isinstance(value, str) else ""

    def with_wild(self, name: str, *keys: str) -> Mapping[str, Any]:
        """A resource's properties, of which those with these keys are wild."""
        found, wild = mapping(self.properties(name)), mapping(self.properties(name, is_wild=True))
        for key in keys:
            found = with_one(found, key, wild[key]) if key in wild else found
        return found

    def policies_of(self, role: str) -> list[str]:
        """Logical ids of the policies that are resources of their own and name a role of the template."""
        return self._attached.get(role, []) if role else []

    def is_made(self, name: str) -> bool | None:
        """Whether the stack has a resource with a condition; None where the template does not say."""
        return self._values.is_true(self.resources.get(name, {}).get("Condition"), self._values.stacks.templates[0])

    def report_condition(self, resource: Node, name: str) -> None:
        """Record the condition of a resource that is imported."""
        if self.is_made(name):
            resource.change("Condition", "is met, by the parameters' defaults")
        else:
            resource.leave(
                "Condition", "is not decided by the parameters' defaults", "decide whether the job is wanted"
            )

    def report_parameters(self, recorder: Recorder) -> None:
        """Record what became of each parameter."""
        parameters = Node(self.document.get("Parameters"), recorder, "Parameters")
        for name in parameters.data:
            parameter = parameters.child(name)
            is_hidden = str(parameter.data.get("NoEcho")).lower() == "true"
            default = "(not shown)" if is_hidden else plain(parameter.data.get("Default", ""))
            parameter.take("Default")
            # By the parameter's own name, which says whether the value is a secret.
            if name in self._values.used | self._wild.used:
                parameter.recorder.changed(parameter.path, default, _IN_USE.format(name), _TODO)
            else:
                parameter.recorder.not_carried(parameter.path, default, "no imported field takes its default")
            parameter.rest("a jobs.yaml has no parameters", "")

    @cached_property
    def _roles(self) -> dict[str, str]:
        """Names and ARNs of roles to their logical ids."""
        found: dict[str, str] = {}
        for name in self.of_type(_ROLE):
            for reference in ({"Ref": name}, {"Fn::GetAtt": [name, "Arn"]}):
                if isinstance(answer := self.resolved(reference), str):
                    found.setdefault(answer, name)
        return found

    @cached_property
    def _attached(self) -> dict[str, list[str]]:
        """Roles to the policies that are resources of their own and name them."""
        found: dict[str, list[str]] = {}
        for name in [each for each in self.of_type(*POLICIES) if self.is_made(each) is not False]:
            roles = mapping(self.properties(name)).get("Roles")
            for each in dict.fromkeys(map(self.role, roles if isinstance(roles, list) else [])):
                found.setdefault(each, []).append(name)
        return found


def _open_function(text: Unresolved) -> Any:
    """What is in place of a value that is not known: a function of what it refers to, without any text of its own."""
    if text.source is None:
        return "".join(f"${{{name}}}" for name in text.names)
    function, argument = text.source
    names = names_of(function, argument)
    if function == "Fn::GetAtt":
        return {function: "".join(names).split(".", 1)}
    return {function: "".join(names) if len(names) < 2 else names}


def mapping(value: object) -> Mapping[str, Any]:
    """A mapping; an empty one for another value."""
    return value if isinstance(value, Mapping) else {}


def with_one(values: Mapping[str, Any], key: str, value: Any) -> Mapping[str, Any]:
    """A copy with one more, which keeps the lines of the others."""
    changed: Any = values.copy() if hasattr(values, "copy") else dict(values)
    changed[key] = value
    found: Mapping[str, Any] = changed
    return found
