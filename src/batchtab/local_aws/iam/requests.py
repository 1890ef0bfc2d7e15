"""What a request is, by the models of botocore: its operation, and its parameters by the names that the model has.

Where a request says two things, it is refused: ministack might do the one, and the other be what was checked.
"""

from __future__ import annotations

import functools
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

import botocore.session
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import BaseCBORParser

from batchtab.local_aws.iam.errors import UnknownRequestError
from batchtab.local_aws.iam.shapes import from_form, from_json, from_rest

_CBOR_PATH = re.compile(r"/service/\w+/operation/(\w+)\Z")
# S3's operations of its Express zones, which have hosts of their own, and elsewhere the paths of other operations.
_EXPRESS = ("CreateSession", "ListDirectoryBuckets")
# Of a URL's query, what signs it, says which SDK sent it, or is a checksum, which S3 ignores there.
_NO_PARAMETER = re.compile(
    r"x-id|awsaccesskeyid|signature|expires|x-amz-(algorithm|credential|date|expires|signedheaders|signature|"
    r"security-token|content-sha256|checksum-(?!algorithm|mode|type).*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class HttpRequest:
    """A request as it came: header names in lower case, the path decoded, and all values of each query parameter."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, list[str]]


@dataclass(frozen=True)
class Request:
    """A request as AWS's API has it.

    Attributes:
        service: botocore's name of the service.
        operation: Such as `CreateFunction`.
        params: Its parameters.
        http: As it came.
    """

    service: str
    operation: str
    params: Mapping[str, Any]
    http: HttpRequest = field(repr=False)


@functools.cache
def model(service: str) -> ServiceModel:
    """Return botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)


def parse(service: str, http: HttpRequest) -> Request:
    """Read a request to a service.

    Raises:
        UnknownRequestError: It is none of the service's operations, or says two things.
    """
    http = _with_headers_of_query(http) if service == "s3" else http
    protocols = model(service).metadata.get("protocols") or [model(service).metadata["protocol"]]
    found = [*_targeted(http, protocols), *_asked_by_form(service, http, protocols)]
    if "smithy-rpc-v2-cbor" in protocols and (match := _CBOR_PATH.search(http.path)):
        found.append((match[1], _cbor))
    if not found and any(protocol.startswith("rest-") for protocol in protocols):
        found = _routed(service, http)
    names = {name for name, _ in found}
    if len(names) != 1 or (name := names.pop()) not in model(service).operation_names:
        said = " and ".join(sorted({name for name, _ in found})) or f"{http.method} {http.path}"
        raise UnknownRequestError(f"{service} has no one operation {said}")
    operation = model(service).operation_model(name)
    return Request(service, name, found[0][1](operation, http), http)


def _with_headers_of_query(http: HttpRequest) -> HttpRequest:
    """Return a request to S3 whose headers are where they belong: a presigned URL may have them in its query.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
    """
    moved = [name for name in http.query if name.lower().startswith("x-amz-") and not _NO_PARAMETER.fullmatch(name)]
    found: dict[str, str] = {}
    for name in moved:
        if name.lower() in found or len(http.query[name]) != 1:
            raise UnknownRequestError(f"s3 has {name} twice")
        found[name.lower()] = http.query[name][0]
    query = {name: values for name, values in http.query.items() if name not in moved}
    return replace(http, headers={**found, **http.headers}, query=query)


def _targeted(http: HttpRequest, protocols: list[str]) -> Iterator[tuple[str, Any]]:
    target = http.headers.get("x-amz-target", "")
    if target and "json" in protocols:
        yield target.rpartition(".")[2], _json


def _asked_by_form(service: str, http: HttpRequest, protocols: list[str]) -> Iterator[tuple[str, Any]]:
    if model(service).metadata["protocol"].startswith("rest-"):
        return
    for name in sorted(set(_form(http).get("Action", []))):
        # A service of another protocol refuses them too, unless it has not given up its old one.
        yield (name if {"query", "ec2"} & set(protocols) else f"{name} in a form"), _query


def _form(http: HttpRequest) -> dict[str, list[str]]:
    """All parameters of a query's URL and form; one that is there twice has two values."""
    form = {name: list(values) for name, values in http.query.items() if not _NO_PARAMETER.fullmatch(name)}
    if http.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        for name, values in parse_qs(http.body.decode("utf-8", "replace"), keep_blank_values=True).items():
            form.setdefault(name, []).extend(values)
    return form


def _query(operation: OperationModel, http: HttpRequest) -> dict[str, Any]:
    form = _form(http)
    if twice := sorted(name for name, values in form.items() if len(values) > 1):
        raise UnknownRequestError(f"{operation.name} has {twice[0]} twice")
    single = {name: values[0] for name, values in form.items() if name not in ("Action", "Version")}
    is_ec2 = operation.service_model.metadata["protocol"] == "ec2"
    return from_form(operation.input_shape, single, is_ec2=is_ec2) or {}


def _json(operation: OperationModel, http: HttpRequest) -> dict[str, Any]:
    return _object(operation, http.body, json.loads)


def _cbor(operation: OperationModel, http: HttpRequest) -> dict[str, Any]:
    parser = BaseCBORParser()
    return _object(operation, http.body, lambda raw: parser.parse_data_item(io.BufferedReader(io.BytesIO(raw))))


def _object(operation: OperationModel, body: bytes, read: Any) -> dict[str, Any]:
    try:
        content = read(body) if body else {}
    except (ValueError, KeyError) as error:
        raise UnknownRequestError(f"its body cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise UnknownRequestError("its body is not an object")
    found: dict[str, Any] = from_json(operation.input_shape, content)
    return found


@dataclass(frozen=True)
class _Route:
    """What makes a request one of an operation."""

    name: str
    method: str
    path: re.Pattern[str]
    literals: Mapping[str, str]
    required: tuple[tuple[str, str], ...]
    weight: int
    is_of_a_key: bool  # a key of S3 can end with a slash, and is another one then

    def fits(self, http: HttpRequest) -> Mapping[str, str] | None:
        """Return the labels of the path, which may be none, if the request is one of this operation."""
        if http.method != self.method:
            return None
        query = {key: values[0] for key, values in http.query.items() if values}
        if any(key not in query or (value and query[key] != value) for key, value in self.literals.items()):
            return None
        given = {"querystring": query, "header": http.headers}
        if any(key not in given[place] for place, key in self.required):
            return None
        match = self.path.match(http.path if self.is_of_a_key else http.path.rstrip("/") or "/")
        return None if match is None else match.groupdict()


@functools.cache
def _routes(service: str) -> tuple[_Route, ...]:
    names = (name for name in model(service).operation_names if service != "s3" or name not in _EXPRESS)
    operations = (model(service).operation_model(name) for name in names)
    return tuple(sorted((_route(operation) for operation in operations), key=lambda route: -route.weight))


def _route(operation: OperationModel) -> _Route:
    path, _, query = str(operation.http["requestUri"]).partition("?")
    literals = {part.partition("=")[0]: part.partition("=")[2] for part in query.split("&") if part}
    literals = {key: value for key, value in literals.items() if key != "x-id"}
    shape = operation.input_shape if operation.service_model.service_name == "s3" else None
    required = []
    for name in shape.required_members if shape is not None else ():
        serialization = shape.members[name].serialization if shape is not None else {}
        if serialization.get("location") == "querystring":
            required.append(("querystring", str(serialization["name"])))
        elif serialization.get("location") == "header":
            required.append(("header", str(serialization["name"]).lower()))
    labels = re.split(r"\{(\w+)(\+?)\}", path.rstrip("/") or "/")
    pattern, weight = "", 100 * (len(literals) + len(required))
    for number, piece in enumerate(labels):
        if number % 3 == 0:
            pattern += re.escape(piece)
            weight += len(piece)
        elif number % 3 == 1:
            greedy = bool(labels[number + 1]) or "arn" in piece.lower() or piece == "Resource"
            pattern += f"(?P<{piece}>{'.+' if greedy else '[^/]+'})"
    regex = re.compile(pattern + r"\Z", re.DOTALL)
    return _Route(
        operation.name, str(operation.http["method"]), regex, literals, tuple(required), weight, "{Key+}" in path
    )


def _routed(service: str, http: HttpRequest) -> list[tuple[str, Any]]:
    if service != "s3" and "%" in http.path:
        raise UnknownRequestError(f"{service} has no path with a sign that is encoded twice")
    fitting = [(route, labels) for route in _routes(service) if (labels := route.fits(http)) is not None]
    best = [(route, labels) for route, labels in fitting if route.weight == fitting[0][0].weight]
    if service == "s3" and best:
        _check_query(model(service).operation_model(best[0][0].name), best[0][0], http)
    return [
        (route.name, lambda operation, http, labels=labels: from_rest(operation, labels, http))
        for route, labels in best
    ]


def _check_query(operation: OperationModel, route: _Route, http: HttpRequest) -> None:
    """Refuse what a request to S3 has in its query beside the operation's own: it can name another operation."""
    members = operation.input_shape.members.values() if operation.input_shape is not None else ()
    known = {m.serialization.get("name") for m in members if m.serialization.get("location") == "querystring"}
    for name in http.query:
        if name not in known and name not in route.literals and not _NO_PARAMETER.fullmatch(name):
            raise UnknownRequestError(f"{operation.name} has no parameter {name}")
