"""A queue, as the stage's file describes it: its priority alone, or all that can be said of it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, Strict, field_validator, model_validator
from pydantic_core import CoreSchema

from batchtab import limits
from batchtab.declarations.fields import Limit, StrictModel, invalid

_QUEUE = limits.QUEUE_DEFAULTS


def long_name(length: int | str) -> str:
    """Said of a queue whose whole name is longer than Batch takes."""
    return f"makes a queue's name of {length} characters: at most {limits.QUEUE_NAME_MAX}"


class SchedulingPolicy(StrictModel):
    """Fair shares of a queue: of those that wait, the share that has used least goes first.

    See https://docs.aws.amazon.com/batch/latest/APIReference/API_FairsharePolicy.html
    """

    share_decay_seconds: Annotated[int, Strict(), Limit(limits.SHARE_DECAY_SECONDS)] = Field(
        default=0, description="How long a share's past use counts against it; 0: only what runs now."
    )
    compute_reservation: Annotated[int, Strict(), Limit(limits.COMPUTE_RESERVATION)] = Field(
        default=0, description="Percent of max_vcpus kept for shares that have no job yet; the more shares, the less."
    )
    share_distribution: dict[Annotated[str, Limit(limits.SHARE_IDENTIFIER)], Annotated[float, Strict()]] = Field(
        default={},
        max_length=limits.SHARES_MAX,
        description="Share, or the beginning of its name and '*', to its weight: half of it gets twice as much.",
    )

    @field_validator("share_distribution")
    @classmethod
    def _validate_shares(cls, value: dict[str, float]) -> dict[str, float]:
        for name, weight in value.items():
            if refusal := limits.weight_refusal(weight):
                raise invalid(refusal, at=(name,), value=weight)
        if twins := limits.overlap(value):
            raise invalid(f"overlaps with {twins[1]}, and Batch requires each share in one place", at=(twins[0],))
        return value


class QueueFields(StrictModel):
    """What a queue has beside its priority.

    See https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateJobQueue.html
    """

    compute_environments: tuple[Annotated[str, Strict()], ...] = Field(
        default=_QUEUE["compute_environments"],
        min_length=1,
        json_schema_extra={"maxItems": limits.ENVIRONMENTS_PER_QUEUE_MAX},
        description="Names in environments, in the order in which they are tried; default is the one in environment.",
    )
    state: Annotated[str, Strict(), Limit(limits.STATE)] = Field(
        default=_QUEUE["state"], description="DISABLED takes no more jobs; waiting jobs continue."
    )
    runnable_timeout_seconds: Annotated[int, Strict(), Limit(limits.RUNNABLE_TIMEOUT_SECONDS)] | None = Field(
        default=None, description="In place of the environment's; left out: that."
    )
    scheduling_policy: SchedulingPolicy | None = Field(
        default=None, description="Fair shares; left out: first in, first out. Never changes for a queue that exists."
    )

    @model_validator(mode="after")
    def _validate_order(self) -> QueueFields:
        most = limits.ENVIRONMENTS_PER_QUEUE_MAX
        if len(self.compute_environments) > most:
            text = f"has {len(self.compute_environments)} environments: at most {most}"
            raise invalid(text, at=("compute_environments",))
        for index, name in enumerate(self.compute_environments):
            if name in self.compute_environments[:index]:
                raise invalid("is named twice", at=("compute_environments", index), value=name)
        return self


class Queue(QueueFields):
    """A job queue."""

    priority: Annotated[int, Strict(), Limit(limits.QUEUE_PRIORITY)] = Field(
        description="Among the queues of one environment the higher number goes first."
    )


def _from_priority(value: Any) -> Any:
    if isinstance(value, Queue | dict):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        hint = "write it without quotes" if isinstance(value, str) and value.isdecimal() else "5, or {priority: 5}"
        raise invalid("is not a whole number, nor a mapping (key: value)", hint, value=value)
    if refusal := limits.QUEUE_PRIORITY.refusal(value):
        raise invalid(refusal, value=value)
    return {"priority": value}


class _OrPriority:
    """Annotation of a queue in whose place its priority may be written."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        bounds = limits.QUEUE_PRIORITY
        return {"anyOf": [{"type": "integer", "minimum": bounds.minimum, "maximum": bounds.maximum}, handler(schema)]}


QueueOrPriority = Annotated[Queue, BeforeValidator(_from_priority), _OrPriority()]
