"""What starts jobs: targets of EventBridge rules, and schedules of EventBridge Scheduler."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from batchtab import limits
from batchtab.importers.findings import Findings, Recorder
from batchtab.importers.kinds.batch import request
from batchtab.importers.kinds.batch.node import BatchNode, WrongValueError, mappings, whole


@dataclass(slots=True)
class Trigger:
    """One thing that starts a job.

    Attributes:
        name: The rule's or the schedule's name.
        job_name: What submitted jobs are called; empty: as the definition.
        definition: The definition that it names: a name or an ARN.
        queue: The queue's name or ARN.
        node: Its properties.
        target: The target's.
        group: The schedule's group; empty for a rule.
        is_schedule: Whether it is one of EventBridge Scheduler.
        is_first: Whether it is its rule's first target; what the rule says is recorded once.
        role: ARN of the role with which it submits.
        request: What a schedule sends; None for a rule.
        settings: Those of its job, once they are read.
    """

    name: str
    job_name: str
    definition: str
    queue: str
    node: BatchNode
    target: BatchNode
    group: str = ""
    is_schedule: bool = False
    is_first: bool = True
    role: str = ""
    request: BatchNode | None = None
    settings: dict[str, Any] = field(default_factory=dict)


def of_rule(node: BatchNode, name: str) -> list[Trigger]:
    """The targets of a rule that are job queues of Batch."""
    found: list[Trigger] = []
    for index, item in enumerate(mappings(node.raw("targets"))):
        target = BatchNode(item, node.recorder, f"{node.name('targets')}[{index}]")
        batch = target.raw("batchParameters")
        if not isinstance(batch, dict):
            continue
        batch_node = BatchNode(batch, node.recorder)
        found.append(
            Trigger(
                name,
                batch_node.text("jobName"),
                batch_node.reference("jobDefinition"),
                target.reference("arn"),
                node,
                target,
                is_first=not found,
                role=target.reference("roleArn") or node.reference("roleArn"),
            )
        )
    return found


def of_schedule(node: BatchNode, name: str) -> Trigger | None:
    """A schedule whose target is Batch's SubmitJob; None for another one."""
    target = BatchNode(node.raw("target"), node.recorder, node.name("target"))
    if not target.text("arn").lower().endswith(":aws-sdk:batch:submitjob"):
        return None
    asked = request.parsed(target.raw("input") or "{}", quiet(), target.name("input"))
    return Trigger(
        name,
        asked.text("jobName"),
        asked.reference("jobDefinition"),
        asked.reference("jobQueue"),
        node,
        target,
        group=node.text("groupName") or "default",
        is_schedule=True,
        request=asked,
        role=target.reference("roleArn"),
    )


def read(trigger: Trigger, definition: dict[str, Any], recorder: Recorder) -> dict[str, Any]:
    """A definition's settings with what the trigger's target says in their place."""
    target = BatchNode(trigger.target.data, recorder, trigger.target.path)
    if trigger.is_schedule:
        target.carry("arn", "what every schedule of a job calls")
        asked = request.parsed(target.take("input") or "{}", recorder, target.name("input"))
        _identity(asked)
        changed = request.apply(asked, definition)
    else:
        changed = _of_target(target, definition)
    target.change("roleArn", "the stage has a role that submits jobs")
    _delivery(target, changed)
    target.rest()
    return changed


def _of_target(target: BatchNode, definition: dict[str, Any]) -> dict[str, Any]:
    target.change("id", "Terraform names the target")
    target.take("arn")  # `jobs` records it, with what it has
    batch = target.child("batchParameters")
    _identity(batch)
    own: dict[str, Any] = {key: batch.take(key) for key in ("arrayProperties", "retryStrategy") if key in batch}
    batch.rest()
    changed = request.apply(BatchNode(own, batch.recorder, batch.path), definition)
    if target.raw("input") is not None:
        changed = request.apply(request.parsed(target.take("input"), target.recorder, target.name("input")), changed)
    if target.raw("inputTransformer") is not None:
        changed = request.apply(request.transformed(target.child("inputTransformer")), changed)
    target.leave("inputPath", "a job gets nothing of the event", f"read {limits.RUN_VARIABLES['scheduled_time']}")
    return changed


def _identity(asked: BatchNode) -> None:
    asked.change("jobName", "the job's name")
    asked.change("jobDefinition", "the job's own, in its newest revision")
    asked.take("jobQueue")  # `jobs` records it, with what it has


def _delivery(target: BatchNode, changed: dict[str, Any]) -> None:
    """How long AWS tries to submit, and where it puts what it could not."""
    letters = target.child("deadLetterConfig")
    letters.change("arn", "the stage has a queue for what could not be submitted")
    letters.rest()
    policy = target.child("retryPolicy")
    policy.change("maximumRetryAttempts", "delivery is tried for as long as a run may come late")
    try:
        age = whole(policy.raw("maximumEventAgeInSeconds") or limits.DELIVERY_RETRY_AGE_SECONDS.maximum)
    except WrongValueError:
        age = limits.DELIVERY_RETRY_AGE_SECONDS.maximum
    if limits.DELIVERY_RETRY_AGE_SECONDS.minimum <= age < limits.DELIVERY_RETRY_AGE_SECONDS.maximum:
        policy.carry("maximumEventAgeInSeconds", "starting_deadline_seconds")
        changed["starting_deadline_seconds"] = age
    else:
        policy.change("maximumEventAgeInSeconds", "delivery is tried until the next run, an hour at most")
    policy.rest()


def others(trigger: Trigger, recorder: Recorder) -> list[BatchNode]:
    """A rule's targets that are not Batch."""
    node = trigger.node
    items = [] if trigger.is_schedule else mappings(node.raw("targets"))
    found = [BatchNode(item, recorder, f"{node.name('targets')}[{index}]") for index, item in enumerate(items)]
    return [each for each in found if not isinstance(each.raw("batchParameters"), dict)]


def quiet() -> Recorder:
    """A recorder whose findings nobody reads: of a rule's second target, what the rule says is recorded already."""
    return Recorder(Findings())
