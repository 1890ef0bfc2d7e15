"""How a command gets a stage's stacks: it synthesizes them, or takes those that another job synthesized."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from batchtab import frameworks
from batchtab.errors import UsageError
from batchtab.runner_image.lookup import DIGEST_VARIABLE, NOT_BUILT
from batchtab.terraform.session import Session
from batchtab.terraform.stacks import Stacks
from batchtab.terraform.synthesized import FINDINGS, Synthesized


class Synthesis:
    """The source of a command's stacks."""

    def __init__(self, folder: Path | None, digest: str | None) -> None:
        """Looks at the options, before anything takes time.

        Args:
            folder: `--synthesized`.
            digest: `--synthesized-digest`.

        Raises:
            UsageError: one is given without the other, or no framework is installed to synthesize with.
        """
        if folder is None:
            frameworks.choose()
            self._given = None
        elif not digest:
            raise UsageError(
                f"--synthesized {folder}: its digest is not given", "BATCHTAB_SYNTHESIZED_DIGEST, as `ci synth` says it"
            )
        else:
            self._given = Synthesized(folder, digest)

    def write(self, session: Session, stacks: Stacks) -> None:
        """Writes the stage's stacks to `cdktf.out`.

        Stacks of `ci synth` name a digest of zeros as the runner image, which only who has credentials can look up.

        Raises:
            UsageError: the synth failed, or the given stacks cannot be trusted.
        """
        if self._given is None:
            stacks.synthesize()
            return
        image = {NOT_BUILT: os.environ.get(DIGEST_VARIABLE) or NOT_BUILT}
        self._given.take(session.catalog.stage, session.root / "cdktf.out", image)

    def copy_findings(self, session: Session, out: Path) -> None:
        """Puts what checkov found in given stacks beside their plans, for `ci summary`; nothing if it did not look."""
        if self._given is None:
            return
        found = self._given.folder / session.catalog.stage.name / FINDINGS
        if found.is_file():
            shutil.copyfile(found, out / FINDINGS)
