"""GitHub Actions as a step sees it: variables, the event, and the files through which steps pass values to later ones.

Values reach us by the environment and never by an expression in a script.
https://docs.github.com/en/actions/reference/workflows-and-actions/variables
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from batchtab.errors import UsageError
from batchtab.github.client import ACTIONS_BOT, GitHub

_API = "https://api.github.com"


def github() -> GitHub:
    """The repository that this workflow runs in.

    Raises:
        UsageError: a variable is missing.
    """
    return GitHub(
        os.environ.get("GITHUB_API_URL") or _API,
        _needed("GITHUB_REPOSITORY", "owner/name"),
        _needed("GITHUB_TOKEN", "a token that may write pull requests or issues"),
        author=os.environ.get("BATCHTAB_GITHUB_AUTHOR") or ACTIONS_BOT,
    )


def pull_request() -> int | None:
    """The number of the pull request that this workflow runs for; None if it runs for something else."""
    path = os.environ.get("GITHUB_EVENT_PATH")
    if not path:
        return None
    try:
        event = json.loads(Path(path).read_text(encoding="utf-8"))
        return int(event["pull_request"]["number"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def commit() -> str:
    """The commit that this workflow runs for.

    Raises:
        UsageError: the variable is missing.
    """
    return _needed("GITHUB_SHA", "a commit")


def run_url() -> str:
    """The page of this run; empty outside Actions."""
    values = [os.environ.get(name) for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    return "{}/{}/actions/runs/{}".format(*values) if all(values) else ""


def set_output(file: str, name: str, value: str) -> None:
    """Sets an output (`GITHUB_OUTPUT`) or a variable for later steps (`GITHUB_ENV`); nothing outside Actions.

    Raises:
        ValueError: the value has more than one line, and could set what it should not.
    """
    if "\n" in value or "\r" in value:
        raise ValueError(f"{name}: more than one line")
    path = os.environ.get(file)
    if path:
        with Path(path).open("a", encoding="utf-8") as sink:
            sink.write(f"{name}={value}\n")


def warn(line: str, file: str = "", number: int | None = None) -> None:
    """Shows a line on the run's page, as a warning, and at a file's line in a pull request; nothing outside Actions.

    See https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-a-warning-message
    """
    if os.environ.get("GITHUB_ACTIONS") == "true":
        place = f"file={_escaped(file, ':,')}" + (f",line={number}" if number else "") if file else ""
        print(f"::warning {place}".rstrip() + f"::{_escaped(line)}", flush=True)


def summarize(markdown: str) -> None:
    """Adds to the run's page; nothing outside Actions."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with Path(path).open("a", encoding="utf-8") as sink:
            sink.write(markdown)


def _escaped(text: str, more: str = "") -> str:
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _needed(name: str, what: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise UsageError(f"{name} is not set", f"{name}: {what}")
    return value
