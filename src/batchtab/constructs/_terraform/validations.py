"""Conditions that a variable's value must meet, and the texts of their refusals, from the limits of a field.

What is wrong inside a list, map or object is said of each entry, in a line of its own: the words of `batchtab check`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from batchtab import limits
from batchtab.constructs._terraform.expressions import hcl
from batchtab.constructs._terraform.kinds import Kind, kind_of
from batchtab.constructs._terraform.module_stack import Validation, requires
from batchtab.constructs._terraform.scalars import allowed_of, of_scalar, unless_null
from batchtab.declarations.table import written

#: Said of lists, maps and objects in which something is null that has no meaning there.
NULL = "has a null in it: leave it out, or give a value"
#: How many wrong entries a refusal names.
NAMED_MAX = 5
#: Maps with values that are or may be secrets.
_SECRETS = ("environment", "secrets", "secret_options")


@dataclass(frozen=True)
class _Rule:
    """A condition with the text of its refusal: a template, or of entries an expression that lists texts.

    Terraform writes no text if a part of it is unknown. `alltrue` fails where the first wrong entry is before all
    that it does not know, so that this one's text is known; names of a map are known with the map.
    """

    condition: str
    text: str
    is_listed: bool = False
    is_of_names: bool = False

    def of_names(self, name: str, of: str) -> _Rule:
        """The rule for each name of a map."""
        loop = f"{name} in keys({of})"
        fails = self.condition[1:] if self.condition.startswith("!can(") else f"!{_grouped(self.condition)}"
        texts = f"[for {loop} : {hcl(self.text)} if {fails}]"
        return _Rule(f"alltrue([for {loop} : {self.condition}])", texts, is_listed=True, is_of_names=True)

    def of_entries(self, loop: str, both: str, item: str) -> _Rule:
        """The rule for each entry of something; that none is null is a rule of its own.

        Args:
            loop: `item in values(…)`, for the condition.
            both: `key, item in …`, for the text.
            item: An entry.
        """
        condition = unless_null(item, self.condition, nullable=True)
        alone = f'{_grouped(condition)} ? "" : {hcl(self.text)}'
        text = f"{self.text} if {item} != null" if self.is_listed else alone
        return _Rule(f"alltrue([for {loop} : {condition}])", f"[for {both} : {text}]", is_listed=True)

    def unless_null(self, value: str, *, nullable: bool) -> _Rule:
        """The rule for a value that may be null."""
        condition = unless_null(value, self.condition, nullable=nullable)
        text = f"{value} == null ? [] : {self.text}" if nullable and self.is_listed else self.text
        return _Rule(condition, text, self.is_listed, self.is_of_names)

    @property
    def message(self) -> str:
        """The text of its refusal: of names the first few, and of entries the first."""
        if not self.is_listed:
            return self.text
        if self.is_of_names:
            return f'${{join("\\n", [for number, text in {self.text} : text if number < {NAMED_MAX}])}}'
        is_nested = self.text.count("[for ") > 1
        texts = f"flatten({self.text})" if is_nested else self.text
        return f'${{coalesce(concat({texts}, ["-"])...)}}'


def _grouped(condition: str) -> str:
    return condition if condition.startswith(("(", "!can(", "can(", "contains(")) else f"({condition})"


def validations_of(name: str, kind: Kind, field: FieldInfo) -> Iterator[Validation]:
    """The validations of a variable."""
    value = f"var.{name}"
    if kind.is_scalar:
        for condition, message in of_scalar(kind, value):
            yield Validation(
                unless_null(value, condition, nullable=kind.nullable), f"{name}: {message}", allowed_of(kind)
            )
        for item in kind.metadata:
            if getattr(item, "gt", None) is not None:
                yield requires(f"{value} > {item.gt}", f"{name}: ${{{value}}} is too small: more than {item.gt}.")
        return
    for rule in _sizes(field, value, name):
        yield requires(unless_null(value, rule.condition, nullable=kind.nullable), rule.message)
    if (full := _no_nulls(kind, value, count())) is not None:
        yield requires(unless_null(value, full, nullable=kind.nullable), f"{name}: {NULL}.")
    for rule in _inside(kind, value, name, count()):
        whole = rule.unless_null(value, nullable=kind.nullable)
        yield requires(whole.condition, whole.message)
    if get_origin(kind.type) is dict and limits.AWS_TAG in kind_of(get_args(kind.type)[0], ()).limits:
        twins = f"[for a in keys({value}) : a if length([for b in keys({value}) : b if lower(b) == lower(a)]) > 1]"
        yield requires(f"length({twins}) == 0", f'{name}: ${{join(", ", {twins})}} differ {limits.TAG_TWINS}.')


def _sizes(field: FieldInfo, value: str, path: str) -> Iterator[_Rule]:
    """Conditions on how many entries there are."""
    for item in field.metadata:
        least, most = getattr(item, "min_length", None), getattr(item, "max_length", None)
        if least:
            yield _Rule(f"length({value}) >= {least}", f"{path}: is empty: at least one.")
        if most:
            yield _Rule(f"length({value}) <= {most}", f"{path}: has ${{length({value})}} entries: at most {most}.")


def _no_nulls(kind: Kind, value: str, names: Iterator[int]) -> str | None:
    """Whether no entry in it is null, where null says nothing; None where none can be."""
    if get_origin(kind.type) in (tuple, list, dict):
        loop = f"values({value})" if get_origin(kind.type) is dict else value
        item, inner = f"entry{next(names)}", kind_of(get_args(kind.type)[get_origin(kind.type) is dict], ())
        if inner.type is Any:
            return None
        below = _no_nulls(inner, item, names)
        each = f"{item} != null" if below is None else f"{item} == null ? false : {below}"
        return f"alltrue([for {item} in {loop} : {each}])"
    if isinstance(kind.type, type) and issubclass(kind.type, BaseModel):
        found = []
        for name, field in kind.type.model_fields.items():
            inner, place = kind_of(field.annotation, tuple(field.metadata)), f"{value}.{written(name, field)}"
            below = _no_nulls(inner, place, names)
            if field.is_required() and not inner.nullable:
                found.append(f"{place} != null" if below is None else f"({place} == null ? false : {below})")
            elif below is not None:
                found.append(f"({unless_null(place, below, nullable=inner.nullable)})")
        return " && ".join(found) or None
    return None


def _inside(kind: Kind, value: str, path: str, names: Iterator[int]) -> Iterator[_Rule]:
    """Conditions on what a list, map or object has in it; each text names the place by its path."""
    if get_origin(kind.type) in (tuple, list):
        number = next(names)
        index, item = f"index{number}", f"item{number}"
        for rule in _of_entry(kind_of(get_args(kind.type)[0], ()), item, f"{path}[${{{index}}}]", names):
            yield rule.of_entries(f"{item} in {value}", f"{index}, {item} in {value}", item)
    elif get_origin(kind.type) is dict:
        key_kind, value_kind = (kind_of(each, ()) for each in get_args(kind.type))
        key, item = f"key{next(names)}", f"item{next(names)}"
        below = f"{path}.${{{key}}}"
        for condition, message in of_scalar(key_kind, key, shows=False):
            words = message.replace("is not allowed: ", "is not allowed as a name: ")
            yield _Rule(condition, f"{below}: {words}").of_names(key, value)
        if value_kind.type is not Any:
            for rule in _of_entry(value_kind, item, below, names):
                yield rule.of_entries(f"{item} in values({value})", f"{key}, {item} in {_shared(path, value)}", item)
    elif isinstance(kind.type, type) and issubclass(kind.type, BaseModel):
        yield from _of_members(kind.type, value, path, names)


def _is_secret(path: str) -> bool:
    return path.rpartition(".")[2] in _SECRETS


def _shared(path: str, value: str) -> str:
    """A map whose values a text depends on; which of them is wrong says nothing of a secret, so that it is shown."""
    if not _is_secret(path):
        return value
    return f"{{ for name, secret in {value} : name => try(nonsensitive(secret), secret) }}"


def _of_members(model: type[BaseModel], value: str, path: str, names: Iterator[int]) -> Iterator[_Rule]:
    for name, field in model.model_fields.items():
        inner = kind_of(field.annotation, tuple(field.metadata))
        place, where = f"{value}.{written(name, field)}", f"{path}.{written(name, field)}"
        is_nullable = inner.nullable or field.is_required()
        if inner.is_scalar:
            # What is null in an entry is not wrong; a variable's text is written in any case.
            of = inner._replace(nullable=inner.nullable and value.startswith("var."))
            for condition, message in of_scalar(of, place):
                whole = _unless_nothing(place, unless_null(place, condition, nullable=is_nullable), inner, field)
                yield _Rule(whole, f"{where}: {message}")
            continue
        for rule in [*_sizes(field, place, where), *_inside(inner, place, where, names)]:
            yield rule.unless_null(place, nullable=is_nullable)


def _of_entry(kind: Kind, item: str, path: str, names: Iterator[int]) -> Iterator[_Rule]:
    """Conditions on an entry of a list or a value of a map."""
    if not kind.is_scalar:
        yield from _inside(kind, item, path, names)
        return
    is_secret = _is_secret(path.rpartition(".")[0])
    kind = kind._replace(nullable=False)
    for condition, message in of_scalar(kind, item, shows=not is_secret):
        yield _Rule(condition, f"{path}: {message}")


def _unless_nothing(value: str, condition: str, kind: Kind, field: FieldInfo) -> str:
    """A member's default says nothing where no limit takes it, such as an empty name."""
    default = None if field.is_required() else field.get_default()
    if default is None or not any(limit.refusal(default) for limit in kind.limits):
        return condition
    return f"{value} == {hcl(default)} ? true : {condition}"
