"""Which task comes before which: `>>`, `<<` and their like between tasks, lists and groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from batchtab.importers.kinds.airflow.model import Dag
from batchtab.importers.kinds.airflow.values import Arguments


@dataclass(slots=True)
class Group:
    """A TaskGroup.

    Attributes:
        id: Its id, with those of the groups around it.
        has_prefix: Whether the ids of its tasks begin with its own.
        outer: The group around it.
        tasks: The ids of its tasks, those of groups within it too.
        defaults: Its default_args.
    """

    id: str
    has_prefix: bool = True
    outer: Group | None = None
    tasks: list[str] = field(default_factory=list)
    defaults: Arguments = field(default_factory=Arguments)


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A task or a group in a dependency.

    Attributes:
        dag: Its DAG.
        id: Of the task or the group.
        group: The group, if it is one.
    """

    dag: Dag
    id: str
    group: Group | None = None

    @property
    def is_group(self) -> bool:
        """Whether it is a group."""
        return self.group is not None


class Dependencies:
    """The dependencies of a file.

    Attributes:
        names: Name of a variable to what it names.
    """

    def __init__(self) -> None:
        self.names: dict[str, list[Reference]] = {}
        self._pairs: list[tuple[Reference, Reference, str]] = []

    def add(self, before: Sequence[Reference], after: Sequence[Reference], place: str) -> None:
        """Each of `before` comes before each of `after`."""
        self._pairs += [(left, right, place) for left in before for right in after]

    def resolve(self) -> None:
        """Write them into the DAGs: before a group come its first tasks, after it its last ones."""
        # Those of groups come last: they need what is within the groups.
        for left, right, place in sorted(self._pairs, key=lambda pair: pair[0].is_group or pair[1].is_group):
            if left.dag is not right.dag:
                continue
            for before in _ends(left, is_last=True):
                for after in _ends(right, is_last=False):
                    if before != after:
                        left.dag.edges.setdefault((before, after), place)


def _ends(reference: Reference, *, is_last: bool) -> list[str]:
    """The tasks of a group that have no other of its tasks after them, or before them."""
    if reference.group is None:
        return [reference.id]
    own = set(reference.group.tasks)
    inner = {pair[0 if is_last else 1] for pair in reference.dag.edges if own.issuperset(pair)}
    return [each for each in dict.fromkeys(reference.group.tasks) if each not in inner]
