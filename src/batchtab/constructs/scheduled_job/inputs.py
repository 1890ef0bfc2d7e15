"""What a job's triggers send: to Batch, or to the submit function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.documents import Conditional, template
from batchtab.constructs._terraform.expressions import (
    Expression,
    hcl,
    is_expression,
    is_set,
    negate,
    not_empty,
    one_of,
)
from batchtab.constructs._terraform.naming import namespaced
from batchtab.constructs.scheduled_job import sidecars
from batchtab.declarations.job_arguments import JobArguments
from batchtab.main_container import MAIN

#: What a rule's transformer and EventBridge Scheduler put in their places.
#: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
RULE_TIME = "<time>"
SCHEDULE_TIME = "<aws.scheduler.scheduled-time>"
UPSTREAM = "<upstream>"
UPSTREAM_DEFINITION = "<definition>"


@dataclass(frozen=True)
class Inputs:
    """Writes the inputs of one job's targets."""

    job: JobArguments
    job_definition: Any
    #: The schedule as AWS takes it.
    schedule: Any

    def overrides(self, upstream: bool = False) -> str:
        """What a rule's Batch target takes beside its own arguments."""
        variables = self._variables(RULE_TIME, upstream=upstream)
        return template({"ContainerOverrides": {"Environment": variables}}, RULE_TIME, UPSTREAM)

    def request(self) -> str:
        """The whole request of SubmitJob, as Scheduler's universal target takes it.

        See https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
        """
        return template(
            {
                "JobName": self.job.name,
                "JobQueue": self.job.job_queue_arn,
                "JobDefinition": self.job_definition,
                "ContainerOverrides": {"Environment": self._variables(SCHEDULE_TIME)},
                "ArrayProperties": Conditional(is_set(self.job.array_size), {"Size": self.job.array_size}),
            },
            SCHEDULE_TIME,
        )

    def event(self, time: str, upstream: bool = False) -> str:
        """What the submit function takes: which run, and all that it must know of the job.

        After another job there is no schedule, and so nothing that only a schedule has.
        """
        job: dict[str, Any] = {
            "name": self.job.name,
            "job_queue": self.job.job_queue_arn,
            "job_definition": self.job_definition,
            "concurrency_policy": Conditional(
                negate(one_of(self.job.concurrency_policy, ["allow"])), self.job.concurrency_policy
            ),
            "queue_limit": Conditional(one_of(self.job.concurrency_policy, ["queue"]), self.job.queue_limit),
            "starting_deadline_seconds": Conditional(
                is_set(self.job.starting_deadline_seconds), self.job.starting_deadline_seconds
            ),
            "pause_on_failure": Conditional(self.job.pause_on_failure, True),
            "share": Conditional(is_set(self.job.share), self.job.share),
            "array_size": Conditional(is_set(self.job.array_size), self.job.array_size),
            "container": Conditional(sidecars.has_task(self.job), MAIN),
            "nodes": Conditional(is_set(self.job.nodes), self.job.nodes),
        }
        which: dict[str, Any] = {"scheduled_time": time}
        if upstream:
            definition = Conditional(not_empty(self.job.after_all), UPSTREAM_DEFINITION)
            which |= {"upstream_job_id": UPSTREAM, "upstream_job_definition": definition}
            job |= {
                "after_all": Conditional(not_empty(self.job.after_all), self._definitions()),
                "within_seconds": Conditional(is_set(self.job.within_seconds), self.job.within_seconds),
            }
        else:
            job |= {
                "schedule": self.schedule,
                "timezone": Conditional(is_set(self.job.timezone), self.job.timezone),
                "except": Conditional(not_empty(self.job.except_), self.job.except_),
            }
        return template({"trigger": which, "job": job}, time, UPSTREAM, UPSTREAM_DEFINITION)

    def paths(self, upstream: bool) -> Any:
        """Where in a rule's event the values are that the templates have places for."""
        if not upstream:
            return {"time": "$.time"}
        paths, more = {"time": "$.time", "upstream": "$.detail.jobId"}, {"definition": "$.detail.jobDefinition"}
        if is_expression(self.job.after_all):
            optional = f"{{ for k, v in {hcl(more)} : k => v if length({hcl(self.job.after_all)}) > 0 }}"
            return Expression.of(f"merge({hcl(paths)}, {optional})")
        return {**paths, **more} if self.job.after_all else paths

    def _definitions(self) -> Any:
        """What the definitions of the jobs in `after_all` are called."""
        if is_expression(self.job.after_all):
            name = namespaced(self.job.namespace, Expression.of("name"))
            return Expression.of(f"[for name in {hcl(self.job.after_all)} : {hcl(name)}]")
        return [namespaced(self.job.namespace, name) for name in self.job.after_all]

    def _variables(self, time: str, *, upstream: bool = False) -> list[Mapping[str, str]]:
        """A run's variables, in the order of their names."""
        values = {
            limits.RUN_VARIABLES["run_id"]: f"{self.job.name}@{UPSTREAM if upstream else time}",
            limits.RUN_VARIABLES["scheduled_time"]: time,
        }
        if upstream:
            values[limits.UPSTREAM_JOB_ID_VARIABLE] = UPSTREAM
        return [{"Name": name, "Value": value} for name, value in values.items()]
