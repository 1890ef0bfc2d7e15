"""Running Terraform on copies of modules and examples, offline, without a trace in the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "modules"
EXAMPLES = ROOT / "examples"
MODULE_FILES = ("*.tf.json", "*.zip")
EXAMPLE_FILES = ("*.tf", "*.md")


@dataclass
class Terraform:
    """Terraform in one folder."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, timeout: int = 400) -> subprocess.CompletedProcess[str]:
        """Runs a command of Terraform, whatever becomes of it."""
        executable = shutil.which("terraform")
        if executable is None:
            pytest.skip("terraform is not installed")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", str(self.folder)),
            "CHECKPOINT_DISABLE": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "TF_IN_AUTOMATION": "1",
            **self.environment,
        }
        settings = ROOT / ".batchtab" / "terraform.rc"
        if settings.exists():
            environment["TF_CLI_CONFIG_FILE"] = str(settings)
        elif "TF_CLI_CONFIG_FILE" in os.environ:
            environment["TF_CLI_CONFIG_FILE"] = os.environ["TF_CLI_CONFIG_FILE"]
        return subprocess.run(
            [executable, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def do(self, *arguments: str) -> str:
        """Runs a command that must succeed; returns what it wrote."""
        done = self.run(*arguments, "-no-color")
        assert done.returncode == 0, f"terraform {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def init(self) -> None:
        """Gets providers and modules."""
        self.do("init", "-input=false")

    def errors(self, *arguments: str) -> list[dict[str, Any]]:
        """The errors of a command that must fail, as Terraform tells them to machines."""
        done = self.run(*arguments, "-input=false", "-json")
        assert done.returncode != 0, done.stdout
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return [line["diagnostic"] for line in lines if line.get("@level") == "error" and "diagnostic" in line]

    def plan(self) -> dict[str, Any]:
        """A plan, as `terraform show -json` tells it."""
        self.do("plan", "-input=false", "-out=plan.bin")
        shown: dict[str, Any] = json.loads(self.run("show", "-json", "plan.bin").stdout)
        return shown

    def plan_is_empty(self) -> None:
        """Plans again; nothing may be left to do."""
        done = self.run("plan", "-input=false", "-detailed-exitcode", "-no-color")
        assert done.returncode == 0, done.stdout + done.stderr


def copy(source: Path, target: Path, patterns: Iterable[str]) -> Path:
    """Copies a folder's files of some kinds."""
    target.mkdir(parents=True, exist_ok=True)
    for pattern in patterns:
        for path in source.glob(pattern):
            shutil.copy(path, target)
    return target


def copy_modules(target: Path) -> Path:
    """Copies what Terraform reads of all modules, below `target/modules`."""
    for path in MODULES.glob("[!_]*/main.tf.json"):
        copy(path.parent, target / "modules" / path.parent.name, MODULE_FILES)
    return target / "modules"
