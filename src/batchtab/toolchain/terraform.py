"""Which Terraform is used, or which one must be downloaded."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from batchtab.toolchain.errors import ToolchainError
from batchtab.toolchain.folder import Folder
from batchtab.toolchain.paths import search_path, which
from batchtab.toolchain.provider import write_config
from batchtab.toolchain.release import VERSION, Release

TERRAFORM_MINIMUM = (1, 10)  # the first, of Terraform and of OpenTofu, with the S3 backend's own lock file
VARIABLE = "TERRAFORM_BINARY_NAME"
_FIRST_LINE = re.compile(r"(Terraform|OpenTofu) v(\d+)\.(\d+)(\S*)")
_SECONDS = 30


@dataclass(frozen=True)
class Program:
    """A Terraform or OpenTofu that answers.

    Attributes:
        path: Where it is.
        product: `Terraform` or `OpenTofu`.
        version: Major and minor version.
        release: The whole version, as it is printed.
    """

    path: Path
    product: str
    version: tuple[int, int]
    release: str

    @property
    def suffices(self) -> bool:
        """Whether it is new enough."""
        return self.version >= TERRAFORM_MINIMUM


class Terraform:
    """The Terraform of a project.

    In this order: what `TERRAFORM_BINARY_NAME` names, as the cdktf CLI honours it; `terraform` on PATH, if it is new
    enough; the one that was downloaded before, if it is the pinned version; the pinned version, downloaded from its
    publisher.
    """

    def __init__(self, folder: Folder) -> None:
        """Takes the project's folder; nothing is looked at yet."""
        self._folder = folder
        self._own = folder.bin / "terraform"

    @cached_property
    def program(self) -> Program | None:
        """The program that is here and is used; None if the pinned version must be downloaded.

        Raises:
            ToolchainError: `TERRAFORM_BINARY_NAME` names one that cannot be used.
        """
        named = os.environ.get(VARIABLE, "")
        if named and named != "terraform":
            return self._named(named)
        if self._on_path and self._on_path.suffices:
            return self._on_path
        if self._downloaded and self._downloaded.release == VERSION:
            return self._downloaded
        return None

    @cached_property
    def release(self) -> Release:
        """The pinned version, as it can be downloaded.

        Raises:
            ToolchainError: it does not exist for this machine.
        """
        return Release.pinned()

    def check(self) -> None:
        """Checks that Terraform is here or can be downloaded; downloads no more than its checksums.

        Raises:
            ToolchainError: neither is the case.
        """
        if self.program is None:
            self.release.check(self._folder.say)

    def make(self) -> None:
        """Downloads Terraform if none is here, and writes its CLI configuration.

        Raises:
            ToolchainError: it cannot be downloaded, or the provider mirror has no provider.
        """
        if self.program is None:
            self._download()
        elif self._downloaded and self.program == self._on_path and not self.program.path.samefile(self._own):
            # `.batchtab/bin` comes first on PATH, so a copy there would be used instead.
            self._folder.say(f"  Terraform {self.program.release} on PATH replaces the downloaded one")
            self._own.unlink()
        product = self.program.product if self.program else "Terraform"
        write_config(self._folder, product)

    def _download(self) -> None:
        if self._on_path:
            oldest = ".".join(map(str, TERRAFORM_MINIMUM))
            self._folder.say(f"  Terraform {self._on_path.release} on PATH is older than {oldest}")
        if self._downloaded:
            self._folder.say(f"  Terraform {self._downloaded.release}, downloaded before, is replaced")

        def runs(path: Path) -> bool:
            found = look(path, self._folder)
            return found is not None and found.suffices

        with self._folder.making("terraform", f"Terraform {self.release.version} from {self.release.source}"):
            self.release.install(self._own, self._folder.path, runs)

    @cached_property
    def _on_path(self) -> Program | None:
        path = which("terraform", search_path(without=self._folder.bin))
        return look(path, self._folder) if path else None

    @cached_property
    def _downloaded(self) -> Program | None:
        return look(self._own, self._folder) if self._own.exists() else None

    def _named(self, named: str) -> Program:
        oldest = ".".join(map(str, TERRAFORM_MINIMUM))
        allowed = f"name Terraform or OpenTofu {oldest} or newer, on PATH or by an absolute path"
        if "/" in named and not Path(named).is_absolute():
            # The cdktf CLI starts it in the folder of each stack.
            raise ToolchainError([f"{VARIABLE}='{named}' is a relative path; {allowed}"])
        path = which(named, search_path(self._folder.bin))
        if path is None:
            raise ToolchainError([f"{VARIABLE}='{named}' is not a program that can be run; {allowed}"])
        found = look(path, self._folder)
        if found is None:
            raise ToolchainError([f"{VARIABLE}='{named}' does not answer `version` as Terraform does; {allowed}"])
        if not found.suffices:
            raise ToolchainError([f"{VARIABLE}='{named}' is {found.product} {found.release}, too old; {allowed}"])
        return found


def look(path: Path, folder: Folder) -> Program | None:
    """Asks a program for its version; None if it is no Terraform or does not answer."""
    env = {**folder.environment(), "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": ""}
    for name in [name for name in env if name.startswith(("TF_CLI_ARGS", "TF_LOG"))]:
        del env[name]
    try:
        done = subprocess.run(
            [path, "version"],
            cwd=folder.project,  # a version manager chooses by folder
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _FIRST_LINE.search(done.stdout)
    if done.returncode or not match:
        return None
    return Program(path, match[1], (int(match[2]), int(match[3])), f"{match[2]}.{match[3]}{match[4]}")
