"""The file of ecschedule: rules with one target each.

https://github.com/Songmu/ecschedule
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Imported
from batchtab.importers.kinds.ecs.definitions import Definitions
from batchtab.importers.kinds.ecs.loose import Loose, Part, scalar
from batchtab.importers.kinds.ecs.starts import Start
from batchtab.importers.source_file import SourceFile, line_of


def is_one(document: Mapping[str, Any]) -> bool:
    """Whether a document is ecschedule's."""
    rules = document.get("rules")
    return isinstance(rules, Sequence) and not isinstance(rules, str) and "Resources" not in document


def starts(document: Mapping[str, Any], file: SourceFile, definitions: Definitions, imported: Imported) -> list[Start]:
    """What each rule starts."""
    top = Loose(document, Recorder(imported.findings, "", file.name))
    found = []
    for node in top.children("rules"):
        line = line_of(node.data, "name")
        place = file.at(line) if line else node.recorder.place
        name, wanted = scalar(node.data.get("name")) or "task", scalar(node.data.get("taskDefinition")) or ""
        part = Part(node.data, place, node.path)
        found.append(Start(name, part, part, definitions.find(wanted), wanted))
    top.leave("cluster", "a job runs in a queue, not in a cluster")
    top.leave("region", "the stage has the region")
    top.leave("role", "Batchtab makes a role for each trigger, which may submit its job only")
    top.leave("trackingId", "Terraform's state has what is deployed")
    for plugin in top.children("plugins"):
        called = scalar(plugin.take("name"))
        plugin.leave("name", "its values are open: import reads no state", f"write what {called} would fill in")
        plugin.leave("config", "belongs to the plugin")
        plugin.leave("func_prefix", "belongs to the plugin")
        plugin.rest()
    top.rest()
    return found
