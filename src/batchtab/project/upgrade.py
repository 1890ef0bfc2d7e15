"""An upgrade: what a newer Batchtab changes in the files of a project.

A file that Batchtab owns is compared with its hash as it was written. An unchanged file is rewritten; one that
a person changed or deleted stays as it is, and the difference is shown once, when Batchtab's own text changes. The
manifest is written last: an upgrade that was stopped at any point continues when it is run again.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from batchtab.errors import UsageError
from batchtab.project import manifest
from batchtab.project.files import digest, has_text, write_file
from batchtab.project.manifest import Manifest
from batchtab.project.pin import pinned, repin
from batchtab.project.template import Owner, project_files
from batchtab.project.version import Version

PYPROJECT = "pyproject.toml"
Write = Callable[[Path, str], None]


class Action(Enum):
    """What an upgrade does with a file."""

    WRITE = "write"
    LEAVE = "leave"
    SKIP = "skip"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True)
class Step:
    """One file of an upgrade.

    Attributes:
        path: The file, relative to the project's folder.
        action: WRITE it, LEAVE it because a person changed it, SKIP it because a person deleted it, or RETIRE it:
            Batchtab no longer needs it.
        reason: Why, for people.
        text: The new text.
        diff: From the file as it is to the new text, where a person must decide.
    """

    path: str
    action: Action
    reason: str
    text: str = ""
    diff: str = ""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """All that an upgrade does.

    Attributes:
        root: The project's folder.
        before: The project's manifest as it is.
        after: The manifest as it will be.
        steps: The files that are written, or about which a person must know.
    """

    root: Path
    before: Manifest
    after: Manifest
    steps: tuple[Step, ...]

    @property
    def is_needed(self) -> bool:
        """Whether anything changes, the manifest included."""
        return bool(self.steps) or self.before.text() != self.after.text()

    def apply(self, write: Write = write_file) -> None:
        """Writes the files, the manifest last.

        Args:
            write: Writes one file.

        Raises:
            UsageError: A file cannot be written; running the upgrade again continues it.
        """
        try:
            for step in self.steps:
                if step.action is Action.WRITE:
                    write(self.root / step.path, step.text)
            if self.before.text() != self.after.text():
                write(self.root / manifest.FILE_NAME, self.after.text())
        except OSError as error:
            raise UsageError(f"{error.filename}: {error.strerror}", "correct that, and run the upgrade again") from None


def plan_upgrade(root: Path, version: str) -> Upgrade:
    """Compares a project with what a version of Batchtab would write. Changes nothing.

    Args:
        root: The project's folder.
        version: The version of Batchtab that runs.

    Raises:
        UsageError: The folder is not a project, or its project is newer than `version`.
    """
    before = Manifest.read(root)
    _refuse_newer(before.version, version, "this project is of version")
    owned = project_files(before.answers, version, Owner.BATCHTAB)
    try:
        steps = [
            *_pin_steps(root, version),
            *(step for path, text in owned.items() for step in _file_steps(root, path, text, before, version)),
            *_retired_steps(root, before, owned),
        ]
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from None
    return Upgrade(root, before, Manifest.of(version, before.answers, owned), tuple(steps))


def _refuse_newer(found: str, version: str, what: str) -> None:
    if Version.parse(found) > Version.parse(version):
        raise UsageError(f"{what} {found}, and this is Batchtab {version}", f'pip install "batchtab=={found}"')


def _pin_steps(root: Path, version: str) -> list[Step]:
    """The pin in pyproject.toml, which else belongs to a person."""
    path = root / PYPROJECT
    if not path.is_file():
        return []
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        raise UsageError(f"{PYPROJECT}: is not text") from None
    versions = pinned(text)
    for found in versions:
        try:
            _refuse_newer(found, version, f"{PYPROJECT} pins version")
        except ValueError:
            raise UsageError(f"{PYPROJECT}: pins batchtab=={found}, which is not a version") from None
    new = repin(text, version)
    if new == text:
        return []
    return [Step(PYPROJECT, Action.WRITE, f"pins batchtab=={version}, no longer {', '.join(versions)}", new)]


def _file_steps(root: Path, path: str, text: str, before: Manifest, version: str) -> list[Step]:
    recorded, new = before.hashes.get(path), digest(text.encode())
    target = root / path
    if recorded == new or has_text(target, text):  # Batchtab's text is no other, so a person's change stays
        return []
    if not target.exists():
        if recorded is None:
            return [Step(path, Action.WRITE, f"is new in {version}", text)]
        return [Step(path, Action.SKIP, "was deleted, and stays so")]
    if not target.is_file():
        return [Step(path, Action.LEAVE, "is not a file")]
    content = target.read_bytes()
    if digest(content) == recorded:
        return [Step(path, Action.WRITE, "it was not changed", text)]
    reason = "it was changed" if recorded else "Batchtab did not write it"
    return [Step(path, Action.LEAVE, reason, text, _diff(path, content, text, version))]


def _retired_steps(root: Path, before: Manifest, owned: dict[str, str]) -> list[Step]:
    """Files that an older version wrote and this one does not."""
    return [
        Step(path, Action.RETIRE, "Batchtab no longer uses it: delete it unless you do")
        for path in before.hashes
        if path not in owned and (root / path).is_file()
    ]


def _diff(path: str, content: bytes, text: str, version: str) -> str:
    old = content.decode(errors="replace").splitlines()
    lines = difflib.unified_diff(old, text.splitlines(), f"{path} (yours)", f"{path} ({version})", lineterm="")
    return "\n".join(lines)
