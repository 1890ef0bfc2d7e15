"""Writes jobs.yaml, with the origin of each job in a comment."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from yaml import ScalarNode
from yaml.resolver import Resolver

from batchtab.importers.imported import Imported, ImportedJob

_SCHEMA = "# yaml-language-server: $schema=../../.batchtab/jobs.schema.json"
_WIDTH = 116
_TEXT = "tag:yaml.org,2002:str"
_kind_of: Any = Resolver().resolve
# In this order; other fields follow.
_FIRST = (
    *("description", "image", "command", "schedule", "timezone", "except", "start", "end", "after", "after_all"),
    *("concurrency_policy", "queue", "vcpus", "memory_mib", "timeout_seconds", "attempts"),
)


def text_of(imported: Imported, service: str, made_by: str) -> str:
    """The file's text.

    Args:
        imported: Jobs, image and defaults.
        service: The service's name.
        made_by: The command that made it, for the first comment.
    """
    from ruamel.yaml import YAML  # noqa: PLC0415 - of an extra
    from ruamel.yaml.comments import CommentedMap  # noqa: PLC0415

    top = CommentedMap()
    top["service"] = service
    if imported.image:
        top["image"] = _flow(imported.image)
    if imported.defaults:
        top["defaults"] = _block(imported.defaults)
    jobs = CommentedMap()
    for job in imported.jobs:
        jobs[job.name] = _block(_sorted(job.settings))
        jobs.yaml_set_comment_before_after_key(job.name, before=_comment(job), indent=2)
    top["jobs"] = jobs
    yaml = YAML(typ="rt")
    yaml.width = _WIDTH
    yaml.default_flow_style = False
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(top, out)
    return f"{_SCHEMA}\n# Imported by `{made_by}`; the report says what was changed.\n{out.getvalue()}"


def _comment(job: ImportedJob) -> str:
    return "\n".join([f"from {job.origin}", *job.comments])


def _sorted(settings: Mapping[str, Any]) -> dict[str, Any]:
    rank = {name: index for index, name in enumerate(_FIRST)}
    return dict(sorted(settings.items(), key=lambda item: rank.get(item[0], len(_FIRST))))


def _block(settings: Mapping[str, Any]) -> Any:
    from ruamel.yaml.comments import CommentedMap  # noqa: PLC0415

    found = CommentedMap()
    for name, value in settings.items():
        found[name] = _value(value)
    return found


def _value(value: Any) -> Any:
    """Short lists and mappings in one line, long texts of several lines as blocks."""
    from ruamel.yaml.scalarstring import LiteralScalarString, SingleQuotedScalarString  # noqa: PLC0415

    if isinstance(value, Mapping):
        return _flow(value) if _is_short(value) else _block(value)
    if isinstance(value, (list, tuple)):
        return _list(value)
    if isinstance(value, str):
        if "\n" in value.rstrip("\n"):
            return LiteralScalarString(value)
        # A newer YAML takes `yes`, `12:30` and, in braces, `a:` and `:a` as texts; the loader of jobs.yaml does not.
        is_text = _kind_of(ScalarNode, value, (True, False)) == _TEXT and value == value.strip(":")
        return value if is_text else SingleQuotedScalarString(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _list(value: Sequence[Any]) -> Any:
    from ruamel.yaml.comments import CommentedSeq  # noqa: PLC0415
    from ruamel.yaml.scalarstring import SingleQuotedScalarString  # noqa: PLC0415

    found = CommentedSeq([_item(each) for each in value])
    if _is_short(value):
        # Readers of YAML 1.1, such as PyYAML, refuse a bare question mark in brackets.
        found[:] = [SingleQuotedScalarString(each) if isinstance(each, str) and "?" in each else each for each in found]
        found.fa.set_flow_style()
    return found


def _item(value: Any) -> Any:
    """A value of a list; quoted if it has a `?`, as AWS's cron, which some readers of YAML refuse in one line."""
    from ruamel.yaml.scalarstring import SingleQuotedScalarString  # noqa: PLC0415

    return SingleQuotedScalarString(value) if isinstance(value, str) and " ?" in value else _value(value)


def _flow(value: Mapping[str, Any]) -> Any:
    found = _block(value)
    found.fa.set_flow_style()
    return found


def _is_short(value: Any) -> bool:
    return len(str(value)) <= _WIDTH - 20 and "\\n" not in repr(value)
