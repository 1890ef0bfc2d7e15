"""What a field's annotation says beside its type and its limit: where it has an effect, and its page at AWS.

The models of fields are the one place where a field is declared. The loader of files, the JSON Schema, the constructs'
arguments, the modules' variables and the reference in docs/ are made of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeVar

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from batchtab import limits
from batchtab.declarations.fields import Limit

Kind = TypeVar("Kind")
Fault = tuple[str, object, str, str]  # field, value, message, hint


@dataclass(frozen=True)
class Only:
    """Annotation of a field that only one kind of capacity knows."""

    kind: Literal["EC2", "Fargate"]

    def has(self, capacity: str) -> bool:
        """Whether jobs of this capacity have the field."""
        return (capacity in limits.FARGATE_CAPACITIES) == (self.kind == "Fargate")


@dataclass(frozen=True)
class Needs:
    """Annotation of a field that has no effect in a job without a schedule, or without anything that starts it."""

    what: Literal["schedule", "trigger"]


@dataclass(frozen=True)
class Hidden:
    """Annotation of a field whose value no message shows: it may be the secret itself instead of its name."""


@dataclass(frozen=True)
class Source:
    """Annotation with the page that a field comes from, where no limit of it has one."""

    url: str


def annotations_of(field: FieldInfo, kind: type[Kind]) -> list[Kind]:
    """A field's own annotations of a kind; of an optional field also those within it."""
    found = [item for item in field.metadata if isinstance(item, kind)]
    for inner in getattr(field.annotation, "__args__", ()):
        found += [item for item in getattr(inner, "__metadata__", ()) if isinstance(item, kind)]
    return found


def source_url(field: FieldInfo) -> str:
    """The page at AWS that a field comes from; empty for what is Batchtab's own."""
    for source in annotations_of(field, Source):
        return source.url
    return next((item.limit.source_url for item in annotations_of(field, Limit)), "")


def written(name: str, field: FieldInfo) -> str:
    """A field's name in files and modules: `except` is a word of Python's, and its field is called `except_`."""
    return field.validation_alias if isinstance(field.validation_alias, str) else name


def described(model: type[BaseModel], name: str) -> Any:
    """A field like that of another model, for one door's own type of it."""
    return copy(model.model_fields[name])


def fields_with(model: type[BaseModel], annotation: object) -> tuple[str, ...]:
    """The names of the fields that have an annotation."""
    return tuple(
        name for name, field in model.model_fields.items() if annotation in annotations_of(field, type(annotation))
    )


def is_given(model: BaseModel, name: str) -> bool:
    """Whether a field says something: more than its default."""
    return bool(getattr(model, name) != type(model).model_fields[name].get_default())


def misplaced(model: BaseModel, capacity: str) -> Iterator[tuple[str, Any, Only]]:
    """The fields that say something which jobs of this capacity do not have: name, value, and what has it."""
    for name, only in _only(type(model)):
        if not only.has(capacity) and is_given(model, name):
            yield name, getattr(model, name), only


@lru_cache(maxsize=64)
def _only(model: type[BaseModel]) -> tuple[tuple[str, Only], ...]:
    return tuple((name, only) for name, field in model.model_fields.items() for only in annotations_of(field, Only))
