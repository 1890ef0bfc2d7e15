from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from batchtab.project import manifest
from batchtab.project.answers import Answers
from batchtab.project.manifest import Manifest
from batchtab.project.new_project import create
from batchtab.project.template import Owner, project_files

OLD = "0.2.0"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project as `batchtab init` writes it."""
    folder = tmp_path / "my-jobs"
    create(folder, Answers.for_folder(folder, github="my-company/jobs"), OLD)
    return folder


@pytest.fixture
def old_project(project: Path) -> Path:
    """A project of an older version, whose text of each file that Batchtab owns was another."""
    answers = Manifest.read(project).answers
    texts = {path: f"# {OLD}\n{text}" for path, text in project_files(answers, OLD, Owner.BATCHTAB).items()}
    for path, text in texts.items():
        (project / path).write_text(text, encoding="utf-8")
    (project / manifest.FILE_NAME).write_text(Manifest.of(OLD, answers, texts).text(), encoding="utf-8")
    return project


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, bytes]]:
    """All files below a folder, each with its content."""

    def take(folder: Path) -> dict[str, bytes]:
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    return take
