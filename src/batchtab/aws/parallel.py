"""Calls that are made several at once, and that Ctrl-C does not wait for.

The threads are daemons. Those of a `ThreadPoolExecutor` are not: Python ends only when each of their calls has had its
answer, which takes half a minute where AWS does not answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from functools import partial
from itertools import count
from threading import Event, Thread
from typing import TypeVar

#: Concurrent calls at most: fewer than AWS throttles.
AT_ONCE = 8
NAME = "call to AWS"
S = TypeVar("S")
T = TypeVar("T")


@contextmanager
def started(tasks: Sequence[Callable[[], T]], at_once: int = AT_ONCE) -> Iterator[list[Future[T]]]:
    """Starts tasks, in their order, each with a future; waits for them at its end, but not after Ctrl-C.

    After an exception the tasks that have not begun are dropped.
    """
    results: list[Future[T]] = [Future() for _ in tasks]
    numbers = count()
    dropped = Event()

    def work() -> None:
        while (number := next(numbers)) < len(tasks) and not dropped.is_set():
            try:
                results[number].set_result(tasks[number]())
            except BaseException as error:  # it is raised where the result is read
                results[number].set_exception(error)

    threads = [Thread(target=work, name=NAME, daemon=True) for _ in range(min(at_once, len(tasks)))]
    try:
        for thread in threads:
            thread.start()
        yield results
        wait(results)
    except KeyboardInterrupt:
        dropped.set()
        raise
    except BaseException:
        dropped.set()
        for thread in threads:
            thread.join()
        raise


def together(tasks: Sequence[Callable[[], T]], at_once: int = AT_ONCE) -> list[T]:
    """What the tasks return, in their order.

    Raises:
        Exception: as the first task that did.
    """
    with started(tasks, at_once) as results:
        return [result.result() for result in results]


def mapped(function: Callable[[S], T], items: Iterable[S], at_once: int = AT_ONCE) -> list[T]:
    """What a function returns for each item, in their order.

    Raises:
        Exception: as the first call that did.
    """
    return together([partial(function, item) for item in items], at_once)
