from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

from batchtab.local_aws.batch.errors import ClientError

_VALIDATOR = ParamValidator()


@cache
def service_model() -> ServiceModel:
    """Return botocore's model of Batch: what a request may contain, and what an answer must."""
    return botocore.session.get_session().get_service_model("batch")


@cache
def operations() -> dict[str, OperationModel]:
    """Return Batch's operations by the last part of their path, such as `submitjob`."""
    model = service_model()
    found = {}
    for name in model.operation_names:
        operation = model.operation_model(name)
        found[operation.http["requestUri"].removeprefix("/v1/")] = operation
    return found


def check_request(operation: OperationModel, parameters: dict[str, Any]) -> None:
    """Refuse a request whose members, types or enumerated values are not the model's.

    Raises:
        ClientError: The first few faults, each with its member.
    """
    shape = operation.input_shape
    if shape is None:
        return
    report = _VALIDATOR.validate(parameters, shape)
    if report.has_errors():
        raise ClientError(f"Error executing request, Exception : {' '.join(report.generate_report().split())}")
    faults = list(_enum_faults(shape, parameters, ""))
    if faults:
        raise ClientError(f"Error executing request, Exception : {'; '.join(faults[:3])}")


def _enum_faults(shape: Shape, value: Any, where: str) -> list[str]:
    if isinstance(shape, StructureShape):
        return [
            fault
            for name, member in shape.members.items()
            if isinstance(value, dict) and value.get(name) is not None
            for fault in _enum_faults(member, value[name], f"{where}.{name}".lstrip("."))
        ]
    if isinstance(shape, ListShape):
        return [fault for i, item in enumerate(value) for fault in _enum_faults(shape.member, item, f"{where}[{i}]")]
    if isinstance(shape, MapShape):
        return [fault for key, item in value.items() for fault in _enum_faults(shape.value, item, f"{where}.{key}")]
    if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        # Batch takes a retry action in capitals and in small letters.
        if shape.name == "RetryAction" and str(value).upper() in shape.enum:
            return []
        return [f"{where}: {value!r} is not one of {', '.join(shape.enum)}"]
    return []


def to_model_case(operation_name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Rename members to the model's case, as EventBridge and Scheduler do with a target's input.

    Their input names members as SDKs for Java do (`JobName`); keys of maps, such as
    parameters, are the user's and stay.
    """
    shape = service_model().operation_model(operation_name).input_shape
    renamed: dict[str, Any] = recase(shape, given)
    return renamed


def recase(shape: Shape | None, value: Any) -> Any:
    """Rename a value's members to a shape's case; unknown ones stay and are refused later."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        names = {name.lower(): name for name in shape.members}
        pairs = ((names.get(str(key).lower(), str(key)), item) for key, item in value.items())
        return {name: recase(shape.members.get(name), item) for name, item in pairs}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [recase(shape.member, item) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: recase(shape.value, item) for key, item in value.items()}
    return value
