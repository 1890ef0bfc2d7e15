"""Names of jobs and services, made from what the source calls them."""

from __future__ import annotations

import re
from collections.abc import Collection

from batchtab import limits

_JOB_MAX = 64
_WORDS_MAX = 2
_INTERPRETERS = frozenset(
    {"sh", "bash", "dash", "zsh", "env", "sudo", "exec", "time", "nohup", "python", "node", "ruby"}
    | {"perl", "php", "java", "uv", "npx", "npm", "run", "nice", "ionice", "rake", "bundle", "poetry"}
)
_TEXTS = {"echo", "printf", "expect"}  # what follows is text, which may be anything


def job_name(text: str, taken: Collection[str] = (), fallback: str = "job") -> str:
    """A job's name from any text, in lower case, that is not taken: `Nightly Report` becomes `nightly-report`.

    Args:
        text: What the source calls it.
        taken: Names that are in use; a number is added to a name that is.
        fallback: The name where no letter and no digit is left.
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text)
    name = re.sub(r"[^a-z0-9]+", "-", spaced.lower()).strip("-")[:_JOB_MAX].rstrip("-") or fallback
    number, candidate = 2, name
    while candidate in taken:
        candidate = f"{name}-{number}"
        number += 1
    return candidate


def service_name(text: str, fallback: str = "imported") -> str:
    """A service's name from any text: lower-case letters, digits and '-', beginning with a letter."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    name = re.sub(r"^[^a-z]+", "", name)[:_JOB_MAX].rstrip("-")
    return name if name and name != limits.RESERVED_NAME else fallback


def name_of_command(words: Collection[str]) -> str:
    """What a command does, in a few words: `/usr/bin/python3 -m reports.daily --all` becomes `reports daily`."""
    found: list[str] = []
    for word in words:
        if word.startswith("-") or re.match(r"[A-Za-z_][A-Za-z0-9_]*=", word) or re.search(r"[<>|;&$(){}]", word):
            continue
        base = re.sub(r"\.(sh|py|js|rb|pl|php|jar)$", "", word.rstrip("/").rpartition("/")[2])
        if re.sub(r"[0-9.]+$", "", base) in _INTERPRETERS or not re.search("[A-Za-z]", base):
            continue
        found.append(base)
        if len(found) == _WORDS_MAX or base in _TEXTS:
            break
    return " ".join(found)
