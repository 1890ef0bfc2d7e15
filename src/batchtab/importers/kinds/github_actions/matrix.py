"""The combinations of a job's matrix."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from batchtab.importers.source_file import plain

MOST = 12


def combinations(matrix: object) -> list[dict[str, Any]] | None:
    """Each combination, with what `include` adds; None if only GitHub knows them, as with `${{ fromJSON(…) }}`.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstrategymatrix
    """
    if matrix is None:
        return [{}]
    if not isinstance(matrix, Mapping):
        return None
    given = plain(matrix)
    include, exclude = given.pop("include", []), given.pop("exclude", [])
    lists = [*given.values(), include, exclude]
    if not all(isinstance(each, list) for each in lists) or "${{" in str(lists):
        return None
    count = 1
    for values in given.values():
        count *= len(values)
    if count > 256:
        return [{}] * count  # GitHub refuses more
    found = [dict(zip(given, values, strict=True)) for values in itertools.product(*given.values())] if given else []
    found = [each for each in found if not any(_has(each, one) for one in exclude)]
    originals = [dict(each) for each in found]
    for extra in include:
        # It is added where it changes no original value, and else is a combination of its own.
        matching = [
            each for each, first in zip(found, originals, strict=False)
            if isinstance(extra, Mapping) and all(first.get(key, value) == value for key, value in extra.items())
        ]  # fmt: skip
        for each in matching:
            each.update(extra)
        if not matching and isinstance(extra, Mapping):
            found.append(dict(extra))
    return found


def known(values: Mapping[str, Any], path: str = "matrix") -> dict[str, str | bool | float]:
    """A combination as names and values: `matrix.os`."""
    found: dict[str, str | bool | float] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= known(value, f"{path}.{key}")
        elif not isinstance(value, list):
            is_plain = isinstance(value, (bool, int, float))
            found[f"{path}.{key}"] = value if is_plain else "" if value is None else str(value)
    return found


def _has(values: Mapping[str, Any], some: object) -> bool:
    return isinstance(some, Mapping) and all(values.get(key) == value for key, value in some.items())
