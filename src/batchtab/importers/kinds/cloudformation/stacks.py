"""Reads templates, and the files that the AWS CLI prints about their stacks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from batchtab.errors import UsageError
from batchtab.importers.intrinsics.stacks import Stacks, Template
from batchtab.importers.options import Options
from batchtab.importers.places import Place, place_of
from batchtab.importers.source_file import SourceFile, read

_TYPE = "Resources"
LIST_EXPORTS = "aws cloudformation list-exports > exports.json"
LIST_RESOURCES = "aws cloudformation list-stack-resources --stack-name {} > resources.json"


def load(files: Sequence[SourceFile], options: Options) -> Stacks:
    """Read templates, and the files that settings name.

    Raises:
        UsageError: A file is no template, or not what the AWS CLI prints.
    """
    templates = [_template(file) for file in files]
    exports = _setting(options, "exports", ("Exports",), "Name", "Value")
    resources = ("StackResourceSummaries", "StackResources")
    place = Place(
        options.account or options.settings.get("account", ""), options.region or options.settings.get("region", "")
    )
    for value in exports.values():
        found = place_of(value)
        place = Place(place.account or found.account, place.region or found.region)
    return Stacks(
        templates,
        place,
        exports,
        _setting(options, "parameters", ("Parameters",), "ParameterKey", "ParameterValue"),
        _setting(options, "resources", resources, "LogicalResourceId", "PhysicalResourceId"),
    )


def _template(file: SourceFile) -> Template:
    documents = file.documents()
    data = documents[0] if len(documents) == 1 else None
    if not isinstance(data, Mapping) or not isinstance(data.get(_TYPE), Mapping):
        raise UsageError(f"{file.path} is not a template of CloudFormation: it has no {_TYPE}")
    return Template(file, data, file.path.name.partition(".")[0])


def _setting(options: Options, name: str, lists: Sequence[str], key: str, value: str) -> dict[str, str]:
    """Names and values of a file: what the AWS CLI prints, or a plain mapping."""
    path = options.settings.get(name)
    if not path:
        return {}
    file = read(Path(path))
    try:
        data: Any = json.loads(file.text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--set {name}={path}: it is not JSON: {error}") from None
    if isinstance(data, Mapping) and isinstance(data.get("Stacks"), list) and data["Stacks"]:
        data = data["Stacks"][0]
    if isinstance(data, Mapping):
        data = next((data[each] for each in lists if each in data), data)
    if isinstance(data, list) and all(isinstance(each, Mapping) and isinstance(each.get(key), str) for each in data):
        return {str(each[key]): str(each.get(value, "")) for each in data}
    if isinstance(data, Mapping) and all(isinstance(each, str | int | float) for each in data.values()):
        return {str(each): str(data[each]) for each in data}
    raise UsageError(f"--set {name}={path}: it has no list of {key} and {value}", f"such as: {_example(name)}")


def _example(name: str) -> str:
    if name == "exports":
        return LIST_EXPORTS
    return LIST_RESOURCES.format("STACK") if name == "resources" else "aws cloudformation describe-stacks"
