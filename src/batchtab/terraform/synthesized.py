"""Stacks that were synthesized elsewhere: where packages of others run, and no credentials are.

Who has credentials takes them as data: they are what the other job said that it wrote (by hash), they are Terraform's
JSON of the AWS provider alone, and nothing in them has Terraform run a program, read a file of the machine or deploy
code that no review has seen.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from batchtab.declarations.stage import StageConfig
from batchtab.errors import UsageError
from batchtab.terraform.refusals import ASSETS, refusals

#: checkov's findings of a stage, beside its stacks.
FINDINGS = "checkov.json"
_FILE = "cdk.tf.json"
_STACKS = "stacks"


@dataclass(frozen=True)
class Synthesized:
    """A folder of `batchtab ci synth`.

    Attributes:
        folder: It, with a folder for each stage.
        digest: What it hashed to where it was written.
    """

    folder: Path
    digest: str

    def take(self, stage: StageConfig, out: Path, replaced: dict[str, str]) -> None:
        """Puts a stage's stacks where a synthesis would have written them.

        Args:
            stage: The stage.
            out: The folder of the synthesis, such as `cdktf.out`.
            replaced: Texts of the stacks that are known only here: what is there, and what belongs there.

        Raises:
            UsageError: they are others than those that were written, or could have Terraform run a program.
        """
        source = self.folder / stage.name / _STACKS
        if not source.is_dir():
            raise UsageError(f"{source} is not there", f"batchtab ci synth --stage {stage.name} --out {self.folder}")
        found = digest(self.folder)
        if found != self.digest:
            raise UsageError(f"{self.folder} has the digest {found}, not {self.digest}: it was changed")
        for path in sorted(source.rglob("*")):
            name = path.relative_to(source)
            if not path.is_dir() and name.parts[1:] != (_FILE,) and name.parts[1:2] != (ASSETS,):
                raise UsageError(f"{path} is not a file of a stack: {_FILE}, or something in {ASSETS}/")
        target = out / _STACKS
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
        for path in sorted(target.glob(f"*/{_FILE}")):
            text = path.read_text(encoding="utf-8")
            for old, new in replaced.items():
                text = text.replace(old, new)
            content = json.loads(text)
            for refusal in refusals(content, stage, path.parent):
                raise UsageError(f"{source.name}/{path.parent.name}/{_FILE}: {refusal}")
            # What was looked at, and not the text: of a key that is there twice, Terraform takes both.
            path.write_text(json.dumps(content, indent=2), encoding="utf-8")


def digest(folder: Path) -> str:
    """A hash over all files of a folder: their names and contents.

    Raises:
        UsageError: a link is in it, which would lead elsewhere.
    """
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise UsageError(f"{path} is a link; only files may be in {folder}")
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            whole.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return f"sha256:{whole.hexdigest()}"
