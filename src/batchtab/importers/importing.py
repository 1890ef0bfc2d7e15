"""An import from its sources to the texts of its files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from batchtab.declarations.job import JobSpec
from batchtab.errors import UsageError
from batchtab.importers import checked, jobs_file, kinds, proof, report, variables
from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Fires, Imported, SourceClock
from batchtab.importers.naming import service_name
from batchtab.importers.options import Options
from batchtab.importers.proof import Proven
from batchtab.importers.source_file import SourceFile, require_packages

REPORT_NAME, PROOF_NAME = "import-report.md", "import-proof.json"
_PROOF_FORMAT = 1
_IMPORT_AGAIN = f"an import writes {PROOF_NAME} beside jobs.yaml"


@dataclass(frozen=True, slots=True)
class Result:
    """What an import writes.

    Attributes:
        service: The service's name.
        imported: Jobs and findings.
        jobs_text: jobs.yaml.
        report_text: The report.
        proof_text: The proof; empty if it was switched off.
        proven: What it says.
    """

    service: str
    imported: Imported
    jobs_text: str
    report_text: str
    proof_text: str
    proven: Sequence[Proven]

    @property
    def needs_person(self) -> bool:
        """Whether a person has to decide something."""
        return bool(self.imported.findings.decisions())


def run(
    kind: str,
    files: Sequence[SourceFile],
    options: Options,
    *,
    since: datetime,
    years: int,
    is_proven: bool,
    command: str,
) -> Result:
    """Import sources.

    Args:
        kind: The kind of source.
        files: The files.
        options: What the command line says.
        since: From when the proof compares, with a time zone.
        years: For how long.
        is_proven: Whether to compute the proof.
        command: The command, for the files' comments.

    Raises:
        UsageError: A source cannot be read, or no job can be imported.
    """
    require_packages()
    imported = kinds.read(kind, files, options)
    variables.take_out_secrets(imported)
    first = files[0].path.stem if files else kind
    service = options.service or service_name(imported.service or first)
    jobs, text = checked.check(imported, lambda: jobs_file.text_of(imported, service, command))
    proven = proof.prove(imported.fires, jobs, since, years) if is_proven else []
    for each in proven:
        if not each.is_expected:
            name = each.fires.jobs[0]
            recorder = Recorder(imported.findings, name, imported.job(name).origin)
            recorder.changed(
                "schedule", each.fires.clock.expression, "its times differ: see the proof", "correct the schedule"
            )
    return Result(
        service,
        imported,
        text,
        report.text_of(imported, proven, command=command, since=since, years=years),
        _proof_text(kind, proven, since, years) if is_proven else "",
        proven,
    )


def check(proof_file: Path, jobs_file_: Path) -> list[str]:
    """Compute a proof again, from the source's schedules in it and from today's jobs.yaml.

    Args:
        proof_file: What the import wrote.
        jobs_file_: The jobs.yaml beside it.

    Returns:
        What differs from the proof, a line each; empty if nothing.

    Raises:
        UsageError: One of the files cannot be read, or the first is no proof.
    """
    require_packages()
    data = _read_proof(proof_file)
    try:
        text = jobs_file_.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{jobs_file_} cannot be read", "the proof is about the jobs.yaml in its folder") from None
    jobs = checked.load(text)
    try:
        return _differences(data, jobs, jobs_file_)
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # somebody changed it
        raise UsageError(f"{proof_file} is not a proof: {error}", _IMPORT_AGAIN) from None


def _differences(data: dict[str, Any], jobs: dict[str, JobSpec], jobs_file_: Path) -> list[str]:
    lines = []
    for entry in data["schedules"]:
        names = tuple(entry["jobs"])
        gone = [name for name in names if name not in jobs or jobs[name].schedule is None]
        if gone:
            lines.append(f"{', '.join(gone)}: has no schedule in {jobs_file_}")
            continue
        fires = Fires(SourceClock(**entry["source"]), names, int(entry["jitter_seconds"]))
        (proven,) = proof.prove([fires], jobs, datetime.fromisoformat(data["since"]), int(data["years"]))
        if proven.as_json() != entry:
            lines += report.proof_lines([proven])
    return lines


def _proof_text(kind: str, proven: Sequence[Proven], since: datetime, years: int) -> str:
    content = {
        "format": _PROOF_FORMAT,
        "kind": kind,
        "since": since.isoformat(),
        "years": years,
        "schedules": [each.as_json() for each in proven],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _read_proof(path: Path) -> dict[str, Any]:
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as a proof: {error}") from None
    is_ours = isinstance(data, dict) and data.get("format") == _PROOF_FORMAT
    if not is_ours or not {"since", "years", "schedules"} <= data.keys():
        raise UsageError(f"{path} is not a proof", _IMPORT_AGAIN)
    return dict(data)
