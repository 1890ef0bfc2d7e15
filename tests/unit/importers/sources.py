"""Imports small sources in tests, and drops one field of them after another."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from batchtab.importers import importing
from batchtab.importers.importing import Result
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def imported(kind: str, text: str, name: str = "source.yaml", *, years: int = 2, **options: Any) -> Result:
    """One source's import, with its proof."""
    file = SourceFile(Path(name), text)
    return importing.run(
        kind,
        [file],
        Options(**options),
        since=SINCE,
        years=years,
        is_proven=True,
        command=f"batchtab import {kind} {name}",
    )


def jobs(result: Result) -> dict[str, Any]:
    """The jobs of the imported jobs.yaml, as PyYAML reads it."""
    found: dict[str, Any] = yaml.safe_load(result.jobs_text)["jobs"]
    return found


def outcome(result: Result) -> str:
    """All that an import says, without line numbers, which move with each dropped field."""
    texts = (result.jobs_text, result.report_text, result.proof_text)
    return re.sub(r"(\.ya?ml|\.json|\.py|crontab|\.timer|\.service):\d+", r"\1", "\n".join(texts))


def without_one(document: Any) -> Iterator[tuple[str, Any]]:
    """The document without one of its fields or list items, for each of them, with the path of what is dropped."""
    for path in _paths(document):
        changed = copy.deepcopy(document)
        holder = changed
        for key in path[:-1]:
            holder = holder[key]
        del holder[path[-1]]
        yield ".".join(map(str, path)), changed


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield (*path, key)
        yield from _paths(each, (*path, key))
