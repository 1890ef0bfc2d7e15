"""What an environment's section changes in a manifest, and the variables that Copilot fills in."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from batchtab.importers.kinds.ecs.loose import Loose, opened
from batchtab.importers.node import leaves
from batchtab.importers.options import Options

_VARIABLE = re.compile(r"(\\?)\$\{([_a-zA-Z][_a-zA-Z0-9]*)\}")
#: Fields of which a manifest has one: the environment's takes the other one's place.
_ONE_OF = ({"build", "location"},)
_DEPTH = 40


def applied(document: Mapping[str, Any], top: Loose, options: Options) -> Mapping[str, Any]:
    """The manifest of one environment. What is replaced, and other environments, are recorded."""
    wanted = options.settings.get("environment", "")
    sections = top.child("environments")
    own: Any = None
    for name in sections.data:
        if str(name) == wanted:
            own = sections.take(str(name))
            continue
        todo = "" if wanted else f"choose an environment: --set environment={name}"
        note = "is for another environment" if wanted else "no environment is chosen"
        for path, value in leaves(sections.take(str(name)), sections.field(str(name))):
            sections.at(str(name)).not_carried(path, value, note, todo)
            todo = ""
    base = copy.copy(document)
    found: Mapping[str, Any] = _filled(_merged(base, own, top, f"environments.{wanted}") if own else base, options)
    return found


def _merged(base: Any, own: Any, top: Loose, path: str, depth: int = 0) -> Any:
    """Mappings are merged; whatever else the environment says replaces what the manifest says."""
    if not isinstance(base, Mapping) or not isinstance(own, Mapping) or depth > _DEPTH:
        return own
    found = copy.copy(base)
    for group in _ONE_OF:
        if group & own.keys():
            for other in (group - own.keys()) & found.keys():
                top.recorder.not_carried(other, found.pop(other), f"{path} replaces it")  # type: ignore[attr-defined]
    for key, value in own.items():
        if value is None:
            continue
        old = found.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            found[key] = _merged(old, value, top, f"{path}.{key}", depth + 1)  # type: ignore[index]
            continue
        if key in found:
            name = f"{path}.{key}".partition(".")[2].partition(".")[2]
            top.recorder.not_carried(name, old, f"{path}.{key} replaces it")
        found[key] = value  # type: ignore[index]  # a copy of a parser's mapping
    return found


def _filled(value: Any, options: Options, depth: int = 0) -> Any:
    """Texts with `${COPILOT_ENVIRONMENT_NAME}` filled in; variables of the shell that deploys stay open."""
    known = {
        "COPILOT_APPLICATION_NAME": options.settings.get("application"),
        "COPILOT_ENVIRONMENT_NAME": options.settings.get("environment"),
    }
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: match[0][1:] if match[1] else known.get(match[2]) or opened(match[0]), value)
    if depth > _DEPTH:
        return opened("(nested too deeply)")
    if isinstance(value, Mapping):
        found = copy.copy(value)
        for key, each in value.items():
            found[key] = _filled(each, options, depth + 1)  # type: ignore[index]
        return found
    if isinstance(value, list):
        return [_filled(each, options, depth + 1) for each in value]
    return value
