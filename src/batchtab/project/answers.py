"""What a user says about a new project: its name, its first service, its stages and its repository."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from batchtab.errors import UsageError
from batchtab.limits import NAMESPACE, SERVICE_NAME, STAGE_NAME

DEFAULT_SERVICE = "reports"
DEFAULT_STAGE = "prod"
LOCAL_STAGE = "local"
_FALLBACK_NAME = "batchtab"
_GITHUB = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers that passed the checks.

    Attributes:
        name: The project's name, with which all its names in AWS begin.
        service: The first service.
        stages: The stages on AWS; the stage `local` is always there.
        github: The repository as `owner/repo`, if known.
    """

    name: str
    service: str = DEFAULT_SERVICE
    stages: tuple[str, ...] = (DEFAULT_STAGE,)
    github: str | None = None

    def __post_init__(self) -> None:
        if refusal := NAMESPACE.refusal(self.name):
            raise UsageError(f"name of the project: '{self.name}' {refusal}")
        if refusal := SERVICE_NAME.refusal(self.service):
            raise UsageError(f"--service: '{self.service}' {refusal}")
        if not self.stages:
            raise UsageError("--stage: no stage is given", f"--stage {DEFAULT_STAGE}")
        for stage in self.stages:
            if refusal := STAGE_NAME.refusal(stage):
                raise UsageError(f"--stage: '{stage}' {refusal}")
            if stage == LOCAL_STAGE:
                raise UsageError(
                    f"--stage: '{stage}' is the stage on this machine, which every project has",
                    "name a stage on AWS, such as prod",
                )
        if len(set(self.stages)) < len(self.stages):
            raise UsageError(f"--stage: a stage is given twice: {', '.join(self.stages)}")
        if self.github is not None and not _GITHUB.fullmatch(self.github):
            raise UsageError(f"--github: '{self.github}' is not a repository", "owner/repo")

    @classmethod
    def for_folder(
        cls, folder: Path, service: str = DEFAULT_SERVICE, stages: Sequence[str] = (), github: str | None = None
    ) -> Answers:
        """Answers for a project in a folder, which gives the project its name.

        Raises:
            UsageError: A name is not allowed.
        """
        return cls(name_of(folder), service, tuple(stages) or (DEFAULT_STAGE,), github)


def name_of(folder: Path) -> str:
    """The project's name: the folder's, with only the characters that names in AWS may have."""
    words = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower())
    name = re.sub(r"^[^a-z]+", "", words)[: NAMESPACE.maximum].strip("-")
    return name or _FALLBACK_NAME
