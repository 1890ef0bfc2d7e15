"""Batch: what of a job is not ended, and submitting a run once.

SubmitJob takes no token, so a call whose answer was lost is not made again: the invocation fails, and whoever goes on
with the run, a minute later, looks for its job first, by the run's id in its environment.
https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from batchtab.main_container import main_container
from shared.clients import client

from .request import Job, Request
from .throttling import is_throttled, patiently

_ENDED = ("SUCCEEDED", "FAILED")
_PAGES = 3
_ALL_PAGES = 150  # a job of each minute has 10,080 in the week that Batch remembers
_PAGE = 100
_LOOKED_AT = 300
_REFUSED = (400, 403, 404)
RUN_ID, SCHEDULED_TIME = "BATCHTAB_RUN_ID", "BATCHTAB_SCHEDULED_TIME"
RUN_POLICY = "BATCHTAB_RUN_POLICY"
_ALL_NODES = "0:"
_UPSTREAM_JOB_ID = "BATCHTAB_UPSTREAM_JOB_ID"


class RefusedError(Exception):
    """Batch does not take the job as it is."""


def unfinished(queue: str, name: str, ends_at: float) -> dict[str, str]:
    """Jobs of a name in a queue that have not ended, by id with their status; about 300 of the name are looked at.

    What the function submitted itself it knows from its table; this is for those that were started by hand.
    See https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html
    """
    return {job["jobId"]: job["status"] for job in _listed(queue, name, _PAGES, ends_at) if job["status"] not in _ENDED}


def describe(job_id: str, ends_at: float) -> Mapping[str, Any]:
    """A job as DescribeJobs tells it; empty if Batch does not know it, or not any more."""
    jobs = _described([job_id], ends_at)
    return jobs[0] if jobs else {}


def has_ended(job: Mapping[str, Any]) -> bool:
    """Whether a job is over, as DescribeJobs and events tell it."""
    return job.get("status") in _ENDED


def find(request: Request, ends_at: float) -> str:
    """The job of a run that was perhaps submitted some minutes ago; empty if there is none."""
    # Of a name Batch lists one version after the other, so that the newest may be anywhere.
    listed = sorted(_listed(request.job.queue, request.job.name, _ALL_PAGES, ends_at), key=_created, reverse=True)
    ids = [job["jobId"] for job in listed[:_LOOKED_AT]]
    for start in range(0, len(ids), _PAGE):
        for job in _described(ids[start : start + _PAGE], ends_at):
            if run_id_of(job) == request.run_id:
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
    arguments: dict[str, Any] = {
        "jobName": job.name,
        "jobQueue": job.queue,
        "jobDefinition": job.definition,
        **_overrides(job, [{"name": key, "value": variables[key]} for key in sorted(variables)]),
    }
    if job.array_size is not None:
        arguments["arrayProperties"] = {"size": job.array_size}
    if job.share:
        arguments["shareIdentifier"] = job.share
    answer = patiently(lambda: client("batch", attempts=1).submit_job(**arguments), ends_at, _made_no_job)
    return str(answer["jobId"])


def _overrides(job: Job, environment: list[dict[str, str]]) -> dict[str, Any]:
    """A run's variables, as Batch takes them for a job of one container, of several, or on several nodes."""
    one: dict[str, Any] = {"containerOverrides": {"environment": environment}}
    if job.container:
        of_container = {"name": job.container, "environment": environment}
        one = {"ecsPropertiesOverride": {"taskProperties": [{"containers": [of_container]}]}}
    if job.nodes is None:
        return one
    return {"nodeOverrides": {"nodePropertyOverrides": [{"targetNodes": _ALL_NODES, **one}]}}


def terminate(job_id: str, reason: str, ends_at: float) -> None:
    """Ends a job in whatever status; one that has ended stays as it is.

    See https://docs.aws.amazon.com/batch/latest/APIReference/API_TerminateJob.html
    """
    patiently(lambda: client("batch").terminate_job(jobId=job_id, reason=reason), ends_at)


def _created(job: Any) -> int:
    return int(job.get("createdAt", 0))


def _described(ids: Sequence[str], ends_at: float) -> list[Any]:
    return list(patiently(lambda: client("batch").describe_jobs(jobs=ids)["jobs"], ends_at))


def _listed(queue: str, name: str, pages: int, ends_at: float) -> Iterator[Any]:
    """Jobs of a name; the filter ignores case, and is the only one that ListJobs takes."""
    token: dict[str, str] = {}
    for _ in range(pages):
        answer = patiently(partial(_page, queue, name, token), ends_at)
        yield from (job for job in answer["jobSummaryList"] if job["jobName"] == name)
        if not answer.get("nextToken"):
            return
        token = {"nextToken": answer["nextToken"]}


def _page(queue: str, name: str, token: Mapping[str, str]) -> Any:
    return client("batch").list_jobs(
        jobQueue=queue, filters=[{"name": "JOB_NAME", "values": [name]}], maxResults=_PAGE, **token
    )


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
