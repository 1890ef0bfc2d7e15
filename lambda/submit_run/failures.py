"""Why an invocation fails, so that Lambda tries it again and at last keeps its event in the dead-letter queue."""

from __future__ import annotations


class MalformedEvent(ValueError):  # noqa: N818 - it is what the event is
    """An event that says something this function does not understand: which member, and what it must be."""


class Unavailable(Exception):  # noqa: N818 - it is what the service is
    """DynamoDB or Batch does not answer, or not in time; whether it did what was asked is not known."""


class Refused(Exception):  # noqa: N818 - it is what the request is
    """Batch did not take the request, for sure."""


class Contended(Exception):  # noqa: N818 - it is what the job is
    """Others changed the job's state each time that this invocation wanted to, or hold what it needs."""
