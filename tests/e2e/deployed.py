"""One deployment of the tests' project for a whole run: made by one `up`, and started from wherever it is needed.

The first test that asks for it makes it, in whichever of pytest's workers; the others wait for that.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.checkout import Checkout
from tests.e2e.local_helpers import LocalAws, running


@dataclass(frozen=True)
class Deployed:
    """What `up` left.

    Attributes:
        project: The project with all that `up` wrote; not to be changed.
        snapshot: Local AWS with all that was deployed.
        stdout: What `up` printed.
        stderr: What it said of its progress.
    """

    project: Path
    snapshot: Path
    stdout: str
    stderr: str

    @classmethod
    def get(cls, factory: pytest.TempPathFactory, worker: str) -> Deployed:
        """The deployment of this run of pytest."""
        base = factory.getbasetemp()
        folder = (base if worker == "master" else base.parent) / "deployed"
        folder.mkdir(exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "up.json").exists():
                cls._make(folder)
        said = json.loads((folder / "said.json").read_text())
        return cls(folder / "project", folder / "up.json", *said)

    @classmethod
    def _make(cls, folder: Path) -> None:
        shutil.rmtree(folder / "project", ignore_errors=True)
        checkout = Checkout.make(folder / "project")
        with started(checkout.root, folder) as local:
            done = Checkout(checkout.root, local.port).run("up")
            assert done.returncode == 0, done.stderr + done.stdout
            again = Checkout(checkout.root, local.port).run("up")
            assert again.returncode == 0, again.stderr
            assert "nothing has changed since the last" in again.stderr
            (folder / "said.json").write_text(json.dumps([done.stdout, done.stderr]))
            taken = local.state()
        (checkout.root / ".batchtab" / "aws-local.json").unlink()
        (folder / "up.json").write_bytes(taken)

    @contextmanager
    def restored(
        self,
        root: Path,
        *arguments: str,
        applies: bool = False,
        variables: dict[str, str] | None = None,
        **stage: Any,
    ) -> Iterator[Checkout]:
        """A copy of the deployment, in a project and a local AWS of its own.

        Args:
            root: Where the copy of the project is made.
            arguments: More words of local AWS's command line.
            applies: Whether Terraform takes permissions from functions meanwhile, or removes them.
            variables: What the environment of local AWS has beside this one's.
            stage: Keys of config/local.yaml that the copy has otherwise.
        """
        shutil.copytree(self.project, root, symlinks=True, dirs_exist_ok=True)
        if stage:
            path = root / "config" / "local.yaml"
            content = yaml.safe_load(path.read_text())
            content["local"] |= stage.pop("local", {})
            path.write_text(yaml.safe_dump({**content, **stage}))
        logs, options = root / ".batchtab", {"snapshot": self.snapshot, "variables": variables}
        with started(root, logs, *arguments, applies=applies, **options) as local:
            record = root / ".batchtab" / "deployed-local.json"
            record.write_text(json.dumps({**json.loads(record.read_text()), "local_aws": str(local.process.pid)}))
            yield Checkout(root, local.port)


@contextmanager
def started(root: Path, logs: Path, *arguments: str, applies: bool = False, **options: Any) -> Iterator[LocalAws]:
    """Local AWS of a project, as the project's own `up` would start it."""
    config, bin_ = root / "config" / "local.yaml", root / ".batchtab" / "bin"
    with running(logs, *arguments, config=config, first_on_path=bin_, **options) as local:
        local.serve(root)
        yield local
        local.killed = local.killed or local.process.poll() is not None  # `down` ends it
        if not local.killed:  # what jobs and functions do in their roles' names, too
            denied = local.denied(applies=applies)
            assert not denied, denied
