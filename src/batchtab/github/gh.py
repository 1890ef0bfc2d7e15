"""GitHub as the person at this terminal may see it, through their `gh`, which knows who they are and on which host."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

from batchtab.github.api import GitHubError

_TIMEOUT_SECONDS = 60


class GhMissingError(GitHubError):
    """There is no `gh`, or it is not logged in."""


class GhError(GitHubError):
    """GitHub refused.

    Attributes:
        status: HTTP's; None if there was no answer.
    """

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.status = status


class Gh:
    """GitHub's API by `gh api`.

    See https://cli.github.com/manual/gh_api
    """

    def ask(self, path: str, method: str = "GET", content: dict[str, Any] | None = None) -> Any:
        """One call, and its answer; None where there is none.

        Args:
            path: Without a slash before it, such as `repos/my-company/jobs`.
            method: HTTP's.
            content: Sent as JSON.

        Raises:
            GhMissingError: there is no `gh`, or it is not logged in.
            GhError: GitHub refuses, or does not answer.
        """
        program = shutil.which("gh")
        if program is None:
            raise GhMissingError("gh is not installed")
        command = [program, "api", "--method", method, path]
        if content is not None:
            command += ["--input", "-"]
        try:
            done = subprocess.run(
                command,
                input="" if content is None else json.dumps(content),
                capture_output=True,
                text=True,
                check=False,
                timeout=_TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise GhError(f"gh api {path}: no answer in {_TIMEOUT_SECONDS} seconds", None) from None
        if done.returncode == 0:
            return json.loads(done.stdout) if done.stdout.strip() else None
        said = next(iter(done.stderr.strip().splitlines()), f"status {done.returncode}").removeprefix("gh: ")
        if done.returncode == 4:  # https://cli.github.com/manual/gh_help_exit-codes
            raise GhMissingError("gh is not logged in: gh auth login")
        status = re.search(r"\(HTTP (\d+)\)", said)
        raise GhError(f"gh api {method} {path}: {said}", int(status[1]) if status else None)
