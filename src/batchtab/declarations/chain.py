"""Which job comes after which: names resolved, unknown ones and circles found."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from batchtab.declarations.diagnostics import LINES_MAX
from batchtab.errors import did_you_mean, listed

JobName = tuple[str, str]  # service, job


def resolve(service: str, reference: str) -> JobName:
    """A job as `after` names it: `job` of the same service, or `service/job`."""
    other, slash, job = reference.partition("/")
    return (other, job) if slash else (service, reference)


def doubles(service: str, references: Sequence[str]) -> Iterator[tuple[int, str]]:
    """References to a job that another one before them names: position, what is wrong."""
    first: dict[JobName, int] = {}
    for index, reference in enumerate(references):
        earlier = first.setdefault(resolve(service, reference), index)
        if earlier != index:
            other = references[earlier]
            yield index, "is listed twice" if other == reference else f"is the same job as '{other}'"


class Known:
    """The jobs that may be named. Only as many faults have a hint as are shown: to look for one takes long."""

    def __init__(self, jobs: Collection[JobName]) -> None:
        self._jobs = jobs
        self._names: dict[str, tuple[tuple[str, ...], str]] = {}  # for one service, as there may be many of both
        self._hints_left = LINES_MAX

    def unknown(self, service: str, references: Sequence[str]) -> Iterator[tuple[int, str, str]]:
        """References that name no job: position, what is wrong, how to fix it."""
        for index, reference in enumerate(references):
            if resolve(service, reference) in self._jobs:
                continue
            if service not in self._names:
                own = [job for other, job in self._jobs if other == service]
                names = (*own, *(f"{other}/{job}" for other, job in self._jobs if other != service))
                self._names = {service: (names, f"is not a job: {listed(names)}")}
            names, message = self._names[service]
            self._hints_left -= 1
            yield index, message, did_you_mean(reference, names) if self._hints_left >= 0 else ""


def circles(before: Mapping[JobName, Sequence[JobName]]) -> Iterator[list[JobName]]:
    """Each circle once, in the order in which the jobs run; the first of them by name comes last.

    Args:
        before: For each job the jobs that come before it.
    """
    done: set[JobName] = set()
    for start in sorted(before):
        # Jobs on the way, each with those before it that are still to be looked at. No recursion: chains are long.
        path = {} if start in done else {start: iter(before[start])}
        while path:
            job, earlier = next(reversed(path.items()))
            following = next(earlier, None)
            if following is None:
                del path[job]
                done.add(job)
            elif following in path:
                names = list(path)
                circle = names[names.index(following) :]
                first = circle.index(min(circle))
                yield [*circle[first:], *circle[:first]][::-1]
            elif following not in done:
                path[following] = iter(before.get(following, ()))
