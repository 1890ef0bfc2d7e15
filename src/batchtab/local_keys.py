"""Whom a local stage's commands are for local AWS."""

from __future__ import annotations

import os

CREDENTIALS = "BATCHTAB_LOCAL_CREDENTIALS"
_NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def local_keys() -> dict[str, str]:
    """The keys as environment variables: those of local AWS's administrator, or the caller's own where they say so.

    A shell's keys are mostly those of an account on AWS: they are used for local AWS only if
    `BATCHTAB_LOCAL_CREDENTIALS` is `environment`, to see what a role may do.
    """
    if os.environ.get(CREDENTIALS) == "environment":
        return {name: os.environ[name] for name in _NAMES if name in os.environ}
    return {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
