"""Arguments of a construct, checked as a file is: in the same words, as far as their values are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError, create_model

from batchtab.declarations.diagnostics import Diagnostic
from batchtab.declarations.fields import StrictModel, problems_of, summary
from batchtab.declarations.table import Fault
from batchtab.declarations.yaml_file import Document

Model = TypeVar("Model", bound=StrictModel)
IsUnknown = Callable[[object], bool]
#: The faults of a whole, given the fields that are not known.
Faults = Callable[[Any, set[str]], Iterable[Fault]]
_HERE = Document("")


class _Unknown:
    """What represents a value that only Terraform knows."""


def plain(value: Any) -> Any:
    """A value without models and enumerations, as constructs read it."""
    if isinstance(value, BaseModel):
        return plain(value.model_dump(exclude_none=True))
    if isinstance(value, Enum):
        return value.value
    if type(value) is dict:
        return {plain(key): plain(item) for key, item in value.items()}
    return type(value)(map(plain, value)) if type(value) in (list, tuple) else value


def checked(
    model: type[Model], given: Mapping[str, Any], is_unknown: IsUnknown, faults: Faults
) -> tuple[Model, list[Diagnostic]]:
    """The arguments with their defaults, and everything that is wrong with those whose values are known.

    Args:
        model: The fields.
        given: Arguments by their Python names.
        is_unknown: Whether only Terraform knows a value.
        faults: The rules across fields.
    """
    values = {name: plain(value) for name, value in given.items()}
    known, partly = {}, set()
    for name, value in values.items():
        pruned, is_partial = _known(value, is_unknown)
        if is_partial:
            partly.add(name)
        if not isinstance(pruned, _Unknown):
            known[name] = pruned
    unknown = set(values) - set(known)
    problems = [
        Diagnostic("", None, "", name, None, f"is missing: {summary(field.description)}")
        for name, field in model.model_fields.items()
        if field.is_required() and name not in values
    ]
    unknown.update(problem.field for problem in problems)
    partial = _partial(model)
    try:
        found = partial.model_validate(known, by_name=True, by_alias=False)
    except ValidationError as error:
        for path, problem in problems_of(error, partial, _HERE):
            name = str(path[0]) if path else ""
            unknown.add("except_" if name == "except" else name)
            if name not in partly or not problem.message.startswith("is missing"):
                problems.append(problem)
        found = _rest(partial, {name: value for name, value in known.items() if name not in unknown})
    if not problems:
        problems = list(_across(faults(found, unknown)))
    for name in set(known) - unknown - partly:
        values[name] = plain(getattr(found, name))  # one in place of a list is a list
    defaults = {
        name: plain(field.get_default())
        for name, field in model.model_fields.items()
        if isinstance(field.get_default(), BaseModel)
    }
    return model.model_construct(_fields_set=set(values), **{**defaults, **values}), problems


def _rest(model: type[Model], known: Mapping[str, Any]) -> Model:
    """The fields that are not at fault, as the rules across fields want them."""
    try:
        return model.model_validate(known, by_name=True, by_alias=False)
    except ValidationError:  # something about the whole, which the faults say
        return model.model_construct(_fields_set=set(known), **known)


def _across(faults: Iterable[Fault]) -> Iterator[Diagnostic]:
    for field, value, message, hint in faults:
        yield Diagnostic("", None, "", field, value, message, hint)


@cache
def _partial(model: type[StrictModel]) -> type[StrictModel]:
    """The model without required fields: what is not known cannot be given to it."""
    optional: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if field.is_required():
            other = copy(field)
            other.default = None
            optional[name] = (field.annotation, other)
    return create_model(f"Known{model.__name__}", __base__=model, **optional)


def _known(value: Any, is_unknown: IsUnknown) -> tuple[Any, bool]:
    """A value without the parts that are not known, and whether there are such."""
    if is_unknown(value):
        return _Unknown(), True
    if isinstance(value, Mapping):
        parts = {key: _known(item, is_unknown) for key, item in value.items() if not is_unknown(key)}
        kept = {key: part for key, (part, _) in parts.items() if not isinstance(part, _Unknown)}
        partial = len(kept) < len(value) or any(each for _, each in parts.values())
        return (_Unknown() if value and not kept else kept), partial
    if isinstance(value, list | tuple):
        items = [_known(item, is_unknown) for item in value]
        rest = [part for part, _ in items if not isinstance(part, _Unknown)]
        return (_Unknown() if value and not rest else rest), any(each for _, each in items)
    return value, False
