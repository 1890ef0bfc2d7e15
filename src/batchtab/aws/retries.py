"""The CLI's calls about runs that are tried again: what of a run failed, whether it was retried, and the retry.

For one run: DescribeJobDefinitions, once for each revision; of each of the stage's queues ListJobs by name (at most 20
pages) and DescribeJobs for what is newer than the run (100 a call); of an array ListJobs for its failed children (100 a
page) and the beginning of one's log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchtab.aws import runner_lines
from batchtab.aws.batch_jobs import BatchJobs
from batchtab.aws.client import Aws
from batchtab.aws.run_overrides import RETRY_OF, environment_of
from batchtab.main_container import main_container

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

_START = '{"batchtab": "start"'
_CHILDREN_MAX = 10_000

Detail = Mapping[str, Any]


@dataclass(frozen=True)
class Chain:
    """A job and its retries, the oldest first, as DescribeJobs returns them."""

    jobs: Sequence[Detail]

    @property
    def newest(self) -> Detail:
        """The one that was submitted last."""
        return self.jobs[-1]

    @property
    def last_failed(self) -> Detail:
        """Of those that failed the newest."""
        return next(job for job in reversed(self.jobs) if job["status"] == "FAILED")


class Retries:
    """What is known of runs that failed, and of their retries."""

    def __init__(self, aws: Aws, prefix: str, queues: Sequence[str]) -> None:
        self._aws, self._prefix, self._queues = aws, prefix, queues
        self._batch: BatchClient = aws.client("batch")
        self._jobs = BatchJobs(aws)
        self._definitions: dict[str, Detail | None] = {}

    def chain(self, job: Detail, *, is_whole: bool) -> Chain:
        """A job with its retries.

        Args:
            job: The job.
            is_whole: Begin with the job that was retried first, where this one is a retry.
        """
        while is_whole and (before := self._jobs.raw([retry_of(job)] if retry_of(job) else [])):
            [job] = before.values()
        listed = [each for queue in self._queues for each in self._jobs.of_name(queue, job["jobName"])]
        newer = [each["jobId"] for each in listed if each["createdAt"] >= job["createdAt"]]
        return chain_of(job, self._jobs.raw(newer).values())

    def definition(self, job: Detail) -> Detail | None:
        """The revision of its definition that a job ran; None if Batch has forgotten it. Each is asked for once."""
        name = str(job["jobDefinition"])
        if name not in self._definitions:
            found = self._batch.describe_job_definitions(jobDefinitions=[name])["jobDefinitions"]
            self._definitions[name] = next(iter(found), None)
        return self._definitions[name]

    def failed_children(self, job_id: str) -> list[int]:
        """The indices of an array's children that failed, in ascending order."""
        pages = self._batch.get_paginator("list_jobs").paginate(
            arrayJobId=job_id, jobStatus="FAILED", PaginationConfig={"PageSize": 100, "MaxItems": _CHILDREN_MAX}
        )
        return sorted(int(job["jobId"].rpartition(":")[2]) for page in pages for job in page["jobSummaryList"])

    def chooses_children(self, child_id: str) -> bool:
        """Whether a child's runner says at the beginning of its log that it runs only the given children."""
        detail = self._jobs.raw([child_id]).get(child_id)
        lines = self._aws.log(self._prefix, detail).splitlines() if detail else []
        return any(_says_that_it_chooses(line) for line in lines if line.startswith(_START))

    def submit(self, request: Mapping[str, Any]) -> str:
        """Submits a job and returns its id."""
        return self._batch.submit_job(**request)["jobId"]


def chain_of(job: Detail, others: Iterable[Detail]) -> Chain:
    """A job with those of others that are its retries, or retries of those."""
    following = {retry_of(each): each for each in sorted(others, key=lambda each: int(each["createdAt"]))}
    chain = [job]
    while (following_one := following.get(str(chain[-1]["jobId"]))) is not None and following_one not in chain:
        chain.append(following_one)
    return Chain(chain)


def retry_of(job: Detail) -> str:
    """The id of the job that a job retries; empty if it is no retry."""
    return environment_of(main_container(job)).get(RETRY_OF, "")


def _says_that_it_chooses(line: str) -> bool:
    said = runner_lines.read(line)
    return said is not None and said.get("chooses_children") is True
