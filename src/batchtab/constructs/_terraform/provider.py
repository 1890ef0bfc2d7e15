"""Imports the AWS provider's bindings one resource at a time.

The package `cdktf_cdktf_provider_aws` imports all of its about 1,500 modules when it is imported, which is most of the
time of a synth. Its modules need the package only as a place to be found in, so an empty one is put there first.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

PACKAGE = "cdktf_cdktf_provider_aws"


def skip_package_import() -> None:
    """Puts a package in place whose modules load when they are named; does nothing if it is imported already.

    Raises:
        ImportError: the bindings are not installed.
    """
    if PACKAGE in sys.modules:
        return
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None:
        raise ImportError(f"{PACKAGE} is not installed; run: make setup")
    package = importlib.util.module_from_spec(spec)

    def __getattr__(name: str) -> ModuleType:  # noqa: N807 - PEP 562's name
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return importlib.import_module(f"{PACKAGE}.{name}")
        except ModuleNotFoundError as error:
            raise AttributeError(f"{PACKAGE} has no module {name!r}") from error

    package.__getattr__ = __getattr__  # type: ignore[method-assign]
    sys.modules[PACKAGE] = package
