"""Which queues start no job now, because they have no capacity, or because the job that is next cannot be placed."""

from __future__ import annotations

from collections.abc import Sequence

from batchtab.aws.batch_jobs import BatchJobs, read
from batchtab.aws.client import Aws
from batchtab.aws.job_queues import BLOCKED, JobQueues
from batchtab.aws.parallel import mapped
from batchtab.aws.queue_snapshot import snapshot
from batchtab.errors import printable


def blocked_queues(aws: Aws, names: Sequence[str]) -> dict[str, str]:
    """The queues that are blocked, by name, with the reason.

    One call of GetJobQueueSnapshot for each queue, and three others.
    """
    queues = JobQueues(aws).described(names)
    found = {name: queue.fault for name, queue in queues.items() if queue.fault}
    others = [name for name in queues if name not in found]
    fronts = dict(zip(others, mapped(lambda name: snapshot(aws, name), others), strict=True))
    first = {name: front.first for name, front in fronts.items() if front.first}
    details = BatchJobs(aws).raw(list(first.values()))
    for name, job_id in first.items():
        job = read(details[job_id]) if job_id in details else None
        if job is not None and job.reason.startswith(BLOCKED):
            found[name] = f"{job.name} ({job_id[:8]}) cannot be placed: {job.reason}"
    return {name: printable(found[name]) for name in queues if name in found}
