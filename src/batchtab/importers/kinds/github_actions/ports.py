"""Ports of a job's services: GitHub maps them, and in a job's one network each service keeps its own."""

from __future__ import annotations

from dataclasses import dataclass, field

from batchtab.importers.kinds.github_actions.values import Values
from batchtab.importers.node import Node
from batchtab.importers.source_file import plain

_SHARED = "a job's containers share one network"


@dataclass(slots=True)
class Ports:
    """The ports of one job's services, as they are read.

    Attributes:
        values: The job's, for expressions.
        taken: Port and protocol to the service that has it.
    """

    values: Values
    taken: dict[str, str] = field(default_factory=dict)

    def leave(self, service: Node, *, has_container: bool) -> None:
        """Report a service's ports.

        Args:
            service: It.
            has_container: Whether the job's steps run in a container, which reaches the service's own ports.
        """
        given = plain(service.data.get("ports"))
        if not isinstance(given, list):
            service.leave("ports", _SHARED, "correct the source" if given else "")
            return
        service.take("ports")
        name = service.path.rpartition(".")[2]
        for index, each in enumerate(given):
            why, todo = self._result(name, self.values.filled(str(each)), has_container=has_container)
            service.recorder.not_carried(f"{service.name('ports')}[{index}]", each, why, todo)

    def _result(self, service: str, text: str, *, has_container: bool) -> tuple[str, str]:
        if "${{" in text:
            return "only GitHub knows it", f"use the port on which {service} itself listens"
        mapping, _, protocol = text.partition("/")
        outer, _, own = mapping.rpartition(":")
        outer = outer.rpartition(":")[2]
        other = self.taken.setdefault(f"{own}/{protocol or 'tcp'}", service)
        if other != service:
            why = f"{_SHARED}, in which {other} has port {own} already"
            return why, f"let {service} listen on another port, and use that one in the command"
        if outer and outer != own and not has_container:
            why = f"{_SHARED}, in which {service} is at localhost:{own}, not at localhost:{outer}"
            return why, f"use port {own} in place of {outer}, in the command and in environment"
        return _SHARED, ""
