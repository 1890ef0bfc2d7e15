"""Running Terraform on copies of modules and examples, offline, without a trace in the checkout.

Providers are processes of their own, which serve one test after another: that takes half the time.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from batchtab.terraform import provider_process
from batchtab.terraform.provider_process import ProviderProcess
from batchtab.terraform.session import GO

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "modules"
EXAMPLES = ROOT / "examples"
#: What callers' tests take in place of AWS.
MOCKS = ROOT / "tests" / "mocks"
MODULE_FILES = ("*.tf.json", "*.zip")
EXAMPLE_FILES = ("*.tf", "*.md", "*.yaml")


@dataclass
class Terraform:
    """Terraform in one folder."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    keeps_provider: bool = True

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of Terraform, whatever becomes of it."""
        environment = _environment(self.environment)
        if self.keeps_provider:
            environment |= _provider(self.folder, self.environment)
        return _run(self.folder, environment, *arguments)

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


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", str(ROOT)),
        "CHECKPOINT_DISABLE": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "TF_IN_AUTOMATION": "1",
        **GO,
        **more,
    }
    settings = ROOT / ".batchtab" / "terraform.rc"
    if settings.exists():
        environment["TF_CLI_CONFIG_FILE"] = str(settings)
    elif "TF_CLI_CONFIG_FILE" in os.environ:
        environment["TF_CLI_CONFIG_FILE"] = os.environ["TF_CLI_CONFIG_FILE"]
    return environment


def _run(folder: Path, environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    executable = shutil.which("terraform")
    if executable is None:
        pytest.skip("terraform is not installed")
    return subprocess.run(
        [executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )


_providers: dict[tuple[Any, ...], ProviderProcess] = {}
_starting = Lock()


def _provider(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The variable by which Terraform finds a running provider.

    What is not applied all folders share one for. Another AWS has a provider of its own, and so has a folder with
    files of functions: a provider opens them by their paths below its own folder.
    """
    files = folder if environment and any(folder.glob("**/*.zip")) else None
    aws = environment.get("AWS_ENDPOINT_URL")
    key = (aws, files, *sorted(environment.items()))
    with _starting:
        if key not in _providers:
            for old in [old for old in _providers if old[0] not in (None, aws)]:  # of a file of tests that is over
                _providers.pop(old).stop()
            program = _installed()
            process = ProviderProcess.start(program, folder if files else ROOT / ".batchtab", _environment(environment))
            _providers[key] = process
            atexit.register(process.stop)
        return _providers[key].variables


@cache
def _installed() -> Path:
    """The AWS provider's program, installed by one `terraform init`."""
    with tempfile.TemporaryDirectory() as temporary:
        required = {"aws": {"source": "hashicorp/aws", "version": "5.100.0"}}
        content = {"terraform": {"required_providers": required}}
        Path(temporary, "main.tf.json").write_text(json.dumps(content))
        done = _run(Path(temporary), _environment({}), "init", "-input=false", "-no-color")
        assert done.returncode == 0, done.stdout + done.stderr
        found = provider_process.find(Path(temporary))
        assert found is not None
        return found[1].resolve()


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
