"""The file of a snapshot: JSON that names what it was made by, so that nothing else starts from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from batchtab.local_aws.config import Config
from batchtab.local_aws.errors import UserError
from batchtab.local_aws.internals import MINISTACK_VERSION

FORMAT = 1


def kind(config: Config) -> dict[str, Any]:
    """Return what has to be the same for the one who takes a snapshot and the one who starts from it."""
    return {
        "batchtab_snapshot": FORMAT,
        "ministack": MINISTACK_VERSION,
        "account_id": config.account_id,
        "region": config.region,
    }


def read(path: Path, config: Config) -> dict[str, Any]:
    """Read a snapshot.

    Raises:
        UserError: It cannot be read, is none, or is of another version, account or region.
    """
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{path}: is no snapshot of local AWS: {error}") from error
    if not isinstance(found, dict) or "batchtab_snapshot" not in found:
        raise UserError(f"{path}: is no snapshot of local AWS; GET /_local/snapshot answers one")
    for name, wanted in kind(config).items():
        if found.get(name) != wanted:
            raise UserError(
                f"{path}: its {name} is {found.get(name)!r}, and this local AWS needs {wanted!r};"
                " take the snapshot again"
            )
    return found
