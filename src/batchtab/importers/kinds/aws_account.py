"""A live account: its job definitions, and the rules and schedules that start them, whoever made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from batchtab.aws import batch_account
from batchtab.aws.batch_account import BatchAccount
from batchtab.errors import UsageError
from batchtab.importers.account import aws_of
from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Imported
from batchtab.importers.kinds.batch import jobs as batch_jobs
from batchtab.importers.kinds.batch import terraform as batch_terraform
from batchtab.importers.kinds.batch import triggers as batch_triggers
from batchtab.importers.kinds.batch.jobs import Source
from batchtab.importers.kinds.batch.node import BatchNode
from batchtab.importers.kinds.batch.references import definition_name, queue_name
from batchtab.importers.kinds.batch.roles import Roles
from batchtab.importers.kinds.batch.terraform import Files
from batchtab.importers.kinds.batch.terraform_triggers import UnknownNamesError
from batchtab.importers.kinds.batch.triggers import Trigger
from batchtab.importers.naming import service_name
from batchtab.importers.options import Options
from batchtab.importers.places import Place
from batchtab.importers.source_file import SourceFile

_OWN_TAG = "batchtab:"
_OWN = "Batchtab deployed it already"
#: What an answer has beside what was registered.
_OF_ANSWER = ("jobDefinitionArn", "jobDefinitionName", "revision", "status", "containerOrchestrationType")
_SCHEDULE_ANSWER = ("Arn", "CreationDate", "LastModificationDate", "ResponseMetadata")


def read(files: Sequence[SourceFile], options: Options) -> Imported:
    """Jobs of the account that the credentials belong to, in one region.

    Raises:
        UsageError: Files are given, there is no region, or there is nothing to import.
        ClientError, BotoCoreError: A call is denied, or AWS can't be reached.
    """
    if files:
        raise UsageError(f"import aws reads an account and no files: {files[0].path}")
    prefix, queue = options.settings.get("prefix", ""), options.settings.get("queue", "")
    aws = aws_of("aws", options)
    account = batch_account.read(aws, prefix, options.account if options.connect else None)
    options = replace(options, service=options.service or service_name(prefix))
    imported = Imported(service=options.service)
    triggers = _triggers(account, imported)
    if queue:
        triggers = [trigger for trigger in triggers if queue_name(trigger.queue) == queue]
    wanted = {definition_name(trigger.definition)[0] for trigger in triggers} if queue else account.definitions.keys()
    sources = [_source(each, imported) for name, each in account.definitions.items() if name in wanted]
    kept = [source for source in sources if source is not None]
    names = {source.name for source in kept}
    triggers = [trigger for trigger in triggers if _is_wanted(trigger, names, account, prefix)]
    if not kept:
        where = f"account {account.account_id} in {aws.region}"
        of = ", ".join(f"{name} {value}" for name, value in (("prefix", prefix), ("queue", queue)) if value)
        raise UsageError(f"{where} has no job definition to import{f' ({of})' if of else ''}")
    place = Place(account.account_id, aws.region)
    batch_jobs.read(kept, triggers, options, imported, Roles(), place)
    adopted = Files(options, place, queue_arn=_first(account), has_decisions=bool(imported.findings.decisions()))
    try:
        imported.files |= batch_terraform.write(adopted, kept)
    except UnknownNamesError as error:
        Recorder(imported.findings).not_carried("import.tf", str(error), "not written: this is not known")
    return imported


def _first(account: BatchAccount) -> str:
    return account.queue_arns[0] if account.queue_arns else ""


def _source(definition: Mapping[str, Any], imported: Imported) -> Source | None:
    """A definition; None for one of Batchtab."""
    name, revision = definition["jobDefinitionName"], str(definition["revision"])
    origin = f"job-definition/{name}:{revision}"
    recorder = Recorder(imported.findings, "", origin)
    if any(tag.startswith(_OWN_TAG) for tag in definition.get("tags", {})):
        recorder.not_carried("jobDefinitionName", name, _OWN)
        return None
    node = BatchNode(_filled({key: value for key, value in definition.items() if key not in _OF_ANSWER}), recorder)
    if definition.get("containerOrchestrationType") == "EKS":
        node = BatchNode({**node.data, "containerOrchestrationType": "EKS"}, recorder)
    return Source(name, node, origin, revision)


def _triggers(account: BatchAccount, imported: Imported) -> list[Trigger]:
    """What starts jobs, but for what Batchtab deployed."""
    found = []
    for each in account.rules:
        name = each.rule["Name"]
        recorder = Recorder(imported.findings, "", f"rule/{name}")
        if any(tag.startswith(_OWN_TAG) for tag in each.tags):
            recorder.not_carried("Name", name, _OWN)
            continue
        rule = {key: value for key, value in each.rule.items() if key not in ("Arn", "EventBusName")}
        found += batch_triggers.of_rule(
            BatchNode(_filled({**rule, "Targets": each.targets, "Tags": each.tags}), recorder), name
        )
    for one in account.schedules:
        name, group = one.schedule["Name"], one.schedule["GroupName"]
        recorder = Recorder(imported.findings, "", f"schedule/{group}/{name}")
        if any(tag.startswith(_OWN_TAG) for tag in one.tags):
            recorder.not_carried("Name", name, _OWN)
            continue
        schedule = {key: value for key, value in one.schedule.items() if key not in _SCHEDULE_ANSWER}
        trigger = batch_triggers.of_schedule(BatchNode(_filled(schedule), recorder), name)
        found += [trigger] if trigger else []
    return found


def _is_wanted(trigger: Trigger, names: set[str], account: BatchAccount, prefix: str) -> bool:
    """Whether a trigger starts one of the definitions, or one that nobody knows: not one that was left out."""
    name = definition_name(trigger.definition)[0]
    return name in names or (not prefix and name not in account.definitions)


def _filled(value: Any) -> Any:
    """Without the empty lists and mappings that answers have where nothing was said."""
    if isinstance(value, Mapping):
        kept = {key: _filled(each) for key, each in value.items()}
        return {key: each for key, each in kept.items() if each not in ({}, [], None)}
    return [_filled(each) for each in value] if isinstance(value, list) else value
