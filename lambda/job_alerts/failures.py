"""What can keep a message from arriving."""

from __future__ import annotations


class DeliveryFailed(Exception):  # noqa: N818 - it is what happened
    """The message did not arrive; Lambda tries the event again and then keeps it in the dead-letter queue."""
