"""A module's variables from a model's fields: type, default, description and `validation` blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from batchtab.constructs._terraform.expressions import hcl
from batchtab.constructs._terraform.kinds import Kind, kind_of
from batchtab.constructs._terraform.module_stack import REQUIRED, Validation, Variable
from batchtab.constructs._terraform.validations import validations_of
from batchtab.declarations.table import written


def variables(model: type[BaseModel], more: Mapping[str, Sequence[Validation]] | None = None) -> list[Variable]:
    """The variables of all fields, those that must be given first.

    Args:
        model: The fields.
        more: Further validations by variable, which no limit of a field expresses.
    """
    found = [_variable(written(name, field), field, (more or {})) for name, field in model.model_fields.items()]
    return sorted(found, key=lambda variable: not variable.required)


def variable_of(model: type[BaseModel], name: str) -> Variable:
    """The variable of one field."""
    return _variable(name, model.model_fields[name], {})


def _variable(name: str, field: FieldInfo, more: Mapping[str, Sequence[Validation]]) -> Variable:
    kind = kind_of(field.annotation, tuple(field.metadata))
    validations = list(validations_of(name, kind, field))
    default = REQUIRED if field.is_required() else _plain(field.get_default())
    return Variable(
        name,
        hcl_type(field.annotation),
        field.description or "",
        default,
        [*validations, *(_in_part(rule, kind) for rule in more.get(name, ()))],
        nullable=kind.nullable,
    )


def _in_part(rule: Validation, kind: Kind) -> Validation:
    """A rule on what a list, map or object contains; a null is refused by a rule of its own."""
    if kind.is_scalar:
        return rule
    return replace(rule, condition=f"try({rule.condition}, true)")


def hcl_type(annotation: Any) -> str:
    """The type of a variable. Members of an object that have a default are optional."""
    kind = kind_of(annotation, ())
    if kind.type is bool:
        return "bool"
    if kind.type in (int, float):
        return "number"
    if kind.type is str:
        return "string"
    if get_origin(kind.type) in (tuple, list):
        return f"list({hcl_type(get_args(kind.type)[0])})"
    if get_origin(kind.type) is dict:
        value = get_args(kind.type)[1]
        return "any" if value is Any else f"map({hcl_type(value)})"
    if isinstance(kind.type, type) and issubclass(kind.type, BaseModel):
        members = ", ".join(f"{written(n, f)} = {_member(f)}" for n, f in kind.type.model_fields.items())
        return f"object({{ {members} }})"
    raise TypeError(f"{annotation!r} has no type in Terraform")


def _member(field: FieldInfo) -> str:
    text = hcl_type(field.annotation)
    if field.is_required():
        return text
    default = _plain(field.get_default())
    return f"optional({text})" if default is None else f"optional({text}, {hcl(default)})"


def _plain(value: Any) -> Any:
    """A default as Terraform writes it: no models, no tuples; 1.0 is 1."""
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(exclude_none=True, exclude_defaults=True))
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
