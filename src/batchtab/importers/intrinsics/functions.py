"""What each function comes to. One that raises an error has no value that is known."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from batchtab.importers.intrinsics import references
from batchtab.importers.intrinsics.stacks import Reader, Template
from batchtab.importers.intrinsics.unresolved import as_text, joined, like, names_in
from batchtab.importers.secret_texts import masked_text

_PLACES = re.compile(r"\$\{(!?)([^}]*)\}")
_NUMBER = re.compile(r"\0([0-9]+)\0")


def _ref(values: Reader, argument: Any, template: Template) -> Any:
    return references.ref(values, values.text(argument, template), template)


def _get_att(values: Reader, argument: Any, template: Template) -> Any:
    parts = [values.text(each, template) for each in (argument if isinstance(argument, list) else [argument])]
    return references.attribute(values, ".".join(parts), template)


def _import(values: Reader, argument: Any, template: Template) -> Any:
    return references.imported(values, values.text(argument, template))


def _sub(values: Reader, argument: Any, template: Template) -> str:
    form, own = argument if isinstance(argument, list) else (argument, {})
    given = {str(key): values.of(each, template) for key, each in dict(own).items()}
    text = str(values.text(form, template))
    alone = _PLACES.fullmatch(text)
    if alone and not alone[1]:  # as the function that it is short for
        name = alone[2].strip()
        function = {"Fn::GetAtt": name.split(".", 1)} if "." in name else {"Ref": name}
        return as_text(given[name] if name in given else values.of(function, template), name)
    parts: list[str] = []
    end = 0
    for match in _PLACES.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        name = match[2].strip()
        if match[1]:
            parts.append(f"${{{match[2]}}}")
        elif name in given:
            parts.append(as_text(given[name], name))
        else:
            find = references.attribute if "." in name else references.ref
            parts.append(as_text(find(values, name, template), name))
    return joined([*parts, text[end:]])


def _join(values: Reader, argument: Any, template: Template) -> str:
    separator, items = (values.of(each, template) for each in argument)
    if isinstance(items, str):  # a list that is not known
        return like(str(items), names_in(items))
    parts = [part for each in items for part in (as_text(separator), as_text(each))]
    return joined(parts[1:])


def _split(values: Reader, argument: Any, template: Template) -> list[str]:
    separator, whole = (values.text(each, template) for each in argument)
    names = names_in(whole)
    text = str(whole)
    for index, name in enumerate(names):
        text = text.replace(f"${{{name}}}", f"\0{index}\0")
    return [like(_NUMBER.sub(lambda at: f"${{{names[int(at[1])]}}}", part), names) for part in text.split(separator)]


def _select(values: Reader, argument: Any, template: Template) -> Any:
    index, items = (values.of(each, template) for each in argument)
    if not isinstance(items, list) or int(index) < 0:
        raise ValueError
    return items[int(index)]


def _find_in_map(values: Reader, argument: Any, template: Template) -> Any:
    found: Any = template.section("Mappings")
    for each in argument[:3]:
        found = {as_text(key): value for key, value in found.items()}[values.text(each, template)]
    if isinstance(found, Mapping):
        raise TypeError
    return values.of(found, template)


def _if(values: Reader, argument: Any, template: Template) -> Any:
    name, met, otherwise = argument
    return values.of(met if _condition(values, name, template) else otherwise, template)


def _json(values: Reader, argument: Any, template: Template) -> str:
    found = values.of(argument, template)
    return joined([like(json.dumps(found), names_in(found))])


def _base64(values: Reader, argument: Any, template: Template) -> str:
    text = values.text(argument, template)
    if names_in(text) or masked_text(text) != text:  # which nobody would see in it afterwards
        raise ValueError
    return base64.b64encode(text.encode()).decode()


def _condition(values: Reader, argument: Any, template: Template) -> bool:
    return _known(values.is_true(values.text(argument, template), template))


def _equals(values: Reader, argument: Any, template: Template) -> bool:
    one, other = (values.text(each, template) for each in argument)
    return _known(None if names_in([one, other]) else one == other)


def _not(values: Reader, argument: Any, template: Template) -> bool:
    (found,) = (values.of(each, template) for each in argument)
    return not _known(found)


def _decided(by: bool) -> Callable[[Reader, Any, Template], bool]:
    """And, which one false decides, or Or, which one true decides."""

    def of(values: Reader, argument: Any, template: Template) -> bool:
        found = [values.of(each, template) for each in argument]
        if any(each is by for each in found):
            return by
        for each in found:
            _known(each)
        return not by

    return of


def _known(found: Any) -> bool:
    if not isinstance(found, bool):
        raise TypeError
    return found


FUNCTIONS: Mapping[str, Callable[[Reader, Any, Template], Any]] = {
    "Ref": _ref,
    "Condition": _condition,
    "Fn::And": _decided(by=False),
    "Fn::Base64": _base64,
    "Fn::Equals": _equals,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::ImportValue": _import,
    "Fn::Join": _join,
    "Fn::Not": _not,
    "Fn::Or": _decided(by=True),
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": _json,
}
