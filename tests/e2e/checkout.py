"""Copies of the tests' project, set up as this checkout is. Tests deploy from them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import yaml
from tests.projects import copy_project

ROOT = Path(__file__).resolve().parents[2]
_SHARED = ("bin", "cdktf", "local-venv", "terraform.rc", "jsii", "node-venv", "plugin-cache")


@cache
def _client(service: str, port: int) -> Any:
    make: Any = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test").client
    return make(service, endpoint_url=f"http://127.0.0.1:{port}", region_name="ap-northeast-2")


@dataclass
class Checkout:
    """A copy of the project with a port of its own."""

    root: Path
    port: int

    @classmethod
    def make(cls, root: Path, container_engine: str = "none", **stage: Any) -> Checkout:
        """Copies the tests' project to `root`; `stage` overrides keys of config/local.yaml."""
        copy_project(root)
        (root / ".batchtab").mkdir()
        for name in _SHARED:
            if (ROOT / ".batchtab" / name).exists():
                (root / ".batchtab" / name).symlink_to(ROOT / ".batchtab" / name)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        path = root / "config" / "local.yaml"
        content = {**yaml.safe_load(path.read_text()), **stage}
        content["local"] = {**content["local"], "port": port, "container_engine": container_engine}
        path.write_text(yaml.safe_dump(content))
        return cls(root, port)

    @property
    def environment(self) -> dict[str, str]:
        """As a newcomer's shell has it: nothing of AWS, nothing of ours."""
        return {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("AWS_", "TF_", "BATCHTAB_", "CDKTF_", "PYTEST_"))
        }

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Runs `batchtab`."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env={**self.environment, **(env or {})},
            capture_output=True,
            text=True,
            timeout=1100,
            check=False,
        )

    def command(self, *arguments: str) -> list[str]:
        """A command line of `batchtab`."""
        return [str(ROOT / ".venv" / "bin" / "batchtab"), *arguments]

    def replace_jobs(self, service: str, jobs: str) -> None:
        """Has one service of its own in place of those of the project."""
        for path in (self.root / "jobs").glob("*/jobs.yaml"):
            path.unlink()
        (self.root / "jobs" / service).mkdir()
        (self.root / "jobs" / service / "jobs.yaml").write_text(jobs)

    def client(self, service: str) -> Any:
        """A client of this copy's local AWS."""
        return _client(service, self.port)

    def ask(self, path: str, method: str = "POST", **content: Any) -> Any:
        """Asks one of local AWS's own paths."""
        body = json.dumps(content).encode() if method == "POST" or content else None
        url = f"http://127.0.0.1:{self.port}/_local/{path}"
        request = urllib.request.Request(url, data=body, method=method)
        with urllib.request.urlopen(request, timeout=600) as answer:  # noqa: S310
            return json.loads(answer.read())

    def local_pid(self) -> int:
        """The pid of this copy's local AWS."""
        return int(json.loads((self.root / ".batchtab" / "aws-local.json").read_text())["pid"])
