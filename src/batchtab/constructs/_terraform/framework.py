"""The framework that writes the Terraform: `cdktf`, or its living fork `cdktn`.

No other file imports them. What is installed decides; where both are, `cdktf` does, unless
`BATCHTAB_FRAMEWORK` names the other one.

The names below load the framework when they are first asked for, which starts Node. `NAME` and `PROVIDER` load nothing.
"""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

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

VARIABLE = "BATCHTAB_FRAMEWORK"

#: Each framework with the package of its AWS bindings; the first that is installed is taken.
PROVIDERS = {"cdktf": "cdktf_cdktf_provider_aws", "cdktn": "cdktn_provider_aws"}


def _choose() -> str:
    wanted = os.environ.get(VARIABLE)
    if wanted and wanted not in PROVIDERS:
        raise ImportError(f"{VARIABLE}: {wanted!r} is not one of {', '.join(PROVIDERS)}")
    for name in [wanted] if wanted else PROVIDERS:
        if find_spec(name) and find_spec(PROVIDERS[name]):
            return name
    extra = "cdktn" if wanted == "cdktn" else "synth"
    raise ImportError(f"{wanted or ' or '.join(PROVIDERS)} is not installed; run: pip install 'batchtab[{extra}]'")


#: `cdktf` or `cdktn`.
NAME = _choose()

#: The package of its AWS bindings.
PROVIDER = PROVIDERS[NAME]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """A name of the framework."""
        if name not in __all__:
            raise AttributeError(f"{__name__} has no name {name!r}")
        return getattr(import_module(NAME), name)
