"""The result of each field of a source file: carried, changed or not carried."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from batchtab.declarations.sidecars import ImageSidecar
from batchtab.errors import one_line
from batchtab.importers.secret_texts import masked_text
from batchtab.importers.source_file import plain

_SHOWN_CHARACTERS = 160
_PATH = re.compile(r"[a-z_]+(?:\.\S*[^\s:,;])?(?=$|[\s:,;])")
#: Fields of jobs.yaml whose names the user chooses, and which have no parts.
_OF_NAMES = ("environment", "parameters", "secrets", "tags")
#: Fields that a container beside the job's own has too.
_OF_CONTAINERS = ImageSidecar.model_fields.keys()


class Fate(StrEnum):
    """The result of a field."""

    CARRIED = "carried"
    CHANGED = "changed"
    NOT_CARRIED = "not carried"


@dataclass(frozen=True, slots=True)
class Finding:
    """One field of a source and its result.

    Attributes:
        job: The job in jobs.yaml; empty for what belongs to the whole file.
        place: File and line, such as `crontab:14`.
        field: The field's name in the source, dotted.
        value: Its value there; the report masks what looks like a secret.
        fate: Its result.
        note: The field of jobs.yaml that has it, how it was changed, or why it was not carried.
        todo: What a person has to decide or do; empty if nothing.
        to: The field of jobs.yaml that the note begins with; empty if it is none.
    """

    job: str
    place: str
    field: str
    value: Any
    fate: Fate
    note: str
    todo: str = ""
    to: str = ""

    @property
    def shown(self) -> str:
        """The value on one line, masked and shortened."""
        value = plain(self.value)  # a mapping may have keys that JSON has not
        text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
        # The name before a value decides whether it is a secret.
        name = self.field.rpartition(".")[2]
        masked = one_line(masked_text(f"{name}={text}")).removeprefix(f"{name}=")
        return masked if len(masked) <= _SHOWN_CHARACTERS else f"{masked[: _SHOWN_CHARACTERS - 1]}…"


@dataclass(slots=True)
class Findings:
    """All findings of one import, in the order of the source."""

    all: list[Finding] = field(default_factory=list)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.all)

    def of_job(self, job: str) -> list[Finding]:
        """The findings of one job; with an empty name, those of the whole file."""
        return [each for each in self.all if each.job == job]

    def correct(
        self, job: str, field: str, note: str, *, fate: Fate = Fate.NOT_CARRIED, before: int | None = None
    ) -> None:
        """Correct what was recorded as carried or changed, because something later decided otherwise.

        Args:
            job: The job.
            field: The field of jobs.yaml that had the value; empty: each field of the job.
            note: Why it is not carried, or how it was changed.
            fate: The result.
            before: How many findings there were then; later ones are right.
        """
        first, _, rest = field.partition(".")
        parts = "\0" if first in _OF_NAMES and rest else f"{field}."  # a name may have dots
        for index, each in enumerate(self.all[:before]):
            is_meant = not field or each.to == field or each.to.startswith(parts)
            is_other = each.fate not in (fate, Fate.NOT_CARRIED)  # who changed it has said how
            if each.job == job and is_other and is_meant:
                self.all[index] = replace(each, fate=fate, note=note, todo="", to="")

    def decisions(self) -> list[Finding]:
        """Those for which a person has to decide or do something."""
        return [each for each in self.all if each.todo]


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes findings of one job, or of the whole file.

    Attributes:
        findings: Where they go.
        job: The job's name in jobs.yaml.
        place: File and line where nothing nearer is known.
        container: The container beside the job's own whose fields are read; empty: the job's own.
    """

    findings: Findings
    job: str = ""
    place: str = ""
    container: str = ""

    def at(self, place: str, job: str | None = None) -> Recorder:
        """The same for another place, and perhaps another job."""
        return replace(self, place=place, job=self.job if job is None else job)

    def beside(self, container: str) -> Recorder:
        """The same for a container beside the job's own, under whose name jobs.yaml has the fields that notes name."""
        return replace(self, container=container)

    def correct(self, field: str, note: str, *, fate: Fate = Fate.NOT_CARRIED, before: int | None = None) -> None:
        """Correct what was recorded for a field of the container: see `Findings.correct`."""
        field = f"containers.{self.container}.{field}" if self.container else field
        self.findings.correct(self.job, field, note, fate=fate, before=before)

    def carried(self, field: str, value: object, to: str) -> None:
        """The value is in jobs.yaml as it was, in the field `to`."""
        self._add(field, value, Fate.CARRIED, to)

    def changed(self, field: str, value: object, how: str, todo: str = "") -> None:
        """The value is in jobs.yaml in another form; `how` names the field and the form."""
        self._add(field, value, Fate.CHANGED, how, todo)

    def not_carried(self, field: str, value: object, why: str, todo: str = "") -> None:
        """The value is not in jobs.yaml; with `todo`, the import ends with exit status 4."""
        self._add(field, value, Fate.NOT_CARRIED, why, todo)

    def _add(self, field: str, value: object, fate: Fate, note: str, todo: str = "") -> None:
        path = _PATH.match(note)
        to = path[0] if path and fate is not Fate.NOT_CARRIED else ""
        if self.container and to.partition(".")[0] in _OF_CONTAINERS:
            before = f"containers.{self.container}."
            to, note = before + to, before + note
        self.findings.all.append(Finding(self.job, self.place, field, value, fate, note, todo, to))
