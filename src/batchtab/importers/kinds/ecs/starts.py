"""What starts a task, whatever tool describes it."""

from __future__ import annotations

from dataclasses import dataclass

from batchtab.importers.kinds.ecs.loose import Part


@dataclass(frozen=True, slots=True)
class Start:
    """A target of a rule or schedule that runs a task.

    Attributes:
        name: What the job is called after.
        trigger: The rule or schedule.
        target: Its target; for ecschedule the same mapping.
        task: The task definition; None where the sources do not have it.
        task_name: Its family or ARN, as the target says it.
        unused: Keys of the trigger that are read elsewhere, such as its list of targets.
    """

    name: str
    trigger: Part
    target: Part
    task: Part | None
    task_name: str
    unused: tuple[str, ...] = ()
