"""Scheduled tasks of ECS: ecschedule's YAML, `terraform show -json`, CloudFormation, or a live account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from batchtab.errors import UsageError
from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Imported
from batchtab.importers.kinds.ecs import cloudformation, definitions, ecschedule, job, templates, terraform
from batchtab.importers.kinds.ecs.loose import shown
from batchtab.importers.kinds.ecs.starts import Start
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile

_KNOWN = "ecschedule's YAML, `terraform show -json`, a CloudFormation template, or a task definition"


def read(files: Sequence[SourceFile], options: Options) -> Imported:
    """Jobs of scheduled tasks.

    Raises:
        UsageError: A file is none of these, or nothing in them starts a task.
    """
    imported = Imported()
    found = definitions.Definitions()
    starts: list[Start] = []
    if not files:
        from batchtab.importers.kinds.ecs import account  # noqa: PLC0415 - imports boto3

        starts += account.starts(options, found, imported)
    read_files = [(file, each) for file in files for each in templates.documents(file)]
    for file, document in read_files:
        if isinstance(document, dict) and definitions.is_one(document):
            definitions.read(document, file, found, imported)
    for file, document in read_files:
        starts += _starts(document, file, found, imported, options)
    if not starts:
        raise UsageError(f"{', '.join(str(file.path) for file in files) or 'the account'} has no scheduled task of ECS")
    for start in starts:
        job.add(start, imported, options)
    for name, part in found.unused():
        Recorder(imported.findings, "", part.place).not_carried("task definition", name, "no schedule starts it")
    job.networks(imported)
    imported.findings.all = [replace(each, value=shown(each.value)) for each in imported.findings]
    return imported


def _starts(
    document: object, file: SourceFile, found: definitions.Definitions, imported: Imported, options: Options
) -> list[Start]:
    if isinstance(document, dict):
        if definitions.is_one(document):
            return []
        if terraform.is_one(document):
            return terraform.starts(document, file, found, imported)
        if cloudformation.is_one(document):
            return cloudformation.starts(document, file, found, imported, options)
        if ecschedule.is_one(document):
            return ecschedule.starts(document, file, found, imported)
        if document.get("version") and "serial" in document and "resources" in document:
            raise UsageError(f"{file.path} is a state file of Terraform", "terraform show -json > state.json")
    raise UsageError(f"{file.path} has no scheduled tasks that import ecs reads: {_KNOWN}")
