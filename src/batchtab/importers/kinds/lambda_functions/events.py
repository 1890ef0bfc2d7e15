"""Events without what looks like a secret, by the name or the form of each value, so that they remain JSON."""

from __future__ import annotations

import json
from typing import Any

from batchtab.importers.secret_texts import has_secret, is_secret_value
from batchtab.masking.words import is_secret

_NOTHING = "{}"
_SECRET = object()


def without_secrets(event: str) -> tuple[str, list[str]]:
    """An event without its secrets, and the paths of these.

    Args:
        event: JSON. Without a secret it is returned as it is.
    """
    found: list[str] = []
    kept = _kept(json.loads(event), "", "", found)
    text = json.dumps(kept, ensure_ascii=False) if found else event
    # What is a secret only together with what is beside it, such as a program and its argument.
    return (_NOTHING, [*found, ""]) if has_secret(["--event", text]) else (text, found)


def _kept(value: Any, name: str, path: str, found: list[str]) -> Any:
    """A value without secrets; without what is empty without them."""
    if isinstance(value, dict):
        inner = {key: _kept(each, _name(key, name), f"{path}.{key}", found) for key, each in value.items()}
        return {key: each for key, each in inner.items() if each is not _SECRET and (each or not value[key])}
    if isinstance(value, list):
        items = [_kept(each, name, f"{path}[{index}]", found) for index, each in enumerate(value)]
        return [each for each in items if each is not _SECRET]
    if value is not None and not isinstance(value, bool) and is_secret_value(name, str(value)):
        found.append(path)
        return _SECRET if path else {}
    return value


def _name(key: str, outer: str) -> str:
    """What is below a secret's name is a secret, too."""
    return outer if is_secret(outer) and not is_secret(key) else key
