"""What looks like a secret in texts of a source: as in logs and plan comments, and also a key in the query of a URL."""

from __future__ import annotations

import re
from collections.abc import Sequence

from batchtab.masking import MASK, mask, mask_arguments
from batchtab.masking.words import SETTINGS, is_plain, is_secret

_IN_QUERY = re.compile(r"([?&][\w.-]*(?:key|token|secret|sig|auth)=)(?![$*{])[^&\s\"'#]+", re.IGNORECASE)
_REFERENCES = re.compile(r"\$\(\w+\)|\$\{\w+\}|\$\w+|Ref::\w+|\$\{\{.*?\}\}")
# A password may begin with `$`: without brackets only an upper-case name is a reference.
_WHOLE_REFERENCE = re.compile(
    r"(?:(?i:bearer|basic|token) )?(?:\$\(\w+\)|\$\{\w+\}|\$[A-Z_][A-Z0-9_]*|Ref::\w+|\$\{\{.*?\}\})"
)
_PASSWORD_OF_URL = re.compile(rf"://[^/@\s:]*:{re.escape(MASK)}@")


def masked_text(text: str) -> str:
    """The text with `***` for what looks like a secret."""
    return _IN_QUERY.sub(rf"\1{MASK}", mask(text))


def masked_command(command: Sequence[str]) -> list[str]:
    """The command with `***` for what looks like a secret; a reference such as `$PASSWORD` is none."""
    bare = [_PASSWORD_OF_URL.sub("://", _REFERENCES.sub(MASK, each)) for each in command]
    is_bare = [was == now for was, now in zip(bare, mask_arguments(bare, {}), strict=True)]
    masked = mask_arguments(command, {})
    return [
        _IN_QUERY.sub(rf"\1{MASK}", own if keeps else shown)
        for own, shown, keeps in zip(command, masked, is_bare, strict=True)
    ]


def is_secret_value(name: str, value: str) -> bool:
    """Whether a variable's name or its value's form says that it is a secret; a reference to one is none."""
    if not value or _WHOLE_REFERENCE.fullmatch(value):
        return False
    if is_secret(name) and (value[0] == "$" or not is_plain(value, name, SETTINGS)):
        return True
    return has_secret(["", value])


def has_secret(command: Sequence[str]) -> bool:
    """Whether a command contains what looks like a secret."""
    return masked_command(command) != [*command]
