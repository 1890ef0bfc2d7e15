"""DAGs as they are read, from Python or YAML alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from batchtab.importers.kinds.airflow.values import Arguments

PYTHON = "python"


@dataclass(slots=True)
class Task:
    """A task of a DAG.

    Attributes:
        id: Its task_id, with the ids of its groups before it.
        operator: The class, without its module, or the decorator: `BashOperator`, `@task`.
        arguments: What it is made with.
        place: File and line.
        callable: For Python: the function, as `module.name` if it is imported, or its name.
        is_mapped: Whether `expand` makes as many as its input has.
    """

    id: str
    operator: str
    arguments: Arguments
    place: str
    callable: str = ""
    is_mapped: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of a file that cannot be read without running it.

    Attributes:
        place: File and line.
        what: The field or the statement.
        value: Its text.
        why: Why it is not carried.
        todo: What a person has to do.
    """

    place: str
    what: str
    value: Any
    why: str
    todo: str


@dataclass(slots=True)
class Dag:
    """A DAG.

    Attributes:
        id: Its dag_id.
        place: File and line.
        arguments: What it is made with, without default_args.
        defaults: default_args, and those of its groups by the group's id.
        tasks: By id, in the order of the file.
        edges: Upstream and downstream task to place.
        problems: What could not be read.
    """

    id: str
    place: str
    arguments: Arguments
    defaults: Arguments = field(default_factory=Arguments)
    tasks: dict[str, Task] = field(default_factory=dict)
    edges: dict[tuple[str, str], str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def upstream(self, task: str) -> list[str]:
        """The tasks that come directly before one."""
        return [before for before, after in self.edges if after == task]
