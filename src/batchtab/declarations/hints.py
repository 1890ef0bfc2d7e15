"""What to write instead of an unknown key or a value of the wrong kind; empty where nothing is known for certain."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from batchtab.declarations import amounts, rewriting
from batchtab.declarations.other_words import COMING, ELSEWHERE, JOB, NO_FIELD
from batchtab.errors import did_you_mean, folded

_OF_A_JOB = "timeout_seconds"  # a model with this field is a job's, or that of a service's defaults
_NUMBERS = {"int_type", "int_from_float", "float_type"}
_LISTS = {"tuple_type", "list_type"}
_MAPPINGS = {"dict_type", "model_type", "model_attributes_type"}


def of_key(key: str, value: object, known: Collection[str], below: Mapping[str, str]) -> str:
    """What to write instead of a key that the model does not have.

    Args:
        key: The key, as it is in the file.
        value: Its value; what may be a secret is not repeated.
        known: The model's fields.
        below: Fields of the models within it, and where these are, such as `below environment`.
    """
    word = folded(key)
    of_a_job = _OF_A_JOB in known
    fields = {*known, *COMING} if of_a_job else {*known}
    if of_a_job and word in COMING and word not in known:
        return ""
    if word in fields:
        return rewriting.renamed(word, value) or did_you_mean(key, fields)
    if hint := _of_word(word, value, fields) or _of_unit(word, value, fields):
        return hint
    if of_a_job and word in NO_FIELD:
        return NO_FIELD[word]
    if word in below:
        return f"write it {below[word]}"
    if near := did_you_mean(key, known):
        return near
    hint = _of_word(word, value, {*below, *COMING} if _OF_A_JOB in below else below)
    field = next((field for field in below if f"{field}:" in hint or f"'{field}'" in hint), "")
    return f"{hint.removesuffix('?')}, {below[field]}{'?' if hint.endswith('?') else ''}" if field else ""


def of_choice(value: str, allowed: Collection[str | int]) -> str:
    """Which of a field's few values is meant."""
    meant = rewriting.choice(value, [*allowed])
    return f"write {meant}" if meant else did_you_mean(value, map(str, allowed))


def of_value(kind: str, field: str, value: object, wanted: Collection[str], unit: str = "") -> str:
    """How to write a value of the wrong kind.

    Args:
        kind: Pydantic's name of the fault.
        field: The field, by the name that is in the file.
        value: What is there. None: nothing, or what must not be repeated.
        wanted: The fields of the mapping that belongs there, or of those in the list; none for other kinds.
        unit: A name with the unit of the field, where its own has none.
    """
    if kind in _NUMBERS:
        return _of_number(field, value, unit or field)
    if kind == "bool_type":
        return _of_truth(field, value)
    if kind in _LISTS and value is not None:
        return _of_list(field, value, wanted)
    if kind in _MAPPINGS:
        return _of_names(field, value) if kind == "dict_type" else _of_mapping(field, value, wanted)
    if kind == "string_type" and isinstance(value, bool | int | float):
        return "put it in quotes"
    if kind == "string_type" and isinstance(value, list) and field == "schedule":
        return "write a job for each schedule"
    return ""


def _of_word(word: str, value: object, fields: Collection[str]) -> str:
    for each in (*JOB, *ELSEWHERE) if _OF_A_JOB in fields else (*ELSEWHERE, *JOB):
        if word in each.words and each.field in fields:
            return each.convert(each.field, value) or f"did you mean '{each.field}'?"
    return ""


def _of_unit(word: str, value: Any, fields: Collection[str]) -> str:
    """`timeout_minutes: 30` is `timeout_seconds: 1800`."""
    named = amounts.unit_of(word)
    for field in fields if named else ():
        unit = amounts.unit_of(field)
        if not named or not unit or named[0] != unit[0]:
            continue
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = amounts.converted(value, named[1], field)
        else:
            number = rewriting.number_of(field, value)
        return did_you_mean(field, [field]) if number is None else rewriting.write(field, number)
    return ""


def _of_number(field: str, value: object, unit: str) -> str:
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        return "write it without quotes"
    if field == "vcpus" and isinstance(value, str):
        return rewriting.vcpus(field, value)
    if isinstance(value, str) or (isinstance(value, float) and value.is_integer()):
        number = rewriting.number_of(unit, value)
        if number is None and isinstance(value, float):
            number = int(value)
        return "" if number is None else rewriting.write(field, number)
    return ""


def _of_truth(field: str, value: object) -> str:
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return "write it without quotes"
    text = str(value).lower()
    meant = {"yes": "true", "on": "true", "1": "true", "no": "false", "off": "false", "0": "false"}.get(text)
    return f"write {field}: {meant}" if meant and not isinstance(value, float) else ""


def _of_mapping(field: str, value: object, wanted: Collection[str]) -> str:
    if "repository" in wanted:
        return rewriting.image(field, value)
    if "channel" in wanted and "mention" in wanted:
        return rewriting.channel(field, value)
    if "driver" in wanted and isinstance(value, str):
        return rewriting.write(field, {"driver": value})
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        return "write its fields without the '- '"
    return ""


def _of_names(field: str, value: object) -> str:
    """Of a mapping whose keys are names of the user's; its values may be secrets."""
    return f"write {field}: {{NAME: …}} or one 'NAME: …' line each" if isinstance(value, list) else ""


def _of_list(field: str, value: object, wanted: Collection[str]) -> str:
    if isinstance(value, dict) and not wanted:
        return "write [a, b] or one '- ' line each"
    if wanted and not isinstance(value, dict):
        return f"write {field}: [{{{next(iter(wanted))}: …}}]"
    return rewriting.write(field, [value]) or "put '- ' before its first field"
