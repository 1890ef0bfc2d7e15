"""What `up` deployed last to local AWS, so that a second run with the same files has nothing to do."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from batchtab.terraform.session import Session

_INPUTS = ("main.py", "cdktf.json", "config", "jobs")
_PACKAGE = Path(__file__).resolve().parents[1]
_TOOL = (_PACKAGE, _PACKAGE.parents[1] / "lambda")  # the tool itself; in a checkout its functions are beside it


def fingerprint(session: Session) -> str:
    """A hash of all that a synth reads."""
    digest = hashlib.sha256()
    for path in (*(session.root / name for name in _INPUTS), *_TOOL):
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        for file in files:
            if "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(path.parent)}\0".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()


def read(session: Session) -> dict[str, str]:
    """The fingerprint, and to which local AWS; empty if nothing is deployed."""
    try:
        found: dict[str, str] = json.loads(_file(session).read_text())
    except (OSError, ValueError):
        return {}
    return found


def write(session: Session, record: dict[str, str] | None) -> None:
    """Records a deployment, or that there is none any more."""
    if record is None:
        _file(session).unlink(missing_ok=True)
    else:
        _file(session).write_text(json.dumps(record))


def _file(session: Session) -> Path:
    return session.state / f"deployed-{session.catalog.stage.name}.json"
