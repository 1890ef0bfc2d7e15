"""Stacks that were synthesized elsewhere: where packages of others run, and no credentials are.

Who has credentials takes them as data: they are what the other job said that it wrote (by hash), they are Terraform's
JSON of the AWS provider alone, and nothing in them has Terraform run a program or read a file of the machine.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchtab.declarations.stage import StageConfig
from batchtab.errors import UsageError

#: checkov's findings of a stage, beside its stacks.
FINDINGS = "checkov.json"
_FILE = "cdk.tf.json"
_ASSETS = "assets"
_STACKS = "stacks"
_SECTIONS = {"//", "terraform", "provider", "data", "resource", "output", "locals", "moved"}
_SOURCES = {"aws", "hashicorp/aws", "registry.terraform.io/hashicorp/aws"}
_PROVIDER = {"region", "allowed_account_ids", "default_tags"}
_BACKEND = {"bucket", "key", "region", "encrypt", "use_lockfile"}
_REMOTE_STATE = "terraform_remote_state"
_LIVE = re.compile(r"(?<!\$)(?:\$\$)*\$\{|(?<!%)(?:%%)*%\{")  # `$${` and `%%{` are text
# https://developer.hashicorp.com/terraform/language/functions/file and its like
_READS_FILES = re.compile(r"\b(file\w*|templatefile|pathexpand|abspath)\s*\(")


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
            replaced: Texts of the stacks that are known only here: what stands there, and what belongs there.

        Raises:
            UsageError: they are others than those that were written, or could have Terraform run a program.
        """
        source = self.folder / stage.name / _STACKS
        if not source.is_dir():
            raise UsageError(f"{source} is not there", f"batchtab ci synth --stage {stage.name} --out {self.folder}")
        found = digest(self.folder)
        if found != self.digest:
            raise UsageError(f"{self.folder} has the digest {found}, not {self.digest}: somebody changed it")
        for path in sorted(source.rglob("*")):
            name = path.relative_to(source)
            if not path.is_dir() and name.parts[1:] != (_FILE,) and name.parts[1:2] != (_ASSETS,):
                raise UsageError(f"{path} is no file of a stack: {_FILE}, or something in {_ASSETS}/")
        target = out / _STACKS
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
        for path in sorted(target.glob(f"*/{_FILE}")):
            text = path.read_text(encoding="utf-8")
            for refusal in refusals(json.loads(text), stage):
                raise UsageError(f"{source.name}/{path.parent.name}/{_FILE}: {refusal}")
            for old, new in replaced.items():
                text = text.replace(old, new)
            path.write_text(text, encoding="utf-8")


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


def refusals(content: dict[str, Any], stage: StageConfig) -> Iterator[str]:
    """Why a stack is not taken; nothing if it is."""
    yield from _foreign("", content, _SECTIONS)
    yield from _of_settings(content.get("terraform", {}), stage)
    yield from _foreign("provider.", content.get("provider", {}), {"aws"})
    for provider in _many(content.get("provider", {}).get("aws", [])):
        yield from _foreign("provider.aws.", provider, _PROVIDER)
    yield from _of_data(content.get("data", {}), stage)
    yield from _of_resources(content.get("resource", {}))
    for text in _texts({key: value for key, value in content.items() if key != "//"}):
        if _LIVE.search(text) and (reads := _READS_FILES.search(text)):
            yield f"{reads[1]}() would read a file of the machine"


def _of_settings(settings: dict[str, Any], stage: StageConfig) -> Iterator[str]:
    yield from _foreign("terraform.", settings, {"required_providers", "backend", "required_version"})
    for name, provider in settings.get("required_providers", {}).items():
        if name != "aws" or provider.get("source") not in _SOURCES:
            yield f"the provider {provider.get('source', name)} is not the AWS provider"
    yield from _foreign("terraform.backend.", settings.get("backend", {}), {"s3"})
    yield from _state("terraform.backend.s3", settings.get("backend", {}).get("s3", {}), stage)


def _of_data(data: dict[str, Any], stage: StageConfig) -> Iterator[str]:
    for kind in data:
        if not kind.startswith("aws_") and kind != _REMOTE_STATE:
            yield f"data.{kind} is not of the AWS provider"
    for label, state in data.get(_REMOTE_STATE, {}).items():
        if state.get("backend") != "s3":
            yield f"data.{_REMOTE_STATE}.{label} reads from elsewhere than S3"
        yield from _state(f"data.{_REMOTE_STATE}.{label}", state.get("config", {}), stage)


def _of_resources(kinds: dict[str, Any]) -> Iterator[str]:
    for kind, resources in kinds.items():
        if not kind.startswith("aws_"):
            yield f"{kind} is not of the AWS provider"
        for label, bodies in resources.items():
            if any({"provisioner", "connection"} & body.keys() for body in _many(bodies)):
                yield f"{kind}.{label} has a provisioner, which would run a program"


def _state(what: str, config: dict[str, Any], stage: StageConfig) -> Iterator[str]:
    """A state is one of the stage's, and nothing says where credentials for it come from."""
    yield from _foreign(f"{what}.", config, _BACKEND)
    if config.get("bucket") != stage.state.bucket or not str(config.get("key")).startswith(f"{stage.name}/"):
        yield f"{what} is not a state of stage {stage.name}"


def _foreign(what: str, found: dict[str, Any], allowed: set[str]) -> Iterator[str]:
    for name in sorted(found.keys() - allowed):
        yield f"{what}{name} is not allowed in a stack"


def _many(value: Any) -> list[dict[str, Any]]:
    return value if isinstance(value, list) else [value]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
