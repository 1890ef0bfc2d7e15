"""Looking at jobs: ListJobs and DescribeJobs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from batchtab.local_aws.batch.errors import ClientError
from batchtab.local_aws.batch.job import Job
from batchtab.local_aws.batch.paging import page
from batchtab.local_aws.batch.store import Record, Scope, Store, name_of

_DESCRIBED_MAXIMUM = 100
_SUMMARY = (
    "jobArn",
    "jobId",
    "jobName",
    "createdAt",
    "status",
    "statusReason",
    "startedAt",
    "stoppedAt",
    "jobDefinition",
    "shareIdentifier",
    "isCancelled",
    "isTerminated",
)


def describe(store: Store, request: Record) -> Record:
    """Serve DescribeJobs: up to 100 ids or ARNs; unknown ones are left out."""
    wanted = request["jobs"]
    if len(wanted) > _DESCRIBED_MAXIMUM:
        raise ClientError(f"jobs: {len(wanted)} given, at most {_DESCRIBED_MAXIMUM} are allowed")
    prefix = Scope.current().prefix
    found = [store.jobs.get(name_of(reference)) for reference in dict.fromkeys(wanted)]
    return {"jobs": [job.record for job in found if job is not None and job.arn.startswith(prefix)]}


def list_jobs(store: Store, request: Record) -> Record:
    """Serve ListJobs: a queue's jobs, an array's children or a job's nodes, newest first.

    Without a status it lists RUNNING jobs; with a filter it ignores the status.
    https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html
    """
    given = [member for member in ("jobQueue", "arrayJobId", "multiNodeJobId") if request.get(member)]
    if len(given) != 1:
        raise ClientError("Name one of jobQueue, arrayJobId and multiNodeJobId")
    filters = request.get("filters") or []
    status = request.get("jobStatus", "RUNNING")
    if given != ["jobQueue"]:
        if filters:
            raise ClientError(f"filters can't be given with {given[0]}")
        parent = store.job(request[given[0]])
        below = parent.children if given == ["arrayJobId"] else parent.nodes
        jobs = (child for child in below if child.status == status)
    else:
        arn = store.queue(request["jobQueue"])["jobQueueArn"]
        if len(filters) > 1:
            raise ClientError(f"filters: {len(filters)} given, one is allowed")
        matches = _filter(filters[0]) if filters else (lambda job: bool(job.record["status"] == status))
        # One by one, and the likeliest first: a page of many thousand jobs has to be quick.
        newest_first = reversed(store.jobs.values())
        jobs = (job for job in newest_first if matches(job) and job.record["jobQueue"] == arn and job.is_submitted)
    shown, token = page(jobs, request)
    return {"jobSummaryList": [_summary(job) for job in shown], **token}


def _filter(given: Record) -> Callable[[Job], bool]:
    name, values = given.get("name"), given.get("values") or []
    if not values:
        raise ClientError("filters: values must not be empty")
    if name == "JOB_NAME":
        # Of many thousand jobs few have different names.
        matches = cache(lambda name: any(_matches(value, name) for value in values))
        return lambda job: bool(matches(job.record["jobName"]))
    if name == "JOB_DEFINITION":
        return lambda job: any(_matches_definition(value, job.record["jobDefinition"]) for value in values)
    if name == "SHARE_IDENTIFIER":
        return lambda job: job.record.get("shareIdentifier") in values
    if name in ("BEFORE_CREATED_AT", "AFTER_CREATED_AT"):
        try:
            moment = int(values[0])
        except ValueError as error:
            raise ClientError(f"filters: {name} {values[0]!r} is not a time in milliseconds") from error
        if name == "BEFORE_CREATED_AT":
            return lambda job: bool(job.record["createdAt"] < moment)
        return lambda job: bool(job.record["createdAt"] > moment)
    raise ClientError(f"filters: {name!r} is not one of JOB_NAME, JOB_DEFINITION, BEFORE_CREATED_AT, AFTER_CREATED_AT")


def _matches(pattern: str, name: str) -> bool:
    pattern, name = pattern.lower(), name.lower()
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _matches_definition(pattern: str, arn: str) -> bool:
    if pattern.startswith("arn:"):
        return arn == pattern  # an ARN names a revision; a name spans them
    name, _, revision = name_of(arn).partition(":")
    wanted, _, wanted_revision = pattern.partition(":")
    return _matches(wanted, name) and wanted_revision in ("", revision)


def _summary(job: Job) -> dict[str, Any]:
    record = job.record
    summary = {member: record[member] for member in _SUMMARY if member in record}
    ended = {member: record["container"][member] for member in ("exitCode", "reason") if member in record["container"]}
    if ended:
        summary["container"] = ended
    if "arrayProperties" in record:
        summary["arrayProperties"] = record["arrayProperties"]
    if job.nodes or job.node_of is not None:
        number = len((job.node_of or job).nodes)
        summary["nodeProperties"] = {"numNodes": number, **record.get("nodeDetails", {})}
    return summary
