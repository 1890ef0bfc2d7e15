"""What came of a run that failed: its retries, and whether nothing of it is left to retry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from batchtab.aws.batch_jobs import ENDED, BatchJobs
from batchtab.aws.client import Aws
from batchtab.aws.retried_arrays import Array, CannotRetryError
from batchtab.aws.retries import Detail, Retries


@dataclass(frozen=True)
class RetryHistory:
    """The retries of a job in Batch.

    Attributes:
        retries: The oldest first, as DescribeJobs returns them; of a child those that ran it.
        is_done: Whether all that failed has succeeded since.
    """

    retries: Sequence[Detail] = ()
    is_done: bool = False

    @classmethod
    def of(cls, aws: Aws, prefix: str, job: Detail) -> RetryHistory:
        """Of a job that failed: ListJobs by name, DescribeJobs of what is newer; of a retried array its children."""
        if job.get("status") != "FAILED":
            return cls()
        whole, _, child = str(job["jobId"]).partition(":")
        first = BatchJobs(aws).raw([whole]).get(whole) if child else job
        if first is None or "#" in whole:
            return cls()
        retries = Retries(aws, prefix, [str(first["jobQueue"]).rpartition("/")[2]])
        chain = retries.chain(first, is_whole=False)
        array, only = Array(chain, retries.failed_children), int(child) if child else None
        found = array.retries(only) if only is not None else list(chain.jobs[1:])
        if not found or any(each["status"] not in ENDED for each in found):
            return cls(found)
        if not array.size:
            return cls(found, found[-1]["status"] == "SUCCEEDED")
        try:
            return cls(found, not array.left(only, is_again=False))
        except CannotRetryError:
            return cls(found)
