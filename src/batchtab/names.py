"""Names in AWS that are made of a job's or a service's: one form, within each service's limit."""

from __future__ import annotations

import hashlib

from batchtab import limits

HASH_LENGTH = 8


def shorten(name: str, maximum: int) -> str:
    """A name within a limit: as it is if it fits, otherwise its beginning and a hash of the whole.

    Two different names never become one, and a name does not change with others.
    """
    if len(name) <= maximum:
        return name
    digest = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
    return f"{name[: maximum - HASH_LENGTH - 1]}-{digest[:HASH_LENGTH]}"


def rule(full_name: str) -> str:
    """The rule that starts a job at its times. `full_name` is its definition's."""
    return shorten(full_name, limits.RULE_NAME_MAX)


def after_rule(full_name: str) -> str:
    """The rule that starts a job after others: with a dot, which no job's name can contain."""
    return shorten(f"{full_name}.after", limits.RULE_NAME_MAX)


def schedule(full_name: str) -> str:
    """The schedule of EventBridge Scheduler that starts a job."""
    return shorten(full_name, limits.SCHEDULE_NAME_MAX)


def schedule_group(prefix: str, service: str) -> str:
    """The group that a service's schedules are in."""
    return shorten(f"{prefix}-{service}", limits.SCHEDULE_NAME_MAX)
