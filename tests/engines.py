"""Container engines for tests that need none: a stand-in under the name of a real one."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).resolve().parent / "fixtures" / "fake_engine.py"


@dataclass(frozen=True)
class FakeEngine:
    """The stand-in, and a look at what it was asked."""

    folder: Path
    name: str

    @classmethod
    def install(cls, folder: Path, name: str = "docker", *images: str) -> FakeEngine:
        """Put it into a folder that becomes the whole PATH of engines."""
        folder.mkdir(parents=True, exist_ok=True)
        program = folder / name
        program.write_text(f"#!{sys.executable} -IS\n{_SOURCE.read_text()}")
        program.chmod(0o755)
        (folder / "state").mkdir(exist_ok=True)
        (folder / "state" / "images").write_text("\n".join(images))
        return cls(folder, name)

    @property
    def program(self) -> str:
        """Its path."""
        return str(self.folder / self.name)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a machine that has it and no other."""
        return {"PATH": str(self.folder), "HOME": os.environ.get("HOME", "/")}

    def calls(self, word: str = "") -> list[str]:
        """What it was asked, of one kind perhaps; the last of it may not be done yet."""
        file = self.folder / "state" / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        return [line for line in lines if line.startswith(word)]

    def containers(self) -> list[str]:
        """The containers that there are."""
        return sorted(path.parent.name for path in (self.folder / "state").glob("*/about"))

    def refuse(self, word: str, text: str) -> None:
        """Have calls with a word fail."""
        self._put("refuse", f"{word}\n{text}\n")

    def accept(self) -> None:
        """Have no call fail any more."""
        (self.folder / "state" / "refuse").unlink(missing_ok=True)

    def delay(self, word: str) -> None:
        """Have calls with a word wait until `go_on`."""
        self._put("delay", word)

    def go_on(self) -> None:
        """Have no call wait any more."""
        (self.folder / "state" / "delay").unlink(missing_ok=True)

    def _put(self, name: str, text: str) -> None:
        """Write a file of its state as a whole: a call may read it at any moment."""
        new = self.folder / "state" / f"new-{name}"
        new.write_text(text)
        new.replace(self.folder / "state" / name)
