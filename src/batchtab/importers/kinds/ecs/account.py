"""Scheduled tasks of a live account."""

from __future__ import annotations

from batchtab.aws import scheduled_tasks
from batchtab.importers.account import aws_of
from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Imported
from batchtab.importers.kinds.ecs.definitions import Definitions
from batchtab.importers.kinds.ecs.loose import Loose, Part
from batchtab.importers.kinds.ecs.overrides import task_name
from batchtab.importers.kinds.ecs.starts import Start
from batchtab.importers.options import Options


def starts(options: Options, definitions: Definitions, imported: Imported) -> list[Start]:
    """What the rules and schedules of a region start; `cluster` and `prefix` choose among them.

    Raises:
        UsageError: No region is set, or the credentials are of another account than the stage's.
    """
    aws = aws_of("ecs", options)
    settings = options.settings
    found = scheduled_tasks.read(aws, settings.get("cluster", ""), settings.get("prefix", ""))
    if not found.is_whole:
        Recorder(imported.findings).not_carried(
            "rules and schedules",
            f"more than {scheduled_tasks.MOST}",
            "only the first ones are read",
            "import the others with --set prefix=NAME",
        )
    for arn, definition in found.definitions.items():
        name = arn.rpartition("/")[2]
        definitions.add(Part(definition, f"task definition {name}", name), arn)
    made = []
    for rule in found.rules:
        name, targets = rule["Name"], rule["Targets"]
        for target in targets:
            wanted = target["EcsParameters"]["TaskDefinitionArn"]
            called = name if len(targets) == 1 else f"{name}-{target['Id']}"
            place = f"rule {name}"
            own = Part(target, place, f"{name}.Targets.{target['Id']}")
            made.append(Start(called, Part(rule, place, name), own, definitions.find(wanted), wanted, ("Targets",)))
    for schedule in found.schedules:
        name, target = schedule["Name"], schedule["Target"]
        wanted = task_name(Loose(target, Recorder(imported.findings)))
        place = f"schedule {schedule.get('GroupName', 'default')}/{name}"
        own = Part(target, place, f"{name}.Target")
        made.append(Start(name, Part(schedule, place, name), own, definitions.find(wanted), wanted, ("Target",)))
    return made
