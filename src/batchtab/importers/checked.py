"""Checks the imported jobs as `batchtab check` does; what it refuses is taken out and reported."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from batchtab.declarations.diagnostics import Diagnostic, Diagnostics
from batchtab.declarations.service import FILE_NAME, JobSpec, load_services
from batchtab.errors import UsageError, listed
from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Imported

_ROUNDS = 40
_REASONS = 5
_NEEDED = "command"
_NOT_ALLOWED = "is not allowed: "
#: Fields whose parts mean nothing alone: without its repository, an image's tag would only be said to lack one.
_WHOLE = re.compile(r"((?:^|\.)image)\..*")


def load(text: str) -> dict[str, JobSpec]:
    """The jobs of a jobs.yaml, by name.

    Raises:
        Diagnostics: It has faults.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "jobs" / "service" / FILE_NAME
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
        return dict(load_services(Path(folder) / "jobs")[0].jobs)


def check(imported: Imported, write: Callable[[], str]) -> tuple[dict[str, JobSpec], str]:
    """Take out what jobs.yaml refuses, until it refuses nothing; return the jobs and the text.

    A job without a command, and one whose fault is not in a field, is taken out whole.

    Args:
        imported: Changed in place; each change is a finding.
        write: Writes its jobs.yaml.

    Raises:
        UsageError: No job is left.
    """
    for _ in range(_ROUNDS):
        if not imported.jobs:
            raise UsageError(*_nothing(imported))
        text = write()
        try:
            return load(text), text
        except Diagnostics as error:
            gone: set[tuple[str, str]] = set()
            for fault in error.problems:
                _take_out(imported, fault, gone)
    raise UsageError("the imported jobs have faults that taking fields out does not remove", "please report this")


def _nothing(imported: Imported) -> tuple[str, str]:
    """Why no job is left, and what to do: what a person would have had to decide."""
    decisions = imported.findings.decisions()
    whys = dict.fromkeys(f"{each.job or each.place}: {each.field}: {each.note}" for each in decisions)
    todos = dict.fromkeys(each.todo for each in decisions)
    return f"no job could be imported: {listed(whys, _REASONS)}", listed(todos, _REASONS) if todos else ""


def _take_out(imported: Imported, fault: Diagnostic, gone: set[tuple[str, str]]) -> None:
    """Take out what is at fault; `gone` has the jobs and fields that earlier faults of the same file took out."""
    name = fault.where.removeprefix("job ")
    reason = _reason(fault.message)
    todo = fault.hint or _todo(fault.field)
    field = re.split(r"[.\[]", fault.field)[0]
    if {(name, ""), (name, field)} & gone:
        Recorder(imported.findings, name).not_carried(fault.field, fault.value, reason, todo)
        return
    gone.add((name, field))
    job = next((each for each in imported.jobs if each.name == name), None)
    if job is None:
        for each in imported.jobs:
            if field not in each.settings:
                imported.findings.correct(each.name, field, reason)
        if field in imported.defaults:
            Recorder(imported.findings).not_carried(f"defaults.{field}", imported.defaults.pop(field), reason, todo)
            return
        if field == "image" and imported.image:
            Recorder(imported.findings).not_carried("image", dict(imported.image), reason, todo)
            imported.image = None
            return
        raise UsageError(f"jobs.yaml refuses what was imported: {fault}")
    recorder = Recorder(imported.findings, name, job.origin)
    path = _WHOLE.sub(r"\1", fault.field)
    holder, last = _holder(job.settings, path)
    if holder is not None:
        gone.discard((name, field))  # the rest of the field is still there
        imported.findings.correct(name, path, reason)
        recorder.not_carried(*_shown(fault, path, holder.pop(last)), reason, todo)
    elif field in job.settings and field != _NEEDED:
        imported.findings.correct(name, field, reason)
        recorder.not_carried(*_shown(fault, field, job.settings.pop(field)), reason, todo)
        if field == "schedule":
            for dependent in ("timezone", "except", "start", "end"):
                if job.settings.pop(dependent, None) is not None:
                    imported.findings.correct(name, dependent, "the job has no schedule")
            imported.fires = [each for each in imported.fires if name not in each.jobs]
    else:
        recorder.not_carried(fault.field or "job", fault.value, f"{reason}; the job is not imported", todo)
        imported.remove(name)
        imported.findings.correct(name, "", "the job is not imported")
        gone.add((name, ""))


def _shown(fault: Diagnostic, field: str, value: object) -> tuple[str, object]:
    """The field that was taken out and its value, or the part of it that is at fault."""
    return (fault.field, fault.value) if _WHOLE.search(fault.field) else (field, value)


def _reason(message: str) -> str:
    """Why jobs.yaml does not have a value; after `is not allowed:`, a message says which values it takes."""
    found = message.removeprefix(_NOT_ALLOWED)
    return f"jobs.yaml refuses it: {message}" if found == message else f"jobs.yaml refuses it, and takes: {found}"


def _todo(field: str) -> str:
    if _WHOLE.search(field):
        return "write image: the repository's whole address, and its tag or digest"
    return "decide what the job needs instead"


def _holder(settings: dict[str, Any], path: str) -> tuple[dict[str, Any] | None, str]:
    """The mapping within a field that has what is at fault, so that the rest of the field stays; None if none has."""
    *outer, last = path.split(".")
    found: Any = settings
    for part in outer:
        found = found.get(part) if isinstance(found, dict) else None
    return (found, last) if outer and isinstance(found, dict) and last in found else (None, last)
