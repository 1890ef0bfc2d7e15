from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchtab.local_aws.containers.choice import AUTO, WANTED
from batchtab.local_aws.errors import UserError

DEFAULT_CONFIG = Path("config/local.yaml")
DEFAULT_PORT = 4566
DEFAULT_ACCOUNT_ID = "000000000000"
DEFAULT_REGION = "us-east-1"
_KEYS = ("container_engine", "enforce_iam", "images", "port")


@dataclass(frozen=True)
class Config:
    """What local AWS reads of a stage's file: `account_id`, `region` and the section `local`.

    Attributes:
        account_id: Account of every resource, unless a request is signed with another 12-digit access key.
        region: Region of a request that names none.
        port: Port on 127.0.0.1.
        images: Image repository (last part or parts of its path) to the folder in which its jobs run.
        enforce_iam: Whether requests of others than the administrator need permissions.
        entrypoints: Image repository to the words before a job's command, as the image's ENTRYPOINT would.
        container_engine: auto, none, or the engine that jobs run on.
        root: The repository's root, against which folders are resolved.
        source: The file that was read, for messages; None if there was none.
    """

    account_id: str = DEFAULT_ACCOUNT_ID
    region: str = DEFAULT_REGION
    port: int = DEFAULT_PORT
    enforce_iam: bool = True
    images: dict[str, Path] = field(default_factory=dict)
    entrypoints: dict[str, list[str]] = field(default_factory=dict)
    container_engine: str = AUTO
    root: Path = field(default_factory=Path.cwd)
    source: Path | None = None


def load(path: Path | None) -> Config:
    """Read a stage's file.

    Args:
        path: The file; None means `config/local.yaml`, which may be missing.

    Raises:
        UserError: The file is missing though it was named, isn't YAML, or a value has the wrong type or folder.
    """
    try:
        import yaml  # noqa: PLC0415 - so that its absence is a message like any other fault
    except ImportError as error:
        raise UserError(f"PyYAML is not installed for {sys.executable}: batchtab setup local") from error
    source = path or DEFAULT_CONFIG
    if not source.is_file():
        if path is None:
            return Config()
        raise UserError(f"{path}: no such file; name a stage's file, for example --config {DEFAULT_CONFIG}")
    try:
        content = yaml.safe_load(source.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        detail = " ".join(str(error).split())
        raise UserError(f"{source}: cannot be read as YAML: {detail}") from error
    return _parse(content, source)


def _parse(content: Any, source: Path) -> Config:
    if not isinstance(content, dict):
        raise UserError(f"{source}: must be a mapping with the keys account_id, region and local")
    section = content.get("local") or {}
    if not isinstance(section, dict):
        raise UserError(f"{source}: local: must be a mapping with the keys {', '.join(_KEYS)}")
    unknown = sorted(set(map(str, section)) - set(_KEYS))
    if unknown:
        raise UserError(f"{source}: local: unknown key {unknown[0]!r}; allowed are {', '.join(_KEYS)}")
    enforce_iam = section.get("enforce_iam", True)
    if not isinstance(enforce_iam, bool):
        raise UserError(f"{source}: local.enforce_iam: {enforce_iam!r} is not true or false")
    account_id = str(content.get("account_id") or DEFAULT_ACCOUNT_ID)
    if len(account_id) != 12 or not account_id.isdigit():
        raise UserError(f"{source}: account_id: {account_id!r} is not an account; write 12 digits, in quotes")
    region = content.get("region") or DEFAULT_REGION
    if not isinstance(region, str):
        raise UserError(f"{source}: region: {region!r} is not a region; write a name such as us-east-1")
    root = source.resolve().parent.parent
    return Config(
        account_id=account_id,
        region=region,
        port=check_port(section.get("port", DEFAULT_PORT), f"{source}: local.port"),
        enforce_iam=enforce_iam,
        images=_images(section.get("images") or {}, root, source),
        entrypoints=_entrypoints(section.get("images") or {}, source),
        container_engine=_engine(section.get("container_engine", AUTO), source),
        root=root,
        source=source,
    )


def _images(section: Any, root: Path, source: Path) -> dict[str, Path]:
    if not isinstance(section, dict):
        raise UserError(f"{source}: local.images: must map an image's repository to a folder")
    images = {}
    for repository, entry in section.items():
        folder = entry.get("folder") if isinstance(entry, dict) else entry
        if not isinstance(folder, str):
            raise UserError(f"{source}: local.images.{repository}: {folder!r} is not a folder")
        path = (root / folder).resolve()
        if not path.is_dir():
            raise UserError(f"{source}: local.images.{repository}: no folder {folder!r} under {root}")
        images[str(repository)] = path
    return images


def _engine(value: object, source: Path) -> str:
    if value not in WANTED:
        raise UserError(f"{source}: local.container_engine: {value!r} is not one of {', '.join(WANTED)}")
    return str(value)


def _entrypoints(section: dict[Any, Any], source: Path) -> dict[str, list[str]]:
    entrypoints = {}
    for repository, entry in section.items():
        if not isinstance(entry, dict):
            continue
        where = f"{source}: local.images.{repository}"
        unknown = sorted(set(map(str, entry)) - {"folder", "entrypoint"})
        if unknown:
            raise UserError(f"{where}: unknown key {unknown[0]!r}; allowed are folder and entrypoint")
        words = entry.get("entrypoint") or []
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise UserError(f"{where}.entrypoint: {words!r} is not a list of words")
        entrypoints[str(repository)] = words
    return entrypoints


def check_port(value: object, where: str) -> int:
    """Return a usable port number; 0 means any free one.

    Raises:
        UserError: It is no number from 0 to 65535.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 65535:
        raise UserError(f"{where}: {value!r} is not a port; write a number from 0 (any free one) to 65535")
    return value
