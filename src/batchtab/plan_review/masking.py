"""What may be shown of a plan: nothing that Terraform marks as sensitive, nothing that looks like a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchtab.errors import printable
from batchtab.masking import mask_arguments, mask_forms

SENSITIVE = "(sensitive)"
_LONGEST = 200


def visible(value: Any, sensitive: Any) -> Any:
    """A copy of a value in which all that Terraform marks as sensitive is replaced.

    Args:
        value: `before` or `after` of a change.
        sensitive: The tree beside it: true where all below is sensitive.
    """
    if sensitive is True:
        return SENSITIVE
    if isinstance(value, dict) and isinstance(sensitive, dict):
        return {key: visible(item, sensitive.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(sensitive, list):
        marks = [*sensitive, *[None] * (len(value) - len(sensitive))]
        return [visible(item, mark) for item, mark in zip(value, marks, strict=False)]
    return value


def command(arguments: list[str], environment: Mapping[str, str]) -> str:
    """A command on one line, without what looks like a secret."""
    return text(" ".join(_quoted(part) for part in mask_arguments(arguments, environment)))


def text(value: str) -> str:
    """Text on one line, without well-known keys, and not longer than can be read at a glance.

    Names do not matter here: in an action such as `secretsmanager:GetSecretValue` nothing is secret.
    """
    line = printable(mask_forms(value))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _quoted(argument: str) -> str:
    return f"'{argument}'" if not argument or re.search(r"\s", argument) else argument
