"""How a limit becomes part of a pydantic field, and how pydantic's errors become lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from batchtab.declarations import hints
from batchtab.declarations.diagnostics import Diagnostic
from batchtab.declarations.yaml_file import HIDDEN, Document
from batchtab.errors import listed
from batchtab.limits import Choice, Range, Text, Unlike

_OURS = "batchtab"
_TOKEN = "${TfToken["  # noqa: S105 - how cdktf writes a text that it knows later
#: What is said of a value of the wrong type, by pydantic's name of the fault.
KINDS = {
    "int_type": "is not a whole number",
    "int_from_float": "is not a whole number",
    "float_type": "is not a number",
    "finite_number": "is not a number",
    "string_type": "is not text",
    "bool_type": "is not true or false",
    "tuple_type": "is not a list",
    "list_type": "is not a list",
    "dict_type": "is not a mapping (key: value)",
    "model_type": "is not a mapping (key: value)",
    "model_attributes_type": "is not a mapping (key: value)",
    "too_short": "is empty: at least one",
}
LISTED_MAX = 12  # more fields than these are too many for a line


class StrictModel(BaseModel):
    """What people write: unknown keys are errors, and nothing changes after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_by_name=True)


def invalid(message: str, hint: str = "", *, at: Sequence[str | int] = (), value: object = None) -> PydanticCustomError:
    """An error to raise in a validator; it reaches the user in these words.

    Args:
        message: What is wrong with the value and what is allowed.
        hint: How to fix it.
        at: Where within the validated value, if not the whole of it.
        value: What to show, if not the validated value; for a model nothing is shown unless this is given.
    """
    return PydanticCustomError(_OURS, "{message}", {"message": message, "hint": hint, "at": tuple(at), "value": value})


@dataclass(frozen=True)
class Limit:
    """Annotation that checks a field against a limit and adds the limit to the JSON Schema."""

    limit: Range | Text | Choice | Unlike

    def _check(self, value: Any) -> Any:
        if isinstance(value, str) and _TOKEN in value:
            return value  # an attribute of another resource, in a class such as `Volume`
        refusal = self.limit.refusal(value)
        if refusal is not None:
            choices = [str(choice) for choice in self.limit.values] if isinstance(self.limit, Choice) else []
            hint = self.limit.hint if isinstance(self.limit, Unlike) else hints.of_choice(str(value), choices)
            raise invalid(refusal, hint)
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        result = handler(schema)
        if isinstance(self.limit, Text):
            result.update(pattern=self.limit.pattern, maxLength=self.limit.maximum)
        elif isinstance(self.limit, Choice):
            result.update(enum=list(self.limit.values))
        elif isinstance(self.limit, Range):
            result.update(minimum=self.limit.minimum, maximum=self.limit.maximum)
        return result


@dataclass(frozen=True)
class AtPlan(Limit):
    """A limit that the Terraform modules check; a project's files have words of their own for it."""

    def _check(self, value: Any) -> Any:
        return value

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(schema)


@dataclass(frozen=True)
class AllowUnquoted:
    """Annotation of a text whose figures and `true` need no quotes in YAML: the loader reads what is written."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "type": ["string", "number", "boolean"]}


@dataclass(frozen=True)
class OneOrList:
    """Annotation of a list whose only entry may be written alone; the field reads it as a list."""

    pattern: str = ""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        many = handler(schema)
        one = {**many["items"], **({"pattern": self.pattern} if self.pattern else {})}
        return {"anyOf": [one, {**many, "items": one}]}


def problems_of(
    error: ValidationError, model: type[BaseModel], document: Document, prefix: Sequence[str | int] = ()
) -> Iterator[tuple[tuple[str | int, ...], Diagnostic]]:
    """Pydantic's errors as (path within the model, problem), in the words of this project."""
    for item in error.errors(include_url=False):
        if item["type"] == "too_short" and item["input"]:
            continue  # its items are at fault, and each has its own line
        path = tuple(part for part in item["loc"] if part != "[key]")
        at = item["ctx"]["at"] if item["type"] == _OURS else ()
        yield (*path, *at), _problem(item, path, model, document, tuple(prefix))


def _problem(
    item: Mapping[str, Any],
    path: tuple[str | int, ...],
    model: type[BaseModel],
    document: Document,
    prefix: tuple[str | int, ...],
) -> Diagnostic:
    kind, value = item["type"], item["input"]
    if kind == _OURS:
        context = item["ctx"]
        message, shown = context["message"], context["value"]
        if "[key]" in item["loc"]:
            text = message.replace("is not allowed", "is not allowed as a name", 1)
            return document.problem((*prefix, *path), text, hint=context["hint"])
        if shown is None and not context["at"] and not isinstance(value, dict | BaseModel):
            shown = _showable(value, path)
        return document.problem((*prefix, *path, *context["at"]), message, value=shown, hint=context["hint"])
    if kind == "missing":
        described = _description(model, path)
        message = f"is missing: {described}" if described else "is missing"
        return document.problem((*prefix, *path[:-1]), message, suffix=str(path[-1]))
    if kind == "extra_forbidden":
        return _unknown_key(path, value, model, document, prefix)
    if value is None:
        hint = "a '#' begins a comment in YAML: put a text with one in quotes" if kind == "string_type" else ""
        return document.problem((*prefix, *path), "has no value", hint=hint)
    if kind == "too_long":
        context = item["ctx"]
        text = f"has {context['actual_length'] or len(value)} entries: at most {context['max_length']}"
        return document.problem((*prefix, *path), text)
    shown = _showable(value, path)
    wanted = _model_at(model, path) or _model_at(model, (*path, 0))
    names = [] if wanted is None else [_written(name, field) for name, field in wanted.model_fields.items()]
    unit = "size_mib" if path[-2:-1] == ("tmpfs",) else ""  # there the name is a folder's
    hint = hints.of_value(kind, str(path[-1]) if path else "", shown, names, unit)
    message = KINDS.get(kind, f"is not allowed: {item['msg'][:1].lower()}{item['msg'][1:]}")
    return document.problem((*prefix, *path), message, value=shown, hint=hint)


def _showable(value: object, path: Sequence[str | int]) -> object:
    """The value, unless it may be a secret itself where its name belongs."""
    return None if HIDDEN & set(path) else value


def _unknown_key(
    path: tuple[str | int, ...],
    value: object,
    model: type[BaseModel],
    document: Document,
    prefix: tuple[str | int, ...],
) -> Diagnostic:
    key = str(path[-1])
    inner = _model_at(model, path[:-1])
    known = [] if inner is None else [_written(name, field) for name, field in inner.model_fields.items()]
    hint = hints.of_key(key, value, known, {} if inner is None else _below(inner))
    job = _model_at(model, ("jobs", "")) if path[:-1] == ("defaults",) else None
    if job is not None and _field(job, key):
        hint = "each job has its own"
    message = "is an unknown key"
    if not hint and len(known) <= LISTED_MAX:
        message += f": valid keys are {listed(known)}"
    elif not hint:
        hint = f"`batchtab schema {'stage' if 'region' in known else 'jobs'}` has all of them"
    return document.problem((*prefix, *path), message, hint=hint)


@lru_cache(maxsize=256)
def _below(model: type[BaseModel]) -> dict[str, str]:
    """The fields of the mappings within a model: name to where it belongs. Those of lists are not among them."""
    found: dict[str, list[str]] = {}
    for name, field in model.model_fields.items():
        is_named = any(get_origin(kind) is dict for kind in (field.annotation, *get_args(field.annotation)))
        inner = _model_at(field.annotation, ("",) if is_named else ())
        for below in () if inner is None else inner.model_fields.items():
            where = f"below a name in {_written(name, field)}" if is_named else f"below {_written(name, field)}"
            found.setdefault(_written(*below), []).append(where)
    return {name: " or ".join(places) for name, places in found.items()}


def _description(model: type[BaseModel], path: tuple[str | int, ...]) -> str:
    inner = _model_at(model, path[:-1])
    field = None if inner is None else _field(inner, str(path[-1]))
    return summary(field.description) if field else ""


def summary(description: str | None) -> str:
    """A description's first sentence, to go on a line with."""
    text = (description or "").partition(". ")[0].removesuffix(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text  # `AWS region` and `A job` stay


def _model_at(kind: Any, path: Sequence[str | int]) -> type[BaseModel] | None:
    """The model that is validated at a path: through mappings, lists and what may be None."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = _field(kind, str(path[0])) if path else None
        return kind if not path else None if field is None else _model_at(field.annotation, path[1:])
    if get_origin(kind) in {dict, tuple, list}:
        return _model_at(get_args(kind)[get_origin(kind) is dict], path[1:]) if path else None
    found = (_model_at(inner, path) for inner in get_args(kind))
    return next((model for model in found if model is not None), None)


def _field(model: type[BaseModel], written: str) -> FieldInfo | None:
    """A field by its name in a file: `except` is a keyword of Python, and its field is called `except_`."""
    return next((field for name, field in model.model_fields.items() if written == _written(name, field)), None)


def _written(name: str, field: FieldInfo) -> str:
    return field.validation_alias if isinstance(field.validation_alias, str) else name
