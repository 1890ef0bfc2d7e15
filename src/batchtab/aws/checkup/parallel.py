"""Calls that are made several at once, and that nobody waits for after Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import count
from threading import Thread
from typing import TypeVar

#: Calls that are under way at most: fewer than AWS throttles.
AT_ONCE = 8
T = TypeVar("T")


def together(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """What the tasks return, in their order.

    The threads are daemons: Python ends without those of an executor only when each call has had its answer.

    Raises:
        Exception: as the first task that did.
    """
    results: list[Future[T]] = [Future() for _ in tasks]
    numbers = count()

    def work() -> None:
        while (number := next(numbers)) < len(tasks):
            try:
                results[number].set_result(tasks[number]())
            except BaseException as error:  # it is raised where it is waited for
                results[number].set_exception(error)

    for _ in range(min(AT_ONCE, len(tasks))):
        Thread(target=work, daemon=True).start()
    return [result.result() for result in results]
