"""JobSpec: a job as its owner declares it in jobs.yaml.

`jobs.yaml`, the constructs' arguments and the modules' variables use the same names; defaults and limits are those of
`batchtab.limits`. Nothing here knows a stage: what depends on one is checked in `batchtab.declarations.catalog`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated

from pydantic import Field, Strict, ValidationInfo, model_validator

from batchtab import limits
from batchtab.declarations import job_rules, trigger_fields
from batchtab.declarations.alerting import Alerting
from batchtab.declarations.fields import Limit, OneOrList, invalid
from batchtab.declarations.image import ImageRef
from batchtab.declarations.job_fields import JobFields, Line
from batchtab.declarations.one_job import OneJob
from batchtab.declarations.sidecars import ContainerName, ImageSidecar
from batchtab.declarations.table import Fault, Source, described

_JOB = limits.JOB_DEFAULTS


class JobSettings(JobFields):
    """What a job may say in jobs.yaml, and what a service's `defaults` may say for all its jobs."""

    image: ImageRef | None = Field(
        default=None, description="Container image. Default: the service's, otherwise the shared runner image."
    )
    containers: Annotated[
        dict[ContainerName, ImageSidecar],
        Source("https://docs.aws.amazon.com/batch/latest/APIReference/API_TaskContainerProperties.html"),
    ] = described(JobFields, "containers")
    queue: Annotated[str, Strict(), Limit(limits.QUEUE_NAME)] = Field(
        default=_JOB["queue"], description="One of the stage's queues, by its short name."
    )


class JobSpec(JobSettings, OneJob):
    """One job of a service."""

    after: Annotated[tuple[Line, ...], OneOrList()] = Field(
        default=_JOB["after"],
        max_length=limits.AFTER_MAX,
        description="Jobs at whose end this one starts, at that of each: names of this service's jobs, or service/job."
        " One or a list.",
    )
    after_all: tuple[Line, ...] = Field(
        default=_JOB["after_all"],
        max_length=limits.AFTER_MAX,
        description="Jobs that all have to end, in any order, before this one starts, and again before each next run:"
        " names of this service's jobs, or service/job.",
    )
    usual_duration_seconds: Annotated[int, Strict(), Limit(limits.USUAL_DURATION_SECONDS)] | None = Field(
        default=None, description="How long a run usually takes. `batchtab calendar` draws it."
    )
    alerts: Alerting = Field(default=Alerting(), description="Where alerts of this job go. Default: the service's.")

    @property
    def is_managed(self) -> bool:
        """Whether the submit function decides about each run; else the trigger submits to Batch directly."""
        said = self.except_ or self.share or self.nodes or self.has_task or self.after_all
        return self.concurrency_policy != "allow" or bool(said) or self.pause_on_failure

    @property
    def ends_matter(self) -> bool:
        """Whether the submit function must hear of each run's end."""
        return self.concurrency_policy in {"replace", "queue"} or self.pause_on_failure

    @model_validator(mode="after")
    def _validate_rules_across_fields(self, info: ValidationInfo) -> JobSpec:
        if info.context is not trigger_fields.SKIP_CROSS_FIELD_CHECKS:
            for name, value, message, hint in self.faults():
                raise invalid(message, hint, at=tuple(name.split(".")), value=value)
        return self

    def faults(self, *, unknown: Collection[str] = ()) -> Iterator[Fault]:
        """What does not go together in a whole job; rules that read an unknown field are left out."""
        yield from job_rules.faults(self, unknown=unknown)
        most = self.timeout_seconds * self.attempts
        longer = self.usual_duration_seconds is not None and self.usual_duration_seconds > most
        if longer and not {"usual_duration_seconds", "timeout_seconds", "attempts"} & set(unknown):
            message = f"is longer than timeout_seconds lets it run: {most}"
            yield "usual_duration_seconds", self.usual_duration_seconds, message, ""
