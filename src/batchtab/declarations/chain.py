"""Which job comes after which: names resolved, unknown ones and circles found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from batchtab.errors import did_you_mean, listed

JobName = tuple[str, str]  # service, job


def resolve(service: str, reference: str) -> JobName:
    """A job as `after` names it: `job` of the same service, or `service/job`."""
    other, slash, job = reference.partition("/")
    return (other, job) if slash else (service, reference)


def unknown(service: str, references: Sequence[str], known: Sequence[JobName]) -> Iterator[tuple[int, str, str]]:
    """References that name no job: position, what is wrong, how to mend it."""
    own = [job for other, job in known if other == service]
    for index, reference in enumerate(references):
        name = resolve(service, reference)
        if name in known:
            continue
        names = [*own, *(f"{other}/{job}" for other, job in known if other != service)]
        yield index, f"is not a job: {listed(names)}", did_you_mean(reference, names)


def circles(before: Mapping[JobName, Sequence[JobName]]) -> Iterator[list[JobName]]:
    """Each circle once, beginning with its first job by name; in the order in which the jobs run.

    Args:
        before: For each job the jobs that come before it.
    """
    done: set[JobName] = set()
    for start in sorted(before):
        path: list[JobName] = []
        yield from _walk(start, before, path, done)


def _walk(
    job: JobName, before: Mapping[JobName, Sequence[JobName]], path: list[JobName], done: set[JobName]
) -> Iterator[list[JobName]]:
    if job in path:
        circle = path[path.index(job) :]
        first = circle.index(min(circle))
        yield [*circle[first:], *circle[:first]][::-1]
        return
    if job in done:
        return
    path.append(job)
    for earlier in before.get(job, ()):
        yield from _walk(earlier, before, path, done)
    path.pop()
    done.add(job)
