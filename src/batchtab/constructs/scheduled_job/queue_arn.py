"""A queue's ARN that knows what its jobs must have."""

from __future__ import annotations

from typing import Any

from batchtab.constructs._terraform.expressions import Expression


class QueueArn(Expression):
    """The ARN of a queue of an environment in the same app: jobs of another namespace or capacity are refused.

    Attributes:
        namespace: The environment's.
        capacity: What the queue's jobs run on.
        name: The queue's short name.
        shares: Whether the queue has a scheduling policy; None where only Terraform knows.
    """

    __slots__ = ("capacity", "name", "namespace", "shares")

    namespace: Any
    capacity: Any
    name: str
    shares: bool | None

    @classmethod
    def of(cls, text: str) -> QueueArn:
        """The expression written as `text`."""
        return cls("${" + text + "}")
