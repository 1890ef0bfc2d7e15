"""What of ours runs in jsii's Node, beside the framework: `kernel.js`, as a package that jsii loads.

It lets the provider's package load only what is used, and makes a resource in one message: jsii answers each message
before the next begins, and of a thousand jobs the waiting is what takes time.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsii

_NAME, _VERSION = "@batchtab/kernel", "1.0.0"  # jsii keeps a package by what is in it, so the version stays


class _Resources:
    __jsii_type__ = f"{_NAME}.Resources"


def make(
    kind: Any,
    scope: Any,
    id_: str,
    arguments: Mapping[str, Any],
    *,
    logical_id: str,
    overrides: Sequence[tuple[str, Any]] = (),
) -> Any:
    """Makes a resource, gives it its logical id and what its binding has no arguments for; returns it.

    The binding's own constructor would check each argument's type against annotations that it evaluates each time.

    Args:
        kind: The binding's class.
        scope: The construct that it belongs to.
        id_: Its id there.
        arguments: The binding's.
        logical_id: Its name in Terraform.
        overrides: Paths, and the values there.

    Raises:
        TypeError: the binding has no such argument.
    """
    names = _names(kind)
    unknown = arguments.keys() - names.keys()
    if unknown:
        raise TypeError(f"{kind.__name__} has no {min(unknown)!r}")
    config = {names[key]: value for key, value in arguments.items()}
    message = [scope, kind.__jsii_type__, id_, config, logical_id, [list(each) for each in overrides]]
    return jsii.sinvoke(_Resources, "make", message)


@cache
def terraform_type(kind: Any) -> str:
    """A binding's type in Terraform, such as `aws_iam_role`, asked for once."""
    return str(kind.TF_RESOURCE_TYPE)


@cache
def _names(kind: Any) -> Mapping[str, str]:
    """What a binding's arguments are called in JavaScript."""
    config = getattr(sys.modules[kind.__module__], f"{kind.__name__}Config")
    return dict(config.__jsii_name_mapping__)


def load() -> None:
    """Loads the package; after the provider's it is too late for the other index, and all else works as well."""
    content = {
        "package.json": json.dumps({"name": _NAME, "version": _VERSION, "main": "kernel.js"}).encode(),
        ".jsii": json.dumps(_assembly()).encode(),
        "kernel.js": files(__package__).joinpath("kernel.js").read_bytes(),
    }
    with TemporaryDirectory() as folder:
        archive = Path(folder, "kernel.tgz")
        archive.write_bytes(_archive(content))
        jsii.load(_NAME, _VERSION, str(archive))


def _assembly() -> dict[str, Any]:
    """What jsii wants to know of the package: who made it, and what may be called."""
    anything = {"type": {"primitive": "any"}}
    parameters = ("scope", "type", "id", "config", "logical_id", "overrides")
    make = {
        "name": "make",
        "static": True,
        "parameters": [{"name": name, **anything} for name in parameters],
        "returns": anything,
    }
    fqn = _Resources.__jsii_type__
    resources = {"assembly": _NAME, "fqn": fqn, "kind": "class", "name": "Resources", "methods": [make]}
    return {
        "schema": "jsii/0.10.0",
        "jsiiVersion": "1.119.0",
        "name": _NAME,
        "version": _VERSION,
        "description": "Makes resources in one message.",
        "author": {"name": "Batchtab", "roles": ["author"]},
        "license": "Apache-2.0",
        "homepage": "",
        "repository": {"type": "git", "url": ""},
        "fingerprint": "*",
        "types": {fqn: resources},
    }


def _archive(content: Mapping[str, bytes]) -> bytes:
    """A npm package, always the same for the same content."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in content.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(packed.getvalue(), mtime=0)
