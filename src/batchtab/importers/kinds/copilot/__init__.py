"""Manifests of AWS Copilot's scheduled jobs: `copilot/NAME/manifest.yml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from batchtab.errors import UsageError
from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Imported
from batchtab.importers.kinds.copilot import manifest
from batchtab.importers.kinds.ecs.job import networks
from batchtab.importers.kinds.ecs.loose import scalar, shown
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile

_JOB = "Scheduled Job"


def read(files: Sequence[SourceFile], options: Options) -> Imported:
    """Jobs of manifests, for one environment (`--set environment=prod`).

    Raises:
        UsageError: None of the files is the manifest of a scheduled job.
    """
    imported = Imported(service=options.settings.get("application", ""))
    refused = []
    for file in files:
        for document in file.documents():
            kind = scalar(document.get("type")) if isinstance(document, Mapping) else None
            if kind == _JOB:
                manifest.add(document, file, imported, options)
                continue
            refusal = f"is a manifest of the type '{kind}'" if kind else "is not a manifest of Copilot"
            refused.append(f"{file.path} {refusal}")
            Recorder(imported.findings, "", file.name).not_carried(
                "type", kind or "not set", f"only the type '{_JOB}' is a job", "leave the file out, or correct it"
            )
    if not imported.jobs:
        problem = "; ".join(dict.fromkeys(refused)) or f"{files[0].path} is empty"
        raise UsageError(f"{problem}: import copilot reads the type '{_JOB}'")
    networks(imported)
    imported.service = imported.service or imported.jobs[0].name
    imported.findings.all = [replace(each, value=shown(each.value)) for each in imported.findings]
    return imported
