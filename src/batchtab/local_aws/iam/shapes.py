"""Parameters out of forms, JSON, XML, headers and URLs, as botocore's models describe them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from botocore.model import OperationModel, Shape

from batchtab.local_aws.iam.errors import UnknownRequestError


def from_form(shape: Shape | None, form: Mapping[str, str], *, is_ec2: bool, prefix: str = "") -> Any:
    """Return the value of a shape in a form of the protocols `query` and `ec2`; None if it is not there."""
    if shape is None:
        return {}
    if shape.type_name == "structure":
        return _form_structure(shape, form, prefix, is_ec2=is_ec2)
    if prefix and not any(key == prefix or key.startswith(f"{prefix}.") for key in form):
        return None
    if shape.type_name == "list":
        return _form_list(shape, form, prefix, is_ec2=is_ec2)
    if shape.type_name == "map":
        return _form_map(shape, form, prefix)
    return form.get(prefix)


def _form_structure(shape: Any, form: Mapping[str, str], prefix: str, *, is_ec2: bool) -> dict[str, Any] | None:
    content = {}
    for name, member in shape.members.items():
        key = _form_name(name, member, is_ec2=is_ec2)
        value = from_form(member, form, is_ec2=is_ec2, prefix=f"{prefix}.{key}" if prefix else key)
        if value is not None:
            content[name] = value
    return content if content or not prefix else None


def _form_name(name: str, member: Any, *, is_ec2: bool) -> str:
    if is_ec2:
        given = member.serialization.get("queryName") or member.serialization.get("name", name)
        return str(given[0].upper() + given[1:])
    if member.type_name == "list" and member.serialization.get("flattened"):
        return str(member.member.serialization.get("name", name))
    return str(member.serialization.get("name", name))


def _form_list(shape: Any, form: Mapping[str, str], prefix: str, *, is_ec2: bool) -> list[Any]:
    if not is_ec2 and not shape.serialization.get("flattened"):
        prefix = f"{prefix}.{shape.member.serialization.get('name', 'member')}"
    found: list[Any] = []
    numbers = {key[len(prefix) + 1 :].partition(".")[0] for key in form if key.startswith(f"{prefix}.")}
    for number in sorted((n for n in numbers if n.isdigit()), key=int):
        value = from_form(shape.member, form, is_ec2=is_ec2, prefix=f"{prefix}.{number}")
        if value is not None:
            found.append(value)
    return found


def _form_map(shape: Any, form: Mapping[str, str], prefix: str) -> dict[str, Any]:
    if not shape.serialization.get("flattened"):
        prefix = f"{prefix}.entry"
    key_name, value_name = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
    numbers = {key[len(prefix) + 1 :].partition(".")[0] for key in form if key.startswith(f"{prefix}.")}
    return {
        form[f"{prefix}.{number}.{key_name}"]: from_form(
            shape.value, form, is_ec2=False, prefix=f"{prefix}.{number}.{value_name}"
        )
        for number in sorted(numbers)
        if f"{prefix}.{number}.{key_name}" in form
    }


def from_json(shape: Any, content: Any) -> Any:
    """Return what the model has of a body, without members that are null, or that a request has elsewhere.

    AWS ignores all other members, so none of them may say what a request is about.
    """
    if shape is None:
        return {}
    if shape.type_name == "structure" and isinstance(content, Mapping) and not shape.is_document_type:
        return {
            name: from_json(member, content[name])
            for name, member in shape.members.items()
            if member.serialization.get("location") is None and content.get(name) is not None
        }
    if shape.type_name == "list" and isinstance(content, list):
        return [from_json(shape.member, each) for each in content]
    if shape.type_name == "map" and isinstance(content, Mapping):
        return {key: from_json(shape.value, each) for key, each in content.items()}
    return content


def from_rest(operation: OperationModel, labels: Mapping[str, str], http: Any) -> dict[str, Any]:
    """Return what a request of the protocols `rest-json` and `rest-xml` has in its path, query, headers and body."""
    shape = operation.input_shape
    params: dict[str, Any] = {}
    if shape is None:
        return params
    for name, member in shape.members.items():
        place, sent = member.serialization.get("location"), member.serialization.get("name", name)
        if place == "uri" and sent in labels:
            params[name] = labels[sent]
        elif place == "querystring" and sent in http.query:
            if member.type_name != "list" and len(http.query[sent]) > 1:
                raise UnknownRequestError(f"{operation.name} has {sent} twice")
            params[name] = list(http.query[sent]) if member.type_name == "list" else http.query[sent][0]
        elif place == "header" and sent.lower() in http.headers:
            params[name] = http.headers[sent.lower()]
        elif place == "headers":
            found = {key[len(sent) :]: value for key, value in http.headers.items() if key.startswith(sent.lower())}
            params.update({name: found} if found else {})
    payload = shape.serialization.get("payload")
    if payload is None:
        params |= _body(operation, shape, http.body)
    elif shape.members[payload].type_name == "structure":
        params[payload] = _body(operation, shape.members[payload], http.body)
    return params


def _body(operation: OperationModel, shape: Any, body: bytes) -> dict[str, Any]:
    in_body = [member for member in shape.members.values() if member.serialization.get("location") is None]
    if not body.strip() or not in_body:
        return {}
    try:
        if operation.service_model.metadata["protocol"] == "rest-xml":
            content = _from_xml(shape, ElementTree.fromstring(body))  # noqa: S314 - of this machine's own clients
            return content if isinstance(content, dict) else {}
        content = json.loads(body)
    except (ValueError, ElementTree.ParseError) as error:
        raise UnknownRequestError(f"the body of {operation.name} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise UnknownRequestError(f"the body of {operation.name} is not an object")
    found: dict[str, Any] = from_json(shape, content)
    return found


def _from_xml(shape: Any, element: ElementTree.Element) -> Any:
    if shape.type_name == "structure":
        content = {}
        for name, member in shape.members.items():
            sent = member.serialization.get("name", name)
            if member.type_name == "list" and member.serialization.get("flattened"):
                found = [each for each in element if _local(each) == sent]
                if found:
                    content[name] = [_from_xml(member.member, each) for each in found]
            elif (child := next((each for each in element if _local(each) == sent), None)) is not None:
                content[name] = _from_xml(member, child)
        return content
    if shape.type_name == "list":
        return [_from_xml(shape.member, each) for each in element]
    return element.text or ""


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
