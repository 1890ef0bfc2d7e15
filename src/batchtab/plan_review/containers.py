"""What a job definition says of its containers: the job's own, those beside it, and on how many nodes they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchtab.main_container import main_container, task_of
from batchtab.plan_review.container import Container, short_image
from batchtab.plan_review.resource import Resource

#: What a task calls otherwise than the properties of a single container.
_OTHERWISE = {"taskRoleArn": "jobRoleArn"}


@dataclass(frozen=True)
class Containers:
    """A job's containers.

    Attributes:
        main: The job's own.
        beside: The others by name, each with whether the job ends with it.
        nodes: On how many instances they run at once.
    """

    main: Container
    beside: Mapping[str, tuple[Container, bool]]
    nodes: int = 1

    @classmethod
    def read(cls, definition: Resource, *, after: bool) -> Containers | None:
        """Those of a job definition; None where nothing of them can be read."""
        on_nodes = definition.document("node_properties", after=after) or {}
        job = {
            "containerProperties": definition.document("container_properties", after=after),
            "ecsProperties": definition.document("ecs_properties", after=after),
            "nodeProperties": on_nodes,
        }
        main = main_container(job)
        if not main:
            return None
        ranges = on_nodes.get("nodeRangeProperties") or [{}]
        task = task_of(job) or task_of(ranges[0])
        beside = [each for each in task.get("containers", []) if each is not main]
        return cls(
            main=Container.read({**_of_task(task), **main}),
            beside={
                str(each.get("name", "")): (Container.read(each), bool(each.get("essential", True))) for each in beside
            },
            nodes=int(on_nodes.get("numNodes") or 1),
        )

    @property
    def vcpus(self) -> float:
        """Of all containers on all nodes."""
        return self.nodes * (self.main.vcpus + sum(each.vcpus for each, _ in self.beside.values()))

    @property
    def memory_mib(self) -> int:
        """Of all containers on all nodes."""
        return self.nodes * (self.main.memory_mib + sum(each.memory_mib for each, _ in self.beside.values()))

    def rows(self) -> dict[str, str]:
        """What is shown of nodes and of the containers beside the job's own, by name."""
        said = {"nodes": str(self.nodes)} if self.nodes > 1 else {}
        return said | {f"container {name}": _words(*each) for name, each in self.beside.items()}


def _of_task(task: Mapping[str, Any]) -> dict[str, Any]:
    """What a task says for all its containers, as the properties of a single one say it."""
    said = {
        _OTHERWISE.get(key, key): value for key, value in task.items() if key not in {"containers", "platformVersion"}
    }
    version = task.get("platformVersion")
    return said | ({"fargatePlatformConfiguration": {"platformVersion": version}} if version else {})


def _words(container: Container, essential: bool) -> str:
    sizes = [f"{container.vcpus:g} vCPU"] if container.vcpus else []
    sizes += [f"{container.memory_mib} MiB"] if container.memory_mib else []
    said = [short_image(container.image), container.command, *sizes]
    said += ["the job ends with it"] if essential else []
    said += [] if container.read_only else ["root filesystem can be written"]
    said += [f"{name}: {text}" for name, text in container.settings.items()]
    return "; ".join(filter(None, said))
