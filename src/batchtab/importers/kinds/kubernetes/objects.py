"""The objects of Kubernetes in the files, and what jobs take from those that are no jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchtab.errors import UsageError
from batchtab.importers.findings import Findings, Recorder
from batchtab.importers.source_file import SourceFile

JOB_KINDS = ("CronJob", "Job")
_SCHEDULING = ("Cron", "Schedule")


@dataclass(slots=True)
class Found:
    """One object, and where it is.

    Attributes:
        data: The object.
        file: Its file's name.
        line: Its line; None in JSON.
        is_used: Whether a job takes something from it.
    """

    data: Mapping[str, Any]
    file: str
    line: int | None
    is_used: bool = False

    @property
    def kind(self) -> str:
        """Such as `CronJob`."""
        return _text(self.data.get("kind"))

    @property
    def group(self) -> str:
        """The API's group: `batch` of `batch/v1`, empty for Kubernetes' core."""
        version = _text(self.data.get("apiVersion"))
        return version.partition("/")[0] if "/" in version else ""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Name, namespace, labels and annotations."""
        return mapping(self.data.get("metadata"))

    @property
    def name(self) -> str:
        """Its name, or the beginning of the name that Kubernetes makes."""
        return _text(self.metadata.get("name")) or _text(self.metadata.get("generateName")).rstrip("-")

    @property
    def namespace(self) -> str:
        """Its namespace; empty if the object names none."""
        return _text(self.metadata.get("namespace"))

    @property
    def place(self) -> str:
        """`jobs.yaml:12`; in JSON `jobs.json: CronJob nightly`."""
        return f"{self.file}:{self.line}" if self.line else f"{self.file}: {self.kind} {self.name}"


@dataclass(slots=True)
class Objects:
    """All objects of the files."""

    all: list[Found] = field(default_factory=list)

    def of_kinds(self, *kinds: str) -> Iterator[Found]:
        """Those of some kinds, in order."""
        return (each for each in self.all if each.kind in kinds)

    def get(self, kind: str, name: object, namespace: str) -> Found | None:
        """An object by its name, in the same namespace or where one of the two names none; it counts as used."""
        for each in self.of_kinds(kind):
            if each.name == name and (each.namespace == namespace or not (each.namespace and namespace)):
                each.is_used = True
                return each
        return None

    def report_others(self, findings: Findings) -> None:
        """A finding for each kind of objects from which no job takes anything."""
        others: dict[str, list[Found]] = {}
        for each in self.all:
            if each.kind not in JOB_KINDS and not each.is_used:
                others.setdefault(each.kind, []).append(each)
        for kind, found in others.items():
            names = ", ".join(each.name or "without a name" for each in found)
            is_schedule = kind.startswith(_SCHEDULING)
            Recorder(findings, place=found[0].place).not_carried(
                f"{kind}.metadata.name",
                names,
                "is neither a CronJob nor a Job, and no job refers to it",
                "declare what it starts as a job" if is_schedule else "",
            )


def read_objects(files: Sequence[SourceFile], findings: Findings) -> list[Found]:
    """The objects of the files, those of lists each.

    Raises:
        UsageError: A file is neither YAML nor JSON, or has no object of Kubernetes.
    """
    found = []
    for file in files:
        own = [*_of_file(file, findings)]
        if not own:
            raise UsageError(f"{file.path} has no object of Kubernetes", "an object has apiVersion and kind")
        found += own
    return found


def mapping(value: object) -> Mapping[str, Any]:
    """The value, if it is a mapping; else an empty one."""
    return value if isinstance(value, Mapping) else {}


def _of_file(file: SourceFile, findings: Findings) -> Iterator[Found]:
    try:
        waiting = [*reversed(file.documents())]
    except UsageError as error:
        if "{{" in file.text and "not YAML" in str(error):
            hint = "import what `helm template` prints"
            raise UsageError(f"{file.path} is a template of Helm, not YAML", hint) from None
        raise
    while waiting:
        document = waiting.pop()
        line = getattr(getattr(document, "lc", None), "line", None)
        found = Found(mapping(document), file.name, None if line is None else line + 1)
        items = found.data.get("items")
        if found.kind.endswith("List") and isinstance(items, Sequence) and not isinstance(items, str):
            waiting += reversed(items)
        elif found.kind:
            yield found
        else:
            place = file.at(found.line) if found.line else file.name
            why = "is not an object of Kubernetes: it has no kind"
            Recorder(findings, place=place).not_carried("document", document, why, "correct the source")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
