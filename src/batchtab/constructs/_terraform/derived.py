"""A module's variables from a model's fields: type, default, description and `validation` blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from types import NoneType, UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from batchtab import limits
from batchtab.constructs._terraform.expressions import hcl
from batchtab.constructs._terraform.module_stack import REQUIRED, Validation, Variable, holds
from batchtab.declarations.fields import Limit
from batchtab.declarations.table import Hidden, written


class _Kind(NamedTuple):
    """An annotation without `None` and `Annotated`, with the metadata of both."""

    type: Any
    metadata: tuple[Any, ...]
    nullable: bool

    @property
    def limits(self) -> Iterator[Any]:
        return (item.limit for item in self.metadata if isinstance(item, Limit))


def variables(model: type[BaseModel], more: Mapping[str, Sequence[Validation]] | None = None) -> list[Variable]:
    """The variables of all fields, those that must be given first.

    Args:
        model: The fields.
        more: Further validations by variable, which no limit of a field expresses.
    """
    found = [_variable(written(name, field), field, (more or {})) for name, field in model.model_fields.items()]
    return sorted(found, key=lambda variable: not variable.required)


def _variable(name: str, field: FieldInfo, more: Mapping[str, Sequence[Validation]]) -> Variable:
    kind = _kind(field.annotation, tuple(field.metadata))
    validations = list(_validations(name, kind, field))
    default = REQUIRED if field.is_required() else _plain(field.get_default())
    return Variable(
        name,
        hcl_type(field.annotation),
        field.description or "",
        default,
        [*validations, *more.get(name, ())],
        nullable=kind.nullable,
    )


def hcl_type(annotation: Any) -> str:
    """The type of a variable. Members of an object that have a default are optional."""
    kind = _kind(annotation, ())
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


def _kind(annotation: Any, metadata: tuple[Any, ...]) -> _Kind:
    nullable = False
    while True:
        if hasattr(annotation, "__metadata__"):
            metadata = (*metadata, *annotation.__metadata__)
            annotation = annotation.__origin__
        elif get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation):
            nullable = True
            (annotation,) = (each for each in get_args(annotation) if each is not NoneType)
        else:
            return _Kind(annotation, metadata, nullable)


def _plain(value: Any) -> Any:
    """A default as Terraform writes it: no models, no tuples; 1.0 is 1."""
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(exclude_none=True, exclude_defaults=True))
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


# --- validations


def _validations(name: str, kind: _Kind, field: FieldInfo) -> Iterator[Validation]:
    value = f"var.{name}"
    if kind.type in (str, int, float, bool):
        is_hidden = any(isinstance(item, Hidden) for item in kind.metadata)
        for condition, message in _of_scalar(kind, value, "" if is_hidden else f"${{{_shown(value, kind)}}}"):
            yield Validation(_unless_null(value, condition, kind), f"{name}: {message}", _allowed(kind))
        for item in kind.metadata:
            if getattr(item, "gt", None) is not None:
                yield holds(f"{value} > {item.gt}", f"{name}: ${{{value}}} is too small: more than {item.gt}.")
        return
    for item in field.metadata:
        least, most = getattr(item, "min_length", None), getattr(item, "max_length", None)
        if least:
            yield holds(f"length({value}) >= {least}", f"{name}: is empty: at least one.")
        if most:
            yield holds(f"length({value}) <= {most}", f"{name}: has ${{length({value})}} entries: at most {most}.")
    for condition, message in _inside(kind, value, name, count()):
        yield holds(_unless_null(value, condition, kind), f"{message}")


def _inside(kind: _Kind, value: str, path: str, names: Iterator[int]) -> Iterator[tuple[str, str]]:
    """Conditions on what a list, map or object has in it; each message names the place by its path."""
    if get_origin(kind.type) in (tuple, list):
        item = f"item{next(names)}"
        yield from _each(f"{item} in {value}", _kind(get_args(kind.type)[0], ()), item, f"{path}[*]", names)
    elif get_origin(kind.type) is dict:
        key_kind, value_kind = (_kind(each, ()) for each in get_args(kind.type))
        key, item = f"key{next(names)}", f"item{next(names)}"
        yield from _each(f"{key} in keys({value})", key_kind, key, f"{path}: a name ", names)
        if value_kind.type is not Any:
            yield from _each(f"{item} in values({value})", value_kind, item, f"{path}[*]", names)
    elif isinstance(kind.type, type) and issubclass(kind.type, BaseModel):
        for name, field in kind.type.model_fields.items():
            inner = _kind(field.annotation, tuple(field.metadata))
            place = f"{value}.{written(name, field)}"
            found = _of_scalar(inner, place, "") if inner.type in (str, int, float, bool) else ()
            for condition, message in found:
                whole = _unless_nothing(place, _unless_null(place, condition, inner), inner, field)
                yield whole, f"{path}.{written(name, field)}: {message}"
            if not found:
                for condition, message in _inside(inner, place, f"{path}.{written(name, field)}", names):
                    yield _unless_null(place, condition, inner), message


def _each(loop: str, kind: _Kind, item: str, path: str, names: Iterator[int]) -> Iterator[tuple[str, str]]:
    if kind.type in (str, int, float, bool):
        begin = path if path.endswith(" ") else f"{path}: "
        found = ((condition, f"{begin}{message}") for condition, message in _of_scalar(kind, item, ""))
    else:
        found = ((condition, message) for condition, message in _inside(kind, item, path, names))
    for condition, message in found:
        yield f"alltrue([for {loop} : {condition}])", message


def _of_scalar(kind: _Kind, value: str, shown: str) -> list[tuple[str, str]]:
    """A value's conditions with the texts of their refusals, which are those of every door."""
    before = f"{shown} " if shown else ""
    found = []
    for limit in kind.limits:
        if isinstance(limit, limits.Range):
            bounds = [f"floor({value}) == {value}"] if kind.type is int else []  # the provider crashes on a fraction
            bounds.append(f"{value} >= {limit.minimum}")
            if limit.maximum is not None:
                bounds.append(f"{value} <= {limit.maximum}")
            found.append(
                (f"({' && '.join(bounds)})", f"{before}is {_which(limit, value, kind, shown)}: {limit.describe()}.")
            )
        elif isinstance(limit, limits.Choice):
            found.append(
                (f"contains({hcl(list(limit.values))}, {value})", f"{before}is not allowed: {limit.describe()}.")
            )
        elif isinstance(limit, limits.Text):
            condition = f"(can(regex({hcl(limit.pattern)}, {value})) && length({value}) <= {limit.maximum})"
            quoted = f"'{shown}' " if shown else ""
            found.append((condition, f"{quoted}is not allowed: {limit.describe()}."))
        elif isinstance(limit, limits.Unlike):
            hint = f": {limit.hint}" if limit.hint else ""
            found.append((f"!can(regex({hcl(limit.pattern)}, {value}))", f"{before}{limit.meaning}{hint}."))
    return found


def _which(limit: limits.Range, value: str, kind: _Kind, shown: str) -> str:
    """`too small`, `too large` or `not a whole number`, which Terraform knows where the value is known."""
    low, high = ("short", "long") if limit.unit in {"seconds", "days"} else ("small", "large")
    fraction = "not a whole number"
    if not shown:
        words = [*([fraction] if kind.type is int else []), f"too {low}", *([f"too {high}"] if limit.maximum else [])]
        return " or ".join(words)
    if limit.maximum is None and kind.type is not int:
        return f"too {low}"
    text = f'"too {low}"' if limit.maximum is None else f'{value} < {limit.minimum} ? "too {low}" : "too {high}"'
    whole = f'floor({value}) != {value} ? "{fraction}" : ' if kind.type is int else ""
    unless = f'{value} == null ? "" : ' if kind.nullable else ""
    return f"${{{unless}{whole}{text}}}"


def _unless_null(value: str, condition: str, kind: _Kind) -> str:
    return f"{value} == null ? true : {condition}" if kind.nullable else condition


def _unless_nothing(value: str, condition: str, kind: _Kind, field: FieldInfo) -> str:
    """A member's default says nothing where no limit takes it, such as an empty name."""
    default = None if field.is_required() else field.get_default()
    if default is None or not any(limit.refusal(default) for limit in kind.limits):
        return condition
    return f"{value} == {hcl(default)} ? true : {condition}"


def _shown(value: str, kind: _Kind) -> str:
    """The value in a message, which Terraform writes even where the condition is met, with a warning at a null."""
    return f'{value} == null ? "null" : {value}' if kind.nullable else value


def _allowed(kind: _Kind) -> str:
    return next(
        (
            limit.describe()
            for limit in kind.limits
            if not isinstance(limit, limits.Unlike) and not (isinstance(limit, limits.Text) and "ARN" in limit.meaning)
        ),
        "",
    )
