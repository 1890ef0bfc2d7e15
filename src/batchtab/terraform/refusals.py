"""Why a stack that was synthesized elsewhere is not taken.

Batchtab writes the stacks, so what it never writes is refused: other data than facts about the account and outputs of
the stage's other stacks, functions that none of its constructs calls, files that no hash binds to what was reviewed.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from batchtab.declarations.stage import StageConfig
from batchtab.terraform.live_code import found_in, is_live

ASSETS = "assets"
_CALLED = """
    alltrue anytrue base64encode can chunklist coalesce coalescelist compact concat contains distinct element
    endswith flatten floor index join jsonencode keys length lookup lower max merge min nonsensitive one
    plantimestamp range regex regexall replace reverse setintersection setsubtract sha1 slice sort split startswith
    strcontains substr sum timeadd timecmp tolist tonumber toset tostring trimsuffix try upper values
"""
#: What constructs call; none of them reads a file.
FUNCTIONS = frozenset(_CALLED.split())
_REMOTE_STATE = "terraform_remote_state"
#: Facts that are no secret.
DATA = frozenset({"aws_availability_zones", "aws_caller_identity", "aws_partition", "aws_region", _REMOTE_STATE})
_SECTIONS = {"//", "terraform", "provider", "data", "resource", "output", "locals", "moved"}
_SOURCES = {"aws", "hashicorp/aws", "registry.terraform.io/hashicorp/aws"}
_PROVIDER = {"region", "allowed_account_ids", "default_tags"}
_BACKEND = {"bucket", "key", "region", "encrypt", "use_lockfile"}
_FUNCTION = "aws_lambda_function"
_FILE_ARGUMENTS = ("filename", "source", "zip_file")  # of all resources of the provider that read a file
_ONE_VALUE = re.compile(
    rf"data\.(?:{_REMOTE_STATE}\.[\w-]+\.outputs\.[\w-]+|(?!{_REMOTE_STATE}\.)\w+\.[\w-]+\.\w+)(?:\.[\w-]+)*"
)


def refusals(content: dict[str, Any], stage: StageConfig, folder: Path) -> Iterator[str]:
    """Why a stack is not taken; nothing if it is.

    Args:
        content: Its JSON.
        stage: The stage that it has to belong to.
        folder: Where its files are.
    """
    yield from _foreign("", content, _SECTIONS)
    yield from _of_settings(content.get("terraform", {}), stage)
    yield from _foreign("provider.", content.get("provider", {}), {"aws"})
    for provider in _many(content.get("provider", {}).get("aws", [])):
        yield from _foreign("provider.aws.", provider, _PROVIDER)
    yield from _of_data(content.get("data", {}), stage)
    yield from _of_resources(content.get("resource", {}), folder)
    for text in texts({key: value for key, value in content.items() if key != "//"}):
        yield from _of_code(text)


def _of_settings(settings: dict[str, Any], stage: StageConfig) -> Iterator[str]:
    yield from _foreign("terraform.", settings, {"required_providers", "backend", "required_version"})
    for name, provider in settings.get("required_providers", {}).items():
        if name != "aws" or provider.get("source") not in _SOURCES:
            yield f"the provider {provider.get('source', name)} is not the AWS provider"
    yield from _foreign("terraform.backend.", settings.get("backend", {}), {"s3"})
    yield from _state("terraform.backend.s3", settings.get("backend", {}).get("s3", {}), stage)


def _of_data(data: dict[str, Any], stage: StageConfig) -> Iterator[str]:
    for kind in sorted(data.keys() - DATA):
        yield f"data.{kind} is not among what stacks read: {', '.join(sorted(DATA))}"
    for kind, sources in data.items():
        for label, body in sources.items():
            if any(map(is_live, texts(body))):
                yield f"data.{kind}.{label} is not plain text: what it reads would depend on something else"
    for label, state in data.get(_REMOTE_STATE, {}).items():
        if state.get("backend") != "s3":
            yield f"data.{_REMOTE_STATE}.{label} reads from elsewhere than S3"
        yield from _state(f"data.{_REMOTE_STATE}.{label}", state.get("config", {}), stage)


def _of_resources(kinds: dict[str, Any], folder: Path) -> Iterator[str]:
    for kind, resources in kinds.items():
        if not kind.startswith("aws_"):
            yield f"{kind} is not of the AWS provider"
        for label, bodies in resources.items():
            for body in _many(bodies):
                if {"provisioner", "connection"} & body.keys():
                    yield f"{kind}.{label} has a provisioner, which would run a program"
                if kind == _FUNCTION and "filename" not in body:
                    yield f"{kind}.{label} has no filename: its code would not be what was reviewed"
                for name in _FILE_ARGUMENTS:
                    if name in body:
                        yield from _of_file(f"{kind}.{label}.{name}", body[name], body, folder)


def _of_file(what: str, path: Any, body: dict[str, Any], folder: Path) -> Iterator[str]:
    """A file is one of the stack's own, and its hash, which plans and reviews show, is its own."""
    parts = Path(path).parts if isinstance(path, str) else ()
    file = folder.joinpath(*parts)
    if parts[:1] != (ASSETS,) or ".." in parts or not file.is_file():
        yield f"{what} '{path}' is not a file below {ASSETS}/ of this stack"
        return
    found = base64.b64encode(hashlib.sha256(file.read_bytes()).digest()).decode()
    if body.get("source_code_hash") != found:
        yield f"{what} '{path}' has the hash {found}, and source_code_hash is {body.get('source_code_hash')}"


def _of_code(text: str) -> Iterator[str]:
    """Code calls what constructs call, and reads values one by one."""
    for found in found_in(text):
        if found.kind == "call" and found.text not in FUNCTIONS:
            yield f"{found.text}() is a function that no construct calls; it may read a file of the machine"
        elif found.kind == "data" and not _ONE_VALUE.fullmatch(found.text):
            yield f"{found.text} is read as a whole, not one value of it"
        elif found.kind in ("comment", "heredoc"):
            yield f"'{found.text}' in an expression: no construct writes comments or heredocs"


def _state(what: str, config: dict[str, Any], stage: StageConfig) -> Iterator[str]:
    """A state is one of the stage's, and nothing says where credentials for it come from."""
    yield from _foreign(f"{what}.", config, _BACKEND)
    if config.get("bucket") != stage.state.bucket or not str(config.get("key")).startswith(f"{stage.name}/"):
        yield f"{what} is not a state of stage {stage.name}"


def _foreign(what: str, found: dict[str, Any], allowed: set[str]) -> Iterator[str]:
    for name in sorted(found.keys() - allowed):
        yield f"{what}{name} is not allowed in a stack"


def _many(value: Any) -> list[dict[str, Any]]:
    return value if isinstance(value, list) else [value]


def texts(value: Any) -> Iterator[str]:
    """All texts of a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts(key)
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
