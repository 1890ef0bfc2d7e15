"""What Terraform takes over of a template beside definitions and triggers: their roles and repositories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Imported
from batchtab.importers.intrinsics.references import physical_name, ref
from batchtab.importers.intrinsics.stacks import Template
from batchtab.importers.intrinsics.values import Values
from batchtab.importers.kinds.batch import terraform as batch_terraform
from batchtab.importers.kinds.batch.hcl import Block, Code, Json
from batchtab.importers.kinds.batch.jobs import Source
from batchtab.importers.kinds.batch.node import free
from batchtab.importers.kinds.batch.terraform import Files
from batchtab.importers.kinds.batch.terraform_triggers import UnknownNamesError
from batchtab.importers.kinds.cloudformation.roles import TemplateRole
from batchtab.importers.kinds.cloudformation.stacks import LIST_EXPORTS, LIST_RESOURCES
from batchtab.importers.naming import job_name
from batchtab.importers.options import Options

REPOSITORY, _QUEUE = "AWS::ECR::Repository", "AWS::Batch::JobQueue"


def write(
    values: Values,
    sources: Sequence[Source],
    roles: Mapping[str, TemplateRole],
    services: Sequence[Template],
    options: Options,
    imported: Imported,
) -> None:
    """Add main.tf and import.tf to the import; a finding says why, where they can't be written.

    Args:
        values: Computes the templates' values.
        sources: The definitions.
        roles: Roles of the templates by their ARNs.
        services: Templates with job definitions; the others' resources stay with their stacks.
        options: The command line's.
        imported: Gets the files.
    """
    files = Files(options, values.stacks.place, queue_arn=_any_queue(values))
    used = {node.reference(key) for source in sources if source.read for node, key in source.read.roles.values()}
    used |= {trigger.role for source in sources for trigger in source.triggers}
    labels: set[str] = set()
    for arn, role in roles.items():
        if arn in used and role.template in services:
            label = _label(role.logical, labels)
            files.resources.append((f'resource "aws_iam_role" "{label}"', _role(role)))
            files.imports.append((f"aws_iam_role.{label}", role.name))
            files.references[arn] = Code(f"aws_iam_role.{label}.arn")
    for template in services:
        for logical, resource in template.resources():
            if resource.get("Type") == REPOSITORY:
                label, name = _label(logical, labels), physical_name(values, logical, template)
                properties = values.properties(resource, template)
                files.resources.append((f'resource "aws_ecr_repository" "{label}"', _repository(name, properties)))
                files.imports.append((f"aws_ecr_repository.{label}", name))
    recorder = Recorder(imported.findings, "", services[0].file.name)
    files.has_decisions = bool(imported.findings.decisions())
    try:
        imported.files |= batch_terraform.write(files, sources)
    except UnknownNamesError as error:
        look = f"{LIST_RESOURCES.format(services[0].stack)}, {LIST_EXPORTS}, and --set resources=… --set exports=…"
        recorder.not_carried("import.tf", str(error), f"not written, because this is not known; it is with: {look}")
        return
    assumed = [source.name for source in sources if source.read is not None and not source.revision]
    if assumed and imported.files:
        how = "import.tf takes revision 1 of it; --set resources=… says which revision there is"
        recorder.changed("revision", ", ".join(assumed), how)


def _any_queue(values: Values) -> str:
    """A queue for definitions that nothing starts: the first that is known."""
    for template in values.stacks.templates:
        for logical, resource in template.resources():
            if resource.get("Type") == _QUEUE:
                return str(ref(values, logical, template))
    return next((value for value in values.stacks.exports.values() if ":job-queue/" in value), "")


def _role(role: TemplateRole) -> dict[str, Any]:
    given = role.properties
    return {
        "name": role.name,
        "path": None if role.path == "/" else role.path,
        "description": given.get("Description"),
        "max_session_duration": given.get("MaxSessionDuration"),
        "permissions_boundary": given.get("PermissionsBoundary"),
        "assume_role_policy": Json(role.trust),
        "tags": free(given.get("Tags")) or None,
    }


def _repository(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    scanning, encryption = properties.get("ImageScanningConfiguration"), properties.get("EncryptionConfiguration")
    return {
        "name": name,
        "image_tag_mutability": properties.get("ImageTagMutability", "MUTABLE"),
        "tags": free(properties.get("Tags")) or None,
        "image_scanning_configuration": Block(scan_on_push=scanning.get("ScanOnPush", False)) if scanning else None,
        "encryption_configuration": Block(
            encryption_type=encryption.get("EncryptionType", "AES256"), kms_key=encryption.get("KmsKey")
        )
        if encryption
        else None,
    }


def _label(logical: str, taken: set[str]) -> str:
    """`JobRole` becomes `job`."""
    words = [word for word in job_name(logical).split("-") if word != "role"] or ["role"]
    label = job_name(" ".join(words), taken).replace("-", "_")
    taken.add(label)
    return label if label[:1].isalpha() else f"_{label}"
