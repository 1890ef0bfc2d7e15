"""What a retry of one run submits: the same run, with what it was given, and of an array only what failed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from batchtab.aws.retried_arrays import Array, CannotRetryError
from batchtab.aws.retries import Chain, Retries
from batchtab.aws.run_history import moment
from batchtab.aws.run_overrides import (
    ARRAY_INDICES,
    RETRY_OF,
    Overrides,
    overrides,
)
from batchtab.aws.run_requests import trigger_request
from batchtab.aws.runs import Runs
from batchtab.declarations.catalog import Catalog
from batchtab.declarations.named_jobs import NamedJob
from batchtab.job_overrides import submitted
from batchtab.limits import RUN_VARIABLES, UPSTREAM_JOB_ID_VARIABLE
from batchtab.main_container import MAIN, main_container, task_of
from batchtab.schedules.timestamps import utc_text


@dataclass(frozen=True)
class Choices:
    """What the command line says about how runs are retried.

    Attributes:
        is_same_definition: The revision that the run had, and not the newest.
        is_whole_array: All children of an array, and not only those that failed.
        is_trusted: The program reads which children it runs by itself, without the runner.
        is_again: What was retried already is retried once more.
    """

    is_same_definition: bool = False
    is_whole_array: bool = False
    is_trusted: bool = False
    is_again: bool = False


@dataclass(frozen=True)
class Plan:
    """A retry that may be submitted.

    Attributes:
        job: As declared; None if no file declares it.
        failed: The job that is retried, as DescribeJobs returns it.
        of: The id of the job after which it comes: that one, or its newest retry with --again.
        scheduled: The run's time; None for a job that no schedule started.
        children: Of an array those that run, as `3,17-20`; empty for all, and for no array.
        event: For the submit function; empty if Batch is asked directly.
        request: For SubmitJob; empty if the function is asked.
    """

    job: NamedJob | None
    failed: Mapping[str, Any]
    of: str
    scheduled: datetime | None
    children: str = ""
    event: Mapping[str, Any] = field(default_factory=dict)
    request: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the job is called."""
        return str(self.failed["jobName"])


class Planner:
    """Plans retries of a stage's runs."""

    def __init__(self, catalog: Catalog, retries: Retries, runs: Runs, choices: Choices) -> None:
        self._catalog, self._retries, self._runs, self._choices = catalog, retries, runs, choices

    def plan(self, job: NamedJob | None, chain: Chain, only_child: int | None = None) -> Plan | None:
        """What a retry of a run submits; None if nothing of it is left that failed.

        Args:
            job: As declared.
            chain: The run's jobs in Batch, of which one failed.
            only_child: Of an array one child alone, by its index in the chain's first job.

        Raises:
            CannotRetryError: it can't be retried so.
        """
        failed = chain.last_failed
        array = Array(chain, self._retries.failed_children)
        left = array.left(only_child, is_again=self._choices.is_again) if array.size else []
        if array.size and not left:
            return None
        if not array.size and chain.newest["status"] != "FAILED" and not self._choices.is_again:
            return None
        definition = self._retries.definition(failed)
        if definition is None:
            name = str(failed["jobDefinition"]).rpartition("/")[2]
            raise CannotRetryError(f"Batch has no job definition {name} any more, so what the run was given is unknown")
        given = overrides(failed, definition)
        environment, size = dict(given.environment), None
        if array.size:
            if len(left) < array.size and not self._choices.is_whole_array:
                self._check_runner(array)
            chosen = list(range(array.size)) if self._choices.is_whole_array else left
            environment, size = array.chosen(environment, chosen)
        scheduled = moment(environment.get(RUN_VARIABLES["scheduled_time"], ""))
        children = environment.get(ARRAY_INDICES, "")
        plan = Plan(job, failed, str(chain.newest["jobId"]), scheduled, children)
        if job is not None and scheduled is not None:
            return self._of_function(job, plan, chain, given, environment, size, scheduled)
        marked = {**environment, RETRY_OF: plan.of}
        container = {**given.container, "environment": _listed(marked)}
        return replace(plan, request=_request(failed, self._definition_name(failed), given, container, size))

    def _of_function(
        self,
        job: NamedJob,
        plan: Plan,
        chain: Chain,
        given: Overrides,
        environment: Mapping[str, str],
        size: int | None,
        scheduled: datetime,
    ) -> Plan:
        event = trigger_request(self._catalog, job, scheduled)
        if upstream := given.environment.get(UPSTREAM_JOB_ID_VARIABLE):
            event["trigger"]["upstream_job_id"] = upstream
        event["job"].pop("array_size", None)
        if size is not None:
            event["job"]["array_size"] = size
        if self._choices.is_same_definition:
            event["job"]["job_definition"] = self._definition_name(plan.failed)
        # The function compares with what its table has; a job that somebody submitted for this time is not there.
        known = {str(each["jobId"]) for each in chain.jobs}
        time = utc_text(scheduled)
        noted = [each.job_id for each in self._runs.records(job.full, since=time, until=time) if each.job_id in known]
        of = noted[0] if noted else plan.of
        container = {**given.container, "environment": _listed(environment)}
        return replace(plan, of=of, event={**event, "of": of, "overrides": {**container, **given.submit}})

    def _definition_name(self, failed: Mapping[str, Any]) -> str:
        name = str(failed["jobDefinition"]).rpartition("/")[2]
        return name if self._choices.is_same_definition else name.partition(":")[0]

    def _check_runner(self, array: Array) -> None:
        """Makes sure that the index of the first array reaches the program.

        Raises:
            CannotRetryError: a child would run another one's work.
        """
        if self._choices.is_trusted or array.is_chosen_already:
            return
        child = array.a_failed_child()
        if not self._retries.chooses_children(child):
            raise CannotRetryError(
                f"the log of {child} does not show a runner that runs chosen children of an array",
                "--whole-array runs all; --own-indices if the program reads BATCHTAB_ARRAY_INDICES",
            )


def _request(
    failed: Mapping[str, Any], definition: str, given: Overrides, container: Mapping[str, Any], size: int | None
) -> dict[str, Any]:
    nodes = (failed.get("nodeProperties") or {}).get("numNodes")
    main = str(main_container(failed).get("name") or MAIN) if _has_task(failed) else ""
    request = {
        "jobName": failed["jobName"],
        "jobQueue": str(failed["jobQueue"]).rpartition("/")[2],
        "jobDefinition": definition,
        **submitted([], {**container, **given.submit}, container=main, nodes=nodes),
    }
    if size is not None:
        request["arrayProperties"] = {"size": size}
    if failed.get("shareIdentifier"):
        request["shareIdentifier"] = failed["shareIdentifier"]
    return request


def _has_task(job: Mapping[str, Any]) -> bool:
    ranges = (job.get("nodeProperties") or {}).get("nodeRangeProperties") or [{}]
    return bool(task_of(job) or task_of(ranges[0]))


def _listed(environment: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": environment[name]} for name in sorted(environment)]


def masked(value: Any) -> Any:
    """A request as it may be shown: without values of variables that look secret."""
    from batchtab import masking  # noqa: PLC0415 - only what is shown needs it
    from batchtab.masking.words import is_secret  # noqa: PLC0415

    if isinstance(value, list):
        return [masked(each) for each in value]
    if not isinstance(value, Mapping):
        return masking.mask(value) if isinstance(value, str) else value
    if set(value) == {"name", "value"} and is_secret(str(value["name"])):
        return {**value, "value": "***"}
    return {name: masked(each) for name, each in value.items()}


def as_payload(event: Mapping[str, Any]) -> str:
    """What the submit function is asked, as it may be shown."""
    return json.dumps(masked({"retry": event}), separators=(",", ":"), sort_keys=True)
