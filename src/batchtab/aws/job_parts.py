"""The CLI's calls to Batch about what a job consists of: an array's children, and a multi-node job's nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from batchtab.aws.batch_jobs import BatchJobs
from batchtab.aws.client import Aws
from batchtab.aws.log_streams import first_index
from batchtab.aws.run_overrides import indices_text, retried
from batchtab.errors import NotFoundError, UsageError
from batchtab.main_container import NODE_MARK

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_batch.type_defs import JobSummaryTypeDef

#: At most this many of one job are looked at, those that failed first.
MOST_PARTS = 50
CHILD_MARK = ":"
_RAN = ("FAILED", "RUNNING", "SUCCEEDED")


class JobParts:
    """The parts of jobs. Of an array it makes a ListJobs call for each of three statuses, and none for nodes."""

    def __init__(self, aws: Aws) -> None:
        self._batch: BatchClient = aws.client("batch")

    def ids(self, detail: Mapping[str, Any], *, only_failed: bool = False) -> tuple[list[str], int]:
        """The first parts that ended or run, and how many more of them started; of other jobs itself.

        Those that failed are first, and of them those that started.

        Args:
            detail: The job, as DescribeJobs returns it.
            only_failed: Whether, of an array, only children that failed.
        """
        job_id = str(detail["jobId"])
        if nodes := node_count(detail):
            ids = [f"{job_id}{NODE_MARK}{index}" for index in range(min(nodes, MOST_PARTS))]
            return ids, nodes - len(ids)
        if not array_size(detail):
            return [job_id], 0
        statuses = _RAN[:1] if only_failed else _RAN
        counts = detail["arrayProperties"].get("statusSummary") or {}
        found: list[str] = []
        more = 0
        for status in statuses:
            if not (count := counts.get(status)):
                continue
            if (room := MOST_PARTS - len(found)) <= 0:
                more += count
                continue
            children = sorted(self._children(job_id, status), key=lambda each: not _has_started(each))
            found += [each["jobId"] for each in children[:room]]
            more += sum(map(_has_started, children[room:]))
            if all(map(_has_started, children)):  # else those that are not listed may not have started either
                more += max(0, count - len(children))
        return found, more

    def running(self, array: Mapping[str, Any]) -> list[int]:
        """The indices of an array's first hundred children that run, as `part_id` takes them."""
        running = self._children(str(array["jobId"]), "RUNNING")
        return [int(first_index(array, str(_index(each)))) for each in running]

    def _children(self, job_id: str, status: Any) -> Sequence[JobSummaryTypeDef]:
        page = self._batch.list_jobs(arrayJobId=job_id, jobStatus=status, maxResults=100)["jobSummaryList"]
        return sorted(page, key=_index)


def _index(child: JobSummaryTypeDef) -> int:
    return int(child["jobId"].rpartition(CHILD_MARK)[2])


def _has_started(child: JobSummaryTypeDef) -> bool:
    """Whether it ran at all: a child that was terminated while it waited has FAILED, too."""
    return child.get("status") != "FAILED" or bool(child.get("startedAt"))


def array_size(detail: Mapping[str, Any]) -> int:
    """How many children an array has; 0 for other jobs, and for one of its children."""
    return int((detail.get("arrayProperties") or {}).get("size") or 0)


def node_count(detail: Mapping[str, Any]) -> int:
    """How many nodes a multi-node job has; 0 for other jobs, and for one of its nodes."""
    return int((detail.get("nodeProperties") or {}).get("numNodes") or 0)


def part(aws: Aws, detail: Mapping[str, Any], index: int, command: str) -> Mapping[str, Any]:
    """One child or node as Batch describes it, by an index as `part_id` takes it.

    Raises:
        UsageError: the job has none.
        NotFoundError: it has fewer, or Batch does not know this one.
    """
    job_id = part_id(detail, index, command)
    found: Mapping[str, Any] | None = BatchJobs(aws).raw([job_id]).get(job_id)
    if found is None:
        raise NotFoundError(f"{command}: Batch knows no job {job_id}")
    return found


def part_id(detail: Mapping[str, Any], index: int, command: str) -> str:
    """The id of one child or node; of a retried array, by its index in the first array.

    Raises:
        UsageError: the job has none.
        NotFoundError: it has fewer.
    """
    size, nodes = array_size(detail), node_count(detail)
    job_id, number = str(detail["jobId"]), size or nodes
    numbers = retried(detail) if not nodes else []
    if numbers and not size and numbers == [index]:
        return job_id  # the retry of one child is not an array
    if not number:
        raise UsageError(f"{command}: job {job_id} is not an array and has one node", "leave out --index")
    if numbers and size:
        if index not in numbers:
            known = indices_text(numbers)
            raise NotFoundError(f"{command}: job {job_id} has no index {index}: it retries {known}")
        index = numbers.index(index)
    if index >= number:
        raise NotFoundError(f"{command}: job {job_id} has no index {index}: from 0 to {number - 1}")
    return f"{job_id}{CHILD_MARK if size else NODE_MARK}{index}"
