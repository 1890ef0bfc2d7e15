"""Which local AWS runs for a stage: what `up` writes down and every command reads."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

_PROGRAM = b"batchtab.local_aws"


@dataclass(frozen=True)
class LocalRecord:
    """A local AWS that was started: its process and its port."""

    pid: int
    port: int

    @classmethod
    def read(cls, path: Path) -> LocalRecord | None:
        """The record; None if there is none, if it is damaged, or if its process is gone."""
        try:
            found = json.loads(path.read_text())
            record = cls(int(found["pid"]), int(found["port"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return record if record.is_alive() else None

    def write(self, path: Path) -> None:
        """Writes it down."""
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(asdict(self)))

    def is_alive(self) -> bool:
        """Whether the process runs and is a local AWS: after a restart of the machine its number may be another's."""
        if not self.exists():
            return False
        try:
            return _PROGRAM in Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except OSError:  # no such folder on this system
            return True

    def exists(self) -> bool:
        """Whether the system has a process of this number that we may end."""
        try:
            if os.waitpid(self.pid, os.WNOHANG)[0]:  # a child of this very process, which has just ended
                return False
        except ChildProcessError:
            pass
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # another user's
            return False
        return True
