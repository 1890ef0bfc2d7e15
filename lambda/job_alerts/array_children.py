"""The children of an array that failed: an array's own event only counts them.

AWS knows no resource for either call. https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html
"""

from __future__ import annotations

from shared.clients import client, errors

from .job_event import JobEvent, UnreadableEvent, read_job
from .journal import say
from .values import as_dict, as_list, as_text

_MOST = 100  # of one ListJobs, and of one DescribeJobs


def failed(job: JobEvent) -> list[JobEvent]:
    """The first of an array's children that failed, in order; none where Batch does not answer."""
    try:
        batch = client("batch", region=job.region, connect_seconds=2, read_seconds=5, attempts=2)
        listed = batch.list_jobs(arrayJobId=job.job_id, jobStatus="FAILED", maxResults=_MOST)
        ids = [as_text(as_dict(each).get("jobId")) for each in as_list(listed.get("jobSummaryList"))]
        found = as_list(batch.describe_jobs(jobs=ids).get("jobs")) if ids else []
    except errors() as error:
        say(job=job.job_id, children=str(error))
        return []
    children = []
    for detail in map(as_dict, found):
        try:
            children.append(read_job({"account": job.account, "region": job.region}, detail, blocks_queue=False))
        except UnreadableEvent:
            continue
    return sorted(children, key=lambda child: -1 if child.array_index is None else child.array_index)
