"""Lists and maps of objects, written once for those that are known and those that only Terraform knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from pydantic import BaseModel

from batchtab.constructs._terraform.documents import members
from batchtab.constructs._terraform.expressions import (
    Condition,
    Expression,
    Nullable,
    hcl,
    is_expression,
    literal,
    literals,
)
from batchtab.declarations.arguments import plain


class Members(Protocol):
    """Anything whose members are found by name."""

    def __getitem__(self, name: str) -> Any:
        """A member's value, or an expression of it."""


class Item:
    """One object: its members by name, with their defaults."""

    def __init__(self, model: type[BaseModel], value: Any) -> None:
        self._fields = model.model_fields
        self._value = value

    def __getitem__(self, name: str) -> Any:
        """A member's value, or an expression of it."""
        field = self._fields[name]
        if is_expression(self._value):
            text = f"{hcl(self._value)}.{name}"
            can_be_null = not field.is_required() and field.get_default() is None
            return Nullable.of(text) if can_be_null else Expression.of(text)
        value = self._value.get(name)
        if value is None and not field.is_required():
            return plain(field.get_default())
        return literals(value)


Build = Callable[[Any, Item], Mapping[str, Any]]


def each(
    collection: Any, model: type[BaseModel], build: Build, where: Callable[[Item], Condition] = lambda _: True
) -> Any:
    """What `build` makes of each object of a list or map, as a list; a map in the order of its keys.

    Args:
        collection: A list or map of objects, or an expression of one.
        model: The objects' fields.
        build: Takes a key, None in a list, and the object.
        where: Which objects are taken.
    """
    return _each(collection, lambda key, value: build(key, Item(model, value)), lambda value: where(Item(model, value)))


def each_value(collection: Mapping[str, Any] | Sequence[Any] | Expression, build: Callable[[Any, Any], Any]) -> Any:
    """The same for a map or list of plain values."""
    return _each(collection, build)


def _each(
    collection: Any,
    build: Callable[[Any, Any], Any],
    where: Callable[[Any], Condition] = lambda _: True,
) -> Any:
    if isinstance(collection, Expression):
        body = members(build(Expression.of("key"), Expression.of("item")))
        condition = where(Expression.of("item"))
        only = "" if condition is True else f" if {hcl(condition)}"
        # Of a list the keys are numbers, which no `build` looks at.
        return Expression.of(f"[for key, item in {hcl(collection)} : {body}{only}]")
    keys = sorted(collection) if isinstance(collection, Mapping) else None
    pairs = [(None, item) for item in collection or ()] if keys is None else [(key, collection[key]) for key in keys]
    return [build(key if key is None else literal(key), item) for key, item in pairs if where(item) is not False]


def joined(*lists: Any) -> Any:
    """Several lists as one; an expression where one of them is one."""
    if not any(isinstance(each, Expression) for each in lists):
        return [item for each in lists for item in each]
    parts = [hcl(each) if isinstance(each, Expression) else f"[{', '.join(map(members, each))}]" for each in lists]
    return Expression.of(f"concat({', '.join(part for part in parts if part != '[]')})")
