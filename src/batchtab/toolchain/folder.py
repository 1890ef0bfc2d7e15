"""The `.batchtab` folder of a project: what is in it, and what each part of it was made from."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from batchtab.toolchain.errors import ToolchainError
from batchtab.toolchain.paths import search_path

PINS = Path(__file__).resolve().parent / "pins"
_MINUTES = 30  # an install that takes longer has stopped
_ERROR = re.compile(r"\berror\b.*\w", re.IGNORECASE)
_NO_REASON = re.compile(r"^npm error (code|syscall|errno|A complete log)\b")  # what npm prints around its reason
_ERROR_LINES = 2
_ERROR_CHARACTERS = 400


@dataclass(frozen=True)
class Folder:
    """`.batchtab` of a project.

    Attributes:
        project: The project's folder, as an absolute path.
        say: Prints one line of progress.
    """

    project: Path
    say: Callable[[str], None]

    @property
    def path(self) -> Path:
        """The folder itself."""
        return self.project / ".batchtab"

    @property
    def bin(self) -> Path:
        """The programs; first on PATH for all that Batchtab calls."""
        return self.path / "bin"

    @property
    def log(self) -> Path:
        """What the installers printed."""
        return self.path / "setup.log"

    def create(self) -> None:
        """Makes the folder, closed to Git, and the folder of its programs.

        Raises:
            OSError: the project cannot be written to.
        """
        self.bin.mkdir(parents=True, exist_ok=True)
        write_if_changed(self.path / ".gitignore", "*\n")

    def made_from(self, part: str, *sources: Path) -> bool:
        """Whether the part was made, to its end, from just these files."""
        stamp = self._stamp(part)
        return stamp.is_file() and stamp.read_text() == self._fingerprint(*sources)

    @contextmanager
    def making(self, part: str, what: str, *sources: Path) -> Iterator[None]:
        """Says what is made and how long it took; a part that was interrupted counts as not made."""
        self._stamp(part).unlink(missing_ok=True)
        self.say(f"  {what} …")
        began = time.monotonic()
        yield
        self._stamp(part).parent.mkdir(parents=True, exist_ok=True)
        self._stamp(part).write_text(self._fingerprint(*sources))
        self.say(f"    done in {time.monotonic() - began:.0f} s")

    def run(self, what: str, *command: str | Path, cwd: Path | None = None) -> None:
        """Runs an installer; all that it prints is written to the log.

        Raises:
            ToolchainError: it failed, was killed, or does not exist.
        """
        with self.log.open("ab") as log:
            log.write(f"\n$ {' '.join(map(str, command))}\n".encode())
            log.flush()
            start = log.tell()
            try:
                done = subprocess.run(
                    list(map(str, command)),
                    cwd=cwd or self.path,
                    env=self.environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    check=False,
                    timeout=_MINUTES * 60,
                )
            except OSError as error:
                raise ToolchainError([f"{what}: {error}"]) from error
            except subprocess.TimeoutExpired as error:
                raise ToolchainError([f"{what}: ended after {_MINUTES} minutes; {self._advice}"]) from error
        if done.returncode:
            raise ToolchainError([f"{what}: {ending(done.returncode)}: {self._said(start)}; {self._advice}"])

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a child: our programs first, without what redirects Python's imports."""
        foreign = {"PYTHONPATH", "PYTHONHOME", "__PYVENV_LAUNCHER__"}
        kept = {key: value for key, value in os.environ.items() if key not in foreign}
        return {**kept, "PATH": search_path(self.bin), **(extra or {})}

    @property
    def _advice(self) -> str:
        return f"all that it printed is in {self.log.relative_to(self.project)}; run batchtab setup again"

    def _stamp(self, part: str) -> Path:
        return self.path / "stamps" / part

    def _fingerprint(self, *sources: Path) -> str:
        # A moved project's environments name the old place, and those of an older Python link to it.
        digest = hashlib.sha256(f"{sys.version}\0{sys.base_prefix}\0{self.path}".encode())
        for source in sources:
            digest.update(source.read_bytes())
        return digest.hexdigest()

    def _said(self, start: int) -> str:
        """The first errors in what was printed since a place in the log, or its last line."""
        with self.log.open("rb") as log:
            log.seek(start)
            lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
        errors = [line for line in lines if _ERROR.search(line) and not _NO_REASON.search(line)][:_ERROR_LINES]
        return " | ".join(errors or lines[-1:] or ["it printed nothing"])[:_ERROR_CHARACTERS]


def ending(code: int) -> str:
    """How a child ended, in words: an exit status or the signal that killed it."""
    if code >= 0:
        return f"failed with exit status {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def write_if_changed(path: Path, text: str, mode: int = 0o644) -> None:
    """Writes a file in one step, unless it has this text and this mode already."""
    if path.is_file() and path.read_text(errors="replace") == text and path.stat().st_mode & 0o777 == mode:
        return
    new = _beside(path)
    new.write_text(text)
    new.chmod(mode)
    new.replace(path)


def link(path: Path, target: Path) -> None:
    """Makes a symbolic link, or makes it again, in one step, if it leads elsewhere."""
    if path.is_symlink() and path.readlink() == target:
        return
    new = _beside(path)
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(path)


def _beside(path: Path) -> Path:
    """A name for a new file until it takes the old one's place; another one in each process."""
    return path.with_name(f"{path.name}.{os.getpid()}.new")
