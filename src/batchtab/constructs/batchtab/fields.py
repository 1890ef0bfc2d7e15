"""What is wrong with single values of a decoded file: HCL from the tables of fields, in the words of `batchtab check`.

An expression here yields a list of texts, or lists of such lists; its user flattens it. The type of a decoded
value is seen by the first character of its JSON: Terraform has no function that says it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from batchtab import limits
from batchtab.constructs._terraform.expressions import hcl
from batchtab.constructs._terraform.kinds import Kind, kind_of
from batchtab.constructs.batchtab.faults import Place, fault, text
from batchtab.constructs.batchtab.values import rules_of
from batchtab.declarations.container_fields import Ulimit
from batchtab.declarations.fields import KINDS, LISTED_MAX, AllowUnquoted, OneOrList, summary
from batchtab.declarations.table import Hidden, written
from batchtab.errors import listed
from batchtab.schedules import zones

NO_VALUE = "has no value"
_TEXT, _LIST, _MAPPING, _TRUE, _FALSE, _NULL = '"', "[", "{", "t", "f", "n"
# A brace in a text would count as one of the expression's.
_OPEN = r'"\u007b"'
_NOT_NUMBERS = (_TEXT, _LIST, _MAPPING, _TRUE, _FALSE, _NULL)


def _quoted(*firsts: str) -> str:
    """First characters of JSON as a list in HCL."""
    return f"[{', '.join(_OPEN if first == _MAPPING else hcl(first) for first in firsts)}]"


def of_model(model: type[BaseModel], place: Place) -> str:
    """The faults of a mapping's fields, the missing and unknown ones too."""
    parts = [*keys(model, place), *(of_field(model, name, place) for name in model.model_fields)]
    return _then(parts, [rule(place) for rule in rules_of(model)])


def _then(first: Sequence[str], then: Sequence[str]) -> str:
    """Faults, and further ones that are looked for where there are none of the first."""
    found = f"[{', '.join(first)}]"
    if not then:
        return found
    return f"[for e in [flatten({found})] : [e, [for z in [0] : [{', '.join(then)}] if length(e) == 0]]]"


def keys(model: type[BaseModel], place: Place, hint: str = "") -> list[str]:
    """The unknown keys of a mapping, and those that are missing."""
    fields = {written(name, field): field for name, field in model.model_fields.items()}
    known = f": valid keys are {listed(fields)}" if len(fields) <= LISTED_MAX else ""
    key = f"k{place.depth}"
    unknown = fault(place.below("", f"${{{key}}}").path, text(f"is an unknown key{known}{hint}"))
    found = [f"[for {key} in keys({place.item}) : {unknown} if !contains({hcl(list(fields))}, {key})]"]
    for name, field in fields.items():
        if field.is_required():
            described = summary(field.description)
            message = text(f"is missing: {described}" if described else "is missing")
            lacks = f"!contains(keys({place.item}), {hcl(name)})"
            found.append(f"[for t in [0] : {fault(place.below('', name).path, message)} if {lacks}]")
    return found


def of_field(model: type[BaseModel], name: str, place: Place, *, inside: bool = True) -> str:
    """The faults of one field, where it is there.

    Args:
        model: The fields.
        name: The field.
        place: The mapping that has it.
        inside: Whether the objects of a mapping are looked into.
    """
    field = model.model_fields[name]
    key = written(name, field)
    item = f"v{place.depth}"
    inner = place.below(item, key)
    kind = kind_of(field.annotation, tuple(field.metadata))
    found = [of_value(kind, inner, field, inside=inside)]
    rules = [*_of_size(field, inner), *(rule(inner) for rule in rules_of(model, name))]
    rules = [f"[for y in [{item}] : {rule} if y != null]" for rule in rules]
    return f"[for {item} in try([{place.item}.{key}], []) : {_then(found, rules)}]"


def _is_unquoted(kind: Kind, place: Place) -> bool:
    """Whether a text needs no quotes: Terraform has a number then, where the loader reads what the file says."""
    return any(isinstance(each, AllowUnquoted) for each in kind.metadata) or place.path.startswith("secrets.")


def of_value(kind: Kind, place: Place, field: FieldInfo | None = None, *, inside: bool = True) -> str:
    """The faults of a value, and of what is in it."""
    item, first = place.item, f"c{place.depth}"
    problems = list(_problems(kind, place, first))
    if kind.type in (str, int, float):
        problems += of_scalar(kind, f"tostring({item})" if _is_unquoted(kind, place) else item)
        if field is not None:
            problems += _of_pydantic(field, item)
    chain = "".join(f"{condition} ? {message} : " for condition, message in problems) + '""'
    is_unquoted = _is_unquoted(kind, place)
    is_hidden = place.is_secret or any(isinstance(each, Hidden) for each in kind.metadata)
    # Of a value that is null nothing is shown.
    found = fault(
        place.path,
        "t",
        "" if is_hidden else f"try(tostring({item}), {item})" if is_unquoted else item,
        '!startswith(t, "has ")',
    )
    own = f'[for t in [{chain}] : {found} if t != ""]'
    parts = ", ".join([own, *_inside(kind, place, first, deep=inside)])
    return f"[for {first} in [substr(jsonencode({item}), 0, 1)] : [{parts}]]"


def _problems(kind: Kind, place: Place, first: str) -> Iterator[tuple[str, str]]:
    """What is wrong with a value's type."""
    item = place.item
    yield f"{first} == {hcl(_NULL)}", '""' if kind.nullable else text(NO_VALUE)
    one_or_list = any(isinstance(each, OneOrList) for each in kind.metadata)
    if kind.type is str:
        if _is_unquoted(kind, place):
            yield f"contains({_quoted(_LIST, _MAPPING)}, {first})", text(KINDS["string_type"])
        else:
            yield f"{first} != {hcl(_TEXT)}", text(KINDS["string_type"])
    elif kind.type is bool:
        yield f"!contains({hcl([_TRUE, _FALSE])}, {first})", text(KINDS["bool_type"])
    elif kind.type in (int, float):
        name = "int_type" if kind.type is int else "float_type"
        yield f"contains({_quoted(*_NOT_NUMBERS)}, {first})", text(KINDS[name])
        if kind.type is int:
            yield f"floor({item}) != {item}", text(KINDS[name])
    elif get_origin(kind.type) in (tuple, list):
        allowed = [_LIST, _TEXT] if one_or_list else [_LIST]
        yield f"!contains({hcl(allowed)}, {first})", text(KINDS["tuple_type"])
    elif kind.type is Ulimit:  # a number alone is both
        yield f"contains({hcl([_TEXT, _LIST, _TRUE, _FALSE])}, {first})", text(KINDS["dict_type"])
    elif kind.type is not Any:
        yield f"{first} != {_OPEN}", text(KINDS["dict_type"])


def of_scalar(kind: Kind, item: str) -> Iterator[tuple[str, str]]:
    """What is wrong with a value, by its limits."""
    for limit in kind.limits:
        if isinstance(limit, limits.Range):
            low, high = ("short", "long") if limit.unit in {"seconds", "days"} else ("small", "large")
            yield f"{item} < {limit.minimum}", text(f"is too {low}: {limit.describe()}")
            yield f"{item} > {limit.maximum}", text(f"is too {high}: {limit.describe()}")
        elif isinstance(limit, limits.Choice):
            yield f"!contains({hcl(list(limit.values))}, {item})", text(f"is not allowed: {limit.describe()}")
        elif limit is limits.TIMEZONE:
            abbreviations = hcl(list(zones.ABBREVIATIONS))
            yield f"contains({abbreviations}, upper({item}))", text(zones.IS_ABBREVIATION)
            yield f"length({item}) > {limit.maximum} || !can(regex({text(limit.pattern)}, {item}))", text(zones.UNKNOWN)
        elif isinstance(limit, limits.Text):
            described = text(f" characters long: {limit.describe()}")[1:]
            yield f"length({item}) > {limit.maximum}", f'"is ${{length({item})}}{described}'
            yield f"!can(regex({text(limit.pattern)}, {item}))", text(f"is not allowed: {limit.describe()}")
        elif isinstance(limit, limits.Unlike):
            yield f"can(regex({text(limit.pattern)}, {item}))", text(limit.meaning)


def _of_pydantic(field: FieldInfo, item: str) -> Iterator[tuple[str, str]]:
    for each in field.metadata:
        if getattr(each, "gt", None) is not None:
            yield f"{item} <= {each.gt}", text(f"is not allowed: input should be greater than {each.gt}")
        if (most := getattr(each, "max_length", None)) is not None:
            yield f"length({item}) > {most}", text(f"is not allowed: string should have at most {most} characters")


def _of_size(field: FieldInfo, place: Place) -> Iterator[str]:
    item = place.item
    is_text = get_origin(kind_of(field.annotation, ()).type) is None
    for each in () if is_text else field.metadata:
        least, most = getattr(each, "min_length", None), getattr(each, "max_length", None)
        if least:
            word = " word" if place.path == "command" else ""
            empty = fault(place.path, text(f"is empty: at least one{word}"), item)
            yield f"[for t in [0] : {empty} if length({item}) < {least}]"
        if most:
            many = fault(place.path, f'"has ${{length({item})}} entries: at most {most}"')
            number = f"max(length(flatten([{item}])), length(try(keys({item}), [])))"
            yield f"[for t in [0] : {many} if {number} > {most}]"


def _inside(kind: Kind, place: Place, first: str, *, deep: bool) -> Iterator[str]:
    """What is wrong with what a list, mapping or object has in it."""
    item, whole = place.item, f"w{place.depth}"

    def each(loop: str, found: str, of: str) -> str:
        return f"[for {whole} in [{item}] : [for {loop} in {whole} : {found}] if {first} == {_quoted(of)[1:-1]}]"

    if get_origin(kind.type) in (tuple, list):
        index, inner = f"i{place.depth}", f"v{place.depth}"
        found = of_value(kind_of(get_args(kind.type)[0], ()), place.below(inner, f"[${{{index}}}]"))
        yield each(f"{index}, {inner}", found, _LIST)
    elif get_origin(kind.type) is not None and len(get_args(kind.type)) == 2:
        key, inner = f"i{place.depth}", f"v{place.depth}"
        key_kind, value_kind = (kind_of(part, ()) for part in get_args(kind.type))
        below = place.below(inner, f"${{{key}}}")
        names = "".join(f"{condition} ? {message} : " for condition, message in of_scalar(key_kind, key)).replace(
            "is not allowed: ", "is not allowed as a name: "
        )
        found = f'[for t in [{names}""] : {fault(below.path, "t")} if t != ""]'
        if value_kind.type is not Any:
            found += f", {of_value(value_kind, below, inside=deep)}"
        yield each(f"{key}, {inner}", f"[{found}]", _MAPPING)
    elif deep and isinstance(kind.type, type) and issubclass(kind.type, BaseModel):
        whole_place = Place(whole, place.path, place.depth + 1)
        yield f"[for {whole} in [{item}] : {of_model(kind.type, whole_place)} if {first} == {_OPEN}]"
