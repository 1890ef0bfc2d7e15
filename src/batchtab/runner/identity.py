"""Which job this is, from the variables that Batch gives a container."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def root_id(job_id: str) -> str:
    """The id of the job that was submitted: the parent's for a child of an array or a node of a multi-node job."""
    return job_id.partition(":")[0].partition("#")[0]


class JobIdentity:
    """The job, its attempt and its queue; None where Batch has not said so.

    The job's name is not among Batch's variables
    (https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html): it is a setting.
    """

    __slots__ = ("array_index", "attempt", "job_id", "job_name", "queue")

    def __init__(self, job_name: str, environment: Mapping[str, str]) -> None:
        self.job_name = job_name or None
        self.job_id = environment.get("AWS_BATCH_JOB_ID") or None
        self.queue = environment.get("AWS_BATCH_JQ_NAME") or None
        self.attempt = _whole(environment.get("AWS_BATCH_JOB_ATTEMPT"))
        self.array_index = _whole(environment.get("AWS_BATCH_JOB_ARRAY_INDEX"))


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
