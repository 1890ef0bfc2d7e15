"""The Terraform modules that travel with the package."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def modules_folder() -> Path:
    """The folder of the modules: in an installed package its own, in a checkout the one at the top."""
    travelling = _PACKAGE / "modules"
    return travelling if travelling.is_dir() else _PACKAGE.parents[1] / "modules"
