"""A new project: its files, and where they may be written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from batchtab.errors import UsageError
from batchtab.project import manifest
from batchtab.project.answers import Answers
from batchtab.project.files import has_text, write_new_files
from batchtab.project.manifest import Manifest
from batchtab.project.template import Owner, project_files


@dataclass(frozen=True, slots=True)
class NewProject:
    """A project that was created.

    Attributes:
        folder: Its folder, as the user gave it.
        answers: What the user said.
        written: The files that were written; none in a project that had them all.
        present: The files that were there already, with the same content.
    """

    folder: Path
    answers: Answers
    written: tuple[str, ...]
    present: tuple[str, ...]

    @property
    def repository(self) -> Path | None:
        """The root of the Git repository in which the project is; None if there is none."""
        folder = self.folder.resolve()
        return next((path for path in (folder, *folder.parents) if (path / ".git").exists()), None)


def create(folder: Path, answers: Answers, version: str) -> NewProject:
    """Writes a new project into a folder, which may exist. It overwrites nothing; running it twice is safe.

    Args:
        folder: The project's folder.
        answers: What the user said.
        version: The version of Batchtab that the project uses.

    Raises:
        UsageError: Files with other content are in the way, or the folder cannot be written. Nothing is written then.
    """
    texts = all_files(answers, version)
    try:
        if (folder.exists() or folder.is_symlink()) and not folder.is_dir():
            raise UsageError(f"{folder} is not a folder")
        if obstacles := _obstacles(folder, texts):
            raise UsageError(f"nothing is written to {folder}: {_listed(obstacles)}", _hint(obstacles))
        missing = {path: text for path, text in texts.items() if not (folder / path).exists()}
        write_new_files(folder, missing)
    except OSError as error:
        raise UsageError(f"nothing is written to {folder}: {error.filename or folder}: {error.strerror}") from None
    return NewProject(folder, answers, tuple(missing), tuple(path for path in texts if path not in missing))


def all_files(answers: Answers, version: str) -> dict[str, str]:
    """All files of a new project, the manifest as the last."""
    owned = project_files(answers, version, Owner.BATCHTAB)
    return {
        **project_files(answers, version),
        manifest.FILE_NAME: Manifest.of(version, answers, owned).text(),
    }


def _obstacles(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """What is in the way: files with other content, and files where a folder must be."""
    found: list[str] = []
    for name, text in texts.items():
        path = folder / name
        parents = [folder / parent for parent in list(Path(name).parents)[:-1]]
        files = [parent for parent in parents if (parent.exists() or parent.is_symlink()) and not parent.is_dir()]
        if files:
            found.append(files[0].relative_to(folder).as_posix())
        elif (path.exists() or path.is_symlink()) and not has_text(path, text):
            found.append(name)
    return list(dict.fromkeys(found))


def _listed(obstacles: list[str]) -> str:
    verb = "exists" if len(obstacles) == 1 else "exist"
    return f"{', '.join(obstacles)} {verb} with other content"


def _hint(obstacles: list[str]) -> str:
    if manifest.FILE_NAME in obstacles:
        return "this is a project already: batchtab upgrade"
    return "move what is in the way, or choose an empty folder"
