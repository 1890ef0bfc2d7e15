"""What a service's model says of its strings and lists: how long they may be, and of which letters.

SDKs look at little of it before they send a request, ministack at nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape


def refusal(service: str, operation: str, request: dict[str, Any]) -> str | None:
    """Return why a service refuses a request by its model; None if it does not.

    Args:
        service: As botocore names it, such as events.
        operation: Such as PutTargets.
        request: The members that the request has.
    """
    found = list(_faults(_model(service).operation_model(operation).input_shape, request, ""))
    if not found:
        return None
    return f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: {'; '.join(found)}"


@cache
def _model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def _faults(shape: Shape | None, value: Any, where: str) -> Iterator[str]:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name, member in shape.members.items():
            if value.get(name) is not None:
                own = name[:1].lower() + name[1:]
                yield from _faults(member, value[name], f"{where}.{own}".lstrip("."))
    elif isinstance(shape, ListShape) and isinstance(value, list):
        yield from _lengths(shape, value, where)
        for number, item in enumerate(value, 1):
            yield from _faults(shape.member, item, f"{where}.{number}.member")
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        yield from _lengths(shape, value, where)
    elif isinstance(shape, StringShape) and isinstance(value, str):
        yield from _lengths(shape, value, where)
        pattern = shape.metadata.get("pattern")
        if pattern and not re.search(f"^(?:{pattern})$", value):
            yield _fault(value, where, f"satisfy regular expression pattern: {pattern}")
        if shape.enum and value not in shape.enum:
            yield _fault(value, where, f"satisfy enum value set: [{', '.join(shape.enum)}]")


def _lengths(shape: Shape, value: Any, where: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if most is not None and len(value) > most:
        yield _fault(value, where, f"have length less than or equal to {most}")
    if least is not None and len(value) < least:
        yield _fault(value, where, f"have length greater than or equal to {least}")


def _fault(value: Any, where: str, constraint: str) -> str:
    return f"Value '{value}' at '{where}' failed to satisfy constraint: Member must {constraint}"
