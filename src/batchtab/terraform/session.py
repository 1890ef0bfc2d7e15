"""What a command works on: a stage, and the variables with which other programs reach it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from batchtab.declarations.catalog import Catalog, load
from batchtab.errors import UsageError
from batchtab.local_keys import local_keys
from batchtab.terraform.local_record import LocalRecord
from batchtab.toolchain import cli_config

STATE = Path(".batchtab")
#: Terraform and its providers are written in Go. A fifth of their time went into collecting what reading the provider's
#: schema leaves behind, for up to 0.2 GB less of memory: https://pkg.go.dev/runtime#hdr-Environment_Variables
GO = {"GOGC": "400"}
# With these Terraform would keep its folders and states elsewhere, or share one provider among several stacks.
_ELSEWHERE = {"TF_DATA_DIR", "TF_WORKSPACE", "TF_REATTACH_PROVIDERS"}


@dataclass(frozen=True)
class Session:
    """A stage with its services, in a project.

    `root` is the project's folder; all that a command writes goes to `root / .batchtab`.
    """

    catalog: Catalog
    root: Path

    @classmethod
    def open(cls, stage: str, root: Path | None = None) -> Session:
        """Loads the stage of this project.

        Raises:
            UsageError: the files have faults.
        """
        root = (root or Path()).resolve()
        session = cls(load(stage, root), root)
        if session.endpoint_url:  # a proxy that the machine names is not for this machine itself
            for name in ("NO_PROXY", "no_proxy"):
                os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1")))
        return session

    @property
    def state(self) -> Path:
        """The project's folder for everything that is made and not committed."""
        folder = self.root / STATE
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def local_record(self) -> Path:
        """The file that says which local AWS runs for this stage."""
        return self.root / STATE / f"aws-{self.catalog.stage.name}.json"

    @property
    def pages_record(self) -> Path:
        """The file that says which pages run beside it."""
        return self.root / STATE / f"web-{self.catalog.stage.name}.json"

    @property
    def port(self) -> int:
        """Where local AWS listens: the stage's port, or the free one that was taken instead when it started."""
        record = LocalRecord.read(self.local_record)
        return record.port if record else self.catalog.stage.local_aws.port

    @property
    def endpoint_url(self) -> str | None:
        """Where local AWS listens; None for a stage on AWS. An IP address, because S3 fails with a name."""
        return f"http://127.0.0.1:{self.port}" if self.catalog.stage.is_local else None

    def variables(self) -> dict[str, str]:
        """The environment variables that the cdktf CLI and Terraform need for this stage, beside the caller's."""
        stage = self.catalog.stage
        found = {
            "BATCHTAB_STAGE": stage.name,
            "AWS_REGION": stage.region,
            "AWS_DEFAULT_REGION": stage.region,
            "CHECKPOINT_DISABLE": "1",
            "DISABLE_VERSION_CHECK": "1",
        }
        if self.endpoint_url:
            found |= {
                "AWS_ENDPOINT_URL": self.endpoint_url,
                **local_keys(),
                "AWS_EC2_METADATA_DISABLED": "true",
                "NO_PROXY": os.environ.get("NO_PROXY", "127.0.0.1"),
            }
        config = cli_config(self.root)
        if config is not None:
            found["TF_CLI_CONFIG_FILE"] = str(config)
        return found

    def environment(self) -> dict[str, str]:
        """The whole environment for a child process, with the project's own programs first on PATH."""
        path = f"{self.root / STATE / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
        foreign = {"AWS_PROFILE", "AWS_SESSION_TOKEN"} - set(local_keys()) if self.endpoint_url else set()
        foreign |= _ELSEWHERE
        kept = {key: value for key, value in os.environ.items() if key not in foreign}
        return {**GO, **kept, **self.variables(), "PATH": path}

    @property
    def terraform(self) -> str:
        """The program that plans and applies: Terraform, or what `TERRAFORM_BINARY_NAME` names, as for cdktf."""
        return os.environ.get("TERRAFORM_BINARY_NAME") or "terraform"

    def waves(self) -> list[list[str]]:
        """The stage's stacks; those of a wave read only from earlier waves."""
        network = [["network"]] if self.catalog.stage.network.create else []
        jobs = [f"jobs-{service.service}" for service in self.catalog.services]
        return [*network, ["environment"], *([jobs] if jobs else [])]

    def stacks(self) -> list[str]:
        """The stage's stacks, each after those that it reads from."""
        return [stack for wave in self.waves() for stack in wave]

    def require_local(self, command: str) -> None:
        """Refuses a stage on AWS.

        Raises:
            UsageError: the stage is not a local one.
        """
        if not self.catalog.stage.is_local:
            raise UsageError(
                f"{command}: stage {self.catalog.stage.name} is on AWS, and {command} is for local AWS",
                "use batchtab bootstrap, then batchtab deploy",
            )
