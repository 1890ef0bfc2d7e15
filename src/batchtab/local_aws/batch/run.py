"""What an attempt runs as: a process of this machine, or a container."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class StartError(Exception):
    """An attempt cannot start; the text is the reason that AWS gives, as far as AWS has one."""


class FollowError(Exception):
    """An attempt that has started cannot be followed to its end; the text says why."""


class Run(Protocol):
    """An attempt's job, from its start to its end.

    Attributes:
        exit_code: Known when `close` has returned.
        reason: What AWS says of the container's end beside the code; mostly nothing.
    """

    exit_code: int | None
    reason: str

    def start(self) -> None:
        """Start it.

        Raises:
            StartError: It can't start.
        """

    def follow(self, write: Callable[[list[str]], None]) -> None:
        """Hand on the lines that it writes, and return when it has ended.

        Raises:
            FollowError: Whether and how it has ended can't be known.
        """

    def stop(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it at once; may be called before it has started, and while it starts."""

    def close(self) -> None:
        """Leave nothing of it behind."""
