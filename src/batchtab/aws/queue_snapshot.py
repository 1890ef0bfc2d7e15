"""Which RUNNABLE jobs of a queue are next, as Batch's snapshot of it says."""

from __future__ import annotations

from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from batchtab.aws.client import Aws

#: How many jobs a snapshot has at most.
FRONT = 100
_UNKNOWN = {"AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "UnknownOperationException"}
_NO_SNAPSHOT = {"ClientException"}  # a queue of service jobs, or one that is being deleted


@dataclass(frozen=True)
class QueueSnapshot:
    """The front of a queue.

    Attributes:
        places: From 1 on, by job id; a child of an array has its own, `<job id>:<index>`.
        since_ms: Since when each has its place.
        unknown: Why it is not known; empty if it is.
    """

    places: dict[str, int] = field(default_factory=dict)
    since_ms: dict[str, int] = field(default_factory=dict)
    unknown: str = ""

    @property
    def first(self) -> str:
        """The id of the job that is next; empty if none waits."""
        return next(iter(self.places), "")

    def place(self, job_id: str) -> int | None:
        """A job's place; of an array that of its first child in the queue."""
        own = self.places.get(job_id)
        if own is not None:
            return own
        return next((place for each, place in self.places.items() if each.startswith(f"{job_id}:")), None)


def snapshot(aws: Aws, queue: str) -> QueueSnapshot:
    """One call. Credentials that may not make it are no error: the result says so.

    Raises:
        ClientError, BotoCoreError: Batch refuses for another reason, or can't be reached.
    """
    try:
        front = aws.client("batch").get_job_queue_snapshot(jobQueue=queue).get("frontOfQueue") or {}
    except ClientError as error:
        said = error.response["Error"]
        if said["Code"] in _UNKNOWN | _NO_SNAPSHOT:
            return QueueSnapshot(unknown=f"GetJobQueueSnapshot: {said.get('Message') or said['Code']}")
        raise
    jobs = {str(each["jobArn"]).rpartition("/")[2]: each for each in front.get("jobs") or ()}
    return QueueSnapshot(
        {job_id: place for place, job_id in enumerate(jobs, 1)},
        {
            job_id: int(each["earliestTimeAtPosition"])
            for job_id, each in jobs.items()
            if "earliestTimeAtPosition" in each
        },
    )
