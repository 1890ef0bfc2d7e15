"""Which local AWS runs for a stage, and which pages beside it: written down at their start, read by every command."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import ClassVar, Self


@dataclass(frozen=True)
class LocalRecord:
    """A local AWS that was started: its process and its port."""

    program: ClassVar[bytes] = b"batchtab.local_aws"

    pid: int
    port: int

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The record; None if there is none, if it is damaged, or if its process is gone."""
        try:
            found = json.loads(path.read_text())
            record = cls(**{each.name: _KINDS[str(each.type)](found[each.name]) for each in fields(cls)})
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return record if record.is_alive() else None

    def write(self, path: Path) -> None:
        """Writes it down, for this user alone."""
        path.parent.mkdir(exist_ok=True)
        whole = path.with_suffix(".new")  # who reads meanwhile sees all of it or nothing
        whole.unlink(missing_ok=True)
        whole.touch(mode=0o600)
        whole.write_text(json.dumps(asdict(self)))
        whole.replace(path)

    def is_alive(self) -> bool:
        """Whether the process runs and is the program: after a restart of the machine its number may be another's."""
        if not self.exists():
            return False
        try:
            return self.program in Path(f"/proc/{self.pid}/cmdline").read_bytes()
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


@dataclass(frozen=True)
class PagesRecord(LocalRecord):
    """The pages beside a local AWS.

    Attributes:
        local_aws: The process of that local AWS.
        url: The address, with the token that opens them.
    """

    program: ClassVar[bytes] = b"batchtab.cli.web"

    local_aws: int
    url: str


_KINDS = {"int": int, "str": str}
