"""AWS's `session-manager-plugin`, which is the terminal's end of a session of ECS Exec.

It is started as the AWS CLI starts it: session, region, `StartSession`, profile, target, endpoint (of ECS). A command
line can be read by every user of the machine, and the session has a token: since version 1.2.536.0 the first argument
may be the name of a variable that contains the session. `aws ssm start-session` uses it, `aws ecs execute-command` does
not. Older versions, which AWS does not support any more, are refused here.

https://docs.aws.amazon.com/systems-manager/latest/userguide/plugin-version-history.html
https://github.com/aws/aws-cli/blob/v2/awscli/customizations/ecs/executecommand.py
https://github.com/aws/aws-cli/blob/v2/awscli/customizations/sessionmanager.py
https://github.com/aws/session-manager-plugin/blob/mainline/src/sessionmanagerplugin/session/session.go
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from batchtab.errors import UsageError

NAME = "session-manager-plugin"
VARIABLE = "AWS_SSM_START_SESSION_RESPONSE"
_PAGE = "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html"
_FIRST_WITH_VARIABLE = "1.2.536.0"
_SECONDS = 20


@dataclass(frozen=True)
class SessionPlugin:
    """The program."""

    path: str

    @classmethod
    def found(cls) -> SessionPlugin:
        """The one on PATH.

        Raises:
            UsageError: there is none, it does not start, or it is too old.
        """
        path = shutil.which(NAME)
        if path is None:
            raise UsageError(f"exec: {NAME} is not on PATH", f"install it: {_PAGE}")
        try:
            said = subprocess.run(
                [path, "--version"], capture_output=True, text=True, check=False, timeout=_SECONDS
            ).stdout.strip()
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UsageError(f"exec: {path} does not start: {error}", f"install it again: {_PAGE}") from None
        if _is_older(said, _FIRST_WITH_VARIABLE):
            text = f"exec: {NAME} {said} takes the session's token on its command line, where others can read it"
            raise UsageError(text, f"install {_FIRST_WITH_VARIABLE} or newer: {_PAGE}")
        return cls(path)

    def become(
        self, session: Mapping[str, Any], *, region: str, profile: str, target: str, endpoint_url: str
    ) -> NoReturn:
        """Runs it in place of this program: keys such as Ctrl-C and its exit status are its own.

        Raises:
            UsageError: it cannot be started.
        """
        environment = {**os.environ, VARIABLE: json.dumps(session)}
        words = [NAME, VARIABLE, region, "StartSession", profile, json.dumps({"Target": target}), endpoint_url]
        sys.stdout.flush()
        sys.stderr.flush()
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and what it starts would too
        try:
            os.execve(self.path, words, environment)  # noqa: S606 - no shell is wanted
        except OSError as error:
            raise UsageError(f"exec: {self.path} does not start: {error.strerror}", f"install it: {_PAGE}") from None


def _is_older(version: str, other: str) -> bool:
    """Whether a version is below another one; no, where it is none: somebody built it."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)*", version):
        return False
    numbers = [tuple(map(int, each.split("."))) for each in (version, other)]
    return numbers[0] < numbers[1]
