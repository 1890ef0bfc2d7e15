"""The framework that writes the Terraform: `cdktf`, or its living fork `cdktn`.

No other file imports them. `batchtab.frameworks` chooses.

The names below load the framework when they are first asked for, which starts Node. `NAME` and `PROVIDER` load nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from batchtab.frameworks import PROVIDERS, choose

if TYPE_CHECKING:  # both have the same names; mypy reads those of the default
    from cdktf import (
        App,
        AssetType,
        DataTerraformRemoteStateS3,
        S3Backend,
        TerraformAsset,
        TerraformElement,
        TerraformLocal,
        TerraformOutput,
        TerraformResourceLifecycle,
        TerraformStack,
        TerraformVariable,
        TerraformVariableValidationConfig,
        Testing,
        Token,
    )

__all__ = [
    "NAME",
    "PROVIDER",
    "App",
    "AssetType",
    "DataTerraformRemoteStateS3",
    "S3Backend",
    "TerraformAsset",
    "TerraformElement",
    "TerraformLocal",
    "TerraformOutput",
    "TerraformResourceLifecycle",
    "TerraformStack",
    "TerraformVariable",
    "TerraformVariableValidationConfig",
    "Testing",
    "Token",
]

#: `cdktf` or `cdktn`.
NAME = choose()

#: The package of its AWS bindings.
PROVIDER = PROVIDERS[NAME]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """A name of the framework."""
        if name not in __all__:
            raise AttributeError(f"{__name__} has no name {name!r}")
        return getattr(import_module(NAME), name)
