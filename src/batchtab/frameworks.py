"""The frameworks that can write the Terraform, and which of them is used: `cdktf`, or its living fork `cdktn`."""

from __future__ import annotations

import os
from importlib.util import find_spec

from batchtab.errors import UsageError

VARIABLE = "BATCHTAB_FRAMEWORK"

#: Each framework with the package of its AWS bindings; the first that is installed is used.
PROVIDERS = {"cdktf": "cdktf_cdktf_provider_aws", "cdktn": "cdktn_provider_aws"}
_EXTRAS = {"cdktf": "synth", "cdktn": "cdktn"}


class FrameworkError(UsageError, ImportError):
    """The requested framework does not exist or is not installed: it is an extra of its own because of its size."""


def choose() -> str:
    """The framework to use: the one that `BATCHTAB_FRAMEWORK` names, else the first that is installed. Imports neither.

    Raises:
        FrameworkError: there is none of that name, or it is not installed.
    """
    wanted = os.environ.get(VARIABLE)
    if wanted and wanted not in PROVIDERS:
        raise FrameworkError(f"{VARIABLE}: '{wanted}' is not one of {', '.join(PROVIDERS)}")
    for name in [wanted] if wanted else PROVIDERS:
        if find_spec(name) and find_spec(PROVIDERS[name]):
            return name
    from importlib.metadata import version  # noqa: PLC0415 - only who lacks it waits for it

    name = wanted or next(iter(PROVIDERS))
    raise FrameworkError(f"{name} is not installed", f"pip install 'batchtab[{_EXTRAS[name]}]=={version('batchtab')}'")


def without_stop_timeout() -> str:
    """The AWS provider in use, if it leaves Batch's `stopTimeout` out of its requests silently; else empty.

    Provider 5.100 makes its requests with service/batch 1.52 of AWS's SDK for Go, which is older than that member.
    """
    try:
        name = choose()
    except FrameworkError:  # nothing is deployed with none
        return ""
    return "AWS provider 5.100, which cdktf uses," if name == "cdktf" else ""
