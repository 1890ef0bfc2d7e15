"""What Batchtab calls beside Python packages, prepared for any project: cdktf, Node, Terraform, local AWS, checkov.

All of it is in the project's `.batchtab/` folder. Needs the standard library only.
"""

from __future__ import annotations

from batchtab.toolchain.environment import refresh
from batchtab.toolchain.errors import ToolchainError
from batchtab.toolchain.paths import readable
from batchtab.toolchain.preparation import PARTS, check, prepare
from batchtab.toolchain.provider import cli_config

__all__ = ["PARTS", "ToolchainError", "check", "cli_config", "prepare", "readable", "refresh"]
