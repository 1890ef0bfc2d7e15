"""Batch: what of a job is not ended, and submitting a run once.

SubmitJob takes no token, so a call whose answer was lost is not made again: the invocation fails, and whoever goes on
with the run, a minute later, looks for its job first, by the run's id in its environment.
https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from batchtab import job_overrides
from batchtab.main_container import main_container
from shared.clients import client

from .request import Request
from .throttling import is_throttled, patiently

_ENDED = ("SUCCEEDED", "FAILED")
# In the order in which a job goes on, so that none slips through; one that is tried again goes back from RUNNING.
_UNFINISHED = ("RUNNING", "SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
_MOST_PAGES = 150  # a job of each minute has 10,080 in the week that Batch remembers
_PAGE = 100  # the most of a list with a filter, and of DescribeJobs
_RECENT_SECONDS = 3600
# By so much may a claim of which the first moment is not known be older, and clocks and lists differ.
_EARLIER_SECONDS, _LATER_SECONDS = 600, 60
_REFUSED = (400, 403, 404)
RUN_ID, SCHEDULED_TIME = "BATCHTAB_RUN_ID", "BATCHTAB_SCHEDULED_TIME"
RUN_POLICY = "BATCHTAB_RUN_POLICY"
_UPSTREAM_JOB_ID = "BATCHTAB_UPSTREAM_JOB_ID"
_RETRY_OF = "BATCHTAB_RETRY_OF"


class RefusedError(Exception):
    """Batch does not take the job of a run as it is."""

    def __init__(self, message: str, run_id: str = "") -> None:
        super().__init__(message)
        self.run_id = run_id


def unfinished(queue: str, name: str, ends_at: float) -> dict[str, str]:
    """Jobs of a name in a queue that have not ended, by id with their status.

    What the function submitted itself it knows from its table; this is for those that somebody started. Of a name Batch
    lists one version of its definition after the other, so of a list of several pages the newest may be on any.
    See https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html
    """
    asked = {"jobQueue": queue, **_filtered("JOB_NAME", name)}
    first = patiently(lambda: client("batch").list_jobs(**asked), ends_at)
    listed: Iterable[Any] = first["jobSummaryList"]
    if first.get("nextToken"):
        of_status = [_listed({"jobQueue": queue, "jobStatus": status}, ends_at) for status in _UNFINISHED]
        listed = chain.from_iterable(of_status)
    of_name = [job for job in listed if job["jobName"] == name]  # the filter ignores case
    return {job["jobId"]: job["status"] for job in of_name if job["status"] not in _ENDED}


def describe(job_id: str, ends_at: float) -> Mapping[str, Any]:
    """A job as DescribeJobs returns it; empty if Batch does not know it, or not any more."""
    jobs = _described([job_id], ends_at)
    return jobs[0] if jobs else {}


def has_ended(job: Mapping[str, Any]) -> bool:
    """Whether a job is over, as DescribeJobs and events report it."""
    return job.get("status") in _ENDED


def find(request: Request, since: float, until: float, ends_at: float) -> str:
    """The job of a run that was perhaps submitted; empty if there is none.

    Args:
        request: The run.
        since: When it was first claimed, in epoch seconds.
        until: When its last claim ended.
        ends_at: Until when to wait for a turn with AWS.

    Raises:
        TimeoutError: Batch lists more jobs than can be looked at.
    """
    earliest, latest = int((since - _EARLIER_SECONDS) * 1000), (until + _LATER_SECONDS) * 1000
    is_recent = time.time() - since < _RECENT_SECONDS
    by = _filtered("AFTER_CREATED_AT", str(earliest)) if is_recent else _filtered("JOB_NAME", request.job.name)
    listed = [
        job for job in _listed({"jobQueue": request.job.queue, **by}, ends_at) if job["jobName"] == request.job.name
    ]
    ids = [job["jobId"] for job in listed if earliest <= int(job.get("createdAt", 0)) <= latest]
    for start in range(0, len(ids), _PAGE):
        for job in _described(ids[start : start + _PAGE], ends_at):
            is_it = not request.retry_of or variable_of(job, _RETRY_OF) == request.retry_of  # not what is tried again
            if is_it and run_id_of(job) == request.run_id:
                return str(job["jobId"])
    return ""


def run_id_of(job: Mapping[str, Any]) -> str:
    """The id of the run that a job is for; empty if it has none."""
    return variable_of(job, RUN_ID)


def variable_of(job: Mapping[str, Any], name: str) -> str:
    """An environment variable of a job, as DescribeJobs and events show it; empty if it has none of the name."""
    environment = main_container(job).get("environment") or []
    return next((str(each.get("value")) for each in environment if each.get("name") == name), "")


def submit(request: Request, ends_at: float) -> str:
    """Submits a run's job and returns its id.

    Raises:
        RefusedError: Batch does not take it.
        Exception: Batch did not answer, and whether there is a job is not known.
    """
    job = request.job
    variables = {RUN_ID: request.run_id, SCHEDULED_TIME: request.time}
    if job.ends_matter:  # so that what waits for its end hears of it, whatever the job definition says by then
        variables[RUN_POLICY] = job.policy
    if request.upstream_job_id:
        variables[_UPSTREAM_JOB_ID] = request.upstream_job_id
    if request.retry_of:
        variables[_RETRY_OF] = request.retry_of
    own = [{"name": key, "value": variables[key]} for key in sorted(variables)]
    arguments: dict[str, Any] = {"jobName": job.name, "jobQueue": job.queue, "jobDefinition": job.definition}
    if job.array_size is not None:
        arguments["arrayProperties"] = {"size": job.array_size}
    arguments |= job_overrides.submitted(own, request.overrides, container=job.container, nodes=job.nodes)
    if job.share:
        arguments["shareIdentifier"] = job.share
    answer = patiently(lambda: client("batch", attempts=1).submit_job(**arguments), ends_at, _made_no_job)
    return str(answer["jobId"])


def terminate(job_id: str, reason: str, ends_at: float) -> None:
    """Ends a job in whatever status; one that has ended stays as it is.

    See https://docs.aws.amazon.com/batch/latest/APIReference/API_TerminateJob.html
    """
    patiently(lambda: client("batch").terminate_job(jobId=job_id, reason=reason), ends_at)


def _described(ids: Sequence[str], ends_at: float) -> list[Any]:
    return list(patiently(lambda: client("batch").describe_jobs(jobs=ids)["jobs"], ends_at))


def _filtered(name: str, value: str) -> dict[str, Any]:
    """ListJobs takes one filter, and no status beside it."""
    return {"filters": [{"name": name, "values": [value]}], "maxResults": _PAGE}


def _listed(asked: Mapping[str, Any], ends_at: float) -> Iterator[Any]:
    """All that ListJobs answers, page after page.

    Raises:
        TimeoutError: there are too many, so what is not among them may be there all the same.
    """
    token: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        answer = patiently(partial(_page, asked, token), ends_at)
        yield from answer["jobSummaryList"]
        if not answer.get("nextToken"):
            return
        token = {"nextToken": answer["nextToken"]}
    raise TimeoutError(f"Batch lists more than {_MOST_PAGES} pages of jobs in {asked['jobQueue']}")


def _page(asked: Mapping[str, Any], token: Mapping[str, str]) -> Any:
    return client("batch").list_jobs(**asked, **token)


def _made_no_job(error: Exception) -> bool:
    """Whether a call may be made again at once: it was throttled, or never sent.

    Raises:
        RefusedError: Batch does not take the job.
    """
    answer = getattr(error, "response", None)
    if answer is None:
        return type(error).__name__ in {"ConnectTimeoutError", "EndpointConnectionError"}
    if is_throttled(error):
        return True
    code = answer.get("Error", {}).get("Code", "")
    if answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) in _REFUSED:
        raise RefusedError(f"Batch refuses it: {answer.get('Error', {}).get('Message') or code}") from error
    return False
