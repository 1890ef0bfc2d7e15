"""The project's own `.terraform.lock.hcl`: which provider it takes, by hash, from whatever registry or mirror.

Without it, the first `terraform init` of each machine believes the registry. With it, that `init` refuses what is not
in it. https://developer.hashicorp.com/terraform/language/files/dependency-lock
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchtab.errors import UsageError
from batchtab.terraform.command import terraform
from batchtab.terraform.session import Session

FILE = ".terraform.lock.hcl"
#: Of GitHub's machines and of those that people work on.
PLATFORMS = ("linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64")
#: Has Terraform refuse a provider that is not in the file, instead of adding it.
READ_ONLY = "-lockfile=readonly"
HINT = "batchtab lock, if Batchtab took another version of the provider; else do not trust what was offered"


@dataclass(frozen=True)
class Source:
    """Where providers are looked at: their registry, unless a mirror is named. Terraform's own settings do not count.

    Attributes:
        fs_mirror: A folder, as `terraform providers mirror` fills it.
        net_mirror: The address of a mirror.
    """

    fs_mirror: Path | None = None
    net_mirror: str | None = None

    @property
    def options(self) -> list[str]:
        """For `terraform providers lock`."""
        found = [f"-fs-mirror={self.fs_mirror.absolute()}"] if self.fs_mirror else []
        return [*found, *([f"-net-mirror={self.net_mirror}"] if self.net_mirror else [])]


def path(session: Session) -> Path | None:
    """The project's file, if it has one."""
    file = session.root / FILE
    return file if file.is_file() else None


def write(session: Session, required: dict[str, Any], platforms: Sequence[str], source: Source) -> Path:
    """Writes the project's file again.

    Args:
        session: A stage of the project.
        required: `required_providers` of its stacks.
        platforms: On which Terraform is to run, such as `linux_amd64`.
        source: Where providers are looked at.

    Raises:
        UsageError: Terraform cannot look at them, for all of the platforms.
    """
    log = session.state / "terraform.log"
    log.write_bytes(b"")
    with tempfile.TemporaryDirectory(dir=session.state) as temporary:
        folder = Path(temporary)
        (folder / "main.tf.json").write_text(json.dumps({"terraform": {"required_providers": required}}))
        named = [f"-platform={platform}" for platform in platforms]
        try:
            terraform(session, log, folder, session.environment(), "providers", "lock", *source.options, *named)
        except UsageError as error:
            hint = "where the registry cannot be reached: --fs-mirror or --net-mirror, and only the --platform it has"
            raise UsageError(error.message, hint) from None
        shutil.copyfile(folder / FILE, session.root / FILE)
    return session.root / FILE
