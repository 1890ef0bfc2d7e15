"""A queue's ARN that knows what its jobs must have."""

from __future__ import annotations

from typing import Any

from batchtab.constructs._terraform.expressions import Expression


class QueueArn(Expression):
    """The ARN of a queue of an environment in the same app: jobs of another namespace or capacity are refused.

    Attributes:
        namespace: The environment's.
        capacity: What the queue's jobs run on.
    """

    __slots__ = ("capacity", "namespace")

    namespace: Any
    capacity: Any

    @classmethod
    def of(cls, text: str) -> QueueArn:
        """The expression written as `text`."""
        return cls("${" + text + "}")
