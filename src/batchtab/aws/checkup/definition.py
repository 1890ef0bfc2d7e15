"""Definition: a job definition as Batch describes it, and what its containers need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Definition:
    """A revision of a job definition. See https://docs.aws.amazon.com/batch/latest/APIReference/API_JobDefinition.html."""

    raw: Mapping[str, Any]

    @property
    def revision(self) -> int:
        """Its number."""
        return int(self.raw["revision"])

    @property
    def is_fargate(self) -> bool:
        """Whether its jobs run on Fargate."""
        return "FARGATE" in (self.raw.get("platformCapabilities") or ())

    @property
    def architecture(self) -> str:
        """The processor that it asks for, such as ARM64; empty if it asks for none."""
        found = (part.get("runtimePlatform") or {} for part in self._parts())
        return next((str(each["cpuArchitecture"]) for each in found if each.get("cpuArchitecture")), "")

    @property
    def role_arns(self) -> set[str]:
        """The roles of its program, and those that ECS starts its containers with."""
        names = ("jobRoleArn", "taskRoleArn", "executionRoleArn")
        return {part[name] for part in self._parts() for name in names if part.get(name)}

    @property
    def secrets(self) -> set[str]:
        """The secrets and parameters that ECS reads for its containers, each as the definition names it."""
        found: set[str] = set()
        for container in self._containers():
            listed = [*(container.get("secrets") or ())]
            listed += (container.get("logConfiguration") or {}).get("secretOptions") or ()
            found |= {each["valueFrom"] for each in listed}
            if registry := (container.get("repositoryCredentials") or {}).get("credentialsParameter"):
                found.add(registry)
        return found

    @property
    def images(self) -> set[str]:
        """The images of its containers."""
        return {container["image"] for container in self._containers() if container.get("image")}

    def _parts(self) -> Iterator[Mapping[str, Any]]:
        """What has roles and a platform: the one container, or the task, of each range of nodes."""
        nodes = (self.raw.get("nodeProperties") or {}).get("nodeRangeProperties") or ()
        for each in (self.raw, *nodes):
            if single := each.get("containerProperties") or each.get("container"):
                yield single
            yield from (each.get("ecsProperties") or {}).get("taskProperties") or ()

    def _containers(self) -> Iterator[Mapping[str, Any]]:
        for part in self._parts():
            yield from part.get("containers") or (part,)
