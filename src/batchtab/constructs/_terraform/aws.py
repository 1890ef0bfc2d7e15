"""The AWS provider's resources, of whichever framework is in use: `from …aws import IamRole`.

A name loads the one module that defines it. The module is the longest beginning of the name, in snake case, that
defines it: `IamRole` and `IamRoleInlinePolicy` are in `iam_role`, `IamRolePolicy` is in `iam_role_policy`.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

from batchtab.constructs._terraform import kernel
from batchtab.constructs._terraform.framework import NAME, PROVIDER

_WORD = re.compile(r"[A-Z][a-z0-9]*")


def __getattr__(name: str) -> Any:
    """A resource, a data source, or a block of one."""
    words = [word.lower() for word in _WORD.findall(name)]
    if words[:2] == ["aws", "provider"]:
        words = ["provider", *words[2:]]
    for length in range(len(words), 0, -1):
        found = getattr(_module("_".join(words[:length])), name, None)
        if found is not None:
            return found
    raise AttributeError(f"{PROVIDER} has no {name!r}")


def _module(name: str) -> ModuleType | None:
    path = f"{PROVIDER}.{name}"
    return import_module(path) if find_spec(path) else None


def _skip_package_import() -> None:
    """Puts a package in place of cdktf's, which would import all of its more than 2,000 modules.

    Its modules need the package only as a place to be found in; they load when they are named. The fork's package
    does this by itself.
    """
    if NAME != "cdktf" or PROVIDER in sys.modules:
        return
    spec = find_spec(PROVIDER)
    assert spec is not None  # noqa: S101 - the framework found it
    package = module_from_spec(spec)

    def __getattr__(name: str) -> ModuleType:  # noqa: N807 - PEP 562's name
        module = None if name.startswith("__") else _module(name)
        if module is None:
            raise AttributeError(f"{PROVIDER} has no module {name!r}")
        return module

    package.__getattr__ = __getattr__  # type: ignore[method-assign]
    sys.modules[PROVIDER] = package


_skip_package_import()
kernel.load()
